/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef HWSAFE_URING_OP_INTERNAL_H
#define HWSAFE_URING_OP_INTERNAL_H

#include <sys/uio.h>

#include "uring/ring-internal.h"

/* What is true of a kind. */
enum op_traits {
	OP_BUF = 1,	   /* works on a buffer */
	OP_LIST = 2,	   /* works on a list of them */
	OP_IN = 4,	   /* writes to them */
	OP_DATA = 8,	   /* takes bytes: a path, an address, a command */
	OP_PATH = 16,	   /* that are a string */
	OP_TIME = 32,	   /* takes its offset as a time */
	OP_NVME = 64,	   /* is a command, in entries of double size; its result is no length */
	OP_MAKES_FD = 128, /* its result is a descriptor */
	OP_MOVES = 256,	   /* may be short, may be begun again */
	OP_MANY = 512,	   /* completes more than once */
	OP_GROUP = 1024,   /* takes buffers of a group */
	OP_TWICE = 2048,   /* says when it is done with the memory, after the result */
	OP_FLAGS = 4096,   /* no place in a file: what stands for the offset is `how` */
	OP_BOUNCE =
		8192, /* a worker of the kernel's may do it: never by address into a guarded pool */
	OP_WHOLE = 16384,   /* always bounces; its result is no length: all is copied */
	OP_NO_FILE = 32768, /* is about no file */
};

struct op_kind {
	const char *name;
	uint8_t opcode;
	uint8_t fixed; /* the opcode for registered memory; 0: none */
	uint16_t ioprio;
	uint32_t how; /* always set */
	uint32_t traits;
	/* What differs from the common form; the entry is filled in that already. May be NULL. */
	void (*fill)(struct io_uring_sqe *sqe, const struct hws_request *request,
		     const struct op *op);
};

extern const struct op_kind op_kinds[HWS_OP_KINDS];

/* What an operation has besides, until it ends. */
struct op_extra {
	struct hws_buf *bufs; /* a list, in this same allocation; so the following */
	struct iovec *iov;
	void *data; /* the request's bytes */
	uint32_t count;
	void *bounce;	    /* an allocation of its own: the kernel's side of what is copied */
	uint64_t size;	    /* of it */
	struct iovec whole; /* all of it */
	struct hws_group *group;
};

/* How much the request points to: buffers of its list, bytes of its data. */
struct extra_sizes {
	uint32_t count;
	size_t data;
};

/* 0, or what is wrong with what it points to. */
HWS_MUST int extra_measure(const struct op_kind *kind, const struct hws_request *request,
			   struct extra_sizes *ret_sizes);
/* For what the request points to. */
HWS_MUST int extra_make(const struct op_kind *kind, const struct hws_request *request,
			struct op_extra **ret_extra);
/* Has the kernel go by memory of our own; outgoing bytes are copied there now. */
HWS_MUST int extra_bounce(struct hws_ring *ring, const struct op_kind *kind, struct op *op);
/* Incoming bytes are copied to the buffers, which are the operation's still. */
HWS_MUST int extra_copy_in(struct hws_ring *ring, const struct op *op, uint64_t size);
void extra_free(struct op_extra *extra);

/* What becomes of buffers. */
typedef int op_buf_fn(struct hws_pool *pool, struct hws_buf buf, uint32_t op);
/* Does so to all the operation has; 0 or the first error. */
int op_bufs(struct hws_ring *ring, const struct op *op, op_buf_fn *fn);

/* The common form of an operation; @index is that of the registered memory. */
void op_fill(struct hws_ring *ring, struct io_uring_sqe *sqe, const struct op *op, uint32_t index);
/* Has the kernel reach the memory by its address, or by a copy. */
HWS_MUST int op_by_address(struct hws_ring *ring, const struct op_kind *kind, struct op *op);
/* Of buffers, that it may still touch. */
static inline uint64_t op_bytes(const struct op *op)
{
	return op_kinds[op->kind].traits & (OP_BUF | OP_LIST) ? op->length : 0;
}

/* The operation ends: its slot and all but its buffers are given back. */
void op_end(struct hws_ring *ring, struct op *op);
/* The operation is lost: its buffers are quarantined, what else the kernel may reach is leaked. */
void op_lose(struct hws_ring *ring, struct op *op);
/* Nobody waits for it any more. */
void op_orphan(struct hws_ring *ring, struct op *op);
/* One that is OP_SETTLED ends: the done it would have made. */
void op_collect(struct hws_ring *ring, struct op *op, struct hws_done *ret_done);
/* A completion came for it; true when @ret_done was filled. */
bool op_settle(struct hws_ring *ring, struct op *op, int32_t result, uint32_t flags,
	       struct hws_done *ret_done);

#endif
