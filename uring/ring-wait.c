/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Submitting, waiting, taking what is done. */
#include <errno.h>
#include <string.h>
#include <time.h>

#include "shim/sys-internal.h"
#include "shim/why-internal.h"
#include "uring/op-internal.h"

#define COLD __attribute__((cold, noinline))

uint64_t ring_now(void)
{
	uint64_t now = 0;

	return sys_clock(CLOCK_MONOTONIC, &now) == 0 ? now : 0;
}

void ring_ignore(struct hws_ring *ring, const struct io_uring_cqe *cqe)
{
	if (cqe->user_data != RING_NOBODY)
		ring->stats.unknown++;
	else if (cqe->res < 0)
		ring->stats.cancels_missed++;
}

/* Result and flags in one: up to INT32_MAX the result is no error, and there are no flags. */
static inline uint64_t outcome(const struct io_uring_cqe *cqe)
{
	return (uint64_t)cqe->flags << 32 | (uint32_t)cqe->res;
}

/* Is nothing left to do but this: the buffer goes back to the user, if it has one? */
static inline bool give_back(const struct op *op)
{
	if (unlikely(op->state != OP_HAS_BUF))
		return op->state == 0;
	return likely(buf_step_back(op->slot, op->back, op->lent));
}

/* Most operations end here. */
static inline void deliver(const struct op *op, uint64_t result, struct hws_done *ret_done)
{
	ret_done->tag = op->tag;
	ret_done->result = (int64_t)result;
	ret_done->buf = op->buf;
	/* the kind, and no flags */
	memcpy(&ret_done->kind, &(uint64_t) { ring_leading(op->kind, 32) }, sizeof(uint64_t));
}

/* How many dones it made; -1: there is no room for the one it would make. */
static COLD int settle(struct hws_ring *ring, const struct io_uring_cqe *cqe,
		       struct hws_done *ret_done, bool room)
{
	struct op *op = slab_at(&ring->slab, cqe->user_data);

	if (op->id != cqe->user_data || op->state & OP_FREE) {
		ring_ignore(ring, cqe);
		return 0;
	}
	if (!room && !(op->state & OP_ORPHAN) && !(op->flags & OP_INNER) && !ring->closing)
		return -1;
	return op_settle(ring, op, cqe->res, cqe->flags, ret_done) ? 1 : 0;
}

/* How many of @ready completions lie one behind the other in memory, and find @room. */
static inline uint32_t stretch(const struct io_uring_cq *cq, uint32_t head, uint32_t ready,
			       uint32_t room)
{
	uint32_t count = cq->ring_mask + 1 - (head & cq->ring_mask);

	if (count > ready)
		count = ready;
	return count < room ? count : room;
}

/* With no room for a done: how many of @ready make none. */
static COLD uint32_t settle_rest(struct hws_ring *ring, uint32_t head, uint32_t ready)
{
	const struct io_uring_cq *cq = &ring->io.cq;
	uint32_t i = 0;

	while (i < ready && settle(ring, &cq->cqes[((head + i) & cq->ring_mask) << ring->cqe_shift],
				   NULL, false) == 0)
		i++;
	return i;
}

/* Written for both sizes of completions, so that the common one costs no shift. */
static inline __attribute__((always_inline)) uint32_t
reap(struct hws_ring *ring, struct hws_done *ret_done, uint32_t size, uint32_t shift)
{
	struct io_uring_cq *cq = &ring->io.cq;
	struct hws_done *done = ret_done;
	struct op *free = ring->slab.free;
	uint32_t head = *cq->khead;
	uint32_t ready = ring_ready(ring);
	uint32_t room = size;
	uint32_t slow = 0;

	while (ready && room) {
		const struct io_uring_cqe *cqe = &cq->cqes[(head & cq->ring_mask) << shift];
		uint32_t count = stretch(cq, head, ready, room);
		const struct io_uring_cqe *end = cqe + (count << shift);

		head += count;
		ready -= count;
		for (; cqe != end; cqe += 1 << shift) {
			struct op *op = slab_at(&ring->slab, cqe->user_data);
			uint64_t result = outcome(cqe);

			if (likely(op->id == cqe->user_data && result <= INT32_MAX &&
				   give_back(op))) {
				deliver(op, result, done++);
				free = slab_put(free, op);
				continue;
			}
			ring->slab.free = free;
			if (settle(ring, cqe, done, true) > 0) {
				done++;
				slow++;
			}
			free = ring->slab.free;
		}
		room = size - (uint32_t)(done - ret_done);
	}
	ring->slab.free = free;
	if (unlikely(ready))
		head += settle_rest(ring, head, ready);
	/* those that op_settle() made it has counted */
	ring->stats.delivered += size - room - slow;
	/* release: pairs with the back end's acquire; what was read may be overwritten */
	__atomic_store_n(cq->khead, head, __ATOMIC_RELEASE);
	return size - room;
}

static COLD uint32_t reap_big(struct hws_ring *ring, struct hws_done *ret_done, uint32_t size)
{
	return reap(ring, ret_done, size, 1);
}

uint32_t ring_reap(struct hws_ring *ring, struct hws_done *ret_done, uint32_t size)
{
	return unlikely(ring->cqe_shift) ? reap_big(ring, ret_done, size)
					 : reap(ring, ret_done, size, 0);
}

/* With the pool open to this thread's system call, for what goes by address. */
static COLD int enter_opened(struct hws_ring *ring, uint32_t submit, uint32_t least, uint32_t flags,
			     uint64_t deadline_ns)
{
	int r;

	pool_open_for_kernel(ring->pool);
	r = ring->backend->enter(ring, submit, least, flags, deadline_ns);
	pool_close_for_kernel(ring->pool);
	return r;
}

/* What the thread is refused; 0 when all is well. */
static int enter(struct hws_ring *ring, uint32_t least, uint32_t flags, uint64_t deadline_ns)
{
	struct io_uring_sq *sq = &ring->io.sq;
	uint64_t used = ring_used(ring);
	uint32_t end = unlikely(ring->ordered) ? ring_gate(ring) : sq->sqe_tail;
	uint32_t submit;
	int r;

	/* release: the entries come before the tail. From here on no error gives a buffer back */
	__atomic_store_n(sq->ktail, end, __ATOMIC_RELEASE);
	ring->stats.submitted = ring_submitted(ring);
	ring->counted = sq->sqe_tail;
	submit = ring_queued(ring);
	if (unlikely(end != sq->sqe_tail)) {
		submit -= sq->sqe_tail - end;
		/* the next that is done may be what the others wait for */
		least = least <= ring_ready(ring) ? least : ring_ready(ring) + 1;
	}
	if (used > ring->stats.peak)
		ring->stats.peak = used;
	ring->stats.enters++;
	r = unlikely(ring->by_address)
		    ? enter_opened(ring, submit, least, flags, deadline_ns)
		    : ring->backend->enter(ring, submit, least, flags, deadline_ns);
	if (!ring_shown(ring))
		ring->cancels = likely(end == sq->sqe_tail) ? 0 : ring_held_cancels(ring);
	return likely(r >= 0) ? 0 : r;
}

static COLD int enter_failed(struct hws_ring *ring, int code)
{
	ring->stats.enter_errors++;
	/* -EBADR: a completion is lost for good, nobody knows whose */
	if (code == -EBADR || (!ring_can_not_now(code) && ++ring->streak >= RING_STREAK))
		ring_break(ring, code);
	return why(code, "the kernel doesn't take what is queued: %s", strerror(-code));
}

int ring_enter(struct hws_ring *ring, uint32_t least, uint32_t flags, uint64_t deadline_ns)
{
	int r = enter(ring, least, flags, deadline_ns);

	if (unlikely(r < 0 && r != -ETIME && r != -EINTR))
		return enter_failed(ring, r);
	ring->streak = 0;
	return r;
}

void ring_break(struct hws_ring *ring, int code)
{
	if (ring->broken)
		return;
	ring->broken = code;
	ring->page->owner = 0;
	ring->quick = 0;
}

int hws_submit(struct hws_ring *ring)
{
	int r = ring_mine(ring);
	bool more = r == 0 && ring_queued(ring);

	for (uint32_t tries = 0; r == 0 && more; more = ring_shown(ring)) {
		r = ring_enter(ring, 0, tries ? RING_EVENTS : 0, 0);
		if ((r == -EINTR || ring_can_not_now(r)) && ++tries < RING_TRIES)
			r = 0;
	}
	return r;
}

/* Enters if that can bring anything nearer. */
static int advance(struct hws_ring *ring, uint32_t least, uint64_t deadline_ns)
{
	uint32_t ready = ring_ready(ring);
	bool wait = ready < least && deadline_ns != 0;

	if (__atomic_load_n(ring->io.sq.kflags, __ATOMIC_RELAXED) & IORING_SQ_CQ_OVERFLOW)
		ring->stats.overflows++;
	if (!wait && !ring_queued(ring) && (ready || !ring_hides(ring)))
		return 0;
	return ring_enter(ring, wait ? least - ready : 0, RING_EVENTS, deadline_ns);
}

static int wait_more(struct hws_ring *ring, struct hws_done *ret_done, uint32_t size,
		     uint32_t least, uint64_t deadline_ns)
{
	uint32_t count = 0;
	uint32_t tries = 0;

	for (;;) {
		uint64_t awaited = ring_awaited(ring);
		uint64_t want = awaited < least - count ? awaited : least - count;
		int r = advance(ring, (uint32_t)want, deadline_ns);

		count += ring_reap(ring, ret_done + count, size - count);
		if (count >= least || ring_awaited(ring) == 0)
			return (int)count;
		if (r == 0 && deadline_ns == 0)
			r = -ETIME;
		if (r == -EINTR || (ring_can_not_now(r) && tries++ < RING_TRIES))
			continue;
		if (r == -ETIME)
			(void)why(r, "the deadline came before enough was done");
		if (r < 0)
			return count ? (int)count : r;
	}
}

/* Each operation of a broken ring ends as lost: what it had may be the kernel's for ever. */
static uint32_t lose(struct hws_ring *ring, struct hws_done *ret_done, uint32_t size)
{
	uint32_t count = 0;
	struct op *op = slab_next(&ring->slab, 0);

	while (op && count < size) {
		uint32_t number = op_number(op);

		if (!(op->state & OP_ORPHAN) && !(op->flags & OP_INNER))
			ret_done[count++] = (struct hws_done) {
				.tag = op->tag,
				.result = ring->broken,
				.kind = op->kind,
				.flags = HWS_DONE_LOST,
			};
		op_lose(ring, op);
		op = slab_next(&ring->slab, number + 1);
	}
	return count;
}

/* What did complete comes first, as what it is. */
static COLD int wait_broken(struct hws_ring *ring, struct hws_done *ret_done, uint32_t size)
{
	uint32_t count = ring_reap(ring, ret_done, size);

	count += lose(ring, ret_done + count, size - count);
	return count ? (int)count : ring_refuse(ring);
}

void ring_rest(struct hws_ring *ring)
{
	int r = hws_submit(ring);

	if (r == 0 && ring->rung && !ring_ready(ring))
		r = ring_enter(ring, 0, RING_EVENTS, 0);
	/* what goes wrong will do so again when it is asked for */
	(void)r;
}

int hws_wait_many(struct hws_ring *ring, struct hws_done *ret_done, uint32_t size, uint32_t least,
		  uint64_t deadline_ns)
{
	struct hws_done none;
	int r = ring_mine(ring);

	if (unlikely(size == 0))
		ret_done = &none;
	if (least > size)
		least = size;
	if (likely(r == 0)) {
		r = wait_more(ring, ret_done, size, least, deadline_ns);
		if (unlikely(ring->rung || ring_queued(ring)))
			ring_rest(ring);
	}
	if (unlikely(r < 0 && ring->broken && ring_refuse(ring) == -EIO))
		r = wait_broken(ring, ret_done, size);
	if (unlikely(ring->meter && ring->owner == ring_thread && ring->page->here))
		ring_publish(ring);
	return r;
}

int hws_wait(struct hws_ring *ring, struct hws_done *ret_done, uint32_t size, uint64_t deadline_ns)
{
	return hws_wait_many(ring, ret_done, size, 1, deadline_ns);
}
