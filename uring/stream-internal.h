/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What a stream is made of. In each direction one operation is under way at
 * most: so bytes keep their order without looking. Buffers are the pool's but
 * while bytes are in them or an operation has them.
 */
#ifndef HWSAFE_URING_STREAM_INTERNAL_H
#define HWSAFE_URING_STREAM_INTERNAL_H

#include "uring/stream.h"

/* A buffer and which of its bytes are yet to be read or written. */
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
	struct stream_flight flight; /* what comes behind the chunk */
	struct stream_chunk chunk;
	bool end;
	const uint8_t *peeked; /* the view that is open */
};

struct stream_out {
	struct stream_flight flight;
	struct stream_chunk chunk; /* not known to be written */
	size_t counted;		   /* written, not yet told */
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
/* A whole buffer. */
HWS_MUST int stream_take(struct hws_stream *stream, struct stream_chunk *ret_chunk);
/* Gives it back, if there is one. */
void stream_give(struct hws_stream *stream, struct stream_chunk *chunk);
/* Queues the chunk's transfer; then the buffer is the operation's. */
HWS_MUST int stream_start(struct hws_stream *stream, struct stream_flight *flight, uint32_t kind,
			  struct stream_chunk *chunk, uint64_t offset);
/*
 * Waits for it; the chunk has the buffer. @ret_result is -EINTR when it is to be started once more.
 * -EAGAIN: it isn't over, and the stream doesn't wait.
 */
HWS_MUST int stream_finish(struct hws_stream *stream, struct stream_flight *flight, uint32_t events,
			   struct stream_chunk *chunk, int64_t *ret_result);
/* Gives it up. */
void stream_stop(struct hws_stream *stream, struct stream_flight *flight);
/* Forgets all that was read ahead. */
void stream_drop(struct hws_stream *stream);
/* Its streams lose the ring and what they have of it. In a forked child they lose only that. */
void stream_end_all(struct hws_ring *ring);

#endif
