/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A helper with a trail, and what is expected to stand there. */
#ifndef HWSAFE_TESTS_HELPER_SERVE_TRAIL_H
#define HWSAFE_TESTS_HELPER_SERVE_TRAIL_H

#include "tests/helper/serve-kit.h"

enum { EVENTS = 512 };
enum { NO_CODE = 1 }; /* any */

/* A helper with a trail, which may look into processes to say what programs they are. */
struct scene {
	struct daemon daemon;
	char trail[64];
	const char *arguments[12];
	struct hws_event events[EVENTS];
	unsigned int count;
};

/* What an event must be; zero: anything, but for the code. */
struct expected {
	enum hws_event_type type;
	enum hws_reason reason;
	int code;
	uint64_t first; /* address */
	uint32_t rule;	/* from 1 */
	const char *text;
	bool program; /* this one is named */
};

/* Until its end @more may not go away; it ends with NULL, or is none. */
void trail_begin(struct scene *scene, const char *policy, const char *const *more);
void trail_end(struct scene *scene);
/* How many there are now; @pid 0: of whomever. */
unsigned int trail_count(struct scene *scene, const struct expected *expected, pid_t pid);
/* Waits: some of it is written when the helper has seen what its client did. */
bool trail_has(struct scene *scene, struct expected expected, unsigned int times, pid_t pid);
void trail_has_all(struct scene *scene, const struct expected *expected, size_t number, pid_t pid);

#endif
