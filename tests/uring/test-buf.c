/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* One buffer: every edge of its life, and every one that must not be. */
#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/uring/pools.h"

enum { OP = 7, OTHER = 8, DOMAIN = 3 };

/* The calls, all of one shape. */
static int give(struct hws_pool *pool, struct hws_buf buf)
{
	return hws_buf_give(pool, buf);
}

static int view(struct hws_pool *pool, struct hws_buf buf)
{
	void *bytes;
	size_t size;

	return hws_buf_view(pool, buf, HWS_RW, &bytes, &size);
}

static int unview(struct hws_pool *pool, struct hws_buf buf)
{
	return hws_buf_unview(pool, buf);
}

static int to_kernel(struct hws_pool *pool, struct hws_buf buf)
{
	struct buf_memory memory;

	return buf_to_kernel(pool, buf, OP, &memory);
}

static int to_device(struct hws_pool *pool, struct hws_buf buf)
{
	struct buf_memory memory;

	return buf_to_device(pool, buf, DOMAIN, &memory);
}

#define CALL(name, function, by)                                   \
	static int name(struct hws_pool *pool, struct hws_buf buf) \
	{                                                          \
		return function(pool, buf, by);                    \
	}
CALL(to_user, buf_to_user, OP)
CALL(to_user_other, buf_to_user, OTHER)
CALL(to_user_none, buf_to_user, UINT32_MAX)
CALL(reclaim, buf_reclaim, OP)
CALL(reclaim_other, buf_reclaim, OTHER)
CALL(returning, buf_returning, OP)
CALL(returning_other, buf_returning, OTHER)
CALL(quarantine, buf_quarantine, OP)
CALL(quarantine_other, buf_quarantine, OTHER)
CALL(from_device, buf_from_device, DOMAIN)
CALL(from_device_other, buf_from_device, DOMAIN + 1)
CALL(quarantine_device, buf_quarantine_device, DOMAIN)
CALL(quarantine_device_other, buf_quarantine_device, DOMAIN + 1)

typedef int (*call)(struct hws_pool *, struct hws_buf);

/* The states, by the calls that lead there from user. */
enum { FREE, USER, VIEWED, KERNEL, RETURNING, DEVICE, QUARANTINED, STATES };
static const call ways[STATES][2] = {
	[FREE] = { give },
	[USER] = { NULL },
	[VIEWED] = { view },
	[KERNEL] = { to_kernel },
	[RETURNING] = { to_kernel, returning },
	[DEVICE] = { to_device },
	[QUARANTINED] = { to_kernel, quarantine },
};
static const int owners[STATES] = {
	-ESTALE,
	HWS_OWNER_USER,
	HWS_OWNER_USER,
	HWS_OWNER_KERNEL,
	HWS_OWNER_RETURNING,
	HWS_OWNER_DEVICE,
	HWS_OWNER_QUARANTINED,
};

/* What each call says in each state. */
static const struct {
	call call;
	const char *name;
	int result[STATES];
} table[] = {
#define ROW(name, ...)              \
	{                           \
		name, #name,        \
		{                   \
			__VA_ARGS__ \
		}                   \
	}
	ROW(give, -ESTALE, 0, -EBUSY, -EBUSY, -EBUSY, -EBUSY, -EBUSY),
	ROW(view, -ESTALE, 0, 0, -EBUSY, -EBUSY, -EBUSY, -EBUSY),
	ROW(unview, -ESTALE, -EINVAL, 0, -EBUSY, -EBUSY, -EBUSY, -EBUSY),
	ROW(to_kernel, -ESTALE, 0, -EBUSY, -EBUSY, -EBUSY, -EBUSY, -EBUSY),
	ROW(to_device, -ESTALE, 0, -EBUSY, -EBUSY, -EBUSY, -EBUSY, -EBUSY),
	ROW(to_user, -ESTALE, -EINVAL, -EINVAL, 0, 0, -EBUSY, -EBUSY),
	ROW(to_user_other, -ESTALE, -EINVAL, -EINVAL, -EBUSY, -EBUSY, -EBUSY, -EBUSY),
	ROW(to_user_none, -ESTALE, -EINVAL, -EINVAL, -EBUSY, -EBUSY, -EBUSY, -EBUSY),
	ROW(reclaim, -ESTALE, -EINVAL, -EINVAL, 0, 0, -EBUSY, -EBUSY),
	ROW(reclaim_other, -ESTALE, -EINVAL, -EINVAL, -EBUSY, -EBUSY, -EBUSY, -EBUSY),
	ROW(returning, -ESTALE, -EINVAL, -EINVAL, 0, -EBUSY, -EBUSY, -EBUSY),
	ROW(returning_other, -ESTALE, -EINVAL, -EINVAL, -EBUSY, -EBUSY, -EBUSY, -EBUSY),
	ROW(quarantine, -ESTALE, -EINVAL, -EINVAL, 0, 0, -EBUSY, -EBUSY),
	ROW(quarantine_other, -ESTALE, -EINVAL, -EINVAL, -EBUSY, -EBUSY, -EBUSY, -EBUSY),
	ROW(from_device, -ESTALE, -EINVAL, -EINVAL, -EBUSY, -EBUSY, 0, -EBUSY),
	ROW(from_device_other, -ESTALE, -EINVAL, -EINVAL, -EBUSY, -EBUSY, -EBUSY, -EBUSY),
	ROW(quarantine_device, -ESTALE, -EINVAL, -EINVAL, -EBUSY, -EBUSY, 0, -EBUSY),
	ROW(quarantine_device_other, -ESTALE, -EINVAL, -EINVAL, -EBUSY, -EBUSY, -EBUSY, -EBUSY),
};

START_TEST(every_call_in_every_state_does_what_the_table_says)
{
	for (size_t c = 0; c < sizeof(table) / sizeof(table[0]); c++) {
		for (int state = 0; state < STATES; state++) {
			struct hws_pool *pool = open_pool(1, 4096);
			struct hws_buf buf = take(pool);
			int r;

			for (int i = 0; i < 2 && ways[state][i]; i++)
				ck_ok(ways[state][i](pool, buf));
			ck_assert_int_eq(hws_buf_owner(pool, buf), owners[state]);
			r = table[c].call(pool, buf);
			ck_assert_msg(r == table[c].result[state], "%s in state %d: %d, not %d",
				      table[c].name, state, r, table[c].result[state]);
			ck_assert(r == 0 || strlen(hws_why()) > 0);
			if (r < 0)
				ck_assert_int_eq(hws_buf_owner(pool, buf), owners[state]);
			ck_ok(hws_pool_close(pool, NULL));
		}
	}
}
END_TEST

START_TEST(forged_handles_are_stale)
{
	struct hws_pool *pool = open_pool(5, 4096);
	struct hws_buf buf = take(pool);
	const struct hws_buf forged[] = {
		{ 0, 0 },
		{ buf.slot, 0 },
		{ buf.slot, buf.generation + 1 },
		{ buf.slot + 1, 0 },
		{ buf.slot + 1, 1 },
		{ buf.slot + 7, buf.generation },
		{ buf.slot + 8, buf.generation },
		{ UINT32_MAX, buf.generation },
		{ UINT32_MAX, UINT32_MAX },
	};

	for (size_t i = 0; i < sizeof(forged) / sizeof(forged[0]); i++) {
		for (size_t c = 0; c < sizeof(table) / sizeof(table[0]); c++)
			ck_assert_int_eq(table[c].call(pool, forged[i]), -ESTALE);
		ck_assert_uint_eq(hws_buf_size(pool, forged[i]), 0);
		ck_assert_int_eq(hws_buf_owner(pool, forged[i]), -ESTALE);
	}
	ck_ok(hws_buf_give(pool, buf));
	ck_ok(hws_pool_close(pool, NULL));
}
END_TEST

START_TEST(handle_survives_the_kernel_and_dies_with_give)
{
	struct hws_pool *pool = open_pool(1, 4096);
	struct hws_buf buf = take(pool);
	struct hws_buf next;
	struct buf_memory memory;

	ck_ok(buf_to_kernel(pool, buf, OP, &memory));
	ck_assert_uint_eq(memory.size, 4096);
	ck_assert_uint_eq(memory.index, 0);
	ck_ok(buf_to_user(pool, buf, OP));
	ck_ok(to_kernel(pool, buf));
	ck_ok(buf_reclaim(pool, buf, OP));
	ck_assert_int_eq(hws_buf_give(pool, buf), -ESTALE);
	next = take(pool);
	ck_assert_uint_eq(next.slot, buf.slot);
	ck_assert_uint_ne(next.generation, buf.generation);
	ck_assert_int_eq(buf_to_user(pool, buf, OP), -ESTALE);
	ck_assert_int_eq(buf_to_kernel(pool, next, BUF_BY_MAX + 1, &memory), -EINVAL);
	ck_ok(buf_to_kernel(pool, next, BUF_BY_MAX, &memory));
	ck_ok(buf_to_user(pool, next, BUF_BY_MAX));
	ck_ok(hws_buf_give(pool, next));
	ck_ok(hws_pool_close(pool, NULL));
}
END_TEST

START_TEST(view_gives_zeroed_pages_and_keeps_what_is_written)
{
	struct hws_pool *pool = open_pool(2, 8192);
	struct hws_buf buf = take(pool);
	static const char zeros[8192];

	{
		HWS_VIEW(open);

		ck_ok(hws_view_open(pool, buf, HWS_RW, &open));
		ck_assert_uint_eq(open.size, sizeof(zeros));
		ck_assert_uint_eq((uintptr_t)open.bytes % 4096, 0);
		ck_assert_int_eq(memcmp(open.bytes, zeros, open.size), 0);
		memset(open.bytes, 0x5a, open.size);
		ck_assert_int_eq(give(pool, buf), -EBUSY);
	}
	{
		HWS_VIEW(again);

		ck_ok(hws_view_open(pool, buf, HWS_R, &again));
		ck_assert_uint_eq(((unsigned char *)again.bytes)[8191], 0x5a);
		hws_view_close(&again);
		ck_assert_ptr_null(again.bytes);
	}
	ck_ok(give(pool, buf));
	ck_ok(hws_pool_close(pool, NULL));
}
END_TEST

START_TEST(views_nest_to_a_limit)
{
	struct hws_pool *pool = open_pool(1, 4096);
	struct hws_buf buf = take(pool);
	void *bytes;
	size_t size;

	ck_assert_int_eq(hws_buf_view(pool, buf, 0, &bytes, &size), -EINVAL);
	ck_assert_int_eq(hws_buf_view(pool, buf, 4, &bytes, &size), -EINVAL);
	ck_ok(hws_buf_view(pool, buf, HWS_R, &bytes, &size));
	for (int i = 1; i < BUF_VIEWS; i++)
		ck_ok(hws_buf_view(pool, buf, HWS_W, &bytes, &size));
	ck_assert_int_eq(hws_buf_view(pool, buf, HWS_R, &bytes, &size), -EBUSY);
	memset(bytes, 1, size);
	for (int i = 0; i < BUF_VIEWS; i++) {
		ck_assert_int_eq(give(pool, buf), -EBUSY);
		ck_ok(unview(pool, buf));
	}
	ck_assert_int_eq(unview(pool, buf), -EINVAL);
	ck_ok(give(pool, buf));
	ck_ok(hws_pool_close(pool, NULL));
}
END_TEST

/* What another thread is told. */
struct other {
	struct hws_pool *pool;
	struct hws_buf buf;
	call call;
	int result;
};

static void *other_thread(void *of)
{
	struct other *other = of;

	other->result = other->call(other->pool, other->buf);
	return NULL;
}

static int in_other_thread(struct hws_pool *pool, struct hws_buf buf, call what)
{
	struct other other = { .pool = pool, .buf = buf, .call = what };
	pthread_t thread;

	ck_assert_int_eq(pthread_create(&thread, NULL, other_thread, &other), 0);
	pthread_join(thread, NULL);
	return other.result;
}

START_TEST(view_is_one_threads)
{
	struct hws_pool *pool = open_pool(1, 4096);
	struct hws_buf buf = take(pool);

	ck_ok(view(pool, buf));
	ck_assert_int_eq(in_other_thread(pool, buf, view), -EBUSY);
	ck_assert_int_eq(in_other_thread(pool, buf, unview), -EBUSY);
	ck_assert_int_eq(in_other_thread(pool, buf, give), -EBUSY);
	ck_assert_int_eq(in_other_thread(pool, buf, to_kernel), -EBUSY);
	ck_ok(unview(pool, buf));
	ck_ok(in_other_thread(pool, buf, give));
	ck_ok(hws_pool_close(pool, NULL));
}
END_TEST

START_TEST(view_of_a_thread_that_ended_is_anybodys_to_close)
{
	struct hws_pool *pool = open_pool(1, 4096);
	struct hws_buf buf = take(pool);

	ck_ok(in_other_thread(pool, buf, view));
	ck_assert_int_eq(give(pool, buf), -EBUSY);
	/* one that was joined is there for a moment still */
	while (unview(pool, buf) == -EBUSY)
		sched_yield();
	ck_ok(view(pool, buf));
	ck_ok(unview(pool, buf));
	ck_ok(give(pool, buf));
	ck_ok(hws_pool_close(pool, NULL));
}
END_TEST

static void use_in_child(void *pool_and_buf)
{
	struct other *of = pool_and_buf;
	struct hws_buf buf;
	struct hws_pool *own;

	for (size_t c = 0; c < sizeof(table) / sizeof(table[0]); c++) {
		if (table[c].call(of->pool, of->buf) != -ESTALE)
			_exit(10);
	}
	if (hws_buf_take(of->pool, 1, &buf) != -ESTALE ||
	    hws_buf_take_wait(of->pool, 1, HWS_FOREVER, &buf) != -ESTALE)
		_exit(11);
	if (hws_pool_open(NULL, NULL, &own) < 0 || hws_buf_take(own, 1, &buf) < 0 ||
	    view(own, buf) < 0 || unview(own, buf) < 0 || hws_buf_give(own, buf) < 0)
		_exit(12);
	if (hws_pool_close(of->pool, NULL) < 0 || view(own, take(own)) < 0)
		_exit(13);
	_exit(hws_pool_close(own, NULL) < 0 ? 14 : 42);
}

START_TEST(child_of_fork_has_stale_handles_and_pools_of_its_own)
{
	struct hws_pool *pool = open_pool(2, 4096);
	struct other of = { .pool = pool, .buf = take(pool) };

	need_kernel("MADV_WIPEONFORK");
	ck_ok(view(pool, of.buf));
	ck_assert_int_eq(WEXITSTATUS(suite_child(use_in_child, &of)), 42);
	ck_ok(unview(pool, of.buf));
	ck_ok(give(pool, of.buf));
	ck_ok(hws_pool_close(pool, NULL));
}
END_TEST

START_TEST(owner_names_are_words)
{
	for (int i = 0; i < HWS_OWNERS; i++)
		ck_assert_str_ne(hws_owner_name((enum hws_owner)i), "?");
	ck_assert_str_eq(hws_owner_name(HWS_OWNERS), "?");
	ck_assert_str_eq(hws_owner_name((enum hws_owner) - 1), "?");
}
END_TEST

int main(void)
{
	return suite_run("uring/buf", (const TTest *[]) {
					      every_call_in_every_state_does_what_the_table_says,
					      forged_handles_are_stale,
					      handle_survives_the_kernel_and_dies_with_give,
					      view_gives_zeroed_pages_and_keeps_what_is_written,
					      views_nest_to_a_limit,
					      view_is_one_threads,
					      view_of_a_thread_that_ended_is_anybodys_to_close,
					      child_of_fork_has_stale_handles_and_pools_of_its_own,
					      owner_names_are_words,
					      NULL,
				      });
}
