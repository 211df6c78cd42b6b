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

static inline struct buf_slot *buf_slot_in(const struct pool_head *head, struct hws_buf buf)
{
	return &head->slots[buf.slot & head->mask];
}

static inline struct buf_slot *buf_slot(struct hws_pool *pool, struct hws_buf buf)
{
	return buf_slot_in((const struct pool_head *)pool, buf);
}

/* The word of a buffer that the user owns and doesn't view. */
static inline uint64_t buf_user(struct hws_buf buf)
{
	return buf_word(buf.generation, HWS_OWNER_USER, 0);
}

/* What is added to that while it is the kernel's, for operation @op. */
static inline uint64_t buf_lent(uint32_t op)
{
	return buf_word(0, HWS_OWNER_KERNEL - HWS_OWNER_USER, op);
}

/* Is it still the slot's name? It changes with the last generation only. */
/*@ requires \valid_read(slot);
  @ assigns \nothing;
  @ ensures \result <==> slot->name == name; */
static inline bool buf_is_named(const struct buf_slot *slot, uint32_t name)
{
	/* relaxed: while it changes no handle matches the state, and that decides */
	return atomic_load_explicit(&slot->name, memory_order_relaxed) == name;
}

/* One edge, the name being right: from @from to @to if it stands there now. */
/*@ requires \valid(slot);
  @ assigns slot->state;
  @ ensures \result <==> \old(slot->state) == from;
  @ ensures slot->state == (\result ? to : \old(slot->state)); */
static inline bool buf_exchange(struct buf_slot *slot, uint64_t from, uint64_t to)
{
	/*
	 * Acquire: what the one before did to the memory comes before; release: what we did to it
	 * comes before the next one's.
	 */
	return atomic_compare_exchange_strong_explicit(&slot->state, &from, to,
						       memory_order_acq_rel, memory_order_relaxed);
}

/* One edge: the buffer goes from @from to @to if it stands there now. */
/*@ requires \valid(slot);
  @ assigns slot->state;
  @ ensures \result <==> slot->name == buf.slot && \old(slot->state) == from;
  @ ensures slot->state == (\result ? to : \old(slot->state)); */
static inline bool buf_step(struct buf_slot *slot, struct hws_buf buf, uint64_t from, uint64_t to)
{
	return buf_is_named(slot, buf.slot) && buf_exchange(slot, from, to);
}

/*
 * The edge back from kernel(op) to @user, for the ring that lent it by adding @lent, where it lies
 * being known: nobody else moves a buffer on from there, so what is read stays true until it is
 * written, and no exchange is needed. False: it isn't there.
 */
/*@ requires \valid(slot) && user + lent <= UINT64_MAX;
  @ assigns slot->state;
  @ ensures \result <==> \old(slot->state) == user + lent;
  @ ensures slot->state == (\result ? user : \old(slot->state)); */
static inline bool buf_step_back(struct buf_slot *slot, uint64_t user, uint64_t lent)
{
	/* relaxed: this thread wrote it; the kernel's bytes came with the completion */
	if (atomic_load_explicit(&slot->state, memory_order_relaxed) != user + lent)
		return false;
	/* release: pairs with buf_step()'s acquire; what was done to the memory comes before */
	atomic_store_explicit(&slot->state, user, memory_order_release);
	return true;
}

#endif
