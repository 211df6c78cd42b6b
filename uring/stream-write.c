/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Writing: a buffer at a time, counted when it is done. */
#include <errno.h>
#include <poll.h>
#include <string.h>

#include "shim/why-internal.h"
#include "uring/ring-internal.h"
#include "uring/stream-internal.h"

/* The first of these bytes, into the buffer. */
static int fill(struct hws_stream *stream, const void *bytes, size_t size)
{
	struct stream_out *out = &stream->out;
	HWS_VIEW(view);
	int r = 0;

	if (!stream_has(out->buf))
		r = hws_buf_take(stream->ring->pool, stream->buffer_size, &out->buf);
	if (r == 0)
		r = hws_view_open(stream->ring->pool, out->buf, HWS_RW, &view);
	if (r < 0)
		return r;
	out->pending = size < stream->buffer_size ? size : stream->buffer_size;
	memcpy(view.bytes, bytes, out->pending);
	return 0;
}

/* Has the buffer written, if it isn't being so. */
static int start(struct hws_stream *stream)
{
	struct stream_out *out = &stream->out;
	struct hws_request request = {
		.kind = stream->is_socket ? HWS_OP_SEND : HWS_OP_WRITE,
		.flags = HWS_EXACT,
		.buf = out->buf,
		.offset = stream->seekable ? stream->position : HWS_HERE,
		.length = out->pending,
	};

	return out->flight.active ? 0 : stream_start(stream, &out->flight, &request);
}

static int settle(struct hws_stream *stream, const struct hws_done *done)
{
	struct stream_out *out = &stream->out;
	int64_t result = done->result;

	if (out->flight.polling) {
		out->flight.error = result < 0 ? (int)result : 0;
		return 0;
	}
	out->buf = done->buf;
	if (result == -EAGAIN)
		return stream_poll(stream, &out->flight, POLLOUT);
	if (result == -EINTR)
		return 0;
	out->pending = 0;
	if (result > 0) {
		out->counted = (size_t)result;
		stream->position += (uint64_t)result;
	} else {
		out->flight.error = result ? (int)result : -EIO;
	}
	return 0;
}

/* Until nothing is under way. */
static int finish(struct hws_stream *stream)
{
	struct stream_out *out = &stream->out;
	struct hws_done done;
	int r = 0;

	while (r == 0 && out->pending && !out->flight.error) {
		r = start(stream);
		if (r == 0)
			r = stream_finish(stream, &out->flight, &done);
		if (r == 0)
			r = settle(stream, &done);
	}
	if (r == 0 && out->flight.error)
		r = why(out->flight.error, "writing failed: %s", strerror(-out->flight.error));
	return r;
}

int hws_stream_flush(struct hws_stream *stream)
{
	int r = stream_check(stream);

	return r == 0 && stream->out.pending ? finish(stream) : r;
}

/* How many of these bytes are written. */
static int64_t write_some(struct hws_stream *stream, const void *bytes, size_t size)
{
	struct stream_out *out = &stream->out;
	int r = 0;

	if (size < out->pending || size < out->counted)
		return why(-EINVAL, "%zu bytes are under way: begin with the same ones",
			   out->pending + out->counted);
	if (!out->pending && !out->counted && !out->flight.error)
		r = fill(stream, bytes, size);
	if (r == 0 && !out->counted)
		r = finish(stream);
	if (r < 0)
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
