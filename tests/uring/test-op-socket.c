/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Sockets, groups, polls and timeouts. */
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tests/uring/rig.h"

/* The two ends of a TCP connection over loopback, and who listens. */
struct ends {
	int listener;
	int client;
	int server;
};

static struct sockaddr_in listen_on(int *ret_listener)
{
	struct sockaddr_in address = { .sin_family = AF_INET,
				       .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t size = sizeof(address);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(bind(fd, (struct sockaddr *)&address, sizeof(address)), 0);
	ck_assert_int_eq(listen(fd, 64), 0);
	ck_assert_int_eq(getsockname(fd, (struct sockaddr *)&address, &size), 0);
	*ret_listener = fd;
	return address;
}

/* Made by the operations themselves. */
static struct ends connected(struct hws_ring *ring)
{
	struct ends ends;
	struct sockaddr_in address = listen_on(&ends.listener);
	struct hws_done done = rig_do(ring, &(struct hws_request) { .kind = HWS_OP_SOCKET,
								    .fd = AF_INET,
								    .offset = SOCK_STREAM });

	ck_ok(done.result);
	ends.client = (int)done.result;
	ck_assert_int_ne(fcntl(ends.client, F_GETFD) & FD_CLOEXEC, 0);
	done = rig_do(ring, &(struct hws_request) { .kind = HWS_OP_CONNECT,
						    .fd = ends.client,
						    .data = &address,
						    .data_size = sizeof(address) });
	ck_ok(done.result);
	done = rig_do(ring, &(struct hws_request) { .kind = HWS_OP_ACCEPT, .fd = ends.listener });
	ck_ok(done.result);
	ends.server = (int)done.result;
	ck_assert_int_ne(fcntl(ends.server, F_GETFD) & FD_CLOEXEC, 0);
	return ends;
}

static void hang_up(const struct ends *ends)
{
	close(ends->listener);
	close(ends->client);
	close(ends->server);
}

static void sockets_send_and_receive_by(int way)
{
	struct hws_ring *ring;
	struct hws_buf to;
	struct hws_buf from;
	struct ends ends;

	ring = rig_open_way(way);
	ends = connected(ring);
	to = rig_buf(ring, 4096, 's');
	from = rig_buf(ring, 4096, 0);
	for (uint32_t kind = HWS_OP_SEND; kind <= HWS_OP_SEND_ZC; kind++) {
		struct hws_done done;

		ck_ok(hws_queue(ring,
				&(struct hws_request) { .kind = HWS_OP_RECV,
							.fd = ends.server,
							.buf = from,
							.length = 4096,
							.tag = 1 },
				NULL));
		ck_ok(hws_queue(ring,
				&(struct hws_request) { .kind = kind,
							.fd = ends.client,
							.buf = to,
							.length = 4096,
							.tag = 2 },
				NULL));
		for (int i = 0; i < 2; i++) {
			done = rig_one(ring);
			ck_assert_msg(done.result == 4096, "%s: %ld", hws_op_name(done.kind),
				      (long)done.result);
			ck_assert_mem_eq(&done.buf, done.tag == 1 ? &from : &to, sizeof(to));
		}
		ck_assert(rig_holds(ring, from, "ssss", 4));
		rig_fill(ring, from, "0000", 4);
	}
	/* nobody reads any more: an error, no signal */
	ck_assert_int_eq(rig_do(ring, &(struct hws_request) { .kind = HWS_OP_SHUTDOWN,
							      .fd = ends.client,
							      .length = SHUT_WR })
				 .result,
			 0);
	ck_assert_int_eq(rig_move(ring, HWS_OP_RECV, ends.server, from, 4096).result, 0);
	ck_assert_int_eq(rig_move(ring, HWS_OP_SEND, ends.client, to, 10).result, -EPIPE);
	ck_assert_int_eq(rig_move(ring, HWS_OP_SEND_ZC, ends.client, to, 10).result, -EPIPE);
	rig_give(ring, to);
	rig_give(ring, from);
	hang_up(&ends);
	rig_close(ring);
}

START_TEST(sockets_send_and_receive)
{
	need_uring();
	need("loopback", rig_loopback(), "no loopback here");
	for (int way = 0; way < RIG_WAYS; way++)
		sockets_send_and_receive_by(way);
}
END_TEST

START_TEST(one_accept_gives_many)
{
	struct hws_ring *ring;
	struct sockaddr_in address;
	struct hws_done done;
	struct hws_op op;
	int listener;
	int clients[3];

	need_uring();
	need("loopback", rig_loopback(), "no loopback here");
	ring = rig_open(NULL);
	address = listen_on(&listener);
	ck_ok(hws_queue(
		ring,
		&(struct hws_request) { .kind = HWS_OP_ACCEPT_MANY, .fd = listener, .tag = 5 },
		&op));
	for (int i = 0; i < 3; i++) {
		clients[i] = socket(AF_INET, SOCK_STREAM, 0);
		ck_assert_int_eq(connect(clients[i], (struct sockaddr *)&address, sizeof(address)),
				 0);
		done = rig_one(ring);
		ck_assert_uint_eq(done.tag, 5);
		ck_assert_uint_eq(done.flags, HWS_DONE_MORE);
		ck_ok(done.result);
		close((int)done.result);
	}
	ck_ok(hws_op_cancel(ring, op));
	done = rig_one(ring);
	ck_assert_int_eq(done.result, -ECANCELED);
	ck_assert_uint_eq(done.flags, 0);
	rig_close(ring);
}
END_TEST

static void one_receive_takes_buffers_of_a_group_by(int way)
{
	struct hws_ring *ring;
	struct hws_group *group;
	struct hws_group_stats stats;
	struct hws_buf held[5];
	struct hws_done done;
	int ends[2];
	uint32_t n = 0;

	ring = rig_open_way(way);
	if (!ring->opens && ring->guarded) {
		ck_assert_int_eq(hws_group_open(ring, 4, 2048, &group), -ENOTSUP);
		rig_close(ring);
		return;
	}

	ck_ok(hws_group_open(ring, 4, 2048, &group));
	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0);
	ck_ok(hws_queue(ring,
			&(struct hws_request) {
				.kind = HWS_OP_RECV_MANY, .fd = ends[0], .group = group, .tag = 6 },
			NULL));
	ck_assert_int_eq(hws_group_close(group), -EBUSY);
	/* until there is none left */
	do {
		ck_assert_int_eq(write(ends[1], "data", 4), 4);
		done = rig_one(ring);
		if (done.result == 4) {
			ck_assert(rig_holds(ring, done.buf, "data", 4));
			held[n++] = done.buf;
		}
	} while (done.flags & HWS_DONE_MORE);
	ck_assert_int_eq(done.result, -ENOBUFS);
	ck_assert_uint_eq(n, 4);
	hws_group_get_stats(group, &stats);
	ck_assert_uint_eq(stats.provided, 0);
	ck_assert_uint_eq(stats.taken, 4);
	ck_ok(hws_group_give(group, held[0]));
	ck_assert_int_eq(hws_group_give(group, held[0]), -EBUSY);
	ck_ok(hws_group_give(group, held[1]));
	/* and again: what was left comes first; then the end */
	ck_ok(hws_queue(ring,
			&(struct hws_request) {
				.kind = HWS_OP_RECV_MANY, .fd = ends[0], .group = group, .tag = 6 },
			NULL));
	done = rig_one(ring);
	ck_assert_int_eq(done.result, 4);
	ck_ok(hws_group_give(group, done.buf));
	close(ends[1]);
	done = rig_one(ring);
	ck_assert_int_eq(done.result, 0);
	if (done.buf.slot || done.buf.generation)
		rig_give(ring, done.buf);
	ck_ok(hws_group_close(group));
	rig_give(ring, held[2]);
	rig_give(ring, held[3]);
	rig_close(ring);
}

START_TEST(one_receive_takes_buffers_of_a_group)
{
	need_uring();
	for (int way = 0; way < RIG_WAYS; way++)
		one_receive_takes_buffers_of_a_group_by(way);
}
END_TEST

static void exact_goes_on_after_short_transfers_by(int way)
{
	struct hws_ring *ring;
	struct hws_buf buf;
	struct hws_done done;
	int ends[2];

	ring = rig_open_way(way);
	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0);
	buf = rig_buf(ring, 4096, 0);
	for (uint32_t kind = HWS_OP_READ; kind != HWS_OP_RECV_MANY;
	     kind = kind == HWS_OP_READ ? HWS_OP_RECV : HWS_OP_RECV_MANY) {
		uint64_t resumed = ring->stats.resumed;

		ck_ok(hws_queue(ring,
				&(struct hws_request) { .kind = kind,
							.flags = HWS_EXACT,
							.fd = ends[0],
							.buf = buf,
							.offset = HWS_HERE,
							.length = 6 },
				NULL));
		for (int i = 0; i < 3; i++) {
			ck_assert_int_eq(hws_wait(ring, &done, 1, rig_after_ms(2)), -ETIME);
			ck_assert_int_eq(write(ends[1], &"abcdef"[2 * i], 2), 2);
		}
		done = rig_one(ring);
		ck_assert_int_eq(done.result, 6);
		ck_assert(rig_holds(ring, buf, "abcdef", 6));
		ck_assert_uint_eq(ring->stats.resumed, resumed + 2);
	}
	/* an end in the middle: what there was */
	ck_assert_int_eq(write(ends[1], "abc", 3), 3);
	close(ends[1]);
	done = rig_do(ring, &(struct hws_request) { .kind = HWS_OP_RECV,
						    .flags = HWS_EXACT,
						    .fd = ends[0],
						    .buf = buf,
						    .length = 6 });
	ck_assert_int_eq(done.result, 3);
	ck_assert_int_eq(
		hws_queue(ring, &(struct hws_request) { .kind = HWS_OP_FSYNC, .flags = HWS_EXACT },
			  NULL),
		-EINVAL);
	rig_give(ring, buf);
	rig_close(ring);
}

START_TEST(exact_goes_on_after_short_transfers)
{
	need_uring();
	for (int way = 0; way < RIG_WAYS; way++)
		exact_goes_on_after_short_transfers_by(way);
}
END_TEST

START_TEST(polls_and_timeouts_end)
{
	struct hws_ring *ring;
	struct hws_done done;
	uint64_t then = rig_after_ms(10);
	int ends[2];

	need_uring();
	ring = rig_open(NULL);
	ck_assert_int_eq(pipe(ends), 0);
	done = rig_do(ring, &(struct hws_request) { .kind = HWS_OP_TIMEOUT, .offset = then });
	ck_assert_int_eq(done.result, -ETIME);
	ck_assert_uint_ge(rig_after_ms(0), then);
	ck_assert_int_eq(write(ends[1], "x", 1), 1);
	done = rig_do(ring,
		      &(struct hws_request) { .kind = HWS_OP_POLL, .fd = ends[0], .how = POLLIN });
	ck_assert_int_eq(done.result, POLLIN);
	rig_close(ring);
}
END_TEST

START_TEST(a_linked_timeout_ends_what_hangs)
{
	struct hws_ring *ring;
	struct hws_done done[2];
	struct hws_buf buf;
	int ends[2];

	need_uring();
	ring = rig_open(NULL);
	ck_assert_int_eq(pipe(ends), 0);
	buf = rig_buf(ring, 4096, 0);
	ck_ok(hws_chain(ring,
			(struct hws_request[]) {
				{ .kind = HWS_OP_READ, .fd = ends[0], .buf = buf, .length = 1 },
				{ .kind = HWS_OP_LINK_TIMEOUT, .offset = rig_after_ms(10) },
			},
			2));
	ck_assert_int_eq(hws_wait_many(ring, done, 2, 2, HWS_FOREVER), 2);
	for (int i = 0; i < 2; i++)
		ck_assert_int_eq(done[i].result, done[i].kind == HWS_OP_READ ? -ECANCELED : -ETIME);
	rig_give(ring, buf);
	rig_close(ring);
}
END_TEST

/* Until all is here, the end, or nobody wants it any more: what came is never lost. */
START_TEST(waiting_for_all_goes_on_after_less)
{
	struct hws_request request = {
		.kind = HWS_OP_RECV,
		.length = 10,
		.how = MSG_WAITALL,
	};
	struct hws_ring *ring;
	struct hws_done done;
	int ends[2];

	need_uring();
	ring = rig_open(NULL);
	request.buf = rig_buf(ring, 4096, 0);
	for (int i = 0; i < 3; i++) {
		ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0);
		request.fd = ends[0];
		ck_ok(hws_queue(ring, &request, NULL));
		ck_assert_int_eq(write(ends[1], "hell", 4), 4);
		ck_assert_int_eq(hws_wait(ring, &done, 1, rig_after_ms(20)), -ETIME);
		if (i == 0)
			ck_assert_int_eq(write(ends[1], "o world", 7), 7);
		else if (i == 1)
			ck_assert_int_eq(shutdown(ends[1], SHUT_WR), 0);
		else
			ck_ok(hws_op_cancel(ring, hws_op_last(ring)));
		ck_assert_int_eq(rig_one(ring).result, i ? 4 : 10);
		ck_assert(rig_holds(ring, request.buf, i ? "hell" : "hello worl", i ? 4 : 10));
		close(ends[0]);
		close(ends[1]);
	}
	rig_give(ring, request.buf);
	rig_close(ring);
}
END_TEST

int main(void)
{
	return suite_run("uring/op-socket",
			 (const TTest *[]) { sockets_send_and_receive, one_accept_gives_many,
					     one_receive_takes_buffers_of_a_group,
					     exact_goes_on_after_short_transfers,
					     polls_and_timeouts_end,
					     a_linked_timeout_ends_what_hangs,
					     waiting_for_all_goes_on_after_less, NULL });
}
