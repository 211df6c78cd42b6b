/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the tests of the audit trail share. */
#ifndef HWSAFE_TESTS_GUARDIAN_TEST_AUDIT_COMMON_H
#define HWSAFE_TESTS_GUARDIAN_TEST_AUDIT_COMMON_H

#include "guardian/audit-internal.h"
#include "tests/suite.h"

enum { FILE_MAX = 1 << 20, KEPT = 64 };

/* Where the files of this test are: checks run in children, so each has its own. */
extern char folder[64];
extern char path[96];

/* Keeps what it is given. */
struct kept {
	unsigned int count;
	uint64_t lost;
	struct hws_event events[KEPT];
};

/* What verification found. */
struct found {
	int result;
	unsigned int of[5]; /* by verdict */
	uint64_t line;	    /* of the first */
	uint64_t count;
	unsigned int all;
};

/* A file in memory, to be changed and put back. */
struct image {
	size_t size;
	char bytes[FILE_MAX];
};

struct hws_audit *open_with(struct hws_audit_options options);
void record_one(struct hws_audit *audit, enum hws_level level, enum hws_kind kind,
		enum hws_reason reason);
int keep(const struct hws_event *event, void *context);
struct kept ask(struct hws_audit *audit, struct hws_audit_filter filter);
void set_up(void);
void tear_down(void);
const char *beside(const char *suffix);
int try_open(struct hws_audit_options options, struct hws_audit **ret_audit);
struct hws_audit *open_file(struct hws_audit_options options);
void record_many(struct hws_audit *audit, uint64_t first, uint64_t count);
void write_trail(uint64_t count);
struct found verify_with(const char *key, uint32_t size);
struct found verify(void);
void expect_whole(void);
struct image *load(const char *name);
void store(const char *name, const char *bytes, size_t size);
/* Where line @n (from 0) begins; also past the last. */
size_t line_at(const struct image *image, unsigned int n);
uint64_t read_back(void);
int count_event(const struct hws_event *event, void *context);
int find_lost(const struct hws_event *event, void *context);

#endif
