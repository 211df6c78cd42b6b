/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * jail refuse|refuse-all|kill|no-argv PROGRAM...: runs it without io_uring; without ioperm and
 * protection keys, too; or without any argument.
 */
#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#ifndef SYS_ioperm
#define SYS_ioperm SYS_io_uring_setup
#endif

static int filter(unsigned int action, bool all)
{
	unsigned int others = all ? action : SECCOMP_RET_ALLOW;
	struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_io_uring_setup, 3, 0),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_ioperm, 3, 0),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_pkey_alloc, 2, 0),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
		BPF_STMT(BPF_RET | BPF_K, action),
		BPF_STMT(BPF_RET | BPF_K, others),
	};
	struct sock_fprog program = { .len = sizeof(code) / sizeof(code[0]), .filter = code };

	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
		return -1;
	return prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program);
}

int main(int argc, char **argv)
{
	char *nothing[] = { NULL };
	int r = 0;

	if (argc < 3)
		return 99;
	if (!strcmp(argv[1], "refuse"))
		r = filter(SECCOMP_RET_ERRNO | EPERM, false);
	else if (!strcmp(argv[1], "refuse-all"))
		r = filter(SECCOMP_RET_ERRNO | EPERM, true);
	else if (!strcmp(argv[1], "kill"))
		r = filter(SECCOMP_RET_KILL_PROCESS, false);
	if (r == 0)
		execv(argv[2], !strcmp(argv[1], "no-argv") ? nothing : argv + 2);
	perror("jail");
	return 99;
}
