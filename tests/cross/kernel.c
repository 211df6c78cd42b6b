/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What qemu-user and valgrind lack of the kernel that libhwsafe needs, preloaded into the programs
 * they run: openat2(), and who is at the other end of a socket. Of how a path may lead it knows
 * what tests of files need, and of peers that they are this program itself: what depends on the
 * rest is no test there. A program that they start and that has the kernel itself keeps what the
 * kernel has.
 */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdarg.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { ARGUMENTS = 6 };

static long open_as(int dir, const char *path, const struct open_how *how)
{
	int flags = (int)how->flags;

	while (how->resolve & RESOLVE_IN_ROOT && *path == '/')
		path++;
	if (how->resolve & RESOLVE_NO_SYMLINKS)
		flags |= O_NOFOLLOW;
	return openat(dir, *path ? path : ".", flags, (mode_t)how->mode);
}

long syscall(long number, ...)
{
	static long (*next)(long, ...);
	long a[ARGUMENTS];
	va_list list;
	long result;

	va_start(list, number);
	for (int i = 0; i < ARGUMENTS; i++)
		a[i] = va_arg(list, long);
	va_end(list);
	if (!next)
		*(void **)&next = dlsym(RTLD_NEXT, "syscall");
	result = next(number, a[0], a[1], a[2], a[3], a[4], a[5]);
	if (number == SYS_openat2 && result < 0 && errno == ENOSYS)
		return open_as((int)a[0], (const char *)a[1], (const struct open_how *)a[2]);
	return result;
}

static int groups_of_peer(gid_t *groups, socklen_t *size)
{
	int count = getgroups(0, NULL);
	socklen_t needed = (socklen_t)count * (socklen_t)sizeof(*groups);
	socklen_t room = *size;

	*size = needed;
	if (room < needed) {
		errno = ERANGE;
		return -1;
	}
	return getgroups(count, groups) < 0 ? -1 : 0;
}

int getsockopt(int fd, int level, int name, void *restrict value, socklen_t *restrict size)
{
	static int (*next)(int, int, int, void *, socklen_t *);

	/* qemu-user takes it for a number */
	if (level == SOL_SOCKET && name == SO_PEERGROUPS && getenv("HWS_EMULATED"))
		return groups_of_peer(value, size);
	if (!next)
		*(void **)&next = dlsym(RTLD_NEXT, "getsockopt");
	return next(fd, level, name, value, size);
}
