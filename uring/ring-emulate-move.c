/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Reads, writes, sends, receives, accepts. */
#include <errno.h>
#include <sys/socket.h>
#include <sys/uio.h>

#include "shim/sys-internal.h"
#include "uring/ring-emulate-internal.h"

static bool has_buf(const struct emu_op *op)
{
	return op->buf.slot || op->buf.generation;
}

int emu_open_memory(const struct emu_op *op)
{
	return has_buf(op) ? buf_open_for_kernel(op->emu->ring->pool, op->buf) : 0;
}

void emu_close_memory(const struct emu_op *op)
{
	if (has_buf(op))
		buf_close_for_kernel(op->emu->ring->pool, op->buf);
}

int64_t emu_attempt(struct emu_op *op, bool block)
{
	int64_t result = emu_open_memory(op);

	if (result < 0)
		return result;
	result = op->kind->run(op, block);
	emu_close_memory(op);
	return result;
}

static bool writes(const struct emu_op *op)
{
	return op->kind->events & POLLOUT;
}

static int64_t call(const struct emu_op *op, const struct iovec *iov, uint32_t count,
		    uint64_t offset, int flags)
{
	return writes(op) ? sys_writev(op->fd, iov, count, offset, flags)
			  : sys_readv(op->fd, iov, count, offset, flags);
}

/* Pipes and terminals have no places. */
static int64_t call_anywhere(const struct emu_op *op, const struct iovec *iov, uint32_t count,
			     int flags)
{
	int64_t result = call(op, iov, count, op->sqe.off, flags);

	return result == -ESPIPE ? call(op, iov, count, HWS_HERE, flags) : result;
}

/* Not every file can say that it would have to wait: then what poll says must do. */
static int64_t try(const struct emu_op *op, const struct iovec *iov, uint32_t count)
{
	int64_t result = call_anywhere(op, iov, count, op->sqe.rw_flags | RWF_NOWAIT);
	int ready;

	if (result != -EOPNOTSUPP)
		return result;
	ready = emu_ready(op, op->kind->events);
	return ready < 0 ? ready : call_anywhere(op, iov, count, op->sqe.rw_flags);
}

static uint64_t total(const struct iovec *iov, uint32_t count)
{
	uint64_t sum = 0;

	for (uint32_t i = 0; i < count; i++)
		sum += iov[i].iov_len;
	return sum;
}

int64_t emu_move(struct emu_op *op, bool block)
{
	bool list = op->sqe.opcode == IORING_OP_READV || op->sqe.opcode == IORING_OP_WRITEV;
	struct iovec one = { (void *)(uintptr_t)op->sqe.addr, op->sqe.len };
	const struct iovec *iov = list ? (const void *)(uintptr_t)op->sqe.addr : &one;
	uint32_t count = list ? op->sqe.len : 1;

	op->expected = total(iov, count);
	return block ? call_anywhere(op, iov, count, op->sqe.rw_flags) : try(op, iov, count);
}

static struct emu_group *find_group(const struct emu_op *op)
{
	struct emu_group *group = op->emu->groups;

	while (group && group->number != op->sqe.buf_group)
		group = group->next;
	return group;
}

/* One more completion of an operation that goes on. */
static void post_more(struct emu_op *op, int64_t result, uint32_t flags)
{
	emu_post(op->emu, &op->sqe, result, flags | IORING_CQE_F_MORE);
}

static bool can_post(const struct emu_op *op)
{
	return emu_room(op->emu) && node_alone(&op->emu->done);
}

static int64_t receive_one(struct emu_op *op, struct emu_group *group)
{
	const struct io_uring_buf *buf = &group->queue->bufs[group->head & group->mask];
	struct hws_pool *pool = op->emu->ring->pool;
	uint32_t flags = IORING_CQE_F_BUFFER | (uint32_t)buf->bid << IORING_CQE_BUFFER_SHIFT;
	int64_t result;

	/* acquire: pairs with provide(); entries come before the tail */
	if (__atomic_load_n(&group->queue->tail, __ATOMIC_ACQUIRE) == group->head)
		return -ENOBUFS;
	pool_open_for_kernel(pool);
	result = sys_recv(op->fd, (void *)(uintptr_t)buf->addr, buf->len, (int)op->sqe.msg_flags);
	pool_close_for_kernel(pool);
	if (result <= 0)
		return result;
	group->head++;
	post_more(op, result, flags);
	return 1;
}

/* Each done takes a buffer; the end and errors take none. */
static int64_t receive_many(struct emu_op *op)
{
	struct emu_group *group = find_group(op);
	int64_t result = 1;

	if (!group)
		return -ENOBUFS;
	while (result > 0)
		result = can_post(op) ? receive_one(op, group) : -EAGAIN;
	return result;
}

static int64_t send_or_receive(const struct emu_op *op)
{
	uint8_t *bytes = (uint8_t *)(uintptr_t)op->sqe.addr + op->moved;
	uint32_t left = op->sqe.len - op->moved;
	int flags = (int)op->sqe.msg_flags;

	return writes(op) ? sys_send_flags(op->fd, bytes, left, flags)
			  : sys_recv(op->fd, bytes, left, flags);
}

/* A stream's, with MSG_WAITALL: until all is moved, the end, or an error. */
static int64_t move_all(struct emu_op *op)
{
	int64_t result;

	do {
		result = send_or_receive(op);
		op->moved += result > 0 ? (uint32_t)result : 0;
	} while (result > 0 && op->moved < op->sqe.len);
	return result == -EAGAIN || !op->moved ? result : op->moved;
}

int64_t emu_message(struct emu_op *op, bool block)
{
	bool all = (op->sqe.msg_flags & (MSG_WAITALL | MSG_PEEK)) == MSG_WAITALL;

	(void)block;
	if (op->sqe.flags & IOSQE_BUFFER_SELECT)
		return receive_many(op);
	return all && sys_is_stream(op->fd) ? move_all(op) : send_or_receive(op);
}

/* accept(2) can't be told not to wait: poll says that somebody is there. */
static int64_t accept_one(const struct emu_op *op)
{
	int ready = sys_is_listening(op->fd);

	if (ready > 0)
		ready = emu_ready(op, POLLIN);
	return ready < 0 ? ready : sys_accept(op->fd, (int)op->sqe.accept_flags);
}

int64_t emu_accept(struct emu_op *op, bool block)
{
	bool many = op->sqe.ioprio & IORING_ACCEPT_MULTISHOT;
	int64_t result;

	(void)block;
	if (!many)
		return accept_one(op);
	do {
		result = can_post(op) ? accept_one(op) : -EAGAIN;
		if (result >= 0)
			post_more(op, result, 0);
	} while (result >= 0);
	return result;
}
