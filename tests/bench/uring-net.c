/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Servers that echo over loopback. One thread is client and server in turn: it
 * sends on all connections, lets the server answer them all, and takes all the
 * answers. What the client does costs the same on both sides, and is measured
 * with the rest; nothing waits, and nothing hangs on who is woken when.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "shim/why-internal.h"
#include "tests/bench/uring-net.h"
#include "tests/bench/uring.h"

/* Two ends of each connection, on both sides, and some for the rings. */
#define DESCRIPTORS(connections) (4 * (connections) + 64)

struct net_shape {
	uint32_t connections;
	const struct net_server *ours;
	const char *arg; /* for ours */
	const struct net_server *base;
};

struct side {
	const struct net_server *by;
	void *server;
	uint32_t count;
	int *clients;
	int *servers;
};

struct bench {
	struct side ours;
	struct side base;
};

static int connect_pair(int listener, const struct sockaddr_in *to, int *ret_client,
			int *ret_server)
{
	int on = 1;
	int client = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (client < 0)
		return -errno;
	*ret_client = client;
	if (connect(client, (const struct sockaddr *)to, sizeof(*to)) < 0)
		return -errno;
	*ret_server = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
	if (*ret_server < 0)
		return -errno;
	setsockopt(client, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	setsockopt(*ret_server, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	return 0;
}

static int connect_all(struct side *side, int listener)
{
	struct sockaddr_in address = { .sin_family = AF_INET,
				       .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t size = sizeof(address);
	int r = 0;

	if (bind(listener, (struct sockaddr *)&address, sizeof(address)) < 0 ||
	    listen(listener, 16) < 0 ||
	    getsockname(listener, (struct sockaddr *)&address, &size) < 0)
		return -errno;
	for (uint32_t i = 0; r == 0 && i < side->count; i++)
		r = connect_pair(listener, &address, &side->clients[i], &side->servers[i]);
	return r;
}

static void close_side(struct side *side)
{
	if (side->server)
		side->by->close(side->server);
	for (uint32_t i = 0; side->clients && i < 2 * side->count; i++)
		if (side->clients[i] > 0)
			close(side->clients[i]);
	free(side->clients);
}

static int open_side(struct side *side, const struct net_shape *shape, const struct net_server *by,
		     const char *arg)
{
	int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	int r;

	if (listener < 0)
		return -errno;
	side->by = by;
	side->count = shape->connections;
	side->clients = calloc(2 * side->count, sizeof(*side->clients));
	side->servers = side->clients + side->count;
	r = side->clients ? connect_all(side, listener) : -ENOMEM;
	close(listener);
	return r < 0 ? r : by->open(side->servers, side->count, arg, &side->server);
}

static int allow_descriptors(uint32_t count)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) < 0)
		return -errno;
	if (limit.rlim_max < count)
		return why(-EMFILE, "%u descriptors are needed, ulimit -Hn allows %llu", count,
			   (unsigned long long)limit.rlim_max);
	if (limit.rlim_cur >= count)
		return 0;
	limit.rlim_cur = count;
	return setrlimit(RLIMIT_NOFILE, &limit) < 0 ? -errno : 0;
}

static void teardown(void *context)
{
	struct bench *bench = context;

	close_side(&bench->ours);
	close_side(&bench->base);
	free(bench);
}

static int setup(const struct bench_case *of, void **ret_context)
{
	const struct net_shape *shape = of->arg;
	struct bench *bench = calloc(1, sizeof(*bench));
	int r;

	if (!bench)
		return -ENOMEM;
	r = allow_descriptors(DESCRIPTORS(shape->connections));
	if (r == 0)
		r = open_side(&bench->ours, shape, shape->ours, shape->arg);
	if (r == 0)
		r = open_side(&bench->base, shape, shape->base, NULL);
	if (r < 0)
		teardown(bench);
	else
		*ret_context = bench;
	return r;
}

static int echo(struct side *side, uint64_t n)
{
	char message[NET_MESSAGE] = "";
	int r = 0;

	for (; n && r == 0; n = bench_next(n)) {
		for (uint32_t i = 0; i < side->count; i++)
			if (send(side->clients[i], message, NET_MESSAGE, 0) != NET_MESSAGE)
				return -EIO;
		r = side->by->serve(side->server, side->count);
		for (uint32_t i = 0; r == 0 && i < side->count; i++)
			if (recv(side->clients[i], message, NET_MESSAGE, 0) != NET_MESSAGE)
				return -EIO;
	}
	return r;
}

static int echo_ours(void *context, uint64_t n)
{
	struct bench *bench = context;

	return echo(&bench->ours, n);
}

static int echo_base(void *context, uint64_t n)
{
	struct bench *bench = context;

	return echo(&bench->base, n);
}

#define SHAPE(...) (&(const struct net_shape) { __VA_ARGS__ })
#define ECHO(count, server, server_arg, against)                                    \
	.setup = setup, .teardown = teardown, .ours = echo_ours, .base = echo_base, \
	.ours_ops = (count), .flags = BENCH_NO_INSTRUCTIONS,                        \
	.arg = SHAPE(count, server, server_arg, against)

#define EPOLL "epoll, read, write"
#define CONNECTIONS(count)                                          \
	{                                                           \
		.name = "connections-" #count, .baseline = EPOLL,   \
		.what = "echoes of 64 bytes; connections: " #count, \
		ECHO(count, &net_ours, "uring", &net_epoll)         \
	}

const struct bench_case uring_net_cases[] = {
	{ .name = "echo-256",
	  .baseline = "raw liburing, same flags",
	  .what = "echoes of 64 bytes, 256 connections, multishot receive",
	  ECHO(256, &net_ours, "uring", &net_raw),
	  .limits = { { BENCH_RATIO, 1.05 } } },
	{ .name = "echo-256-vs-epoll",
	  .baseline = EPOLL,
	  .what = "the same",
	  ECHO(256, &net_ours, "uring", &net_epoll),
	  .limits = { { BENCH_RATIO, 1.0 } } },
	{ .name = "raw-echo-256-vs-epoll",
	  .baseline = EPOLL,
	  .what = "the same by raw liburing: the best that could be had",
	  ECHO(256, &net_raw, NULL, &net_epoll) },
	CONNECTIONS(1),
	CONNECTIONS(16),
	CONNECTIONS(64),
	CONNECTIONS(256),
	CONNECTIONS(1024),
	{ .name = "epoll-echo-256-vs-epoll",
	  .baseline = EPOLL,
	  .what = "the same without io_uring",
	  ECHO(256, &net_ours, "epoll", &net_epoll) },
	{ 0 },
};
