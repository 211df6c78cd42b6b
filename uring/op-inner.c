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

struct io_uring_sqe *ring_sqe_besides(struct hws_ring *ring, uint64_t id)
{
	const struct io_uring_sq *sq = &ring->io.sq;
	uint32_t place = ring_place(ring, id);
	uint32_t at = sq->sqe_tail;

	ring_keep_last(ring, ring_last(ring));
	ring->counted++;
	(void)ring_sqe(ring);
	/* a half chain moves up, too: it goes on with what the program queues next */
	for (; at != place || ring_link(ring, at); at--)
		memcpy(&sq->sqes[(at & sq->ring_mask) << ring->sqe_shift],
		       &sq->sqes[((at - 1) & sq->ring_mask) << ring->sqe_shift],
		       sizeof(*sq->sqes) << ring->sqe_shift);
	return &sq->sqes[(at & sq->ring_mask) << ring->sqe_shift];
}

int ring_refuse_chain(const struct hws_ring *ring)
{
	if (!ring_half_chain(ring))
		return 0;
	return why(-EBUSY, "a chain is being queued on this ring: complete it first");
}

int inner_queue(struct hws_ring *ring, const struct hws_request *request, struct hws_op *ret_op)
{
	struct op *op;
	uint64_t last;
	int r = ring_mine(ring);

	if (r == 0)
		r = ring_refuse_chain(ring);
	if (r < 0)
		return r;
	last = ring_last(ring);
	r = hws_queue(ring, request, ret_op);
	if (r < 0)
		return r;
	op = slab_find(&ring->slab, ret_op->id);
	op->flags |= OP_INNER;
	op->state |= OP_SLOW;
	op->retries = RING_TRIES;
	ring->stats.inner++;
	ring_keep_last(ring, last);
	return 0;
}

/* Deals with the completion, unless it is one that somebody else waits for. */
static bool settle(struct hws_ring *ring, const struct op *wanted, const struct io_uring_cqe *cqe)
{
	struct op *op = slab_find(&ring->slab, cqe->user_data);
	struct hws_done none;

	if (op && op != wanted && !(op->state & (OP_FREE | OP_ORPHAN)))
		return false;
	if (!op || op->state & OP_FREE)
		ring_ignore(ring, cqe);
	else
		(void)op_settle(ring, op, cqe->res, cqe->flags, &none);
	return true;
}

static struct io_uring_cqe *completion(const struct hws_ring *ring, uint32_t at)
{
	const struct io_uring_cq *cq = &ring->io.cq;

	return &cq->cqes[(at & cq->ring_mask) << ring->cqe_shift];
}

/*
 * Takes what is wanted and what nobody waits for, in the order it came: what an operation says
 * twice makes sense in that order only. The others move up, in theirs. Gives how many these are:
 * what the kernel's workers add meanwhile was not looked at.
 */
static uint32_t pick(struct hws_ring *ring, const struct op *wanted)
{
	uint32_t first = *ring->io.cq.khead;
	uint32_t end = first + ring_ready(ring);
	uint32_t at;
	uint32_t to = end;

	for (at = first; at != end; at++) {
		struct io_uring_cqe *cqe = completion(ring, at);

		/* what was taken is marked by what nobody waits for in any case */
		if (settle(ring, wanted, cqe))
			cqe->user_data = RING_NOBODY;
	}
	while (at != first) {
		const struct io_uring_cqe *cqe = completion(ring, --at);

		if (cqe->user_data != RING_NOBODY && --to != at)
			memcpy(completion(ring, to), cqe, sizeof(*cqe) << ring->cqe_shift);
	}
	/* release: pairs with the back end's acquire; what was read may be overwritten */
	__atomic_store_n(ring->io.cq.khead, to, __ATOMIC_RELEASE);
	return end - to;
}

/* What was @kept doesn't count: it is for one more that is waited. */
static int advance(struct hws_ring *ring, uint32_t kept, bool wait)
{
	int r = ring_refuse_chain(ring);

	if (r < 0)
		return r;
	if (kept > ring->io.cq.ring_mask || (wait && ring_stalls(ring)))
		return why(-EAGAIN, "%u dones are to be taken: call hws_wait()", kept);
	if (!wait && !ring_queued(ring) && !ring_hides(ring))
		return 0;
	return ring_enter(ring, wait ? kept + 1 : 0, RING_EVENTS, wait ? HWS_FOREVER : 0);
}

static int await(struct hws_ring *ring, const struct op *op, bool wait)
{
	uint32_t tries = 0;
	uint32_t kept = pick(ring, op);
	int r = 0;

	while (r == 0 && !(op->flags & OP_SETTLED)) {
		r = advance(ring, kept, wait);
		if (r == 0 && !wait)
			r = why(-EAGAIN, "this is under way: hws_ring_fd() says when to try again");
		else if (r == -EINTR || (ring_can_not_now(r) && tries++ < RING_TRIES))
			r = 0;
		kept = pick(ring, op);
	}
	return op->flags & OP_SETTLED ? 0 : r;
}

/* As hws_wait() does in the end, if that doesn't tear a chain. */
static void rest(struct hws_ring *ring)
{
	if (ring->rung && !ring_half_chain(ring))
		ring_rest(ring);
}

int inner_collect(struct hws_ring *ring, struct hws_op handle, bool wait, struct hws_done *ret_done)
{
	struct op *op = find(ring, handle);
	int r = ring_mine(ring);

	if (r < 0)
		return r;
	if (!op)
		return why(-ESTALE, "the ring has lost this operation");
	r = await(ring, op, wait);
	if (r == 0)
		op_collect(ring, op, ret_done);
	rest(ring);
	return r;
}

void inner_forget(struct hws_ring *ring, struct hws_op handle)
{
	struct op *op = find(ring, handle);
	bool cancelled = false;
	uint32_t kept;

	if (!op)
		return;
	kept = pick(ring, op);
	if (!(op->flags & OP_SETTLED) && !ring_half_chain(ring))
		cancelled = hws_op_cancel(ring, handle) == 0;
	op_orphan(ring, op);
	/* most end at once; what goes wrong with the others will show when the ring closes */
	if (cancelled && advance(ring, kept, false) == 0)
		(void)pick(ring, NULL);
	rest(ring);
}
