/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The ring's descriptor, for event loops: it is readable while something is done, and then only. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tests/uring/rig.h"

/* The modes of io_uring with one that wakes; to what stands in for it they are one. */
static const char *const modes[] = { "coop", "plain" };
enum { MODES = sizeof(modes) / sizeof(modes[0]) };

static struct hws_ring *open_mode(size_t mode)
{
	return rig_open(&(struct hws_ring_options) { .mode = modes[mode] });
}

static int readable(struct hws_ring *ring, int ms)
{
	struct pollfd one = { .fd = hws_ring_fd(ring), .events = POLLIN };

	return poll(&one, 1, ms);
}

/* As an event loop does: polls, takes what is there. */
static void loop_until_done(struct hws_ring *ring, struct hws_done *ret_done)
{
	int r;

	do {
		ck_assert_int_eq(readable(ring, 10000), 1);
		r = hws_wait(ring, ret_done, 1, 0);
		ck_assert(r == 1 || r == -ETIME);
	} while (r != 1);
}

START_TEST(it_is_readable_when_something_is_done_and_not_else)
{
	need_uring();
	for (size_t mode = 0; mode < MODES; mode++) {
		struct hws_ring *ring = open_mode(mode);
		struct hws_buf buf = rig_buf(ring, 4096, 0);
		struct hws_done done;
		int ends[2];

		ck_assert_int_eq(pipe(ends), 0);
		ck_assert_int_eq(readable(ring, 0), 0);
		for (uint64_t i = 0; i < 3; i++) {
			ck_ok(hws_read(ring, ends[0], buf, HWS_HERE, 4096, i));
			ck_ok(hws_submit(ring));
			ck_assert_int_eq(readable(ring, 0), 0);
			ck_assert_int_eq(hws_wait(ring, &done, 1, 0), -ETIME);
			ck_assert_int_eq(readable(ring, 0), 0);
			ck_assert_int_eq(write(ends[1], "x", 1), 1);
			/* it says so for as long as nobody takes it */
			for (int again = 0; again < 3; again++)
				ck_assert_int_eq(readable(ring, 10000), 1);
			loop_until_done(ring, &done);
			ck_assert_uint_eq(done.tag, i);
			ck_assert_int_eq(done.result, 1);
			ck_assert_int_eq(readable(ring, 0), 0);
			buf = done.buf;
		}
		rig_give(ring, buf);
		close(ends[0]);
		close(ends[1]);
		rig_close(ring);
	}
}
END_TEST

START_TEST(it_stays_readable_until_the_last_is_taken)
{
	need_uring();
	for (size_t mode = 0; mode < MODES; mode++) {
		struct hws_ring *ring = open_mode(mode);
		struct hws_done done;

		for (uint64_t i = 0; i < 5; i++)
			ck_ok(hws_nop(ring, i));
		ck_ok(hws_submit(ring));
		for (uint64_t i = 0; i < 5; i++) {
			ck_assert_int_eq(readable(ring, 10000), 1);
			ck_assert_int_eq(hws_wait(ring, &done, 1, 0), 1);
		}
		ck_assert_int_eq(readable(ring, 0), 0);
		rig_close(ring);
	}
}
END_TEST

/* What was there before anybody asked for the descriptor, and in an epoll set. */
START_TEST(it_tells_of_what_was_done_before)
{
	struct epoll_event event = { .events = EPOLLIN };
	struct hws_ring *ring;
	struct hws_done done;
	int poller;

	need_uring();
	ring = rig_open_polled();
	ck_ok(hws_nop(ring, 1));
	ck_ok(hws_submit(ring));
	poller = epoll_create1(EPOLL_CLOEXEC);
	ck_assert_int_eq(epoll_ctl(poller, EPOLL_CTL_ADD, hws_ring_fd(ring), &event), 0);
	ck_assert_int_eq(epoll_wait(poller, &event, 1, 10000), 1);
	ck_assert_int_eq(hws_wait(ring, &done, 1, 0), 1);
	ck_assert_int_eq(epoll_wait(poller, &event, 1, 0), 0);
	close(poller);
	rig_close(ring);
}
END_TEST

/* What is gone on with goes on while the program only polls. */
START_TEST(short_transfers_go_on_without_a_wait)
{
	need_uring();
	for (size_t mode = 0; mode < MODES; mode++) {
		struct hws_ring *ring = open_mode(mode);
		struct hws_request request = { .kind = HWS_OP_RECV,
					       .flags = HWS_EXACT,
					       .buf = rig_buf(ring, 4096, 0),
					       .length = 3 };
		struct hws_done done;
		int ends[2];

		ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0);
		request.fd = ends[0];
		ck_ok(hws_queue(ring, &request, NULL));
		ck_ok(hws_submit(ring));
		for (int i = 0; i < 2; i++) {
			ck_assert_int_eq(write(ends[1], &"abc"[i], 1), 1);
			while (ring->stats.resumed == (uint64_t)i) {
				ck_assert_int_eq(readable(ring, 10000), 1);
				ck_assert_int_eq(hws_wait(ring, &done, 1, 0), -ETIME);
			}
		}
		ck_assert_int_eq(write(ends[1], "c", 1), 1);
		loop_until_done(ring, &done);
		ck_assert_int_eq(done.result, 3);
		ck_assert(rig_holds(ring, done.buf, "abc", 3));
		rig_give(ring, done.buf);
		close(ends[0]);
		close(ends[1]);
		rig_close(ring);
	}
}
END_TEST

START_TEST(it_tells_of_timeouts_files_and_chains)
{
	need_uring();
	for (size_t mode = 0; mode < MODES; mode++) {
		struct hws_ring *ring = open_mode(mode);
		struct hws_request chain[2] = {
			{ .kind = HWS_OP_TIMEOUT, .flags = HWS_HARDLINK, .tag = 1 },
			{ .kind = HWS_OP_FSYNC, .tag = 2 }
		};
		struct hws_done done;
		int fd = rig_file("bytes", 5, 0);

		chain[0].offset = rig_after_ms(20);
		chain[1].fd = fd;
		ck_ok(hws_chain(ring, chain, 2));
		ck_ok(hws_submit(ring));
		loop_until_done(ring, &done);
		ck_assert_uint_eq(done.tag, 1);
		ck_assert_int_eq(done.result, -ETIME);
		loop_until_done(ring, &done);
		ck_assert_uint_eq(done.tag, 2);
		ck_assert_int_eq(done.result, 0);
		ck_assert_int_eq(readable(ring, 0), 0);
		close(fd);
		rig_close(ring);
	}
}
END_TEST

/* The kernel interrupts it for work of its own; loops know. */
static int woken(int poller, int ms)
{
	struct epoll_event event;
	int r;

	do
		r = epoll_wait(poller, &event, 1, ms);
	while (r < 0 && errno == EINTR);
	return r;
}

static void *write_later(void *context)
{
	usleep(20000);
	ck_assert_int_eq(write(*(int *)context, "x", 1), 1);
	return NULL;
}

/* One that is asleep in epoll_wait() is woken: it doesn't look by itself. */
START_TEST(it_wakes_who_waits)
{
	need_uring();
	for (size_t mode = 0; mode < MODES; mode++) {
		struct epoll_event event = { .events = EPOLLIN };
		struct hws_ring *ring = open_mode(mode);
		struct hws_buf buf = rig_buf(ring, 4096, 0);
		int poller = epoll_create1(EPOLL_CLOEXEC);
		struct hws_done done;
		int ends[2];

		ck_assert_int_eq(pipe(ends), 0);
		ck_assert_int_eq(epoll_ctl(poller, EPOLL_CTL_ADD, hws_ring_fd(ring), &event), 0);
		for (uint64_t i = 0; i < 5; i++) {
			pthread_t thread;
			int r;

			ck_ok(hws_read(ring, ends[0], buf, HWS_HERE, 4096, i));
			ck_ok(hws_submit(ring));
			ck_assert_int_eq(woken(poller, 0), 0);
			pthread_create(&thread, NULL, write_later, &ends[1]);
			do {
				ck_assert_int_eq(woken(poller, 10000), 1);
				r = hws_wait(ring, &done, 1, 0);
			} while (r == -ETIME);
			ck_assert_uint_eq(done.tag, i);
			ck_assert_int_eq(woken(poller, 0), 0);
			pthread_join(thread, NULL);
		}
		rig_give(ring, buf);
		close(ends[0]);
		close(ends[1]);
		close(poller);
		rig_close(ring);
	}
}
END_TEST

/* The end of a pipe shows at its other end, though its operation had to wait. A thread of the
 * kernel's that carried it out (before 6.4 pipes need one) may let go a moment after it told. */
START_TEST(what_has_ended_holds_no_descriptor)
{
	struct hws_ring *ring;
	struct hws_buf buf;
	struct hws_done done;
	char bytes[4096] = { 0 };
	int ends[2];

	need_uring();
	ring = rig_open_polled();
	ck_assert_int_eq(pipe(ends), 0);
	ck_assert_int_eq(fcntl(ends[1], F_SETPIPE_SZ, 4096), 4096);
	ck_assert_int_eq(write(ends[1], bytes, 4096), 4096);
	buf = rig_buf(ring, 4096, 0);
	ck_ok(hws_write(ring, ends[1], buf, HWS_HERE, 4096, 1));
	ck_assert_int_eq(hws_wait(ring, &done, 1, 0), -ETIME);
	close(ends[1]);
	ck_assert_int_eq(read(ends[0], bytes, 4096), 4096);
	loop_until_done(ring, &done);
	ck_assert_int_eq(done.result, 4096);
	ck_assert_int_eq(read(ends[0], bytes, 4096), 4096);
	ck_assert_int_eq(poll(&(struct pollfd) { .fd = ends[0], .events = POLLIN }, 1, 10000), 1);
	ck_assert_int_eq(fcntl(ends[0], F_SETFL, O_NONBLOCK), 0);
	ck_assert_int_eq(read(ends[0], bytes, 4096), 0);
	rig_give(ring, done.buf);
	rig_close(ring);
}
END_TEST

/* What defers has none that would wake: better a refusal than a loop that sleeps for ever. */
START_TEST(a_ring_that_was_not_opened_for_it_has_none)
{
	struct hws_ring_info info;
	struct hws_ring *ring;

	need_uring();
	ring = rig_open(NULL);
	hws_ring_get_info(ring, &info);
	if (rig_native(ring) && strcmp(info.mode, "defer") == 0) {
		ck_assert_int_eq(hws_ring_fd(ring), -ENOTSUP);
		ck_assert(strstr(hws_why(), "HWS_RING_POLLED"));
	} else {
		ck_assert_int_ge(hws_ring_fd(ring), 0);
	}
	rig_close(ring);
}
END_TEST

int main(void)
{
	return suite_run("uring/ring-fd",
			 (const TTest *[]) { it_is_readable_when_something_is_done_and_not_else,
					     it_stays_readable_until_the_last_is_taken,
					     it_tells_of_what_was_done_before,
					     short_transfers_go_on_without_a_wait,
					     it_tells_of_timeouts_files_and_chains,
					     it_wakes_who_waits, what_has_ended_holds_no_descriptor,
					     a_ring_that_was_not_opened_for_it_has_none, NULL });
}
