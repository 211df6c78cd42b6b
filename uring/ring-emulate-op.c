/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What each opcode is in system calls. Those that move bytes are in ring-emulate-move.c. */
#include <errno.h>
#include <fcntl.h>
#include <sys/socket.h>

#include "shim/sys-internal.h"
#include "uring/ring-emulate-internal.h"

static const void *data(const struct emu_op *op)
{
	return (const void *)(uintptr_t)op->sqe.addr;
}

static int64_t run_nop(struct emu_op *op, bool block)
{
	(void)op, (void)block;
	return 0;
}

static int64_t run_fsync(struct emu_op *op, bool block)
{
	(void)block;
	if (op->sqe.fsync_flags & ~(unsigned)IORING_FSYNC_DATASYNC)
		return -EINVAL;
	return op->sqe.fsync_flags ? sys_fdatasync(op->fd) : sys_fsync(op->fd);
}

static int64_t run_fallocate(struct emu_op *op, bool block)
{
	(void)block;
	return sys_fallocate(op->fd, (int)op->sqe.len, op->sqe.off, op->sqe.addr);
}

static int64_t run_statx(struct emu_op *op, bool block)
{
	(void)block;
	return sys_statx(op->fd, data(op), (int)op->sqe.statx_flags, op->sqe.len,
			 (void *)(uintptr_t)op->sqe.off);
}

static int64_t run_openat(struct emu_op *op, bool block)
{
	(void)block;
	return sys_openat(op->fd, data(op), (int)op->sqe.open_flags, op->sqe.len);
}

/* The number itself goes, at once. */
static int64_t run_close(struct emu_op *op, bool block)
{
	(void)block;
	return sys_shut(op->fd);
}

static int64_t run_socket(struct emu_op *op, bool block)
{
	(void)block;
	if (op->sqe.rw_flags)
		return -EINVAL;
	return sys_socket(op->sqe.fd, (int)op->sqe.off, (int)op->sqe.len);
}

int emu_ready(const struct emu_op *op, uint32_t events)
{
	int ready = sys_poll_one(op->fd, (short)events);

	return ready == 0 ? -EAGAIN : ready;
}

static int64_t run_shutdown(struct emu_op *op, bool block)
{
	(void)block;
	return sys_shutdown(op->fd, (int)op->sqe.len);
}

/* Begun without waiting; the second time it is over. */
static int64_t run_connect(struct emu_op *op, bool block)
{
	int r;

	(void)block;
	if (op->begun) {
		r = emu_ready(op, POLLOUT);
		return r < 0 ? r : sys_socket_error(op->fd);
	}
	r = sys_connect_start(op->fd, data(op), (uint32_t)op->sqe.off);
	if (r != -EINPROGRESS)
		return r;
	op->begun = true;
	return -EAGAIN;
}

static int64_t run_poll(struct emu_op *op, bool block)
{
	uint32_t wanted = op->sqe.poll32_events;

#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
	wanted = wanted << 16 | wanted >> 16;
#endif
	(void)block;
	/* no more than poll(2) has: the others would change how a shared descriptor is watched */
	op->events = (wanted & UINT16_MAX) | POLLERR | POLLHUP;
	return emu_ready(op, wanted);
}

static int64_t run_splice(struct emu_op *op, bool block)
{
	uint32_t flags = op->sqe.splice_flags;

	flags &= ~SPLICE_F_FD_IN_FIXED;
	return sys_splice(op->fd2, op->sqe.splice_off_in, op->fd, op->sqe.off, op->sqe.len,
			  block ? flags : flags | SPLICE_F_NONBLOCK);
}

static const struct emu_kind kinds[] = {
	[IORING_OP_NOP] = { run_nop, 0, 0 },
	[IORING_OP_READ] = { emu_move, POLLIN, EMU_FD | EMU_MOVES },
	[IORING_OP_READ_FIXED] = { emu_move, POLLIN, EMU_FD | EMU_MOVES },
	[IORING_OP_READV] = { emu_move, POLLIN, EMU_FD | EMU_MOVES },
	[IORING_OP_WRITE] = { emu_move, POLLOUT, EMU_FD | EMU_MOVES },
	[IORING_OP_WRITE_FIXED] = { emu_move, POLLOUT, EMU_FD | EMU_MOVES },
	[IORING_OP_WRITEV] = { emu_move, POLLOUT, EMU_FD | EMU_MOVES },
	[IORING_OP_FSYNC] = { run_fsync, 0, EMU_FD | EMU_BLOCKS },
	[IORING_OP_FALLOCATE] = { run_fallocate, 0, EMU_FD | EMU_BLOCKS },
	[IORING_OP_STATX] = { run_statx, 0, EMU_BLOCKS | EMU_PLAIN },
	[IORING_OP_OPENAT] = { run_openat, 0, EMU_BLOCKS | EMU_PLAIN },
	[IORING_OP_CLOSE] = { run_close, 0, EMU_PLAIN },
	[IORING_OP_SOCKET] = { run_socket, 0, 0 },
	[IORING_OP_ACCEPT] = { emu_accept, POLLIN, EMU_FD },
	[IORING_OP_CONNECT] = { run_connect, POLLOUT, EMU_FD | EMU_ALWAYS },
	[IORING_OP_SHUTDOWN] = { run_shutdown, 0, EMU_FD },
	[IORING_OP_SEND] = { emu_message, POLLOUT, EMU_FD | EMU_MESSAGE },
	[IORING_OP_SEND_ZC] = { emu_message, POLLOUT, EMU_FD | EMU_MESSAGE },
	[IORING_OP_RECV] = { emu_message, POLLIN, EMU_FD | EMU_MESSAGE },
	[IORING_OP_POLL_ADD] = { run_poll, 0, EMU_FD | EMU_ALWAYS },
	[IORING_OP_SPLICE] = { run_splice, 0, EMU_FD | EMU_BLOCKS | EMU_PATIENT | EMU_MOVES },
	[IORING_OP_ASYNC_CANCEL] = { emu_cancel, 0, 0 },
};

const struct emu_kind *emu_kind(uint32_t opcode)
{
	if (opcode >= sizeof(kinds) / sizeof(kinds[0]) || !kinds[opcode].run)
		return NULL;
	return &kinds[opcode];
}
