/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What protection keys do for pools, and what they don't. */
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "raw-internal.h"
#include "shim/pkey-internal.h"
#include "tests/uring/pools.h"

#ifndef SEGV_PKUERR
#define SEGV_PKUERR 4
#endif

enum { OP = 77 };

static bool has_pku(void)
{
	const struct pkey_set *set;

	return pkey_take(&set) == 0;
}
#define need_pku() need_where("pku", has_pku(), "no protection keys in processor or kernel")

/* What the child that touches leaves for the parent; shared memory. */
struct seen {
	struct hws_pool *pool;
	char *at;
	bool write;
	struct hws_stray called; /* by on_stray */
	struct hws_stray noted;	 /* by hws_pool_last_stray(), in the program's own handler */
	int code;		 /* its si_code */
	uint64_t strays;
};
static struct seen *seen;

static void on_stray(void *arg, const struct hws_stray *stray)
{
	((struct seen *)arg)->called = *stray;
}

static void own_handler(int signal, siginfo_t *info, void *context)
{
	(void)signal, (void)context;
	seen->code = info->si_code;
	if (hws_pool_last_stray(seen->pool, &seen->noted) < 0)
		_exit(3);
	_exit(42);
}

static void touch(void *unused)
{
	(void)unused;
	if (seen->write)
		*(volatile char *)seen->at = 1;
	else
		(void)*(volatile char *)seen->at;
}

/* In the child: the pool is its own, since a fork leaves it behind. */
static struct hws_pool *open_seen(enum hws_pool_guard guard)
{
	struct hws_pool_options options = one_class(8, 4096);
	struct hws_pool *pool;

	options.guard = guard;
	options.on_stray = on_stray;
	options.arg = seen;
	if (hws_pool_open(NULL, &options, &pool) < 0)
		_exit(4);
	seen->pool = pool;
	return pool;
}

static void stray_touch(void *guard)
{
	struct sigaction action = { .sa_sigaction = own_handler, .sa_flags = SA_SIGINFO };
	struct hws_pool *pool;
	struct hws_buf buf;
	struct buf_memory memory;

	sigaction(SIGSEGV, &action, NULL);
	pool = open_seen(*(enum hws_pool_guard *)guard);
	buf = take(pool);
	ck_ok(buf_to_kernel(pool, buf, OP, &memory));
	seen->at = (char *)memory.address + 123;
	touch(NULL);
}

static void stray_touch_unhandled(void *guard)
{
	struct hws_pool *pool = open_seen(*(enum hws_pool_guard *)guard);
	struct hws_buf buf = take(pool);
	struct buf_memory memory;

	signal(SIGSEGV, SIG_DFL);
	seen->pool = NULL;
	(void)hws_pool_close(pool, NULL); /* so that the next opening puts the handler in front */
	pool = open_seen(*(enum hws_pool_guard *)guard);
	buf = take(pool);
	ck_ok(buf_to_kernel(pool, buf, OP, &memory));
	seen->at = memory.address;
	touch(NULL);
}

static void share(void)
{
	seen = mmap(NULL, sizeof(*seen), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	ck_assert_ptr_ne(seen, MAP_FAILED);
}

static void check_stray(const struct hws_stray *stray, bool key)
{
	ck_assert_ptr_eq(stray->address, seen->at);
	ck_assert_int_eq(stray->owner, HWS_OWNER_KERNEL);
	ck_assert_uint_eq(stray->by, OP);
	ck_assert_uint_eq(stray->offset, 123);
	ck_assert_uint_eq(stray->buf.slot, 0);
	ck_assert_uint_eq(stray->buf.generation, 1);
	ck_assert_int_eq(stray->key, key);
}

static void stray_touches_are_caught_by(enum hws_pool_guard guard)
{
	bool key = guard != HWS_POOL_GUARD_PAGES;

	for (int write = 0; write < 2; write++) {
		share();
		seen->write = write;
		ck_assert_int_eq(WEXITSTATUS(suite_child(stray_touch, &guard)), 42);
		ck_assert_int_eq(seen->code, key ? SEGV_PKUERR : SEGV_ACCERR);
		check_stray(&seen->called, key);
		check_stray(&seen->noted, key);
		memset(&seen->called, 0, sizeof(seen->called));
		ck_assert(suite_died(suite_child(stray_touch_unhandled, &guard), SIGSEGV));
		ck_assert_uint_eq(seen->called.by, OP);
	}
}

START_TEST(stray_touch_of_closed_pages_is_caught_named_and_deadly)
{
	need("fault", RAW_ARCH != HWS_ARCH_UNKNOWN, "faults can't be caught on this architecture");
	stray_touches_are_caught_by(HWS_POOL_GUARD_PAGES);
}
END_TEST

START_TEST(stray_touch_behind_closed_keys_is_caught_named_and_deadly)
{
	need_pku();
	stray_touches_are_caught_by(HWS_POOL_GUARD_KEYS);
	stray_touches_are_caught_by(HWS_POOL_GUARD_STRICT);
}
END_TEST

/* May this thread touch it? By the kernel, which looks at the thread's own rights. */
static int reach(const void *at)
{
	int fds[2];
	int r;

	ck_assert_int_eq(pipe(fds), 0);
	r = write(fds[1], at, 1) == 1 ? 0 : -errno;
	close(fds[0]);
	close(fds[1]);
	return r;
}

static void *reach_there(void *at)
{
	return (void *)(intptr_t)reach(at);
}

static int reach_in_thread(void *at)
{
	pthread_t thread;
	void *result;

	ck_assert_int_eq(pthread_create(&thread, NULL, reach_there, at), 0);
	pthread_join(thread, &result);
	return (int)(intptr_t)result;
}

START_TEST(memory_is_open_for_the_time_of_a_view)
{
	struct hws_pool *pool;
	struct hws_buf buf;
	void *bytes;
	size_t size;

	need_pku();
	pool = open_guarded(64, 4096, HWS_POOL_GUARD_KEYS);
	ck_assert_uint_gt(stats_of(pool).keys, 1);
	buf = take(pool);
	ck_ok(hws_buf_view(pool, buf, HWS_R, &bytes, &size));
	ck_ok(reach(bytes));
	ck_ok(hws_buf_view(pool, buf, HWS_RW, &bytes, &size));
	memset(bytes, 7, size);
	/* neighbours have other keys */
	ck_assert_int_eq(reach((char *)bytes + 4096), -EFAULT);
	ck_ok(hws_buf_unview(pool, buf));
	ck_ok(reach(bytes));
	ck_ok(hws_buf_unview(pool, buf));
	ck_assert_int_eq(reach(bytes), -EFAULT);
	ck_assert_int_eq(reach_in_thread(bytes), -EFAULT);
	ck_ok(hws_pool_close(pool, NULL));
}
END_TEST

static void write_while_reading(void *unused)
{
	struct hws_pool *pool = open_seen(HWS_POOL_GUARD_KEYS);
	struct hws_buf buf = take(pool);
	void *bytes;
	size_t size;

	(void)unused;
	ck_ok(hws_buf_view(pool, buf, HWS_R, &bytes, &size));
	*(volatile char *)bytes = 1;
}

/* So many views of one key, and the next one still counts. */
START_TEST(key_is_open_until_it_was_closed_as_often_as_opened)
{
	enum { OFTEN = 65536 + 1, PAGE = 4096 };
	const struct pkey_set *set;
	volatile char *page;

	need_pku();
	ck_ok(pkey_take(&set));
	page = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	ck_ok(pkey_mprotect((void *)page, PAGE, PROT_READ | PROT_WRITE, set->keys[0]));
	for (int i = 0; i < OFTEN; i++)
		pkey_open(set->keys[0], true);
	for (int i = 0; i < OFTEN; i++, pkey_close(set->keys[0], true))
		page[0] = 1;
}
END_TEST

START_TEST(view_for_reading_cant_write)
{
	need_pku();
	share();
	ck_assert(suite_died(suite_child(write_while_reading, NULL), SIGSEGV));
	ck_assert_int_eq(seen->called.owner, HWS_OWNER_USER);
}
END_TEST

/* A buffer whose key a view of another one opens. */
START_TEST(strict_pools_close_what_shares_a_key)
{
	static const enum hws_pool_guard guards[] = { HWS_POOL_GUARD_KEYS, HWS_POOL_GUARD_STRICT };

	need_pku();
	for (int i = 0; i < 2; i++) {
		struct hws_pool *pool = open_guarded(32, 4096, guards[i]);
		struct hws_buf buf[32];
		struct buf_memory memory;
		uint32_t keys = stats_of(pool).keys;
		void *bytes;
		size_t size;

		for (int n = 0; n < 32; n++)
			buf[n] = take(pool);
		ck_ok(buf_to_kernel(pool, buf[keys], OP, &memory));
		ck_ok(hws_buf_view(pool, buf[0], HWS_RW, &bytes, &size));
		ck_assert_int_eq(reach(memory.address), i ? -EFAULT : 0);
		ck_ok(hws_buf_unview(pool, buf[0]));
		ck_ok(buf_to_user(pool, buf[keys], OP));
		ck_ok(hws_buf_view(pool, buf[keys], HWS_RW, &bytes, &size));
		memset(bytes, 1, size);
		ck_ok(hws_buf_unview(pool, buf[keys]));
		ck_assert_int_eq(reach(bytes), -EFAULT);
		ck_ok(hws_pool_close(pool, NULL));
	}
}
END_TEST

START_TEST(system_calls_reach_what_is_opened_for_them)
{
	static const enum hws_pool_guard guards[] = { HWS_POOL_GUARD_KEYS, HWS_POOL_GUARD_STRICT };

	need_pku();
	for (int i = 0; i < 2; i++) {
		struct hws_pool *pool = open_guarded(4, 4096, guards[i]);
		struct hws_buf buf = take(pool);
		struct buf_memory memory;

		ck_ok(buf_to_kernel(pool, buf, OP, &memory));
		ck_ok(buf_open_for_kernel(pool, buf));
		ck_ok(reach(memory.address));
		buf_close_for_kernel(pool, buf);
		ck_assert_int_eq(reach(memory.address), -EFAULT);
		pool_open_for_kernel(pool);
		ck_ok(reach(memory.address));
		pool_close_for_kernel(pool);
		ck_assert_int_eq(reach(memory.address), -EFAULT);
		ck_ok(buf_reclaim(pool, buf, OP));
		ck_ok(hws_pool_close(pool, NULL));
	}
}
END_TEST

static void *view_in_new_thread(void *pool)
{
	struct hws_buf buf;
	void *bytes;
	size_t size;

	if (hws_buf_take(pool, 1, &buf) < 0 || hws_buf_view(pool, buf, HWS_R, &bytes, &size) < 0 ||
	    hws_buf_unview(pool, buf) < 0)
		return pool;
	return (void *)(intptr_t)reach(bytes);
}

/* Linux lets a thread inherit what its creator has open: its first view closes that. */
START_TEST(first_view_of_a_thread_closes_what_it_inherited)
{
	struct hws_pool *pool;
	struct hws_buf buf;
	pthread_t thread;
	void *bytes;
	void *result;
	size_t size;

	need_pku();
	pool = open_guarded(1024, 4096, HWS_POOL_GUARD_KEYS);
	buf = take(pool);
	ck_ok(hws_buf_view(pool, buf, HWS_RW, &bytes, &size));
	ck_assert_int_eq(pthread_create(&thread, NULL, view_in_new_thread, pool), 0);
	pthread_join(thread, &result);
	ck_assert_int_eq((int)(intptr_t)result, -EFAULT);
	ck_ok(reach(bytes));
	ck_ok(hws_buf_unview(pool, buf));
	ck_ok(hws_pool_close(pool, NULL));
}
END_TEST

START_TEST(cleared_buffers_are_cleared_behind_closed_keys)
{
	struct hws_pool_options options = one_class(1, 4096);
	struct hws_pool *pool;

	need_pku();
	options.flags = HWS_POOL_ZERO;
	options.guard = HWS_POOL_GUARD_STRICT;
	ck_ok(hws_pool_open(NULL, &options, &pool));
	for (int i = 0; i < 3; i++) {
		HWS_VIEW(view);
		struct hws_buf buf = take(pool);
		struct buf_memory memory;

		ck_ok(hws_view_open(pool, buf, HWS_RW, &view));
		ck_assert_int_eq(*(char *)view.bytes, 0);
		memset(view.bytes, 1, view.size);
		hws_view_close(&view);
		ck_ok(buf_to_kernel(pool, buf, OP, &memory));
		ck_ok(buf_reclaim(pool, buf, OP));
	}
	ck_ok(hws_pool_close(pool, NULL));
}
END_TEST

START_TEST(pool_says_which_guard_it_has)
{
	struct hws_pool *pool = open_pool(1, 4096);
	struct hws_pool_options options = one_class(1, 4096);

	ck_assert_int_eq(stats_of(pool).guard,
			 has_pku() ? HWS_POOL_GUARD_KEYS : HWS_POOL_GUARD_NONE);
	ck_assert_int_eq(pool_guarded(pool), has_pku());
	ck_ok(hws_pool_close(pool, NULL));
	options.guard = HWS_POOL_GUARD_KEYS;
	if (!has_pku()) {
		ck_assert_int_eq(hws_pool_open(NULL, &options, &pool), -EOPNOTSUPP);
		ck_assert_ptr_nonnull(strstr(hws_why(), "protection keys"));
	}
}
END_TEST

int main(void)
{
	return suite_run("uring/pkey",
			 (const TTest *[]) {
				 pool_says_which_guard_it_has,
				 stray_touch_of_closed_pages_is_caught_named_and_deadly,
				 stray_touch_behind_closed_keys_is_caught_named_and_deadly,
				 memory_is_open_for_the_time_of_a_view,
				 key_is_open_until_it_was_closed_as_often_as_opened,
				 view_for_reading_cant_write,
				 strict_pools_close_what_shares_a_key,
				 system_calls_reach_what_is_opened_for_them,
				 first_view_of_a_thread_closes_what_it_inherited,
				 cleared_buffers_are_cleared_behind_closed_keys,
				 NULL,
			 });
}
