/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What stands in for io_uring leaves the program's descriptors alone, and never waits in a call. */
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tests/uring/rig.h"

static struct hws_ring *open_backend(const char *name)
{
	return rig_open(&(struct hws_ring_options) { .backend = name });
}

static uint32_t open_descriptors(void)
{
	uint32_t count = 0;

	for (int fd = 0; fd < 256; fd++)
		count += fcntl(fd, F_GETFD) >= 0;
	return count;
}

static struct hws_request splice_from(int from, int to)
{
	return (struct hws_request) {
		.kind = HWS_OP_SPLICE,
		.fd = to,
		.offset = HWS_HERE,
		.fd2 = from,
		.offset2 = HWS_HERE,
		.length = 5,
	};
}

/* Both its numbers are closed, and stand for something else, before there is anything to move. */
START_TEST(a_splice_keeps_the_files_it_was_given)
{
	struct hws_ring *ring = open_backend("epoll");
	uint32_t before = open_descriptors();
	struct hws_request request;
	char got[8] = "";
	int from[2];
	int to[2];
	int zeros;

	ck_assert_int_eq(pipe(from), 0);
	ck_assert_int_eq(pipe(to), 0);
	request = splice_from(from[0], to[1]);
	ck_ok(hws_queue(ring, &request, NULL));
	ck_ok(hws_submit(ring));
	zeros = open("/dev/zero", O_RDWR);
	ck_assert_int_eq(dup2(zeros, from[0]), from[0]);
	ck_assert_int_eq(dup2(zeros, to[1]), to[1]);
	ck_assert_int_eq(write(from[1], "hello", 5), 5);
	ck_assert_int_eq(rig_one(ring).result, 5);
	ck_assert_int_eq(read(to[0], got, sizeof(got)), 5);
	ck_assert_str_eq(got, "hello");
	/* nobody holds on to the ends: a reader finds the end */
	ck_assert_int_eq(read(to[0], got, sizeof(got)), 0);
	close(zeros);
	for (int i = 0; i < 2; i++) {
		close(from[i]);
		close(to[i]);
	}
	/* but for the bell and the poller, which were there before */
	ck_assert_uint_eq(open_descriptors(), before);
	rig_close(ring);
}
END_TEST

/* It waits for ever; the ring's end is its own. */
START_TEST(a_splice_that_waits_ends_with_the_ring)
{
	uint32_t before = open_descriptors();
	struct hws_ring *ring = open_backend("epoll");
	struct hws_request request;
	int from[2];
	int to[2];
	int lost;

	ck_assert_int_eq(pipe(from), 0);
	ck_assert_int_eq(pipe(to), 0);
	request = splice_from(from[0], to[1]);
	ck_ok(hws_queue(ring, &request, NULL));
	ck_ok(hws_submit(ring));
	lost = hws_ring_close(ring, rig_after_ms(5000));
	ck_assert_int_eq(lost, 0);
	for (int i = 0; i < 2; i++) {
		close(from[i]);
		close(to[i]);
	}
	ck_assert_uint_eq(open_descriptors(), before);
}
END_TEST

START_TEST(a_splice_of_no_file_fails)
{
	struct hws_ring *ring = open_backend("epoll");
	struct hws_request request = splice_from(250, 251);
	int ends[2];

	ck_assert_int_eq(rig_do(ring, &request).result, -EBADF);
	ck_assert_int_eq(pipe(ends), 0);
	request = splice_from(250, ends[1]);
	ck_assert_int_eq(rig_do(ring, &request).result, -EBADF);
	close(ends[0]);
	close(ends[1]);
	rig_close(ring);
}
END_TEST

/* Standard input is closed, as a daemon's is, and nobody named it. */
START_TEST(a_whole_path_needs_no_directory)
{
	struct hws_ring *ring = open_backend("epoll");
	struct hws_request request = {
		.kind = HWS_OP_STATX,
		.data = "/",
		.buf = rig_buf(ring, 4096, 0),
	};

	close(0);
	ck_assert_int_eq(rig_do(ring, &request).result, 0);
	request.data = "tmp";
	ck_assert_int_eq(rig_do(ring, &request).result, -EBADF);
	rig_give(ring, request.buf);
	rig_close(ring);
}
END_TEST

/* What poll(2) doesn't know is no event, and changes nothing for others of the same file. */
START_TEST(what_is_no_event_is_not_watched_for)
{
	struct hws_ring *ring = open_backend("epoll");
	struct hws_request request = { .kind = HWS_OP_POLL };
	struct hws_done done;
	int ends[2];

	ck_assert_int_eq(pipe(ends), 0);
	request.fd = ends[0];
	for (uint32_t bit = 28; bit < 32; bit++) {
		char byte;

		request.how = POLLIN | UINT32_C(1) << bit;
		request.tag = 1;
		ck_ok(hws_queue(ring, &request, NULL));
		request.how = POLLPRI;
		request.tag = 2;
		ck_ok(hws_queue(ring, &request, NULL));
		ck_ok(hws_submit(ring));
		ck_assert_int_eq(write(ends[1], "x", 1), 1);
		done = rig_one(ring);
		ck_assert_uint_eq(done.tag, 1);
		ck_assert_int_eq(done.result, POLLIN);
		ck_ok(hws_op_cancel(ring, hws_op_last(ring)));
		ck_assert_uint_eq(rig_one(ring).tag, 2);
		ck_assert_int_eq(read(ends[0], &byte, 1), 1);
	}
	close(ends[0]);
	close(ends[1]);
	rig_close(ring);
}
END_TEST

struct watch {
	int fd;
	_Atomic bool end;
	_Atomic bool began;
	bool saw;
};

static void *watch_flags(void *context)
{
	struct watch *watch = context;

	while (!watch->end) {
		watch->saw |= (fcntl(watch->fd, F_GETFL) & O_NONBLOCK) != 0;
		watch->began = true;
	}
	return NULL;
}

/* Another thread may be waiting in recv(2) on it. */
START_TEST(connecting_a_datagram_socket_never_changes_its_flags)
{
	struct sockaddr_in address = { .sin_family = AF_INET,
				       .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
				       .sin_port = htons(9) };
	struct hws_request request = {
		.kind = HWS_OP_CONNECT,
		.data = &address,
		.data_size = sizeof(address),
	};
	struct watch watch = { .fd = socket(AF_INET, SOCK_DGRAM, 0) };
	struct hws_ring *ring;
	pthread_t thread;

	need("loopback", rig_loopback(), "there is no network");
	ring = open_backend("epoll");
	request.fd = watch.fd;
	ck_assert_int_eq(pthread_create(&thread, NULL, watch_flags, &watch), 0);
	while (!watch.began)
		usleep(100);
	for (int i = 0; i < 2000; i++)
		ck_assert_int_eq(rig_do(ring, &request).result, 0);
	watch.end = true;
	pthread_join(thread, NULL);
	ck_assert(!watch.saw);
	rig_close(ring);
	close(watch.fd);
}
END_TEST

/* Nor does it stay where it had to be for a moment. */
START_TEST(connecting_leaves_flags_as_they_were)
{
	struct sockaddr_in address = { .sin_family = AF_INET,
				       .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t size = sizeof(address);
	struct hws_request request = {
		.kind = HWS_OP_CONNECT,
		.data = &address,
		.data_size = sizeof(address),
	};
	int listener = socket(AF_INET, SOCK_STREAM, 0);
	int client = socket(AF_INET, SOCK_STREAM, 0);
	struct hws_ring *ring;
	int ends[2];

	need("loopback", rig_loopback(), "there is no network");
	ring = open_backend("epoll");
	ck_assert_int_eq(bind(listener, (struct sockaddr *)&address, size), 0);
	ck_assert_int_eq(listen(listener, 4), 0);
	ck_assert_int_eq(getsockname(listener, (struct sockaddr *)&address, &size), 0);
	request.fd = listener;
	ck_assert_int_eq(rig_do(ring, &request).result, -EISCONN);
	request.fd = client;
	ck_assert_int_eq(rig_do(ring, &request).result, 0);
	ck_assert_int_eq(fcntl(client, F_GETFL) & O_NONBLOCK, 0);
	ck_assert_int_eq(pipe(ends), 0);
	request.fd = ends[0];
	ck_assert_int_eq(rig_do(ring, &request).result, -ENOTSOCK);
	close(ends[0]);
	close(ends[1]);
	close(client);
	close(listener);
	rig_close(ring);
}
END_TEST

/* A terminal, which can't be asked not to wait, and its other end. */
static int open_terminal(int *ret_other)
{
	int other = posix_openpt(O_RDWR | O_NOCTTY);
	int terminal;

	ck_assert_int_ge(other, 0);
	ck_assert_int_eq(grantpt(other), 0);
	ck_assert_int_eq(unlockpt(other), 0);
	terminal = open(ptsname(other), O_RDWR | O_NOCTTY);
	ck_assert_int_ge(terminal, 0);
	*ret_other = other;
	return terminal;
}

/* Two wait for a line. It comes, and nothing can tell for whom: neither may wait in read(2). */
START_TEST(what_poll_cant_tell_is_not_tried)
{
	struct hws_ring *ring = open_backend("epoll");
	struct hws_request request = { .kind = HWS_OP_READ, .length = 16, .offset = HWS_HERE };
	struct rlimit before, none;
	struct pollfd there = { .events = POLLIN };
	int other;

	there.fd = request.fd = open_terminal(&other);
	for (int i = 0; i < 2; i++) {
		request.buf = rig_buf(ring, 4096, 0);
		ck_ok(hws_queue(ring, &request, NULL));
	}
	ck_ok(hws_submit(ring));
	ck_assert_int_eq(write(other, "x\n", 2), 2);
	ck_assert_int_eq(poll(&there, 1, -1), 1);
	ck_assert_int_eq(getrlimit(RLIMIT_NOFILE, &before), 0);
	none = before;
	none.rlim_cur = 0; /* for which poll(2) gives EINVAL */
	ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &none), 0);
	for (int i = 0; i < 2; i++) {
		struct hws_done done = rig_one(ring);

		ck_assert_int_eq(done.result, -EINVAL);
		rig_give(ring, done.buf);
	}
	ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &before), 0);
	rig_close(ring);
	close(there.fd);
	close(other);
}
END_TEST

/* How many operations there is memory for before it fails once; negative: it doesn't. */
static int memory = -1;

struct emu;
struct emu_op;
struct emu_op *__real_emu_op_new(struct emu *emu, const struct io_uring_sqe *sqe);
struct emu_op *__wrap_emu_op_new(struct emu *emu, const struct io_uring_sqe *sqe);
struct emu_op *__wrap_emu_op_new(struct emu *emu, const struct io_uring_sqe *sqe)
{
	return memory >= 0 && memory-- == 0 ? NULL : __real_emu_op_new(emu, sqe);
}

/* Where there was no memory for the middle of a chain, its end does not begin by itself. */
START_TEST(a_chain_begins_whole_or_not_at_all)
{
	struct hws_ring *ring = open_backend("epoll");
	struct hws_request chain[3] = { { .kind = HWS_OP_READ,
					  .buf = rig_buf(ring, 4096, 0),
					  .offset = HWS_HERE,
					  .length = 5,
					  .tag = 1 },
					{ .tag = 2 },
					{ .tag = 3 } };
	struct hws_done done;
	int ends[2];

	ck_assert_int_eq(pipe(ends), 0);
	chain[0].fd = ends[0];
	for (int room = 0; room < 3; room++) {
		ck_ok(hws_chain(ring, chain, 3));
		memory = room;
		ck_ok(hws_submit(ring));
		ck_assert_int_eq(memory, -1);
		ck_assert_int_eq(hws_wait(ring, &done, 1, 0), -ETIME);
		ck_assert_int_eq(write(ends[1], "hello", 5), 5);
		for (uint64_t tag = 1; tag <= 3; tag++)
			ck_assert_uint_eq(rig_one(ring).tag, tag);
	}
	rig_give(ring, chain[0].buf);
	close(ends[0]);
	close(ends[1]);
	rig_close(ring);
}
END_TEST

int main(void)
{
	return suite_run("uring/emulate",
			 (const TTest *[]) {
				 a_splice_keeps_the_files_it_was_given,
				 a_splice_that_waits_ends_with_the_ring,
				 a_splice_of_no_file_fails,
				 a_whole_path_needs_no_directory,
				 what_is_no_event_is_not_watched_for,
				 connecting_a_datagram_socket_never_changes_its_flags,
				 connecting_leaves_flags_as_they_were,
				 what_poll_cant_tell_is_not_tried,
				 a_chain_begins_whole_or_not_at_all,
				 NULL,
			 });
}
