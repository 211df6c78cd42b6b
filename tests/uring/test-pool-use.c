/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A pool at work: reuse without allocation, generations, waiting, threads. */
#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <time.h>

#include "shim/sys-internal.h"
#include "tests/uring/pools.h"

enum { OP = 7 };

/* The linker sends the library's and this program's allocations here. */
static _Atomic uint64_t allocations;

#define WRAP(name, parameters, arguments)          \
	void *__real_##name parameters;            \
	void *__wrap_##name parameters;            \
	void *__wrap_##name parameters             \
	{                                          \
		atomic_fetch_add(&allocations, 1); \
		return __real_##name arguments;    \
	}
WRAP(malloc, (size_t size), (size))
WRAP(calloc, (size_t count, size_t size), (count, size))
WRAP(realloc, (void *old, size_t size), (old, size))
#define MMAP (void *at, size_t size, int prot, int flags, int fd, off_t offset)
WRAP(mmap, MMAP, (at, size, prot, flags, fd, offset))

static uint64_t in_ms(uint64_t ms)
{
	uint64_t now;

	ck_ok(sys_clock(CLOCK_MONOTONIC, &now));
	return now + ms * 1000000;
}

/* More than a registered buffer may have: the address space is there, the memory isn't touched. */
START_TEST(large_pools_are_registered_in_pieces)
{
	enum { SIZE = 3 << 20, COUNT = 800 };
	struct hws_pool *pool = open_pool(COUNT, SIZE);
	uint64_t total = 0;
	struct buf_memory memory;
	struct hws_buf buf;

	ck_assert_uint_eq(pool_regions(pool), 3);
	for (uint32_t i = 0; i < pool_regions(pool); i++) {
		void *base;
		uint64_t size;

		pool_region(pool, i, &base, &size);
		ck_assert_uint_le(size, 1u << 30);
		total += size;
	}
	ck_assert_uint_eq(total, (uint64_t)SIZE * COUNT);
	for (int i = 0; i < COUNT; i++) {
		void *base;
		uint64_t size;

		ck_ok(hws_buf_take(pool, 1, &buf));
		ck_ok(buf_to_kernel(pool, buf, 1, &memory));
		pool_region(pool, memory.index, &base, &size);
		ck_assert(hws_range_ok((uintptr_t)memory.address - (uintptr_t)base, memory.size,
				       size));
		ck_ok(buf_to_user(pool, buf, 1));
	}
	ck_ok(hws_pool_close(pool, NULL));
}
END_TEST

START_TEST(hot_potato_allocates_nothing)
{
	struct hws_pool *pool = open_pool(4, 4096);
	struct hws_buf first;
	struct hws_buf buf;
	uint64_t before;
	uint64_t after;
	int rounds = suite_rounds(1000000);
	int wrong = 0;

	ck_ok(hws_buf_take(pool, 1, &first));
	ck_ok(hws_buf_give(pool, first));
	before = allocations;
	for (int i = 0; i < rounds; i++) {
		struct buf_memory memory;
		void *bytes;
		size_t size;

		wrong |= hws_buf_take(pool, 4096, &buf);
		wrong |= hws_buf_view(pool, buf, HWS_RW, &bytes, &size);
		*(volatile int *)bytes = i;
		wrong |= hws_buf_unview(pool, buf);
		wrong |= buf_to_kernel(pool, buf, (uint32_t)i, &memory);
		wrong |= buf_to_user(pool, buf, (uint32_t)i);
		wrong |= hws_buf_give(pool, buf);
	}
	after = allocations;
	ck_assert_int_eq(wrong, 0);
	ck_assert_uint_eq(after, before);
	ck_assert_uint_eq(buf.slot, first.slot);
	ck_assert_uint_eq(buf.generation, first.generation + (uint32_t)rounds);
	ck_assert_uint_eq(stats_of(pool).peak, 1);
	ck_ok(hws_pool_close(pool, NULL));
}
END_TEST

START_TEST(content_stays_or_is_cleared_as_asked)
{
	for (uint32_t flags = 0; flags <= HWS_POOL_ZERO; flags += HWS_POOL_ZERO) {
		struct hws_pool_options options = one_class(1, 4096);
		struct hws_pool *pool;
		struct hws_buf buf;

		options.flags = flags | HWS_POOL_PREFAULT;
		ck_ok(hws_pool_open(NULL, &options, &pool));
		for (int i = 0; i < 2; i++) {
			HWS_VIEW(view);

			ck_ok(hws_buf_take(pool, 1, &buf));
			ck_ok(hws_view_open(pool, buf, HWS_RW, &view));
			ck_assert_int_eq(((char *)view.bytes)[99], i == 1 && flags == 0 ? 'x' : 0);
			memset(view.bytes, 'x', view.size);
			hws_view_close(&view);
			ck_ok(hws_buf_give(pool, buf));
		}
		ck_ok(hws_pool_close(pool, NULL));
	}
}
END_TEST

/* The free buffer at the top, as if it had been used so often. */
static void age(struct hws_pool *pool, uint32_t name, uint32_t generation)
{
	struct buf_slot *slot = &pool->head.slots[name & pool->head.mask];

	slot->name = name;
	slot->state = buf_word(generation, HWS_OWNER_FREE, 0);
}

START_TEST(generations_go_on_in_the_next_lap)
{
	struct hws_pool *pool = open_pool(3, 4096);
	struct hws_buf buf = take(pool);
	struct hws_buf last;
	struct hws_buf next;
	struct buf_memory memory;
	HWS_VIEW(view);

	ck_ok(hws_buf_give(pool, buf));
	age(pool, buf.slot, UINT32_MAX - 1);
	ck_ok(hws_buf_give(pool, take(pool)));
	last = take(pool);
	ck_assert_uint_eq(last.generation, UINT32_MAX);
	ck_ok(buf_to_kernel(pool, last, OP, &memory));
	ck_ok(buf_reclaim(pool, last, OP));
	next = take(pool);
	ck_assert_uint_eq(next.generation, 1);
	ck_assert_uint_eq(next.slot, buf.slot + 4);
	ck_assert_int_eq(hws_buf_give(pool, last), -ESTALE);
	ck_assert_int_eq(hws_buf_give(pool, (struct hws_buf) { buf.slot, 1 }), -ESTALE);
	ck_ok(hws_view_open(pool, next, HWS_RW, &view));
	hws_view_close(&view);
	ck_ok(hws_buf_give(pool, next));
	ck_ok(hws_pool_close(pool, NULL));
}
END_TEST

START_TEST(buffer_without_handles_left_is_retired)
{
	struct hws_pool *pool = open_pool(1, 4096);
	struct hws_pool_stats stats = { .size = sizeof(stats) };
	struct hws_buf buf = take(pool);

	ck_ok(hws_buf_give(pool, buf));
	age(pool, UINT32_MAX - pool->head.mask + buf.slot, UINT32_MAX);
	buf = take(pool);
	ck_ok(hws_buf_give(pool, buf));
	ck_assert_int_eq(hws_buf_give(pool, buf), -ESTALE);
	ck_assert_int_eq(hws_buf_give(pool, (struct hws_buf) { buf.slot, 0 }), -ESTALE);
	ck_assert_int_eq(hws_buf_take(pool, 1, &buf), -ENOBUFS);
	ck_ok(hws_pool_read_stats(pool, &stats));
	ck_assert_uint_eq(stats.owned[HWS_OWNER_RETIRED], 1);
	ck_assert_uint_eq(stats.in_use, 0);
	ck_ok(hws_pool_close(pool, NULL));
}
END_TEST

START_TEST(take_wait_gives_up_at_its_deadline)
{
	struct hws_pool *pool = open_pool(1, 4096);
	struct hws_buf buf;
	struct hws_buf other;
	uint64_t deadline = in_ms(20);

	ck_ok(hws_buf_take_wait(pool, 1, 0, &buf));
	ck_assert_int_eq(hws_buf_take_wait(pool, 1, 0, &other), -ETIMEDOUT);
	ck_assert_int_eq(hws_buf_take_wait(pool, 1, deadline, &other), -ETIMEDOUT);
	ck_assert_uint_ge(in_ms(0), deadline);
	ck_assert_uint_eq(stats_of(pool).waited, 2);
	ck_assert_uint_eq(stats_of(pool).failed, 2);
	ck_ok(hws_pool_close(pool, NULL));
}
END_TEST

static void *wait_and_give(void *pool)
{
	for (int i = 0; i < 2000; i++) {
		struct hws_buf buf;

		if (hws_buf_take_wait(pool, 1, HWS_FOREVER, &buf) < 0 ||
		    hws_buf_give(pool, buf) < 0)
			return pool;
	}
	return NULL;
}

/* A wake-up that is lost leaves somebody asleep for ever, and the test runs out of time. */
START_TEST(no_wake_up_is_lost)
{
	enum { THREADS = 8 };
	struct hws_pool *pool = open_pool(2, 4096);
	pthread_t thread[THREADS];
	void *failed;

	for (int i = 0; i < THREADS; i++)
		ck_assert_int_eq(pthread_create(&thread[i], NULL, wait_and_give, pool), 0);
	for (int i = 0; i < THREADS; i++) {
		pthread_join(thread[i], &failed);
		ck_assert_ptr_null(failed);
	}
	ck_assert_uint_eq(stats_of(pool).in_use, 0);
	ck_ok(hws_pool_close(pool, NULL));
}
END_TEST

/* Each thread writes its mark into what it takes and finds it there, until it gives it back. */
struct mixer {
	struct hws_pool *pool;
	uint64_t mark;
	uint64_t rounds;
	uint64_t wrong;
};

static void mix_one(struct mixer *mixer, uint64_t round)
{
	HWS_VIEW(view);
	struct hws_buf buf;
	struct buf_memory memory;
	uint32_t op = (uint32_t)mixer->mark;
	uint64_t *words;

	if (hws_buf_take(mixer->pool, 1, &buf) < 0)
		return;
	mixer->wrong += hws_view_open(mixer->pool, buf, HWS_RW, &view) != 0;
	words = view.bytes;
	words[0] = words[511] = mixer->mark << 32 | round;
	if (round % 64 == 0)
		sched_yield();
	mixer->wrong += words[0] != words[511] || words[0] != (mixer->mark << 32 | round);
	hws_view_close(&view);
	mixer->wrong += buf_to_kernel(mixer->pool, buf, op, &memory) != 0;
	mixer->wrong += buf_to_user(mixer->pool, buf, op + 1) != -EBUSY;
	if (round % 2)
		mixer->wrong += buf_reclaim(mixer->pool, buf, op) != 0;
	else
		mixer->wrong += buf_to_user(mixer->pool, buf, op) != 0 ||
				hws_buf_give(mixer->pool, buf) != 0;
	mixer->wrong += hws_buf_give(mixer->pool, buf) != -ESTALE;
}

static void *mix(void *context)
{
	struct mixer *mixer = context;

	for (uint64_t round = 0; round < mixer->rounds; round++)
		mix_one(mixer, round);
	return NULL;
}

START_TEST(threads_never_share_a_buffer)
{
	enum { THREADS = 8 };
	uint32_t rounds = (uint32_t)suite_rounds(1000000) / THREADS;
	struct hws_pool *pool = open_pool(5, 4096);
	struct mixer mixers[THREADS];
	pthread_t thread[THREADS];

	for (uint32_t i = 0; i < THREADS; i++) {
		mixers[i] = (struct mixer) { .pool = pool, .mark = 100 + 2 * i, .rounds = rounds };
		ck_assert_int_eq(pthread_create(&thread[i], NULL, mix, &mixers[i]), 0);
	}
	for (int i = 0; i < THREADS; i++) {
		pthread_join(thread[i], NULL);
		ck_assert_uint_eq(mixers[i].wrong, 0);
	}
	ck_assert_uint_eq(stats_of(pool).in_use, 0);
	ck_ok(hws_pool_close(pool, NULL));
}
END_TEST

int main(void)
{
	return suite_run("uring/pool-use", (const TTest *[]) {
						   large_pools_are_registered_in_pieces,
						   hot_potato_allocates_nothing,
						   content_stays_or_is_cleared_as_asked,
						   generations_go_on_in_the_next_lap,
						   buffer_without_handles_left_is_retired,
						   take_wait_gives_up_at_its_deadline,
						   no_wake_up_is_lost,
						   threads_never_share_a_buffer,
						   NULL,
					   });
}
