/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What a server does today: epoll tells who has something, read, write. */
#include <errno.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "tests/bench/uring-net.h"

struct server {
	int epoll;
	char room[NET_ROOM];
	struct epoll_event events[NET_EVENTS];
};

static void close_server(void *context)
{
	struct server *server = context;

	close(server->epoll);
	free(server);
}

static int open_server(const int *fds, uint32_t count, const char *arg, void **ret_server)
{
	struct server *server = calloc(1, sizeof(*server));

	(void)arg;
	if (!server)
		return -ENOMEM;
	server->epoll = epoll_create1(EPOLL_CLOEXEC);
	for (uint32_t i = 0; i < count; i++) {
		struct epoll_event event = { .events = EPOLLIN, .data.fd = fds[i] };

		if (epoll_ctl(server->epoll, EPOLL_CTL_ADD, fds[i], &event) < 0) {
			close_server(server);
			return -errno;
		}
	}
	*ret_server = server;
	return 0;
}

static int serve(void *context, uint32_t messages)
{
	struct server *server = context;

	while (messages) {
		int n = epoll_wait(server->epoll, server->events, NET_EVENTS, -1);

		if (n < 0 && errno != EINTR)
			return -errno;
		for (int i = 0; i < n; i++, messages--) {
			int fd = server->events[i].data.fd;
			ssize_t size = read(fd, server->room, NET_ROOM);

			if (size != NET_MESSAGE || write(fd, server->room, (size_t)size) != size)
				return -EIO;
		}
	}
	return 0;
}

const struct net_server net_epoll = { open_server, serve, close_server };
