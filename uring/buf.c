/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the user does with a buffer: take, view, give back. */
#include <errno.h>
#include <string.h>
#include <time.h>

#include "shim/pkey-internal.h"
#include "shim/probe-points-internal.h"
#include "shim/sys-internal.h"
#include "shim/why-internal.h"
#include "uring/pool-internal.h"

static const char *const owner_names[HWS_OWNERS] = {
	"free", "user", "kernel", "device", "returning", "quarantined", "retired",
};

const char *hws_owner_name(enum hws_owner owner)
{
	return (unsigned int)owner < HWS_OWNERS ? owner_names[owner] : "?";
}

/* Is it a handle of now? The state it then has. */
static bool is_good(struct hws_pool *pool, struct hws_buf buf, uint64_t *ret_word)
{
	struct buf_slot *slot = buf_slot(pool, buf);
	/* acquire: pairs with buf_step()'s release; what is read of the slot comes after */
	uint64_t word = atomic_load_explicit(&slot->state, memory_order_acquire);
	enum hws_owner owner = buf_owner(word);

	*ret_word = word;
	return atomic_load_explicit(&slot->name, memory_order_relaxed) == buf.slot &&
	       buf_generation(word) == buf.generation && owner != HWS_OWNER_FREE &&
	       owner != HWS_OWNER_RETIRED;
}

int buf_refuse(struct hws_pool *pool, struct hws_buf buf)
{
	uint64_t word;

	if (!is_good(pool, buf, &word))
		return why(-ESTALE, "buffer %u.%u: the handle is no longer good, or never was",
			   buf.slot, buf.generation);
	if (buf_owner(word) != HWS_OWNER_USER)
		return why(-EBUSY, "buffer %u.%u belongs to %s %u", buf.slot, buf.generation,
			   hws_owner_name(buf_owner(word)), buf_by(word));
	return why(-EBUSY, "buffer %u.%u is viewed by thread %u: close the view first", buf.slot,
		   buf.generation, buf_by(word) >> BUF_THREAD_SHIFT);
}

/* A buffer that was never taken before: its slot is made now. */
static struct buf_slot *take_unused(struct hws_pool *pool, uint32_t number)
{
	const struct pool_class *of = &pool->class_[number];
	struct pool_list *list = &pool->lists[number];
	uint32_t left = atomic_load_explicit(&list->unused, memory_order_relaxed);
	struct buf_slot *slot;
	uint32_t index;

	do {
		if (left == 0)
			return NULL;
		/* relaxed: the number alone is what is taken, nothing is behind it yet */
	} while (!atomic_compare_exchange_weak_explicit(
		&list->unused, &left, left - 1, memory_order_relaxed, memory_order_relaxed));
	index = of->count - left;
	slot = &pool->head.slots[of->first + index];
	atomic_store_explicit(&slot->name, of->first + index, memory_order_relaxed);
	slot->address = pool->base + of->offset + index * of->size;
	slot->size = (uint32_t)of->size;
	slot->region = (uint8_t)(of->first_region + index / of->per_region);
	slot->class_ = (uint8_t)number;
	slot->key = pool_key(pool, of, index);
	/* relaxed: nobody knows of it until take() says whose it is */
	atomic_store_explicit(&slot->state, buf_word(1, HWS_OWNER_FREE, 0), memory_order_relaxed);
	return slot;
}

static struct buf_slot *take_free(struct hws_pool *pool, struct pool_list *list)
{
	/* acquire: pairs with pool_push()'s release; next comes after the head that led to it */
	uint64_t head = atomic_load_explicit(&list->head, memory_order_acquire);
	struct buf_slot *slot;
	uint64_t next;

	do {
		if ((uint32_t)head == 0)
			return NULL;
		slot = &pool->head.slots[(uint32_t)head - 1];
		/* old when the slot was taken meanwhile: the exchange fails on the count */
		next = ((head >> 32) + 1) << 32 |
		       atomic_load_explicit(&slot->next, memory_order_relaxed);
	} while (!atomic_compare_exchange_weak_explicit(
		&list->head, &head, next, memory_order_acquire, memory_order_acquire));
	return slot;
}

/* Does a device have it mapped? Then it waits for buf_let_go(). */
static bool park(struct buf_slot *slot)
{
	uint32_t kept = BUF_KEPT;

	/* acq_rel: pairs with buf_let_go(); relaxed before: kept or not was settled by the state */
	return atomic_load_explicit(&slot->next, memory_order_relaxed) == BUF_KEPT &&
	       atomic_compare_exchange_strong_explicit(&slot->next, &kept, BUF_PARKED,
						       memory_order_acq_rel, memory_order_relaxed);
}

void pool_push(struct hws_pool *pool, struct buf_slot *slot)
{
	struct pool_list *list = &pool->lists[slot->class_];
	uint64_t head = atomic_load_explicit(&list->head, memory_order_relaxed);
	uint64_t first = (uint64_t)(slot - pool->head.slots) + 1;

	if (park(slot))
		return;
	do {
		atomic_store_explicit(&slot->next, (uint32_t)head, memory_order_relaxed);
		/*
		 * Release: pairs with take_free(). Sequentially consistent with the load of
		 * waiters below and the waiter's own two steps, the other way round: one of us
		 * sees the other.
		 */
	} while (!atomic_compare_exchange_weak_explicit(
		&list->head, &head, (head >> 32) << 32 | first, memory_order_seq_cst,
		memory_order_relaxed));
	if (atomic_load_explicit(&list->waiters, memory_order_seq_cst) == 0)
		return;
	__atomic_fetch_add(&list->event, 1, __ATOMIC_SEQ_CST);
	sys_futex_wake(&list->event);
}

static int clear(struct hws_pool *pool, struct hws_buf buf, struct buf_slot *slot)
{
	int r = buf_open_for_kernel(pool, buf);

	if (r < 0) {
		pool_push(pool, slot);
		return r;
	}
	memset(slot->address, 0, slot->size);
	buf_close_for_kernel(pool, buf);
	return 0;
}

static int take(struct hws_pool *pool, uint32_t number, struct hws_buf *ret_buf)
{
	struct buf_slot *slot = take_free(pool, &pool->lists[number]);
	bool used = slot;
	struct hws_buf buf;
	int r;

	if (!slot)
		slot = take_unused(pool, number);
	if (!slot)
		return -ENOBUFS;
	buf.slot = atomic_load_explicit(&slot->name, memory_order_relaxed);
	buf.generation = buf_generation(atomic_load_explicit(&slot->state, memory_order_relaxed));
	r = used && pool->zero ? clear(pool, buf, slot) : 0;
	if (r < 0)
		return r;
	/* no exchange: it is ours alone; release: pairs with buf_step()'s acquire */
	atomic_store_explicit(&slot->state, buf_word(buf.generation, HWS_OWNER_USER, 0),
			      memory_order_release);
	*ret_buf = buf;
	return 0;
}

/* The smallest class that holds @size bytes. */
static inline uint32_t class_for(const struct hws_pool *pool, size_t size)
{
	uint32_t number = 0;

	while (number < pool->classes && pool->class_[number].size < size)
		number++;
	return number;
}

/* Why there was none; it is counted. */
static int none_left(struct hws_pool *pool, uint32_t number, int code)
{
	if (!pool_here(pool))
		return why(-ESTALE, "the pool is the parent's: a child of fork() opens its own");
	/* relaxed: only a count */
	atomic_fetch_add_explicit(&pool->lists[number].failed, 1, memory_order_relaxed);
	PROBE_POINT(exhausted, pool->class_[number].size, pool->class_[number].count, code);
	return why(code, "all %u buffers of %llu bytes are in use", pool->class_[number].count,
		   (unsigned long long)pool->class_[number].size);
}

static int too_large(const struct hws_pool *pool, size_t size)
{
	return why(-EINVAL, "%zu bytes: the pool's largest buffers have %llu", size,
		   (unsigned long long)pool->class_[pool->classes - 1].size);
}

int hws_buf_take(struct hws_pool *pool, size_t size, struct hws_buf *ret_buf)
{
	uint32_t number = class_for(pool, size);
	int r;

	if (number == pool->classes)
		return too_large(pool, size);
	r = take(pool, number, ret_buf);
	return r == -ENOBUFS ? none_left(pool, number, r) : r;
}

/* We are counted among the waiters: who gives from now on wakes. */
static int take_or_sleep(struct hws_pool *pool, uint32_t number, uint64_t deadline_ns,
			 struct hws_buf *ret_buf)
{
	struct pool_list *list = &pool->lists[number];
	int slept = 0;

	for (;;) {
		uint32_t seen = __atomic_load_n(&list->event, __ATOMIC_SEQ_CST);
		int r = take(pool, number, ret_buf);

		if (r != -ENOBUFS || slept == -ETIMEDOUT)
			return r;
		slept = sys_futex_wait_until(&list->event, seen, deadline_ns);
	}
}

int hws_buf_take_wait(struct hws_pool *pool, size_t size, uint64_t deadline_ns,
		      struct hws_buf *ret_buf)
{
	uint32_t number = class_for(pool, size);
	struct pool_list *list;
	int r;

	if (number == pool->classes)
		return too_large(pool, size);
	list = &pool->lists[number];
	r = take(pool, number, ret_buf);
	if (r != -ENOBUFS)
		return r;
	if (!pool_here(pool))
		return none_left(pool, number, r);
	atomic_fetch_add_explicit(&list->waited, 1, memory_order_relaxed); /* only a count */
	/* seq_cst: pairs with pool_push(); we are counted before we look again */
	atomic_fetch_add_explicit(&list->waiters, 1, memory_order_seq_cst);
	r = take_or_sleep(pool, number, deadline_ns, ret_buf);
	atomic_fetch_sub_explicit(&list->waiters, 1, memory_order_relaxed);
	return r == -ENOBUFS ? none_left(pool, number, -ETIMEDOUT) : r;
}

/* All generations of the slot's name are used up: the next lap's, or none any more. */
static bool next_lap(struct hws_pool *pool, struct hws_buf buf, uint64_t from)
{
	struct buf_slot *slot = buf_slot(pool, buf);

	if (!buf_step(slot, buf, from, buf_word(0, HWS_OWNER_RETIRED, 0)))
		return false;
	if (buf.slot > UINT32_MAX - pool->head.mask - 1)
		return true;
	atomic_store_explicit(&slot->name, buf.slot + pool->head.mask + 1, memory_order_relaxed);
	/* release: the name comes first */
	atomic_store_explicit(&slot->state, buf_word(1, HWS_OWNER_FREE, 0), memory_order_release);
	pool_push(pool, slot);
	return true;
}

bool buf_free(struct hws_pool *pool, struct hws_buf buf, uint64_t from)
{
	struct buf_slot *slot = buf_slot(pool, buf);

	if (buf.generation == UINT32_MAX)
		return next_lap(pool, buf, from);
	if (!buf_step(slot, buf, from, buf_word(buf.generation + 1, HWS_OWNER_FREE, 0)))
		return false;
	pool_push(pool, slot);
	return true;
}

int hws_buf_give(struct hws_pool *pool, struct hws_buf buf)
{
	if (buf_free(pool, buf, buf_word(buf.generation, HWS_OWNER_USER, 0)))
		return 0;
	return buf_refuse(pool, buf);
}

size_t hws_buf_size(struct hws_pool *pool, struct hws_buf buf)
{
	uint64_t word;

	return is_good(pool, buf, &word) ? buf_slot(pool, buf)->size : 0;
}

int hws_buf_owner(struct hws_pool *pool, struct hws_buf buf)
{
	uint64_t word;

	return is_good(pool, buf, &word) ? (int)buf_owner(word) : buf_refuse(pool, buf);
}
