/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Whom the helper takes for whom: numbers that come again, programs that become others. */
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/sched.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "shim/sys-internal.h"
#include "tests/helper/serve-kit.h"

#ifndef SO_PEERPIDFD
#define SO_PEERPIDFD 77 /* Linux 6.5 */
#endif

#define POLICY "[alice]\nuser = 41000\nmsr = 0x19c r\n"

/* What program somebody is can only be seen by who may look into him. */
static const char *const soft[] = { "--soft", NULL };

static void hand_over(int channel, int fd)
{
	union {
		struct cmsghdr head;
		char room[CMSG_SPACE(sizeof(int))];
	} control = { .head = { .cmsg_len = CMSG_LEN(sizeof(int)),
				.cmsg_level = SOL_SOCKET,
				.cmsg_type = SCM_RIGHTS } };
	char byte = 0;
	struct iovec from = { &byte, 1 };
	struct msghdr message = { .msg_iov = &from,
				  .msg_iovlen = 1,
				  .msg_control = &control,
				  .msg_controllen = sizeof(control) };

	memcpy(CMSG_DATA(&control.head), &fd, sizeof(fd));
	must(sendmsg(channel, &message, 0) == 1);
}

static int take_over(int channel)
{
	char byte;
	int fd;

	ck_assert_int_eq(sys_receive_message(channel, &byte, 1, &fd), 1);
	ck_assert_int_ge(fd, 0);
	return fd;
}

/* Connects, gives its socket away and ends. */
static int connects(const struct daemon *daemon, void *context)
{
	int fd = bare_connect(daemon);

	must(fd >= 0);
	hand_over(*(int *)context, fd);
	return 0;
}

static int connects_and_is_answered(const struct daemon *daemon, void *context)
{
	int fd = bare_hello(daemon);

	must(fd >= 0 && bare_msr(fd, 0x19c) == 0);
	hand_over(*(int *)context, fd);
	return 0;
}

/* A process with that very number; 0 in it, -errno where none can be had. */
static pid_t fork_as(pid_t wanted)
{
	struct clone_args how = { .exit_signal = SIGCHLD,
				  .set_tid = (uintptr_t)&wanted,
				  .set_tid_size = 1 };
	long pid = syscall(SYS_clone3, &how, sizeof(how));

	return pid < 0 ? -errno : (pid_t)pid;
}

/* Sends all that the first could have sent. */
static _Noreturn void go_on_as(int fd)
{
	union wire_request request;
	struct hws_wire_hello *hello = (void *)(request.bytes + sizeof(request.head));

	if (setgroups(0, NULL) < 0 || setresgid(ALICE, ALICE, ALICE) < 0 ||
	    setresuid(ALICE, ALICE, ALICE) < 0)
		_exit(1);
	wire_begin(&request, HWS_WIRE_HELLO, 0, 1);
	*hello = (struct hws_wire_hello) { HWS_WIRE_OLDEST, HWS_WIRE_VERSION, 0 };
	(void)!send(fd, &request, request.head.size, MSG_NOSIGNAL);
	make_good(&request, 2);
	(void)!send(fd, &request, request.head.size, MSG_NOSIGNAL);
	pause(); /* it lives: its number is in use */
	_exit(0);
}

static bool is_answered(int fd)
{
	struct timeval patience = { .tv_sec = 20 };
	union wire_reply reply;

	ck_ok(setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience)));
	for (;;) {
		ssize_t r = recv(fd, &reply, sizeof(reply), 0);

		if (r <= 0)
			return false;
		if (reply.answer.head.op == HWS_WIRE_RUN && reply.answer.head.sequence == 2)
			return true;
	}
}

/* Who connected is gone, its number another's that has its socket: before or after it was seen. */
static void reuse_pid(struct daemon *daemon,
		      int (*first)(const struct daemon *daemon, void *context), bool hidden)
{
	int channel[2];
	pid_t pid;
	pid_t second = -EEXIST;
	int fd;

	/* somebody else may be given the number first */
	for (int i = 0; i < 20 && second == -EEXIST; i++) {
		ck_ok(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, channel));
		if (hidden)
			kill(daemon->pid, SIGSTOP);
		pid = as_user_begin(ALICE, first, daemon, &channel[1]);
		fd = take_over(channel[0]);
		kill(daemon->pid, SIGSTOP);
		ck_assert_int_eq(as_user_end(pid), 0);
		sys_close(channel[0]);
		sys_close(channel[1]);
		second = fork_as(pid);
		if (second == 0)
			go_on_as(fd);
		usleep(20000); /* what it sends is there when the helper looks again */
		kill(daemon->pid, SIGCONT);
		if (second > 0)
			ck_assert(!is_answered(fd));
		sys_close(fd);
	}
	need("set_tid", second > 0, "no process can be given a number here");
	kill(second, SIGKILL);
	ck_assert_int_eq(waitpid(second, NULL, 0), second);
}

/* Since 6.5. */
static bool kernel_knows_who_connected(void)
{
	int pair[2];
	int fd;
	socklen_t size = sizeof(fd);
	bool knows;

	ck_ok(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, pair));
	knows = getsockopt(pair[0], SOL_SOCKET, SO_PEERPIDFD, &fd, &size) == 0;
	sys_close(knows ? fd : -1);
	sys_close(pair[0]);
	sys_close(pair[1]);
	return knows;
}

START_TEST(p7_number_of_a_dead_process_opens_nothing)
{
	struct daemon daemon = { 0 };

	need_root();
	daemon_start(&daemon, POLICY, NULL);
	reuse_pid(&daemon, connects_and_is_answered, false);
	/* before, who has the number when it is first seen is who it is: its uid is the same */
	if (kernel_knows_who_connected())
		reuse_pid(&daemon, connects, true);
	ck_assert_int_eq(as_user(ALICE, is_served, &daemon, NULL), 0);
	daemon_stop(&daemon);
}
END_TEST

/* Asks as the program it is, and is another one when the helper looks. */
static int asks_and_becomes_another(const struct daemon *daemon, void *context)
{
	int fd = bare_connect(daemon);
	union wire_request request;
	struct hws_wire_hello *hello = (void *)(request.bytes + sizeof(request.head));

	must(fd >= 0);
	hand_over(*(int *)context, fd);
	must(fcntl(fd, F_SETFD, 0) == 0);
	wire_begin(&request, HWS_WIRE_HELLO, 0, 1);
	*hello = (struct hws_wire_hello) { HWS_WIRE_OLDEST, HWS_WIRE_VERSION, 0 };
	must(send(fd, &request, request.head.size, MSG_NOSIGNAL) > 0);
	make_good(&request, 2);
	must(send(fd, &request, request.head.size, MSG_NOSIGNAL) > 0);
	execl("/bin/sleep", "sleep", "30", NULL);
	return 1;
}

static bool has_become(pid_t pid, const char *program)
{
	char link[64];
	snprintf(link, sizeof(link), "/proc/%d/exe", pid);
	for (int i = 0; i < 2000; i++) {
		char exe[256] = "";

		if (readlink(link, exe, sizeof(exe) - 1) > 0 && !strcmp(exe, program))
			return true;
		usleep(5000);
	}
	return false;
}

START_TEST(p8_what_was_said_before_an_exec_is_not_the_new_programs)
{
	struct daemon daemon = { 0 };
	char policy[512];
	char *program = realpath("/bin/sleep", NULL);
	int channel[2];
	pid_t pid;
	int fd;

	need_root();
	ck_assert_ptr_nonnull(program);
	snprintf(policy, sizeof(policy), "[sleeper]\nuser = 41000\nexe = %s\nmsr = 0x19c r\n",
		 program);
	daemon_start(&daemon, policy, soft);
	ck_ok(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, channel));
	kill(daemon.pid, SIGSTOP);
	pid = as_user_begin(ALICE, asks_and_becomes_another, &daemon, &channel[1]);
	fd = take_over(channel[0]);
	ck_assert(has_become(pid, program));
	kill(daemon.pid, SIGCONT);
	ck_assert(!is_answered(fd));
	kill(pid, SIGKILL);
	ck_assert_int_eq(as_user_end(pid), -1);
	free(program);
	daemon_stop(&daemon);
}
END_TEST

static int reads_as_this_program(const struct daemon *daemon, void *context)
{
	int fd = bare_hello(daemon);

	must(fd >= 0);
	return bare_msr(fd, 0x19c) == *(int *)context ? 0 : 1;
}

START_TEST(rules_about_programs_are_for_these_programs)
{
	static const struct {
		const char *tail; /* of the program's path */
		int code;
	} table[] = { { "", 0 }, { "x", -EACCES } };
	char self[256] = "";

	need_root();
	ck_assert_int_gt(readlink("/proc/self/exe", self, sizeof(self) - 1), 0);
	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		struct daemon daemon = { 0 };
		int code = table[i].code;
		char policy[512];

		snprintf(policy, sizeof(policy),
			 "[this]\nuser = 41000\nexe = %s%s\nmsr = 0x19c r\n", self, table[i].tail);
		daemon_start(&daemon, policy, soft);
		ck_assert_int_eq(as_user(ALICE, reads_as_this_program, &daemon, &code), 0);
		daemon_stop(&daemon);
	}
}
END_TEST

/* Anybody gets one for himself in a user namespace of his own; then this program lies there. */
static void put_self_at(void *path)
{
	char self[256] = "";

	if (readlink("/proc/self/exe", self, sizeof(self) - 1) <= 0 || unshare(CLONE_NEWNS) < 0 ||
	    mount("", "/", "", MS_REC | MS_PRIVATE, NULL) < 0 ||
	    mount(self, path, "", MS_BIND, NULL) < 0)
		_exit(123);
}

/* As who has nothing else; "reads" has it ask for what the rule is about. */
static int asks_as(const struct daemon *daemon, char *program, bool elsewhere)
{
	pid_t pid = fork();

	ck_assert_int_ge(pid, 0);
	if (pid == 0) {
		if (elsewhere)
			put_self_at(program);
		if (setgroups(0, NULL) < 0 || setresgid(ALICE, ALICE, ALICE) < 0 ||
		    setresuid(ALICE, ALICE, ALICE) < 0)
			_exit(126);
		execl(program, program, "reads", daemon->socket, NULL);
		_exit(127);
	}
	return as_user_end(pid);
}

START_TEST(p8_program_is_the_file_at_its_path_not_what_others_mount_there)
{
	static char program[160];
	struct daemon daemon = { .folder = "/tmp/hwsafe-who-XXXXXX" };
	char policy[512];
	char command[512];

	need_root();
	ck_assert_ptr_nonnull(mkdtemp(daemon.folder));
	ck_ok(chmod(daemon.folder, 0755));
	snprintf(program, sizeof(program), "%s/sensord", daemon.folder);
	snprintf(command, sizeof(command),
		 "cd '%s' && mkdir -m 755 policy.d journals && cp /proc/%d/exe sensord && "
		 "chmod 755 sensord",
		 daemon.folder, getpid());
	ck_assert_int_eq(system(command), 0);
	need("mounts", suite_child(put_self_at, program) == 0, "nothing can be mounted here");
	snprintf(policy, sizeof(policy), "[sensor]\nuser = 41000\nexe = %s\nmsr = 0x19c r\n",
		 program);
	snprintf(daemon.socket, sizeof(daemon.socket), "%s/socket", daemon.folder);
	daemon_start(&daemon, policy, soft);
	ck_assert_int_eq(asks_as(&daemon, program, false), 0);
	ck_assert_int_eq(asks_as(&daemon, program, true), EACCES);
	daemon_stop(&daemon);
}
END_TEST

int main(int argc, char **argv)
{
	if (argc == 3 && !strcmp(argv[1], "reads")) {
		struct daemon daemon = { 0 };
		int fd;

		snprintf(daemon.socket, sizeof(daemon.socket), "%s", argv[2]);
		fd = bare_hello(&daemon);
		return fd < 0 ? 1 : -bare_msr(fd, 0x19c);
	}
	return suite_run("helper/serve-who",
			 (const TTest *[]) {
				 p7_number_of_a_dead_process_opens_nothing,
				 p8_what_was_said_before_an_exec_is_not_the_new_programs,
				 rules_about_programs_are_for_these_programs,
				 p8_program_is_the_file_at_its_path_not_what_others_mount_there,
				 NULL,
			 });
}
