/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What a ring may count on: registered memory is reached however it is closed; by address, not. */
#include <errno.h>
#include <liburing.h>
#include <sys/uio.h>
#include <unistd.h>

#include "shim/pkey-internal.h"
#include "tests/uring/pools.h"

enum { OP = 9, REGIONS = 4 };

struct setup {
	struct io_uring ring;
	struct hws_pool *pool;
	int fds[2];
};

static bool has_uring(void)
{
	struct io_uring ring;

	if (io_uring_queue_init(2, &ring, 0) < 0)
		return false;
	io_uring_queue_exit(&ring);
	return true;
}

static bool has_guard(enum hws_pool_guard guard)
{
	const struct pkey_set *set;

	return guard == HWS_POOL_GUARD_NONE || guard == HWS_POOL_GUARD_PAGES ||
	       pkey_take(&set) == 0;
}

static int register_pool(struct setup *setup)
{
	struct iovec pieces[REGIONS];
	uint32_t count = pool_regions(setup->pool);
	int r;

	for (uint32_t i = 0; i < count; i++) {
		uint64_t size;

		pool_region(setup->pool, i, &pieces[i].iov_base, &size);
		pieces[i].iov_len = (size_t)size;
	}
	pool_open_for_kernel(setup->pool);
	r = io_uring_register_buffers(&setup->ring, pieces, count);
	pool_close_for_kernel(setup->pool);
	return r;
}

/* Five bytes through a pipe into the buffer: what the kernel says. */
static int read_into(struct setup *setup, const struct buf_memory *memory, bool fixed)
{
	struct io_uring_sqe *sqe = io_uring_get_sqe(&setup->ring);
	struct io_uring_cqe *cqe;
	int r;

	ck_assert_int_eq(write(setup->fds[1], "hello", 5), 5);
	if (fixed)
		io_uring_prep_read_fixed(sqe, setup->fds[0], memory->address, 5, 0,
					 (int)memory->index);
	else
		io_uring_prep_read(sqe, setup->fds[0], memory->address, 5, 0);
	ck_assert_int_eq(io_uring_submit_and_wait(&setup->ring, 1), 1);
	ck_assert_int_eq(io_uring_peek_cqe(&setup->ring, &cqe), 0);
	r = cqe->res;
	io_uring_cqe_seen(&setup->ring, cqe);
	return r;
}

static void check_content(struct hws_pool *pool, struct hws_buf buf)
{
	HWS_VIEW(view);

	ck_ok(hws_view_open(pool, buf, HWS_R, &view));
	ck_assert_int_eq(memcmp(view.bytes, "hello", 5), 0);
}

static void check_guard(enum hws_pool_guard guard)
{
	struct hws_pool_options options = one_class(24, 4096);
	struct setup setup;
	struct hws_buf buf[2];
	struct buf_memory memory;

	options.classes[1] = (struct hws_pool_class) { .size = 65536, .count = 3 };
	options.guard = guard;
	ck_ok(hws_pool_open(NULL, &options, &setup.pool));
	ck_ok(io_uring_queue_init(4, &setup.ring, 0));
	ck_assert_int_eq(pipe(setup.fds), 0);
	ck_ok(register_pool(&setup));
	for (int i = 0; i < 2; i++) {
		ck_ok(hws_buf_take(setup.pool, i ? 65536 : 1, &buf[i]));
		ck_ok(buf_to_kernel(setup.pool, buf[i], OP, &memory));
		ck_assert_int_eq(read_into(&setup, &memory, true), 5);
		ck_ok(buf_to_user(setup.pool, buf[i], OP));
		check_content(setup.pool, buf[i]);
	}
	ck_ok(buf_to_kernel(setup.pool, buf[0], OP, &memory));
	ck_assert_int_eq(read_into(&setup, &memory, false), pool_guarded(setup.pool) ? -EFAULT : 5);
	ck_ok(buf_to_user(setup.pool, buf[0], OP));
	io_uring_queue_exit(&setup.ring);
	close(setup.fds[0]);
	close(setup.fds[1]);
	ck_ok(hws_pool_close(setup.pool, NULL));
}

#define GUARD_TEST(name, guard)                                                                   \
	START_TEST(name)                                                                          \
	{                                                                                         \
		need("uring", has_uring(), "the kernel has no io_uring for us");                  \
		need_where("pku", has_guard(guard), "no protection keys in processor or kernel"); \
		check_guard(guard);                                                               \
	}                                                                                         \
	END_TEST
GUARD_TEST(ring_reaches_an_open_pool, HWS_POOL_GUARD_NONE)
GUARD_TEST(ring_reaches_closed_pages_once_registered, HWS_POOL_GUARD_PAGES)
GUARD_TEST(ring_reaches_closed_keys_once_registered, HWS_POOL_GUARD_KEYS)
GUARD_TEST(ring_reaches_strict_pools_once_registered, HWS_POOL_GUARD_STRICT)

int main(void)
{
	return suite_run("uring/buf-uring", (const TTest *[]) {
						    ring_reaches_an_open_pool,
						    ring_reaches_closed_pages_once_registered,
						    ring_reaches_closed_keys_once_registered,
						    ring_reaches_strict_pools_once_registered,
						    NULL,
					    });
}
