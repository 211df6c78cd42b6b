/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Where a pool's buffers lie, and the mappings behind them. */
#include <errno.h>
#include <linux/mman.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "shim/pkey-internal.h"
#include "shim/sys-internal.h"
#include "shim/why-internal.h"
#include "uring/pool-internal.h"

#ifndef MADV_POPULATE_WRITE
#define MADV_POPULATE_WRITE 23
#endif

enum {
	HUGE_SHIFT = 21, /* asked for by size: the default may be larger */
	SLOTS_MOST = 1 << 24,
	REGIONS_MOST = 255,
	RUNS_MOST =
		1024, /* of a class: each is a mapping of its own to the kernel, which has 65,530 */
};
static const uint64_t region_most = UINT64_C(1)
				    << 30; /* the kernel's limit of a registered buffer */

static uint64_t round_up(uint64_t size, uint64_t to)
{
	return (size + to - 1) / to * to;
}

static int by_size(const void *a, const void *b)
{
	const struct pool_class *one = a;
	const struct pool_class *other = b;

	return (one->size > other->size) - (one->size < other->size);
}

static int copy_classes(struct hws_pool *pool, const struct hws_pool_options *options)
{
	static const struct hws_pool_class only = { .size = 4096, .count = 1024 };
	uint64_t page = sys_page_size();

	for (int i = 0; i < HWS_POOL_CLASSES; i++) {
		const struct hws_pool_class *from = &options->classes[i];

		if (from->count == 0)
			continue;
		if (from->size == 0 || from->size > region_most || from->count > SLOTS_MOST)
			return why(-EINVAL,
				   "a class of %u buffers of %llu bytes: 1 to 1 GiB, at most %d",
				   from->count, (unsigned long long)from->size, (int)SLOTS_MOST);
		pool->class_[pool->classes].size = round_up(from->size, page);
		pool->class_[pool->classes++].count = from->count;
	}
	if (pool->classes == 0) {
		pool->class_[0].size = round_up(only.size, page);
		pool->class_[pool->classes++].count = only.count;
	}
	qsort(pool->class_, pool->classes, sizeof(pool->class_[0]), by_size);
	for (uint32_t i = 1; i < pool->classes; i++) {
		if (pool->class_[i].size == pool->class_[i - 1].size)
			return why(-EINVAL, "two classes of %llu bytes (sizes are whole pages)",
				   (unsigned long long)pool->class_[i].size);
	}
	return 0;
}

/* How many neighbours share a key: whole huge pages, and not too many runs. */
static uint32_t run_of(const struct hws_pool *pool, const struct pool_class *of)
{
	uint32_t run = 0;

	while ((of->size << run) % pool->granule != 0)
		run++;
	while (of->count >> run > RUNS_MOST)
		run++;
	return run;
}

/* What lies in an arena is registered already, as one region; it has no huge pages. */
static int fit_arena(struct hws_pool *pool, const struct hws_pool_options *options)
{
	uint64_t room = pool->size - 2 * pool->granule; /* without the outer guards */

	for (uint32_t i = 0; i < pool->classes; i++) {
		pool->class_[i].first_region = 0;
		pool->class_[i].per_region = UINT32_MAX;
	}
	pool->regions = 1;
	if (options->huge != HWS_HUGE_NO)
		return why(-EINVAL, "memory that was granted has no huge pages");
	if (room > pool->arena->size)
		return why(-EINVAL, "the buffers take %llu KiB; granted are %llu KiB",
			   (unsigned long long)room / 1024,
			   (unsigned long long)pool->arena->size / 1024);
	return 0;
}

int pool_lay_out(struct hws_pool *pool, const struct hws_pool_options *options)
{
	uint64_t slots = 0;
	uint64_t regions = 0;
	int r = copy_classes(pool, options);

	if (r < 0)
		return r;
	pool->granule = options->huge == HWS_HUGE_NO ? sys_page_size() : UINT64_C(1) << HUGE_SHIFT;
	pool->size = pool->granule;
	for (uint32_t i = 0; i < pool->classes; i++) {
		struct pool_class *of = &pool->class_[i];

		of->offset = pool->size;
		of->first = (uint32_t)slots;
		of->first_region = (uint32_t)regions;
		of->per_region = (uint32_t)(region_most / of->size);
		of->run = run_of(pool, of);
		pool->run = of->run > pool->run ? of->run : pool->run;
		slots += of->count;
		regions += (of->count + of->per_region - 1) / of->per_region;
		pool->size += round_up(of->size * of->count, pool->granule) + pool->granule;
	}
	if (slots > SLOTS_MOST || regions > REGIONS_MOST)
		return why(-EINVAL, "%llu buffers in %llu GiB: at most %d in %d",
			   (unsigned long long)slots, (unsigned long long)regions, (int)SLOTS_MOST,
			   (int)REGIONS_MOST);
	pool->regions = (uint32_t)regions;
	while (pool->head.mask < slots - 1)
		pool->head.mask = pool->head.mask << 1 | 1;
	return pool->arena ? fit_arena(pool, options) : 0;
}

static uint64_t class_bytes(const struct hws_pool *pool, const struct pool_class *of)
{
	return round_up(of->size * of->count, pool->granule);
}

static int map_table(struct hws_pool *pool)
{
	uint64_t lists = pool->classes * sizeof(struct pool_list);
	uint64_t size = round_up(lists + ((uint64_t)pool->head.mask + 1) * sizeof(struct buf_slot),
				 sys_page_size());
	void *table;
	int r = sys_mmap(NULL, size, PROT_READ | PROT_WRITE,
			 MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0, &table);

	if (r < 0)
		return why(r, "no memory for a pool's table of %llu bytes",
			   (unsigned long long)size);
	pool->lists = table;
	pool->head.slots = (struct buf_slot *)((char *)table + lists);
	pool->table_size = size;
	for (uint32_t i = 0; i < pool->classes; i++) {
		pool->lists[i].here = 1;
		pool->lists[i].unused = pool->class_[i].count;
	}
	r = sys_madvise(table, size, MADV_WIPEONFORK);
	return r < 0 ? why(r, "the kernel can't keep a pool's table from children: %s",
			   strerror(-r))
		     : 0;
}

/* The kernel knows the arena by these addresses: it lies there or nowhere. */
static int reserve_arena(struct hws_pool *pool)
{
	void *at = (char *)(uintptr_t)pool->arena->base - pool->granule;
	int r = sys_mmap(at, pool->size, PROT_NONE,
			 MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED_NOREPLACE, -1, 0,
			 &at);

	if (r < 0)
		return why(r, "the addresses of the granted memory are taken: start anew");
	pool->base = at;
	return 0;
}

/* Address space alone, closed; begins and ends at the granule. */
static int reserve(struct hws_pool *pool)
{
	uint64_t room = pool->size + pool->granule;
	void *address;
	char *base;
	int r = sys_mmap(NULL, room, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0,
			 &address);

	if (r < 0)
		return why(r, "no address space for a pool of %llu bytes",
			   (unsigned long long)pool->size);
	base = (char *)(uintptr_t)round_up((uintptr_t)address, pool->granule);
	if (base > (char *)address)
		sys_munmap(address, (size_t)(base - (char *)address));
	sys_munmap(base + pool->size, room - pool->size - (size_t)(base - (char *)address));
	pool->base = base;
	return 0;
}

static int map_class(struct hws_pool *pool, const struct pool_class *of, int huge)
{
	void *at = pool->base + of->offset;

	if (pool->arena)
		return sys_mmap(at, class_bytes(pool, of), PROT_READ | PROT_WRITE,
				MAP_SHARED | MAP_FIXED, pool->arena->fd, of->offset - pool->granule,
				&at);
	return sys_mmap(at, class_bytes(pool, of), PROT_READ | PROT_WRITE,
			MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED | huge, -1, 0, &at);
}

/* Transparent huge pages, if the kernel likes. */
static void wish_huge(struct hws_pool *pool, const struct pool_class *of)
{
	int r = sys_madvise(pool->base + of->offset, class_bytes(pool, of), MADV_HUGEPAGE);

	(void)r; /* -EINVAL: it has none */
}

static int map_classes(struct hws_pool *pool, enum hws_huge huge)
{
	int pages = huge == HWS_HUGE_NO ? 0 : MAP_HUGETLB | HUGE_SHIFT << MAP_HUGE_SHIFT;
	int r = 0;

	for (uint32_t i = 0; i < pool->classes && r == 0; i++)
		r = map_class(pool, &pool->class_[i], pages);
	pool->huge = pages && r == 0;
	if (r == 0)
		return 0;
	if (huge == HWS_HUGE_MUST)
		return why(r, "not enough huge pages of 2 MiB: see /proc/sys/vm/nr_hugepages");
	r = 0;
	for (uint32_t i = 0; i < pool->classes && r == 0; i++) {
		r = map_class(pool, &pool->class_[i], 0);
		if (r == 0 && huge == HWS_HUGE_TRY)
			wish_huge(pool, &pool->class_[i]);
	}
	return r < 0 ? why(r, "no memory for a pool of %llu bytes", (unsigned long long)pool->size)
		     : 0;
}

/* There are few nodes: the sentence has them all. */
static int no_node(int code, uint32_t node)
{
	char online[64] = "0";
	ssize_t n = sys_read_file(SYS_REAL_ROOT, "/sys/devices/system/node/has_memory", online,
				  sizeof(online));

	if (n < 0)
		return why(code, "memory can't be bound to NUMA node %u: %s", node,
			   "the kernel is built without NUMA");
	online[strcspn(online, "\n")] = '\0';
	return why(code, "memory can't be bound to NUMA node %u: nodes that have some here are %s",
		   node, online);
}

/* What the options say of a class's pages before anybody touches them. */
static int place_class(struct hws_pool *pool, const struct pool_class *of,
		       const struct hws_pool_options *options)
{
	void *at = pool->base + of->offset;
	uint64_t size = class_bytes(pool, of);
	int r = 0;

	if (options->flags & HWS_POOL_NODE)
		r = sys_mbind(at, size, options->node);
	if (r < 0)
		return no_node(r, options->node);
	if (options->flags & HWS_POOL_PREFAULT)
		r = sys_madvise(at, size, MADV_POPULATE_WRITE);
	return r < 0 ? why(r, "the memory can't be had at once (MADV_POPULATE_WRITE)") : 0;
}

uint8_t pool_key(const struct hws_pool *pool, const struct pool_class *of, uint32_t index)
{
	return pool->keys ? pool->keys->keys[(index >> of->run) % pool->keys->count] : 0;
}

static int tag_class(struct hws_pool *pool, const struct pool_class *of)
{
	uint64_t run = of->size << of->run;
	uint64_t end = class_bytes(pool, of);
	int r = 0;

	for (uint64_t at = 0; at < end && r == 0; at += run)
		r = sys_pkey_mprotect(pool->base + of->offset + at, run < end - at ? run : end - at,
				      PROT_READ | PROT_WRITE,
				      pool_key(pool, of, (uint32_t)(at / of->size)));
	return r < 0 ? why(r, "the memory can't be closed by protection keys; vm.max_map_count?")
		     : 0;
}

int pool_map(struct hws_pool *pool, const struct hws_pool_options *options)
{
	int r = map_table(pool);

	if (r == 0)
		r = pool->arena ? reserve_arena(pool) : reserve(pool);
	r = r < 0 ? r : map_classes(pool, options->huge);
	if (r < 0)
		return r;
	r = sys_madvise(pool->base, pool->size, MADV_DONTFORK);
	if (r < 0)
		return why(r, "the kernel can't keep a pool's memory from children: %s",
			   strerror(-r));
	for (uint32_t i = 0; i < pool->classes && r == 0; i++) {
		if (pool->huge && pool->head.shuts && pool->class_[i].size % pool->granule != 0)
			return why(-EINVAL,
				   "buffers of %llu bytes in huge pages can't be closed one by one",
				   (unsigned long long)pool->class_[i].size);
		r = place_class(pool, &pool->class_[i], options);
		if (r == 0 && pool->keys)
			r = tag_class(pool, &pool->class_[i]);
	}
	return r;
}

struct buf_slot *pool_slot_at(struct hws_pool *pool, const void *address, uint64_t *ret_offset)
{
	uint64_t at = (uint64_t)((uintptr_t)address - (uintptr_t)pool->base);

	for (uint32_t i = 0; i < pool->classes; i++) {
		const struct pool_class *of = &pool->class_[i];

		if (at < of->offset || at - of->offset >= of->size * of->count)
			continue;
		*ret_offset = (at - of->offset) % of->size;
		return &pool->head.slots[of->first + (at - of->offset) / of->size];
	}
	return NULL;
}

void pool_forbid(struct buf_slot *slot)
{
	int r = sys_mprotect(slot->address, slot->size, PROT_NONE);

	/*
	 * A small buffer in a huge page can't be closed alone, nor one for which the kernel has no
	 * mapping left: a stray touch isn't caught then, the state refuses all the same.
	 */
	(void)r;
}

int pool_shut(struct hws_pool *pool, struct buf_slot *slot)
{
	void *at = slot->address;
	uint64_t size = slot->size;
	int r = pool->keys ? sys_pkey_mprotect(at, size, PROT_READ | PROT_WRITE, pool->keys->locked)
			   : sys_mprotect(at, size, PROT_NONE);

	if (r < 0)
		return why(r, "a buffer can't be closed; vm.max_map_count?");
	slot->shut = 1;
	return 0;
}

int pool_unshut(struct hws_pool *pool, struct buf_slot *slot)
{
	void *at = slot->address;
	uint64_t size = slot->size;
	int r = pool->keys ? sys_pkey_mprotect(at, size, PROT_READ | PROT_WRITE, slot->key)
			   : sys_mprotect(at, size, PROT_READ | PROT_WRITE);

	if (r < 0)
		return why(r, "a buffer can't be opened; vm.max_map_count?");
	slot->shut = 0;
	return 0;
}
