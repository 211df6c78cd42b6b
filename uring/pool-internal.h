/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What a pool is made of.
 *
 * memory   guard | class 0 | guard | class 1 | guard …     MADV_DONTFORK
 * table    the classes' free lists, then a struct buf_slot for each buffer; MADV_WIPEONFORK, so
 *          that in a child nothing is free and every handle is stale
 *
 * A slot's state is one word: generation (32 bits), owner (3), by (29). By is the operation's or
 * the domain's number; while the user owns it, of the view: thread (22 bits),
 * may write (1), how many (6).
 *
 * A handle is good while its generation is the state's and its slot number the slot's name. The
 * name's low bits are the place in the table; when a slot's 2^32 generations are used up, its
 * name goes on to the next lap in the bits above.
 *
 * Free buffers are a stack: the head's upper half counts takes, so that a take that was
 * interrupted notices that the stack is another by now. Buffers that were never taken are not
 * on it; they come when it is empty. So the number of those that were ever taken is the peak.
 */
#ifndef HWSAFE_URING_POOL_INTERNAL_H
#define HWSAFE_URING_POOL_INTERNAL_H

#include <stdatomic.h>

#include "uring/buf-internal.h"
#include "uring/charge-internal.h"
#include "uring/pool.h"

#define BUF_UNIT_SHIFT 12 /* slots are found by their distance from the base in 4 KiB */

struct buf_slot {
	_Atomic uint64_t state;
	_Atomic uint32_t name;
	_Atomic uint32_t next; /* free: the next one's place + 1; 0: the last */
	uint32_t unit; /* where it lies; this and what follows is set before its first handle */
	uint8_t region;
	uint8_t class_;
	uint8_t key;  /* 0: none */
	uint8_t shut; /* closed beyond its key; the owner's to read and write */
};

/* A free list; in the table. */
struct pool_list {
	_Alignas(64) _Atomic uint64_t head; /* takes << 32 | place + 1 of the first */
	_Atomic uint32_t unused;	    /* never taken so far */
	_Atomic uint32_t waiters;
	uint32_t event;	       /* a futex; changes with each give that somebody may wait for */
	_Atomic uint32_t here; /* 0: wiped, this is a child of fork() */
	_Atomic uint64_t failed;
	_Atomic uint64_t waited;
};

/* Where a class lies; never changes. */
struct pool_class {
	uint64_t size;
	uint64_t offset; /* from the base */
	uint32_t first;	 /* its first slot */
	uint32_t count;
	uint32_t first_region;
	uint32_t per_region; /* slots */
	uint32_t run;	     /* neighbours of one key: 1 << run */
};

struct pkey_set;

/* The last stray touch; written in a signal's handler. */
struct pool_stray {
	_Atomic uint32_t busy; /* odd: being written; 0: none yet */
	struct hws_stray stray;
};

struct hws_pool {
	char *base; /* of the memory, its first guard page */
	struct buf_slot *slots;
	struct pool_list *lists;
	uint32_t mask; /* of a slot's place in its name */
	uint32_t classes;
	struct pool_class class_[HWS_POOL_CLASSES];

	const struct pkey_set *keys; /* NULL: none */
	bool shuts;		     /* hand-overs close memory beyond its key */
	bool zero;
	bool huge;	     /* hugetlb: changes only by the granule */
	uint64_t granule;    /* of mappings */
	uint64_t size;	     /* of the memory, guards included */
	uint64_t table_size; /* of the table's mapping */
	uint32_t run;
	uint32_t regions;
	enum hws_pool_guard guard;
	struct charge charge;
	_Atomic uint32_t refs;
	_Atomic uint64_t strays;
	struct pool_stray last;
	void (*on_stray)(void *arg, const struct hws_stray *stray);
	void *arg;
};

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
	return &pool->slots[buf.slot & pool->mask];
}

static inline void *buf_address(const struct hws_pool *pool, const struct buf_slot *slot)
{
	return pool->base + ((uint64_t)slot->unit << BUF_UNIT_SHIFT);
}

static inline uint64_t buf_bytes(const struct hws_pool *pool, const struct buf_slot *slot)
{
	return pool->class_[slot->class_].size;
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

/* Why no edge leads on: -ESTALE or -EBUSY, with the sentence for it. */
HWS_MUST int buf_refuse(struct hws_pool *pool, struct hws_buf buf);
/* From @from to the free list, under a new handle; false: it doesn't stand at @from. */
HWS_MUST bool buf_free(struct hws_pool *pool, struct hws_buf buf, uint64_t from);
/* This thread's number, at most 22 bits. */
uint32_t buf_thread(void);

/* Puts it on its free list and wakes one that waits; its state says free already. */
void pool_push(struct hws_pool *pool, struct buf_slot *slot);
/* Closes it beyond its key, and opens it again; only in pools that shut. 0; -ENOMEM. */
HWS_MUST int pool_shut(struct hws_pool *pool, struct buf_slot *slot);
HWS_MUST int pool_unshut(struct hws_pool *pool, struct buf_slot *slot);
/* PROT_NONE, as far as it goes. */
void pool_forbid(struct hws_pool *pool, struct buf_slot *slot);

/* pool-map.c: the layout and the mappings. */
HWS_MUST int pool_lay_out(struct hws_pool *pool, const struct hws_pool_options *options);
HWS_MUST int pool_map(struct hws_pool *pool, const struct hws_pool_options *options);
uint8_t pool_key(const struct hws_pool *pool, const struct pool_class *of, uint32_t index);
/* Which buffer lies there; NULL: none. */
struct buf_slot *pool_slot_at(struct hws_pool *pool, const void *address);

/* pool-stray.c */
HWS_MUST int stray_watch(struct hws_pool *pool);
void stray_unwatch(struct hws_pool *pool);

/* In a child of fork() there is nothing of it but struct hws_pool. */
static inline bool pool_here(const struct hws_pool *pool)
{
	return atomic_load_explicit(&pool->lists[0].here, memory_order_relaxed);
}

#endif
