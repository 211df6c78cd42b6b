/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What a pool is made of.
 *
 * memory   guard | class 0 | guard | class 1 | guard …     MADV_DONTFORK
 * table    the classes' free lists, then a struct buf_slot for each buffer; MADV_WIPEONFORK, so
 *          that in a child nothing is free and every handle is stale
 *
 * Free buffers are a stack: the head's upper half counts takes, so that a take that was
 * interrupted notices that the stack is another by now. Buffers that were never taken are not
 * on it; they come when it is empty. So the number of those that were ever taken is the peak.
 */
#ifndef HWSAFE_URING_POOL_INTERNAL_H
#define HWSAFE_URING_POOL_INTERNAL_H

#include "guardian/meters-internal.h"
#include "uring/buf-internal.h"
#include "uring/charge-internal.h"
#include "uring/pool.h"

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

/* Memory that somebody else made and shares: a memfd, at an address that is not ours to choose. */
struct pool_arena {
	int fd; /* borrowed */
	uint64_t base;
	uint64_t size;
};

/* The last stray touch; written in a signal's handler. */
struct pool_stray {
	_Atomic uint32_t busy; /* odd: being written; 0: none yet */
	struct hws_stray stray;
};

struct hws_pool {
	struct pool_head head; /* the first: edges know no more of a pool */
	char *base;	       /* of the memory, its first guard page */
	struct pool_list *lists;
	uint32_t classes;
	struct pool_class class_[HWS_POOL_CLASSES];

	const struct pkey_set *keys;	/* NULL: none */
	const struct pool_arena *arena; /* while it is made; NULL: memory of its own */
	bool zero;
	bool huge;	     /* hugetlb: changes only by the granule */
	uint64_t granule;    /* of mappings */
	uint64_t size;	     /* of the memory, guards included */
	uint64_t table_size; /* of the table's mapping */
	uint32_t run;
	uint32_t regions;
	enum hws_pool_guard guard;
	struct charge charge;
	struct meter meter; /* in use if there is a context */
	_Atomic uint32_t refs;
	_Atomic uint64_t strays;
	struct pool_stray last;
	void (*on_stray)(void *arg, const struct hws_stray *stray);
	void *arg;
};

/* As hws_pool_open(), in an arena, which is a single region. -EEXIST: its addresses are taken. */
HWS_MUST int pool_open_in(struct hws *hw, const struct hws_pool_options *options,
			  const struct pool_arena *arena, struct hws_pool **ret_pool);

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
void pool_forbid(struct buf_slot *slot);

/* What is charged: the buffers, and what the pool needs besides. */
uint64_t pool_memory(const struct hws_pool *pool);
uint64_t pool_metadata(const struct hws_pool *pool);

/* Adds a pool to the context's numbers. */
void pool_meter(struct meter *meter, struct meters_state *into, bool open);

/* pool-map.c: the layout and the mappings. */
HWS_MUST int pool_lay_out(struct hws_pool *pool, const struct hws_pool_options *options);
HWS_MUST int pool_map(struct hws_pool *pool, const struct hws_pool_options *options);
uint8_t pool_key(const struct hws_pool *pool, const struct pool_class *of, uint32_t index);
/* Which buffer lies there, and how far into it; NULL: none. */
struct buf_slot *pool_slot_at(struct hws_pool *pool, const void *address, uint64_t *ret_offset);

/* pool-stray.c */
HWS_MUST int stray_watch(struct hws_pool *pool);
void stray_unwatch(struct hws_pool *pool);

/* In a child of fork() there is nothing of it but struct hws_pool. */
static inline bool pool_here(const struct hws_pool *pool)
{
	return atomic_load_explicit(&pool->lists[0].here, memory_order_relaxed);
}

#endif
