/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Streams beside each other, beside the program's operations, and the end of either. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/uring/rig.h"
#include "uring/stream.h"

enum { STREAMS = 8 };

static struct hws_stream *open_plain(struct hws_ring *ring, int fd, uint32_t flags)
{
	struct hws_stream_options options = { .flags = flags };
	struct hws_stream *stream;

	ck_assert_msg(hws_stream_open(ring, fd, &options, &stream) == 0, "%s", hws_why());
	return stream;
}

START_TEST(streams_take_nothing_from_each_other)
{
	struct hws_stream *streams[STREAMS];
	struct hws_ring *ring;
	int ends[STREAMS][2];

	need_uring();
	ring = rig_open(NULL);
	for (int i = 0; i < STREAMS; i++) {
		ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM, 0, ends[i]), 0);
		streams[i] = open_plain(ring, ends[i][0], 0);
	}
	for (int round = 0; round < 200; round++) {
		char said[STREAMS];
		char byte;

		for (int i = 0; i < STREAMS; i++) {
			said[i] = (char)(round * 31 + i);
			ck_assert_int_eq(write(ends[i][1], &said[i], 1), 1);
		}
		/* another order each time */
		for (int i = 0; i < STREAMS; i++) {
			int which = (i * 3 + round) % STREAMS;

			ck_assert_int_eq(hws_stream_read(streams[which], &byte, 1), 1);
			ck_assert_int_eq(byte, said[which]);
			ck_assert_int_eq(hws_stream_write(streams[which], &byte, 1), 1);
			ck_assert_int_eq(read(ends[which][1], &byte, 1), 1);
			ck_assert_int_eq(byte, said[which]);
		}
	}
	for (int i = 0; i < STREAMS; i++)
		ck_ok(hws_stream_close(streams[i]));
	rig_end(ring);
}
END_TEST

static void share(const char *mode)
{
	struct hws_ring *ring = rig_open(&(struct hws_ring_options) { .mode = mode, .depth = 16 });
	struct hws_stream *stream;
	struct hws_done done[16];
	uint64_t sum = 0;
	int ends[2];
	char byte;

	ck_assert_int_eq(pipe(ends), 0);
	stream = open_plain(ring, ends[0], 0);
	/* the program's dones wait; the stream goes on for longer than the ring is deep */
	for (uint64_t i = 1; i <= 10; i++) {
		struct hws_op last;

		ck_ok(hws_nop(ring, i));
		last = hws_op_last(ring);
		ck_assert_int_eq(write(ends[1], "xy", 2), 2);
		ck_assert_int_eq(hws_stream_read(stream, &byte, 1), 1);
		ck_assert_int_eq(hws_stream_read(stream, &byte, 1), 1);
		/* the stream's own operations don't show */
		ck_assert_uint_eq(hws_op_last(ring).id, last.id);
	}
	for (int i = 0; i < 500; i++) {
		ck_assert_int_eq(write(ends[1], "w", 1), 1);
		ck_assert_int_eq(hws_stream_read(stream, &byte, 1), 1);
	}
	/* all are there, none twice, though they were done long ago */
	ck_assert_int_eq(hws_wait_many(ring, done, 16, 16, rig_after_ms(10000)), 10);
	for (int i = 0; i < 10; i++)
		sum += done[i].tag == (uint64_t)i + 1 ? done[i].tag : 0;
	ck_assert_uint_eq(sum, 55);
	/* a read ahead is in flight: nobody waits for that */
	ck_assert_int_eq(hws_wait(ring, done, 1, HWS_FOREVER), 0);
	/* and what the program takes doesn't take the stream's */
	ck_assert_int_eq(write(ends[1], "z", 1), 1);
	ck_ok(hws_nop(ring, 0));
	ck_assert_int_eq(hws_wait(ring, done, 1, HWS_FOREVER), 1);
	ck_assert_int_eq(hws_wait(ring, done, 1, 0), 0);
	ck_assert_int_eq(hws_stream_read(stream, &byte, 1), 1);
	ck_assert_int_eq(byte, 'z');
	ck_ok(hws_stream_close(stream));
	rig_end(ring);
}

START_TEST(program_and_stream_share_a_ring)
{
	need_uring();
	share("defer");
	share("coop");
	share("plain");
}
END_TEST

START_TEST(stream_leaves_a_chain_alone)
{
	struct hws_request first = { .flags = HWS_LINK };
	struct hws_stream *stream;
	struct hws_ring *ring;
	struct hws_done done[2];
	char byte;
	int ends[2];

	need_uring();
	ring = rig_open(NULL);
	ck_assert_int_eq(pipe(ends), 0);
	ck_assert_int_eq(write(ends[1], "x", 1), 1);
	stream = open_plain(ring, ends[0], 0);
	ck_ok(hws_queue(ring, &first, NULL));
	ck_assert_int_eq(hws_stream_read(stream, &byte, 1), -EBUSY);
	ck_ok(hws_nop(ring, 0));
	ck_assert_int_eq(hws_stream_read(stream, &byte, 1), 1);
	ck_assert_int_eq(hws_wait_many(ring, done, 2, 2, HWS_FOREVER), 2);
	ck_ok(hws_stream_close(stream));
	rig_end(ring);
}
END_TEST

START_TEST(refusals_leave_all_as_it_was)
{
	static const struct hws_pool_options small = { .size = sizeof(small),
						       .classes = { { 4096, 1 } } };
	struct hws_stream *stream;
	struct hws_ring *ring;
	struct hws_buf buf;
	struct hws_done done[2];
	char byte;
	int ends[2];

	need_uring();
	ring = rig_open(&(struct hws_ring_options) { .pool_options = &small, .depth = 2 });
	ck_assert_int_eq(pipe(ends), 0);
	ck_assert_int_eq(write(ends[1], "x", 1), 1);
	stream = open_plain(ring, ends[0], HWS_STREAM_NO_AHEAD);
	buf = rig_buf(ring, 4096, 0);
	ck_assert_int_eq(hws_stream_read(stream, &byte, 1), -ENOBUFS);
	rig_give(ring, buf);
	ck_ok(hws_nop(ring, 0));
	ck_ok(hws_nop(ring, 0));
	ck_assert_int_eq(hws_stream_read(stream, &byte, 1), -EAGAIN);
	ck_assert_int_eq(hws_wait_many(ring, done, 2, 2, HWS_FOREVER), 2);
	ck_assert_int_eq(hws_stream_read(stream, &byte, 1), 1);
	ck_ok(hws_stream_close(stream));
	rig_end(ring);
}
END_TEST

/* Closes in each state that a stream can be in; rig_end() sees that every buffer is back. */
START_TEST(close_gives_back_in_every_state)
{
	static char big[1 << 20];
	const void *seen;
	size_t n;
	char byte;

	need_uring();
	for (int state = 0; state < 7; state++) {
		struct hws_ring *ring = rig_open(NULL);
		struct hws_stream *stream;
		int expected = 0;
		int ends[2];

		ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0);
		ck_assert_int_eq(write(ends[1], "bytes", 5), 5);
		stream = open_plain(ring, ends[0], HWS_STREAM_NONBLOCK | HWS_STREAM_CLOSE_FD);
		if (state > 0)
			(void)!hws_stream_read(stream, &byte, 1);
		if (state > 1)
			ck_assert_int_eq(hws_stream_read(stream, big, 100) > 0, state > 0);
		if (state > 2)
			ck_assert_int_eq(hws_stream_read(stream, &byte, 1), -EAGAIN);
		if (state == 3) {
			ck_assert_int_eq(write(ends[1], "more", 4), 4);
			ck_ok(hws_stream_peek(stream, &seen, &n));
		}
		if (state == 4)
			close(ends[1]);
		if (state >= 5) {
			while (hws_stream_write(stream, big, sizeof(big)) > 0)
				;
			expected = -ECANCELED;
		}
		if (state == 6) {
			/* done, but nobody asked */
			while (hws_stream_flush(stream) == -EAGAIN)
				ck_assert_int_gt(read(ends[1], big, sizeof(big)), 0);
		}
		ck_assert_int_eq(hws_stream_close(stream), expected);
		rig_end(ring);
	}
}
END_TEST

START_TEST(ring_closed_first_ends_the_stream)
{
	struct hws_pool *pool;
	struct hws_pool_stats stats = { .size = sizeof(stats) };
	struct hws_ring *ring;
	struct hws_stream *streams[2];
	const void *seen;
	size_t n;
	int ends[2];
	char byte;

	need_uring();
	ck_ok(hws_pool_open(NULL, NULL, &pool));
	ring = rig_open(&(struct hws_ring_options) { .pool = pool });
	ck_assert_int_eq(pipe(ends), 0);
	ck_assert_int_eq(write(ends[1], "bytes", 5), 5);
	streams[0] = open_plain(ring, ends[0], 0);
	streams[1] = open_plain(ring, ends[0], HWS_STREAM_NONBLOCK);
	ck_ok(hws_stream_peek(streams[0], &seen, &n));
	ck_assert_int_eq(hws_stream_read(streams[1], &byte, 1), -EAGAIN);
	ck_assert_int_eq(hws_ring_close(ring, rig_after_ms(1000)), 0);
	ck_ok(hws_pool_read_stats(pool, &stats));
	ck_assert_uint_eq(stats.in_use, 0);
	for (int i = 0; i < 2; i++) {
		ck_assert_int_eq(hws_stream_read(streams[i], &byte, 1), -ESTALE);
		ck_assert_int_eq(hws_stream_write(streams[i], &byte, 1), -ESTALE);
		ck_assert_int_eq(hws_stream_consume(streams[i], 0), -ESTALE);
		ck_ok(hws_stream_close(streams[i]));
	}
	ck_ok(hws_pool_close(pool, NULL));
}
END_TEST

static void *meddle(void *context)
{
	struct hws_stream *stream = context;
	char byte;

	ck_assert_int_eq(hws_stream_read(stream, &byte, 1), -EBUSY);
	ck_assert_int_eq(hws_stream_write(stream, &byte, 1), -EBUSY);
	ck_assert_int_eq(hws_stream_close(stream), -EBUSY);
	return NULL;
}

START_TEST(stream_is_of_one_thread_and_one_process)
{
	struct hws_stream *stream;
	struct hws_ring *ring;
	pthread_t thread;
	int status;
	int ends[2];
	char byte;
	pid_t child;

	need_kernel("MADV_WIPEONFORK");
	need_uring();
	ring = rig_open(NULL);
	ck_assert_int_eq(pipe(ends), 0);
	ck_assert_int_eq(write(ends[1], "xy", 2), 2);
	stream = open_plain(ring, ends[0], 0);
	ck_assert_int_eq(hws_stream_read(stream, &byte, 1), 1);
	pthread_create(&thread, NULL, meddle, stream);
	pthread_join(thread, NULL);
	child = fork();
	if (child == 0) {
		bool ok = hws_stream_read(stream, &byte, 1) == -ECHILD &&
			  hws_stream_close(stream) == 0 && hws_ring_close(ring, 0) == 0;
		_exit(ok ? 0 : 1);
	}
	ck_assert_int_eq(waitpid(child, &status, 0), child);
	ck_assert_int_eq(status, 0);
	ck_assert_int_eq(hws_stream_read(stream, &byte, 1), 1);
	ck_assert_int_eq(byte, 'y');
	ck_ok(hws_stream_close(stream));
	rig_end(ring);
}
END_TEST

START_TEST(options_are_checked)
{
	struct hws_stream_options options = { .flags = 8 };
	struct hws_stream *stream;
	struct hws_ring *ring;

	need_uring();
	ring = rig_open(NULL);
	ck_assert_int_eq(hws_stream_open(ring, 0, &options, &stream), -EINVAL);
	options = (struct hws_stream_options) { .size = sizeof(options) + 1 };
	ck_assert_int_eq(hws_stream_open(ring, 0, &options, &stream), -EINVAL);
	ck_assert_int_eq(hws_stream_open(ring, 9999, NULL, &stream), -EBADF);
	ck_ok(hws_stream_close(NULL));
	rig_end(ring);
}
END_TEST

START_TEST(file_reads_writes_and_seeks)
{
	struct hws_stream *stream;
	struct hws_ring *ring;
	char line[32];
	FILE *file;
	int number;
	int fd;

	need_uring();
	ring = rig_open(NULL);
	fd = rig_file("", 0, 0);
	stream = open_plain(ring, fd, HWS_STREAM_NONBLOCK);
	ck_assert_int_eq(hws_stream_file(stream, "r", &file), -EINVAL);
	ck_ok(hws_stream_close(stream));
	stream = open_plain(ring, fd, HWS_STREAM_CLOSE_FD);
	ck_assert_int_eq(hws_stream_file(stream, "?", &file), -EINVAL);
	ck_ok(hws_stream_file(stream, "r+", &file));
	for (int i = 0; i < 5000; i++)
		ck_assert_int_gt(fprintf(file, "line %d\n", i), 0);
	ck_assert_int_eq(fflush(file), 0);
	rewind(file);
	for (int i = 0; i < 5000; i++) {
		ck_assert_ptr_nonnull(fgets(line, sizeof(line), file));
		ck_assert_int_eq(sscanf(line, "line %d", &number), 1);
		ck_assert_int_eq(number, i);
	}
	ck_assert_ptr_null(fgets(line, sizeof(line), file));
	ck_assert(feof(file));
	ck_assert_int_eq(ftell(file), lseek(fd, 0, SEEK_END));
	ck_assert_int_eq(fclose(file), 0);
	ck_assert_int_eq(fcntl(fd, F_GETFD), -1);
	rig_end(ring);
}
END_TEST

START_TEST(file_tells_errors)
{
	struct hws_stream *stream;
	struct hws_ring *ring;
	FILE *file;
	int ends[2];

	need_uring();
	ring = rig_open(NULL);
	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0);
	stream = open_plain(ring, ends[0], HWS_STREAM_CLOSE_FD);
	ck_ok(hws_stream_file(stream, "w", &file));
	close(ends[1]);
	ck_assert_int_eq(fputs("nobody reads this", file) >= 0, 1);
	ck_assert_int_eq(fflush(file), EOF);
	ck_assert_int_eq(errno, EPIPE);
	ck_assert(ferror(file));
	ck_assert_int_eq(fclose(file), EOF);
	rig_end(ring);
}
END_TEST

int main(void)
{
	return suite_run(
		"uring/stream-share",
		(const TTest *[]) { streams_take_nothing_from_each_other,
				    program_and_stream_share_a_ring, stream_leaves_a_chain_alone,
				    refusals_leave_all_as_it_was, close_gives_back_in_every_state,
				    ring_closed_first_ends_the_stream,
				    stream_is_of_one_thread_and_one_process, options_are_checked,
				    file_reads_writes_and_seeks, file_tells_errors, NULL });
}
