/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef HWSAFE_GUARDIAN_LAST_WORDS_INTERNAL_H
#define HWSAFE_GUARDIAN_LAST_WORDS_INTERNAL_H

#include "guardian/last-words.h"

struct last_words;

/* Of one context at a time: -EBUSY while another has it. What stands there stays. */
HWS_MUST int last_words_open(int root, const char *path, struct last_words **ret_words);
void last_words_close(struct last_words *words); /* NULL does nothing */

/*
 * Written and synced when it returns 0: then the access may begin. *ret_slot is for
 * last_words_over(). Any thread.
 */
HWS_MUST int last_words_say(struct last_words *words, const struct hws_access *access,
			    uint32_t *ret_slot);
/* The access is over. Not synced: who dies of the next one has that to tell. */
void last_words_over(struct last_words *words, uint32_t slot);

#endif
