/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What a pool gives back it gives back once: a moment later it may be another thread's. */
#include <errno.h>

#include "shim/sys-internal.h"
#include "tests/suite.h"
#include "uring/buf-internal.h"
#include "uring/pool.h"

enum { MOST = 64, SIZE = 4096 };

static struct {
	const char *from;
	const char *to;
} unmapped[MOST];
static int count;

int __real_sys_munmap(void *address, size_t size);
int __wrap_sys_munmap(void *address, size_t size);

int __wrap_sys_munmap(void *address, size_t size)
{
	const char *from = address;

	ck_assert_int_lt(count, MOST);
	for (int i = 0; i < count; i++)
		ck_assert_msg(from >= unmapped[i].to || from + size <= unmapped[i].from,
			      "%p is unmapped twice", address);
	unmapped[count].from = from;
	unmapped[count++].to = from + size;
	return __real_sys_munmap(address, size);
}

static struct hws_pool *opened(void)
{
	const struct hws_pool_options options = {
		.size = sizeof(options),
		.classes = { { SIZE, 16 }, { SIZE * 4, 8 } },
	};
	struct hws_pool *pool;

	ck_ok(hws_pool_open(NULL, &options, &pool));
	count = 0; /* what was trimmed may have been used again */
	return pool;
}

START_TEST(pool_is_unmapped_once)
{
	ck_assert_int_eq(hws_pool_close(opened(), NULL), 0);
	ck_assert_int_gt(count, 0);
}
END_TEST

START_TEST(pool_with_a_leak_is_unmapped_once_around_it)
{
	struct hws_pool *pool = opened();
	struct hws_pool_leaks leaks;
	struct buf_memory memory;
	struct hws_buf bufs[3];

	for (int i = 0; i < 3; i++)
		ck_ok(hws_buf_take(pool, SIZE, &bufs[i]));
	ck_ok(buf_to_kernel(pool, bufs[1], 7, &memory));
	ck_assert_int_eq(hws_pool_close(pool, &leaks), 0);
	ck_assert_uint_eq(leaks.buffers, 1);
	ck_assert_uint_eq(leaks.bytes, SIZE);
	for (int i = 0; i < count; i++)
		ck_assert((const char *)memory.address >= unmapped[i].to ||
			  (const char *)memory.address + SIZE <= unmapped[i].from);
}
END_TEST

int main(void)
{
	const TTest *const tests[] = {
		pool_is_unmapped_once,
		pool_with_a_leak_is_unmapped_once_around_it,
		NULL,
	};

	return suite_run("uring/pool-unmap", tests);
}
