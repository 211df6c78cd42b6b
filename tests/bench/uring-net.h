/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Servers that echo, all the same but for how they do it. */
#ifndef HWSAFE_TESTS_BENCH_URING_NET_H
#define HWSAFE_TESTS_BENCH_URING_NET_H

#include <stdint.h>

enum {
	NET_MESSAGE = 64,      /* bytes: what each client sends, then waits for */
	NET_ROOM = 2048,       /* of each buffer that receives */
	NET_DEPTH_LEAST = 256, /* of rings, and buffers in them */
	NET_EVENTS = 256,      /* taken at once */
};

struct net_server {
	/* Of these connections, which stay the caller's; 0 or -errno. */
	int (*open)(const int *fds, uint32_t count, const char *arg, void **ret_server);
	/* Echoes so many messages; 0 or -errno. */
	int (*serve)(void *server, uint32_t messages);
	void (*close)(void *server);
};

extern const struct net_server net_ours; /* by the library; its arg: the back end */
extern const struct net_server net_raw;	 /* by liburing, with the flags that the library gets */
extern const struct net_server net_epoll;

static inline uint32_t net_depth(uint32_t connections)
{
	return connections < NET_DEPTH_LEAST ? NET_DEPTH_LEAST : connections;
}

#endif
