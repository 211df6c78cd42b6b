/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The two queues and the door, as ring-uring.c has them of the kernel. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/timerfd.h>

#include "guardian/snapshot.h"
#include "shim/sys-internal.h"
#include "shim/why-internal.h"
#include "uring/ring-emulate-internal.h"

struct emu *emu_of(const struct hws_ring *ring)
{
	return ring->backend_data;
}

static void init(struct emu *emu, struct hws_ring *ring)
{
	struct emu_node *lists[] = { &emu->ready, &emu->timers, &emu->done, &emu->all, &emu->dead };

	emu->ring = ring;
	emu->poller = emu->bell = emu->clock = -1;
	emu->clock_at = HWS_FOREVER;
	for (size_t i = 0; i < sizeof(lists) / sizeof(lists[0]); i++)
		node_init(lists[i]);
	for (size_t i = 0; i < EMU_BUCKETS; i++)
		node_init(&emu->files[i]);
}

static int make_queues(struct hws_ring *ring, struct emu *emu)
{
	struct io_uring_sq *sq = &ring->io.sq;
	struct io_uring_cq *cq = &ring->io.cq;
	bool big = ring->options.flags & HWS_RING_NVME;

	ring->sqe_shift = ring->cqe_shift = big ? 1 : 0;
	sq->ring_entries = ring->slab.size * 2;
	cq->ring_entries = ring->slab.size * 4;
	sq->ring_mask = sq->ring_entries - 1;
	cq->ring_mask = cq->ring_entries - 1;
	sq->khead = &emu->queues[0];
	sq->ktail = &emu->queues[1];
	sq->kflags = &emu->queues[2];
	cq->khead = &emu->queues[3];
	cq->ktail = &emu->queues[4];
	cq->kflags = &emu->queues[5];
	sq->sqes = calloc(sq->ring_entries, sizeof(*sq->sqes) << ring->sqe_shift);
	cq->cqes = calloc(cq->ring_entries, sizeof(*cq->cqes) << ring->cqe_shift);
	return sq->sqes && cq->cqes ? 0 : why(-ENOMEM, "no memory for a ring");
}

static int watch(struct emu *emu, int fd, void *who)
{
	struct epoll_event event = { .events = EPOLLIN, .data.ptr = who };

	return fd < 0 ? fd : sys_epoll_ctl(emu->poller, EPOLL_CTL_ADD, fd, &event);
}

static int make_poller(struct emu *emu)
{
	int r;

	emu->poller = sys_epoll_create();
	if (emu->poller < 0)
		return emu->poller;
	emu->bell = sys_eventfd();
	r = watch(emu, emu->bell, &emu->bell);
	if (r < 0)
		return r;
	emu->clock = sys_timerfd();
	return watch(emu, emu->clock, &emu->clock);
}

/* As many as the ring is deep, so that none has to be made later. */
static int make_ops(struct emu *emu)
{
	for (uint32_t i = 0; i < emu->ring->slab.size; i++) {
		struct emu_op *op = malloc(sizeof(*op));

		if (!op)
			return why(-ENOMEM, "no memory for a ring");
		op->link = emu->spare;
		emu->spare = op;
	}
	return 0;
}

static int emu_open(struct hws_ring *ring, const char *mode, bool threads)
{
	struct emu *emu = calloc(1, sizeof(*emu));
	int r;

	if (!emu)
		return why(-ENOMEM, "no memory for a ring");
	init(emu, ring);
	ring->backend_data = emu;
	ring->mode_name = mode;
	ring->features = IORING_FEAT_NODROP | IORING_FEAT_SUBMIT_STABLE;
	/* all happens while the owner enters */
	ring->defers = true;
	ring->opened = true;
	emu->threads = threads;
	r = make_queues(ring, emu);
	if (r == 0)
		r = make_ops(emu);
	if (r < 0)
		return r;
	r = make_poller(emu);
	return r < 0 ? why(r, "no descriptors for a ring: %s", strerror(-r)) : 0;
}

static int epoll_open(struct hws_ring *ring)
{
	return emu_open(ring, "threads", true);
}

static int sync_open(struct hws_ring *ring)
{
	return emu_open(ring, "calls", false);
}

bool emu_room(const struct emu *emu)
{
	return ring_ready(emu->ring) < emu->ring->io.cq.ring_entries;
}

void emu_post(struct emu *emu, const struct io_uring_sqe *sqe, int64_t result, uint32_t flags)
{
	struct io_uring_cq *cq = &emu->ring->io.cq;
	unsigned tail = *cq->ktail;
	struct io_uring_cqe *cqe = &cq->cqes[(tail & cq->ring_mask) << emu->ring->cqe_shift];

	cqe->user_data = sqe->user_data;
	cqe->res = (int32_t)result;
	cqe->flags = flags;
	/* release: pairs with ring_ready(), though both are of one thread here */
	__atomic_store_n(cq->ktail, tail + 1, __ATOMIC_RELEASE);
}

/* None of them has begun. */
static void drop(struct emu_op *op)
{
	while (op) {
		struct emu_op *next = op->link;

		emu_op_free(op);
		op = next;
	}
}

/*
 * Takes an entry with all that are linked to it: how many, or -ENOMEM: then all of them stay
 * queued, for what follows in a chain must not begin before what it waits for.
 */
static int64_t take(struct emu *emu, unsigned head, uint32_t most)
{
	const struct io_uring_sq *sq = &emu->ring->io.sq;
	struct emu_op *first = NULL;
	struct emu_op **link = &first;
	uint32_t count = 0;
	bool more = true;

	while (more && count < most) {
		unsigned at = (head + count) & sq->ring_mask;
		struct emu_op *op = emu_op_new(emu, &sq->sqes[at << emu->ring->sqe_shift]);

		if (!op) {
			drop(first);
			return -ENOMEM;
		}
		count++;
		*link = op;
		link = &op->link;
		more = op->sqe.flags & (IOSQE_IO_LINK | IOSQE_IO_HARDLINK);
	}
	emu_begin(first);
	return count;
}

static int submit_all(struct emu *emu, uint32_t submit)
{
	struct io_uring_sq *sq = &emu->ring->io.sq;
	uint32_t taken = 0;

	while (taken < submit) {
		int64_t count = take(emu, *sq->khead, submit - taken);

		if (count < 0)
			return taken ? (int)taken : (int)count;
		/* release: pairs with ring_queued(); the entries were copied */
		__atomic_store_n(sq->khead, *sq->khead + (unsigned)count, __ATOMIC_RELEASE);
		taken += (uint32_t)count;
		emu_run(emu);
	}
	return (int)taken;
}

/* What is due by itself; how long until something is. */
static uint64_t step(struct emu *emu)
{
	uint64_t next;

	emu_flush(emu);
	next = emu_expire(emu);
	emu_run(emu);
	return next;
}

static int wait_for(struct emu *emu, uint32_t least, uint64_t deadline_ns)
{
	int r = emu_look(emu, 0);

	for (;;) {
		uint64_t next = step(emu);

		emu_bury(emu);
		if (ring_ready(emu->ring) >= least)
			return 0;
		if (r < 0 && r != -ETIME)
			return r;
		if (deadline_ns != HWS_FOREVER && ring_now() >= deadline_ns)
			return -ETIME;
		r = emu_look(emu, next < deadline_ns ? next : deadline_ns);
	}
}

/* So that the descriptor polls readable: at the next timeout, and while completions are there. */
static void set_signs(struct emu *emu)
{
	uint64_t next;

	if (!emu->polled)
		return;
	next = emu_expire(emu);
	if (next != emu->clock_at)
		sys_timerfd_set(emu->clock, next == HWS_FOREVER ? 0 : next);
	emu->clock_at = next;
	emu->ring->rung = ring_ready(emu->ring);
	if (emu->ring->rung)
		sys_eventfd_ring(emu->bell);
}

static int emu_ring_fd(struct hws_ring *ring)
{
	struct emu *emu = emu_of(ring);

	emu->polled = true;
	set_signs(emu);
	return emu->poller;
}

static int emu_enter(struct hws_ring *ring, uint32_t submit, uint32_t least, uint32_t flags,
		     uint64_t deadline_ns)
{
	struct emu *emu = emu_of(ring);
	int taken;
	int r = 0;

	emu_flush(emu);
	taken = submit_all(emu, submit);
	if (taken < 0)
		return taken;
	if (least || flags & RING_EVENTS)
		r = wait_for(emu, least, deadline_ns);
	set_signs(emu);
	return r < 0 && !taken ? r : taken;
}

static void free_ops(struct emu *emu)
{
	while (!node_alone(&emu->all)) {
		struct emu_op *op = EMU_OP_ALL(emu->all.next);

		node_take(&op->all);
		emu_disown(op);
		free(op);
	}
	while (emu->spare) {
		struct emu_op *op = emu->spare;

		emu->spare = op->link;
		free(op);
	}
}

static void release(struct hws_ring *ring)
{
	struct emu *emu = emu_of(ring);

	emu_files_end(emu);
	free_ops(emu);
	for (uint32_t i = 0; i < emu->fixed_count; i++)
		sys_close(emu->fixed[i]);
	while (emu->groups) {
		struct emu_group *group = emu->groups;

		emu->groups = group->next;
		free(group);
	}
	sys_close(emu->poller);
	sys_close(emu->bell);
	sys_close(emu->clock);
	free(emu->fixed);
	free(ring->io.sq.sqes);
	free(ring->io.cq.cqes);
	free(emu);
	ring->backend_data = NULL;
	ring->opened = false;
}

static void emu_close(struct hws_ring *ring)
{
	if (!ring->opened)
		return;
	crew_end(emu_of(ring)->crew);
	release(ring);
}

/* The threads are the parent's; their words are left alone. */
static void emu_forsake(struct hws_ring *ring)
{
	if (ring->opened)
		release(ring);
}

/* Any thread will do. */
static void emu_adopt(struct hws_ring *ring)
{
	(void)ring;
}

const struct ring_backend ring_epoll = {
	.name = "epoll",
	.number = HWS_RING_EPOLL,
	.open = epoll_open,
	.enter = emu_enter,
	.tell = emu_tell,
	.fd = emu_ring_fd,
	.close = emu_close,
	.forsake = emu_forsake,
	.adopt = emu_adopt,
};

const struct ring_backend ring_sync = {
	.name = "sync",
	.number = HWS_RING_SYNC,
	.open = sync_open,
	.enter = emu_enter,
	.tell = emu_tell,
	.fd = emu_ring_fd,
	.close = emu_close,
	.forsake = emu_forsake,
	.adopt = emu_adopt,
};
