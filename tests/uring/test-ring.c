/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Opening rings, and whom they obey. */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/uring/rig.h"

START_TEST(open_takes_every_mode_and_preset)
{
	static const char *const modes[] = { "defer", "coop", "plain" };

	need_uring();
	for (size_t i = 0; i < 3; i++) {
		for (uint32_t preset = 0; preset < HWS_RING_PRESETS; preset++) {
			struct hws_ring_options options = { .mode = modes[i], .preset = preset };
			struct hws_ring *ring = rig_open(&options);
			struct hws_ring_info info;

			hws_ring_get_info(ring, &info);
			if (rig_native(ring)) {
				ck_assert_str_eq(info.mode, modes[i]);
				ck_assert_str_eq(info.reduced, "");
			}
			ck_ok(hws_nop(ring, i));
			ck_assert_uint_eq(rig_one(ring).tag, i);
			rig_close(ring);
		}
	}
}
END_TEST

START_TEST(open_refuses_what_makes_no_sense)
{
	const struct hws_ring_options bad[] = {
		{ .preset = HWS_RING_PRESETS }, { .depth = 16385 },  { .files = 1 << 20 },
		{ .backend = "none" },		{ .size = 1 << 20 },
	};
	struct hws_ring *ring = NULL;

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		ck_assert_int_eq(hws_ring_open(NULL, &bad[i], &ring), -EINVAL);
		ck_assert_ptr_null(ring);
		ck_assert_str_ne(hws_why(), "");
	}
}
END_TEST

START_TEST(read_and_write_hand_the_buffer_back)
{
	struct hws_ring *ring;
	struct hws_buf buf;
	struct hws_done done;
	int fd;

	need_uring();
	ring = rig_open(NULL);
	fd = rig_file("", 0, 0);
	buf = rig_buf(ring, 4096, 'a');
	ck_ok(hws_write(ring, fd, buf, 0, 4096, 7));
	/* the kernel's now */
	ck_assert_int_eq(hws_read(ring, fd, buf, 0, 4096, 8), -EBUSY);
	ck_assert_int_eq(hws_buf_give(hws_ring_pool(ring), buf), -EBUSY);
	done = rig_one(ring);
	ck_assert_uint_eq(done.tag, 7);
	ck_assert_int_eq(done.result, 4096);
	ck_assert_uint_eq(done.kind, HWS_OP_WRITE);
	ck_assert_mem_eq(&done.buf, &buf, sizeof(buf));
	rig_fill(ring, buf, "bbbb", 4);
	ck_ok(hws_read(ring, fd, buf, 0, 4096, 9));
	ck_assert_int_eq(rig_one(ring).result, 4096);
	ck_assert(rig_holds(ring, buf, "aaaa", 4));
	rig_give(ring, buf);
	rig_close(ring);
}
END_TEST

START_TEST(a_refused_buffer_stays_the_users)
{
	struct hws_ring *ring;
	struct hws_buf buf;
	struct hws_buf old;

	need_uring();
	ring = rig_open(NULL);
	buf = rig_buf(ring, 4096, 0);
	ck_assert_int_eq(hws_read(ring, 0, buf, 0, 4097, 0), -ERANGE);
	ck_assert_int_eq(hws_queue(ring,
				   &(struct hws_request) { .kind = HWS_OP_READ,
							   .buf = buf,
							   .buf_offset = 4000,
							   .length = 97 },
				   NULL),
			 -ERANGE);
	ck_assert_int_eq(hws_queue(ring, &(struct hws_request) { .kind = HWS_OP_KINDS }, NULL),
			 -EINVAL);
	ck_assert_int_eq(hws_queue(ring, &(struct hws_request) { .flags = 1u << 30 }, NULL),
			 -EINVAL);
	ck_assert_int_eq(hws_buf_owner(hws_ring_pool(ring), buf), HWS_OWNER_USER);
	old = buf;
	rig_give(ring, buf);
	ck_assert_int_eq(hws_read(ring, 0, old, 0, 1, 0), -ESTALE);
	ck_assert_int_eq(hws_read(ring, 0, (struct hws_buf) { 0 }, 0, 1, 0), -ESTALE);
	ck_assert_uint_eq(ring_used(ring), 0);
	rig_close(ring);
}
END_TEST

START_TEST(a_full_ring_says_so)
{
	struct hws_ring_options options = { .depth = 4 };
	struct hws_ring *ring;
	struct hws_done done[8];

	need_uring();
	ring = rig_open(&options);
	for (uint64_t i = 0; i < 4; i++)
		ck_ok(hws_nop(ring, i));
	ck_assert_int_eq(hws_nop(ring, 4), -EAGAIN);
	ck_assert_int_eq(hws_wait_many(ring, done, 8, 4, HWS_FOREVER), 4);
	ck_assert_int_eq(hws_wait(ring, done, 8, HWS_FOREVER), 0);
	rig_close(ring);
}
END_TEST

START_TEST(wait_ends_at_its_deadline)
{
	struct hws_ring *ring;
	struct hws_buf buf;
	struct hws_done done;
	uint64_t begin = rig_after_ms(0);
	int ends[2];

	need_uring();
	ring = rig_open(NULL);
	ck_assert_int_eq(pipe(ends), 0);
	buf = rig_buf(ring, 4096, 0);
	ck_ok(hws_read(ring, ends[0], buf, HWS_HERE, 4096, 1));
	ck_assert_int_eq(hws_wait(ring, &done, 1, 0), -ETIME);
	ck_assert_int_eq(hws_wait(ring, &done, 1, rig_after_ms(20)), -ETIME);
	ck_assert_uint_ge(rig_after_ms(0), begin + 20 * 1000000u);
	ck_assert_int_eq(write(ends[1], "x", 1), 1);
	done = rig_one(ring);
	ck_assert_int_eq(done.result, 1);
	rig_give(ring, done.buf);
	rig_close(ring);
}
END_TEST

static void *use_from_thread(void *context)
{
	struct hws_ring *ring = context;
	struct hws_done done;

	ck_assert_int_eq(hws_nop(ring, 0), -EBUSY);
	ck_assert_int_eq(hws_wait(ring, &done, 1, 0), -EBUSY);
	ck_assert_int_eq(hws_submit(ring), -EBUSY);
	ck_assert_int_eq(hws_op_forget(ring, hws_op_last(ring)), -EBUSY);
	ck_assert_int_eq(hws_op_cancel(ring, hws_op_last(ring)), -EBUSY);
	ck_assert_int_eq(hws_ring_close(ring, 0), -EBUSY);
	return NULL;
}

START_TEST(another_thread_is_refused)
{
	struct hws_ring *ring;
	pthread_t thread;

	need_uring();
	ring = rig_open(NULL);
	ck_ok(hws_nop(ring, 1));
	ck_assert_int_eq(pthread_create(&thread, NULL, use_from_thread, ring), 0);
	pthread_join(thread, NULL);
	ck_assert_uint_eq(rig_one(ring).tag, 1);
	rig_close(ring);
}
END_TEST

struct left {
	const char *mode;
	struct hws_ring *ring;
	int fd;
};

static void *leave_in_flight(void *context)
{
	struct left *left = context;
	struct hws_ring_options options = { .mode = left->mode };

	left->ring = rig_open(&options);
	ck_ok(hws_read(left->ring, left->fd, rig_buf(left->ring, 4096, 0), HWS_HERE, 4096, 0));
	ck_ok(hws_submit(left->ring));
	return NULL;
}

START_TEST(a_thread_that_ends_leaves_a_ring_that_closes)
{
	static const char *const modes[] = { "defer", "coop", "plain" };

	need_uring();
	for (size_t i = 0; i < 3; i++) {
		struct left left = { .mode = modes[i] };
		pthread_t thread;
		int ends[2];
		bool native;
		int lost;

		ck_assert_int_eq(pipe(ends), 0);
		left.fd = ends[0];
		ck_assert_int_eq(pthread_create(&thread, NULL, leave_in_flight, &left), 0);
		pthread_join(thread, NULL);
		ck_assert_int_eq(hws_nop(left.ring, 0), -EBUSY);
		native = rig_native(left.ring);
		lost = hws_ring_close(left.ring, rig_after_ms(300));
		/* only its own thread could have seen what becomes of it in mode "defer" */
		ck_assert_int_eq(lost, native && i == 0 ? 1 : 0);
	}
}
END_TEST

struct forked {
	struct hws_ring *ring;
	struct hws_buf buf; /* the user's */
	int status;
};

static void use_in_child(void *context)
{
	struct forked *forked = context;
	struct hws_ring *ring = forked->ring;
	struct hws_done done;

	if (hws_nop(ring, 0) == -ECHILD && hws_read(ring, 0, forked->buf, 0, 1, 0) == -ECHILD &&
	    hws_op_last(ring).id == 0 && hws_wait(ring, &done, 1, 0) == -ECHILD &&
	    hws_submit(ring) == -ECHILD && hws_ring_orphans(ring, NULL, 0) == -ECHILD &&
	    hws_ring_close(ring, 0) == 0)
		_exit(42);
	_exit(1);
}

/* A thread that never had a ring. */
static void *fork_here(void *context)
{
	struct forked *forked = context;

	forked->status = suite_child(use_in_child, forked);
	return NULL;
}

START_TEST(a_forked_child_is_refused_and_harms_nothing)
{
	struct forked forked;
	struct hws_ring *ring;
	struct hws_buf buf;
	struct hws_done done;
	pthread_t thread;
	int ends[2];

	need_kernel("MADV_WIPEONFORK");
	need_uring();
	ring = rig_open(NULL);
	ck_assert_int_eq(pipe(ends), 0);
	buf = rig_buf(ring, 4096, 0);
	ck_ok(hws_read(ring, ends[0], buf, HWS_HERE, 4096, 1));
	ck_ok(hws_submit(ring));
	ck_ok(hws_nop(ring, 2));
	forked = (struct forked) { .ring = ring, .buf = rig_buf(ring, 4096, 0) };
	fork_here(&forked);
	ck_assert(WIFEXITED(forked.status));
	ck_assert_int_eq(WEXITSTATUS(forked.status), 42);
	ck_assert_int_eq(pthread_create(&thread, NULL, fork_here, &forked), 0);
	pthread_join(thread, NULL);
	ck_assert(WIFEXITED(forked.status));
	ck_assert_int_eq(WEXITSTATUS(forked.status), 42);
	rig_give(ring, forked.buf);
	done = rig_one(ring);
	ck_assert_uint_eq(done.tag, 2);
	ck_assert_int_eq(write(ends[1], "x", 1), 1);
	done = rig_one(ring);
	ck_assert_uint_eq(done.tag, 1);
	rig_give(ring, done.buf);
	rig_close(ring);
}
END_TEST

START_TEST(a_low_memlock_limit_is_told_and_done_without)
{
	struct rlimit low = { 256 << 10, 256 << 10 };
	struct hws_pool_stats pool = { .size = sizeof(pool) };
	char needed[64];
	struct hws_ring *ring;
	struct hws_ring_info info;
	struct hws_buf buf;
	int fd;

	need_uring();
	need("unprivileged", geteuid() != 0 || seteuid(65534) == 0, "can't drop root");
	ck_assert_int_eq(setrlimit(RLIMIT_MEMLOCK, &low), 0);
	ring = rig_open(NULL);
	hws_ring_get_info(ring, &info);
	/* what stands in for io_uring locks no memory */
	ck_assert(!rig_native(ring) || !info.registered);
	ck_ok(hws_pool_read_stats(hws_ring_pool(ring), &pool));
	snprintf(needed, sizeof(needed), "need %llu KiB", (unsigned long long)pool.bytes / 1024);
	ck_assert_msg(!rig_native(ring) ||
			      (strstr(info.reduced, "RLIMIT_MEMLOCK") &&
			       strstr(info.reduced, "is 256 KiB") && strstr(info.reduced, needed)),
		      "'%s', not '%s'", info.reduced, needed);
	fd = rig_file("hello", 5, 0);
	buf = rig_buf(ring, 4096, 0);
	ck_ok(hws_read(ring, fd, buf, 0, 4096, 0));
	ck_assert_int_eq(rig_one(ring).result, 5);
	ck_assert(rig_holds(ring, buf, "hello", 6));
	/* copies, where the kernel can't come in by address: to be seen */
	ck_assert_uint_eq(ring->stats.bounced, rig_native(ring) && info.guarded ? 1 : 0);
	rig_give(ring, buf);
	rig_close(ring);
	ck_assert_int_eq(seteuid(getuid()), 0);
}
END_TEST

START_TEST(latencies_are_counted_by_kind)
{
	struct hws_ring_options options = { .flags = HWS_RING_LATENCY };
	uint64_t counts[HWS_LATENCY_BUCKETS];
	uint64_t sum = 0;
	struct hws_ring *ring;

	need_uring();
	ring = rig_open(&options);
	for (int i = 0; i < 10; i++) {
		ck_ok(hws_nop(ring, 0));
		rig_one(ring);
	}
	ck_ok(hws_ring_latency(ring, HWS_OP_NOP, counts));
	for (size_t i = 0; i < HWS_LATENCY_BUCKETS; i++)
		sum += counts[i];
	ck_assert_uint_eq(sum, 10);
	ck_assert_int_eq(hws_ring_latency(ring, HWS_OP_KINDS, counts), -EINVAL);
	rig_close(ring);
	ring = rig_open(NULL);
	ck_assert_int_eq(hws_ring_latency(ring, HWS_OP_NOP, counts), -ENOTSUP);
	rig_close(ring);
}
END_TEST

int main(void)
{
	return suite_run("uring/ring", (const TTest *[]) {
					       open_takes_every_mode_and_preset,
					       open_refuses_what_makes_no_sense,
					       read_and_write_hand_the_buffer_back,
					       a_refused_buffer_stays_the_users,
					       a_full_ring_says_so,
					       wait_ends_at_its_deadline,
					       another_thread_is_refused,
					       a_thread_that_ends_leaves_a_ring_that_closes,
					       a_forked_child_is_refused_and_harms_nothing,
					       a_low_memlock_limit_is_told_and_done_without,
					       latencies_are_counted_by_kind,
					       NULL,
				       });
}
