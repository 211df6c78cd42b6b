/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The helper as a program: the daemon from start to end, the launcher up to the program's start. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <seccomp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "helper/helper.h"
#include "shim/sys-internal.h"
#include "shim/wire-internal.h"
#include "tests/inject/inject.h"

enum { WORDS = 20, SAID = 4096, STEP_MS = 2, PATIENCE_MS = 20000 };

static char folder[64];
static char policy[96];
static char socket_path[96];
static char journals[96];
static char file[96];

/* One that was started, and what it said. */
struct started {
	pid_t pid;
	int words; /* its standard error */
	char said[SAID];
};

static void write_text(const char *name, const char *text, mode_t mode)
{
	FILE *to = fopen(name, "w");

	ck_assert_ptr_nonnull(to);
	fputs(text, to);
	ck_assert_int_eq(fclose(to), 0);
	ck_ok(chmod(name, mode));
}

HWS_PRINTF(1, 2) static void make_folder(const char *rules, ...)
{
	char path[128];
	char text[256];
	va_list arguments;

	strcpy(folder, "/tmp/hwsafe-inject-XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(folder));
	ck_ok(chmod(folder, 0755));
	snprintf(policy, sizeof(policy), "%s/policy.d", folder);
	snprintf(journals, sizeof(journals), "%s/journals", folder);
	snprintf(socket_path, sizeof(socket_path), "%s/socket", folder);
	snprintf(file, sizeof(file), "%s/file", folder);
	ck_ok(mkdir(policy, 0755));
	ck_ok(mkdir(journals, 0755));
	va_start(arguments, rules);
	vsnprintf(text, sizeof(text), rules, arguments);
	va_end(arguments);
	snprintf(path, sizeof(path), "%s/test.conf", policy);
	write_text(path, text, 0644);
	write_text(file, "secret", 0600);
}

static void remove_folder(void)
{
	char command[96];

	snprintf(command, sizeof(command), "rm -rf '%s'", folder);
	ck_assert_int_eq(system(command), 0);
}

static void begin(struct started *of, enum result (*command)(int, char **), char **words)
{
	int ends[2];
	int count = 0;

	while (words[count])
		count++;
	ck_assert_int_eq(pipe(ends), 0);
	of->words = ends[0];
	of->pid = fork();
	ck_assert_int_ge(of->pid, 0);
	if (of->pid == 0) {
		dup2(ends[1], STDERR_FILENO);
		dup2(ends[1], STDOUT_FILENO);
		inject_mute(false);
		_exit((int)command(count, words));
	}
	close(ends[1]);
}

/* Its exit code; a signal is a complaint, and so is a failure without a word. */
static int finish(struct started *of)
{
	size_t length = 0;
	ssize_t n;
	int status;

	while ((n = read(of->words, of->said + length, SAID - 1 - length)) > 0)
		length += (size_t)n;
	of->said[length] = '\0';
	close(of->words);
	ck_assert_int_eq(waitpid(of->pid, &status, 0), of->pid);
	if (WIFSIGNALED(status)) {
		inject_bad("died of %s: %s", sigabbrev_np(WTERMSIG(status)), of->said);
		return -EIO;
	}
	if (WEXITSTATUS(status) && strncmp(of->said, "hwsafe-helper: ", 15) != 0)
		inject_bad("ended with %d, saying '%s'", WEXITSTATUS(status), of->said);
	if (WEXITSTATUS(status) > RESULT_SYSTEM)
		inject_bad("ended with %d: %s", WEXITSTATUS(status), of->said);
	return -WEXITSTATUS(status);
}

static bool has_ended(const struct started *of)
{
	siginfo_t info = { 0 };

	return waitid(P_PID, (id_t)of->pid, &info, WEXITED | WNOHANG | WNOWAIT) < 0 ||
	       info.si_pid != 0;
}

/* Says HELLO, and is answered. */
static bool is_served(void)
{
	union wire_request request;
	union wire_reply reply;
	size_t size = wire_begin(&request, HWS_WIRE_HELLO, 0, 1);
	HWS_CLEANUP_FD int fd = sys_message_socket(socket_path, 2);
	int none;

	*(struct hws_wire_hello *)(void *)(request.bytes + sizeof(request.head)) =
		(struct hws_wire_hello) { HWS_WIRE_OLDEST, HWS_WIRE_VERSION, 0 };
	return fd >= 0 && sys_send_message(fd, &request, size) > 0 &&
	       sys_receive_message(fd, &reply, sizeof(reply), &none) > 0 && reply.answer.code == 0;
}

/* Until it serves or has ended; then it is told to. */
static int daemon_runs(void)
{
	char *words[WORDS] = { "--socket",   socket_path, "--policy",  policy,
			       "--journals", journals,	  "--backend", "sim" };
	struct started of = { 0 };
	int waited = 0;
	int r;

#if SUITE_SANITIZED
	words[8] = "--soft";
#endif
	inject_mute(true);
	begin(&of, serve_command, words);
	while (!has_ended(&of) && !is_served() && waited++ < PATIENCE_MS / STEP_MS)
		usleep(STEP_MS * 1000);
	if (waited >= PATIENCE_MS / STEP_MS)
		inject_bad("neither serves nor ends");
	kill(of.pid, SIGTERM);
	r = finish(&of);
	unlink(socket_path);
	inject_mute(false);
	return r;
}

static int launcher_starts(void)
{
	char *words[WORDS] = {
		"--policy", policy, "-p", "fine", "-u", "daemon", "--", "/bin/true"
	};
	struct started of = { 0 };
	int r;

	inject_mute(true);
	begin(&of, run_command, words);
	r = finish(&of);
	inject_mute(false);
	return r;
}

START_TEST(daemon_serves_or_says_why_not)
{
	need("root", geteuid() == 0, "only root has something to give up");
	need("seccomp", seccomp_syscall_resolve_name("socketcall") < 0,
	     "hwsafe-helper does not serve where calls of sockets can't be judged (socketcall)");
	make_folder("[all]\nuser = %u\nmsr = 0x19c r\n", (unsigned int)geteuid());
	inject_sweep(&(struct inject_flow) { "daemon", daemon_runs, 100, .apart = true });
	remove_folder();
}
END_TEST

START_TEST(launcher_starts_with_all_or_not_at_all)
{
	need("root", geteuid() == 0, "only root can become somebody else");
	make_folder("[fine]\nuser = daemon\ncpuid = * r\nring = %s read, buffers 64K\n", file);
	inject_sweep(&(struct inject_flow) { "launcher", launcher_starts, 50, .apart = true });
	remove_folder();
}
END_TEST

int main(void)
{
	return suite_run_for("inject/helper",
			     (const TTest *[]) { daemon_serves_or_says_why_not,
						 launcher_starts_with_all_or_not_at_all, NULL },
			     600);
}
