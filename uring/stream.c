/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Streams come, go, and run one operation in each direction. */
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "shim/sys-internal.h"
#include "shim/why-internal.h"
#include "uring/op-inner-internal.h"
#include "uring/ring-internal.h"
#include "uring/stream-internal.h"

#define BUFFER_SIZE 4096
#define ALL_FLAGS   ((uint32_t)(HWS_STREAM_NONBLOCK | HWS_STREAM_CLOSE_FD | HWS_STREAM_NO_AHEAD))
/* How long what was cancelled may take to let go before it is an orphan. */
#define STOP_NS (UINT64_C(100) * 1000 * 1000)

int stream_check(const struct hws_stream *stream)
{
	if (!stream->ring)
		return why(-ESTALE, "this stream's ring is closed");
	return ring_mine(stream->ring);
}

int stream_start(struct hws_stream *stream, struct stream_flight *flight,
		 struct hws_request *request)
{
	int r;

	request->fd = stream->fd;
	r = inner_queue(stream->ring, request, &flight->op);
	flight->active = r == 0;
	flight->polling = request->kind == HWS_OP_POLL;
	return r;
}

int stream_poll(struct hws_stream *stream, struct stream_flight *flight, uint32_t events)
{
	struct hws_request request = { .kind = HWS_OP_POLL, .how = events };

	return stream_start(stream, flight, &request);
}

int stream_finish(struct hws_stream *stream, struct stream_flight *flight,
		  struct hws_done *ret_done)
{
	uint64_t deadline = stream->flags & HWS_STREAM_NONBLOCK ? 0 : HWS_FOREVER;
	int r = inner_collect(stream->ring, flight->op, deadline, ret_done);

	if (r == -ETIME)
		return why(-EAGAIN, "this is under way: try again when hws_ring_fd() is readable");
	if (r == 0)
		flight->active = false;
	return r;
}

struct hws_buf stream_stop(struct hws_stream *stream, struct stream_flight *flight)
{
	struct hws_done done = { 0 };

	if (!flight->active)
		return done.buf;
	/* when it can't be cancelled it is waited for all the same, and then forgotten */
	if (hws_op_cancel(stream->ring, flight->op) < 0 ||
	    inner_collect(stream->ring, flight->op, ring_now() + STOP_NS, &done) < 0)
		inner_forget(stream->ring, flight->op);
	flight->active = false;
	return done.buf;
}

void stream_give(struct hws_stream *stream, struct hws_buf *buf)
{
	/* it is ours: it can only be refused when the pool is gone, and then there is nothing to do */
	if (stream_has(*buf) && hws_buf_give(stream->ring->pool, *buf) < 0)
		stream->ring->stats.unknown++;
	*buf = (struct hws_buf) { 0 };
}

static int take_options(struct hws_stream *stream, const struct hws_stream_options *options)
{
	struct hws_stream_options of = { 0 };
	size_t size = options && options->size ? options->size : sizeof(of);

	if (size > sizeof(of))
		return why(-EINVAL, "hws_stream_options is of a later version of the library");
	if (options)
		memcpy(&of, options, size);
	if (of.flags & ~ALL_FLAGS || of.ahead >= STREAM_CHUNKS)
		return why(-EINVAL, "a stream reads 1 or 2 buffers ahead, and has no such flags");
	if (of.ahead == 0)
		of.ahead = 1;
	stream->flags = of.flags;
	stream->buffer_size = of.buffer_size ? of.buffer_size : BUFFER_SIZE;
	stream->in.count = of.flags & HWS_STREAM_NO_AHEAD ? 1 : of.ahead + 1;
	return 0;
}

static int look(struct hws_stream *stream, int fd)
{
	struct stat stat;
	int r = sys_fstat(fd, &stat);

	if (r < 0)
		return why(r, "%d is no descriptor", fd);
	stream->fd = fd;
	stream->is_socket = S_ISSOCK(stat.st_mode);
	stream->seekable = sys_lseek(fd, 0, SEEK_CUR, &stream->position) == 0;
	return 0;
}

int hws_stream_open(struct hws_ring *ring, int fd, const struct hws_stream_options *options,
		    struct hws_stream **ret_stream)
{
	HWS_CLEANUP_FREE struct hws_stream *stream = NULL;
	int r = ring_mine(ring);

	if (r < 0)
		return r;
	stream = calloc(1, sizeof(*stream));
	if (!stream)
		return why(-ENOMEM, "no memory for a stream");
	r = take_options(stream, options);
	if (r == 0)
		r = look(stream, fd);
	if (r < 0)
		return r;
	stream->ring = ring;
	stream->next = ring->streams;
	ring->streams = stream;
	*ret_stream = HWS_TAKE_PTR(stream);
	return 0;
}

/* All it has of the ring goes back. */
static void let_go(struct hws_stream *stream)
{
	struct hws_buf out = stream_stop(stream, &stream->out.flight);

	if (stream_has(out))
		stream->out.buf = out;
	stream_give(stream, &stream->out.buf);
	stream_drop(stream);
	for (uint32_t i = 0; i < stream->in.count; i++)
		stream_give(stream, &stream->in.chunks[i].buf);
}

static void unlink_from_ring(struct hws_stream *stream)
{
	struct hws_stream **link = &stream->ring->streams;

	while (*link != stream)
		link = &(*link)->next;
	*link = stream->next;
}

/* What the program doesn't know of yet. */
static int outcome(const struct hws_stream *stream)
{
	if (stream->out.flight.error)
		return stream->out.flight.error;
	return stream->out.pending || stream->out.counted
		       ? why(-ECANCELED, "bytes were under way when the stream was closed")
		       : 0;
}

int hws_stream_close(struct hws_stream *stream)
{
	int r;

	if (!stream)
		return 0;
	r = stream_check(stream);
	/* of a broken ring it takes what is left */
	if (r == -EBUSY)
		return r;
	if (r != -ESTALE && r != -ECHILD)
		let_go(stream);
	if (r != -ESTALE)
		unlink_from_ring(stream);
	if (stream->flags & HWS_STREAM_CLOSE_FD)
		sys_close(stream->fd);
	r = outcome(stream);
	free(stream);
	return r;
}

void stream_end_all(struct hws_ring *ring)
{
	struct hws_stream *stream;

	while ((stream = ring->streams)) {
		ring->streams = stream->next;
		if (ring->page->here)
			let_go(stream);
		stream->ring = NULL;
	}
}
