/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What qemu-user and valgrind lack of the kernel that libhwsafe needs, preloaded into the programs
 * they run: openat2(). Of how a path may lead it knows what tests of files need, and not more: what
 * depends on the rest is no test there. A program that they start and that has the kernel itself
 * keeps what the kernel has.
 */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdarg.h>
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
