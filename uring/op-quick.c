/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The operations that come by the million. What hws_queue() does for them, and
 * in the same order, without asking what only others need.
 */
#include <errno.h>

#include "uring/op-internal.h"

/* All that differs between them is known when this is compiled. */
struct quick {
	enum hws_op_kind kind;
	uint8_t opcode;
	uint8_t fixed;
	bool moves; /* has a buffer */
};

static const struct quick quick_nop = { HWS_OP_NOP, IORING_OP_NOP, 0, false };
static const struct quick quick_read = { HWS_OP_READ, IORING_OP_READ, IORING_OP_READ_FIXED, true };
static const struct quick quick_write = { HWS_OP_WRITE, IORING_OP_WRITE, IORING_OP_WRITE_FIXED,
					  true };

static inline void start(struct op *op, const struct hws_request *request,
			 const struct quick *quick, uint64_t address, bool fixed)
{
	op->tag = request->tag;
	op->buf = request->buf;
	op->extra = NULL;
	op->offset = request->offset;
	op->address = address;
	op->length = (uint32_t)request->length;
	op->moved = 0;
	op->fd = request->fd;
	op->kind = (uint8_t)quick->kind;
	op->state = quick->moves ? (fixed ? OP_HAS_BUF | OP_FIXED : OP_HAS_BUF) : 0;
	op->retries = 0;
	op->flags = 0;
}

/* The whole entry: what was there last may have been anything. */
static inline void fill(struct io_uring_sqe *sqe, const struct op *op, const struct quick *quick,
			uint32_t index)
{
	int place = RING_FILE(op->fd);
	bool fixed = op->state & OP_FIXED;

	*sqe = (struct io_uring_sqe) {
		.opcode = fixed ? quick->fixed : quick->opcode,
		.flags = (uint8_t)(place < 0 ? 0 : IOSQE_FIXED_FILE),
		.fd = place < 0 ? op->fd : place,
		.off = op->offset,
		.addr = op->address,
		.len = op->length < RING_MAX_MOVE ? op->length : RING_MAX_MOVE,
		.user_data = op->id,
		.buf_index = (uint16_t)(fixed ? index : 0),
	};
}

/* Leaves it to the general way to say why, once all is as before. */
static int refuse(struct hws_ring *ring, struct op *op, const struct hws_request *request, int r)
{
	if (r == 0)
		r = buf_to_user(ring->pool, request->buf, op_number(op));
	slab_free(&ring->slab, op);
	return r < 0 ? r : hws_queue(ring, request, NULL);
}

static inline int queue(struct hws_ring *ring, const struct quick *quick,
			const struct hws_request *request)
{
	struct buf_memory memory = { 0 };
	struct op *op;
	int r = ring_mine(ring);

	if (unlikely(r < 0))
		return r;
	if (unlikely(!ring->quick || request->length > UINT32_MAX))
		return hws_queue(ring, request, NULL);
	op = slab_take(&ring->slab);
	if (unlikely(!op))
		return ring_full(ring);
	if (quick->moves) {
		r = buf_to_kernel(ring->pool, request->buf, op_number(op), &memory);
		if (unlikely(r < 0 || request->length > memory.size))
			return refuse(ring, op, request, r);
	}
	start(op, request, quick, (uintptr_t)memory.address, ring->registered);
	fill(ring_sqe(ring), op, quick, memory.index);
	ring->last = op->id;
	ring->stats.submitted++;
	return 0;
}

int hws_nop(struct hws_ring *ring, uint64_t tag)
{
	return queue(ring, &quick_nop, &(struct hws_request) { .kind = HWS_OP_NOP, .tag = tag });
}

int hws_read(struct hws_ring *ring, int fd, struct hws_buf buf, uint64_t offset, uint64_t length,
	     uint64_t tag)
{
	return queue(ring, &quick_read,
		     &(struct hws_request) { .kind = HWS_OP_READ,
					     .fd = fd,
					     .buf = buf,
					     .offset = offset,
					     .length = length,
					     .tag = tag });
}

int hws_write(struct hws_ring *ring, int fd, struct hws_buf buf, uint64_t offset, uint64_t length,
	      uint64_t tag)
{
	return queue(ring, &quick_write,
		     &(struct hws_request) { .kind = HWS_OP_WRITE,
					     .fd = fd,
					     .buf = buf,
					     .offset = offset,
					     .length = length,
					     .tag = tag });
}
