/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The same server as the library's, written for liburing. */
#include <errno.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/socket.h>

#include "tests/bench/uring-net.h"
#include "tests/bench/uring.h"

/* What the user_data of a send begins with; the rest is the buffer. */
#define SENT (UINT64_C(1) << 32)

struct server {
	struct io_uring ring;
	struct io_uring_buf_ring *queue;
	char *memory; /* of the buffers */
	uint32_t depth;
};

static size_t queue_size(const struct server *server)
{
	return server->depth * sizeof(struct io_uring_buf);
}

static char *buffer(const struct server *server, uint32_t number)
{
	return server->memory + (size_t)number * NET_ROOM;
}

static void close_server(void *context)
{
	struct server *server = context;

	if (server->ring.ring_fd > 0)
		io_uring_queue_exit(&server->ring);
	if (server->queue)
		munmap(server->queue, queue_size(server));
	if (server->memory)
		munmap(server->memory, (size_t)server->depth * NET_ROOM);
	free(server);
}

/* For the flags: a ring as the library opens it. */
static int open_ring(struct server *server)
{
	struct hws_ring_options options = { .depth = 2 * server->depth };
	struct hws_ring *like;
	int r = hws_ring_open(NULL, &options, &like);

	if (r < 0)
		return r;
	r = uring_open_like(like, 2 * server->depth, &server->ring);
	hws_ring_close(like, HWS_FOREVER);
	return r;
}

static void *memory(size_t size)
{
	void *at = mmap(NULL, size, PROT_READ | PROT_WRITE,
			MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);

	return at == MAP_FAILED ? NULL : at;
}

static void provide(struct server *server, uint32_t number)
{
	io_uring_buf_ring_add(server->queue, buffer(server, number), NET_ROOM, (uint16_t)number,
			      io_uring_buf_ring_mask(server->depth), 0);
	io_uring_buf_ring_advance(server->queue, 1);
}

static int open_buffers(struct server *server)
{
	struct io_uring_buf_reg reg = { .ring_entries = server->depth };
	int r;

	server->memory = memory((size_t)server->depth * NET_ROOM);
	server->queue = memory(queue_size(server));
	if (!server->memory || !server->queue)
		return -ENOMEM;
	reg.ring_addr = (uintptr_t)server->queue;
	r = io_uring_register_buf_ring(&server->ring, &reg, 0);
	for (uint32_t i = 0; r == 0 && i < server->depth; i++)
		provide(server, i);
	return r;
}

static void receive(struct server *server, uint32_t connection)
{
	struct io_uring_sqe *sqe = io_uring_get_sqe(&server->ring);

	io_uring_prep_recv_multishot(sqe, (int)connection, NULL, 0, 0);
	sqe->flags |= IOSQE_FIXED_FILE | IOSQE_BUFFER_SELECT;
	io_uring_sqe_set_data64(sqe, connection);
}

static int open_server(const int *fds, uint32_t count, const char *arg, void **ret_server)
{
	struct server *server = calloc(1, sizeof(*server));
	int r;

	(void)arg;
	if (!server)
		return -ENOMEM;
	server->depth = net_depth(count);
	r = open_ring(server);
	if (r == 0)
		r = open_buffers(server);
	if (r == 0)
		r = io_uring_register_files(&server->ring, fds, count);
	for (uint32_t i = 0; r == 0 && i < count; i++)
		receive(server, i);
	if (r == 0)
		r = io_uring_submit(&server->ring);
	if (r < 0) {
		close_server(server);
		return r;
	}
	*ret_server = server;
	return 0;
}

static void answer(struct server *server, const struct io_uring_cqe *cqe)
{
	uint32_t number = cqe->flags >> IORING_CQE_BUFFER_SHIFT;
	struct io_uring_sqe *sqe = io_uring_get_sqe(&server->ring);

	io_uring_prep_send(sqe, (int)io_uring_cqe_get_data64(cqe), buffer(server, number),
			   (size_t)cqe->res, MSG_NOSIGNAL);
	sqe->flags |= IOSQE_FIXED_FILE;
	io_uring_sqe_set_data64(sqe, SENT | number);
}

static int serve(void *context, uint32_t messages)
{
	struct server *server = context;

	while (messages) {
		struct io_uring_cqe *cqe;
		uint32_t count = 0;
		uint32_t head;
		int r = io_uring_submit_and_wait(&server->ring, 1);

		if (r < 0 && r != -EINTR)
			return r;
		io_uring_for_each_cqe(&server->ring, head, cqe)
		{
			uint64_t data = io_uring_cqe_get_data64(cqe);

			if (cqe->res != NET_MESSAGE)
				return -EIO;
			if (data & SENT) {
				provide(server, (uint32_t)data);
				messages--;
			} else {
				answer(server, cqe);
			}
			count++;
		}
		io_uring_cq_advance(&server->ring, count);
	}
	return 0;
}

const struct net_server net_raw = { open_server, serve, close_server };
