/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <string.h>

#include "shim/pkey-internal.h"
#include "shim/why-internal.h"
#include "uring/pool-internal.h"

/* Counts are read one after another while others go on: each is right for its moment. */
static uint64_t now(const _Atomic uint64_t *count)
{
	return atomic_load_explicit(count, memory_order_relaxed);
}

static void add_class(struct hws_pool *pool, uint32_t number, struct hws_pool_stats *stats)
{
	const struct pool_class *of = &pool->class_[number];
	const struct pool_list *list = &pool->lists[number];
	uint64_t unused = atomic_load_explicit(&list->unused, memory_order_relaxed);
	uint64_t taken = of->count;
	uint64_t pressure;

	for (uint32_t i = 0; i < of->count; i++) {
		uint64_t word = now(&pool->head.slots[of->first + i].state);
		enum hws_owner owner = buf_owner(word);

		stats->owned[owner]++;
		stats->viewed += owner == HWS_OWNER_USER && buf_by(word) != 0;
		taken -= owner == HWS_OWNER_FREE;
	}
	pressure = taken * 100 / of->count;
	stats->pressure = pressure > stats->pressure ? pressure : stats->pressure;
	stats->capacity += of->count;
	stats->peak += of->count - unused;
	stats->failed += now(&list->failed);
	stats->waited += now(&list->waited);
}

int hws_pool_read_stats(struct hws_pool *pool, struct hws_pool_stats *ret_stats)
{
	struct hws_pool_stats stats = { .size = sizeof(stats) };

	if (ret_stats->size != sizeof(stats))
		return why(-EINVAL, "pool stats of %zu bytes: set size to sizeof(stats)",
			   ret_stats->size);
	for (uint32_t i = 0; i < pool->classes; i++)
		add_class(pool, i, &stats);
	stats.in_use =
		stats.capacity - stats.owned[HWS_OWNER_FREE] - stats.owned[HWS_OWNER_RETIRED];
	stats.bytes = pool_memory(pool);
	stats.metadata_bytes = pool_metadata(pool);
	stats.strays = now(&pool->strays);
	stats.keys = pool->keys ? pool->keys->count : 0;
	stats.run = UINT32_C(1) << pool->run;
	stats.guard = pool->guard;
	stats.huge = pool->huge;
	*ret_stats = stats;
	return 0;
}

void pool_meter(struct meter *meter, struct meters_state *into, bool open)
{
	struct hws_pool *pool =
		(struct hws_pool *)((char *)meter - offsetof(struct hws_pool, meter));
	struct hws_pool_stats stats = { .size = sizeof(stats) };
	struct hws_pools_state state;

	/* in a child of fork() its numbers are gone */
	if (!pool_here(pool) || hws_pool_read_stats(pool, &stats) < 0)
		return;
	state = (struct hws_pools_state) {
		.opened = 1,
		.failed = stats.failed,
		.waited = stats.waited,
		.strays = stats.strays,
		.open = 1,
		.capacity = stats.capacity,
		.bytes = stats.bytes,
		.in_use = stats.in_use,
		.peak = stats.peak,
		.quarantined = stats.owned[HWS_OWNER_QUARANTINED],
	};
	meters_sum(&into->pools, &state,
		   open ? sizeof(state) : offsetof(struct hws_pools_state, open));
	if (open && stats.pressure > into->pools.pressure)
		into->pools.pressure = stats.pressure;
}
