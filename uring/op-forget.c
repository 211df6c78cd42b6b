/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Giving an operation up: by an attempt to cancel it, or by no longer waiting for it. */
#include <errno.h>
#include <string.h>

#include "shim/probe-points-internal.h"
#include "shim/why-internal.h"
#include "uring/op-internal.h"

static int find(struct hws_ring *ring, struct hws_op handle, struct op **ret_op)
{
	struct op *op;
	int r = ring_mine(ring);

	if (r < 0)
		return r;
	op = slab_find(&ring->slab, handle.id);
	if (!op || op->state & (OP_ORPHAN | OP_FREE))
		return why(-ESTALE, "this operation is done, or forgotten already");
	*ret_op = op;
	return 0;
}

int ring_cancel(struct hws_ring *ring, uint64_t id, uint32_t flags)
{
	struct io_uring_sqe *sqe;
	int r = ring->cancels >= ring->slab.size ? ring_enter(ring, 0, 0, 0) : 0;

	if (r == 0 && ring->cancels >= ring->slab.size)
		r = why(-EAGAIN, "the queue is full of attempts to cancel: submit them");
	if (r < 0)
		return r;
	ring->cancels++;
	sqe = ring_sqe_besides(ring, id);
	memset(sqe, 0, sizeof(*sqe) << ring->sqe_shift);
	sqe->opcode = IORING_OP_ASYNC_CANCEL;
	sqe->fd = -1;
	sqe->addr = id;
	sqe->cancel_flags = flags;
	sqe->flags = ring->must;
	sqe->user_data = RING_NOBODY;
	ring->stats.cancels++;
	PROBE_POINT(cancel, id);
	return 0;
}

int hws_op_cancel(struct hws_ring *ring, struct hws_op handle)
{
	struct op *op = NULL;
	int r = find(ring, handle, &op);

	if (r < 0)
		return r;
	/* one at a time has its place in the queue; more don't help: what runs can't be stopped */
	if (op->state & OP_CANCELLING)
		return why(-EALREADY, "cancelling this operation was tried already");
	r = ring_refuse_chain(ring);
	if (r == 0)
		r = ring_cancel(ring, op->id, 0);
	if (r == 0)
		op->state |= OP_CANCELLING;
	return r;
}

int hws_op_forget(struct hws_ring *ring, struct hws_op handle)
{
	struct op *op = NULL;
	int r = find(ring, handle, &op);

	if (r < 0)
		return r;
	PROBE_POINT(forget, op->id, op->kind, op->fd, op->length);
	op_orphan(ring, op);
	return 0;
}

int hws_ring_orphans(struct hws_ring *ring, struct hws_orphan *ret_orphans, uint32_t size)
{
	const struct op *op = slab_next(&ring->slab, 0);
	uint64_t now = ring_now();
	uint32_t count = 0;
	int r = ring_mine(ring);

	if (r < 0)
		return r;
	for (; op; op = slab_next(&ring->slab, op_number(op) + 1)) {
		if (!(op->state & OP_ORPHAN))
			continue;
		if (count < size)
			ret_orphans[count] = (struct hws_orphan) {
				.kind = op->kind,
				.fd = op->fd,
				.bytes = op_bytes(op),
				.age_ns = now - op->since,
			};
		count++;
	}
	return (int)count;
}
