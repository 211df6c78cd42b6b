/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "tests/helper/intrude.h"

#include <check.h>
#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <unistd.h>

/* The registers of the one that was stopped last; and with the next instruction a call. */
static struct user_regs_struct before;
static struct user_regs_struct call;

static void read_from(pid_t pid, unsigned long long at, void *bytes, size_t size)
{
	struct iovec from = { (void *)(uintptr_t)at, size };
	struct iovec to = { bytes, size };

	ck_assert_int_eq(process_vm_readv(pid, &to, 1, &from, 1, 0), (ssize_t)size);
}

/* It sleeps in a call: just before, or where it goes on, stands how one is made. */
#if defined(__x86_64__)
static void find_call(pid_t pid, struct user_regs_struct *regs)
{
	static const unsigned char syscall_code[2] = { 0x0f, 0x05 };
	unsigned char code[2];

	regs->rip -= sizeof(code);
	read_from(pid, regs->rip, code, sizeof(code));
	ck_assert_mem_eq(code, syscall_code, sizeof(code));
}

static void set_call(struct user_regs_struct *regs, long number, const long a[6])
{
	regs->orig_rax = ~0ull; /* nothing is to be begun anew */
	regs->rax = (unsigned long long)number;
	regs->rdi = (unsigned long long)a[0];
	regs->rsi = (unsigned long long)a[1];
	regs->rdx = (unsigned long long)a[2];
	regs->r10 = (unsigned long long)a[3];
	regs->r8 = (unsigned long long)a[4];
	regs->r9 = (unsigned long long)a[5];
}

static long result_of(const struct user_regs_struct *regs)
{
	return (long)regs->rax;
}

static unsigned long long stack_of(const struct user_regs_struct *regs)
{
	return regs->rsp;
}
#elif defined(__aarch64__)
static void find_call(pid_t pid, struct user_regs_struct *regs)
{
	const unsigned int svc = 0xd4000001;
	unsigned int code[2];

	read_from(pid, regs->pc - sizeof(svc), code, sizeof(code));
	if (code[1] != svc)
		regs->pc -= sizeof(svc);
	ck_assert(code[0] == svc || code[1] == svc);
}

static void set_call(struct user_regs_struct *regs, long number, const long a[6])
{
	regs->regs[8] = (unsigned long long)number;
	for (int i = 0; i < 6; i++)
		regs->regs[i] = (unsigned long long)a[i];
}

static long result_of(const struct user_regs_struct *regs)
{
	return (long)regs->regs[0];
}

static unsigned long long stack_of(const struct user_regs_struct *regs)
{
	return regs->sp;
}
#endif

const bool intrude_known = true;

static void get(pid_t pid, struct user_regs_struct *regs)
{
	struct iovec all = { regs, sizeof(*regs) };

	ck_assert_int_eq(ptrace(PTRACE_GETREGSET, pid, NT_PRSTATUS, &all), 0);
}

static void put(pid_t pid, struct user_regs_struct *regs)
{
	struct iovec all = { regs, sizeof(*regs) };

	ck_assert_int_eq(ptrace(PTRACE_SETREGSET, pid, NT_PRSTATUS, &all), 0);
}

static void wait_for_stop(pid_t pid)
{
	int status;

	ck_assert_int_eq(waitpid(pid, &status, __WALL), pid);
	ck_assert_msg(WIFSTOPPED(status), "it did not stop, but ended with 0x%x", status);
}

void intrude_begin(pid_t pid)
{
	ck_assert_int_eq(ptrace(PTRACE_SEIZE, pid, NULL, NULL), 0);
	ck_assert_int_eq(ptrace(PTRACE_INTERRUPT, pid, NULL, NULL), 0);
	wait_for_stop(pid);
	get(pid, &before);
	call = before;
	find_call(pid, &call);
}

void intrude_end(pid_t pid)
{
	put(pid, &before);
	ck_assert_int_eq(ptrace(PTRACE_DETACH, pid, NULL, NULL), 0);
}

long intrude(pid_t pid, long number, const long arguments[6])
{
	struct user_regs_struct regs = call;

	set_call(&regs, number, arguments);
	put(pid, &regs);
	/* into the call, and out of it */
	for (int i = 0; i < 2; i++) {
		ck_assert_int_eq(ptrace(PTRACE_SYSCALL, pid, NULL, NULL), 0);
		wait_for_stop(pid);
	}
	get(pid, &regs);
	return result_of(&regs);
}

int intrude_open(pid_t pid, const char *path, int flags)
{
	enum { BELOW = 8192 }; /* what is in use of the stack */
	unsigned long long at = (stack_of(&before) - BELOW) & ~15ull;
	char text[256] = "";
	struct iovec from = { text, sizeof(text) };
	struct iovec to = { (void *)(uintptr_t)at, sizeof(text) };
	long fd;

	strncpy(text, path, sizeof(text) - 1);
	ck_assert_int_eq(process_vm_writev(pid, &from, 1, &to, 1, 0), sizeof(text));
	fd = intrude(pid, SYS_openat, (const long[6]) { AT_FDCWD, (long)at, flags, 0600 });
	if (fd >= 0)
		(void)intrude(pid, SYS_close, (const long[6]) { fd });
	return fd < 0 ? (int)fd : 0;
}
