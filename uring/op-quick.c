/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The operations that come by the million: what hws_queue() does for them,
 * without asking what only others need. Whatever is out of the ordinary, a
 * refusal first of all, is left to hws_queue().
 */
#include "uring/op-quick-internal.h"
#include "uring/op-internal.h"

#define COLD __attribute__((cold, noinline))

static inline void start(struct op *op, enum hws_op_kind kind, uint8_t state, uint64_t tag)
{
	op->tag = tag;
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
	sqe->flags = 0;
	sqe->ioprio = 0;
	sqe->fd = fd;
	if (place >= 0) {
		sqe->flags = IOSQE_FIXED_FILE;
		sqe->fd = place;
	}
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

/* As ring_sqe(), where entries have the common size. */
static inline struct io_uring_sqe *next_sqe(struct hws_ring *ring)
{
	struct io_uring_sq *sq = &ring->io.sq;

	return &sq->sqes[sq->sqe_tail++ & sq->ring_mask];
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
	fill(next_sqe(ring), IORING_OP_NOP, op, 0, 0);
	ring->last = op->id;
	ring->stats.submitted++;
	return 0;
}

/* The buffer doesn't hold as much: all is as before. */
COLD static void put_back(struct hws_ring *ring, struct op *op, struct hws_buf buf)
{
	/* it was lent a moment ago */
	(void)quick_return(ring->pool, buf, op_number(op));
	slab_free(&ring->slab, op);
}

/* false: it is left to hws_queue(). */
static inline bool queue_move(struct hws_ring *ring, enum hws_op_kind kind, uint8_t opcode, int fd,
			      struct hws_buf buf, uint64_t offset, uint64_t length, uint64_t tag)
{
	struct hws_pool *pool = ring->pool;
	struct buf_slot *slot = buf_slot(pool, buf);
	struct op *op;

	if (unlikely(ring->page->owner != ring_thread || !ring->quick))
		return false;
	op = slab_take(&ring->slab);
	if (unlikely(!op))
		return false;
	if (unlikely(!quick_lend(slot, buf, op_number(op)))) {
		slab_free(&ring->slab, op);
		return false;
	}
	/* no buffer is as large as RING_MAX_MOVE */
	if (unlikely(length > buf_bytes(pool, slot))) {
		put_back(ring, op, buf);
		return false;
	}
	start(op, kind, ring->move_state, tag);
	op->buf = buf;
	op->offset = offset;
	op->address = (uintptr_t)buf_address(pool, slot);
	op->length = (uint32_t)length;
	op->fd = fd;
	fill(next_sqe(ring), opcode, op, fd, slot->region);
	ring->last = op->id;
	ring->stats.submitted++;
	return true;
}

static inline int leave(struct hws_ring *ring, enum hws_op_kind kind, int fd, struct hws_buf buf,
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

/* Of the same shape as who calls them: a jump is enough. */
COLD static int leave_read(struct hws_ring *ring, int fd, struct hws_buf buf, uint64_t offset,
			   uint64_t length, uint64_t tag)
{
	return leave(ring, HWS_OP_READ, fd, buf, offset, length, tag);
}

COLD static int leave_write(struct hws_ring *ring, int fd, struct hws_buf buf, uint64_t offset,
			    uint64_t length, uint64_t tag)
{
	return leave(ring, HWS_OP_WRITE, fd, buf, offset, length, tag);
}

int hws_read(struct hws_ring *ring, int fd, struct hws_buf buf, uint64_t offset, uint64_t length,
	     uint64_t tag)
{
	if (likely(queue_move(ring, HWS_OP_READ, ring->read_opcode, fd, buf, offset, length, tag)))
		return 0;
	return leave_read(ring, fd, buf, offset, length, tag);
}

int hws_write(struct hws_ring *ring, int fd, struct hws_buf buf, uint64_t offset, uint64_t length,
	      uint64_t tag)
{
	if (likely(queue_move(ring, HWS_OP_WRITE, ring->write_opcode, fd, buf, offset, length,
			      tag)))
		return 0;
	return leave_write(ring, fd, buf, offset, length, tag);
}
