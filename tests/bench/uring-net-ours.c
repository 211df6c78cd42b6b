/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* One receive for each connection, which goes on; what came is sent from the buffer it is in. */
#include <errno.h>
#include <stdlib.h>

#include "shim/why-internal.h"
#include "tests/bench/uring-net.h"
#include "uring/pool.h"
#include "uring/ring-group.h"

struct server {
	struct hws_ring *ring;
	struct hws_group *group;
	uint32_t count;
	struct hws_done done[NET_EVENTS];
	int files[]; /* as the ring knows them */
};

static void close_server(void *context)
{
	struct server *server = context;

	hws_ring_close(server->ring, HWS_FOREVER);
	free(server);
}

static int open_ring(struct server *server, const char *backend)
{
	uint32_t depth = net_depth(server->count);
	const struct hws_pool_options pool = {
		.size = sizeof(pool),
		.classes = { { NET_ROOM, depth } },
		.guard = HWS_POOL_GUARD_NONE,
		.flags = HWS_POOL_PREFAULT,
	};
	struct hws_ring_options options = {
		.depth = 2 * depth,
		.files = server->count,
		.pool_options = &pool,
		.backend = backend,
	};
	int r = hws_ring_open(NULL, &options, &server->ring);

	return r < 0 ? r : hws_group_open(server->ring, depth, NET_ROOM, &server->group);
}

static int start(struct server *server, const int *fds)
{
	int r = 0;

	for (uint32_t i = 0; r == 0 && i < server->count; i++) {
		r = hws_file_add(server->ring, fds[i], &server->files[i]);
		if (r == 0)
			r = hws_queue(server->ring,
				      &(struct hws_request) { .kind = HWS_OP_RECV_MANY,
							      .fd = server->files[i],
							      .group = server->group,
							      .tag = i },
				      NULL);
	}
	return r < 0 ? r : hws_submit(server->ring);
}

static int open_server(const int *fds, uint32_t count, const char *arg, void **ret_server)
{
	struct server *server = calloc(1, sizeof(*server) + count * sizeof(*server->files));
	int r;

	if (!server)
		return -ENOMEM;
	server->count = count;
	r = open_ring(server, arg);
	if (r == 0)
		r = start(server, fds);
	if (r < 0)
		close_server(server);
	else
		*ret_server = server;
	return r;
}

static int answer(struct server *server, const struct hws_done *done)
{
	if (done->result != NET_MESSAGE)
		return -EIO;
	if (done->kind == HWS_OP_SEND)
		return hws_group_give(server->group, done->buf);
	return hws_queue(server->ring,
			 &(struct hws_request) { .kind = HWS_OP_SEND,
						 .fd = server->files[done->tag],
						 .buf = done->buf,
						 .length = (uint64_t)done->result },
			 NULL);
}

static int serve(void *context, uint32_t messages)
{
	struct server *server = context;

	while (messages) {
		int n = hws_wait(server->ring, server->done, NET_EVENTS, HWS_FOREVER);

		if (n < 0)
			return n;
		for (int i = 0; i < n; i++) {
			int r = answer(server, &server->done[i]);

			if (r < 0)
				return r;
			messages -= server->done[i].kind == HWS_OP_SEND;
		}
	}
	return 0;
}

const struct net_server net_ours = { open_server, serve, close_server };
