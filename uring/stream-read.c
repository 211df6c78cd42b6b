/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Reading, and reading ahead. */
#include <errno.h>
#include <poll.h>
#include <string.h>

#include "shim/sys-internal.h"
#include "shim/why-internal.h"
#include "uring/ring-internal.h"
#include "uring/stream-internal.h"

static struct stream_chunk *chunk_at(struct stream_in *in, uint32_t place)
{
	return &in->chunks[(in->first + place) % in->count];
}

/* Where the file is read next, behind what is here. */
static uint64_t next_offset(struct hws_stream *stream)
{
	uint64_t offset = stream->position;

	if (!stream->seekable)
		return HWS_HERE;
	for (uint32_t i = 0; i < stream->in.filled; i++)
		offset += chunk_at(&stream->in, i)->end - chunk_at(&stream->in, i)->begin;
	return offset;
}

/* Has the next chunk filled, if there is one and anything to come. */
static int start(struct hws_stream *stream)
{
	struct stream_in *in = &stream->in;
	struct stream_chunk *chunk = chunk_at(in, in->filled);
	struct hws_request request = { .kind = HWS_OP_READ, .length = stream->buffer_size };
	int r = 0;

	if (in->flight.active || in->filled == in->count || in->end || in->flight.error)
		return 0;
	if (!stream_has(chunk->buf))
		r = hws_buf_take(stream->ring->pool, stream->buffer_size, &chunk->buf);
	if (r < 0)
		return r;
	request.buf = chunk->buf;
	request.offset = next_offset(stream);
	return stream_start(stream, &in->flight, &request);
}

/* What came, into its place. */
static int settle(struct hws_stream *stream, const struct hws_done *done)
{
	struct stream_in *in = &stream->in;
	struct stream_chunk *chunk = chunk_at(in, in->filled);

	if (in->flight.polling) {
		in->flight.error = done->result < 0 ? (int)done->result : 0;
		return 0;
	}
	chunk->buf = done->buf;
	if (done->result == -EAGAIN)
		return stream_poll(stream, &in->flight, POLLIN);
	chunk->begin = 0;
	chunk->end = done->result > 0 ? (size_t)done->result : 0;
	if (done->result > 0)
		in->filled++;
	else if (done->result == 0)
		in->end = true;
	else if (done->result != -EINTR)
		in->flight.error = (int)done->result;
	return 0;
}

/* 1: there are bytes; 0: the end. */
static int fetch(struct hws_stream *stream)
{
	struct stream_in *in = &stream->in;
	struct hws_done done;
	int r = 0;

	while (r == 0 && !in->filled) {
		if (in->flight.error)
			return why(in->flight.error, "reading failed: %s",
				   strerror(-in->flight.error));
		if (in->end)
			return 0;
		r = start(stream);
		if (r == 0)
			r = stream_finish(stream, &in->flight, &done);
		if (r == 0)
			r = settle(stream, &done);
	}
	return r < 0 ? r : 1;
}

/* @size bytes of the first chunk are read; when it is empty it may be filled again. */
static void advance(struct hws_stream *stream, size_t size)
{
	struct stream_in *in = &stream->in;
	struct stream_chunk *chunk = chunk_at(in, 0);

	chunk->begin += size;
	stream->position += size;
	if (chunk->begin < chunk->end)
		return;
	in->first = (in->first + 1) % in->count;
	in->filled--;
	/* reading ahead is no promise: what is wrong shows when somebody asks */
	if (in->count > 1 && start(stream) == 0)
		(void)!hws_submit(stream->ring);
}

static int64_t copy(struct hws_stream *stream, void *bytes, size_t size)
{
	struct stream_chunk *chunk = chunk_at(&stream->in, 0);
	size_t here = chunk->end - chunk->begin;
	size_t n = size < here ? size : here;
	HWS_VIEW(view);
	int r = hws_view_open(stream->ring->pool, chunk->buf, HWS_R, &view);

	if (r < 0)
		return r;
	memcpy(bytes, (const uint8_t *)view.bytes + chunk->begin, n);
	hws_view_close(&view);
	advance(stream, n);
	return (int64_t)n;
}

/* May it read now? */
static int check(struct hws_stream *stream)
{
	int r = stream_check(stream);

	/* a file has one position for both directions */
	return r == 0 && stream->seekable ? hws_stream_flush(stream) : r;
}

int64_t hws_stream_read(struct hws_stream *stream, void *bytes, size_t size)
{
	uint8_t *to = bytes;
	size_t total = 0;
	int64_t r = check(stream);

	if (r == 0 && stream->in.peeked)
		r = why(-EBUSY, "consume what was peeked first");
	if (r < 0 || size == 0)
		return r;
	r = fetch(stream);
	while (r > 0 && total < size && stream->in.filled) {
		r = copy(stream, to + total, size - total);
		total += r > 0 ? (size_t)r : 0;
	}
	return total ? (int64_t)total : r;
}

int hws_stream_peek(struct hws_stream *stream, const void **ret_bytes, size_t *ret_size)
{
	struct stream_in *in = &stream->in;
	const struct stream_chunk *chunk;
	void *bytes = NULL;
	size_t room;
	int r = check(stream);

	if (r == 0 && !in->peeked) {
		r = fetch(stream);
		if (r > 0)
			r = hws_buf_view(stream->ring->pool, chunk_at(in, 0)->buf, HWS_R, &bytes,
					 &room);
		if (r == 0)
			in->peeked = bytes;
	}
	if (r < 0)
		return r;
	chunk = chunk_at(in, 0);
	*ret_bytes = in->peeked ? in->peeked + chunk->begin : NULL;
	*ret_size = in->peeked ? chunk->end - chunk->begin : 0;
	return 0;
}

static int unpeek(struct hws_stream *stream)
{
	int r = hws_buf_unview(stream->ring->pool, chunk_at(&stream->in, 0)->buf);

	stream->in.peeked = NULL;
	return r;
}

int hws_stream_consume(struct hws_stream *stream, size_t size)
{
	const struct stream_chunk *chunk = chunk_at(&stream->in, 0);
	int r = stream_check(stream);

	if (r < 0)
		return r;
	if (!stream->in.peeked)
		return size ? why(-EINVAL, "nothing was peeked") : 0;
	if (size > chunk->end - chunk->begin)
		return why(-ERANGE, "%zu bytes were peeked, not %zu", chunk->end - chunk->begin,
			   size);
	r = unpeek(stream);
	if (r == 0)
		advance(stream, size);
	return r;
}

void stream_drop(struct hws_stream *stream)
{
	struct stream_in *in = &stream->in;
	bool reading = in->flight.active && !in->flight.polling;
	struct hws_buf buf;

	if (in->peeked && unpeek(stream) < 0)
		stream->ring->stats.unknown++;
	buf = stream_stop(stream, &in->flight);
	if (reading)
		chunk_at(in, in->filled)->buf = buf;
	in->filled = 0;
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
