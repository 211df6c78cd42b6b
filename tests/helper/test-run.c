/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The launcher, as far as any machine with io_uring can show it. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <liburing.h>

#include "tests/helper/client.h"
#include "tests/helper/launch.h"
#include "tests/suite.h"

#define NEEDS_ROOT need_where("root", launch_can(), "only root can become somebody else")

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
	const char *file = client_secret();

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
	const char *file = client_secret();
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
	const char *file = client_secret();

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
	const char *file = client_secret();
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
	const char *file = client_secret();

	NEEDS_ROOT;
	launch_client(&of, ring_policy(file), "reader", launch_alice, "heirs", file, NULL);
	launch_went_well(&of);
	unlink(file);
}
END_TEST

START_TEST(nobody_else_gets_it)
{
	struct launch of = { 0 };
	const char *file = client_secret();
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
	const char *file = client_secret();

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
	const char *file = client_secret();
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
	const char *file = client_secret();
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
				 p1_kernel_sends_no_ring_over_a_socket,
				 NULL,
			 });
}
