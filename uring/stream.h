/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Streams: for code that insists on its own memory. Bytes are copied between
 * it and buffers of the ring's pool; the kernel only ever gets the buffers.
 *
 *	r = hws_stream_open(ring, fd, NULL, &stream);
 *	n = hws_stream_read(stream, text, sizeof(text));
 *	n = hws_stream_write(stream, text, n);
 *	r = hws_stream_close(stream);
 *
 * Any number of streams may be on a ring, beside the program's own operations:
 * none takes what is another's, and hws_wait() neither waits for streams nor
 * gives their dones. The descriptor is a byte stream (a pipe, a stream socket, a
 * terminal) or a seekable file. A seekable one is read and written where it stood
 * at the opening; its own position doesn't move.
 *
 * Errors are exact and stay: bytes that came before one are given first, then each
 * call in that direction gives the same error. So does the end of the file, until
 * hws_stream_seek(). Refusals (-EAGAIN, -EBUSY, -ENOBUFS) don't stay: nothing has
 * happened, try again.
 *
 * In an event loop, with HWS_RING_POLLED and HWS_STREAM_NONBLOCK: when
 * hws_ring_fd() is readable, and after each hws_wait(), go on with the streams
 * that said -EAGAIN.
 *
 * Context: of the ring's thread. When the ring is closed first, streams end with
 * it: what is left to call is hws_stream_close().
 */
#ifndef HWSAFE_URING_STREAM_H
#define HWSAFE_URING_STREAM_H

#include <stdio.h>

#include "ring.h"

HWS_BEGIN_DECLS

struct hws_stream;

/** enum hws_stream_flags - values combine. */
enum hws_stream_flags {
	HWS_STREAM_NONBLOCK =
		1, /* nothing waits: -EAGAIN, and hws_ring_fd() says when it is over */
	HWS_STREAM_CLOSE_FD = 2, /* closing the stream closes the descriptor */
	HWS_STREAM_NO_AHEAD = 4, /* one buffer is read when somebody asks, none ahead */
};

/** struct hws_stream_options - all zero: the defaults. */
struct hws_stream_options {
	size_t size;	    /* sizeof(struct hws_stream_options); 0: as compiled */
	size_t buffer_size; /* of the pool's; 0: 4096 */
	uint32_t flags;	    /* enum hws_stream_flags */
};

/**
 * hws_stream_open() - put a stream on a ring.
 * @ring: borrowed; should outlive the stream
 * @fd: borrowed, taken on success with HWS_STREAM_CLOSE_FD; a descriptor
 * @options: borrowed; NULL: defaults
 * @ret_stream: out; hws_stream_close() it
 *
 * Nothing is read before the first read.
 *
 * Return: 0; -EINVAL options that make no sense; -EBADF; -ENOMEM; -EBUSY, -ECHILD, -EIO as
 * hws_queue().
 */
HWS_API HWS_MUST int hws_stream_open(struct hws_ring *ring, int fd,
				     const struct hws_stream_options *options,
				     struct hws_stream **ret_stream);

/**
 * hws_stream_read() - read(2).
 * @stream: borrowed
 * @bytes: out; the caller's memory
 * @size: of it
 *
 * Waits for the first byte. The bytes are those of one buffer at most.
 *
 * Return: how many, 1 at least; 0 at the end or when @size is 0; what read(2) would say; -EAGAIN
 * nothing is here and the stream doesn't wait, or the ring is full of the program's operations or
 * dones: take some; -EBUSY what was peeked isn't consumed, a chain is half queued, or as
 * hws_queue(); -ENOBUFS the pool has no buffer left; -ESTALE the ring is closed; -ECHILD, -EIO as
 * hws_queue().
 */
HWS_API HWS_MUST int64_t hws_stream_read(struct hws_stream *stream, void *bytes, size_t size);

/**
 * hws_stream_write() - write(2).
 * @stream: borrowed
 * @bytes: borrowed
 * @size: how many
 *
 * Bytes are counted when the kernel has taken them, not before; what it takes in part is gone on
 * with. A stream that doesn't wait gives -EAGAIN while they are under way: then call again with
 * the same bytes (more may follow them), and they are counted when they are done.
 * Never raises SIGPIPE on a socket. To a descriptor with O_APPEND bytes go to the end of the file;
 * the stream doesn't know where that is: seek before reading.
 *
 * Return: how many, less than @size only when there was an error after them; what write(2) would
 * say; -EINVAL fewer bytes than are under way; else as hws_stream_read().
 */
HWS_API HWS_MUST int64_t hws_stream_write(struct hws_stream *stream, const void *bytes,
					  size_t size);

/**
 * hws_stream_flush() - see what is being written to its end.
 * @stream: borrowed
 *
 * Needed only where writes don't wait; those bytes are counted by the next hws_stream_write().
 *
 * Return: 0: nothing is under way; -EAGAIN it is; else as hws_stream_write(): an error of writing
 * comes here as well.
 */
HWS_API HWS_MUST int hws_stream_flush(struct hws_stream *stream);

/**
 * hws_stream_peek() - look at what comes next, without a copy.
 * @stream: borrowed
 * @ret_bytes: out; the stream's; good until hws_stream_consume()
 * @ret_size: out; how many; 0 at the end
 *
 * Waits for the first byte. The bytes are those of one buffer. Peeking again gives the same.
 *
 * Return: 0; else as hws_stream_read().
 */
HWS_API HWS_MUST int hws_stream_peek(struct hws_stream *stream, const void **ret_bytes,
				     size_t *ret_size);

/**
 * hws_stream_consume() - be done with what was peeked.
 * @stream: borrowed
 * @size: how many bytes are read; the rest comes again
 *
 * Return: 0; -ERANGE more than were peeked; -EINVAL nothing was; -EBUSY, -ECHILD, -EIO as
 * hws_queue(); -ESTALE the ring is closed.
 */
HWS_API HWS_MUST int hws_stream_consume(struct hws_stream *stream, size_t size);

/**
 * hws_stream_seek() - lseek(2).
 * @stream: borrowed
 * @offset: relative to what @whence says
 * @whence: SEEK_SET, SEEK_CUR, SEEK_END
 *
 * What was read ahead is dropped, an end that was reached is forgotten.
 *
 * Return: the position; -ESPIPE it is no seekable file; -EINVAL; -EAGAIN bytes are being written;
 * -EBUSY what was peeked isn't consumed; else as hws_stream_read().
 */
HWS_API HWS_MUST int64_t hws_stream_seek(struct hws_stream *stream, int64_t offset, int whence);

/**
 * hws_stream_file() - the stream as a FILE.
 * @stream: taken; fclose() closes it
 * @mode: borrowed; as for fopen(3); for "a" the descriptor should have O_APPEND
 * @ret_file: out; fclose() it
 *
 * It belongs to the ring's thread, as the stream does.
 *
 * Return: 0; -EINVAL the mode is none, or the stream is one that doesn't wait; -ENOMEM.
 */
HWS_API HWS_MUST int hws_stream_file(struct hws_stream *stream, const char *mode, FILE **ret_file);

/**
 * hws_stream_close() - end the stream, whatever it is doing.
 * @stream: taken; NULL is fine
 *
 * Waits for nothing: its operations are cancelled, its buffers return to the pool; those that the
 * kernel doesn't let go of at once follow as orphans. Bytes that were read ahead are lost, as may
 * be those under way that no hws_stream_write() has counted.
 *
 * Return: 0; the error that writing ended with; -ECANCELED bytes were under way; -EBUSY the ring is
 * another thread's: the stream stays open.
 */
HWS_API int hws_stream_close(struct hws_stream *stream);

HWS_END_DECLS

#endif
