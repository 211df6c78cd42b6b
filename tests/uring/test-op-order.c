/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What waits for what: chains, and what may happen to them in between. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tests/uring/rig.h"
#include "uring/stream.h"

START_TEST(one_of_a_chain_waits_for_all_before)
{
	struct hws_request chain[] = { { .tag = 2 }, { .flags = HWS_AFTER, .tag = 3 } };
	struct hws_ring *ring;
	struct hws_done done[3];
	uint64_t seen = 0;
	int ends[2];
	int n;

	need_uring();
	ring = rig_open(NULL);
	rig_hang(ring, ends, 1);
	ck_ok(hws_chain(ring, chain, 2));
	n = hws_wait_many(ring, done, 3, 3, rig_after_ms(50));
	for (int i = 0; i < n; i++)
		ck_assert_uint_ne(done[i].tag, 3);
	ck_assert_int_eq(write(ends[1], "x", 1), 1);
	n = n < 0 ? 0 : n;
	while (n < 3) {
		struct hws_done one = rig_one(ring);

		ck_assert_int_ge(one.result, 0);
		ck_assert(one.tag != 3 || seen & 2);
		seen |= UINT64_C(1) << one.tag;
		n++;
	}
	rig_shut(ends);
	rig_close(ring);
}
END_TEST

START_TEST(a_short_splice_breaks_its_chain)
{
	struct hws_request chain[] = {
		{ .kind = HWS_OP_SPLICE, .offset = HWS_HERE, .offset2 = HWS_HERE, .length = 10 },
		{ .tag = 2 },
	};
	struct hws_ring *ring;
	struct hws_done done[2];
	int from[2];
	int to[2];

	need_uring();
	ring = rig_open(NULL);
	ck_assert_int_eq(pipe(from), 0);
	ck_assert_int_eq(pipe(to), 0);
	ck_assert_int_eq(write(from[1], "abc", 3), 3);
	chain[0].fd = to[1];
	chain[0].fd2 = from[0];
	ck_ok(hws_chain(ring, chain, 2));
	ck_assert_int_eq(hws_wait_many(ring, done, 2, 2, rig_after_ms(10000)), 2);
	for (int i = 0; i < 2; i++)
		ck_assert_int_eq(done[i].result, done[i].tag ? -ECANCELED : 3);
	/* as many as there are: 4 GiB are not none */
	ck_assert_int_eq(write(from[1], "abc", 3), 3);
	chain[0].length = UINT64_C(1) << 32;
	ck_assert_int_eq(rig_do(ring, &chain[0]).result, 3);
	rig_shut(from);
	rig_shut(to);
	rig_close(ring);
}
END_TEST

/* It moves pages from pipe to pipe: no buffer of the program's is in danger. */
START_TEST(what_has_no_buffer_touches_none)
{
	struct hws_request splice = {
		.kind = HWS_OP_SPLICE,
		.offset = HWS_HERE,
		.offset2 = HWS_HERE,
		.length = 10,
	};
	struct hws_orphan orphan;
	struct hws_ring *ring;
	struct hws_op op;
	int from[2];
	int to[2];

	need_uring();
	ring = rig_open(NULL);
	ck_assert_int_eq(pipe(from), 0);
	ck_assert_int_eq(pipe(to), 0);
	ck_assert_int_eq(write(from[1], "abc", 3), 3);
	splice.fd = to[1];
	splice.fd2 = from[0];
	ck_ok(hws_queue(ring, &splice, &op));
	ck_ok(hws_op_forget(ring, op));
	ck_assert_int_eq(hws_ring_orphans(ring, &orphan, 1), 1);
	ck_assert_uint_eq(orphan.bytes, 0);
	ck_assert_uint_eq(ring->stats.orphan_bytes, 0);
	rig_end(ring);
	rig_shut(from);
	rig_shut(to);
}
END_TEST

/* The limit of what fails at once, though what follows goes on. */
START_TEST(a_limit_ends_with_what_it_limits)
{
	struct hws_request chain[] = {
		{ .kind = HWS_OP_FSYNC, .flags = HWS_HARDLINK, .fd = 9999, .tag = 1 },
		{ .kind = HWS_OP_LINK_TIMEOUT, .flags = HWS_HARDLINK, .tag = 2 },
		{ .tag = 3 },
	};
	static const int results[] = { -EBADF, -ECANCELED, 0 };
	struct hws_ring *ring;
	struct hws_done done[3];

	need_uring();
	ring = rig_open(NULL);
	chain[1].offset = rig_after_ms(60000);
	ck_ok(hws_chain(ring, chain, 3));
	ck_assert_int_eq(hws_wait_many(ring, done, 3, 3, rig_after_ms(10000)), 3);
	for (int i = 0; i < 3; i++)
		ck_assert_int_eq(done[i].result, results[done[i].tag - 1]);
	rig_close(ring);
}
END_TEST

START_TEST(a_chain_longer_than_the_ring_is_never_queued)
{
	struct hws_request chain[5] = { 0 };
	struct hws_ring *ring;

	need_uring();
	ring = rig_open(&(struct hws_ring_options) { .depth = 4 });
	ck_assert_int_eq(hws_chain(ring, chain, 5), -EINVAL);
	ck_ok(hws_chain(ring, chain, 4));
	for (int i = 0; i < 4; i++)
		ck_assert_int_eq(rig_one(ring).result, 0);
	rig_close(ring);
}
END_TEST

/* A half chain keeps it from waiting for a descriptor that doesn't: its buffer isn't forgotten. */
START_TEST(a_stream_that_is_refused_loses_no_buffer)
{
	struct hws_stream_options options = { .flags = HWS_STREAM_NONBLOCK };
	struct hws_request first = { .flags = HWS_LINK, .tag = 1 };
	struct hws_stream *stream;
	struct hws_ring *ring;
	int ends[2];
	char byte;

	need_uring();
	ring = rig_open(NULL);
	ck_assert_int_eq(pipe2(ends, O_NONBLOCK), 0);
	ck_ok(hws_stream_open(ring, ends[0], &options, &stream));
	ck_assert_int_eq(write(ends[1], "x", 1), 1);
	/* what it reads ahead finds nothing */
	ck_assert_int_eq(hws_stream_read(stream, &byte, 1), 1);
	for (int i = 0; i < 20; i++) {
		struct hws_done none;

		ck_assert_int_eq(hws_wait(ring, &none, 1, 0), 0);
	}
	ck_ok(hws_queue(ring, &first, NULL));
	ck_assert_int_eq(hws_stream_read(stream, &byte, 1), -EBUSY);
	ck_ok(hws_nop(ring, 2));
	ck_assert_uint_eq(rig_one(ring).tag, 1);
	ck_assert_uint_eq(rig_one(ring).tag, 2);
	ck_assert_int_eq(write(ends[1], "x", 1), 1);
	while (hws_stream_read(stream, &byte, 1) == -EAGAIN)
		usleep(1000);
	ck_assert_int_eq(byte, 'x');
	ck_ok(hws_stream_close(stream));
	rig_shut(ends);
	rig_end(ring);
}
END_TEST

START_TEST(what_keeps_a_buffer_for_longer_is_refused)
{
	struct hws_request request = { .length = 1, .how = MSG_ZEROCOPY };
	static const uint32_t kinds[] = { HWS_OP_SEND, HWS_OP_SEND_ZC };
	struct hws_ring *ring;

	need_uring();
	ring = rig_open(NULL);
	request.buf = rig_buf(ring, 4096, 0);
	for (int i = 0; i < 2; i++) {
		request.kind = kinds[i];
		ck_assert_int_eq(hws_queue(ring, &request, NULL), -EINVAL);
		ck_assert_ptr_nonnull(strstr(hws_why(), "MSG_ZEROCOPY"));
	}
	rig_give(ring, request.buf);
	rig_close(ring);
}
END_TEST

int main(void)
{
	return suite_run("uring/op-order", (const TTest *[]) {
						   one_of_a_chain_waits_for_all_before,
						   a_short_splice_breaks_its_chain,
						   what_has_no_buffer_touches_none,
						   a_limit_ends_with_what_it_limits,
						   a_chain_longer_than_the_ring_is_never_queued,
						   a_stream_that_is_refused_loses_no_buffer,
						   what_keeps_a_buffer_for_longer_is_refused,
						   NULL,
					   });
}
