/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The files of a trail: FILE, FILE.1 (older) … FILE.99 (oldest), FILE.head, FILE.lock. */
#ifndef HWSAFE_GUARDIAN_AUDIT_FILES_INTERNAL_H
#define HWSAFE_GUARDIAN_AUDIT_FILES_INTERNAL_H

#include "guardian/audit-chain-internal.h"

enum { FILES_KEEP_MAX = 99, FILES_NAME = 256 };

/* Which one: 0 is FILE, i is FILE.i. */
enum files_other {
	FILES_NEW = -1, /* FILE.new: FILE before it has its name */
	FILES_HEAD = -2,
	FILES_HEAD_NEW = -3,
	FILES_LOCK = -4,
};

struct files {
	int dir;
	char name[FILES_NAME - 16];
};

/* The last line that is surely there, and the first that was not dropped by rotation. */
struct files_head {
	struct chain chain;
	uint64_t first;
};

/* One line, or what stands behind the last one. */
struct files_line {
	const char *file; /* its name */
	int which;
	uint64_t number; /* from 1 */
	uint64_t offset;
	const char *bytes;
	size_t length; /* without the newline */
	bool whole;    /* it has one */
};

HWS_MUST int files_open(struct files *files, const char *sysroot, const char *path);
void files_close(struct files *files);
const char *files_name(const struct files *files, int which, char name[FILES_NAME]);
/* Refuses what is no regular file. With O_CREAT the mode is 0600. */
HWS_MUST int files_open_one(const struct files *files, int which, int flags);
HWS_MUST int files_rename(const struct files *files, int from, int to);
/* Calls @call for each line of each file, oldest first, until it gives something but 0. */
HWS_MUST int files_walk(const struct files *files,
			int (*call)(const struct files_line *line, void *context), void *context);
/* The n of a file's first line. */
HWS_MUST int files_first(const struct files *files, int which, uint64_t *ret_n);
/* -ENOENT: none; -EBADMSG: not what was written. */
HWS_MUST int files_head_read(const struct files *files, const struct chain_key *key,
			     struct files_head *ret_head);
HWS_MUST int files_head_write(const struct files *files, const struct chain_key *key,
			      const struct files_head *head, bool fsync);

#endif
