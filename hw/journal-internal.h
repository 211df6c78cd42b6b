/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The journal of a transaction: text, a line for each register before it is written. It outlives
 * its process, not the machine: after a reset there is nothing to restore, and the journal names
 * the start of the machine that it is of. Each line ends with a sum of all before it, so that what
 * was changed or is missing in between shows. Who has it open holds its lock.
 */
#ifndef HWSAFE_HW_JOURNAL_INTERNAL_H
#define HWSAFE_HW_JOURNAL_INTERNAL_H

#include "guardian/access.h"

struct journal {
	int dir; /* where it lies */
	int fd;
	bool torn;    /* a line was begun and could not be written: it takes no more */
	uint64_t sum; /* of all lines so far */
	char name[256];
};

#define JOURNAL_NONE ((struct journal) { .dir = -1, .fd = -1, .sum = JOURNAL_SUM })

/* Makes the file, which must not exist. */
HWS_MUST int journal_make(struct journal *journal, const char *path);
/* Of a register: its place, value (new) and old. All of it is in the file, or it failed. */
HWS_MUST int journal_add(struct journal *journal, const struct hws_access *access);
/* And closes it. Where it can't be removed it is as before. */
HWS_MUST int journal_remove(struct journal *journal);
/* The file stays. */
void journal_close(struct journal *journal);

/*
 * Opens what a dead process left, and gives its registers; free() them. All of it makes sense, or
 * nothing is given: -EBADMSG it is no whole journal; -EACCES somebody else may have made it; -EBUSY
 * its transaction is alive; -ESTALE it is of another start of the machine, or of another machine.
 */
HWS_MUST int journal_open(struct journal *journal, const char *path,
			  struct hws_access **ret_registers, uint32_t *ret_count);

/* Of some more bytes (FNV-1a). It finds accidents; who may write the file is checked instead. */
#define JOURNAL_SUM UINT64_C(0xcbf29ce484222325)
static inline uint64_t journal_sum(uint64_t sum, const char *text)
{
	for (; *text; text++)
		sum = (sum ^ (unsigned char)*text) * UINT64_C(0x100000001b3);
	return sum;
}

#endif
