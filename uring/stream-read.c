/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Reading, and reading ahead. */
#include <errno.h>
#include <poll.h>
#include <string.h>

#include "shim/sys-internal.h"
#include "shim/why-internal.h"
#include "uring/ring-internal.h"
#include "uring/stream-internal.h"

static size_t available(const struct hws_stream *stream)
{
	return stream->in.chunk.end - stream->in.chunk.begin;
}

/* Has the next buffer filled, if anything is to come. */
static int start(struct hws_stream *stream)
{
	struct stream_in *in = &stream->in;
	struct stream_chunk next;
	int r;

	if (in->flight.active || in->end || in->flight.error)
		return 0;
	r = stream_take(stream, &next);
	if (r < 0)
		return r;
	r = stream_start(stream, &in->flight, HWS_OP_READ, &next,
			 stream->position + available(stream));
	stream_give(stream, &next);
	return r;
}

/* Nobody asked yet: so what is wrong shows when somebody does. */
static void read_ahead(struct hws_stream *stream)
{
	if (!(stream->flags & HWS_STREAM_NO_AHEAD) && start(stream) == 0)
		(void)!hws_submit(stream->ring);
}

static void settle(struct hws_stream *stream, int64_t result)
{
	struct stream_in *in = &stream->in;

	if (result > 0) {
		in->chunk.end = (size_t)result;
		read_ahead(stream);
		return;
	}
	stream_give(stream, &in->chunk);
	if (result == 0)
		in->end = true;
	else if (result != -EINTR)
		in->flight.error = (int)result;
}

/* 1: there are bytes; 0: the end. */
static int fetch(struct hws_stream *stream)
{
	struct stream_in *in = &stream->in;
	int64_t result;
	int r = 0;

	while (r == 0 && !available(stream)) {
		if (in->flight.error)
			return why(in->flight.error, "reading failed: %s",
				   strerror(-in->flight.error));
		if (in->end)
			return 0;
		r = start(stream);
		if (r == 0)
			r = stream_finish(stream, &in->flight, POLLIN, &in->chunk, &result);
		if (r == 0)
			settle(stream, result);
	}
	return r < 0 ? r : 1;
}

static void advance(struct hws_stream *stream, size_t size)
{
	stream->in.chunk.begin += size;
	stream->position += size;
	if (!available(stream))
		stream_give(stream, &stream->in.chunk);
}

static int copy(struct hws_stream *stream, void *bytes, size_t size)
{
	HWS_VIEW(view);
	int r = hws_view_open(stream->ring->pool, stream->in.chunk.buf, HWS_R, &view);

	if (r < 0)
		return r;
	memcpy(bytes, (const uint8_t *)view.bytes + stream->in.chunk.begin, size);
	hws_view_close(&view);
	advance(stream, size);
	return 0;
}

/* May it read now? */
static int check(struct hws_stream *stream)
{
	int r = stream_check(stream);

	/* a file has one position for both directions */
	if (r < 0 || !stream->seekable)
		return r;
	r = hws_stream_flush(stream);
	/* that writing failed is no matter of reading */
	return r == stream->out.flight.error ? 0 : r;
}

int64_t hws_stream_read(struct hws_stream *stream, void *bytes, size_t size)
{
	size_t n;
	int r = check(stream);

	if (r == 0 && stream->in.peeked)
		r = why(-EBUSY, "consume what was peeked first");
	if (r == 0 && size > 0)
		r = fetch(stream);
	if (r <= 0)
		return r;
	n = available(stream) < size ? available(stream) : size;
	r = copy(stream, bytes, n);
	return r < 0 ? r : (int64_t)n;
}

int hws_stream_peek(struct hws_stream *stream, const void **ret_bytes, size_t *ret_size)
{
	struct stream_in *in = &stream->in;
	void *bytes = NULL;
	size_t room;
	int r = check(stream);

	if (r == 0 && !in->peeked) {
		r = fetch(stream);
		if (r > 0)
			r = hws_buf_view(stream->ring->pool, in->chunk.buf, HWS_R, &bytes, &room);
		if (r == 0)
			in->peeked = bytes;
	}
	if (r < 0)
		return r;
	*ret_bytes = in->peeked ? in->peeked + in->chunk.begin : NULL;
	*ret_size = available(stream);
	return 0;
}

static int unpeek(struct hws_stream *stream)
{
	stream->in.peeked = NULL;
	return hws_buf_unview(stream->ring->pool, stream->in.chunk.buf);
}

int hws_stream_consume(struct hws_stream *stream, size_t size)
{
	int r = stream_check(stream);

	if (r < 0)
		return r;
	if (!stream->in.peeked)
		return size ? why(-EINVAL, "nothing was peeked") : 0;
	if (size > available(stream))
		return why(-ERANGE, "%zu bytes were peeked, not %zu", available(stream), size);
	r = unpeek(stream);
	if (r == 0)
		advance(stream, size);
	return r;
}

void stream_drop(struct hws_stream *stream)
{
	struct stream_in *in = &stream->in;

	if (in->peeked && unpeek(stream) < 0)
		stream->ring->stats.unknown++;
	stream_stop(stream, &in->flight);
	stream_give(stream, &in->chunk);
	in->end = false;
}

static int seek(struct hws_stream *stream, int64_t offset, int whence)
{
	uint64_t base = 0;
	int r = whence == SEEK_SET || whence == SEEK_CUR || whence == SEEK_END ? 0 : -EINVAL;

	if (whence == SEEK_END)
		r = sys_lseek(stream->fd, 0, SEEK_END, &base);
	else if (whence == SEEK_CUR)
		base = stream->position;
	if (r == 0 && (__builtin_add_overflow((int64_t)base, offset, &offset) || offset < 0))
		r = -EINVAL;
	if (r < 0)
		return why(r, "there is no such position");
	stream_drop(stream);
	stream->position = (uint64_t)offset;
	return 0;
}

int64_t hws_stream_seek(struct hws_stream *stream, int64_t offset, int whence)
{
	int r = check(stream);

	if (r == 0 && !stream->seekable)
		r = why(-ESPIPE, "this is no seekable file");
	if (r == 0 && stream->in.peeked)
		r = why(-EBUSY, "consume what was peeked first");
	if (r == 0)
		r = seek(stream, offset, whence);
	return r < 0 ? r : (int64_t)stream->position;
}
