/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Streams come, go, and run one operation in each direction. */
#include <errno.h>
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

int stream_check(const struct hws_stream *stream)
{
	if (!stream->ring)
		return why(-ESTALE, "this stream's ring is closed");
	return ring_mine(stream->ring);
}

static bool has(struct hws_buf buf)
{
	return buf.slot || buf.generation;
}

int stream_take(struct hws_stream *stream, struct stream_chunk *ret_chunk)
{
	struct stream_chunk chunk = { .end = stream->buffer_size };
	int r = hws_buf_take(stream->ring->pool, stream->buffer_size, &chunk.buf);

	if (r == 0)
		*ret_chunk = chunk;
	return r;
}

void stream_give(struct hws_stream *stream, struct stream_chunk *chunk)
{
	/* it is ours: it can only be refused when the pool is gone, which is past help */
	if (has(chunk->buf) && hws_buf_give(stream->ring->pool, chunk->buf) < 0)
		stream->ring->stats.unknown++;
	*chunk = (struct stream_chunk) { 0 };
}

static int start(struct hws_stream *stream, struct stream_flight *flight,
		 const struct hws_request *request)
{
	int r = inner_queue(stream->ring, request, &flight->op);

	flight->active = r == 0;
	flight->polling = request->kind == HWS_OP_POLL;
	return r;
}

int stream_start(struct hws_stream *stream, struct stream_flight *flight, uint32_t kind,
		 struct stream_chunk *chunk, uint64_t offset)
{
	struct hws_request request = {
		.kind = kind,
		.fd = stream->fd,
		.buf = chunk->buf,
		.buf_offset = chunk->begin,
		.length = chunk->end - chunk->begin,
		.offset = stream->seekable ? offset : HWS_HERE,
	};
	int r = start(stream, flight, &request);

	if (r == 0)
		chunk->buf = (struct hws_buf) { 0 };
	return r;
}

int stream_finish(struct hws_stream *stream, struct stream_flight *flight, uint32_t events,
		  struct stream_chunk *chunk, int64_t *ret_result)
{
	struct hws_request poll = { .kind = HWS_OP_POLL, .fd = stream->fd, .how = events };
	struct hws_done done;
	int r = inner_collect(stream->ring, flight->op, !(stream->flags & HWS_STREAM_NONBLOCK),
			      &done);

	if (r < 0)
		return r;
	flight->active = false;
	if (flight->polling) {
		*ret_result = done.result < 0 ? done.result : -EINTR;
		return 0;
	}
	chunk->buf = done.buf;
	*ret_result = done.result;
	if (done.result == -EAGAIN) {
		/* the descriptor doesn't wait, so that has to be done for it */
		r = start(stream, flight, &poll);
		(void)r; /* what is in the way of this is in the way of starting it once more */
		*ret_result = -EINTR;
	}
	return 0;
}

void stream_stop(struct hws_stream *stream, struct stream_flight *flight)
{
	if (flight->active)
		inner_forget(stream->ring, flight->op);
	flight->active = false;
}

static int take_options(struct hws_stream *stream, const struct hws_stream_options *options)
{
	struct hws_stream_options of = { 0 };
	size_t size = options && options->size ? options->size : sizeof(of);

	if (size > sizeof(of))
		return why(-EINVAL, "hws_stream_options is of a later version of the library");
	if (options)
		memcpy(&of, options, size);
	if (of.flags & ~ALL_FLAGS)
		return why(-EINVAL, "there are no such flags: %#x", of.flags);
	stream->flags = of.flags;
	stream->buffer_size = of.buffer_size ? of.buffer_size : BUFFER_SIZE;
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
	struct stream_out *out = &stream->out;

	if (!out->flight.error && (out->chunk.end || out->counted))
		out->flight.error = -ECANCELED;
	stream_stop(stream, &out->flight);
	stream_give(stream, &out->chunk);
	stream_drop(stream);
}

static void unlink_from_ring(struct hws_stream *stream)
{
	struct hws_stream **link = &stream->ring->streams;

	while (*link != stream)
		link = &(*link)->next;
	*link = stream->next;
}

int hws_stream_close(struct hws_stream *stream)
{
	int r;

	if (!stream)
		return 0;
	r = stream_check(stream);
	if (r == -EBUSY)
		return r;
	/* of a broken ring it takes what is left */
	if (r != -ESTALE && r != -ECHILD)
		let_go(stream);
	if (r != -ESTALE)
		unlink_from_ring(stream);
	if (stream->flags & HWS_STREAM_CLOSE_FD)
		sys_close(stream->fd);
	r = stream->out.flight.error;
	free(stream);
	return r < 0 ? why(r, "not all was written: %s", strerror(-r)) : 0;
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
