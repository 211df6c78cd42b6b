/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Writing: a buffer at a time, counted when it is done. */
#include <errno.h>
#include <poll.h>
#include <string.h>

#include "shim/why-internal.h"
#include "uring/ring-internal.h"
#include "uring/stream-internal.h"

static size_t pending(const struct hws_stream *stream)
{
	return stream->out.chunk.end - stream->out.chunk.begin;
}

/* The first of these bytes, into a buffer. */
static int fill(struct hws_stream *stream, const void *bytes, size_t size)
{
	struct stream_chunk chunk;
	HWS_VIEW(view);
	int r = stream_take(stream, &chunk);

	if (r < 0)
		return r;
	if (size < chunk.end)
		chunk.end = size;
	r = hws_view_open(stream->ring->pool, chunk.buf, HWS_RW, &view);
	if (r < 0) {
		stream_give(stream, &chunk);
		return r;
	}
	memcpy(view.bytes, bytes, chunk.end);
	stream->out.chunk = chunk;
	return 0;
}

static void settle(struct hws_stream *stream, int64_t result)
{
	struct stream_out *out = &stream->out;

	if (result > 0) {
		out->chunk.begin += (size_t)result;
		out->counted += (size_t)result;
		stream->position += (uint64_t)result;
	} else if (result != -EINTR) {
		out->flight.error = result ? (int)result : -EIO;
	}
	if (!pending(stream) || out->flight.error)
		stream_give(stream, &out->chunk);
}

/* Until nothing is under way. */
static int finish(struct hws_stream *stream)
{
	struct stream_out *out = &stream->out;
	uint32_t kind = stream->is_socket ? HWS_OP_SEND : HWS_OP_WRITE;
	int64_t result;
	int r = 0;

	while (r == 0 && pending(stream)) {
		if (!out->flight.active)
			r = stream_start(stream, &out->flight, kind, &out->chunk, stream->position);
		if (r == 0)
			r = stream_finish(stream, &out->flight, POLLOUT, &out->chunk, &result);
		if (r == 0)
			settle(stream, result);
	}
	if (r == 0 && out->flight.error)
		r = why(out->flight.error, "writing failed: %s", strerror(-out->flight.error));
	return r;
}

int hws_stream_flush(struct hws_stream *stream)
{
	int r = stream_check(stream);

	return r < 0 ? r : finish(stream);
}

/* How many of these bytes are written. */
static int64_t write_some(struct hws_stream *stream, const void *bytes, size_t size)
{
	struct stream_out *out = &stream->out;
	size_t begun = out->counted + pending(stream);
	int r = 0;

	if (size < begun)
		return why(-EINVAL, "%zu bytes are under way: begin with the same ones", begun);
	if (!begun && !out->flight.error)
		r = fill(stream, bytes, size);
	if (r == 0)
		r = finish(stream);
	if (!out->counted)
		return r;
	size = out->counted;
	out->counted = 0;
	return (int64_t)size;
}

/* A file has one position: what was read ahead is of no use any more. */
static int check(struct hws_stream *stream)
{
	int r = stream_check(stream);

	if (r < 0 || !stream->seekable)
		return r;
	if (stream->in.peeked)
		return why(-EBUSY, "consume what was peeked first");
	stream_drop(stream);
	return 0;
}

int64_t hws_stream_write(struct hws_stream *stream, const void *bytes, size_t size)
{
	const uint8_t *from = bytes;
	size_t total = 0;
	int64_t r = check(stream);

	while (r >= 0 && total < size) {
		r = write_some(stream, from + total, size - total);
		total += r > 0 ? (size_t)r : 0;
	}
	return total ? (int64_t)total : r;
}
