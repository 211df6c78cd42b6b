/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Streams: bytes arrive whole and in order, beside whatever else the ring does. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/uring/rig.h"
#include "uring/stream.h"

enum { MANY = 100000 };

static uint8_t pattern(size_t at)
{
	return (uint8_t)(at * 7 + at / 251);
}

static uint8_t *make_bytes(size_t size)
{
	uint8_t *bytes = malloc(size);

	for (size_t i = 0; i < size; i++)
		bytes[i] = pattern(i);
	return bytes;
}

/* Each check writes to a pipe of the test frame's: one for all these. */
static bool as_expected(const uint8_t *bytes, size_t from, size_t size)
{
	bool same = true;

	for (size_t i = 0; i < size; i++)
		same = same && bytes[i] == pattern(from + i);
	return same;
}

static struct hws_stream *open_with(struct hws_ring *ring, int fd, uint32_t flags,
				    size_t buffer_size)
{
	struct hws_stream_options options = { .flags = flags, .buffer_size = buffer_size };
	struct hws_stream *stream;

	ck_assert_msg(hws_stream_open(ring, fd, &options, &stream) == 0, "%s", hws_why());
	return stream;
}

/* Reads in odd pieces until the end; how many, all as expected from @from on. */
static size_t read_all(struct hws_stream *stream, size_t from, size_t piece)
{
	uint8_t bytes[10000];
	size_t total = 0;

	for (;;) {
		int64_t n = hws_stream_read(stream, bytes, piece);

		ck_assert_msg(n >= 0, "%s", hws_why());
		if (n == 0)
			return total;
		ck_assert(as_expected(bytes, from + total, (size_t)n));
		total += (size_t)n;
	}
}

static void read_file(uint32_t flags, size_t buffer_size, size_t piece)
{
	uint8_t *bytes = make_bytes(MANY);
	int fd = rig_file(bytes, MANY, 0);
	struct hws_ring *ring = rig_open(NULL);
	struct hws_stream *stream;
	char byte;

	ck_assert_int_eq(lseek(fd, 1000, SEEK_SET), 1000);
	stream = open_with(ring, fd, flags, buffer_size);
	ck_assert_uint_eq(read_all(stream, 1000, piece), MANY - 1000);
	/* the end stays */
	ck_assert_int_eq(write(fd, "x", 1), 1);
	ck_assert_int_eq(hws_stream_read(stream, &byte, 1), 0);
	ck_ok(hws_stream_close(stream));
	rig_end(ring);
	close(fd);
	free(bytes);
}

START_TEST(read_gives_a_file_whole)
{
	need_uring();
	read_file(0, 0, 100);
	read_file(0, 777, 1000);
	read_file(0, 4096, 4096);
	read_file(0, 50000, 10000);
	read_file(HWS_STREAM_NO_AHEAD, 0, 5000);
}
END_TEST

struct writer {
	int fd;
	const uint8_t *bytes;
	size_t size;
	bool ok;
};

static void *write_slowly(void *context)
{
	struct writer *of = context;

	for (size_t at = 0; at < of->size;) {
		size_t piece = 1 + at % 9001;

		if (piece > of->size - at)
			piece = of->size - at;
		of->ok = of->ok && write(of->fd, of->bytes + at, piece) == (ssize_t)piece;
		at += piece;
	}
	close(of->fd);
	return NULL;
}

static void read_pipe(int flags, size_t buffer_size)
{
	struct hws_ring *ring = rig_open(NULL);
	struct hws_stream *stream;
	struct writer writer = { .bytes = make_bytes(MANY), .size = MANY, .ok = true };
	pthread_t thread;
	int ends[2];

	ck_assert_int_eq(pipe(ends), 0);
	ck_assert_int_eq(fcntl(ends[0], F_SETFL, flags), 0);
	writer.fd = ends[1];
	stream = open_with(ring, ends[0], HWS_STREAM_CLOSE_FD, buffer_size);
	pthread_create(&thread, NULL, write_slowly, &writer);
	ck_assert_uint_eq(read_all(stream, 0, 3000), MANY);
	pthread_join(thread, NULL);
	ck_assert(writer.ok);
	ck_ok(hws_stream_close(stream));
	ck_assert_int_eq(fcntl(ends[0], F_GETFD), -1);
	rig_end(ring);
	free((void *)writer.bytes);
}

START_TEST(read_gives_a_pipe_in_order)
{
	need_uring();
	read_pipe(0, 0);
	read_pipe(0, 50000);
	/* a descriptor that doesn't wait is waited for all the same */
	read_pipe(O_NONBLOCK, 1000);
}
END_TEST

static void *read_slowly(void *context)
{
	struct writer *of = context;
	uint8_t bytes[1500];
	ssize_t n;

	while ((n = read(of->fd, bytes, sizeof(bytes))) > 0) {
		of->ok = as_expected(bytes, of->size, (size_t)n) && of->ok;
		of->size += (size_t)n;
	}
	return NULL;
}

static void write_into(int fd, int other, uint32_t flags)
{
	struct hws_ring *ring = rig_open_polled();
	struct writer reader = { .fd = other, .ok = true };
	struct hws_stream *stream = open_with(ring, fd, flags | HWS_STREAM_CLOSE_FD, 0);
	struct pollfd ready = { .fd = hws_ring_fd(ring), .events = POLLIN };
	uint8_t *bytes = make_bytes(MANY);
	pthread_t thread;
	size_t at = 0;

	pthread_create(&thread, NULL, read_slowly, &reader);
	while (at < MANY) {
		int64_t n = hws_stream_write(stream, bytes + at, MANY - at);

		ck_assert_msg(n > 0 || n == -EAGAIN, "%lld: %s", (long long)n, hws_why());
		if (n > 0)
			at += (size_t)n;
		else
			ck_assert_int_eq(poll(&ready, 1, 10000), 1);
		if (!flags)
			ck_assert_uint_eq(at, MANY);
	}
	ck_ok(hws_stream_close(stream));
	pthread_join(thread, NULL);
	ck_assert(reader.ok);
	ck_assert_uint_eq(reader.size, MANY);
	close(other);
	rig_end(ring);
	free(bytes);
}

START_TEST(write_loses_nothing_of_short_writes)
{
	int ends[2];

	need_uring();
	for (uint32_t flags = 0; flags <= HWS_STREAM_NONBLOCK; flags++) {
		ck_assert_int_eq(pipe(ends), 0);
		write_into(ends[1], ends[0], flags);
		ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0);
		write_into(ends[1], ends[0], flags);
		ck_assert_int_eq(pipe2(ends, O_NONBLOCK), 0);
		ck_assert_int_eq(fcntl(ends[0], F_SETFL, 0), 0);
		write_into(ends[1], ends[0], flags);
	}
}
END_TEST

START_TEST(nonblocking_read_says_again)
{
	struct hws_ring *ring;
	struct hws_stream *stream;
	struct pollfd ready = { .events = POLLIN };
	int64_t n;
	char byte;
	int ends[2];

	need_uring();
	ring = rig_open_polled();
	ck_assert_int_eq(pipe(ends), 0);
	stream = open_with(ring, ends[0], HWS_STREAM_NONBLOCK, 0);
	ready.fd = hws_ring_fd(ring);
	for (int i = 0; i < 3; i++)
		ck_assert_int_eq(hws_stream_read(stream, &byte, 1), -EAGAIN);
	ck_assert_int_eq(poll(&ready, 1, 0), 0);
	ck_assert_int_eq(write(ends[1], "ab", 2), 2);
	/* before 6.4 a thread of the kernel's reads pipes: there is something, but not yet here */
	do {
		ck_assert_int_eq(poll(&ready, 1, 10000), 1);
		n = hws_stream_read(stream, &byte, 1);
	} while (n == -EAGAIN);
	ck_assert_int_eq(n, 1);
	ck_assert_int_eq(byte, 'a');
	ck_assert_int_eq(hws_stream_read(stream, &byte, 1), 1);
	ck_assert_int_eq(byte, 'b');
	ck_assert_int_eq(hws_stream_read(stream, &byte, 1), -EAGAIN);
	ck_ok(hws_stream_close(stream));
	rig_end(ring);
}
END_TEST

START_TEST(peek_shows_without_a_copy)
{
	uint8_t *bytes = make_bytes(10000);
	const void *seen;
	const void *again;
	struct hws_ring *ring;
	struct hws_stream *stream;
	size_t at = 0;
	size_t n;
	int fd;

	need_uring();
	ring = rig_open(NULL);
	fd = rig_file(bytes, 10000, 0);
	ck_assert_int_eq(lseek(fd, 0, SEEK_SET), 0);
	stream = open_with(ring, fd, 0, 0);
	ck_assert_int_eq(hws_stream_consume(stream, 1), -EINVAL);
	while (at < 10000) {
		ck_ok(hws_stream_peek(stream, &seen, &n));
		ck_assert_uint_gt(n, 0);
		ck_ok(hws_stream_peek(stream, &again, &n));
		ck_assert_ptr_eq(seen, again);
		ck_assert_int_eq(memcmp(seen, bytes + at, n), 0);
		ck_assert_int_eq(hws_stream_read(stream, &fd, 1), -EBUSY);
		ck_assert_int_eq(hws_stream_seek(stream, 0, SEEK_SET), -EBUSY);
		ck_assert_int_eq(hws_stream_write(stream, "x", 1), -EBUSY);
		ck_assert_int_eq(hws_stream_consume(stream, n + 1), -ERANGE);
		if (n > 3000)
			n = 3000;
		ck_ok(hws_stream_consume(stream, n));
		at += n;
	}
	ck_ok(hws_stream_peek(stream, &seen, &n));
	ck_assert_uint_eq(n, 0);
	ck_ok(hws_stream_consume(stream, 0));
	ck_ok(hws_stream_close(stream));
	rig_end(ring);
	free(bytes);
}
END_TEST

START_TEST(errors_come_after_the_bytes_and_stay)
{
	struct hws_ring *ring;
	struct hws_stream *stream;
	char bytes[8] = "";
	int ends[2];

	need_uring();
	ring = rig_open(NULL);
	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0);
	/* unread bytes at the other's close make this side's next read -ECONNRESET */
	ck_assert_int_eq(write(ends[1], "bytes", 5), 5);
	ck_assert_int_eq(write(ends[0], "never read", 10), 10);
	stream = open_with(ring, ends[0], HWS_STREAM_CLOSE_FD, 0);
	ck_assert_int_eq(hws_stream_read(stream, bytes, 2), 2);
	close(ends[1]);
	ck_assert_int_eq(hws_stream_read(stream, bytes, 8), 3);
	for (int i = 0; i < 3; i++)
		ck_assert_int_eq(hws_stream_read(stream, bytes, 8), -ECONNRESET);
	/* no SIGPIPE either */
	for (int i = 0; i < 3; i++)
		ck_assert_int_eq(hws_stream_write(stream, bytes, 8), -EPIPE);
	ck_assert_int_eq(hws_stream_close(stream), -EPIPE);
	rig_end(ring);
}
END_TEST

START_TEST(write_counts_what_came_before_an_error)
{
	struct rlimit limit = { 6000, 6000 };
	uint8_t *bytes = make_bytes(10000);
	struct hws_ring *ring;
	struct hws_stream *stream;
	int fd;

	need_uring();
	ring = rig_open(NULL);
	fd = rig_file("", 0, 0);
	signal(SIGXFSZ, SIG_IGN);
	ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &limit), 0);
	stream = open_with(ring, fd, 0, 0);
	ck_assert_int_eq(hws_stream_write(stream, bytes, 10000), 6000);
	ck_assert_int_eq(hws_stream_write(stream, bytes, 1), -EFBIG);
	ck_assert_int_eq(hws_stream_write(stream, bytes, 1), -EFBIG);
	ck_assert_int_eq(hws_stream_close(stream), -EFBIG);
	rig_end(ring);
	free(bytes);
}
END_TEST

START_TEST(one_position_serves_both_directions)
{
	struct hws_ring *ring;
	struct hws_stream *stream;
	char bytes[16] = { 0 };
	int fd;

	need_uring();
	ring = rig_open(NULL);
	fd = rig_file("0123456789", 10, 0);
	stream = open_with(ring, fd, 0, 0);
	ck_assert_int_eq(hws_stream_seek(stream, 0, SEEK_SET), 0);
	ck_assert_int_eq(hws_stream_read(stream, bytes, 3), 3);
	ck_assert_int_eq(hws_stream_write(stream, "abc", 3), 3);
	ck_assert_int_eq(hws_stream_read(stream, bytes, 16), 4);
	ck_assert_int_eq(memcmp(bytes, "6789", 4), 0);
	ck_assert_int_eq(hws_stream_read(stream, bytes, 16), 0);
	ck_assert_int_eq(hws_stream_seek(stream, -8, SEEK_END), 2);
	ck_assert_int_eq(hws_stream_seek(stream, 0, SEEK_CUR), 2);
	ck_assert_int_eq(hws_stream_read(stream, bytes, 4), 4);
	ck_assert_int_eq(memcmp(bytes, "2abc", 4), 0);
	ck_assert_int_eq(hws_stream_seek(stream, -1, SEEK_SET), -EINVAL);
	ck_assert_int_eq(hws_stream_seek(stream, INT64_MAX, SEEK_CUR), -EINVAL);
	ck_assert_int_eq(hws_stream_seek(stream, 0, 77), -EINVAL);
	ck_ok(hws_stream_close(stream));
	rig_end(ring);
}
END_TEST

int main(void)
{
	return suite_run("uring/stream",
			 (const TTest *[]) { read_gives_a_file_whole, read_gives_a_pipe_in_order,
					     write_loses_nothing_of_short_writes,
					     nonblocking_read_says_again, peek_shows_without_a_copy,
					     errors_come_after_the_bytes_and_stay,
					     write_counts_what_came_before_an_error,
					     one_position_serves_both_directions, NULL });
}
