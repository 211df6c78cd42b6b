/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What kernels say now and then, and what must come of it. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tests/uring/rig.h"

/* A back end that is the real one but for entering, which fails as told. */
static struct {
	struct ring_backend ops;
	const struct ring_backend *real;
	int code;
	int after; /* this many calls that succeed */
	int times; /* that it fails */
	int calls;
} fault;

static int enter(struct hws_ring *ring, uint32_t submit, uint32_t least, uint32_t flags,
		 uint64_t deadline_ns)
{
	fault.calls++;
	if (fault.after-- <= 0 && fault.times > 0) {
		fault.times--;
		return fault.code;
	}
	return fault.real->enter(ring, submit, least, flags, deadline_ns);
}

static struct hws_ring *open_faulty(int code, int after, int times)
{
	struct hws_ring *ring = rig_open(NULL);

	fault.real = ring->backend;
	fault.ops = *ring->backend;
	fault.ops.enter = enter;
	fault.code = code;
	fault.after = after;
	fault.times = times;
	ring->backend = &fault.ops;
	return ring;
}

START_TEST(passing_errors_lose_and_double_nothing)
{
	static const int codes[] = { -EAGAIN, -EBUSY, -EINTR, -ENOMEM };
	int fd;

	need_uring();
	fd = rig_file("hello", 5, 0);
	for (size_t c = 0; c < 4; c++) {
		for (int after = 0; after < 6; after++) {
			struct hws_ring *ring = open_faulty(codes[c], after, 3);
			struct hws_buf buf = rig_buf(ring, 4096, 0);

			for (uint64_t i = 0; i < 8; i++) {
				struct hws_done done;

				ck_ok(hws_read(ring, fd, buf, 0, 4096, i));
				done = rig_one(ring);
				ck_assert_uint_eq(done.tag, i);
				ck_assert_int_eq(done.result, 5);
			}
			rig_give(ring, buf);
			rig_close(ring);
		}
	}
}
END_TEST

START_TEST(what_is_published_stays_the_kernels)
{
	struct hws_ring *ring;
	struct hws_buf buf;
	struct hws_done done;
	int fd;

	need_uring();
	fd = rig_file("hello", 5, 0);
	ring = open_faulty(-EAGAIN, 0, 1000);
	buf = rig_buf(ring, 4096, 0);
	ck_ok(hws_read(ring, fd, buf, 0, 4096, 1));
	ck_assert_int_eq(hws_submit(ring), -EAGAIN);
	ck_assert_str_ne(hws_why(), "");
	/* whoever enters next submits it: it can't be had back */
	ck_assert_int_eq(hws_buf_owner(hws_ring_pool(ring), buf), HWS_OWNER_KERNEL);
	ck_assert_int_eq(hws_buf_give(hws_ring_pool(ring), buf), -EBUSY);
	ck_assert_int_eq(hws_wait(ring, &done, 1, rig_after_ms(100)), -EAGAIN);
	fault.times = 0;
	done = rig_one(ring);
	ck_assert_int_eq(done.result, 5);
	ck_assert_int_eq(hws_wait(ring, &done, 1, 0), 0);
	rig_give(ring, buf);
	rig_close(ring);
}
END_TEST

static void expect_broken(struct hws_ring *ring, struct hws_buf buf, int code)
{
	struct hws_done done[4];
	struct hws_pool_stats pool = { .size = sizeof(pool) };
	struct hws_ring_stats of;
	int n = hws_wait(ring, done, 4, rig_after_ms(1000));

	ck_assert_int_eq(n, 1);
	ck_assert_int_eq(done[0].result, code);
	ck_assert_uint_eq(done[0].flags, HWS_DONE_LOST);
	ck_assert_uint_eq(done[0].buf.slot | done[0].buf.generation, 0);
	ck_assert_int_eq(hws_buf_owner(hws_ring_pool(ring), buf), HWS_OWNER_QUARANTINED);
	ck_assert_int_eq(hws_wait(ring, done, 4, 0), -EIO);
	ck_assert_int_eq(hws_nop(ring, 0), -EIO);
	ck_assert_int_eq(hws_submit(ring), -EIO);
	rig_balance(ring);
	hws_ring_get_stats(ring, &of);
	/* the one that was delivered and the orphan */
	ck_assert_uint_eq(of.lost, 2);
	ck_ok(hws_pool_read_stats(hws_ring_pool(ring), &pool));
	ck_assert_uint_eq(pool.owned[HWS_OWNER_QUARANTINED], 2);
	ck_assert_int_eq(hws_ring_close(ring, 0), 0);
}

static struct hws_buf hang_two(struct hws_ring *ring)
{
	struct hws_buf buf = rig_buf(ring, 4096, 0);
	int ends[2];

	ck_assert_int_eq(pipe(ends), 0);
	ck_ok(hws_read(ring, ends[0], rig_buf(ring, 4096, 0), HWS_HERE, 4096, 1));
	ck_ok(hws_op_forget(ring, hws_op_last(ring)));
	ck_ok(hws_read(ring, ends[0], buf, HWS_HERE, 4096, 2));
	return buf;
}

START_TEST(a_lost_completion_breaks_the_ring)
{
	struct hws_ring *ring;
	struct hws_buf buf;

	need_uring();
	ring = open_faulty(-EBADR, 1, 1);
	buf = hang_two(ring);
	ck_ok(hws_submit(ring));
	expect_broken(ring, buf, -EBADR);
}
END_TEST

START_TEST(errors_without_end_break_the_ring)
{
	struct hws_ring *ring;
	struct hws_buf buf;

	need_uring();
	ring = open_faulty(-EFAULT, 1, 1000);
	buf = hang_two(ring);
	ck_ok(hws_submit(ring));
	for (int i = 0; i < RING_STREAK - 1; i++) {
		struct hws_done done;

		ck_assert_int_eq(hws_wait(ring, &done, 1, 0), -EFAULT);
	}
	expect_broken(ring, buf, -EFAULT);
}
END_TEST

/* An entry behind the library's back: what another that shares the ring could queue. */
static void forge(struct hws_ring *ring, uint64_t id)
{
	struct io_uring_sqe *sqe = ring_sqe_besides(ring, 0);

	memset(sqe, 0, sizeof(*sqe));
	sqe->opcode = IORING_OP_NOP;
	sqe->user_data = id;
}

START_TEST(forged_and_late_completions_are_ignored)
{
	struct hws_ring *ring;
	struct hws_op op;
	uint64_t forged;

	need_uring();
	ring = rig_open(NULL);
	ck_ok(hws_nop(ring, 1));
	op = hws_op_last(ring);
	rig_one(ring);
	/* done already, the next of the slot, no slot, any */
	forge(ring, op.id);
	forge(ring, op.id + (UINT64_C(1) << 32));
	forge(ring, op.id | 0xfff00000);
	forge(ring, 0);
	forged = 4;
	ck_ok(hws_nop(ring, 2));
	ck_assert_uint_eq(rig_one(ring).tag, 2);
	for (int i = 0; i < 100 && ring->stats.unknown < forged; i++) {
		struct hws_done none;

		ck_assert_int_eq(hws_wait(ring, &none, 1, 0), 0);
	}
	ck_assert_uint_eq(ring->stats.unknown, forged);
	rig_balance(ring);
	ck_assert_int_eq(hws_ring_close(ring, 0), 0);
}
END_TEST

START_TEST(completions_that_overflow_come_all_the_same)
{
	struct hws_ring_options options = { .depth = 4 };
	struct hws_ring *ring;
	struct hws_buf buf;
	struct hws_done done;
	int ends[2];

	need_uring();
	ring = rig_open(&options);
	ck_assert_int_eq(pipe(ends), 0);
	buf = rig_buf(ring, 4096, 0);
	ck_ok(hws_read(ring, ends[0], buf, HWS_HERE, 4096, 1));
	ck_assert_int_eq(write(ends[1], "x", 1), 1);
	for (uint32_t i = 0; i < 4 * ring->io.cq.ring_entries; i++) {
		forge(ring, 1u << 20);
		if (i % 4 == 3)
			ck_ok(hws_submit(ring));
	}
	done = rig_one(ring);
	ck_assert_uint_eq(done.tag, 1);
	while (ring->stats.unknown < 4 * ring->io.cq.ring_entries)
		ck_assert_int_eq(hws_wait(ring, &done, 1, 0), 0);
	ck_assert_uint_gt(ring->stats.overflows, 0);
	rig_give(ring, buf);
	rig_balance(ring);
	ck_assert_int_eq(hws_ring_close(ring, 0), 0);
}
END_TEST

START_TEST(a_bad_entry_among_good_ones_harms_none)
{
	static const char *const modes[] = { "defer", "plain" };

	need_uring();
	for (int m = 0; m < 2; m++) {
		struct hws_ring_options options = { .mode = modes[m] };
		struct hws_ring *ring = rig_open(&options);
		struct hws_done done[4];

		ck_ok(hws_nop(ring, 0));
		/* no such flags: refused by the kernel */
		ck_ok(hws_queue(
			ring,
			&(struct hws_request) { .kind = HWS_OP_FSYNC, .how = 0xffff, .tag = 1 },
			NULL));
		ck_ok(hws_nop(ring, 2));
		ck_ok(hws_nop(ring, 3));
		ck_assert_int_eq(hws_wait_many(ring, done, 4, 4, rig_after_ms(5000)), 4);
		for (int i = 0; i < 4; i++)
			ck_assert_int_eq(done[i].result, done[i].tag == 1 ? -EINVAL : 0);
		rig_close(ring);
	}
}
END_TEST

START_TEST(a_descriptor_that_is_closed_and_used_again_is_not_mixed_up)
{
	struct hws_ring *ring;
	struct hws_buf buf;
	struct hws_done done;
	int ends[2];
	int other;

	need_uring();
	ring = rig_open(NULL);
	ck_assert_int_eq(pipe(ends), 0);
	buf = rig_buf(ring, 4096, 0);
	ck_ok(hws_read(ring, ends[0], buf, HWS_HERE, 4096, 1));
	ck_ok(hws_submit(ring));
	other = rig_file("other", 5, 0);
	ck_assert_int_eq(dup2(other, ends[0]), ends[0]);
	ck_assert_int_eq(write(ends[1], "mine", 4), 4);
	done = rig_one(ring);
	ck_assert_int_eq(done.result, 4);
	ck_assert(rig_holds(ring, buf, "mine", 4));
	rig_give(ring, buf);
	rig_close(ring);
}
END_TEST

START_TEST(not_now_is_tried_again_so_often)
{
	struct hws_ring *ring;
	struct hws_buf buf;
	struct hws_done done;
	int ends[2];

	need_uring();
	ring = rig_open(NULL);
	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0);
	buf = rig_buf(ring, 4096, 0);
	done = rig_do(ring, &(struct hws_request) { .kind = HWS_OP_RECV,
						    .fd = ends[0],
						    .buf = buf,
						    .length = 4096,
						    .how = MSG_DONTWAIT });
	ck_assert_int_eq(done.result, -EAGAIN);
	ck_assert_uint_eq(ring->stats.retried, RING_TRIES);
	rig_give(ring, buf);
	rig_close(ring);
}
END_TEST

START_TEST(reads_and_writes_shut_their_buffer_where_the_pool_shuts)
{
	static const struct hws_pool_options pool = {
		.size = sizeof(pool),
		.classes = { { 4096, 4 } },
		.guard = HWS_POOL_GUARD_PAGES,
	};
	struct hws_ring_options options = { .pool_options = &pool };
	struct hws_ring *ring;
	struct hws_buf buf;
	int fd;

	need_uring();
	ring = rig_open(&options);
	fd = rig_file("hello", 5, 0);
	buf = rig_buf(ring, 4096, 0);
	ck_ok(hws_read(ring, fd, buf, 0, 4096, 0));
	ck_assert(buf_slot(ring->pool, buf)->shut);
	ck_assert_int_eq(rig_one(ring).result, 5);
	ck_assert(rig_holds(ring, buf, "hello", 6));
	ck_ok(hws_write(ring, fd, buf, 0, 5, 0));
	ck_assert(buf_slot(ring->pool, buf)->shut);
	ck_assert_int_eq(rig_one(ring).result, 5);
	rig_give(ring, buf);
	rig_close(ring);
}
END_TEST

int main(void)
{
	return suite_run("uring/ring-errors",
			 (const TTest *[]) {
				 passing_errors_lose_and_double_nothing,
				 what_is_published_stays_the_kernels,
				 a_lost_completion_breaks_the_ring,
				 errors_without_end_break_the_ring,
				 forged_and_late_completions_are_ignored,
				 completions_that_overflow_come_all_the_same,
				 a_bad_entry_among_good_ones_harms_none,
				 a_descriptor_that_is_closed_and_used_again_is_not_mixed_up,
				 not_now_is_tried_again_so_often,
				 reads_and_writes_shut_their_buffer_where_the_pool_shuts,
				 NULL,
			 });
}
