/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A table of handles: a value that names a slot and the slot's generation. A
 * slot's word is its generation and its state in one, and only counts up:
 * FREE -> CLAIMED -> LIVE -> the next FREE. So a handle stands for one thing,
 * ends once, and every transition has one winner; no call ever waits. A slot
 * whose generations are used up is retired: no word comes again.
 */
#ifndef HWSAFE_GUARDIAN_HANDLES_INTERNAL_H
#define HWSAFE_GUARDIAN_HANDLES_INTERNAL_H

#include <stdatomic.h>

#include "shim/base.h"

/* All zero is none. */
struct handle {
	uint64_t id; /* the table, the slot */
	uint64_t generation;
};

/* What a handle stands for: two words of its owner's. */
struct handle_value {
	uint64_t kind;
	uint64_t value;
};

struct handle_slot {
	_Atomic uint64_t word;
	_Atomic uint64_t kind;
	_Atomic uint64_t value;
	uint64_t apart;
};

struct handles {
	struct handle_slot *slots; /* owned */
	uint32_t count;
	uint32_t owner; /* differs between tables, so that foreign handles are known */
	_Atomic uint64_t stale;
};

/* 0; -EINVAL: no slots; -ENOMEM. */
HWS_MUST int handles_init(struct handles *handles, uint32_t count);
/* Nobody may use it any more. */
void handles_fini(struct handles *handles);
/* A slot for this thread to publish or to drop; NULL: all are taken. */
HWS_MUST struct handle_slot *handles_claim(struct handles *handles);
struct handle handles_publish(struct handles *handles, struct handle_slot *slot,
			      struct handle_value value);
void handles_drop(struct handle_slot *slot);
/*
 * What the handle stands for. Another thread may end it right after: then the value is what
 * it stood for. -ESTALE, counted: it ended before, is another table's, or never was.
 */
HWS_MUST int handles_find(struct handles *handles, struct handle handle,
			  struct handle_value *ret_value);
/* Ends the handle and tells what it stood for, to one caller; -ESTALE, counted, to any other. */
HWS_MUST int handles_end(struct handles *handles, struct handle handle,
			 struct handle_value *ret_value);
/* How many stale handles were met. */
uint64_t handles_stale(const struct handles *handles);

#endif
