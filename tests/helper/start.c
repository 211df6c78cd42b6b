/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "tests/helper/start.h"

#include <errno.h>
#include <linux/filter.h>
#include <poll.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "shim/sys-internal.h"
#include "tests/helper/serve-kit.h"

enum { PATIENCE_MS = 60000 };

/* All of it, until the other side is closed; false: it takes too long. */
static bool hear(int fd, char text[START_TEXT])
{
	struct pollfd one = { .fd = fd, .events = POLLIN };
	size_t length = 0;
	ssize_t n = 1;

	while (n > 0 && length < START_TEXT - 1) {
		if (poll(&one, 1, PATIENCE_MS) != 1)
			return false;
		n = read(fd, text + length, START_TEXT - 1 - length);
		length += n > 0 ? (size_t)n : 0;
	}
	text[length] = '\0';
	close(fd);
	return true;
}

void start(struct start *start, const char *const *words)
{
	const char *program = start->program ? start->program : HELPER;
	const char *all[32] = { program, "serve" };
	int err[2];
	int status;
	bool ended;
	pid_t child;

	for (int i = 0; words[i]; i++)
		all[2 + i] = words[i];
	ck_assert_int_eq(pipe(err), 0);
	child = fork();
	ck_assert_int_ge(child, 0);
	if (child == 0) {
		dup2(err[1], STDERR_FILENO);
		close(err[0]), close(err[1]);
		if (start->before)
			start->before(start->context);
		execv(program, (char **)all);
		_exit(120);
	}
	close(err[1]);
	ended = hear(err[0], start->err);
	if (!ended)
		kill(child, SIGKILL);
	ck_assert_int_eq(waitpid(child, &status, 0), child);
	ck_assert_msg(ended, "it serves: %s", start->err);
	start->code = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

void start_refused(const struct start *start, int code, const char *word, const char *socket)
{
	const char *end = strchr(start->err, '\n');
	int fd = socket ? sys_message_socket(socket, 1) : -1;

	ck_assert_msg(start->code == code, "%s: ended with %d, not %d: %s", word, start->code, code,
		      start->err);
	ck_assert_msg(!strncmp(start->err, "hwsafe-helper: ", 15) && end && !end[1],
		      "not one line: %s", start->err);
	ck_assert_msg(strstr(start->err, word) != NULL, "no '%s' in: %s", word, start->err);
	ck_assert_int_lt(fd, 0);
}

pid_t start_reader(pid_t pid)
{
	char path[64];
	int reader = 0;
	FILE *file;

	snprintf(path, sizeof(path), "/proc/%d/task/%d/children", pid, pid);
	file = fopen(path, "r");
	ck_assert_ptr_nonnull(file);
	ck_assert_int_eq(fscanf(file, "%d", &reader), 1);
	fclose(file);
	return reader;
}

void start_remove(const char *folder)
{
	char command[128];

	snprintf(command, sizeof(command), "rm -rf '%s'", folder);
	ck_assert_int_eq(system(command), 0);
}

void start_break(void *context)
{
	const struct start_fault *fault = context;
	bool any = fault->which == START_ANY;
	uint32_t at =
		any ? offsetof(struct seccomp_data, nr)
		    : (uint32_t)offsetof(struct seccomp_data, args) + 8 * (uint32_t)fault->which;
	struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (uint32_t)fault->number, 0, 3),
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, at),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, any ? (uint32_t)fault->number : fault->value, 0,
			 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | fault->result),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog program = { .len = sizeof(code) / sizeof(code[0]), .filter = code };

	/* root may without no_new_privs, which is one of the steps */
	if (syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &program) < 0)
		_exit(121);
}
