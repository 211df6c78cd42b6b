/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Operations from their start to their completion: links, limits, order. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "shim/sys-internal.h"
#include "uring/ring-emulate-internal.h"

#define LINKS (IOSQE_IO_LINK | IOSQE_IO_HARDLINK)

struct emu_op *emu_op_new(struct emu *emu, const struct io_uring_sqe *sqe)
{
	struct emu_op *op = emu->spare;
	const struct op *of;

	if (op)
		emu->spare = op->link;
	else
		op = malloc(sizeof(*op));
	if (!op)
		return NULL;
	*op = (struct emu_op) { .emu = emu, .sqe = *sqe, .fd = -1 };
	op->kind = emu_kind(sqe->opcode);
	op->place = EMU_LINKED;
	of = slab_find(&emu->ring->slab, sqe->user_data);
	/* a list goes by copies wherever opening matters */
	if (of && !(of->state & OP_FREE) && of->state & OP_HAS_BUF)
		op->buf = of->buf;
	node_init(&op->at);
	node_put(&emu->all, &op->all);
	return op;
}

void emu_op_free(struct emu_op *op)
{
	node_take(&op->at);
	node_take(&op->all);
	op->link = op->emu->spare;
	op->emu->spare = op;
}

void emu_begin(struct emu_op *op)
{
	op->place = EMU_READY;
	node_put(&op->emu->ready, &op->at);
}

/* Posts it or keeps it until there is room. */
static void complete(struct emu_op *op, int64_t result, uint32_t flags)
{
	struct emu *emu = op->emu;
	unsigned *kflags = emu->ring->io.sq.kflags;

	node_take(&op->at);
	if (emu_room(emu) && node_alone(&emu->done)) {
		emu_post(emu, &op->sqe, result, flags);
		emu_op_free(op);
		return;
	}
	op->result = result;
	op->flags = flags;
	op->place = EMU_DONE;
	node_put(&emu->done, &op->at);
	/* relaxed: of one thread */
	__atomic_store_n(kflags, *kflags | IORING_SQ_CQ_OVERFLOW, __ATOMIC_RELAXED);
}

void emu_flush(struct emu *emu)
{
	unsigned *kflags = emu->ring->io.sq.kflags;

	while (!node_alone(&emu->done) && emu_room(emu)) {
		struct emu_op *op = EMU_OP(emu->done.next);

		emu_post(emu, &op->sqe, op->result, op->flags);
		emu_op_free(op);
	}
	if (node_alone(&emu->done))
		__atomic_store_n(kflags, *kflags & ~IORING_SQ_CQ_OVERFLOW, __ATOMIC_RELAXED);
}

static bool failed(const struct emu_op *op, int64_t result)
{
	uint32_t traits = op->kind ? op->kind->traits : 0;
	bool whole = traits & EMU_MOVES ||
		     (traits & EMU_MESSAGE && op->sqe.msg_flags & MSG_WAITALL);

	return result < 0 || (whole && (uint64_t)result != op->expected);
}

/* The one behind it starts, or all of them end. */
static void go_on(struct emu_op *next, bool broken)
{
	if (!next)
		return;
	if (!broken) {
		emu_begin(next);
		return;
	}
	while (next) {
		struct emu_op *op = next;

		next = op->link;
		complete(op, -ECANCELED, 0);
	}
}

void emu_end(struct emu_op *op, int64_t result, uint32_t flags)
{
	struct emu_op *next = op->link;
	struct emu_op *limit = op->limit;
	bool broken;

	/* what failed in the end failed after this much */
	if (result < 0 && op->moved)
		result = op->moved;
	broken = failed(op, result) && !(op->sqe.flags & IOSQE_IO_HARDLINK);
	if (op->limited)
		op->limited->limit = NULL;
	emu_file_drop(op);
	emu_disown(op);
	complete(op, result, flags);
	if (limit) {
		limit->limited = NULL;
		complete(limit, -ECANCELED, 0);
	}
	go_on(next, broken);
}

static uint64_t time_of(const struct io_uring_sqe *sqe)
{
	const struct __kernel_timespec *time = (const void *)(uintptr_t)sqe->addr;

	return (uint64_t)time->tv_sec * 1000000000u + (uint64_t)time->tv_nsec;
}

static void start_timer(struct emu_op *op)
{
	op->deadline_ns = time_of(&op->sqe);
	op->place = EMU_TIMED;
	node_put(&op->emu->timers, &op->at);
}

/* A timeout that is linked to @op is no step of the chain: it runs beside it. */
static void arm_limit(struct emu_op *op)
{
	struct emu_op *limit = op->link;

	if (!limit || limit->sqe.opcode != IORING_OP_LINK_TIMEOUT)
		return;
	op->link = limit->link;
	limit->link = NULL;
	op->limit = limit;
	limit->limited = op;
	start_timer(limit);
}

/* Does it not want to wait? */
static bool impatient(const struct emu_op *op)
{
	int flags;

	if (op->kind->traits & EMU_ALWAYS)
		return false;
	if (op->kind->traits & EMU_MESSAGE && op->sqe.msg_flags & MSG_DONTWAIT)
		return true;
	if (op->kind->traits & EMU_MOVES && op->sqe.rw_flags & RWF_NOWAIT)
		return true;
	flags = sys_get_flags(op->fd);
	return flags >= 0 && flags & O_NONBLOCK;
}

/* Waits for its events, or, where nobody can, for the call itself. */
static void wait_for(struct emu_op *op)
{
	int r = emu_file_take(op);

	if (r == 0)
		r = emu_file_wait(op);
	if (r == -EPERM && op->emu->threads)
		r = crew_give(op->emu, op);
	else if (r == -EPERM) {
		emu_end(op, emu_attempt(op, true), 0);
		return;
	}
	if (r < 0)
		emu_end(op, r, 0);
}

/* Is the call about a disk's file, in which it may block though it never says so? */
static bool about_file(const struct emu_op *op)
{
	struct stat file;

	return op->kind->traits & EMU_MOVES && sys_fstat(op->fd, &file) == 0 &&
	       (S_ISREG(file.st_mode) || S_ISBLK(file.st_mode));
}

void emu_disown(struct emu_op *op)
{
	if (!op->owns)
		return;
	sys_close(op->fd);
	sys_close(op->fd2);
	op->owns = false;
}

/*
 * A thread comes back to these again and again, maybe after the ring has closed: so they are its
 * own, and the caller's numbers can be closed and used again meanwhile.
 */
static int own(struct emu_op *op)
{
	int fd = sys_dup(op->fd);
	int fd2 = fd < 0 ? fd : sys_dup(op->fd2);

	if (fd2 < 0) {
		if (fd >= 0)
			sys_close(fd);
		return fd2;
	}
	op->fd = fd;
	op->fd2 = fd2;
	op->owns = true;
	return 0;
}

static void start_blocking(struct emu_op *op)
{
	int r = 0;

	if (!op->emu->threads) {
		emu_end(op, emu_attempt(op, true), 0);
		return;
	}
	if (op->kind->traits & EMU_PATIENT)
		r = own(op);
	else if (op->fd >= 0)
		r = emu_file_take(op);
	/* a path may need no directory: the call will say */
	if (r == -EBADF && op->kind->traits & EMU_PLAIN)
		r = 0;
	if (r == 0)
		r = crew_give(op->emu, op);
	if (r < 0)
		emu_end(op, r, 0);
}

/* Is there no such file, or none that the call can take? */
static bool is_bad(const struct emu_op *op)
{
	if (op->kind->traits & EMU_PLAIN)
		return op->sqe.flags & IOSQE_FIXED_FILE;
	return op->kind->traits & EMU_FD && sys_get_flags(op->fd) < 0;
}

static void start(struct emu_op *op)
{
	int64_t result;

	arm_limit(op);
	if (op->sqe.opcode == IORING_OP_TIMEOUT) {
		start_timer(op);
		return;
	}
	if (!op->kind) {
		emu_end(op, op->sqe.opcode == IORING_OP_URING_CMD ? -EOPNOTSUPP : -EINVAL, 0);
		return;
	}
	op->events = op->kind->events;
	op->expected = op->sqe.len;
	op->fd2 =
		emu_fd(op->emu, op->sqe.splice_fd_in, op->sqe.splice_flags & SPLICE_F_FD_IN_FIXED);
	op->fd = emu_fd(op->emu, op->sqe.fd, op->sqe.flags & IOSQE_FIXED_FILE);
	if (is_bad(op)) {
		emu_end(op, -EBADF, 0);
		return;
	}
	if (op->kind->traits & EMU_BLOCKS || about_file(op)) {
		start_blocking(op);
		return;
	}
	result = emu_attempt(op, false);
	if (result != -EAGAIN || !op->events || impatient(op))
		emu_end(op, result, 0);
	else
		wait_for(op);
}

void emu_run(struct emu *emu)
{
	while (!node_alone(&emu->ready)) {
		struct emu_op *op = EMU_OP(emu->ready.next);

		node_take(&op->at);
		start(op);
	}
}

static struct emu_op *first_for(struct emu_file *file, uint32_t events)
{
	for (struct emu_node *node = file->waiting.next; node != &file->waiting; node = node->next)
		if (EMU_OP(node)->events & events)
			return EMU_OP(node);
	return NULL;
}

void emu_try(struct emu *emu, struct emu_file *file, uint32_t events)
{
	struct emu_op *op;

	/* one that ended with an operation that was tried before it is closed already */
	if (node_alone(&file->waiting))
		return;
	if (events & (POLLERR | POLLHUP))
		events |= POLLIN | POLLOUT;
	file->users++;
	/* whoever has to wait further, all behind it that wait for the same have to as well */
	while ((op = first_for(file, events))) {
		int64_t result = emu_attempt(op, false);

		if (result == -EAGAIN) {
			events &= ~op->events;
			continue;
		}
		emu_end(op, result, 0);
		emu_run(emu);
	}
	emu_file_put(emu, file);
}

uint64_t emu_expire(struct emu *emu)
{
	struct emu_node *node = emu->timers.next;
	uint64_t next = HWS_FOREVER;
	uint64_t now = node_alone(&emu->timers) ? 0 : ring_now();

	while (node != &emu->timers) {
		struct emu_op *op = EMU_OP(node);

		if (op->deadline_ns > now) {
			next = op->deadline_ns < next ? op->deadline_ns : next;
			node = node->next;
			continue;
		}
		if (op->limited) {
			struct emu_op *limited = op->limited;
			int r;

			op->limited = NULL;
			limited->limit = NULL;
			r = emu_stop(limited, -ECANCELED);
			emu_end(op, r < 0 ? r : -ETIME, 0);
		} else {
			emu_end(op, -ETIME, 0);
		}
		/* what ended with it may have been the next one */
		node = emu->timers.next;
		next = HWS_FOREVER;
	}
	return next;
}
