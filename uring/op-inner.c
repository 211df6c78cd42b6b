/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "uring/op-inner-internal.h"

#include <errno.h>
#include <string.h>

#include "shim/why-internal.h"
#include "uring/op-internal.h"

static struct op *find(struct hws_ring *ring, struct hws_op handle)
{
	struct op *op = slab_find(&ring->slab, handle.id);

	return op && !(op->state & (OP_FREE | OP_ORPHAN)) ? op : NULL;
}

/* A chain that the program has queued half of: nothing may come between, nor submit it. */
static int refuse_chain(const struct hws_ring *ring)
{
	const struct io_uring_sq *sq = &ring->io.sq;
	uint32_t last = ((sq->sqe_tail - 1) & sq->ring_mask) << ring->sqe_shift;

	if (ring_queued(ring) && sq->sqes[last].flags & (IOSQE_IO_LINK | IOSQE_IO_HARDLINK))
		return why(-EBUSY, "a chain is being queued on this ring: complete it first");
	return 0;
}

int inner_queue(struct hws_ring *ring, const struct hws_request *request, struct hws_op *ret_op)
{
	uint64_t last = ring->last;
	struct op *op;
	int r = ring_mine(ring);

	if (r == 0)
		r = refuse_chain(ring);
	if (r == 0)
		r = hws_queue(ring, request, ret_op);
	if (r < 0)
		return r;
	op = slab_find(&ring->slab, ret_op->id);
	op->flags |= OP_INNER;
	op->state |= OP_SLOW;
	ring->stats.inner++;
	ring->last = last;
	return 0;
}

/* Was this completion our own? Then it is settled. */
static bool settle(struct hws_ring *ring, const struct io_uring_cqe *cqe)
{
	struct op *op = slab_find(&ring->slab, cqe->user_data);
	struct hws_done none;

	if (!op || op->state & OP_FREE || !(op->flags & OP_INNER))
		return false;
	(void)op_settle(ring, op, cqe->res, cqe->flags, &none);
	return true;
}

/* Takes our own, wherever they stand; the program's move up, in their order, to the newest. */
static void pick(struct hws_ring *ring)
{
	struct io_uring_cq *cq = &ring->io.cq;
	uint32_t first = *cq->khead;
	uint32_t at = first + ring_ready(ring);
	uint32_t to = at;

	while (at != first) {
		struct io_uring_cqe *cqe = &cq->cqes[(--at & cq->ring_mask) << ring->cqe_shift];

		if (settle(ring, cqe) || --to == at)
			continue;
		memcpy(&cq->cqes[(to & cq->ring_mask) << ring->cqe_shift], cqe,
		       sizeof(*cqe) << ring->cqe_shift);
	}
	/* release: pairs with the back end's acquire; what was read may be overwritten */
	__atomic_store_n(cq->khead, to, __ATOMIC_RELEASE);
}

/* What is here doesn't count: the kernel waits for one more. */
static int advance(struct hws_ring *ring, uint64_t deadline_ns)
{
	uint32_t ready = ring_ready(ring);
	uint32_t least = deadline_ns ? ready + 1 : 0;
	int r = refuse_chain(ring);

	if (r < 0)
		return r;
	if (ready > ring->io.cq.ring_mask)
		return why(-ENOSPC, "%u dones are to be taken: call hws_wait()", ready);
	if (!least && !ring_queued(ring) && !ring_hides(ring))
		return -ETIME;
	return ring_enter(ring, least, RING_EVENTS, deadline_ns);
}

int inner_collect(struct hws_ring *ring, struct hws_op handle, uint64_t deadline_ns,
		  struct hws_done *ret_done)
{
	struct op *op = find(ring, handle);
	uint32_t tries = 0;
	int r = ring_mine(ring);

	if (r < 0)
		return r;
	if (!op)
		return why(-ESTALE, "the ring has lost this operation");
	for (;;) {
		pick(ring);
		if (op->flags & OP_SETTLED) {
			op_collect(ring, op, ret_done);
			return 0;
		}
		if (r < 0)
			return r;
		r = advance(ring, deadline_ns);
		if (r == -EINTR || (ring_can_not_now(r) && tries++ < RING_TRIES))
			r = 0;
		else if (r == 0 && !deadline_ns)
			r = -ETIME;
	}
}

void inner_forget(struct hws_ring *ring, struct hws_op handle)
{
	struct op *op = find(ring, handle);

	if (op)
		op_orphan(ring, op);
}
