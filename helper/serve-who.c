/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Who connected, as the kernel says. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "guardian/policy-internal.h"
#include "helper/serve.h"
#include "shim/why-internal.h"

#ifndef SO_PEERPIDFD
#define SO_PEERPIDFD 77 /* Linux 6.5 */
#endif
#ifndef SO_PASSRIGHTS
#define SO_PASSRIGHTS 83 /* Linux 6.16 */
#endif

static int option(int fd, int name, void *value, socklen_t size)
{
	return getsockopt(fd, SOL_SOCKET, name, value, &size) < 0 ? -errno : (int)size;
}

static int find_groups(struct peer *peer)
{
	socklen_t size = 0;

	if (getsockopt(peer->fd, SOL_SOCKET, SO_PEERGROUPS, NULL, &size) < 0 && errno != ERANGE)
		return -errno;
	if (size == 0)
		return 0;
	peer->groups = malloc(size);
	if (!peer->groups)
		return -ENOMEM;
	if (getsockopt(peer->fd, SOL_SOCKET, SO_PEERGROUPS, peer->groups, &size) < 0)
		return -errno;
	peer->group_count = size / sizeof(*peer->groups);
	return 0;
}

/*
 * Before 6.5 by number: should that be another process by now, it is not the one that sends, and a
 * message from any other than the one that connected is refused. Since then the kernel knows better
 * than the number, which may be another's once the first is gone.
 */
static int find_process(struct peer *peer)
{
	int fd = -1;
	int r = option(peer->fd, SO_PEERPIDFD, &fd, sizeof(fd));

	if (r == -ENOPROTOOPT) {
		fd = (int)syscall(SYS_pidfd_open, peer->pid, 0);
		r = fd < 0 ? -errno : 0;
	}
	if (r == -ESRCH || r == -EINVAL)
		return why(-ESRCH, "its process ended before it was heard");
	peer->pidfd = r < 0 ? -1 : fd;
	return 0;
}

/*
 * What can't be told matches no rule about programs. It is that process's only if that is still
 * alive, and that is only known if its pid is held.
 */
void who_look(struct server *server, struct peer *peer)
{
	char *exe = peer->pidfd < 0 ? NULL : exe_of(server, peer->pid, &peer->file);

	/* EPERM: it is another user's, and alive */
	if (!exe || syscall(SYS_pidfd_send_signal, peer->pidfd, 0, NULL, 0) == 0 || errno == EPERM)
		peer->exe = exe;
	else
		free(exe);
}

int who_connected(struct peer *peer)
{
	struct ucred who;
	int r = option(peer->fd, SO_PEERCRED, &who, sizeof(who));

	if (r < 0)
		return r;
	peer->pid = who.pid;
	peer->uid = who.uid;
	peer->gid = who.gid;
	/* -1 is nobody's; 0: a process that this namespace can't name */
	if (who.uid == UINT32_MAX || who.gid == UINT32_MAX || who.pid <= 0)
		return why(-EACCES, "the kernel can't say who that is");
	/* whoever this namespace has no number for has that one: it is many, so it is nobody */
	if (who.uid == POLICY_OVERFLOW_ID)
		return why(-EACCES, "uid %u stands for all that have none here", who.uid);
	return find_groups(peer);
}

int who_is(struct peer *peer)
{
	const int on = 1;
	const int off = 0;
	int r = find_process(peer);

	if (r < 0)
		return r;
	/* descriptors are refused by the kernel where it can; each message says who sent it */
	(void)setsockopt(peer->fd, SOL_SOCKET, SO_PASSRIGHTS, &off, sizeof(off));
	return setsockopt(peer->fd, SOL_SOCKET, SO_PASSCRED, &on, sizeof(on)) < 0 ? -errno : 0;
}
