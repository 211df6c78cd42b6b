/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Pools: layout, classes, guards by pages, closing, numbers. */
#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "guardian/context-internal.h"
#include "shim/sys-internal.h"
#include "tests/guardian/sim-context.h"
#include "tests/uring/pools.h"

START_TEST(default_pool_opens)
{
	struct hws_pool *pool;
	struct hws_pool_stats stats;
	struct hws_buf buf;

	ck_ok(hws_pool_open(NULL, NULL, &pool));
	stats = stats_of(pool);
	ck_assert_uint_eq(stats.capacity, 1024);
	ck_assert_uint_eq(stats.owned[HWS_OWNER_FREE], 1024);
	/* buffers of 4 KiB: at most 3 % besides */
	ck_assert_uint_le(stats.metadata_bytes * 100, stats.bytes * 3);
	ck_ok(hws_buf_take(pool, 4096, &buf));
	ck_assert_uint_ge(hws_buf_size(pool, buf), 4096);
	ck_ok(hws_buf_give(pool, buf));
	ck_ok(hws_pool_close(pool, NULL));
	ck_ok(hws_pool_close(NULL, NULL));
	/* all zero is the default */
	ck_ok(hws_pool_open(NULL, &(struct hws_pool_options) { 0 }, &pool));
	ck_assert_uint_eq(stats_of(pool).capacity, 1024);
	ck_ok(hws_pool_close(pool, NULL));
}
END_TEST

START_TEST(options_that_cant_be_are_refused)
{
	struct hws_pool *pool = NULL;
	struct hws_pool_options bad[] = {
		one_class(1, 4096),
		one_class(1, 4096),
		one_class(1, 4096),
		one_class(1, 4096),
		one_class(1, 0),
		one_class(1, 4096),
		one_class(1, (1ull << 30) + 1),
		one_class(1 << 25, 1),
		one_class(1 << 24, 1 << 30),
	};

	bad[0].size = 1;
	bad[1].guard = HWS_POOL_GUARDS;
	bad[2].huge = (enum hws_huge)3;
	bad[3].flags = 8;
	bad[5].classes[1] = (struct hws_pool_class) { .size = 1, .count = 1 };
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		ck_assert_int_eq(hws_pool_open(NULL, &bad[i], &pool), -EINVAL);
		ck_assert_ptr_null(pool);
	}
}
END_TEST

START_TEST(smallest_class_that_holds_it_is_taken)
{
	struct hws_pool_options options = {
		.size = sizeof(options),
		.classes = { { .size = 65536, .count = 1 }, { 0 }, { .size = 4096, .count = 2 } },
	};
	struct hws_pool *pool;
	struct hws_buf small[2];
	struct hws_buf large;
	struct hws_buf none = { 9, 9 };
	void *base;
	uint64_t size;

	ck_ok(hws_pool_open(NULL, &options, &pool));
	ck_ok(hws_buf_take(pool, 0, &small[0]));
	ck_ok(hws_buf_take(pool, 4096, &small[1]));
	ck_assert_int_eq(hws_buf_take(pool, 1, &none), -ENOBUFS);
	ck_assert_uint_eq(none.slot, 9);
	ck_ok(hws_buf_take(pool, 65535, &large));
	ck_assert_uint_eq(hws_buf_size(pool, large), 65536);
	ck_assert_int_eq(hws_buf_take(pool, 65537, &none), -EINVAL);
	ck_assert_int_eq(hws_buf_take_wait(pool, 65537, 0, &none), -EINVAL);
	ck_assert_uint_eq(stats_of(pool).pressure, 100);
	ck_assert_uint_eq(stats_of(pool).failed, 1);
	ck_assert_uint_eq(pool_regions(pool), 2);
	pool_region(pool, 0, &base, &size);
	ck_assert_uint_eq(size, 8192);
	pool_region(pool, 1, &base, &size);
	ck_assert_uint_eq(size, 65536);
	ck_ok(hws_pool_close(pool, NULL));
}
END_TEST

START_TEST(numa_node_that_isnt_there_is_refused)
{
	struct hws_pool_options options = one_class(1, 4096);
	struct hws_pool *pool;

	need_kernel("mbind()");
	options.flags = HWS_POOL_NODE;
	options.node = 1u << 20;
	ck_assert_int_eq(hws_pool_open(NULL, &options, &pool), -EINVAL);
	options.node = 999;
	ck_assert_int_lt(hws_pool_open(NULL, &options, &pool), 0);
	options.node = 0;
	need("numa", access("/sys/devices/system/node/node0", F_OK) == 0, "no NUMA in this kernel");
	ck_ok(hws_pool_open(NULL, &options, &pool));
	ck_ok(hws_pool_close(pool, NULL));
}
END_TEST

static bool huge_pages_free(void)
{
	uint64_t count;

	return sys_read_u64(SYS_REAL_ROOT,
			    "/sys/kernel/mm/hugepages/hugepages-2048kB/free_hugepages",
			    &count) == 0 &&
	       count >= 2;
}

START_TEST(huge_pages_or_else)
{
	struct hws_pool_options options = one_class(512, 12288);
	struct hws_pool *pool;
	struct hws_buf buf;

	options.huge = HWS_HUGE_TRY;
	ck_ok(hws_pool_open(NULL, &options, &pool));
	ck_ok(hws_buf_take(pool, 1, &buf));
	ck_ok(hws_pool_close(pool, NULL));
	options = one_class(1u << 24, 1u << 20); /* 16 TiB */
	options.huge = HWS_HUGE_MUST;
	ck_assert_int_eq(hws_pool_open(NULL, &options, &pool), -EINVAL);
	options.classes[0].count = 100000; /* nobody has so many */
	ck_assert_int_eq(hws_pool_open(NULL, &options, &pool), -ENOMEM);
}
END_TEST

START_TEST(pools_lie_in_huge_pages)
{
	struct hws_pool_options options = one_class(512, 4096);
	struct hws_pool *pool;

	need_where("hugepages", huge_pages_free(), "no free huge pages of 2 MiB");
	options.huge = HWS_HUGE_MUST;
	options.flags = HWS_POOL_PREFAULT;
	ck_ok(hws_pool_open(NULL, &options, &pool));
	ck_assert(stats_of(pool).huge);
	ck_ok(hws_pool_close(pool, NULL));
	options.guard = HWS_POOL_GUARD_PAGES;
	ck_assert_int_eq(hws_pool_open(NULL, &options, &pool), -EINVAL);
}
END_TEST

/* What the kernel says of a byte: 0 it can be read, -EFAULT closed or not there. */
static int probe(const void *at)
{
	int fds[2];
	int r;

	ck_assert_int_eq(pipe(fds), 0);
	r = write(fds[1], at, 1) == 1 ? 0 : -errno;
	close(fds[0]);
	close(fds[1]);
	return r;
}

static bool is_mapped(void *at)
{
	unsigned char state;

	return mincore(at, 4096, &state) == 0;
}

START_TEST(close_keeps_what_others_own)
{
	enum { COUNT = 8 };
	struct hws_pool_options options = one_class(COUNT, 4096);
	struct hws_pool_leaks leaks;
	struct hws_pool *pool;
	struct hws_buf buf[COUNT];
	struct buf_memory at[COUNT];
	void *viewed;
	size_t size;

	need_kernel("PROT_NONE for its own calls");
	options.guard = HWS_POOL_GUARD_NONE;
	ck_ok(hws_pool_open(NULL, &options, &pool));
	for (int i = 0; i < COUNT; i++) {
		ck_ok(hws_buf_take(pool, 1, &buf[i]));
		ck_ok(buf_to_kernel(pool, buf[i], 5, &at[i]));
		ck_ok(buf_to_user(pool, buf[i], 5));
	}
	ck_ok(buf_to_kernel(pool, buf[1], 5, &at[1]));
	ck_ok(buf_to_kernel(pool, buf[2], 5, &at[2]));
	ck_ok(buf_quarantine(pool, buf[2], 5));
	ck_assert_int_eq(probe(at[2].address), -EFAULT);
	ck_ok(buf_to_device(pool, buf[4], 5, &at[4]));
	ck_ok(hws_buf_view(pool, buf[6], HWS_RW, &viewed, &size));
	ck_ok(hws_buf_give(pool, buf[7]));
	ck_ok(hws_pool_close(pool, &leaks));
	ck_assert_uint_eq(leaks.buffers, 3);
	ck_assert_uint_eq(leaks.viewed, 1);
	ck_assert_uint_eq(leaks.bytes, 4 * 4096);
	for (int i = 0; i < COUNT; i++) {
		bool kept = i == 1 || i == 2 || i == 4 || i == 6;

		ck_assert_msg(is_mapped(at[i].address) == kept, "buffer %d", i);
		ck_assert_int_eq(probe(at[i].address), i == 6 ? 0 : -EFAULT);
	}
}
END_TEST

START_TEST(close_waits_for_rings)
{
	struct hws_pool *pool = open_pool(1, 4096);
	struct hws_pool_leaks leaks = { .buffers = 99 };

	pool_ref(pool);
	ck_assert_int_eq(hws_pool_close(pool, &leaks), -EBUSY);
	ck_assert_uint_eq(leaks.buffers, 99);
	pool_unref(pool);
	ck_ok(hws_pool_close(pool, &leaks));
	ck_assert_uint_eq(leaks.buffers, 0);
}
END_TEST

START_TEST(pages_shut_what_is_in_flight)
{
	struct hws_pool_options options = one_class(3, 4096);
	struct hws_pool *pool;
	struct hws_buf buf;
	struct buf_memory memory;
	void *bytes;
	size_t size;

	options.guard = HWS_POOL_GUARD_PAGES;
	ck_ok(hws_pool_open(NULL, &options, &pool));
	ck_assert(pool_guarded(pool));
	ck_ok(hws_buf_take(pool, 1, &buf));
	ck_ok(buf_to_kernel(pool, buf, 5, &memory));
	ck_assert_int_eq(probe(memory.address), -EFAULT);
	ck_ok(buf_open_for_kernel(pool, buf));
	ck_assert_int_eq(probe(memory.address), 0);
	buf_close_for_kernel(pool, buf);
	ck_assert_int_eq(probe(memory.address), -EFAULT);
	ck_ok(buf_to_user(pool, buf, 5));
	ck_ok(hws_buf_view(pool, buf, HWS_RW, &bytes, &size));
	ck_assert_ptr_eq(bytes, memory.address);
	memset(bytes, 1, size);
	ck_ok(hws_buf_unview(pool, buf));
	ck_ok(hws_buf_give(pool, buf));
	ck_ok(hws_pool_close(pool, NULL));
}
END_TEST

START_TEST(stats_count_by_owner)
{
	struct hws_pool *pool = open_pool(6, 4096);
	struct hws_pool_stats stats;
	struct hws_pool_stats old = { .size = 8 };
	struct hws_buf buf[5];
	struct buf_memory memory;
	void *bytes;
	size_t size;

	for (int i = 0; i < 5; i++)
		ck_ok(hws_buf_take(pool, 1, &buf[i]));
	ck_ok(buf_to_kernel(pool, buf[0], 1, &memory));
	ck_ok(buf_to_device(pool, buf[1], 1, &memory));
	ck_ok(hws_buf_view(pool, buf[2], HWS_R, &bytes, &size));
	ck_ok(hws_buf_give(pool, buf[4]));
	stats = stats_of(pool);
	ck_assert_uint_eq(stats.owned[HWS_OWNER_FREE], 2);
	ck_assert_uint_eq(stats.owned[HWS_OWNER_USER], 2);
	ck_assert_uint_eq(stats.owned[HWS_OWNER_KERNEL], 1);
	ck_assert_uint_eq(stats.owned[HWS_OWNER_DEVICE], 1);
	ck_assert_uint_eq(stats.viewed, 1);
	ck_assert_uint_eq(stats.in_use, 4);
	ck_assert_uint_eq(stats.peak, 5);
	ck_assert_uint_eq(stats.pressure, 66);
	ck_assert_int_eq(hws_pool_read_stats(pool, &old), -EINVAL);
	ck_ok(hws_buf_unview(pool, buf[2]));
	ck_ok(hws_pool_close(pool, NULL));
}
END_TEST

static uint64_t charged(struct hws *hw)
{
	struct hws_cap_state states[HWS_RESOURCES];

	caps_read(&hw->caps, states);
	return states[HWS_RAM].used;
}

START_TEST(guardian_is_asked_for_the_memory)
{
	struct hws_options with = sim_with(NULL);
	struct hws *hw;
	struct hws_pool_options options = one_class(256, 4096);
	struct hws_pool_leaks leaks;
	struct hws_pool *pool;
	struct hws_pool *more = NULL;
	struct buf_memory memory;
	struct hws_buf buf;
	struct hws_pool_stats stats;

	with.caps[HWS_RAM].absolute = (1 << 20) + 4096 * 100;
	ck_ok(hws_open(&with, &hw));
	ck_ok(hws_pool_open(hw, &options, &pool));
	stats = stats_of(pool);
	ck_assert_uint_eq(charged(hw), stats.bytes + stats.metadata_bytes);
	ck_assert_int_eq(hws_pool_open(hw, &options, &more), -EDQUOT);
	ck_assert_ptr_null(more);
	buf = take(pool);
	ck_ok(buf_to_kernel(pool, buf, 1, &memory));
	ck_ok(hws_pool_close(pool, &leaks));
	ck_assert_uint_eq(leaks.bytes, 4096);
	ck_assert_uint_eq(charged(hw), 4096);
	options.classes[0].count = 8;
	ck_ok(hws_pool_open(hw, &options, &pool));
	ck_ok(hws_pool_close(pool, NULL));
	ck_assert_uint_eq(charged(hw), 4096);
	hws_close(hw);
}
END_TEST

START_TEST(guard_names_are_words)
{
	for (int i = 0; i < HWS_POOL_GUARDS; i++)
		ck_assert_str_ne(hws_pool_guard_name((enum hws_pool_guard)i), "?");
	ck_assert_str_eq(hws_pool_guard_name(HWS_POOL_GUARDS), "?");
}
END_TEST

int main(void)
{
	return suite_run("uring/pool", (const TTest *[]) {
					       default_pool_opens,
					       options_that_cant_be_are_refused,
					       smallest_class_that_holds_it_is_taken,
					       numa_node_that_isnt_there_is_refused,
					       huge_pages_or_else,
					       pools_lie_in_huge_pages,
					       close_keeps_what_others_own,
					       close_waits_for_rings,
					       pages_shut_what_is_in_flight,
					       stats_count_by_owner,
					       guardian_is_asked_for_the_memory,
					       guard_names_are_words,
					       NULL,
				       });
}
