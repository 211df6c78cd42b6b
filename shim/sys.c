/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "shim/size-internal.h"
#include "shim/sys-internal.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <linux/futex.h>
#include <linux/landlock.h>
#include <linux/mempolicy.h>
#include <linux/openat2.h>
#include <linux/sched.h>
#include <linux/seccomp.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/timerfd.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <sys/un.h>
#include <unistd.h>

#ifndef MFD_EXEC
#define MFD_EXEC 0x0010u
#endif
/* Times have 64 bits on every machine: 32-bit ones keep their old call for those of 32. */
#ifdef SYS_futex_time64
#define FUTEX SYS_futex_time64
#else
#define FUTEX SYS_futex
#endif
#ifndef SYS_mseal
#define SYS_mseal 462 /* the same number on every architecture */
#endif

/* The result of a call that sets errno, as our callers want it. */
static long result(long value)
{
	return value < 0 ? -errno : value;
}

#define RETRY(call)                                    \
	__extension__({                                \
		long retry_;                           \
		do                                     \
			retry_ = result((long)(call)); \
		while (retry_ == -EINTR);              \
		retry_;                                \
	})

int sys_root_open(const char *sysroot)
{
	if (!sysroot)
		return SYS_REAL_ROOT;
	return (int)RETRY(open(sysroot, O_PATH | O_DIRECTORY | O_CLOEXEC));
}

int sys_open_resolve(int dir, const char *path, int flags, uint32_t mode, uint64_t resolve)
{
	struct open_how how = {
		.flags = (uint64_t)(uint32_t)(flags | O_CLOEXEC),
		.mode = mode,
		.resolve = resolve,
	};

	enum { TRIES = 100 };
	long fd = RETRY(syscall(SYS_openat2, dir, path, &how, sizeof(how)));

	/* something was renamed meanwhile, somewhere: it can't tell whether ".." leads out */
	for (int i = 1; resolve && fd == -EAGAIN && i < TRIES; i++)
		fd = RETRY(syscall(SYS_openat2, dir, path, &how, sizeof(how)));
	return (int)fd;
}

int sys_open(int root, const char *path, int flags)
{
	if (root == SYS_REAL_ROOT)
		return (int)RETRY(open(path, flags | O_CLOEXEC));
	return sys_open_resolve(root, path, flags, 0, RESOLVE_IN_ROOT);
}

int sys_close(int fd)
{
	if (fd >= 0)
		close(fd);
	return -1;
}

void sys_close_p(int *fd)
{
	*fd = sys_close(*fd);
}

void sys_free_p(void *pointer_to_pointer)
{
	void **pointer = pointer_to_pointer;

	free(*pointer);
	*pointer = NULL;
}

void sys_closedir_p(DIR **dir)
{
	if (*dir)
		closedir(*dir);
	*dir = NULL;
}

ssize_t sys_read(int fd, void *bytes, size_t size)
{
	return RETRY(read(fd, bytes, size));
}

ssize_t sys_write(int fd, const void *bytes, size_t size)
{
	return RETRY(write(fd, bytes, size));
}

ssize_t sys_pread(int fd, void *bytes, size_t size, uint64_t offset)
{
	return RETRY(pread(fd, bytes, size, (off_t)offset));
}

ssize_t sys_pwrite(int fd, const void *bytes, size_t size, uint64_t offset)
{
	return RETRY(pwrite(fd, bytes, size, (off_t)offset));
}

ssize_t sys_read_all(int fd, char *text, size_t size)
{
	size_t length = 0;

	if (size == 0)
		return -EFBIG;
	for (;;) {
		ssize_t n = sys_read(fd, text + length, size - length);

		if (n < 0)
			return n;
		if (n == 0)
			break;
		length += (size_t)n;
		if (length == size)
			return -EFBIG;
	}
	text[length] = '\0';
	return (ssize_t)length;
}

ssize_t sys_read_file(int root, const char *path, char *text, size_t size)
{
	HWS_CLEANUP_FD int fd = sys_open(root, path, O_RDONLY);

	return fd < 0 ? fd : sys_read_all(fd, text, size);
}

int sys_read_u64(int root, const char *path, uint64_t *ret_value)
{
	char text[64];
	char *end;
	ssize_t n = sys_read_file(root, path, text, sizeof(text));
	unsigned long long value;

	if (n < 0)
		return (int)n;
	if (strspn(text, " \t") == (size_t)n || strchr(text, '-'))
		return -EBADMSG;
	errno = 0;
	value = strtoull(text, &end, 0);
	if (errno || end == text || end[strspn(end, " \t\n")] != '\0')
		return -EBADMSG;
	*ret_value = value;
	return 0;
}

int sys_fstat(int fd, struct stat *ret_stat)
{
	return (int)result(fstat(fd, ret_stat));
}

int sys_lseek(int fd, int64_t offset, int whence, uint64_t *ret_position)
{
	off_t position = lseek(fd, offset, whence);

	if (position < 0)
		return -errno;
	*ret_position = (uint64_t)position;
	return 0;
}

int sys_dio_alignment(int fd, uint32_t *ret_memory, uint32_t *ret_offset)
{
#ifdef STATX_DIOALIGN
	struct statx found;
	int r = (int)result(statx(fd, "", AT_EMPTY_PATH, STATX_DIOALIGN, &found));

	if (r < 0)
		return r;
	if (!(found.stx_mask & STATX_DIOALIGN))
		return -EOPNOTSUPP;
	*ret_memory = found.stx_dio_mem_align;
	*ret_offset = found.stx_dio_offset_align;
	return 0;
#else
	struct stat found;
	int r = sys_fstat(fd, &found);

	(void)ret_memory, (void)ret_offset;
	return r < 0 ? r : -EOPNOTSUPP;
#endif
}

int sys_block_size(int fd, uint32_t *ret_size)
{
	int size;
	int r = (int)result(ioctl(fd, BLKSSZGET, &size));

	if (r == 0)
		*ret_size = (uint32_t)size;
	return r;
}

ssize_t sys_readlink(int root, const char *path, char *text, size_t size)
{
	HWS_CLEANUP_FD int fd = sys_open(root, path, O_PATH | O_NOFOLLOW);
	ssize_t n;

	if (fd < 0)
		return fd;
	n = result(readlinkat(fd, "", text, size));
	if (n >= 0 && (size_t)n >= size)
		return -ENAMETOOLONG;
	if (n >= 0)
		text[n] = '\0';
	return n;
}

int sys_opendir(int root, const char *path, DIR **ret_dir)
{
	HWS_CLEANUP_FD int fd = sys_open(root, path, O_RDONLY | O_DIRECTORY);
	DIR *dir;

	if (fd < 0)
		return fd;
	dir = fdopendir(fd);
	if (!dir)
		return -errno;
	(void)HWS_TAKE_FD(fd); /* the directory's now */
	*ret_dir = dir;
	return 0;
}

int sys_scandir(int dir, struct dirent ***ret_entries, int (*filter)(const struct dirent *entry),
		int (*compare)(const struct dirent **a, const struct dirent **b))
{
	return (int)result(scandirat(dir, ".", ret_entries, filter, compare));
}

int sys_fsync(int fd)
{
	return (int)RETRY(fsync(fd));
}

int sys_ftruncate(int fd, uint64_t size)
{
	return (int)RETRY(ftruncate(fd, (off_t)size));
}

int sys_rename_in(int dir, const char *from, const char *to)
{
	return (int)result(renameat(dir, from, dir, to));
}

int sys_unlink_in(int dir, const char *name)
{
	return (int)result(unlinkat(dir, name, 0));
}

int sys_lock(int fd)
{
	return (int)RETRY(flock(fd, LOCK_EX | LOCK_NB));
}

int sys_random(void *bytes, size_t size)
{
	ssize_t n = RETRY(getrandom(bytes, size, 0));

	return n < 0 ? (int)n : (size_t)n == size ? 0 : -EIO;
}

int sys_log_socket(const char *path)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	HWS_CLEANUP_FD int fd = -1;
	int r;

	if (strlen(path) >= sizeof(address.sun_path))
		return -ENAMETOOLONG;
	memcpy(address.sun_path, path, strlen(path) + 1);
	fd = (int)result(socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
	if (fd < 0)
		return fd;
	r = (int)RETRY(connect(fd, (const struct sockaddr *)&address, sizeof(address)));
	return r < 0 ? r : HWS_TAKE_FD(fd);
}

static int unix_address(const char *path, struct sockaddr_un *ret_address)
{
	*ret_address = (struct sockaddr_un) { .sun_family = AF_UNIX };
	if (strlen(path) >= sizeof(ret_address->sun_path))
		return -ENAMETOOLONG;
	memcpy(ret_address->sun_path, path, strlen(path) + 1);
	return 0;
}

int sys_message_socket(const char *path, uint32_t seconds)
{
	struct timeval limit = { .tv_sec = (time_t)seconds };
	struct sockaddr_un address;
	HWS_CLEANUP_FD int fd = -1;
	int r = unix_address(path, &address);

	if (r < 0)
		return r;
	fd = (int)result(socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0));
	if (fd < 0)
		return fd;
	r = (int)result(setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit)));
	if (r == 0)
		r = (int)result(setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof(limit)));
	if (r == 0)
		r = (int)RETRY(connect(fd, (const struct sockaddr *)&address, sizeof(address)));
	return r < 0 ? r : HWS_TAKE_FD(fd);
}

ssize_t sys_send_message(int fd, const void *bytes, size_t size)
{
	return RETRY(send(fd, bytes, size, MSG_NOSIGNAL));
}

/* A socket's own limit begins anew with each wait that a handler cut short: that of all of them. */
static bool waited_enough(int fd, uint64_t *deadline)
{
	struct timeval limit = { 0 };
	socklen_t size = sizeof(limit);
	uint64_t now = 0;

	if (getsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, &size) < 0 ||
	    !(limit.tv_sec || limit.tv_usec) || sys_clock(CLOCK_MONOTONIC, &now) < 0)
		return false;
	if (*deadline == 0)
		*deadline = now + (uint64_t)limit.tv_sec * 1000000000u +
			    (uint64_t)limit.tv_usec * 1000u;
	return now >= *deadline;
}

ssize_t sys_receive_message(int fd, void *bytes, size_t size, int *ret_fd)
{
	union {
		struct cmsghdr head;
		char room[CMSG_SPACE(sizeof(int))];
	} control;
	struct iovec into = { bytes, size };
	/* not all of the room: what fills it up to a multiple would hold another descriptor */
	struct msghdr message = { .msg_iov = &into,
				  .msg_iovlen = 1,
				  .msg_control = &control,
				  .msg_controllen = CMSG_LEN(sizeof(int)) };
	const struct cmsghdr *one;
	uint64_t deadline = 0;
	ssize_t r;

	do
		r = result(recvmsg(fd, &message, MSG_CMSG_CLOEXEC));
	while (r == -EINTR && !waited_enough(fd, &deadline));
	r = r == -EINTR ? -EAGAIN : r;

	*ret_fd = -1;
	if (r < 0)
		return r;
	one = CMSG_FIRSTHDR(&message);
	if (one && one->cmsg_level == SOL_SOCKET && one->cmsg_type == SCM_RIGHTS &&
	    one->cmsg_len >= CMSG_LEN(sizeof(int)))
		memcpy(ret_fd, CMSG_DATA(one), sizeof(*ret_fd));
	if (message.msg_flags & (MSG_TRUNC | MSG_CTRUNC)) {
		*ret_fd = sys_close(*ret_fd);
		return -EMSGSIZE;
	}
	return r;
}

ssize_t sys_send(int fd, const void *bytes, size_t size)
{
	return RETRY(send(fd, bytes, size, MSG_DONTWAIT | MSG_NOSIGNAL));
}

static struct timespec time_of(uint64_t ns)
{
	_Static_assert(sizeof(time_t) == sizeof(uint64_t), "the build asks for it: _TIME_BITS");
	return (struct timespec) {
		.tv_sec = (time_t)(ns / 1000000000u),
		.tv_nsec = (long)(ns % 1000000000u),
	};
}

int sys_futex_wait_shared(uint32_t *word, uint32_t expected, uint64_t ns)
{
	struct timespec limit = time_of(ns);

	return (int)result(syscall(FUTEX, word, FUTEX_WAIT, expected, &limit, NULL, 0));
}

void sys_futex_wait(uint32_t *word, uint32_t expected, uint64_t ns)
{
	struct timespec limit = time_of(ns);

	syscall(FUTEX, word, FUTEX_WAIT_PRIVATE, expected, &limit, NULL, 0);
}

void sys_futex_wake(uint32_t *word)
{
	syscall(FUTEX, word, FUTEX_WAKE_PRIVATE, 1, NULL, NULL, 0);
}

void sys_futex_wake_all(uint32_t *word)
{
	syscall(FUTEX, word, FUTEX_WAKE_PRIVATE, INT32_MAX, NULL, NULL, 0);
}

int sys_mmap(void *hint, uint64_t size, int prot, int flags, int fd, uint64_t offset,
	     void **ret_address)
{
	void *address;

	if (!size_fits(size))
		return -ENOMEM;
	address = mmap(hint, (size_t)size, prot, flags, fd, (off_t)offset);
	if (address == MAP_FAILED)
		return -errno;
	*ret_address = address;
	return 0;
}

int sys_munmap(void *address, uint64_t size)
{
	return (int)result(munmap(address, (size_t)size));
}

int sys_mprotect(void *address, uint64_t size, int prot)
{
	return (int)result(mprotect(address, (size_t)size, prot));
}

int sys_mseal(void *address, size_t size)
{
	return (int)result(syscall(SYS_mseal, address, size, 0UL));
}

int sys_madvise(void *address, uint64_t size, int advice)
{
	if (madvise(address, (size_t)size, advice) == 0)
		return 0;
	/* EAGAIN is the word for a lack of memory here, when it has to split what is mapped */
	return errno == EAGAIN ? -ENOMEM : -errno;
}

int sys_mbind(void *address, uint64_t size, uint32_t node)
{
	enum { NODES = 1024, BITS = 8 * sizeof(unsigned long) };
	unsigned long mask[NODES / BITS] = { 0 };

	if (node >= NODES)
		return -EINVAL;
	mask[node / BITS] = 1UL << node % BITS;
	return (int)result(syscall(SYS_mbind, address, (size_t)size, (unsigned long)MPOL_BIND, mask,
				   (unsigned long)NODES + 1, 0UL));
}

/* Through the file what is PROT_NONE can be reached, too; it is opened only for that. */
static int own_memory_file(uint64_t memory, void *bytes, size_t size, bool write)
{
	HWS_CLEANUP_FD int fd = sys_open(SYS_REAL_ROOT, "/proc/self/mem", O_RDWR);
	ssize_t n;

	if (fd < 0)
		return -EFAULT;
	n = write ? sys_pwrite(fd, bytes, size, memory) : sys_pread(fd, bytes, size, memory);
	return n == (ssize_t)size ? 0 : -EFAULT;
}

/* As if from another process, which keys don't keep out; no wrapper that would check the bytes. */
static long own_memory_call(uint64_t memory, void *bytes, size_t size, bool write)
{
	struct iovec local = { bytes, size };
	struct iovec remote = { (void *)(uintptr_t)memory, size };

	return result(syscall(write ? SYS_process_vm_writev : SYS_process_vm_readv, getpid(),
			      &local, 1UL, &remote, 1UL, 0UL));
}

static int own_memory(uint64_t memory, void *bytes, size_t size, bool write)
{
	long n = own_memory_call(memory, bytes, size, write);

	return n == (long)size ? 0 : own_memory_file(memory, bytes, size, write);
}

int sys_own_memory_read(const void *memory, void *bytes, size_t size)
{
	return own_memory((uintptr_t)memory, bytes, size, false);
}

int sys_own_memory_write(void *memory, const void *bytes, size_t size)
{
	return own_memory((uintptr_t)memory, (void *)(uintptr_t)bytes, size, true);
}

int sys_own_memory_fill(void *memory, const void *bytes, size_t size)
{
	long n = own_memory_call((uintptr_t)memory, (void *)(uintptr_t)bytes, size, true);

	/* the other way heeds no protection: only where this one is forbidden altogether */
	if (n == -EPERM || n == -ENOSYS)
		n = sys_own_memory_write(memory, bytes, size) < 0 ? n : (long)size;
	return n == (long)size ? 0 : -EFAULT;
}

bool sys_can_pin(const void *memory)
{
	char byte;

	return own_memory_call((uintptr_t)memory, &byte, 1, false) != -EFAULT;
}

int sys_pkey_alloc(uint32_t rights)
{
	return (int)result(syscall(SYS_pkey_alloc, 0UL, (unsigned long)rights));
}

int sys_pkey_free(int key)
{
	return (int)result(syscall(SYS_pkey_free, key));
}

int sys_pkey_mprotect(void *address, uint64_t size, int prot, int key)
{
	return (int)result(
		syscall(SYS_pkey_mprotect, address, (size_t)size, (unsigned long)prot, (long)key));
}

int sys_futex_wait_until(uint32_t *word, uint32_t expected, uint64_t deadline_ns)
{
	struct timespec deadline = time_of(deadline_ns);

	/* the bit set's form takes an absolute time */
	return (int)result(syscall(FUTEX, word, FUTEX_WAIT_BITSET_PRIVATE, expected,
				   deadline_ns == UINT64_MAX ? NULL : &deadline, NULL,
				   FUTEX_BITSET_MATCH_ANY));
}

int sys_ioctl(int fd, unsigned long request, void *argument)
{
	return (int)result(ioctl(fd, request, argument));
}

int sys_seek_end(int fd)
{
	return lseek(fd, 0, SEEK_END) < 0 ? -errno : 0;
}

int sys_sigaction(int signal, const struct sigaction *action, struct sigaction *ret_old)
{
	return (int)result(sigaction(signal, action, ret_old));
}

int sys_unblock_faults(void)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGSEGV);
	sigaddset(&set, SIGBUS);
	return -pthread_sigmask(SIG_UNBLOCK, &set, NULL);
}

int sys_ioperm(uint16_t first, uint32_t count, bool on)
{
#ifdef SYS_ioperm
	return (int)result(
		syscall(SYS_ioperm, (unsigned long)first, (unsigned long)count, (int)on));
#else
	(void)first, (void)count, (void)on;
	return -ENOSYS;
#endif
}

int sys_clock(clockid_t clock, uint64_t *ret_ns)
{
	struct timespec now;

	if (clock_gettime(clock, &now) < 0)
		return -errno;
	*ret_ns = (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
	return 0;
}

void sys_sleep(uint64_t ns)
{
	struct timespec left = time_of(ns);

	while (nanosleep(&left, &left) < 0 && errno == EINTR)
		;
}

int sys_tid(void)
{
	return (int)syscall(SYS_gettid);
}

bool sys_thread_alive(int tid)
{
	return result(syscall(SYS_tgkill, getpid(), tid, 0)) != -ESRCH;
}

int sys_pid(void)
{
	return getpid();
}

uint32_t sys_uid(void)
{
	return geteuid();
}

uint32_t sys_gid(void)
{
	return getegid();
}

int sys_groups(int size, gid_t *groups)
{
	return (int)result(getgroups(size, groups));
}

int sys_access(int root, const char *path, int mode)
{
	HWS_CLEANUP_FD int fd = sys_open(root, path, O_PATH);

	if (fd < 0)
		return fd;
	return (int)result(syscall(SYS_faccessat2, fd, "", mode, AT_EMPTY_PATH | AT_EACCESS));
}

int sys_uname(struct utsname *ret_name)
{
	return (int)result(uname(ret_name));
}

int sys_speculation(unsigned int control)
{
	return (int)result(prctl(PR_GET_SPECULATION_CTRL, (unsigned long)control, 0UL, 0UL, 0UL));
}

/* A fork that sends no SIGCHLD when the child ends: a caller's handler has no business with it. */
static int quiet_fork(void)
{
	struct clone_args arguments = { .exit_signal = 0 };
	long child = result(syscall(SYS_clone3, &arguments, sizeof(arguments)));

	return (int)(child == -ENOSYS ? result(fork()) : child);
}

static void limit_to(unsigned int seconds)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGALRM);
	signal(SIGALRM, SIG_DFL);
	sigprocmask(SIG_UNBLOCK, &set, NULL);
	alarm(seconds);
}

int sys_child(void (*body)(void *), void *context, unsigned int seconds, int *ret_signal)
{
	int status;
	int child = quiet_fork();
	int waited;

	if (child == 0) {
		limit_to(seconds);
		body(context);
		_exit(0);
	}
	if (child < 0)
		return child;
	/* __WALL: a child that sends no signal isn't waited for otherwise */
	waited = (int)RETRY(waitpid(child, &status, __WALL));
	if (waited == -ECHILD) /* a caller that ignores SIGCHLD: it has ended, how isn't told */
		status = 0;
	else if (waited < 0)
		return waited;
	*ret_signal = WIFSIGNALED(status) ? WTERMSIG(status) : 0;
	if (!WIFSIGNALED(status))
		return 0;
	return WTERMSIG(status) == SIGALRM ? -ETIMEDOUT : -ECANCELED;
}

/* Its parent's end is the end: whatever else it does, it doesn't stay. */
static void *watch_parent(void *fd)
{
	struct pollfd look = { .fd = (int)(intptr_t)fd };

	while (poll(&look, 1, -1) < 0 || !(look.revents & (POLLHUP | POLLERR)))
		;
	_exit(0);
}

static _Noreturn void be_companion(int fd, int kept, void (*body)(int, void *), void *context)
{
	int low = fd < kept ? fd : kept;
	int high = fd < kept ? kept : fd;
	int null = open("/dev/null", O_RDWR);
	pthread_t watcher;
	char go;

	/* it ends only once its parent holds it by a descriptor: the number could be another's */
	if (RETRY(recv(fd, &go, 1, 0)) != 1)
		_exit(1);
	/* what the program reads and writes is not the child's */
	for (int i = 0; i < 3; i++)
		if (i != fd && i != kept && dup2(null, i) < 0)
			close(i);
	if (low > 3 && close_range(3, (unsigned int)low - 1, 0) < 0)
		_exit(1);
	if (high > low + 1 && close_range((unsigned int)low + 1, (unsigned int)high - 1, 0) < 0)
		_exit(1);
	if (close_range((unsigned int)high + 1, ~0u, 0) < 0 ||
	    pthread_create(&watcher, NULL, watch_parent, (void *)(intptr_t)fd) != 0)
		_exit(1);
	body(fd, context);
	_exit(0);
}

int sys_companion(void (*body)(int fd, void *context), void *context, int kept, int *ret_fd,
		  int *ret_process)
{
	int process;
	int pair[2];
	int pid;

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0)
		return -errno;
	/* fork(), not clone(): the child allocates, and libc must know that it has become two */
	pid = (int)result(fork());
	if (pid == 0) {
		close(pair[0]);
		be_companion(pair[1], kept, body, context);
	}
	close(pair[1]);
	process = pid < 0 ? pid : (int)result(syscall(SYS_pidfd_open, pid, 0U));
	if (process < 0) {
		close(pair[0]);
		if (pid > 0 && process != -ESRCH) /* then it is there, and waits */
			kill(pid, SIGKILL);
		if (pid > 0)
			(void)RETRY(waitpid(pid, NULL, 0));
		return process;
	}
	(void)result(send(pair[0], "", 1, MSG_NOSIGNAL)); /* if it is dead, who reads will know */
	*ret_fd = pair[0];
	*ret_process = process;
	return 0;
}

int sys_reap(int process)
{
	const idtype_t by_descriptor = (idtype_t)3; /* P_PIDFD, which older headers lack */
	siginfo_t end = { 0 };
	int r;

	(void)result(syscall(SYS_pidfd_send_signal, process, SIGKILL, NULL, 0U));
	r = (int)RETRY(waitid(by_descriptor, (id_t)process, &end, WEXITED));
	close(process);
	if (r < 0)
		return r;
	return end.si_code == CLD_EXITED ? 0 : end.si_status;
}

int sys_confine(const struct sock_fprog *filter)
{
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
		return -errno;
	return (int)result(
		syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_TSYNC, filter));
}

int sys_landlock(uint64_t rights)
{
	const struct landlock_ruleset_attr handled = { .handled_access_fs = rights };

	return (int)result(syscall(SYS_landlock_create_ruleset, &handled, sizeof(handled), 0));
}

int sys_landlock_allow(int ruleset, int fd, uint64_t rights)
{
	const struct landlock_path_beneath_attr rule = { .allowed_access = rights,
							 .parent_fd = fd };

	return (int)result(
		syscall(SYS_landlock_add_rule, ruleset, LANDLOCK_RULE_PATH_BENEATH, &rule, 0));
}

int sys_landlock_enter(int ruleset)
{
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
		return -errno;
	return (int)result(syscall(SYS_landlock_restrict_self, ruleset, 0));
}

size_t sys_page_size(void)
{
	return (size_t)sysconf(_SC_PAGESIZE);
}

int sys_cpus_online(void)
{
	return (int)sysconf(_SC_NPROCESSORS_ONLN);
}

int sys_cpus_configured(void)
{
	return (int)sysconf(_SC_NPROCESSORS_CONF);
}

int sys_cpus_allowed(void)
{
	/* the kernel wants room for all processors it might have; 8192 is its most */
	cpu_set_t cpus[8192 / CPU_SETSIZE];

	if (sched_getaffinity(0, sizeof(cpus), cpus) < 0)
		return -errno;
	return CPU_COUNT_S(sizeof(cpus), cpus);
}

int sys_getrlimit(int which, uint64_t *ret_limit)
{
	/* what the kernel calls struct rlimit64: the same on every architecture */
	uint64_t limit[2];

	if (syscall(SYS_prlimit64, 0, which, NULL, limit) < 0)
		return -errno;
	*ret_limit = limit[0];
	return 0;
}

int sys_pin(uint32_t cpu)
{
	cpu_set_t cpus[8192 / CPU_SETSIZE] = { 0 };

	if (cpu >= 8192)
		return -EINVAL;
	CPU_SET_S(cpu, sizeof(cpus), cpus);
	return (int)result(sched_setaffinity(0, sizeof(cpus), cpus));
}

void sys_where(uint32_t *ret_cpu, uint32_t *ret_node)
{
	/* it fails only at bad addresses */
	(void)result(getcpu(ret_cpu, ret_node));
}

void sys_yield(void)
{
	sched_yield();
}

int sys_epoll_create(void)
{
	return (int)result(epoll_create1(EPOLL_CLOEXEC));
}

int sys_epoll_ctl(int poller, int how, int fd, struct epoll_event *event)
{
	return (int)result(epoll_ctl(poller, how, fd, event));
}

int sys_epoll_get(int poller, struct epoll_event *ret_events, int size)
{
	return (int)RETRY(epoll_wait(poller, ret_events, size, 0));
}

int sys_poll_until(struct pollfd *fds, size_t count, uint64_t deadline_ns)
{
	struct timespec left = { 0 };
	uint64_t now = 0;
	int r = sys_clock(CLOCK_MONOTONIC, &now);

	if (r == 0 && deadline_ns > now)
		left = time_of(deadline_ns - now);
	r = (int)result(ppoll(fds, count, deadline_ns == UINT64_MAX ? NULL : &left, NULL));
	return r == 0 ? -ETIME : r;
}

int sys_poll_one(int fd, short events)
{
	struct pollfd one = { .fd = fd, .events = events };
	int r = (int)RETRY(poll(&one, 1, 0));

	return r > 0 ? one.revents : r;
}

int sys_eventfd(void)
{
	return (int)result(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
}

void sys_eventfd_ring(int fd)
{
	/* when it is full it is readable */
	(void)result(eventfd_write(fd, 1));
}

void sys_eventfd_still(int fd)
{
	uint64_t count;
	ssize_t r = sys_read(fd, &count, sizeof(count));

	(void)r;
}

int sys_timerfd(void)
{
	return (int)result(timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK));
}

void sys_timerfd_set(int fd, uint64_t at_ns)
{
	struct itimerspec at = { .it_value = { .tv_sec = (time_t)(at_ns / 1000000000u),
					       .tv_nsec = (long)(at_ns % 1000000000u) } };

	(void)result(timerfd_settime(fd, TFD_TIMER_ABSTIME, &at, NULL));
}

int sys_dup(int fd)
{
	return (int)result(fcntl(fd, F_DUPFD_CLOEXEC, 0));
}

int sys_shut(int fd)
{
	return (int)result(close(fd));
}

int sys_memfd_sized(const char *name, uint64_t size)
{
	int fd = (int)result(memfd_create(name, MFD_ALLOW_SEALING));
	int r = fd < 0 ? fd : sys_ftruncate(fd, size);

	if (r == 0)
		r = (int)result(fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL));
	if (r < 0 && fd >= 0)
		sys_close(fd);
	return r < 0 ? r : fd;
}

int sys_memfd(const char *name)
{
	long fd =
		result(syscall(SYS_memfd_create, name, MFD_CLOEXEC | MFD_ALLOW_SEALING | MFD_EXEC));

	/* before Linux 6.3 there was no such word, and all were so */
	if (fd == -EINVAL)
		fd = result(syscall(SYS_memfd_create, name, MFD_CLOEXEC | MFD_ALLOW_SEALING));
	return (int)fd;
}

int sys_seal(int fd)
{
	const int seals = F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE;
	enum { TRIES = 20, PAUSE_NS = 10000000 };
	int r = (int)result(fcntl(fd, F_ADD_SEALS, seals));

	/* Linux moves pages about, and calls those that it has in hand busy */
	for (int i = 1; r == -EBUSY && i < TRIES; i++) {
		sys_sleep(PAUSE_NS);
		r = (int)result(fcntl(fd, F_ADD_SEALS, seals));
	}
	return r;
}

int sys_seals(int fd)
{
	return (int)result(fcntl(fd, F_GET_SEALS));
}

int sys_get_cloexec(int fd)
{
	int r = (int)result(fcntl(fd, F_GETFD));

	return r < 0 ? r : r & FD_CLOEXEC;
}

int sys_set_cloexec(int fd)
{
	return (int)result(fcntl(fd, F_SETFD, FD_CLOEXEC));
}

int sys_get_flags(int fd)
{
	return (int)result(fcntl(fd, F_GETFL));
}

ssize_t sys_readv(int fd, const struct iovec *iov, uint32_t count, uint64_t offset, int flags)
{
	return result(preadv2(fd, iov, (int)count, (off_t)offset, flags));
}

ssize_t sys_writev(int fd, const struct iovec *iov, uint32_t count, uint64_t offset, int flags)
{
	return result(pwritev2(fd, iov, (int)count, (off_t)offset, flags));
}

ssize_t sys_recv(int fd, void *bytes, size_t size, int flags)
{
	return RETRY(recv(fd, bytes, size, flags | MSG_DONTWAIT));
}

ssize_t sys_send_flags(int fd, const void *bytes, size_t size, int flags)
{
	return RETRY(send(fd, bytes, size, flags | MSG_DONTWAIT));
}

int sys_fdatasync(int fd)
{
	return (int)RETRY(fdatasync(fd));
}

int sys_fallocate(int fd, int mode, uint64_t offset, uint64_t size)
{
	return (int)RETRY(fallocate(fd, mode, (off_t)offset, (off_t)size));
}

int sys_statx(int dir, const char *path, int flags, uint32_t mask, struct statx *ret_of)
{
	return (int)RETRY(statx(dir, path, flags, mask, ret_of));
}

int sys_openat(int dir, const char *path, int flags, uint32_t mode)
{
	return (int)RETRY(openat(dir, path, flags | O_CLOEXEC, mode));
}

int sys_socket(int domain, int type, int protocol)
{
	return (int)result(socket(domain, type | SOCK_CLOEXEC, protocol));
}

int sys_shutdown(int fd, int how)
{
	return (int)result(shutdown(fd, how));
}

static int socket_option(int fd, int option)
{
	int value = 0;
	socklen_t size = sizeof(value);
	int r = (int)result(getsockopt(fd, SOL_SOCKET, option, &value, &size));

	return r < 0 ? r : value;
}

int sys_is_listening(int fd)
{
	return socket_option(fd, SO_ACCEPTCONN);
}

bool sys_is_stream(int fd)
{
	int type = socket_option(fd, SO_TYPE);

	return type == SOCK_STREAM || type == SOCK_SEQPACKET;
}

int sys_accept(int fd, int flags)
{
	return (int)RETRY(accept4(fd, NULL, NULL, flags | SOCK_CLOEXEC));
}

/* Of a socket that could make connect(2) wait: nobody else's call can wait for it yet. */
static bool is_unconnected_stream(int fd)
{
	struct sockaddr_storage peer;
	socklen_t size = sizeof(peer);
	int type = socket_option(fd, SO_TYPE);

	return type != SOCK_DGRAM && type != SOCK_RAW && !sys_is_listening(fd) &&
	       result(getpeername(fd, (struct sockaddr *)&peer, &size)) == -ENOTCONN;
}

int sys_connect_start(int fd, const void *address, uint32_t size)
{
	int flags = sys_get_flags(fd);
	bool set = flags >= 0 && !(flags & O_NONBLOCK) && is_unconnected_stream(fd);
	int r;

	if (flags < 0)
		return flags;
	/* connect(2) has no flag of its own for not waiting */
	if (set)
		(void)result(fcntl(fd, F_SETFL, flags | O_NONBLOCK));
	r = (int)result(connect(fd, address, size));
	if (set)
		(void)result(fcntl(fd, F_SETFL, flags));
	return r;
}

int sys_socket_error(int fd)
{
	return -abs(socket_option(fd, SO_ERROR));
}

ssize_t sys_splice(int in, uint64_t in_offset, int out, uint64_t out_offset, size_t size,
		   uint32_t flags)
{
	off64_t from = (off64_t)in_offset;
	off64_t to = (off64_t)out_offset;

	return result(splice(in, in_offset == UINT64_MAX ? NULL : &from, out,
			     out_offset == UINT64_MAX ? NULL : &to, size, flags));
}
