/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* jail eperm|enosys|kill PROGRAM...: runs it where every system call of io_uring ends so. */
#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

static const struct {
	const char *name;
	unsigned int action;
} jails[] = {
	{ "eperm", SECCOMP_RET_ERRNO | EPERM },
	{ "enosys", SECCOMP_RET_ERRNO | ENOSYS },
	{ "kill", SECCOMP_RET_KILL_PROCESS },
};

static int lock_up(unsigned int action)
{
	struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JGE | BPF_K, SYS_io_uring_setup, 0, 2),
		BPF_JUMP(BPF_JMP | BPF_JGT | BPF_K, SYS_io_uring_register, 1, 0),
		BPF_STMT(BPF_RET | BPF_K, action),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog program = { .len = sizeof(code) / sizeof(code[0]), .filter = code };

	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
		return -1;
	return prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program);
}

int main(int argc, char **argv)
{
	for (size_t i = 0; argc > 2 && i < sizeof(jails) / sizeof(jails[0]); i++)
		if (strcmp(argv[1], jails[i].name) == 0 && lock_up(jails[i].action) == 0)
			execv(argv[2], argv + 2);
	perror("jail");
	return 99;
}
