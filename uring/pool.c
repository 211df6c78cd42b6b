/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "uring/pool.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "guardian/context-internal.h"
#include "shim/fault-internal.h"
#include "shim/pkey-internal.h"
#include "shim/sys-internal.h"
#include "shim/why-internal.h"
#include "uring/pool-internal.h"

/* The guards, as words. */
static const char *const guard_names[HWS_POOL_GUARDS] = { "auto", "none", "keys", "strict",
							  "pages" };

const char *hws_pool_guard_name(enum hws_pool_guard guard)
{
	return (unsigned int)guard < HWS_POOL_GUARDS ? guard_names[guard] : "?";
}

static int check_options(const struct hws_pool_options *options)
{
	const uint32_t flags = HWS_POOL_PREFAULT | HWS_POOL_ZERO | HWS_POOL_NODE;

	if (options->size && options->size != sizeof(*options))
		return why(-EINVAL, "pool options of %zu bytes: set size to sizeof(options)",
			   options->size);
	if ((unsigned int)options->guard >= HWS_POOL_GUARDS ||
	    (unsigned int)options->huge > HWS_HUGE_MUST || options->flags & ~flags)
		return why(-EINVAL, "pool options: guard %d, huge %d, flags 0x%x", options->guard,
			   options->huge, options->flags);
	return 0;
}

static int choose_guard(struct hws_pool *pool, enum hws_pool_guard wanted)
{
	int r = 0;

	pool->guard = wanted;
	pool->head.shuts = wanted == HWS_POOL_GUARD_STRICT || wanted == HWS_POOL_GUARD_PAGES;
	if (wanted != HWS_POOL_GUARD_NONE && wanted != HWS_POOL_GUARD_PAGES)
		r = pkey_take(&pool->keys);
	if (wanted == HWS_POOL_GUARD_AUTO)
		pool->guard = r == 0 ? HWS_POOL_GUARD_KEYS : HWS_POOL_GUARD_NONE;
	return wanted == HWS_POOL_GUARD_AUTO ? 0 : r;
}

/* Stray touches are reported where the architecture lets us catch faults. */
static int watch(struct hws_pool *pool)
{
	int r;

	if (!pool_guarded(pool))
		return 0;
	r = fault_arm();
	if (r == -EOPNOTSUPP)
		return 0;
	return r < 0 ? r : stray_watch(pool);
}

static uint64_t count_slots(const struct hws_pool *pool)
{
	const struct pool_class *last = &pool->class_[pool->classes - 1];

	return (uint64_t)last->first + last->count;
}

uint64_t pool_memory(const struct hws_pool *pool)
{
	uint64_t bytes = 0;

	for (uint32_t i = 0; i < pool->classes; i++)
		bytes += pool->class_[i].size * pool->class_[i].count;
	return bytes;
}

uint64_t pool_metadata(const struct hws_pool *pool)
{
	return sizeof(*pool) + pool->classes * sizeof(struct pool_list) +
	       count_slots(pool) * sizeof(struct buf_slot);
}

static int build(struct hws *hw, struct hws_pool *pool, const struct hws_pool_options *options)
{
	int r = choose_guard(pool, options->guard);

	r = r < 0 ? r : pool_lay_out(pool, options);
	r = r < 0 ? r : charge_take(hw, pool_memory(pool) + pool_metadata(pool), &pool->charge);
	r = r < 0 ? r : pool_map(pool, options);
	return r < 0 ? r : watch(pool);
}

int pool_open_in(struct hws *hw, const struct hws_pool_options *options,
		 const struct pool_arena *arena, struct hws_pool **ret_pool)
{
	static const struct hws_pool_options defaults = { .size = sizeof(defaults) };
	struct hws_pool *pool;
	int r;

	if (!options)
		options = &defaults;
	r = check_options(options);
	if (r < 0)
		return r;
	pool = calloc(1, sizeof(*pool));
	if (!pool)
		return why(-ENOMEM, "no memory for a pool");
	pool->zero = options->flags & HWS_POOL_ZERO;
	pool->on_stray = options->on_stray;
	pool->arg = options->arg;
	pool->arena = arena;
	(void)buf_thread(); /* what has to be allocated once is allocated here */
	r = build(hw, pool, options);
	pool->arena = NULL; /* it was borrowed */
	if (r < 0) {
		(void)hws_pool_close(pool, NULL);
		return r;
	}
	pool->meter.add = pool_meter;
	if (hw)
		meters_add(&hw->meters, &pool->meter);
	*ret_pool = pool;
	return 0;
}

int hws_pool_open(struct hws *hw, const struct hws_pool_options *options,
		  struct hws_pool **ret_pool)
{
	return pool_open_in(hw, options, NULL, ret_pool);
}

/* The part of a run of buffers that is whole mappings goes back to the kernel. */
static void unmap_run(struct hws_pool *pool, const struct pool_class *of, uint32_t from,
		      uint32_t to)
{
	uint64_t start = (from * of->size + pool->granule - 1) / pool->granule * pool->granule;
	uint64_t end = to * of->size / pool->granule * pool->granule;

	if (start < end)
		sys_munmap(pool->base + of->offset + start, end - start);
}

/* Somebody else may still touch it: its user by a view that is open; or it is not the user's. */
static bool is_leaked(const struct buf_slot *slot)
{
	uint64_t word = atomic_load_explicit(&slot->state, memory_order_acquire);
	enum hws_owner owner = buf_owner(word);

	if (owner == HWS_OWNER_USER)
		return buf_by(word) != 0;
	return owner != HWS_OWNER_FREE && owner != HWS_OWNER_RETIRED && owner < HWS_OWNERS;
}

static void count_leaks(struct hws_pool *pool, const struct pool_class *of,
			struct hws_pool_leaks *leaks)
{
	for (uint32_t i = 0; i < of->count; i++) {
		struct buf_slot *slot = &pool->head.slots[of->first + i];

		if (!is_leaked(slot))
			continue;
		leaks->bytes += of->size;
		if (buf_owner(atomic_load_explicit(&slot->state, memory_order_acquire)) ==
		    HWS_OWNER_USER) {
			leaks->viewed++;
		} else {
			leaks->buffers++;
			pool_forbid(slot);
		}
	}
}

static void unmap_class(struct hws_pool *pool, const struct pool_class *of)
{
	uint32_t from = 0;

	for (uint32_t i = 0; i < of->count; i++) {
		if (!is_leaked(&pool->head.slots[of->first + i]))
			continue;
		unmap_run(pool, of, from, i);
		from = i + 1;
	}
	unmap_run(pool, of, from, of->count);
}

static void unmap_memory(struct hws_pool *pool, struct hws_pool_leaks *leaks)
{
	if (!pool->base || !pool_here(pool))
		return; /* in a child of fork() it isn't there, and somebody else's memory may be */
	for (uint32_t i = 0; i < pool->classes; i++)
		count_leaks(pool, &pool->class_[i], leaks);
	/* no byte twice: once it is unmapped it may be another thread's */
	if (leaks->bytes == 0)
		sys_munmap(pool->base, pool->size);
	for (uint32_t i = 0; i < pool->classes && leaks->bytes > 0; i++)
		unmap_class(pool, &pool->class_[i]);
}

int hws_pool_close(struct hws_pool *pool, struct hws_pool_leaks *ret_leaks)
{
	struct hws_pool_leaks leaks = { 0 };

	if (pool && pool->refs)
		return why(-EBUSY, "%u rings or DMA domains use the pool: close them first",
			   (unsigned int)pool->refs);
	if (pool) {
		if (pool->charge.hw)
			meters_remove(&pool->charge.hw->meters, &pool->meter);
		stray_unwatch(pool);
		unmap_memory(pool, &leaks);
		if (pool->lists)
			sys_munmap(pool->lists, pool->table_size);
		charge_release(&pool->charge, leaks.bytes);
		free(pool);
	}
	if (ret_leaks)
		*ret_leaks = leaks;
	return 0;
}

bool pool_guarded(const struct hws_pool *pool)
{
	return pool->keys || pool->head.shuts;
}

uint32_t pool_regions(const struct hws_pool *pool)
{
	return pool->regions;
}

void pool_region(const struct hws_pool *pool, uint32_t index, void **ret_base, uint64_t *ret_size)
{
	const struct pool_class *of = &pool->class_[pool->classes - 1];
	uint32_t first;
	uint32_t count;

	while (of->first_region > index)
		of--;
	first = (index - of->first_region) * of->per_region;
	count = of->count - first < of->per_region ? of->count - first : of->per_region;
	*ret_base = pool->base + of->offset + first * of->size;
	*ret_size = count * of->size;
}

void pool_ref(struct hws_pool *pool)
{
	pool->refs++;
}

void pool_unref(struct hws_pool *pool)
{
	pool->refs--;
}
