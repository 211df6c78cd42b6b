/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Streams in an event loop, which knows of them by the ring's descriptor alone. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "tests/uring/rig.h"
#include "uring/stream.h"

enum { STREAMS = 8, BYTES = 60000 };

static struct hws_stream *open_patient(struct hws_ring *ring, int fd)
{
	struct hws_stream_options options = { .flags = HWS_STREAM_NONBLOCK | HWS_STREAM_CLOSE_FD };
	struct hws_stream *stream;

	ck_assert_msg(hws_stream_open(ring, fd, &options, &stream) == 0, "%s", hws_why());
	return stream;
}

static int readable(struct hws_ring *ring, int ms)
{
	struct pollfd one = { .fd = hws_ring_fd(ring), .events = POLLIN };

	return poll(&one, 1, ms);
}

/* As soon as the kernel has brought it: before 6.4 a thread of its own reads pipes. */
static int64_t read_soon(struct hws_ring *ring, struct hws_stream *stream)
{
	char byte;
	int64_t n;

	while ((n = hws_stream_read(stream, &byte, 1)) == -EAGAIN)
		ck_assert_int_eq(readable(ring, 10000), 1);
	return n;
}

START_TEST(one_streams_reading_hides_nothing_of_anothers)
{
	struct hws_ring *ring;
	struct hws_stream *streams[2];
	struct hws_done done;
	int ends[2][2];
	char byte;

	need_uring();
	ring = rig_open_polled();
	for (int i = 0; i < 2; i++) {
		ck_assert_int_eq(pipe(ends[i]), 0);
		streams[i] = open_patient(ring, ends[i][0]);
		ck_assert_int_eq(hws_stream_read(streams[i], &byte, 1), -EAGAIN);
	}
	for (int round = 0; round < 100; round++) {
		int first = round % 2;

		ck_ok(hws_nop(ring, 7));
		for (int i = 0; i < 2; i++)
			ck_assert_int_eq(write(ends[i][1], "x", 1), 1);
		/* whichever is asked, and though another isn't there yet */
		ck_assert_int_eq(read_soon(ring, streams[first]), 1);
		ck_assert_int_eq(hws_stream_read(streams[first], &byte, 1), -EAGAIN);
		ck_assert_int_eq(readable(ring, 10000), 1);
		ck_assert_int_eq(read_soon(ring, streams[!first]), 1);
		ck_assert_int_eq(hws_stream_read(streams[!first], &byte, 1), -EAGAIN);
		ck_assert_int_eq(readable(ring, 10000), 1);
		ck_assert_int_eq(hws_wait(ring, &done, 1, 0), 1);
		ck_assert_uint_eq(done.tag, 7);
		ck_assert_int_eq(readable(ring, 0), 0);
	}
	for (int i = 0; i < 2; i++) {
		ck_ok(hws_stream_close(streams[i]));
		close(ends[i][1]);
	}
	rig_end(ring);
}
END_TEST

/* The other side: says all, half closed, and hears whether it comes back the same. */
struct peer {
	pthread_t thread;
	int fd;
	unsigned int seed;
	bool ok;
};

static uint8_t byte_at(unsigned int seed, size_t at)
{
	return (uint8_t)(at * 13 + at / 253 + seed);
}

static void *talk(void *context)
{
	struct peer *of = context;
	uint8_t bytes[3000];
	size_t said = 0;
	size_t heard = 0;

	of->ok = true;
	while (heard < BYTES) {
		size_t piece = 1 + (said * 7 + of->seed * 1000) % sizeof(bytes);
		ssize_t n;

		if (piece > BYTES - said)
			piece = BYTES - said;
		for (size_t i = 0; i < piece; i++)
			bytes[i] = byte_at(of->seed, said + i);
		of->ok = !piece || send(of->fd, bytes, piece, MSG_NOSIGNAL) == (ssize_t)piece;
		said += piece;
		if (piece && said == BYTES)
			shutdown(of->fd, SHUT_WR);
		n = recv(of->fd, bytes, sizeof(bytes), said < BYTES ? MSG_DONTWAIT : 0);
		for (ssize_t i = 0; i < n; i++)
			of->ok = of->ok && bytes[i] == byte_at(of->seed, heard + (size_t)i);
		heard += n > 0 ? (size_t)n : 0;
		of->ok = of->ok && (n > 0 || (n < 0 && errno == EAGAIN));
		if (!of->ok)
			return NULL;
	}
	of->ok = recv(of->fd, bytes, 1, 0) == 0;
	close(of->fd);
	return NULL;
}

/* Sends back what comes, until it can't for now: false when all is done. */
static bool echo(struct hws_stream *stream, const void **waiting, size_t *size)
{
	for (;;) {
		int64_t n;

		if (!*size) {
			n = hws_stream_peek(stream, waiting, size);
			if (n == -EAGAIN)
				return true;
			ck_assert_msg(n == 0, "%s", hws_why());
			if (!*size)
				return false;
		}
		n = hws_stream_write(stream, *waiting, *size);
		if (n == -EAGAIN)
			return true;
		ck_assert_msg(n > 0, "%lld: %s", (long long)n, hws_why());
		ck_ok(hws_stream_consume(stream, (size_t)n));
		*size = 0;
	}
}

START_TEST(a_loop_serves_many_beside_the_programs_own)
{
	struct hws_ring *ring;
	struct hws_stream *streams[STREAMS] = { NULL };
	const void *bytes[STREAMS];
	size_t sizes[STREAMS] = { 0 };
	struct peer peers[STREAMS];
	uint64_t ticks = 0;
	int open = STREAMS;

	need_uring();
	ring = rig_open_polled();
	for (unsigned int i = 0; i < STREAMS; i++) {
		int ends[2];

		ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0);
		streams[i] = open_patient(ring, ends[0]);
		peers[i] = (struct peer) { .fd = ends[1], .seed = i };
		pthread_create(&peers[i].thread, NULL, talk, &peers[i]);
	}
	ck_ok(hws_queue(ring,
			&(struct hws_request) { .kind = HWS_OP_TIMEOUT, .offset = rig_after_ms(1) },
			NULL));
	while (open || !ticks) {
		struct hws_done done;

		for (int i = 0; i < STREAMS; i++) {
			if (!streams[i] || echo(streams[i], &bytes[i], &sizes[i]))
				continue;
			ck_ok(hws_stream_close(streams[i]));
			streams[i] = NULL;
			open--;
		}
		ck_assert_int_eq(readable(ring, 10000), 1);
		if (hws_wait(ring, &done, 1, 0) != 1)
			continue;
		ticks++;
		ck_ok(hws_queue(
			ring,
			&(struct hws_request) { .kind = HWS_OP_TIMEOUT, .offset = rig_after_ms(1) },
			NULL));
		ck_ok(hws_submit(ring));
	}
	for (int i = 0; i < STREAMS; i++) {
		pthread_join(peers[i].thread, NULL);
		ck_assert(peers[i].ok);
	}
	rig_one(ring);
	rig_end(ring);
}
END_TEST

/* Whatever is under way: closing waits for nothing, and all buffers come back. */
START_TEST(close_waits_for_nothing)
{
	static char big[1 << 20];

	need_uring();
	for (int kind = 0; kind < 4; kind++) {
		struct hws_ring *ring = rig_open_polled();
		struct hws_stream *stream;
		int64_t n;
		int fd = rig_file(big, sizeof(big), kind == 1 ? O_DIRECT : 0);

		if (kind > 1) {
			int ends[2];

			ck_assert_int_eq(pipe(ends), 0);
			close(fd);
			fd = ends[kind - 2];
		}
		lseek(fd, 0, SEEK_SET);
		stream = open_patient(ring, fd);
		n = kind == 3 ? hws_stream_write(stream, big, sizeof(big))
			      : hws_stream_read(stream, big, sizeof(big));
		ck_assert_msg(n > 0 || n == -EAGAIN, "%lld: %s", (long long)n, hws_why());
		n = hws_stream_close(stream);
		ck_assert_int_eq(n, kind == 3 ? -ECANCELED : 0);
		rig_end(ring);
	}
}
END_TEST

/* The kernel's own words for each direction; they stay. */
START_TEST(errors_are_those_of_read_and_write)
{
	static const struct {
		const char *path;
		int flags;
		int reading;
		int writing;
	} cases[] = {
		{ "/", O_RDONLY | O_DIRECTORY, -EISDIR, -EBADF },
		{ "/dev/null", O_WRONLY, -EBADF, 1 },
		{ "/dev/full", O_RDWR, 1, -ENOSPC },
		{ "/dev/null", O_RDONLY, 0, -EBADF },
	};

	need_uring();
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct hws_ring *ring = rig_open_polled();
		struct hws_stream_options options = { .flags = HWS_STREAM_CLOSE_FD };
		struct hws_stream *stream;
		char byte = 0;

		ck_ok(hws_stream_open(ring, open(cases[i].path, cases[i].flags), &options,
				      &stream));
		for (int again = 0; again < 3; again++) {
			ck_assert_int_eq(hws_stream_write(stream, &byte, 1), cases[i].writing);
			ck_assert_int_eq(hws_stream_read(stream, &byte, 1), cases[i].reading);
		}
		ck_assert_int_eq(hws_stream_flush(stream),
				 cases[i].writing < 0 ? cases[i].writing : 0);
		ck_assert_int_eq(hws_stream_close(stream),
				 cases[i].writing < 0 ? cases[i].writing : 0);
		rig_end(ring);
	}
}
END_TEST

static void *say_lines(void *context)
{
	int fd = *(int *)context;

	for (int i = 0; i < 300; i++)
		dprintf(fd, "line %d of a pipe\n", i);
	close(fd);
	return NULL;
}

START_TEST(file_reads_a_pipe_to_its_end)
{
	struct hws_stream *stream;
	struct hws_ring *ring;
	pthread_t thread;
	char line[64];
	FILE *file;
	int ends[2];
	int number;

	need_uring();
	ring = rig_open_polled();
	ck_assert_int_eq(pipe(ends), 0);
	ck_ok(hws_stream_open(ring, ends[0], NULL, &stream));
	ck_ok(hws_stream_file(stream, "r", &file));
	pthread_create(&thread, NULL, say_lines, &ends[1]);
	for (int i = 0; i < 300; i++) {
		ck_assert_ptr_nonnull(fgets(line, sizeof(line), file));
		ck_assert_int_eq(sscanf(line, "line %d of a pipe", &number), 1);
		ck_assert_int_eq(number, i);
	}
	ck_assert_ptr_null(fgets(line, sizeof(line), file));
	ck_assert(feof(file) && !ferror(file));
	pthread_join(thread, NULL);
	ck_assert_int_eq(fclose(file), 0);
	ck_assert_int_eq(close(ends[0]), 0);
	rig_end(ring);
}
END_TEST

static int listen_here(struct sockaddr_un *ret_address)
{
	int listener = socket(AF_UNIX, SOCK_STREAM, 0);
	socklen_t size = sizeof(*ret_address);

	/* the kernel chooses a name that no file has */
	*ret_address = (struct sockaddr_un) { .sun_family = AF_UNIX };
	ck_assert_int_eq(bind(listener, (struct sockaddr *)ret_address, sizeof(sa_family_t)), 0);
	ck_assert_int_eq(getsockname(listener, (struct sockaddr *)ret_address, &size), 0);
	ck_assert_int_eq(listen(listener, 8), 0);
	return listener;
}

/* Brings what is done into the queue, and leaves it there. */
static void look(struct hws_ring *ring, uint32_t least)
{
	for (int i = 0; i < 20; i++) {
		int r = ring_enter(ring, 0, RING_EVENTS, 0);

		ck_assert(r == 0 || r == -ETIME);
		usleep(500);
	}
	ck_assert_uint_ge(ring_ready(ring), least);
}

/* A stream looks through the queue, in which somebody forgotten has spoken more than once. */
START_TEST(what_nobody_waits_for_is_taken_in_its_order)
{
	struct hws_request accept = { .kind = HWS_OP_ACCEPT_MANY };
	struct hws_stream *stream;
	struct sockaddr_un address;
	struct hws_ring *ring;
	struct hws_op op;
	int clients[2];
	int ends[2];
	char byte;

	need_uring();
	ring = rig_open(NULL);
	accept.fd = listen_here(&address);
	ck_ok(hws_queue(ring, &accept, &op));
	ck_ok(hws_submit(ring));
	for (int i = 0; i < 2; i++) {
		clients[i] = socket(AF_UNIX, SOCK_STREAM, 0);
		ck_assert_int_eq(
			connect(clients[i], (struct sockaddr *)&address, sizeof(sa_family_t) + 6),
			0);
	}
	look(ring, 2);
	ck_ok(hws_op_cancel(ring, op));
	look(ring, 3);
	ck_ok(hws_op_forget(ring, op));
	ck_assert_int_eq(pipe(ends), 0);
	ck_assert_int_eq(write(ends[1], "x", 1), 1);
	ck_ok(hws_stream_open(ring, ends[0], NULL, &stream));
	ck_assert_int_eq(hws_stream_read(stream, &byte, 1), 1);
	ck_ok(hws_stream_close(stream));
	ck_assert_uint_eq(ring->stats.descriptors_shut, 2);
	for (int i = 0; i < 2; i++) {
		ck_assert_int_eq(read(clients[i], &byte, 1), 0);
		close(clients[i]);
	}
	close(ends[0]);
	close(ends[1]);
	close(accept.fd);
	rig_end(ring);
}
END_TEST

int main(void)
{
	return suite_run("uring/stream-loop",
			 (const TTest *[]) { one_streams_reading_hides_nothing_of_anothers,
					     a_loop_serves_many_beside_the_programs_own,
					     close_waits_for_nothing,
					     errors_are_those_of_read_and_write,
					     file_reads_a_pipe_to_its_end,
					     what_nobody_waits_for_is_taken_in_its_order, NULL });
}
