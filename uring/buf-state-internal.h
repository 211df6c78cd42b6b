/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The word that says who owns a buffer, and the step from one owner to the next.
 *
 * A slot's state is one word: generation (32 bits), owner (3), by (29). By is the operation's or
 * the domain's number; while the user owns it, of the view: thread (22 bits),
 * may write (1), how many (6).
 *
 * A handle is good while its generation is the state's and its slot number the slot's name. The
 * name's low bits are the place in the table; when a slot's 2^32 generations are used up, its
 * name goes on to the next lap in the bits above.
 */
#ifndef HWSAFE_URING_BUF_STATE_INTERNAL_H
#define HWSAFE_URING_BUF_STATE_INTERNAL_H

#include <stdatomic.h>

#include "uring/buf.h"

struct buf_slot {
	_Atomic uint64_t state;
	void *address; /* this and what follows next is set before the slot's first handle */
	_Atomic uint32_t name;
	_Atomic uint32_t next; /* on the list: the next one's place + 1; 0: the last; else: below */
	uint32_t size;
	uint8_t region;
	uint8_t class_;
	uint8_t key;  /* 0: none */
	uint8_t shut; /* closed beyond its key; the owner's to read and write */
};

/* In `next` of a buffer that is not on the list: a device has it mapped; and it is free by now. */
#define BUF_KEPT   UINT32_MAX
#define BUF_PARKED (UINT32_MAX - 1)

/* How each struct hws_pool begins. */
struct pool_head {
	struct buf_slot *slots;
	uint32_t mask; /* of a slot's place in its name */
	bool shuts;    /* hand-overs close memory beyond its key */
};

/* Operations and domains are told apart by numbers up to this. */
#define BUF_BY_MAX ((UINT32_C(1) << 29) - 1)

enum { BUF_BY_BITS = 29, BUF_VIEWS = 63, BUF_WRITES = 64, BUF_THREAD_SHIFT = 7 };

static inline uint64_t buf_word(uint32_t generation, enum hws_owner owner, uint32_t by)
{
	return (uint64_t)generation << 32 | (uint64_t)owner << BUF_BY_BITS | by;
}

static inline uint32_t buf_generation(uint64_t word)
{
	return (uint32_t)(word >> 32);
}

static inline enum hws_owner buf_owner(uint64_t word)
{
	return (enum hws_owner)((uint32_t)word >> BUF_BY_BITS);
}

static inline uint32_t buf_by(uint64_t word)
{
	return (uint32_t)word & BUF_BY_MAX;
}

static inline struct buf_slot *buf_slot(struct hws_pool *pool, struct hws_buf buf)
{
	const struct pool_head *head = (const struct pool_head *)pool;

	return &head->slots[buf.slot & head->mask];
}

/* One edge: the buffer goes from @from to @to if it stands there now. */
static inline bool buf_step(struct buf_slot *slot, struct hws_buf buf, uint64_t from, uint64_t to)
{
	/*
	 * The name changes only with the last generation, and then under a state that no handle
	 * matches; relaxed: the exchange decides. Acquire: what the one before did to the memory
	 * comes before; release: what we did to it comes before the next one's.
	 */
	return atomic_load_explicit(&slot->name, memory_order_relaxed) == buf.slot &&
	       atomic_compare_exchange_strong_explicit(&slot->state, &from, to,
						       memory_order_acq_rel, memory_order_relaxed);
}

#endif
