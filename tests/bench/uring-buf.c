/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What it costs to let each buffer have one owner. */
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>

#include "tests/bench/uring.h"
#include "uring/pool-internal.h"

enum { BUFFERS = 256 };

/* Ours and what it is compared with: another pool, or a free list behind a mutex. */
struct bench {
	struct hws_pool *ours;
	struct hws_pool *base;
	struct hws_buf ours_buf;
	struct hws_buf base_buf;
	pthread_mutex_t lock;
	uint32_t next[BUFFERS];
	uint32_t first;
};

static void teardown(void *context)
{
	struct bench *bench = context;

	(void)hws_pool_close(bench->ours, NULL);
	(void)hws_pool_close(bench->base, NULL);
	pthread_mutex_destroy(&bench->lock);
	free(bench);
}

static int open_one(enum hws_pool_guard guard, struct hws_pool **ret_pool, struct hws_buf *ret_buf)
{
	struct hws_pool_options options = {
		.size = sizeof(options),
		.classes = { { .size = 4096, .count = BUFFERS } },
		.guard = guard,
		.flags = HWS_POOL_PREFAULT,
	};
	int r = hws_pool_open(NULL, &options, ret_pool);

	return r < 0 ? r : hws_buf_take(*ret_pool, 1, ret_buf);
}

static void *nothing(void *unused)
{
	return unused;
}

/* With the C library's short cut for programs of one thread, the mutex would be none. */
static void become_threaded(void)
{
	pthread_t thread;

	if (pthread_create(&thread, NULL, nothing, NULL) == 0)
		pthread_join(thread, NULL);
}

/* @of->arg: the guard of ours; the other has none. */
static int setup(const struct bench_case *of, void **ret_context)
{
	struct bench *bench = calloc(1, sizeof(*bench));
	int r;

	if (!bench)
		return -ENOMEM;
	become_threaded();
	pthread_mutex_init(&bench->lock, NULL);
	for (uint32_t i = 0; i < BUFFERS; i++)
		bench->next[i] = i + 1;
	r = open_one(*(const enum hws_pool_guard *)of->arg, &bench->ours, &bench->ours_buf);
	r = r < 0 ? r : open_one(HWS_POOL_GUARD_NONE, &bench->base, &bench->base_buf);
	if (r < 0)
		teardown(bench);
	else
		*ret_context = bench;
	return r;
}

static int take_give(void *context, uint64_t n)
{
	struct bench *bench = context;

	for (; n; n = bench_next(n)) {
		struct hws_buf buf;

		if (hws_buf_take(bench->ours, 4096, &buf) < 0 || hws_buf_give(bench->ours, buf) < 0)
			return -EIO;
	}
	return 0;
}

static int take_give_mutex(void *context, uint64_t n)
{
	struct bench *bench = context;

	for (; n; n = bench_next(n)) {
		uint32_t mine;

		pthread_mutex_lock(&bench->lock);
		mine = bench->first;
		bench->first = bench->next[mine];
		pthread_mutex_unlock(&bench->lock);
		__asm__ volatile("" : "+r"(mine)); /* somebody uses it here */
		pthread_mutex_lock(&bench->lock);
		bench->next[mine] = bench->first;
		bench->first = mine;
		pthread_mutex_unlock(&bench->lock);
	}
	return 0;
}

static int views(struct hws_pool *pool, struct hws_buf buf, uint64_t n)
{
	for (; n; n = bench_next(n)) {
		void *bytes;
		size_t size;

		if (hws_buf_view(pool, buf, HWS_RW, &bytes, &size) < 0 ||
		    hws_buf_unview(pool, buf) < 0)
			return -EIO;
	}
	return 0;
}

static int view_ours(void *context, uint64_t n)
{
	struct bench *bench = context;

	return views(bench->ours, bench->ours_buf, n);
}

static int view_base(void *context, uint64_t n)
{
	struct bench *bench = context;

	return views(bench->base, bench->base_buf, n);
}

static int lends(struct hws_pool *pool, struct hws_buf buf, uint64_t n)
{
	for (; n; n = bench_next(n)) {
		struct buf_memory memory;

		if (buf_to_kernel(pool, buf, (uint32_t)n & BUF_BY_MAX, &memory) < 0 ||
		    buf_to_user(pool, buf, (uint32_t)n & BUF_BY_MAX) < 0)
			return -EIO;
	}
	return 0;
}

static int lend_to_device(void *context, uint64_t n)
{
	struct bench *bench = context;

	for (; n; n = bench_next(n)) {
		struct buf_memory memory;

		if (buf_to_device(bench->ours, bench->ours_buf, 1, &memory) < 0 ||
		    buf_from_device(bench->ours, bench->ours_buf, 1) < 0)
			return -EIO;
	}
	return 0;
}

/* As a send that is not copied: its result first, its memory later. */
static int lend_twice(void *context, uint64_t n)
{
	struct bench *bench = context;

	for (; n; n = bench_next(n)) {
		struct buf_memory memory;

		if (buf_to_kernel(bench->ours, bench->ours_buf, 1, &memory) < 0 ||
		    buf_returning(bench->ours, bench->ours_buf, 1) < 0 ||
		    buf_to_user(bench->ours, bench->ours_buf, 1) < 0)
			return -EIO;
	}
	return 0;
}

static int lend_ours(void *context, uint64_t n)
{
	struct bench *bench = context;

	return lends(bench->ours, bench->ours_buf, n);
}

/* What it would be to keep no owner: two stores to the slot. */
static int lend_base(void *context, uint64_t n)
{
	struct bench *bench = context;

	for (; n; n = bench_next(n)) {
		*(volatile uint32_t *)&bench->first = (uint32_t)n;
		*(volatile uint32_t *)&bench->first = 0;
	}
	return 0;
}

/* A view, and then the hand-over that has to close the buffer again. */
static int turns(struct hws_pool *pool, struct hws_buf buf, uint64_t n)
{
	for (; n; n = bench_next(n)) {
		if (views(pool, buf, 1) < 0 || lends(pool, buf, 1) < 0)
			return -EIO;
	}
	return 0;
}

static int turn_ours(void *context, uint64_t n)
{
	struct bench *bench = context;

	return turns(bench->ours, bench->ours_buf, n);
}

static int turn_base(void *context, uint64_t n)
{
	struct bench *bench = context;

	return turns(bench->base, bench->base_buf, n);
}

static const enum hws_pool_guard none = HWS_POOL_GUARD_NONE;
static const enum hws_pool_guard keys = HWS_POOL_GUARD_KEYS;
static const enum hws_pool_guard strict = HWS_POOL_GUARD_STRICT;
static const enum hws_pool_guard pages = HWS_POOL_GUARD_PAGES;

const struct bench_case uring_buf_cases[] = {
	{ .name = "take-give",
	  .baseline = "a free list behind a mutex",
	  .what = "a buffer taken and given back",
	  .arg = &none,
	  .setup = setup,
	  .teardown = teardown,
	  .ours = take_give,
	  .base = take_give_mutex },
	{ .name = "lend-return",
	  .baseline = "two stores: no owner is kept",
	  .what = "to the kernel and back",
	  .arg = &none,
	  .setup = setup,
	  .teardown = teardown,
	  .ours = lend_ours,
	  .base = lend_base,
	  .limits = { { BENCH_EXTRA_INSTRUCTIONS, 60 } } },
	{ .name = "lend-device",
	  .baseline = "two stores: no owner is kept",
	  .what = "to a device and back",
	  .arg = &none,
	  .setup = setup,
	  .teardown = teardown,
	  .ours = lend_to_device,
	  .base = lend_base,
	  .limits = { { BENCH_EXTRA_INSTRUCTIONS, 60 } } },
	{ .name = "lend-returning",
	  .baseline = "two stores: no owner is kept",
	  .what = "to the kernel, half back, and back",
	  .arg = &none,
	  .setup = setup,
	  .teardown = teardown,
	  .ours = lend_twice,
	  .base = lend_base },
	{ .name = "turn-none",
	  .baseline = "two stores: no owner is kept",
	  .what = "viewed, lent to the kernel and back",
	  .arg = &none,
	  .setup = setup,
	  .teardown = teardown,
	  .ours = turn_ours,
	  .base = lend_base },
	{ .name = "view-keys",
	  .baseline = "the same without protection keys",
	  .what = "a view opened and closed",
	  .arg = &keys,
	  .setup = setup,
	  .teardown = teardown,
	  .ours = view_ours,
	  .base = view_base,
	  .limits = { { BENCH_EXTRA_NS, 60 } } },
	{ .name = "turn-keys",
	  .baseline = "the same without protection keys",
	  .what = "viewed, lent to the kernel and back",
	  .arg = &keys,
	  .setup = setup,
	  .teardown = teardown,
	  .ours = turn_ours,
	  .base = turn_base,
	  .limits = { { BENCH_EXTRA_NS, 60 } } },
	{ .name = "turn-strict",
	  .baseline = "the same without protection keys",
	  .what = "viewed, lent to the kernel and back, each with a system call",
	  .arg = &strict,
	  .setup = setup,
	  .teardown = teardown,
	  .ours = turn_ours,
	  .base = turn_base },
	{ .name = "turn-pages",
	  .baseline = "the same without a guard",
	  .what = "viewed, lent to the kernel and back, each with a system call",
	  .arg = &pages,
	  .setup = setup,
	  .teardown = teardown,
	  .ours = turn_ours,
	  .base = turn_base },
	{ 0 },
};
