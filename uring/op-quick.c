/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The operations that come by the million: what hws_queue() does for them,
 * without asking what only others need. Whatever is out of the ordinary, a
 * refusal first of all, is left to hws_queue().
 */
#include <string.h>

#include "uring/op-internal.h"

#define COLD __attribute__((cold, noinline))

/* An entry in whole words, each filled at once: what isn't named at its end is zero. */
struct entry {
	uint8_t opcode;
	uint8_t flags;
	uint16_t ioprio;
	int32_t fd;
	uint64_t offset;
	uint64_t address;
	uint64_t length; /* the first half; then rw_flags */
	uint64_t user_data;
	uint64_t index;	  /* buf_index, the first quarter; then personality, file_index */
	uint64_t rest[2]; /* zero from the beginning: nothing in entries of this size uses it */
};
_Static_assert(sizeof(struct entry) == sizeof(struct io_uring_sqe), "entries have one size");

/*
 * A handle as one number, as it comes in a register: its slot's name, and above that its
 * generation. Compilers make much of taking the structure apart.
 */
static inline uint64_t number_of(struct hws_buf buf)
{
	uint64_t number;

	memcpy(&number, &buf, sizeof(number));
	return RING_LITTLE_ENDIAN ? number : number >> 32 | number << 32;
}

/* As ring_sqe(), where entries have the common size; but it is counted when it is filled. */
static inline struct entry *next_entry(const struct io_uring_sq *sq)
{
	return (struct entry *)&sq->sqes[sq->sqe_tail & sq->ring_mask];
}

int hws_nop(struct hws_ring *ring, uint64_t tag)
{
	struct op *op = ring->slab.free;
	struct entry *entry;

	if (unlikely(ring_mine(ring) < 0 || !ring->quick || !op))
		return hws_queue(ring, &(struct hws_request) { .tag = tag }, NULL);
	ring->slab.free = op->next;
	op->tag = tag;
	op->buf = (struct hws_buf) { 0 };
	op->length = 0;
	op->fd = 0;
	op->nature = (struct op_nature) { .kind = HWS_OP_NOP };
	entry = next_entry(&ring->io.sq);
	*entry = (struct entry) { .opcode = IORING_OP_NOP, .flags = ring->must };
	entry->user_data = op->id;
	ring->io.sq.sqe_tail++;
	return 0;
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

/* The same, of what is in a slot already. */
COLD static int leave_slot(struct hws_ring *ring, const struct op *op, enum hws_op_kind kind)
{
	return leave(ring, kind, op->fd, op->buf, op->offset, op->length, op->tag);
}

typedef int move_fn(struct hws_ring *ring, int fd, struct hws_buf buf, uint64_t offset,
		    uint64_t length, uint64_t tag);

static inline void fill(struct entry *entry, uint8_t opcode, int fd, uint64_t offset,
			uint64_t address, uint64_t length, uint64_t id, uint32_t index)
{
	entry->opcode = opcode;
	entry->flags = 0;
	entry->ioprio = 0;
	entry->fd = fd;
	entry->offset = offset;
	entry->address = address;
	entry->length = ring_leading(length, 32);
	entry->user_data = id;
	entry->index = ring_leading(index, 16);
	if (unlikely(RING_FILE(fd) >= 0)) {
		entry->flags = IOSQE_FIXED_FILE;
		entry->fd = RING_FILE(fd);
	}
}

/* What is out of the ordinary is left to hws_queue(); all is as before then. */
static inline int move(move_fn *leave_it, bool write, struct hws_ring *ring, int fd,
		       struct hws_buf buf, uint64_t offset, uint64_t length, uint64_t tag)
{
	enum hws_op_kind kind = write ? HWS_OP_WRITE : HWS_OP_READ;
	uint64_t handle = number_of(buf);
	uint32_t name = (uint32_t)handle;
	struct buf_slot *slot = &ring->bufs.slots[name & ring->bufs.mask];
	struct op *op = ring->slab.free;
	uint64_t address;
	uint64_t user;

	if (unlikely(ring->quick != ring_thread || !op || !buf_is_named(slot, name) ||
		     length > slot->size))
		return leave_it(ring, fd, buf, offset, length, tag);
	/* nobody reads these of a free slot */
	op->tag = tag;
	op->buf = buf;
	op->slot = slot;
	op->offset = offset;
	op->length = (uint32_t)length;
	op->fd = fd;
	user = handle - name + buf_word(0, HWS_OWNER_USER, 0);
	op->back = user;
	/* in a forked child no buffer is good: the queue, which isn't there, is out of its reach */
	if (unlikely(!buf_exchange(slot, user, user + op->lent)))
		return leave_slot(ring, op, kind);
	ring->slab.free = op->next;
	address = (uintptr_t)slot->address;
	op->address = address;
	op->nature = (struct op_nature) {
		.kind = (uint8_t)kind,
		.state = OP_HAS_BUF,
		.flags = OP_FIXED,
	};
	fill(next_entry(&ring->io.sq), write ? IORING_OP_WRITE_FIXED : IORING_OP_READ_FIXED, fd,
	     offset, address, length, op->id, slot->region);
	ring->io.sq.sqe_tail++;
	return 0;
}

int hws_read(struct hws_ring *ring, int fd, struct hws_buf buf, uint64_t offset, uint64_t length,
	     uint64_t tag)
{
	return move(leave_read, false, ring, fd, buf, offset, length, tag);
}

int hws_write(struct hws_ring *ring, int fd, struct hws_buf buf, uint64_t offset, uint64_t length,
	      uint64_t tag)
{
	return move(leave_write, true, ring, fd, buf, offset, length, tag);
}
