/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The operations that come by the million: what hws_queue() does for them,
 * without asking what only others need. Whatever is out of the ordinary, a
 * refusal first of all, is left to hws_queue().
 */
#include "uring/op-quick-internal.h"
#include "uring/op-internal.h"

static inline void start(struct op *op, enum hws_op_kind kind, uint8_t state, uint64_t tag)
{
	op->tag = tag;
	op->extra = NULL;
	op->moved = 0;
	op->kind = (uint8_t)kind;
	op->state = state;
	op->retries = 0;
	op->flags = 0;
}

/* The whole entry from an operation; what was there last may have been anything. */
static inline void fill(struct io_uring_sqe *sqe, uint8_t opcode, const struct op *op, int fd,
			uint32_t index)
{
	int place = RING_FILE(fd);

	sqe->opcode = opcode;
	sqe->flags = (uint8_t)(place < 0 ? 0 : IOSQE_FIXED_FILE);
	sqe->ioprio = 0;
	sqe->fd = place < 0 ? fd : place;
	sqe->off = op->offset;
	sqe->addr = op->address;
	sqe->len = op->length;
	sqe->rw_flags = 0;
	sqe->user_data = op->id;
	sqe->buf_index = (uint16_t)index; /* ignored where memory is not registered */
	sqe->personality = 0;
	sqe->file_index = 0;
	sqe->addr3 = 0;
	sqe->__pad2[0] = 0;
}

int hws_nop(struct hws_ring *ring, uint64_t tag)
{
	struct op *op;
	int r = ring_mine(ring);

	if (unlikely(r < 0))
		return r;
	if (unlikely(!ring->quick || !(op = slab_take(&ring->slab))))
		return hws_queue(ring, &(struct hws_request) { .tag = tag }, NULL);
	start(op, HWS_OP_NOP, 0, tag);
	op->buf = (struct hws_buf) { 0 };
	op->offset = 0;
	op->address = 0;
	op->length = 0;
	op->fd = 0;
	fill(ring_sqe(ring), IORING_OP_NOP, op, 0, 0);
	ring->last = op->id;
	ring->stats.submitted++;
	return 0;
}

/* Puts back what queue_move() found not to be ordinary. */
static void put_back(struct hws_ring *ring, struct op *op, struct hws_buf buf, bool lent)
{
	if (lent)
		(void)quick_return(ring->pool, buf, op_number(op));
	slab_free(&ring->slab, op);
}

/* false: it is left to hws_queue(). */
static inline bool queue_move(struct hws_ring *ring, enum hws_op_kind kind, uint8_t opcode, int fd,
			      struct hws_buf buf, uint64_t offset, uint64_t length, uint64_t tag)
{
	const struct hws_pool *pool = ring->pool;
	const struct buf_slot *slot;
	struct op *op;

	if (unlikely(ring->page->owner != ring_thread || !ring->quick))
		return false;
	op = slab_take(&ring->slab);
	if (unlikely(!op))
		return false;
	slot = quick_lend(ring->pool, buf, op_number(op));
	/* no buffer is as large as RING_MAX_MOVE */
	if (unlikely(!slot || length > buf_bytes(pool, slot))) {
		put_back(ring, op, buf, slot);
		return false;
	}
	start(op, kind, ring->move_state, tag);
	op->buf = buf;
	op->offset = offset;
	op->address = (uintptr_t)buf_address(pool, slot);
	op->length = (uint32_t)length;
	op->fd = fd;
	fill(ring_sqe(ring), opcode, op, fd, slot->region);
	ring->last = op->id;
	ring->stats.submitted++;
	return true;
}

static int leave(struct hws_ring *ring, enum hws_op_kind kind, int fd, struct hws_buf buf,
		 uint64_t offset, uint64_t length, uint64_t tag)
{
	return hws_queue(ring,
			 &(struct hws_request) { .kind = kind,
						 .fd = fd,
						 .buf = buf,
						 .offset = offset,
						 .length = length,
						 .tag = tag },
			 NULL);
}

int hws_read(struct hws_ring *ring, int fd, struct hws_buf buf, uint64_t offset, uint64_t length,
	     uint64_t tag)
{
	if (likely(queue_move(ring, HWS_OP_READ, ring->read_opcode, fd, buf, offset, length, tag)))
		return 0;
	return leave(ring, HWS_OP_READ, fd, buf, offset, length, tag);
}

int hws_write(struct hws_ring *ring, int fd, struct hws_buf buf, uint64_t offset, uint64_t length,
	      uint64_t tag)
{
	if (likely(queue_move(ring, HWS_OP_WRITE, ring->write_opcode, fd, buf, offset, length,
			      tag)))
		return 0;
	return leave(ring, HWS_OP_WRITE, fd, buf, offset, length, tag);
}
