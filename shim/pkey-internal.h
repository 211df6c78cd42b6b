/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Protection keys: memory of a key is closed to every thread until that thread
 * opens the key for itself, by one register write.
 *
 * What a process has of them is taken once and shared by all that use them: 15
 * at most, one of which is left to the program. Threads start with them
 * closed, but for one thing: a thread inherits what its creator has open.
 */
#ifndef HWSAFE_SHIM_PKEY_INTERNAL_H
#define HWSAFE_SHIM_PKEY_INTERNAL_H

#include "shim/base.h"

enum { PKEY_MOST = 15 };

/* The keys of this process: some to open and close, one that nobody ever opens to touch. */
struct pkey_set {
	uint32_t count; /* at least 1 */
	uint8_t keys[PKEY_MOST];
	uint8_t locked;
};

/*
 * Takes them the first time. *ret_set is for ever. 0; -EOPNOTSUPP: processor, kernel or build have
 * none; -ENOSPC: the program took them; -EMFILE: as fault_arm().
 */
HWS_MUST int pkey_take(const struct pkey_set **ret_set);

/* Opens a key for this thread, for reading or also for writing; counted, so it nests. */
void pkey_open(uint32_t key, bool write);
/* Takes back one pkey_open() of the same kind; with the last the key is closed. */
void pkey_close(uint32_t key, bool write);
/* Closes all that this thread has inherited; for its first use of them. */
void pkey_start(void);

#endif
