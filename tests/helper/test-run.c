/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The launcher, as far as any machine with io_uring can show it. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <liburing.h>

#include "tests/helper/client.h"
#include "tests/helper/launch.h"
#include "tests/suite.h"

#define NEEDS_ROOT need_where("root", launch_can(), "only root can become somebody else")

/* A file of root's alone, with a known byte in each block. */
static const char *secret(void)
{
	static char path[64];
	unsigned char block[CLIENT_BLOCK];
	int fd;

	strcpy(path, "/tmp/hwsafe-secret-XXXXXX");
	fd = mkstemp(path);
	ck_assert_int_ge(fd, 0);
	for (unsigned int i = 0; i < CLIENT_BLOCKS; i++) {
		memset(block, CLIENT_BYTE(i), sizeof(block));
		ck_assert_int_eq(write(fd, block, sizeof(block)), sizeof(block));
	}
	close(fd);
	return path;
}

static const char *ring_policy(const char *file)
{
	return launch_policy("[reader]\nuser = %s\nring = %s read, buffers 1M\n"
			     "[writer]\nuser = %s\nring = %s rw, buffers 1M\n"
			     "[nothing]\nuser = %s\ncpuid = * r\n",
			     launch_alice, file, launch_alice, file, launch_alice);
}

START_TEST(ring_reads_what_the_user_cannot_open)
{
	struct launch of = { 0 };
	const char *file = secret();

	NEEDS_ROOT;
	launch_client(&of, ring_policy(file), "reader", launch_alice, "ring", file, "r", NULL);
	launch_went_well(&of);
	launch_client(&of, ring_policy(file), "reader", launch_alice, "pool", file, NULL);
	launch_went_well(&of);
	unlink(file);
}
END_TEST

START_TEST(ring_writes_where_the_policy_says_so)
{
	struct launch of = { 0 };
	const char *file = secret();
	char byte = 0;
	int fd;

	NEEDS_ROOT;
	launch_client(&of, ring_policy(file), "writer", launch_alice, "ring", file, "rw", NULL);
	launch_went_well(&of);
	fd = open(file, O_RDONLY);
	ck_assert_int_eq(read(fd, &byte, 1), 1);
	ck_assert_int_eq(byte, 'w');
	close(fd);
	unlink(file);
}
END_TEST

START_TEST(p20_ring_refuses_every_other_operation_register_file_and_memory)
{
	struct launch of = { 0 };
	const char *file = secret();

	NEEDS_ROOT;
	launch_client(&of, ring_policy(file), "reader", launch_alice, "raw", file, "r",
		      client_last_operation(), NULL);
	launch_went_well(&of);
	launch_client(&of, ring_policy(file), "writer", launch_alice, "raw", file, "rw",
		      client_last_operation(), NULL);
	launch_went_well(&of);
	unlink(file);
}
END_TEST

START_TEST(ring_keeps_the_rules_of_every_other_ring)
{
	struct launch of = { 0 };
	const char *file = secret();
	const char *policy = ring_policy(file);

	NEEDS_ROOT;
	launch_client(&of, policy, "reader", launch_alice, "ops", file, "r", NULL);
	launch_went_well(&of);
	launch_client(&of, policy, "writer", launch_alice, "ops", file, "rw", NULL);
	launch_went_well(&of);
	unlink(file);
}
END_TEST

START_TEST(p20_what_the_program_starts_has_no_ring)
{
	struct launch of = { 0 };
	const char *file = secret();

	NEEDS_ROOT;
	launch_client(&of, ring_policy(file), "reader", launch_alice, "heirs", file, NULL);
	launch_went_well(&of);
	unlink(file);
}
END_TEST

START_TEST(nobody_else_gets_it)
{
	struct launch of = { 0 };
	const char *file = secret();
	const char *policy = ring_policy(file);

	NEEDS_ROOT;
	launch_client(&of, policy, "reader", launch_bob, "ring", file, "r", NULL);
	launch_refused(&of, 4, "test.conf:3) is not for user");
	launch_client(&of, policy, "nothing", launch_alice, "none", file, NULL);
	launch_went_well(&of);
	policy = launch_policy("[reader]\nuser = %s\nring = %s read\n[keep-off]\ndeny ring = %s\n",
			       launch_alice, file, file);
	launch_client(&of, policy, "reader", launch_alice, "none", file, NULL);
	launch_went_well(&of);
	unlink(file);
}
END_TEST

static void be_hostile(void *context)
{
	sigset_t all;

	(void)context;
	for (int i = 3; i < 100; i++)
		dup2(STDIN_FILENO, i);
	signal(SIGCHLD, SIG_IGN);
	signal(SIGPIPE, SIG_IGN);
	sigfillset(&all);
	sigprocmask(SIG_SETMASK, &all, NULL);
	setenv("LD_BIND_NOW", "1", 1);
	setenv("GLIBC_TUNABLES", "glibc.malloc.check=3", 1);
	setenv("LISTEN_FDS", "3", 1);
	setenv("NOTIFY_SOCKET", "/tmp/x", 1);
	setenv("HWSAFE_GRANTS", "7", 1);
	setenv("IFS", "x", 1);
}

START_TEST(program_has_nothing_of_who_started_it)
{
	struct launch of = { .before = be_hostile };
	const char *file = secret();

	NEEDS_ROOT;
	launch_client(&of, ring_policy(file), "reader", launch_alice, "state", "6", NULL);
	launch_went_well(&of);
	launch_client(&of, ring_policy(file), "nothing", launch_alice, "state", "4", NULL);
	launch_went_well(&of);
	unlink(file);
}
END_TEST

START_TEST(p20_two_programs_have_two_rings)
{
	struct launch of = { 0 };
	const char *file = secret();
	const char *policy = ring_policy(file);
	pid_t other;
	int status;

	NEEDS_ROOT;
	other = fork();
	if (other == 0) {
		launch_client(&of, policy, "reader", launch_alice, "ring", file, "r", NULL);
		_exit(of.code);
	}
	launch_client(&of, policy, "reader", launch_alice, "ring", file, "r", NULL);
	launch_went_well(&of);
	ck_assert_int_eq(waitpid(other, &status, 0), other);
	ck_assert_int_eq(status, 0);
	unlink(file);
}
END_TEST

/* The ring is the program's own: who had it launched may be gone. */
START_TEST(p20_program_outlives_who_launched_it)
{
	const char *file = secret();
	const char *policy = ring_policy(file);
	char said[8] = "";
	char parent[16];
	int ends[2];
	pid_t caller;

	NEEDS_ROOT;
	ck_assert_int_eq(pipe(ends), 0);
	caller = fork();
	if (caller == 0) {
		snprintf(parent, sizeof(parent), "%d", getpid());
		if (fork() == 0) {
			dup2(ends[1], STDOUT_FILENO);
			launch_become_client(policy, "reader", launch_alice, "orphan", file, parent,
					     NULL);
		}
		_exit(0);
	}
	close(ends[1]);
	ck_assert_int_eq(waitpid(caller, NULL, 0), caller);
	ck_assert_int_eq(read(ends[0], said, sizeof(said) - 1), 5);
	ck_assert_str_eq(said, "well\n");
	unlink(file);
}
END_TEST

START_TEST(wrong_arguments_are_one_line)
{
	static const struct {
		const char *words[6];
		int code;
		const char *says;
	} rows[] = {
		{ { "-p" }, 2, "'-p'" },
		{ { "-p", "reader" }, 2, "command" },
		{ { "-p", "reader", "--" }, 2, "command" },
		{ { "-p", "reader", "--", "" }, 2, "command" },
		{ { "--", "true" }, 2, "-p PROFILE" },
		{ { "-p", "a", "-p", "b" }, 2, "twice" },
		{ { "-x", "--", "true" }, 2, "'-x'" },
		{ { "-p", "x\ny", "--", "true" }, 2, "-u USER" },
		{ { "-p", "reader", "--", "true" }, 2, "-u USER" },
		{ { "-p", "reader", "-u", "root", "--" }, 2, "command" },
	};

	NEEDS_ROOT;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const char *const *w = rows[i].words;
		struct launch of = { 0 };

		launch(&of, "/nowhere", w[0], w[1], w[2], w[3], w[4], w[5], NULL);
		launch_refused(&of, rows[i].code, rows[i].says);
	}
}
END_TEST

START_TEST(what_is_not_there_is_one_line)
{
	const char *policy;
	struct launch of = { 0 };
	char gone[64];

	NEEDS_ROOT;
	policy = launch_policy("[reader]\nring = /tmp/no/such/file read\n[fifo]\nring = /dev/null "
			       "read\n[link]\nring = /proc/self/exe read\n[fine]\ncpuid = * r\n");
	launch(&of, policy, "-p", "no\nsuch", "-u", launch_alice, "--", "true", NULL);
	launch_refused(&of, 3, "'no?such'");
	launch(&of, policy, "-p", "fine", "-u", "no-such-user", "--", "true", NULL);
	launch_refused(&of, 3, "no such user");
	launch(&of, policy, "-p", "fine", "-u", "root", "--", "true", NULL);
	launch_refused(&of, 4, "uid 0");
	launch(&of, "/no/such/policy", "-p", "fine", "-u", launch_alice, "--", "true", NULL);
	launch_refused(&of, 3, "no profile 'fine'");
	launch(&of, "/etc/passwd", "-p", "fine", "-u", launch_alice, "--", "true", NULL);
	launch_refused(&of, 1, "/etc/passwd");
	launch(&of, policy, "-p", "fine", "-u", launch_alice, "--", "no-such-program", NULL);
	launch_refused(&of, 3, "no-such-program");
	launch(&of, policy, "-p", "reader", "-u", launch_alice, "--", "true", NULL);
	launch_refused(&of, 3, "/tmp/no/such/file");
	launch(&of, policy, "-p", "fifo", "-u", launch_alice, "--", "true", NULL);
	launch_refused(&of, 5, "/dev/null");
	launch(&of, policy, "-p", "link", "-u", launch_alice, "--", "true", NULL);
	launch_refused(&of, 5, "/proc/self/exe");
	snprintf(gone, sizeof(gone), "%s/script", policy);
	ck_assert_int_eq(close(creat(gone, 0755)), 0);
	truncate(gone, 0);
	launch(&of, policy, "-p", "fine", "-u", launch_alice, "--", gone, NULL);
	launch_refused(&of, 5, gone);
}
END_TEST

START_TEST(script_is_refused_with_the_cure)
{
	const char *policy;
	struct launch of = { 0 };
	char path[96];
	FILE *file;

	NEEDS_ROOT;
	policy = launch_policy("[fine]\ncpuid = * r\n");
	snprintf(path, sizeof(path), "%s/script", policy);
	file = fopen(path, "we");
	fputs("#!/bin/sh\necho started\n", file);
	fclose(file);
	chmod(path, 0755);
	launch(&of, policy, "-p", "fine", "-u", launch_alice, "--", path, NULL);
	launch_refused(&of, 2, "/bin/sh");
	launch(&of, policy, "-p", "fine", "-u", launch_alice, "--", "/bin/sh", path, NULL);
	ck_assert_str_eq(of.out, "started\n");
	ck_assert_int_eq(of.code, 0);
}
END_TEST

/* What is done to the policy's folder before it is used, from inside it. */
START_TEST(policy_that_cannot_be_trusted_grants_nothing)
{
	static const struct {
		const char *command;
		int code;
		const char *says;
	} rows[] = {
		{ "chmod 0666 test.conf", 5, "chmod go-w" },
		{ "chown 1:1 test.conf", 5, "chown" },
		{ "chmod 0777 .", 5, "chmod go-w" },
		{ "chown 1:1 .", 5, "chown" },
		{ "ln -s test.conf other.conf", 5, "is a link" },
		{ "mkdir other.conf", 5, "no regular file" },
		{ "mkfifo other.conf", 5, "no regular file" },
		{ "echo 'cpuid = * frob' >>test.conf", 1, "test.conf:4:" },
		{ "echo 'user = no-such-user' >other.conf", 1, "other.conf:1:" },
		{ "printf 'ring = /tmp/%0300d read\\n' 7 >>test.conf", 1, "255 bytes" },
		{ "printf 'ring = /tmp/x read, buffers 2G\\n' >>test.conf", 1, "1G" },
		{ "rm test.conf", 3, "no profile 'fine'" },
	};

	NEEDS_ROOT;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const char *policy =
			launch_policy("[fine]\nuser = %s\ncpuid = * r\n", launch_alice);
		struct launch of = { 0 };
		char command[256];

		snprintf(command, sizeof(command), "cd %s && %s", policy, rows[i].command);
		ck_assert_int_eq(system(command), 0);
		launch(&of, policy, "-p", "fine", "-u", launch_alice, "--", "echo", "started",
		       NULL);
		launch_refused(&of, rows[i].code, rows[i].says);
	}
}
END_TEST

static void limit(void *context)
{
	const int which = *(const int *)context;
	const struct rlimit to = { which == RLIMIT_NOFILE ? 5 : 0, which == RLIMIT_NOFILE ? 5 : 0 };

	close_range(3, ~0u, 0);
	setrlimit((__rlimit_resource_t)which, &to);
}

START_TEST(too_small_limits_are_one_line)
{
	static int whiches[] = { RLIMIT_NOFILE, RLIMIT_FSIZE };
	const char *file = secret();

	NEEDS_ROOT;
	need("plain-build", !SUITE_SANITIZED,
	     "a sanitizer's run time needs more than these limits");
	for (size_t i = 0; i < 2; i++) {
		struct launch of = { .before = limit, .context = &whiches[i] };

		launch(&of, ring_policy(file), "-p", "reader", "-u", launch_alice, "--", "echo",
		       "started", NULL);
		launch_refused(&of, of.code == 1 ? 1 : 5, "run: ");
	}
	unlink(file);
}
END_TEST

/* P1: why rings are inherited, and not sent. */
START_TEST(p1_kernel_sends_no_ring_over_a_socket)
{
	char control[CMSG_SPACE(sizeof(int))] = { 0 };
	char byte = 0;
	struct iovec iov = { &byte, 1 };
	struct msghdr message = { .msg_iov = &iov,
				  .msg_iovlen = 1,
				  .msg_control = control,
				  .msg_controllen = sizeof(control) };
	struct io_uring ring;
	int pair[2];

	need_where("uring", io_uring_queue_init(4, &ring, 0) == 0, "the system has no io_uring");
	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, pair), 0);
	CMSG_FIRSTHDR(&message)->cmsg_level = SOL_SOCKET;
	CMSG_FIRSTHDR(&message)->cmsg_type = SCM_RIGHTS;
	CMSG_FIRSTHDR(&message)->cmsg_len = CMSG_LEN(sizeof(int));
	memcpy(CMSG_DATA(CMSG_FIRSTHDR(&message)), &ring.ring_fd, sizeof(int));
	ck_assert_int_lt(sendmsg(pair[0], &message, 0), 0);
	ck_assert_int_eq(errno, EINVAL);
	io_uring_queue_exit(&ring);
}
END_TEST

int main(int argc, char **argv)
{
	int code = client_main(argc, argv);

	if (code >= 0)
		return code;
	return suite_run("helper/run",
			 (const TTest *[]) {
				 ring_reads_what_the_user_cannot_open,
				 ring_writes_where_the_policy_says_so,
				 p20_ring_refuses_every_other_operation_register_file_and_memory,
				 ring_keeps_the_rules_of_every_other_ring,
				 p20_what_the_program_starts_has_no_ring,
				 nobody_else_gets_it,
				 program_has_nothing_of_who_started_it,
				 p20_two_programs_have_two_rings,
				 p20_program_outlives_who_launched_it,
				 wrong_arguments_are_one_line,
				 what_is_not_there_is_one_line,
				 script_is_refused_with_the_cure,
				 policy_that_cannot_be_trusted_grants_nothing,
				 too_small_limits_are_one_line,
				 p1_kernel_sends_no_ring_over_a_socket,
				 NULL,
			 });
}
