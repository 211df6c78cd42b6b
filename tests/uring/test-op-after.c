/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* HWS_AFTER: what waits for all before it, and what may happen to it until then. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/mman.h>
#include <unistd.h>

#include "tests/uring/rig.h"
#include "uring/stream.h"

START_TEST(what_comes_after_is_taken_once_something_was_cancelled)
{
	struct hws_request after = { .flags = HWS_AFTER, .tag = 7 };
	struct hws_ring *ring;
	struct hws_done done;
	int ends[2];

	need_uring();
	ring = rig_open(NULL);
	ck_ok(hws_op_cancel(ring, rig_hang(ring, ends, 1)));
	ck_assert_int_eq(rig_one(ring).result, -ECANCELED);
	done = rig_do(ring, &after);
	ck_assert_uint_eq(done.tag, 7);
	ck_assert_int_eq(done.result, 0);
	rig_shut(ends);
	rig_close(ring);
}
END_TEST

/* It begins after all before, and goes on beside what came later. */
START_TEST(what_goes_on_after_a_wait_does_not_wait_again)
{
	struct hws_request request = {
		.kind = HWS_OP_READ,
		.flags = HWS_AFTER | HWS_EXACT,
		.offset = HWS_HERE,
		.length = 5,
		.tag = 2,
	};
	struct hws_ring *ring;
	struct hws_done done;
	int ends[2];
	int other[2];

	need_uring();
	ring = rig_open(NULL);
	ck_assert_int_eq(pipe(ends), 0);
	ck_assert_int_eq(write(ends[1], "he", 2), 2);
	request.fd = ends[0];
	request.buf = rig_buf(ring, 4096, 0);
	ck_ok(hws_queue(ring, &request, NULL));
	rig_hang(ring, other, 3);
	ck_assert_int_eq(hws_wait(ring, &done, 1, rig_after_ms(50)), -ETIME);
	ck_assert_int_eq(write(ends[1], "llo", 3), 3);
	done = rig_one(ring);
	ck_assert_uint_eq(done.tag, 2);
	ck_assert_int_eq(done.result, 5);
	ck_assert_int_eq(write(other[1], "x", 1), 1);
	ck_assert_int_eq(rig_one(ring).result, POLLIN);
	ck_assert(rig_holds(ring, request.buf, "hello", 5));
	rig_give(ring, request.buf);
	rig_shut(ends);
	rig_shut(other);
	rig_close(ring);
}
END_TEST

/* A done, in a loop that wakes up only when the ring's descriptor says so. */
static struct hws_done polled_one(struct hws_ring *ring)
{
	struct pollfd poller = { .fd = hws_ring_fd(ring), .events = POLLIN };
	struct hws_done done;
	int r;

	ck_ok(hws_submit(ring));
	while ((r = hws_wait(ring, &done, 1, 0)) != 1) {
		ck_assert_int_eq(r, -ETIME);
		ck_assert_int_eq(poll(&poller, 1, 10000), 1);
	}
	return done;
}

static const struct loop {
	uint32_t flags;
	struct hws_done (*one)(struct hws_ring *ring);
} loops[] = { { 0, rig_one }, { HWS_RING_POLLED, polled_one } };

static void cancel_early(const struct loop *loop)
{
	struct hws_ring_options options = { .flags = loop->flags };
	struct hws_request after = { .flags = HWS_AFTER };
	struct hws_request never = { .kind = HWS_OP_TIMEOUT, .offset = UINT64_MAX / 2 };
	struct hws_ring *ring;
	struct hws_op op;

	ring = rig_open(&options);
	for (int i = 0; i < 300; i++) {
		ck_ok(hws_queue(ring, &after, NULL));
		ck_assert_int_eq(loop->one(ring).result, 0);
		ck_ok(hws_queue(ring, &never, &op));
		ck_ok(hws_op_cancel(ring, op));
		ck_assert_int_eq(loop->one(ring).result, -ECANCELED);
	}
	rig_close(ring);
}

START_TEST(what_is_about_to_begin_is_cancelled_for_sure)
{
	need_uring();
	for (int i = 0; i < 2; i++)
		cancel_early(&loops[i]);
}
END_TEST

static void cancel_deferred(const struct loop *loop)
{
	struct hws_ring_options options = { .flags = loop->flags };
	struct hws_request after = { .flags = HWS_AFTER, .tag = 2 };
	struct hws_request never = { .kind = HWS_OP_TIMEOUT, .offset = UINT64_MAX / 2, .tag = 3 };
	uint64_t seen = 0;
	struct hws_ring *ring;
	struct hws_op op;
	int ends[2];

	ring = rig_open(&options);
	rig_hang(ring, ends, 1);
	ck_ok(hws_queue(ring, &after, NULL));
	ck_ok(hws_queue(ring, &never, &op));
	ck_ok(hws_submit(ring));
	ck_ok(hws_op_cancel(ring, op));
	ck_assert_int_eq(hws_op_cancel(ring, op), -EALREADY);
	ck_assert_int_eq(write(ends[1], "x", 1), 1);
	for (int i = 0; i < 3; i++) {
		struct hws_done done = loop->one(ring);

		ck_assert_int_eq(done.result, done.tag == 3   ? -ECANCELED
					      : done.tag == 1 ? POLLIN
							      : 0);
		seen |= UINT64_C(1) << done.tag;
	}
	ck_assert_uint_eq(seen, 14);
	rig_shut(ends);
	rig_close(ring);
}

START_TEST(what_waits_for_others_is_cancelled_at_the_latest_when_it_begins)
{
	need_uring();
	for (int i = 0; i < 2; i++)
		cancel_deferred(&loops[i]);
}
END_TEST

/* Who waits for all of them waits for each in turn. */
START_TEST(all_that_wait_for_one_another_are_waited_for_at_once)
{
	struct hws_request later = { .kind = HWS_OP_TIMEOUT, .offset = rig_after_ms(20), .tag = 0 };
	struct hws_ring *ring;
	struct hws_done done[6];

	need_uring();
	ring = rig_open(NULL);
	for (uint64_t i = 0; i < 6; i++) {
		later.tag = i;
		ck_ok(hws_queue(ring, &later, NULL));
		later = (struct hws_request) { .flags = i % 2 ? 0 : HWS_AFTER };
	}
	ck_ok(hws_submit(ring));
	ck_assert_int_eq(hws_wait_many(ring, done, 6, 6, rig_after_ms(10000)), 6);
	for (uint64_t i = 0; i < 6; i++)
		ck_assert_uint_eq(done[i].tag, i);
	rig_close(ring);
}
END_TEST

START_TEST(what_waits_when_the_ring_closes_never_begins)
{
	struct hws_request write_it = { .kind = HWS_OP_WRITE, .flags = HWS_AFTER, .length = 4096 };
	struct hws_ring *ring;
	int ends[2];
	int file = memfd_create("untouched", MFD_CLOEXEC);

	need_uring();
	ring = rig_open(NULL);
	rig_hang(ring, ends, 1);
	write_it.fd = file;
	write_it.buf = rig_buf(ring, 4096, 'w');
	ck_ok(hws_queue(ring, &write_it, NULL));
	ck_ok(hws_nop(ring, 2));
	ck_ok(hws_submit(ring));
	ck_assert_int_eq(hws_ring_close(ring, rig_after_ms(60000)), 0);
	ck_assert_int_eq(lseek(file, 0, SEEK_END), 0);
	close(file);
	rig_shut(ends);
}
END_TEST

/* What is done but not taken holds nobody up who waits by himself. */
START_TEST(a_stream_is_not_held_up_by_what_nobody_takes)
{
	struct hws_stream *stream;
	struct hws_ring *ring;
	int ends[2];
	char byte;

	need_uring();
	ring = rig_open(NULL);
	ck_assert_int_eq(pipe(ends), 0);
	ck_assert_int_eq(write(ends[1], "x", 1), 1);
	ck_ok(hws_nop(ring, 1));
	ck_ok(hws_queue(ring, &(struct hws_request) { .flags = HWS_AFTER, .tag = 2 }, NULL));
	ck_ok(hws_stream_open(ring, ends[0], NULL, &stream));
	ck_assert_int_eq(hws_stream_read(stream, &byte, 1), 1);
	ck_assert_uint_eq(rig_one(ring).tag, 1);
	ck_assert_uint_eq(rig_one(ring).tag, 2);
	ck_ok(hws_stream_close(stream));
	rig_shut(ends);
	rig_end(ring);
}
END_TEST

/* Whether a read goes on, only taking its result tells. */
START_TEST(a_stream_says_what_is_to_be_taken_first)
{
	struct hws_request request = { .kind = HWS_OP_READ, .flags = HWS_EXACT, .tag = 1 };
	struct hws_stream *stream;
	struct hws_ring *ring;
	int ends[2];
	int other[2];
	char byte;

	need_uring();
	ring = rig_open(NULL);
	ck_assert_int_eq(pipe(ends), 0);
	ck_assert_int_eq(pipe(other), 0);
	ck_assert_int_eq(write(ends[1], "all", 3), 3);
	ck_assert_int_eq(write(other[1], "x", 1), 1);
	request.fd = ends[0];
	request.length = 3;
	request.offset = HWS_HERE;
	request.buf = rig_buf(ring, 4096, 0);
	ck_ok(hws_queue(ring, &request, NULL));
	ck_ok(hws_queue(ring, &(struct hws_request) { .flags = HWS_AFTER, .tag = 2 }, NULL));
	ck_ok(hws_stream_open(ring, other[0], NULL, &stream));
	ck_assert_int_eq(hws_stream_read(stream, &byte, 1), -EAGAIN);
	ck_assert_ptr_nonnull(strstr(hws_why(), "hws_wait()"));
	ck_assert_int_eq(rig_one(ring).result, 3);
	ck_assert_uint_eq(rig_one(ring).tag, 2);
	ck_assert_int_eq(hws_stream_read(stream, &byte, 1), 1);
	ck_ok(hws_stream_close(stream));
	rig_give(ring, request.buf);
	rig_shut(ends);
	rig_shut(other);
	rig_end(ring);
}
END_TEST

int main(void)
{
	return suite_run("uring/op-after",
			 (const TTest *[]) {
				 what_comes_after_is_taken_once_something_was_cancelled,
				 what_goes_on_after_a_wait_does_not_wait_again,
				 what_is_about_to_begin_is_cancelled_for_sure,
				 what_waits_for_others_is_cancelled_at_the_latest_when_it_begins,
				 all_that_wait_for_one_another_are_waited_for_at_once,
				 what_waits_when_the_ring_closes_never_begins,
				 a_stream_is_not_held_up_by_what_nobody_takes,
				 a_stream_says_what_is_to_be_taken_first,
				 NULL,
			 });
}
