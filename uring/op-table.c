/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Every kind of operation, as data. */
#include <fcntl.h>
#include <linux/nvme_ioctl.h>
#include <string.h>
#include <sys/socket.h>

#include "uring/op-internal.h"

/* Since 6.1; the header is older. */
#ifndef IORING_URING_CMD_FIXED
#define IORING_URING_CMD_FIXED 1
#endif

static void fill_list(struct io_uring_sqe *sqe, const struct hws_request *request,
		      const struct op *op)
{
	(void)request;
	sqe->addr = (uintptr_t)(op->extra->bounce ? &op->extra->whole : op->extra->iov);
	sqe->len = op->extra->bounce ? 1 : op->extra->count;
}

static void fill_fallocate(struct io_uring_sqe *sqe, const struct hws_request *request,
			   const struct op *op)
{
	(void)op;
	sqe->addr = request->length;
	sqe->len = request->how;
	sqe->rw_flags = 0;
}

static void fill_statx(struct io_uring_sqe *sqe, const struct hws_request *request,
		       const struct op *op)
{
	sqe->addr = (uintptr_t)op->extra->data;
	sqe->off = (uintptr_t)op->extra->bounce;
	sqe->len = request->mode;
}

static void fill_openat(struct io_uring_sqe *sqe, const struct hws_request *request,
			const struct op *op)
{
	sqe->addr = (uintptr_t)op->extra->data;
	sqe->len = request->mode;
	sqe->off = 0;
}

static void fill_socket(struct io_uring_sqe *sqe, const struct hws_request *request,
			const struct op *op)
{
	(void)request, (void)op;
	sqe->off |= SOCK_CLOEXEC;
}

static void fill_connect(struct io_uring_sqe *sqe, const struct hws_request *request,
			 const struct op *op)
{
	sqe->addr = (uintptr_t)op->extra->data;
	sqe->off = request->data_size;
	sqe->len = 0;
}

static void fill_poll(struct io_uring_sqe *sqe, const struct hws_request *request,
		      const struct op *op)
{
	(void)op;
	sqe->off = 0;
	sqe->len = 0;
	/* the kernel wants the halves in the order of a big-endian machine's */
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
	sqe->poll32_events = request->how << 16 | request->how >> 16;
#else
	sqe->poll32_events = request->how;
#endif
}

static void fill_timeout(struct io_uring_sqe *sqe, const struct hws_request *request,
			 const struct op *op)
{
	(void)request;
	sqe->fd = -1;
	sqe->addr = (uintptr_t)op->extra->data;
	sqe->off = 0;
	sqe->len = 1;
}

static void fill_splice(struct io_uring_sqe *sqe, const struct hws_request *request,
			const struct op *op)
{
	int place = RING_FILE(request->fd2);

	(void)op;
	sqe->splice_off_in = request->offset2;
	sqe->splice_fd_in = place < 0 ? request->fd2 : place;
	sqe->splice_flags = request->how | (place < 0 ? 0 : SPLICE_F_FD_IN_FIXED);
}

static void fill_recv_many(struct io_uring_sqe *sqe, const struct hws_request *request,
			   const struct op *op)
{
	(void)op;
	sqe->flags |= IOSQE_BUFFER_SELECT;
	sqe->buf_group = group_number(request->group);
	sqe->len = 0;
}

static void fill_nvme(struct io_uring_sqe *sqe, const struct hws_request *request,
		      const struct op *op)
{
	struct nvme_uring_cmd *command = (struct nvme_uring_cmd *)sqe->cmd;

	(void)request; /* gone when it is begun again */
	memcpy(command, op->extra->data, sizeof(*command));
	command->addr = sqe->addr;
	command->data_len = sqe->len;
	sqe->addr = 0;
	sqe->len = 0;
	sqe->cmd_op = (uint32_t)op->offset;
	sqe->__pad1 = 0;
	sqe->uring_cmd_flags = op->flags & OP_FIXED ? IORING_URING_CMD_FIXED : 0;
}

const struct op_kind op_kinds[HWS_OP_KINDS] = {
	[HWS_OP_NOP] = { "nop", IORING_OP_NOP, .traits = OP_NO_FILE },
	[HWS_OP_READ] = { "read", IORING_OP_READ, .fixed = IORING_OP_READ_FIXED,
			  .traits = OP_BUF | OP_MOVES | OP_BOUNCE | OP_IN },
	[HWS_OP_WRITE] = { "write", IORING_OP_WRITE, .fixed = IORING_OP_WRITE_FIXED,
			   .traits = OP_BUF | OP_MOVES | OP_BOUNCE },
	[HWS_OP_READV] = { "readv", IORING_OP_READV, .traits = OP_LIST | OP_BOUNCE | OP_IN,
			   .fill = fill_list },
	[HWS_OP_WRITEV] = { "writev", IORING_OP_WRITEV, .traits = OP_LIST | OP_BOUNCE,
			    .fill = fill_list },
	[HWS_OP_FSYNC] = { "fsync", IORING_OP_FSYNC },
	[HWS_OP_FALLOCATE] = { "fallocate", IORING_OP_FALLOCATE, .fill = fill_fallocate },
	[HWS_OP_STATX] = { "statx", IORING_OP_STATX,
			   .traits = OP_BUF | OP_DATA | OP_PATH | OP_WHOLE | OP_IN,
			   .fill = fill_statx },
	[HWS_OP_OPENAT] = { "openat", IORING_OP_OPENAT, .how = O_CLOEXEC,
			    .traits = OP_DATA | OP_PATH | OP_MAKES_FD, .fill = fill_openat },
	[HWS_OP_CLOSE] = { "close", IORING_OP_CLOSE },
	[HWS_OP_SOCKET] = { "socket", IORING_OP_SOCKET, .traits = OP_MAKES_FD,
			    .fill = fill_socket },
	[HWS_OP_ACCEPT] = { "accept", IORING_OP_ACCEPT, .how = SOCK_CLOEXEC,
			    .traits = OP_MAKES_FD },
	[HWS_OP_ACCEPT_MANY] = { "accept-many", IORING_OP_ACCEPT, .how = SOCK_CLOEXEC,
				 .ioprio = IORING_ACCEPT_MULTISHOT,
				 .traits = OP_MAKES_FD | OP_MANY },
	[HWS_OP_CONNECT] = { "connect", IORING_OP_CONNECT, .traits = OP_DATA,
			     .fill = fill_connect },
	[HWS_OP_SHUTDOWN] = { "shutdown", IORING_OP_SHUTDOWN },
	[HWS_OP_SEND] = { "send", IORING_OP_SEND, .how = MSG_NOSIGNAL,
			  .traits = OP_BUF | OP_MOVES | OP_FLAGS },
	[HWS_OP_SEND_ZC] = { "send-zc", IORING_OP_SEND_ZC, .fixed = IORING_OP_SEND_ZC,
			     .how = MSG_NOSIGNAL, .traits = OP_BUF | OP_FLAGS | OP_TWICE },
	[HWS_OP_RECV] = { "recv", IORING_OP_RECV, .traits = OP_BUF | OP_MOVES | OP_FLAGS | OP_IN },
	[HWS_OP_RECV_MANY] = { "recv-many", IORING_OP_RECV, .ioprio = IORING_RECV_MULTISHOT,
			       .traits = OP_GROUP | OP_MANY, .fill = fill_recv_many },
	[HWS_OP_POLL] = { "poll", IORING_OP_POLL_ADD, .fill = fill_poll },
	[HWS_OP_TIMEOUT] = { "timeout", IORING_OP_TIMEOUT, .how = IORING_TIMEOUT_ABS,
			     .traits = OP_DATA | OP_TIME | OP_NO_FILE, .fill = fill_timeout },
	[HWS_OP_LINK_TIMEOUT] = { "link-timeout", IORING_OP_LINK_TIMEOUT, .how = IORING_TIMEOUT_ABS,
				  .traits = OP_DATA | OP_TIME | OP_NO_FILE, .fill = fill_timeout },
	[HWS_OP_SPLICE] = { "splice", IORING_OP_SPLICE, .fill = fill_splice },
	[HWS_OP_NVME] = { "nvme", IORING_OP_URING_CMD, .fixed = IORING_OP_URING_CMD,
			  .traits = OP_BUF | OP_DATA | OP_NVME | OP_FLAGS, .fill = fill_nvme },
};

const char *hws_op_name(uint32_t kind)
{
	return kind < HWS_OP_KINDS ? op_kinds[kind].name : "?";
}
