/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* From a completion to a done: the only place where buffers come back. */
#include <errno.h>
#include <string.h>

#include "shim/probe-points-internal.h"
#include "shim/sys-internal.h"
#include "uring/ring-group-internal.h"
#include "uring/histogram-internal.h"
#include "uring/op-internal.h"

/* A buffer of a group: the flag and its number there. */
#define GROUP_FLAGS (IORING_CQE_F_BUFFER | ~UINT32_C(0) << IORING_CQE_BUFFER_SHIFT)

void op_end(struct hws_ring *ring, struct op *op)
{
	if (op->state & OP_OPENS)
		ring->by_address--;
	ring->settled -= op->flags & OP_SETTLED ? 1 : 0;
	if (op->extra && op->extra->group)
		group_use(op->extra->group, false);
	extra_free(op->extra);
	op->extra = NULL;
	op->moved = 0;
	slab_free(&ring->slab, op);
}

void op_lose(struct hws_ring *ring, struct op *op)
{
	PROBE_POINT(lose, op->id, op->kind, op->fd, op->length);
	if (op_bufs(ring, op, buf_quarantine) < 0)
		ring->stats.unknown++;
	if (op->state & OP_ORPHAN) {
		ring->stats.orphans--;
		ring->stats.orphan_bytes -= op_bytes(op);
	} else if (op->flags & OP_INNER) {
		ring->stats.inner--;
	}
	ring->stats.lost++;
	if (op->extra && op->extra->group)
		group_use(op->extra->group, false);
	op->extra = NULL;
	op_end(ring, op);
}

/* Begins again what is left of it. The queue has room: the operation's own place. */
static void again(struct hws_ring *ring, struct op *op)
{
	const struct op_kind *kind = &op_kinds[op->kind];
	struct io_uring_sqe *sqe = ring_sqe_besides(ring, op->id);

	/* all that was queued before it is done */
	op->flags &= (uint8_t)~HWS_AFTER;
	op_fill(ring, sqe, op, op->state & OP_HAS_BUF ? op->slot->region : 0);
	/* what else is begun again has nothing more to be filled in */
	if (kind->traits & OP_NVME)
		kind->fill(sqe, NULL, op);
}

/*
 * Linux 6.1 counts all pages of the registered memory against what the device
 * takes in one command, and refuses it before the device sees it: the same is
 * tried by address, and if that is good, from the start the next time.
 */
static bool goes_by_address(struct hws_ring *ring, struct op *op, int64_t result)
{
	if (!(op->flags & OP_FIXED)) {
		if (op->retries == 1 && result != -EINVAL && !ring->nvme_by_address) {
			ring->nvme_by_address = true;
			ring_reduce(ring, "nvme not by registered memory: the kernel refuses it");
		}
		return false;
	}
	if (result != -EINVAL || op->retries)
		return false;
	op->flags &= (uint8_t)~OP_FIXED;
	op->retries = 1;
	if (op_by_address(ring, &op_kinds[op->kind], op) < 0)
		return false;
	again(ring, op);
	return true;
}

static bool transient(int64_t result)
{
	return result == -EAGAIN || result == -EINTR;
}

/* Was it begun again? Else the result is final, and *result counts all that was done. */
static bool goes_on(struct hws_ring *ring, struct op *op, int64_t *result)
{
	const struct op_kind *kind = &op_kinds[op->kind];
	bool awaited = !(op->state & (OP_ORPHAN | OP_UNFILED)) && !ring->closing;

	if (kind->traits & OP_NVME && awaited)
		return goes_by_address(ring, op, *result);
	if (!(kind->traits & OP_MOVES))
		return false;
	if (awaited && transient(*result) && op->retries < RING_TRIES) {
		op->retries++;
		ring->stats.retried++;
		again(ring, op);
		return true;
	}
	if (!(op->flags & HWS_EXACT))
		return false;
	if (*result > 0)
		op->moved += (uint32_t)*result;
	if (awaited && *result > 0 && op->moved < op->length) {
		op->retries = 0;
		ring->stats.resumed++;
		again(ring, op);
		return true;
	}
	/* what failed in the end failed after this much */
	if (op->moved)
		*result = op->moved;
	return false;
}

/* The user's again; all zero when the pool says it never was the operation's. */
static struct hws_buf give_back(struct hws_ring *ring, const struct op *op, int64_t result)
{
	const struct op_kind *kind = &op_kinds[op->kind];
	bool whole = kind->traits & (OP_WHOLE | OP_NVME);
	struct op_extra *extra = op->extra;

	if (extra && extra->bounce && kind->traits & (OP_IN | OP_NVME) && result >= 0 &&
	    extra_copy_in(ring, op, whole ? extra->size : (uint64_t)result) < 0)
		ring->stats.unknown++;
	return op_bufs(ring, op, buf_to_user) == 0 ? op->buf : (struct hws_buf) { 0 };
}

/* Nobody waits for it. */
static void dispose(struct hws_ring *ring, struct op *op, int64_t result, uint32_t flags)
{
	if (op_kinds[op->kind].traits & OP_MAKES_FD && result >= 0) {
		sys_close((int)result);
		ring->stats.descriptors_shut++;
	}
	if (flags & IORING_CQE_F_BUFFER)
		group_put_back(op->extra->group, flags >> IORING_CQE_BUFFER_SHIFT);
	if (flags & IORING_CQE_F_MORE)
		return;
	PROBE_POINT(reclaim, op->id, op->kind, result);
	if (op_bufs(ring, op, buf_reclaim) < 0)
		ring->stats.unknown++;
	ring->stats.reclaimed++;
	if (op->state & OP_ORPHAN) {
		ring->stats.orphans--;
		ring->stats.orphan_bytes -= op_bytes(op);
	}
	op_end(ring, op);
}

static void deliver(struct hws_ring *ring, struct op *op, int64_t result, uint32_t flags,
		    struct hws_done *ret_done)
{
	bool more = flags & IORING_CQE_F_MORE;
	struct hws_done done = {
		.tag = op->tag,
		.result = result,
		.kind = op->kind,
		.flags = more ? HWS_DONE_MORE : 0,
	};

	PROBE_POINT(done, op->id, op->kind, result, op->tag);
	if (flags & IORING_CQE_F_BUFFER)
		done.buf = group_take(op->extra->group, flags >> IORING_CQE_BUFFER_SHIFT);
	if (!more) {
		if (ring->histograms)
			histogram_add(ring->histograms, op->kind, ring_now() - op->since);
		if (!(flags & IORING_CQE_F_BUFFER))
			done.buf = give_back(ring, op, result);
		ring->stats.delivered++;
		op_end(ring, op);
	}
	*ret_done = done;
}

void op_collect(struct hws_ring *ring, struct op *op, struct hws_done *ret_done)
{
	ring->stats.inner--;
	deliver(ring, op, op->result, 0, ret_done);
}

void op_orphan(struct hws_ring *ring, struct op *op)
{
	op->state |= OP_ORPHAN;
	op->since = ring_now();
	ring->stats.orphans++;
	ring->stats.orphan_bytes += op_bytes(op);
	if (op->flags & OP_INNER)
		ring->stats.inner--;
	if (op->flags & OP_SETTLED)
		dispose(ring, op, op->result, 0);
}

/* The result is here, the memory is to follow: kept until then. */
static void keep(struct hws_ring *ring, struct op *op, int64_t result)
{
	if (op_bufs(ring, op, buf_returning) < 0)
		ring->stats.unknown++;
	op->state |= OP_RETURNING;
	op->result = result;
}

bool op_settle(struct hws_ring *ring, struct op *op, int32_t result, uint32_t flags,
	       struct hws_done *ret_done)
{
	uint32_t traits = op_kinds[op->kind].traits;
	int64_t total = result;

	if (op->flags & OP_SETTLED) {
		ring->stats.unknown++;
		return false;
	}
	/* of what the kind can't have, nothing is believed */
	flags &= IORING_CQE_F_NOTIF | (traits & (OP_MANY | OP_TWICE) ? IORING_CQE_F_MORE : 0) |
		 (traits & OP_GROUP ? GROUP_FLAGS : 0);
	if (flags & IORING_CQE_F_NOTIF) {
		if (!(op->state & OP_RETURNING)) {
			ring->stats.unknown++;
			return false;
		}
		total = op->result;
		flags &= ~(uint32_t)IORING_CQE_F_NOTIF;
	} else if (op->state & OP_RETURNING) {
		/* a second result: only the notification is to come */
		ring->stats.unknown++;
		return false;
	} else if (traits & OP_TWICE && flags & IORING_CQE_F_MORE) {
		keep(ring, op, result);
		return false;
	}
	if (!(flags & IORING_CQE_F_MORE) && goes_on(ring, op, &total))
		return false;
	if (op->state & OP_ORPHAN || ring->closing) {
		dispose(ring, op, total, flags);
		return false;
	}
	if (op->flags & OP_INNER) {
		op->result = total;
		op->flags |= OP_SETTLED;
		ring->settled++;
		return false;
	}
	deliver(ring, op, total, flags, ret_done);
	return true;
}
