/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What is not in the table is denied with EPERM: starting programs and processes, io_uring, memory
 * that can be executed, other processes, mounts, modules, every socket but one to the system's log.
 * Paths can't be judged here: Landlock does that. A call under the numbers of another architecture
 * ends the process.
 */
#include "helper/serve-filter.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/vfio.h>
#include <seccomp.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include "shim/why-internal.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

enum { SOCKET_TYPE = 0xf, NAME = 64 };

/* Those whose arguments don't matter, or can't be judged; with blanks between. */
static const struct {
	const char *names;
	bool by_exe; /* the reader of programs' names has them, too */
} calls[] = {
	/* being a process */
	{ "exit exit_group restart_syscall rt_sigreturn rt_sigprocmask brk munmap futex", true },
	{ "rt_sigaction madvise mremap getrandom getuid geteuid getgid getegid gettid getpid "
	  "clock_gettime clock_nanosleep nanosleep sched_yield sched_getaffinity",
	  false },
	/* raising a capability around what needs it */
	{ "capget capset", true },
	/* files: which, is for Landlock to say */
	{ "readlink readlinkat statx close", true },
	{ "open openat openat2 read write pread64 pwrite64 readv writev lseek fcntl getdents64 "
	  "fstat newfstatat stat lstat faccessat2",
	  false },
	/* the journals of transactions, the audit trail, last words */
	{ "unlink unlinkat rename renameat renameat2 flock fsync fdatasync ftruncate", false },
	/* clients */
	{ "recvfrom sendto", true },
	{ "epoll_wait epoll_pwait epoll_ctl accept4 recvmsg sendmsg getsockopt setsockopt shutdown "
	  "poll ppoll pidfd_open",
	  false },
	/* memory and bells that are shared with a client */
	{ "memfd_create eventfd2", false },
	/* the system's log; ports */
	{ "connect ioperm", false },
};

/*
 * Calls with what their arguments must be. Each is compared whole: of an ioctl's number the kernel
 * takes the lower half only, but nobody who means well sets anything in the upper one.
 */
static const struct {
	const char *name;
	unsigned int count;
	struct scmp_arg_cmp must[2];
} limited[] = {
	{ "mmap", 1, { { 2, SCMP_CMP_MASKED_EQ, PROT_EXEC, 0 } } },
	{ "mprotect", 1, { { 2, SCMP_CMP_MASKED_EQ, PROT_EXEC, 0 } } },
	{ "pidfd_send_signal", 1, { { 1, SCMP_CMP_EQ, 0, 0 } } }, /* only: is it alive? */
	{ "socket",
	  2,
	  { { 0, SCMP_CMP_EQ, AF_UNIX, 0 }, { 1, SCMP_CMP_MASKED_EQ, SOCKET_TYPE, SOCK_DGRAM } } },
	{ "ioctl", 1, { { 1, SCMP_CMP_EQ, VFIO_SET_IOMMU, 0 } } },
	{ "ioctl", 1, { { 1, SCMP_CMP_EQ, VFIO_GROUP_GET_STATUS, 0 } } },
	{ "ioctl", 1, { { 1, SCMP_CMP_EQ, VFIO_GROUP_SET_CONTAINER, 0 } } },
	{ "ioctl", 1, { { 1, SCMP_CMP_EQ, VFIO_GROUP_GET_DEVICE_FD, 0 } } },
	{ "ioctl", 1, { { 1, SCMP_CMP_EQ, VFIO_DEVICE_GET_INFO, 0 } } },
	{ "ioctl", 1, { { 1, SCMP_CMP_EQ, VFIO_DEVICE_GET_REGION_INFO, 0 } } },
	{ "ioctl", 1, { { 1, SCMP_CMP_EQ, VFIO_DEVICE_GET_IRQ_INFO, 0 } } },
	{ "ioctl", 1, { { 1, SCMP_CMP_EQ, VFIO_DEVICE_SET_IRQS, 0 } } },
	{ "ioctl", 1, { { 1, SCMP_CMP_EQ, VFIO_DEVICE_RESET, 0 } } },
	{ "ioctl", 1, { { 1, SCMP_CMP_EQ, VFIO_IOMMU_GET_INFO, 0 } } },
	{ "ioctl", 1, { { 1, SCMP_CMP_EQ, VFIO_IOMMU_UNMAP_DMA, 0 } } },
};

static int allow(scmp_filter_ctx filter, const char *name, unsigned int count,
		 const struct scmp_arg_cmp *must)
{
	int number = seccomp_syscall_resolve_name(name);

	/* this architecture has it not: it has another one of the list instead */
	if (number < 0)
		return 0;
	return seccomp_rule_add_exact_array(filter, SCMP_ACT_ALLOW, number, count, must);
}

static int allow_all(scmp_filter_ctx filter, const char *names)
{
	int r = 0;

	while (r == 0 && *names) {
		size_t length = strcspn(names, " ");
		char name[NAME];

		snprintf(name, sizeof(name), "%.*s", (int)length, names);
		r = allow(filter, name, 0, NULL);
		names += length + strspn(names + length, " ");
	}
	return r;
}

static int fill(scmp_filter_ctx filter, enum serve_filter which)
{
	bool all = which == SERVE_FILTER_SERVER;
	int r = seccomp_attr_set(filter, SCMP_FLTATR_ACT_BADARCH, SCMP_ACT_KILL_PROCESS);

	/* found as in a tree, not one after another */
	r = r < 0 ? r : seccomp_attr_set(filter, SCMP_FLTATR_CTL_OPTIMIZE, 2);
	for (size_t i = 0; r == 0 && i < COUNT(calls); i++)
		if (all || calls[i].by_exe)
			r = allow_all(filter, calls[i].names);
	for (size_t i = 0; r == 0 && all && i < COUNT(limited); i++)
		r = allow(filter, limited[i].name, limited[i].count, limited[i].must);
	return r;
}

/* As the kernel takes it. Through a pipe: a limit of files' sizes is none of it. */
static int compile(scmp_filter_ctx filter, struct sock_fprog *ret_program)
{
	const size_t most = BPF_MAXINSNS * sizeof(struct sock_filter);
	struct sock_filter *code = malloc(most);
	int ends[2];
	ssize_t size = -1;
	int r = code ? 0 : -ENOMEM;

	if (r == 0 && pipe2(ends, O_CLOEXEC | O_NONBLOCK) < 0)
		r = -errno;
	if (r < 0) {
		free(code);
		return r;
	}
	r = seccomp_export_bpf(filter, ends[1]);
	if (r == 0)
		size = read(ends[0], code, most);
	close(ends[0]);
	close(ends[1]);
	if (size <= 0) {
		free(code);
		return r < 0 ? r : -EIO;
	}
	*ret_program = (struct sock_fprog) { (unsigned short)((size_t)size / sizeof(*code)), code };
	return 0;
}

int serve_filter_check(void)
{
	return seccomp_syscall_resolve_name("socketcall") < 0
		       ? 0
		       : why(-EOPNOTSUPP,
			     "this architecture has one call for all that is done with "
			     "sockets, which no filter can judge; nothing is served");
}

int serve_filter(enum serve_filter which, struct sock_fprog *ret_program)
{
	scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ERRNO(EPERM));
	int r = filter ? 0 : -ENOMEM;

	r = r < 0 ? r : fill(filter, which);
	if (r == 0)
		r = compile(filter, ret_program);
	seccomp_release(filter);
	return r;
}
