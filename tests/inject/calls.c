/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What the library calls, by the linker's --wrap: each may be told to fail, in one way or another
 * that it really can. meson.build reads the names off this file.
 */
#include <errno.h>
#include <linux/openat2.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>

#include "tests/inject/inject.h"

struct rlimit64;
struct __user_cap_header_struct;
struct __user_cap_data_struct;

/* The ways to tell of it: errno; a negative result; a positive one; no pointer. */
#define SETS(type, code)    (errno = (code), (type)(-1))
#define GIVES(type, code)   ((type)(-(code)))
#define RETURNS(type, code) ((type)(code))
#define NOTHING(type, code) (errno = (code), (type)NULL)

/* A call that may fail with one errno, or another one; it does nothing then. */
#define FAILING(how, type, name, parameters, arguments, first, second) \
	type __real_##name parameters;                                 \
	type __wrap_##name parameters;                                 \
	type __wrap_##name parameters                                  \
	{                                                              \
		int code = inject_code(#name, first, second);          \
		if (code)                                              \
			return how(type, code);                        \
		return __real_##name arguments;                        \
	}
/* One that does its work also when it says that it failed. */
#define WORKING(type, name, parameters, arguments, code_) \
	type __real_##name parameters;                    \
	type __wrap_##name parameters;                    \
	type __wrap_##name parameters                     \
	{                                                 \
		int code = inject_code(#name, code_, 0);  \
		type r = __real_##name arguments;         \
		return code ? SETS(type, code) : r;       \
	}

/* One of a library that doesn't bear a lack of memory itself: it fails as a whole. */
#define AS_WHOLE(how, type, name, parameters, arguments, code_) \
	type __real_##name parameters;                          \
	type __wrap_##name parameters;                          \
	type __wrap_##name parameters                           \
	{                                                       \
		int code = inject_code(#name, code_, 0);        \
		type r;                                         \
		if (code)                                       \
			return how(type, code);                 \
		inject_mute(true);                              \
		r = __real_##name arguments;                    \
		inject_mute(false);                             \
		return r;                                       \
	}

/* files */
FAILING(SETS, int, open64, (const char *a, int b, unsigned int c), (a, b, c), EMFILE, EACCES)
FAILING(SETS, int, openat64, (int a, const char *b, int c, unsigned int d), (a, b, c, d), EMFILE,
	EACCES)
FAILING(SETS, ssize_t, read, (int a, void *b, size_t c), (a, b, c), EIO, EINTR)
FAILING(SETS, ssize_t, write, (int a, const void *b, size_t c), (a, b, c), ENOSPC, EINTR)
FAILING(SETS, ssize_t, pread64, (int a, void *b, size_t c, off64_t d), (a, b, c, d), EIO, 0)
FAILING(SETS, ssize_t, pwrite64, (int a, const void *b, size_t c, off64_t d), (a, b, c, d), EIO, 0)
FAILING(SETS, ssize_t, preadv64v2, (int a, const void *b, int c, off64_t d, int e), (a, b, c, d, e),
	EIO, EINTR)
FAILING(SETS, ssize_t, pwritev64v2, (int a, const void *b, int c, off64_t d, int e),
	(a, b, c, d, e), ENOSPC, EINTR)
FAILING(SETS, off64_t, lseek64, (int a, off64_t b, int c), (a, b, c), EIO, 0)
FAILING(SETS, int, fstat64, (int a, void *b), (a, b), EIO, 0)
FAILING(SETS, int, fstatat64, (int a, const char *b, void *c, int d), (a, b, c, d), EACCES, 0)
FAILING(SETS, int, lstat64, (const char *a, void *b), (a, b), EACCES, 0)
FAILING(SETS, int, stat64, (const char *a, void *b), (a, b), EACCES, 0)
FAILING(SETS, int, statx, (int a, const char *b, int c, unsigned int d, void *e), (a, b, c, d, e),
	EIO, 0)
FAILING(SETS, ssize_t, readlink, (const char *a, char *b, size_t c), (a, b, c), EACCES, 0)
FAILING(SETS, ssize_t, readlinkat, (int a, const char *b, char *c, size_t d), (a, b, c, d), EIO, 0)
FAILING(NOTHING, void *, fdopendir, (int a), (a), ENOMEM, 0)
FAILING(NOTHING, void *, opendir, (const char *a), (a), EMFILE, 0)
FAILING(SETS, int, scandirat64, (int a, const char *b, void *c, void *d, void *e), (a, b, c, d, e),
	ENOMEM, 0)
FAILING(SETS, int, fsync, (int a), (a), EIO, 0)
FAILING(SETS, int, fdatasync, (int a), (a), EIO, 0)
FAILING(SETS, int, ftruncate64, (int a, off64_t b), (a, b), ENOSPC, 0)
FAILING(SETS, int, fallocate64, (int a, int b, off64_t c, off64_t d), (a, b, c, d), ENOSPC, 0)
FAILING(SETS, int, rename, (const char *a, const char *b), (a, b), EACCES, 0)
FAILING(SETS, int, renameat, (int a, const char *b, int c, const char *d), (a, b, c, d), EACCES, 0)
FAILING(SETS, int, unlink, (const char *a), (a), EACCES, 0)
FAILING(SETS, int, unlinkat, (int a, const char *b, int c), (a, b, c), EACCES, 0)
FAILING(SETS, int, flock, (int a, int b), (a, b), ENOLCK, EWOULDBLOCK)
FAILING(SETS, int, fcntl64, (int a, int b, long c), (a, b, c), EMFILE, 0)
FAILING(SETS, int, ioctl, (int a, unsigned long b, void *c), (a, b, c), EIO, ENOMEM)
FAILING(SETS, int, memfd_create, (const char *a, unsigned int b), (a, b), EMFILE, 0)
FAILING(SETS, ssize_t, getrandom, (void *a, size_t b, unsigned int c), (a, b, c), EINTR, ENOSYS)
FAILING(SETS, ssize_t, splice, (int a, void *b, int c, void *d, size_t e, unsigned int f),
	(a, b, c, d, e, f), EIO, 0)
WORKING(int, close, (int a), (a), EIO)
/* sockets, and waiting */
FAILING(SETS, int, socket, (int a, int b, int c), (a, b, c), EMFILE, 0)
FAILING(SETS, int, socketpair, (int a, int b, int c, int *d), (a, b, c, d), EMFILE, 0)
FAILING(SETS, int, connect, (int a, const void *b, unsigned int c), (a, b, c), EAGAIN, ECONNREFUSED)
FAILING(SETS, int, bind, (int a, const void *b, unsigned int c), (a, b, c), EACCES, 0)
FAILING(SETS, int, listen, (int a, int b), (a, b), EADDRINUSE, 0)
FAILING(SETS, int, accept4, (int a, void *b, void *c, int d), (a, b, c, d), EMFILE, ECONNABORTED)
FAILING(SETS, int, setsockopt, (int a, int b, int c, const void *d, unsigned int e),
	(a, b, c, d, e), ENOMEM, 0)
FAILING(SETS, int, getsockopt, (int a, int b, int c, void *d, void *e), (a, b, c, d, e), EMFILE, 0)
FAILING(SETS, int, getpeername, (int a, void *b, void *c), (a, b, c), ENOBUFS, 0)
FAILING(SETS, int, shutdown, (int a, int b), (a, b), ENOTCONN, 0)
FAILING(SETS, ssize_t, send, (int a, const void *b, size_t c, int d), (a, b, c, d), EPIPE, ENOBUFS)
FAILING(SETS, ssize_t, sendmsg, (int a, const void *b, int c), (a, b, c), EPIPE, EAGAIN)
FAILING(SETS, ssize_t, recv, (int a, void *b, size_t c, int d), (a, b, c, d), ECONNRESET, EAGAIN)
FAILING(SETS, ssize_t, recvmsg, (int a, void *b, int c), (a, b, c), ECONNRESET, EAGAIN)
FAILING(SETS, int, poll, (void *a, unsigned long b, int c), (a, b, c), ENOMEM, EINTR)
FAILING(SETS, int, ppoll, (void *a, unsigned long b, const void *c, const void *d), (a, b, c, d),
	ENOMEM, EINTR)
FAILING(SETS, int, epoll_create1, (int a), (a), EMFILE, 0)
FAILING(SETS, int, epoll_ctl, (int a, int b, int c, void *d), (a, b, c, d), ENOSPC, 0)
FAILING(SETS, int, epoll_wait, (int a, void *b, int c, int d), (a, b, c, d), EINTR, 0)
FAILING(SETS, int, eventfd, (unsigned int a, int b), (a, b), EMFILE, 0)
FAILING(SETS, int, timerfd_create, (int a, int b), (a, b), EMFILE, 0)
FAILING(SETS, int, signalfd, (int a, const void *b, int c), (a, b, c), EMFILE, 0)
FAILING(SETS, int, pipe2, (int *a, int b), (a, b), EMFILE, 0)
FAILING(SETS, int, dup2, (int a, int b), (a, b), EBADF, 0)
/* rings */
FAILING(GIVES, int, io_uring_queue_init, (unsigned int a, void *b, unsigned int c), (a, b, c),
	ENOMEM, EPERM)
FAILING(GIVES, int, io_uring_queue_init_params, (unsigned int a, void *b, void *c), (a, b, c),
	ENOMEM, EPERM)
FAILING(GIVES, int, io_uring_queue_mmap, (int a, void *b, void *c), (a, b, c), ENOMEM, 0)
FAILING(GIVES, int, io_uring_enter2,
	(unsigned int a, unsigned int b, unsigned int c, unsigned int d, void *e, size_t f),
	(a, b, c, d, e, f), EAGAIN, EINTR)
FAILING(GIVES, int, io_uring_register,
	(unsigned int a, unsigned int b, const void *c, unsigned int d), (a, b, c, d), ENOMEM,
	EINVAL)
FAILING(GIVES, int, io_uring_register_probe, (void *a, void *b, unsigned int c), (a, b, c), ENOMEM,
	0)
FAILING(GIVES, int, io_uring_register_ring_fd, (void *a), (a), EINVAL, 0)
FAILING(GIVES, int, io_uring_ring_dontfork, (void *a), (a), ENOMEM, 0)
FAILING(GIVES, int, io_uring_submit_and_wait, (void *a, unsigned int b), (a, b), EINTR, 0)
/* memory */
FAILING(SETS, int, mprotect, (void *a, size_t b, int c), (a, b, c), ENOMEM, 0)
FAILING(SETS, int, madvise, (void *a, size_t b, int c), (a, b, c), EAGAIN, 0)
/* filters */
AS_WHOLE(NOTHING, void *, seccomp_init, (unsigned int a), (a), ENOMEM)
AS_WHOLE(GIVES, int, seccomp_attr_set, (void *a, int b, unsigned int c), (a, b, c), ENOMEM)
AS_WHOLE(GIVES, int, seccomp_rule_add_exact_array,
	 (void *a, unsigned int b, int c, unsigned int d, const void *e), (a, b, c, d, e), ENOMEM)
AS_WHOLE(GIVES, int, seccomp_export_bpf, (const void *a, int b), (a, b), ENOMEM)
/* processes, threads, who one is */
FAILING(SETS, int, fork, (void), (), EAGAIN, 0)
FAILING(SETS, int, waitpid, (int a, int *b, int c), (a, b, c), EINTR, 0)
FAILING(SETS, int, prctl,
	(int a, unsigned long b, unsigned long c, unsigned long d, unsigned long e),
	(a, b, c, d, e), EPERM, 0)
FAILING(SETS, int, sigaction, (int a, const void *b, void *c), (a, b, c), EINVAL, 0)
FAILING(SETS, int, clock_gettime, (int a, void *b), (a, b), EINVAL, 0)
FAILING(SETS, int, getgroups, (int a, unsigned int *b), (a, b), EINVAL, 0)
FAILING(SETS, int, sched_getaffinity, (int a, size_t b, void *c), (a, b, c), EINVAL, 0)
FAILING(SETS, int, sched_setaffinity, (int a, size_t b, const void *c), (a, b, c), EINVAL, 0)
FAILING(SETS, int, setrlimit64, (int a, const void *b), (a, b), EPERM, 0)
FAILING(SETS, int, getrlimit64, (int a, void *b), (a, b), EPERM, 0)
FAILING(SETS, int, chdir, (const char *a), (a), EACCES, 0)
FAILING(RETURNS, int, pthread_create,
	(pthread_t * a, const pthread_attr_t *b, void *(*c)(void *), void *d), (a, b, c, d), EAGAIN,
	0)
FAILING(RETURNS, int, pthread_atfork, (void (*a)(void), void (*b)(void), void (*c)(void)),
	(a, b, c), ENOMEM, 0)

/* What of them is mapped is told. */
void *__real_mmap64(void *hint, size_t size, int prot, int flags, int fd, off64_t offset);
void *__wrap_mmap64(void *hint, size_t size, int prot, int flags, int fd, off64_t offset);
void *__wrap_mmap64(void *hint, size_t size, int prot, int flags, int fd, off64_t offset)
{
	int code = inject_code("mmap64", ENOMEM, fd < 0 ? 0 : EPERM);
	void *address;

	if (code)
		return errno = code, MAP_FAILED;
	address = __real_mmap64(hint, size, prot, flags, fd, offset);
	if (address != MAP_FAILED && !(flags & MAP_FIXED))
		inject_mapped((long)size);
	return address;
}

int __real_munmap(void *address, size_t size);
int __wrap_munmap(void *address, size_t size);
int __wrap_munmap(void *address, size_t size)
{
	int code = inject_code("munmap", ENOMEM, 0);
	/* a child that lets go of what is shared goes on telling us */
	bool ours = inject_owns(address);
	int r = ours ? 0 : __real_munmap(address, size);

	if (r == 0 && !ours)
		inject_mapped(-(long)size);
	return code ? errno = code, -1 : r;
}

static _Thread_local bool loading;

bool inject_is_loading(void)
{
	return loading;
}

/* It fails by the calls and allocations that it makes itself. */
void *__real_dlopen(const char *path, int flags);
void *__wrap_dlopen(const char *path, int flags);
void *__wrap_dlopen(const char *path, int flags)
{
	void *handle;

	loading = true;
	handle = __real_dlopen(path, flags);
	loading = false;
	return handle;
}

/* Those that have no function of their own; what isn't here never fails. */
static const struct {
	long number;
	const char *name;
	int first, second;
} numbers[] = {
	{ SYS_openat2, "openat2", EMFILE, EACCES },
	{ SYS_memfd_create, "memfd_create", EMFILE, 0 },
	{ 462, "mseal", ENOSYS, EPERM },
	{ SYS_mbind, "mbind", ENOMEM, EPERM },
	{ SYS_process_vm_readv, "process_vm_readv", EPERM, 0 },
	{ SYS_process_vm_writev, "process_vm_writev", EPERM, 0 },
	{ SYS_pkey_alloc, "pkey_alloc", ENOSPC, 0 },
	{ SYS_pkey_mprotect, "pkey_mprotect", ENOMEM, 0 },
#ifdef SYS_ioperm
	{ SYS_ioperm, "ioperm", EPERM, ENOMEM },
#endif
	{ SYS_faccessat2, "faccessat2", EACCES, 0 },
	{ SYS_clone3, "clone3", EAGAIN, 0 },
	{ SYS_seccomp, "seccomp", EINVAL, 0 },
	{ SYS_prlimit64, "prlimit64", EPERM, 0 },
};

long __real_syscall(long number, long a, long b, long c, long d, long e, long f);
long __wrap_syscall(long number, long a, long b, long c, long d, long e, long f);
long __wrap_syscall(long number, long a, long b, long c, long d, long e, long f)
{
	for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
		int code;

		if (numbers[i].number != number)
			continue;
		code = inject_code(numbers[i].name, numbers[i].first, numbers[i].second);
		if (code)
			return errno = code, -1;
	}
	return __real_syscall(number, a, b, c, d, e, f);
}
