/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Last words: before a risky access a record of it is written and synced to
 * a file, and marked when the access is over. After a hang, a reset or a kill
 * the file tells what was touched last.
 *
 *	options.last_words = "/var/lib/hwsafe/last-words";
 *	bar = 1234:11e8 0 rw, last-words             in the policy: which accesses are risky
 *
 *	struct hws_last_words words[HWS_LAST_WORDS];
 *	int n = hws_last_words_read(NULL, "/var/lib/hwsafe/last-words", words, HWS_LAST_WORDS);
 *
 *	for (int i = 0; i < n; i++)
 *		if (!words[i].over)
 *			…                            words[i].access was never heard of again
 *
 * A sync takes milliseconds: this is for accesses that are few.
 */
#ifndef HWSAFE_GUARDIAN_LAST_WORDS_H
#define HWSAFE_GUARDIAN_LAST_WORDS_H

#include "access.h"

HWS_BEGIN_DECLS

/** HWS_LAST_WORDS - how many records a file keeps; those of accesses that ended go first. */
#define HWS_LAST_WORDS 64

/** struct hws_last_words - one record. */
struct hws_last_words {
	uint64_t sequence; /* from 1; it goes on where the file stopped */
	uint64_t time_ns;  /* CLOCK_REALTIME */
	uint32_t pid;
	bool over; /* the access ended, well or with an error */
	/* kind, rights (HWS_R or HWS_W), first, last, bdf, bar, cpu, width, value */
	struct hws_access access;
};

/**
 * hws_last_words_read() - what a file tells; also one that a context has open.
 * @sysroot: borrowed; the file is opened below it; NULL: the real root
 * @path: borrowed; the file
 * @ret_words: out; the records, the latest first; untouched on failure
 * @size: how many of them there is room for
 *
 * Return: how many were stored; -EBADMSG when it is no such file; -EINVAL; or what opening or
 * reading gave, -ENOENT among them.
 */
HWS_API HWS_MUST int hws_last_words_read(const char *sysroot, const char *path,
					 struct hws_last_words *ret_words, uint32_t size);

HWS_END_DECLS

#endif
