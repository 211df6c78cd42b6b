/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The end of a ring. Closing its descriptor is no barrier: the kernel goes on
 * writing to buffers for a while after close(2) has returned. So everything is
 * cancelled and waited for first; what isn't done then is nobody's any more.
 */
#include <errno.h>

#include "shim/sys-internal.h"
#include "shim/why-internal.h"
#include "uring/ring-group-internal.h"
#include "uring/op-internal.h"
#include "uring/stream-internal.h"

/* A forked child has the ring's words but neither its queues nor its memory. */
static int close_in_child(struct hws_ring *ring)
{
	stream_end_all(ring);
	ring->backend->forsake(ring);
	ring_free(ring);
	return 0;
}

/* One that was joined is there for some moments longer: many where the processors are few. */
enum { LEAVING_MS = 1000 };

/* May this thread close it? One that ended can't, so then any may. */
static int adopt(struct hws_ring *ring)
{
	if (ring->owner == ring_thread)
		return 0;
	for (int i = 0; i < LEAVING_MS && sys_thread_alive(ring->thread); i++)
		sys_sleep(1000 * 1000);
	if (sys_thread_alive(ring->thread))
		return why(-EBUSY, "this ring is thread %d's, which has to close it", ring->thread);
	ring->backend->adopt(ring);
	return 0;
}

/* Nobody waits: no done is made. */
static void reap_all(struct hws_ring *ring)
{
	struct hws_done none;

	(void)ring_reap(ring, &none, 0);
}

/* One round; what is between two states when it is cancelled needs another. */
static int drain(struct hws_ring *ring, uint64_t deadline_ns)
{
	uint64_t round = ring_now() + RING_DRAIN_NS;
	int r = ring_cancel(ring, 0, IORING_ASYNC_CANCEL_ANY | IORING_ASYNC_CANCEL_ALL);

	(void)r; /* without room for it what is queued goes first, and the next round cancels */
	do {
		r = ring_enter(ring, 1, RING_EVENTS, round < deadline_ns ? round : deadline_ns);
		reap_all(ring);
	} while (ring_used(ring) && (r == 0 || r == -EINTR));
	return r;
}

/* Nothing follows any more: what is cancelled must not wait for what would hang for ever. */
static void end_chain(struct hws_ring *ring)
{
	struct io_uring_sqe *link = ring_half_chain(ring);

	if (link)
		link->flags &= (uint8_t) ~(IOSQE_IO_LINK | IOSQE_IO_HARDLINK);
}

static void drain_all(struct hws_ring *ring, uint64_t deadline_ns)
{
	uint32_t failures = 0;

	reap_all(ring);
	while (ring_used(ring) && !ring->broken && failures < RING_TRIES) {
		int r = drain(ring, deadline_ns);

		if (ring_now() >= deadline_ns)
			break;
		failures = r < 0 && r != -ETIME ? failures + 1 : 0;
	}
}

int hws_ring_close(struct hws_ring *ring, uint64_t deadline_ns)
{
	uint32_t lost = 0;
	int r;

	if (!ring)
		return 0;
	if (!ring->page->here)
		return close_in_child(ring);
	r = adopt(ring);
	if (r < 0)
		return r;
	end_chain(ring);
	stream_end_all(ring);
	ring->closing = true;
	ring_drop_held(ring);
	drain_all(ring, deadline_ns);
	for (struct op *op = slab_next(&ring->slab, 0); op; op = slab_next(&ring->slab, 0), lost++)
		op_lose(ring, op);
	group_close_all(ring, lost > 0);
	ring->backend->close(ring);
	ring_free(ring);
	return (int)lost;
}
