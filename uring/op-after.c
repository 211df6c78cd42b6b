/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * HWS_AFTER. What waits for all before it stays in the queue, with its chain and whatever comes
 * behind, until nothing else is in flight. IOSQE_IO_DRAIN would do that in the kernel; but Linux
 * 6.18 doesn't find what it holds back when that is to be cancelled, and may hold back what comes
 * later for as long as anything at all is in flight.
 */
#include <errno.h>
#include <string.h>

#include "uring/op-internal.h"

#define LINKS (IOSQE_IO_LINK | IOSQE_IO_HARDLINK)

static struct io_uring_sqe *entry(const struct hws_ring *ring, uint32_t at)
{
	const struct io_uring_sq *sq = &ring->io.sq;

	return &sq->sqes[(at & sq->ring_mask) << ring->sqe_shift];
}

/* Where it begins; the queue's end: nothing waits. What the kernel was shown waits no more. */
static uint32_t held(const struct hws_ring *ring)
{
	const struct io_uring_sq *sq = &ring->io.sq;
	uint32_t chain = *sq->ktail;

	if (likely(!ring->ordered))
		return sq->sqe_tail;
	for (uint32_t at = chain; at != sq->sqe_tail; at++) {
		uint8_t flags = entry(ring, at)->flags;

		if (flags & IOSQE_IO_DRAIN)
			return chain;
		if (!(flags & LINKS))
			chain = at + 1;
	}
	return sq->sqe_tail;
}

/* Will this make a done, as it is? What was short or failed may be begun again. */
static bool is_result(const struct hws_ring *ring, const struct io_uring_cqe *cqe, bool any)
{
	const struct op *op = slab_find(&ring->slab, cqe->user_data);

	return op && !(op->state & OP_FREE) && !(op->flags & OP_SETTLED) &&
	       !(cqe->flags & IORING_CQE_F_MORE) &&
	       (any || (cqe->res >= 0 && !(op->flags & HWS_EXACT)));
}

/* Is all done that is not in the queue from @at on, @any result counting as one? */
static bool is_idle(const struct hws_ring *ring, uint32_t at, bool any)
{
	const struct io_uring_cq *cq = &ring->io.cq;
	uint64_t count = ring_used(ring) - ring->settled;
	uint32_t head = *cq->khead;
	uint32_t end = head + ring_ready(ring);

	for (; at != ring->io.sq.sqe_tail; at++)
		count -= entry(ring, at)->user_data != RING_NOBODY;
	for (; head != end; head++)
		count -= is_result(ring, &cq->cqes[(head & cq->ring_mask) << ring->cqe_shift], any);
	return count == 0;
}

uint32_t ring_gate(struct hws_ring *ring)
{
	uint32_t at = held(ring);
	uint32_t end = ring->io.sq.sqe_tail;
	bool more = at != end && is_idle(ring, at, false);

	for (; more && at != end; at++) {
		entry(ring, at)->flags &= (uint8_t)~IOSQE_IO_DRAIN;
		more = entry(ring, at)->flags & LINKS;
	}
	at = held(ring);
	/* a chain ends where it would be submitted */
	if (at != end)
		entry(ring, end - 1)->flags &= (uint8_t)~LINKS;
	return at;
}

uint32_t ring_held_cancels(const struct hws_ring *ring)
{
	uint32_t count = 0;

	for (uint32_t at = held(ring); at != ring->io.sq.sqe_tail; at++)
		count += entry(ring, at)->user_data == RING_NOBODY;
	return count;
}

bool ring_stalls(const struct hws_ring *ring)
{
	uint32_t at = held(ring);

	return at != ring->io.sq.sqe_tail && !is_idle(ring, at, false) && is_idle(ring, at, true);
}

uint32_t ring_place(const struct hws_ring *ring, uint64_t id)
{
	uint32_t end = ring->io.sq.sqe_tail;
	uint32_t begin = held(ring);

	for (uint32_t at = begin; at != end; at++)
		if (entry(ring, at)->user_data == id)
			return end;
	return begin;
}

void ring_drop_held(struct hws_ring *ring)
{
	struct hws_done none;

	for (uint32_t at = held(ring); at != ring->io.sq.sqe_tail; at++) {
		struct io_uring_sqe *sqe = entry(ring, at);
		struct op *op = slab_find(&ring->slab, sqe->user_data);

		memset(sqe, 0, sizeof(*sqe) << ring->sqe_shift);
		sqe->opcode = IORING_OP_NOP;
		sqe->flags = ring->must;
		sqe->user_data = RING_NOBODY;
		if (op)
			(void)op_settle(ring, op, -ECANCELED, 0, &none);
	}
}
