/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Operations that are cancelled, forgotten, raced and thrown about. */
#include <errno.h>
#include <fcntl.h>
#include <malloc.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <termios.h>
#include <unistd.h>

#include "tests/uring/rig.h"

static struct hws_op read_pipe(struct hws_ring *ring, int fd, struct hws_buf buf)
{
	struct hws_op op;

	ck_ok(hws_queue(
		ring,
		&(struct hws_request) { .kind = HWS_OP_READ, .fd = fd, .buf = buf, .length = 4096 },
		&op));
	return op;
}

/* A new ring and a reader, queued, of a pipe into which nobody writes. */
static struct hws_ring *rig_reader(struct hws_buf *ret_buf, struct hws_op *ret_op)
{
	struct hws_ring *ring = rig_open(NULL);
	int ends[2];

	ck_assert_int_eq(pipe(ends), 0);
	*ret_buf = rig_buf(ring, 4096, 0);
	*ret_op = read_pipe(ring, ends[0], *ret_buf);
	return ring;
}

START_TEST(cancel_is_an_attempt_that_the_target_answers)
{
	struct hws_ring *ring;
	struct hws_done done;
	struct hws_buf buf;
	struct hws_op op;

	need_uring();
	ring = rig_reader(&buf, &op);
	ck_ok(hws_submit(ring));
	ck_ok(hws_op_cancel(ring, op));
	ck_assert_int_eq(hws_op_cancel(ring, op), -EALREADY);
	done = rig_one(ring);
	ck_assert_int_eq(done.result, -ECANCELED);
	ck_assert_mem_eq(&done.buf, &buf, sizeof(buf));
	ck_assert_int_eq(hws_op_cancel(ring, op), -ESTALE);
	ck_assert_int_eq(hws_op_forget(ring, op), -ESTALE);
	ck_assert_int_eq(hws_op_forget(ring, (struct hws_op) { 0 }), -ESTALE);
	ck_assert_int_eq(hws_op_forget(ring, (struct hws_op) { op.id + (UINT64_C(1) << 32) }),
			 -ESTALE);
	rig_give(ring, buf);
	rig_close(ring);
}
END_TEST

START_TEST(cancels_without_end_are_refused_not_lost)
{
	struct hws_ring_options options = { .depth = 2 };
	struct hws_ring *ring;
	struct hws_done done;
	int ends[2];

	need_uring();
	ring = rig_open(&options);
	ck_assert_int_eq(pipe(ends), 0);
	for (int i = 0; i < 100; i++) {
		struct hws_op op = read_pipe(ring, ends[0], rig_buf(ring, 4096, 0));

		ck_ok(hws_op_cancel(ring, op));
		op = read_pipe(ring, ends[0], rig_buf(ring, 4096, 0));
		ck_ok(hws_op_cancel(ring, op));
		for (int k = 0; k < 2; k++) {
			done = rig_one(ring);
			ck_assert_int_eq(done.result, -ECANCELED);
			rig_give(ring, done.buf);
		}
	}
	rig_close(ring);
}
END_TEST

START_TEST(a_forgotten_operation_returns_its_buffer_by_itself)
{
	struct hws_ring *ring;
	struct hws_orphan orphan;
	struct hws_buf held[63];
	struct hws_buf buf;
	struct hws_done done;
	char canary[4096];
	int ends[2];

	need_uring();
	ring = rig_open(NULL);
	ck_assert_int_eq(pipe(ends), 0);
	buf = rig_buf(ring, 4096, 0);
	read_pipe(ring, ends[0], buf);
	ck_ok(hws_submit(ring));
	ck_ok(hws_op_forget(ring, hws_op_last(ring)));
	ck_assert_int_eq(hws_op_forget(ring, hws_op_last(ring)), -ESTALE);
	ck_assert_int_eq(hws_ring_orphans(ring, &orphan, 1), 1);
	ck_assert_uint_eq(orphan.kind, HWS_OP_READ);
	ck_assert_uint_eq(orphan.bytes, 4096);
	ck_assert_int_eq(orphan.fd, ends[0]);
	ck_assert_uint_lt(orphan.age_ns, 10000000000u);
	/* all that is left: none of it is what the kernel writes to */
	for (int i = 0; i < 63; i++)
		held[i] = rig_buf(ring, 4096, 0xca);
	memset(canary, 0xca, sizeof(canary));
	ck_assert_int_eq(write(ends[1], "stale", 5), 5);
	/* nothing is delivered; a kernel that has a worker read the pipe takes a moment */
	for (int i = 0; i < 1000 && hws_ring_orphans(ring, NULL, 0) > 0; i++) {
		ck_assert_int_eq(hws_wait(ring, &done, 1, rig_after_ms(1000)), 0);
		usleep(1000);
	}
	ck_assert_int_eq(hws_ring_orphans(ring, NULL, 0), 0);
	ck_assert_uint_eq(ring->stats.reclaimed, 1);
	ck_assert_int_eq(hws_buf_owner(hws_ring_pool(ring), buf), -ESTALE);
	for (int i = 0; i < 63; i++) {
		ck_assert(rig_holds(ring, held[i], canary, sizeof(canary)));
		rig_give(ring, held[i]);
	}
	rig_close(ring);
}
END_TEST

START_TEST(what_forgotten_operations_open_is_closed)
{
	struct sockaddr_in address = { .sin_family = AF_INET,
				       .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t size = sizeof(address);
	struct hws_ring *ring;
	struct hws_done done;
	int listener;
	int client;
	int before;

	need_uring();
	need("loopback", rig_loopback(), "no loopback here");
	/* the listener and the client come besides */
	before = rig_descriptors();
	ring = rig_open(NULL);
	listener = socket(AF_INET, SOCK_STREAM, 0);
	ck_assert_int_eq(bind(listener, (struct sockaddr *)&address, sizeof(address)), 0);
	ck_assert_int_eq(listen(listener, 8), 0);
	getsockname(listener, (struct sockaddr *)&address, &size);
	client = socket(AF_INET, SOCK_STREAM, 0);
	for (uint32_t kind = HWS_OP_OPENAT; kind <= HWS_OP_ACCEPT_MANY; kind++) {
		struct hws_request request = { .kind = kind, .fd = listener };

		if (kind == HWS_OP_CLOSE)
			continue;
		if (kind == HWS_OP_OPENAT)
			request.data = "/dev/null";
		if (kind == HWS_OP_SOCKET) {
			request.fd = AF_INET;
			request.offset = SOCK_STREAM;
		}
		ck_ok(hws_queue(ring, &request, NULL));
		ck_ok(hws_op_forget(ring, hws_op_last(ring)));
		ck_ok(hws_submit(ring));
	}
	/* a single accept takes the first, the other goes on for the second */
	ck_assert_int_eq(connect(client, (struct sockaddr *)&address, sizeof(address)), 0);
	close(client);
	client = socket(AF_INET, SOCK_STREAM, 0);
	ck_assert_int_eq(connect(client, (struct sockaddr *)&address, sizeof(address)), 0);
	for (int i = 0; i < 1000 && ring->stats.descriptors_shut < 4; i++) {
		ck_assert_int_eq(hws_wait(ring, &done, 1, 0), 0);
		usleep(1000);
	}
	ck_assert_uint_eq(ring->stats.descriptors_shut, 4);
	ck_assert_int_eq(hws_ring_close(ring, rig_after_ms(1000)), 0);
	ck_assert_int_eq(rig_descriptors(), before + 2);
}
END_TEST

START_TEST(one_buffer_is_used_a_million_times)
{
	uint64_t times = rig_times("HWS_TEST_POTATO", 1000000);
	struct hws_ring *ring;
	struct hws_buf buf;
	struct mallinfo2 before;
	struct mallinfo2 after;
	int fd = open("/dev/zero", O_RDONLY);

	need_uring();
	ring = rig_open(NULL);
	buf = rig_buf(ring, 4096, 1);
	before = mallinfo2();
	for (uint64_t i = 0; i < times; i++) {
		struct hws_done done;

		if (hws_read(ring, fd, buf, 0, 64, i) != 0 ||
		    hws_wait(ring, &done, 1, HWS_FOREVER) != 1)
			ck_abort_msg("at %llu: %s", (unsigned long long)i, hws_why());
		if (done.tag != i || done.result != 64)
			ck_abort_msg("at %llu: %ld", (unsigned long long)i, (long)done.result);
		buf = done.buf;
	}
	after = mallinfo2();
	ck_assert_uint_eq(before.uordblks, after.uordblks);
	rig_give(ring, buf);
	rig_close(ring);
}
END_TEST

/* Linux 6.1 spins for ever, unkillable, when workers are to read what several wait for. */
static void several_wait(int from, int to)
{
	struct hws_ring *ring = rig_open(NULL);

	for (int i = 0; i < 4; i++)
		ck_ok(hws_queue(ring,
				&(struct hws_request) { .kind = HWS_OP_READ,
							.flags = HWS_ASYNC,
							.fd = from,
							.buf = rig_buf(ring, 4096, 0),
							.offset = HWS_HERE,
							.length = 64 },
				NULL));
	ck_ok(hws_submit(ring));
	for (int i = 0; i < 4; i++) {
		struct hws_done done;

		/* all are woken, one gets it */
		ck_assert_int_eq(write(to, "12345678", 8), 8);
		done = rig_one(ring);
		ck_assert_int_eq(done.result, 8);
		rig_give(ring, done.buf);
	}
	rig_close(ring);
}

START_TEST(several_workers_wait_for_one_pipe_or_terminal)
{
	struct termios raw;
	int ends[2];
	int terminal;

	need_uring();
	ck_assert_int_eq(pipe(ends), 0);
	several_wait(ends[0], ends[1]);
	ends[1] = posix_openpt(O_RDWR | O_NOCTTY);
	ck_assert_int_eq(unlockpt(ends[1]), 0);
	terminal = open(ptsname(ends[1]), O_RDWR | O_NOCTTY);
	ck_assert_int_eq(tcgetattr(terminal, &raw), 0);
	cfmakeraw(&raw);
	ck_assert_int_eq(tcsetattr(terminal, TCSANOW, &raw), 0);
	several_wait(terminal, ends[1]);
}
END_TEST

/* Workers of the kernel's complete what is cancelled at the same moment. */
START_TEST(cancel_races_complete)
{
	enum { BATCH = 32 };
	uint64_t races = rig_times("HWS_TEST_RACES", 100000);
	uint64_t seed = rig_environment("HWS_TEST_SEED", 20201);
	struct hws_ring *ring;
	struct hws_buf bufs[BATCH];
	uint64_t cancelled = 0;
	int ends[2];
	static const char bytes[4096];
	int file = rig_file(bytes, sizeof(bytes), 0);

	need_uring();
	ring = rig_open(NULL);
	ck_assert_int_eq(pipe(ends), 0);
	for (int i = 0; i < BATCH; i++)
		bufs[i] = rig_buf(ring, 4096, 0);
	for (uint64_t race = 0; race < races; race += BATCH) {
		struct hws_op ops[BATCH];
		struct hws_done done[BATCH];

		for (uint32_t i = 0; i < BATCH; i++) {
			uint32_t dice = rig_next(&seed);

			ck_ok(hws_queue(ring,
					&(struct hws_request) { .kind = HWS_OP_READ,
								.flags = dice & 1 ? HWS_ASYNC : 0,
								.fd = dice & 2 ? ends[0] : file,
								.buf = bufs[i],
								.length = 1 + (dice >> 4) % 4096,
								.tag = i },
					&ops[i]));
		}
		if (rig_next(&seed) & 1)
			ck_ok(hws_submit(ring));
		ck_assert_int_gt(write(ends[1], "12345678", 8), 0);
		for (uint32_t i = 0; i < BATCH; i++) {
			int r = hws_op_cancel(ring, ops[i]);

			ck_assert(r == 0 || r == -ESTALE);
		}
		/* what an attempt missed, because it was between two states, gets data */
		for (uint32_t got = 0; got < BATCH;) {
			int n = hws_wait_many(ring, done + got, BATCH - got, 1, rig_after_ms(100));

			if (n > 0)
				got += (uint32_t)n;
			else
				ck_assert_int_eq(n, -ETIME);
			if (got < BATCH)
				ck_assert_int_gt(write(ends[1], "12345678", 8), 0);
		}
		for (int i = 0; i < BATCH; i++) {
			cancelled += done[i].result == -ECANCELED || done[i].result == -EINTR;
			ck_assert_mem_eq(&done[i].buf, &bufs[done[i].tag], sizeof(bufs[0]));
		}
	}
	/* both sides won now and then */
	ck_assert_uint_gt(cancelled, 0);
	ck_assert_uint_lt(cancelled, ring_submitted(ring));
	for (int i = 0; i < BATCH; i++)
		rig_give(ring, bufs[i]);
	rig_close(ring);
}
END_TEST

/* In the queue of Linux, the attempt too would wait behind it. */
START_TEST(cancel_reaches_what_others_wait_for)
{
	struct hws_request after = { .flags = HWS_AFTER, .tag = 7 };
	struct hws_ring *ring;
	struct hws_done done[2];
	struct hws_buf buf;
	struct hws_op op;

	need_uring();
	ring = rig_reader(&buf, &op);
	ck_ok(hws_queue(ring, &after, NULL));
	ck_ok(hws_op_cancel(ring, op));
	ck_assert_int_eq(hws_wait_many(ring, done, 2, 2, HWS_FOREVER), 2);
	ck_assert_int_eq(done[0].result, -ECANCELED);
	ck_assert_uint_eq(done[1].tag, 7);
	ck_assert_int_eq(done[1].result, 0);
	rig_give(ring, buf);
	rig_close(ring);
}
END_TEST

START_TEST(cancel_is_no_link_of_a_chain)
{
	struct hws_request first = { .flags = HWS_LINK, .tag = 1 };
	struct hws_ring *ring;
	struct hws_done done[3];
	struct hws_buf buf;
	struct hws_op op;

	need_uring();
	ring = rig_reader(&buf, &op);
	ck_ok(hws_submit(ring));
	ck_ok(hws_queue(ring, &first, NULL));
	ck_assert_int_eq(hws_op_cancel(ring, op), -EBUSY);
	ck_ok(hws_nop(ring, 2));
	ck_ok(hws_op_cancel(ring, op));
	ck_assert_int_eq(hws_wait_many(ring, done, 3, 3, HWS_FOREVER), 3);
	for (int i = 0; i < 3; i++)
		ck_assert_int_eq(done[i].result, done[i].tag ? 0 : -ECANCELED);
	rig_give(ring, buf);
	rig_close(ring);
}
END_TEST

int main(void)
{
	return suite_run("uring/op-cancel",
			 (const TTest *[]) { cancel_is_an_attempt_that_the_target_answers,
					     cancels_without_end_are_refused_not_lost,
					     a_forgotten_operation_returns_its_buffer_by_itself,
					     what_forgotten_operations_open_is_closed,
					     one_buffer_is_used_a_million_times,
					     several_workers_wait_for_one_pipe_or_terminal,
					     cancel_reaches_what_others_wait_for,
					     cancel_is_no_link_of_a_chain, cancel_races_complete,
					     NULL });
}
