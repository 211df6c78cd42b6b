/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What a stream is made of. In each direction one operation is under way at
 * most: so bytes keep their order without looking.
 */
#ifndef HWSAFE_URING_STREAM_INTERNAL_H
#define HWSAFE_URING_STREAM_INTERNAL_H

#include "uring/stream.h"

enum { STREAM_CHUNKS = 3 };

/* A buffer and which of its bytes are yet to be read. */
struct stream_chunk {
	struct hws_buf buf; /* all zero: none */
	size_t begin;
	size_t end;
};

/* A direction's operation. */
struct stream_flight {
	struct hws_op op;
	bool active;
	bool polling; /* it waits for a descriptor that is O_NONBLOCK */
	int error;    /* that ended the direction */
};

struct stream_in {
	struct stream_flight flight; /* fills the chunk after those that are filled */
	struct stream_chunk chunks[STREAM_CHUNKS];
	uint32_t count; /* of chunks in use */
	uint32_t first;
	uint32_t filled;
	bool end;
	const uint8_t *peeked; /* the view that is open */
};

struct stream_out {
	struct stream_flight flight;
	struct hws_buf buf;
	size_t pending; /* bytes in it, not known to be written */
	size_t counted; /* written, not yet told */
};

struct hws_stream {
	struct hws_ring *ring; /* NULL: closed */
	struct hws_stream *next;
	int fd;
	uint32_t flags;
	size_t buffer_size;
	bool seekable;
	bool is_socket;
	uint64_t position; /* of the next byte read or written, in a seekable file */
	struct stream_in in;
	struct stream_out out;
};

/* May this thread use it? */
HWS_MUST int stream_check(const struct hws_stream *stream);
/* Queues it as the direction's; without a descriptor of its own. */
HWS_MUST int stream_start(struct hws_stream *stream, struct stream_flight *flight,
			  struct hws_request *request);
/* Waits until @events come. */
HWS_MUST int stream_poll(struct hws_stream *stream, struct stream_flight *flight, uint32_t events);
/* 0: it is over; -EAGAIN: it is not, and the stream doesn't wait. */
HWS_MUST int stream_finish(struct hws_stream *stream, struct stream_flight *flight,
			   struct hws_done *ret_done);
/* Gives it up; the buffer, if it comes back at once, else none. */
struct hws_buf stream_stop(struct hws_stream *stream, struct stream_flight *flight);
static inline bool stream_has(struct hws_buf buf)
{
	return buf.slot || buf.generation;
}
/* Gives it back, if there is one. */
void stream_give(struct hws_stream *stream, struct hws_buf *buf);
/* Forgets all that was read ahead. */
void stream_drop(struct hws_stream *stream);
/* Its streams lose the ring and what they have of it. In a forked child they lose only that. */
void stream_end_all(struct hws_ring *ring);

#endif
