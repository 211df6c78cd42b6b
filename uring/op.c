/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* From a request to an entry in the queue, or back to where it was. */
#include "uring/op.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include "shim/probe-points-internal.h"
#include "shim/sys-internal.h"
#include "shim/why-internal.h"
#include "uring/nvme-internal.h"
#include "uring/op-internal.h"
#include "uring/ring-group-internal.h"

_Static_assert(HWS_AFTER == IOSQE_IO_DRAIN && HWS_LINK == IOSQE_IO_LINK &&
		       HWS_HARDLINK == IOSQE_IO_HARDLINK && HWS_ASYNC == IOSQE_ASYNC,
	       "our flags are the kernel's");
#define SQE_FLAGS (HWS_AFTER | HWS_LINK | HWS_HARDLINK | HWS_ASYNC)
#define ALL_FLAGS ((uint32_t)(SQE_FLAGS | HWS_EXACT))
/* The traits of what ends with handing one buffer back. */
#define QUICK ((uint32_t)(OP_BUF | OP_IN | OP_MOVES | OP_FLAGS | OP_BOUNCE | OP_NO_FILE))

void op_fill(struct hws_ring *ring, struct io_uring_sqe *sqe, const struct op *op, uint32_t index)
{
	const struct op_kind *kind = &op_kinds[op->kind];
	const void *bounce = op->extra ? op->extra->bounce : NULL;
	uint32_t length = op->length - op->moved;
	bool fixed = op->flags & OP_FIXED;
	int place = RING_FILE(op->fd);

	memset(sqe, 0, sizeof(*sqe) << ring->sqe_shift);
	sqe->opcode = fixed ? kind->fixed : kind->opcode;
	sqe->flags = (uint8_t)((op->flags & SQE_FLAGS) | (place < 0 ? 0 : IOSQE_FIXED_FILE));
	if (kind->traits & OP_NO_FILE)
		sqe->flags |= ring->must;
	sqe->fd = place < 0 ? op->fd : place;
	sqe->ioprio = kind->ioprio;
	sqe->addr = (bounce ? (uintptr_t)bounce : op->address) + op->moved;
	sqe->len = length < RING_MAX_MOVE ? length : RING_MAX_MOVE;
	if (!(kind->traits & OP_FLAGS))
		sqe->off = op->offset == HWS_HERE ? HWS_HERE : op->offset + op->moved;
	else
		sqe->rw_flags = (int)op->offset;
	if (fixed)
		sqe->buf_index = (uint16_t)index;
	if (fixed && kind->traits & OP_TWICE)
		sqe->ioprio |= IORING_RECVSEND_FIXED_BUF;
	sqe->user_data = op->id;
}

static int take_buf(struct hws_ring *ring, const struct hws_request *request, uint64_t length,
		    struct op *op, uint32_t *ret_index)
{
	struct buf_memory memory;
	int r = buf_to_kernel(ring->pool, request->buf, op_number(op), &memory);

	if (r < 0)
		return r;
	op->buf = request->buf;
	op->slot = buf_slot(ring->pool, op->buf);
	op->back = buf_user(op->buf);
	op->state |= OP_HAS_BUF;
	if (!hws_range_ok(request->buf_offset, length, memory.size) || length > UINT32_MAX)
		return why(-ERANGE, "%llu bytes from %llu on are outside the buffer's %llu",
			   (unsigned long long)length, (unsigned long long)request->buf_offset,
			   (unsigned long long)memory.size);
	op->address = (uintptr_t)memory.address + request->buf_offset;
	op->length = (uint32_t)length;
	*ret_index = memory.index;
	return 0;
}

static int take_list(struct hws_ring *ring, struct op *op)
{
	struct op_extra *extra = op->extra;
	uint32_t count = extra->count;
	uint64_t length = 0;

	/* what op_bufs() gives back is what was taken so far */
	for (extra->count = 0; extra->count < count; extra->count++) {
		uint32_t i = extra->count;
		struct buf_memory memory;
		int r = buf_to_kernel(ring->pool, extra->bufs[i], op_number(op), &memory);

		if (r < 0)
			return r;
		extra->iov[i] = (struct iovec) { memory.address, memory.size };
		length += memory.size;
	}
	if (length > RING_MAX_MOVE)
		return why(-ERANGE, "a list of buffers may have up to 0x7ffff000 bytes");
	op->buf = extra->bufs[0];
	op->length = (uint32_t)length;
	return 0;
}

int op_by_address(struct hws_ring *ring, const struct op_kind *kind, struct op *op)
{
	bool by_address = kind->traits & (OP_BUF | OP_LIST | OP_GROUP);

	if (kind->traits & OP_WHOLE)
		return extra_bounce(ring, kind, op);
	if (!ring->guarded || !by_address)
		return 0;
	if (kind->traits & OP_BOUNCE || (!ring->opens && !(kind->traits & OP_GROUP)))
		return extra_bounce(ring, kind, op);
	/* all happens while this thread enters: the kernel's own workers couldn't reach it */
	op->flags &= (uint8_t)~HWS_ASYNC;
	op->state |= OP_OPENS;
	ring->by_address++;
	return 0;
}

/* How the kernel is to reach the memory: as registered, by address, or by a copy. */
static int choose_way(struct hws_ring *ring, const struct op_kind *kind, struct op *op)
{
	if (!ring->registered || !kind->fixed || (kind->traits & OP_NVME && ring->nvme_by_address))
		return op_by_address(ring, kind, op);
	op->flags |= OP_FIXED;
	return 0;
}

/*
 * A worker polls what can be polled, so it does nothing there that the ring
 * would not do. And Linux 6.1 must not be asked to: when several such reads wait
 * at one pipe or terminal, all are woken and one finds something, whoever enters
 * the ring next spins in the kernel for ever, and can't even be killed.
 */
static bool may_use_worker(const struct op_kind *kind, const struct op *op)
{
	struct stat file;

	if (!(kind->traits & OP_BOUNCE))
		return true;
	/* what a registered file is nobody can tell */
	return RING_FILE(op->fd) < 0 && sys_fstat(op->fd, &file) == 0 &&
	       (S_ISREG(file.st_mode) || S_ISBLK(file.st_mode));
}

static int take(struct hws_ring *ring, const struct op_kind *kind,
		const struct hws_request *request, struct op *op, uint32_t *ret_index)
{
	uint64_t length = kind->traits & OP_WHOLE ? sizeof(struct statx) : request->length;
	int r = 0;

	if (kind->traits & (OP_LIST | OP_DATA | OP_TIME | OP_GROUP))
		r = extra_make(kind, request, &op->extra);
	if (r == 0 && kind->traits & OP_NVME)
		r = nvme_check(ring, request, op->extra->data);
	if (r == 0 && kind->traits & OP_BUF)
		r = take_buf(ring, request, length, op, ret_index);
	else if (r == 0 && kind->traits & OP_LIST)
		r = take_list(ring, op);
	else
		op->length = length < UINT32_MAX ? (uint32_t)length : UINT32_MAX;
	if (op->flags & HWS_ASYNC && !may_use_worker(kind, op))
		op->flags &= (uint8_t)~HWS_ASYNC;
	return r < 0 ? r : choose_way(ring, kind, op);
}

static int check(const struct hws_ring *ring, const struct hws_request *request)
{
	uint32_t traits;

	if (request->kind >= HWS_OP_KINDS)
		return why(-EINVAL, "there is no operation %u", request->kind);
	traits = op_kinds[request->kind].traits;
	if (request->flags & ~ALL_FLAGS)
		return why(-EINVAL, "there are no such flags: %#x", request->flags);
	if (request->flags & HWS_EXACT && !(traits & OP_MOVES))
		return why(-EINVAL, "%s is never short: HWS_EXACT makes no sense",
			   op_kinds[request->kind].name);
	if (request->flags & HWS_EXACT && request->flags & (HWS_LINK | HWS_HARDLINK))
		return why(-EINVAL, "a chain breaks at a short transfer: no HWS_EXACT in it");
	if (request->flags & HWS_EXACT && request->how && !(traits & OP_FLAGS))
		return why(-EINVAL, "HWS_EXACT goes on without RWF_ flags: not with these");
	if (traits & OP_FLAGS && !(traits & OP_NVME) && request->how & MSG_ZEROCOPY)
		return why(-EINVAL, "MSG_ZEROCOPY: nobody could tell when the network lets go of "
				    "the buffer; send-zc can");
	if (traits & OP_NVME && !ring->sqe_shift)
		return why(-EINVAL, "open the ring with HWS_RING_NVME");
	if (traits & OP_GROUP && (!request->group || !group_is_of(request->group, ring)))
		return why(-EINVAL, "%s needs a group of this ring", op_kinds[request->kind].name);
	return 0;
}

/* Takes back what was queued last and not submitted. */
static void undo(struct hws_ring *ring, struct op *op)
{
	/* it was to_kernel a moment ago: it can't fail */
	int r = op_bufs(ring, op, buf_to_user);

	(void)r;
	op_end(ring, op);
}

/* Is more to be done when it completes than handing a buffer back? */
static bool is_slow(const struct hws_ring *ring, const struct op_kind *kind,
		    const struct hws_request *request)
{
	return ring->histograms || request->flags & HWS_EXACT || kind->traits & ~QUICK;
}

static void start(struct hws_ring *ring, const struct hws_request *request, struct op *op)
{
	const struct op_kind *kind = &op_kinds[request->kind];
	bool odd = request->how && !(kind->traits & OP_FLAGS);

	op->tag = request->tag;
	op->buf = (struct hws_buf) { 0 };
	op->offset = kind->traits & OP_FLAGS ? request->how | kind->how : request->offset;
	/* of a splice: where it takes from, which has no place of its own */
	op->address = request->kind == HWS_OP_SPLICE ? (uint32_t)request->fd2 : 0;
	op->length = 0;
	op->fd = request->fd;
	op->kind = (uint8_t)request->kind;
	op->state = is_slow(ring, kind, request) ? OP_SLOW : 0;
	/* a second try would come behind the chain, and without what `how` says */
	op->retries = request->flags & (HWS_LINK | HWS_HARDLINK) || odd ? RING_TRIES : 0;
	op->flags = (uint8_t)request->flags;
}

static int queue(struct hws_ring *ring, const struct hws_request *request)
{
	const struct op_kind *kind;
	struct io_uring_sqe *sqe;
	struct op *op;
	uint32_t index = 0;
	int r = check(ring, request);

	if (r < 0)
		return r;
	op = slab_take(&ring->slab);
	if (!op)
		return ring_full(ring);
	start(ring, request, op);
	kind = &op_kinds[request->kind];
	r = take(ring, kind, request, op, &index);
	if (r < 0) {
		undo(ring, op);
		return r;
	}
	sqe = ring_sqe(ring);
	op_fill(ring, sqe, op, index);
	if (!(kind->traits & OP_FLAGS))
		sqe->rw_flags = (int)(request->how | kind->how);
	if (kind->fill)
		kind->fill(sqe, request, op);
	ring->ordered |= request->flags & HWS_AFTER;
	ring->later |= op->flags & SQE_FLAGS;
	if (ring->histograms)
		op->since = ring_now();
	PROBE_POINT(queue, op->id, request->kind, request->fd, op->length, op->tag);
	return 0;
}

int hws_queue(struct hws_ring *ring, const struct hws_request *request, struct hws_op *ret_op)
{
	int r = ring_mine(ring);

	if (r == 0)
		r = queue(ring, request);
	if (r == 0 && ret_op)
		ret_op->id = ring_last(ring);
	return r;
}

int hws_chain(struct hws_ring *ring, const struct hws_request *requests, uint32_t count)
{
	struct io_uring_sq *sq = &ring->io.sq;
	uint32_t begin = sq->sqe_tail;
	int r = ring_mine(ring);

	if (r == 0 && count > ring->slab.size)
		return why(-EINVAL, "a chain of %u on a ring that is %u deep", count,
			   ring->slab.size);
	for (uint32_t i = 0; i < count && r == 0; i++) {
		struct hws_request request = requests[i];

		if (i + 1 < count && !(request.flags & HWS_HARDLINK))
			request.flags |= HWS_LINK;
		r = queue(ring, &request);
	}
	/* the queue's end isn't published before the next submission: what is there can go */
	while (r < 0 && sq->sqe_tail != begin) {
		const struct io_uring_sqe *sqe =
			&sq->sqes[(--sq->sqe_tail & sq->ring_mask) << ring->sqe_shift];

		undo(ring, slab_find(&ring->slab, sqe->user_data));
	}
	return r;
}
