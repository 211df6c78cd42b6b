/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The operations that come by the million: what hws_queue() does for them,
 * without asking what only others need. Whatever is out of the ordinary, a
 * refusal first of all, is left to hws_queue().
 */
#include <string.h>

#include "uring/op-internal.h"

#define COLD __attribute__((cold, noinline))

/* The whole entry from an operation; what was there last may have been anything. */
static inline void fill(struct io_uring_sqe *sqe, struct ring_head head, const struct op *op,
			uint64_t id, int fd, uint32_t index)
{
	int place = RING_FILE(fd);

	memcpy(&sqe->opcode, &head, sizeof(head));
	sqe->fd = fd;
	if (place >= 0) {
		sqe->flags = IOSQE_FIXED_FILE;
		sqe->fd = place;
	}
	sqe->off = op->offset;
	sqe->addr = op->address;
	sqe->len = op->length;
	sqe->rw_flags = 0;
	sqe->user_data = id;
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
	op->tag = tag;
	op->buf = (struct hws_buf) { 0 };
	op->offset = 0;
	op->address = 0;
	op->length = 0;
	op->moved = 0;
	op->fd = 0;
	op->nature = (struct op_nature) { .kind = HWS_OP_NOP };
	ring->last = op->id;
	ring->stats.submitted++;
	fill(next_sqe(ring), (struct ring_head) { .opcode = IORING_OP_NOP, .flags = ring->must },
	     op, op->id, 0, 0);
	return 0;
}

/* As buf_to_kernel(), of a pool that shuts nothing; where it lies is in its slot. */
static inline bool lend(struct hws_pool *pool, struct hws_buf buf, uint32_t op)
{
	return buf_step(buf_slot(pool, buf), buf, buf_word(buf.generation, HWS_OWNER_USER, 0),
			buf_word(buf.generation, HWS_OWNER_KERNEL, op));
}

/* It is lent, but doesn't hold as much: all is as before. */
COLD static bool put_back(struct hws_ring *ring, struct op *op)
{
	/* it can't fail: it was lent a moment ago */
	if (buf_to_user(ring->pool, op->buf, op_number(op)) < 0)
		ring->stats.unknown++;
	slab_free(&ring->slab, op);
	return false;
}

/* false: it is left to hws_queue(). */
static inline bool queue_move(struct hws_ring *ring, const struct ring_quick *quick, int fd,
			      struct hws_buf buf, uint64_t offset, uint64_t length, uint64_t tag)
{
	const struct buf_slot *slot = buf_slot(ring->pool, buf);
	struct op *op;
	uint64_t id;

	if (unlikely(ring->page->owner != ring_thread || quick->head.opcode == IORING_OP_NOP))
		return false;
	op = slab_take(&ring->slab);
	if (unlikely(!op))
		return false;
	id = op->id;
	op->tag = tag;
	op->offset = offset;
	op->length = (uint32_t)length;
	op->moved = 0;
	op->fd = fd;
	op->nature = quick->nature;
	op->buf = buf;
	if (unlikely(!lend(ring->pool, buf, (uint32_t)id))) {
		slab_free(&ring->slab, op);
		return false;
	}
	/* no buffer is as large as RING_MAX_MOVE */
	if (unlikely(length > slot->size))
		return put_back(ring, op);
	op->address = (uintptr_t)slot->address;
	ring->last = id;
	ring->stats.submitted++;
	fill(next_sqe(ring), quick->head, op, id, fd, slot->region);
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
	if (likely(queue_move(ring, &ring->read, fd, buf, offset, length, tag)))
		return 0;
	return leave_read(ring, fd, buf, offset, length, tag);
}

int hws_write(struct hws_ring *ring, int fd, struct hws_buf buf, uint64_t offset, uint64_t length,
	      uint64_t tag)
{
	if (likely(queue_move(ring, &ring->write, fd, buf, offset, length, tag)))
		return 0;
	return leave_write(ring, fd, buf, offset, length, tag);
}
