/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The journal of a transaction: text, a line for each register before it is written. It outlives
 * its process, not the machine: after a reset there is nothing to restore. Who has it open holds
 * its lock.
 */
#ifndef HWSAFE_HW_JOURNAL_INTERNAL_H
#define HWSAFE_HW_JOURNAL_INTERNAL_H

#include "guardian/access.h"

struct journal {
	int dir; /* where it lies */
	int fd;
	char name[256];
};

#define JOURNAL_NONE ((struct journal) { .dir = -1, .fd = -1 })

/* Makes the file, which must not exist. */
HWS_MUST int journal_make(struct journal *journal, const char *path);
/* Of a register: its place, value (new) and old. All of it is in the file, or it failed. */
HWS_MUST int journal_add(struct journal *journal, const struct hws_access *access);
HWS_MUST int journal_remove(struct journal *journal);
/* The file stays. */
void journal_close(struct journal *journal);

/* Opens what a dead process left, and gives its registers; free() them. */
HWS_MUST int journal_open(struct journal *journal, const char *path,
			  struct hws_access **ret_registers, uint32_t *ret_count);

#endif
