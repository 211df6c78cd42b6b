/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Numbers of users that are none, or other users' elsewhere. */
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "shim/sys-internal.h"
#include "tests/helper/serve-kit.h"

enum { OVERFLOW = 65534, OTHER_MSR = 0x1b };
/* What a body says: it was answered; for which of the registers; it was not even heard. */
enum { READS = 0x10, ALICES = 1, OTHERS = 2, UNHEARD = 4 };

/* 0x19c is alice's, 0x1b others'. */
#define POLICY                                                                   \
	"[alice]\nuser = 41000\nmsr = 0x19c r\n[root]\nuser = 0\nmsr = 0x1b r\n" \
	"[carol]\nuser = 2147483648\nmsr = 0x1b r\n"

/* What each of two registers says to this user; all in one number. */
static int reads_both(const struct daemon *daemon, void *context)
{
	int fd = bare_hello(daemon);

	(void)context;
	if (fd < 0)
		return UNHEARD;
	return READS | (bare_msr(fd, 0x19c) == 0) | (bare_msr(fd, OTHER_MSR) == 0) << 1;
}

START_TEST(p9_uids_that_are_negative_elsewhere_are_nobody_elses)
{
	static const struct {
		uid_t uid;
		int reads;
	} table[] = {
		{ ALICE, READS | ALICES }, { 0, READS | OTHERS }, { CAROL, READS | OTHERS },
		{ CAROL + 1, READS },	   { 0x7fffffff, READS }, { OVERFLOW, UNHEARD },
		{ 0xfffffffe, READS },
	};
	struct daemon daemon = { 0 };

	need_root();
	daemon_start(&daemon, POLICY, NULL);
	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++)
		ck_assert_int_eq(as_user(table[i].uid, reads_both, &daemon, NULL), table[i].reads);
	daemon_stop(&daemon);
}
END_TEST

enum { STRANGER = 50000, CONNECTIONS = 16, STRANGERS = CONNECTIONS + 4 };

/* As whoever has so many numbers in a user namespace of his own. */
static int connect_as(const struct daemon *daemon, uid_t uid)
{
	int fd;

	ck_ok(seteuid(uid));
	fd = bare_connect(daemon);
	ck_ok(seteuid(0));
	ck_assert_int_ge(fd, 0);
	return fd;
}

START_TEST(p9_uids_that_no_rule_gives_anything_count_as_one)
{
	struct daemon daemon = { 0 };
	int fds[STRANGERS];

	need_root();
	daemon_start(&daemon, POLICY "[all]\ndeny msr = 0x10\n", NULL);
	for (int i = 0; i < STRANGERS; i++)
		fds[i] = connect_as(&daemon, STRANGER + (uid_t)i);
	for (int i = CONNECTIONS; i < STRANGERS; i++)
		ck_assert(bare_dropped(fds[i]));
	ck_assert_int_eq(as_user(BOB, reads_both, &daemon, NULL), UNHEARD);
	ck_assert_int_eq(as_user(ALICE, reads_both, &daemon, NULL), READS | ALICES);
	for (int i = 0; i < CONNECTIONS; i++)
		sys_close(fds[i]);
	daemon_stop(&daemon);
}
END_TEST

START_TEST(p9_policies_name_no_uid_that_can_not_be)
{
	static const char *const ids[] = { "-1",	  "4294967295", "4294967296",
					   "0x100000000", "65534",	"" };

	for (size_t i = 0; i < 2 * sizeof(ids) / sizeof(ids[0]); i++) {
		struct hws_policy_options options = { .size = sizeof(options) };
		struct hws_policy *policy = NULL;
		char text[128];

		snprintf(text, sizeof(text), "[x]\n%s = %s\nmsr = 0x10 r\n",
			 i % 2 ? "user" : "group", ids[i / 2]);
		ck_assert_msg(hws_policy_parse(&options, "x", text, strlen(text), &policy) < 0,
			      "%s", text);
	}
}
END_TEST

static void write_file(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY);

	must(fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text));
	sys_close(fd);
}

/* The caller becomes root of a namespace of its own; false: there are none here. */
static bool become_root_inside(uid_t outside)
{
	char map[32];

	/* who changed its uid has files in /proc that are root's */
	if (prctl(PR_SET_DUMPABLE, 1, 0, 0, 0) < 0 || unshare(CLONE_NEWUSER) < 0)
		return false;
	snprintf(map, sizeof(map), "0 %u 1\n", outside);
	write_file("/proc/self/setgroups", "deny");
	write_file("/proc/self/uid_map", map);
	write_file("/proc/self/gid_map", map);
	return true;
}

static int reads_as_root_inside(const struct daemon *daemon, void *context)
{
	(void)context;
	if (!become_root_inside(ALICE))
		return 77;
	must(geteuid() == 0);
	return reads_both(daemon, NULL);
}

START_TEST(p9_root_of_a_user_namespace_is_who_made_it)
{
	struct daemon daemon = { 0 };
	int reads;

	need_root();
	daemon_start(&daemon, POLICY, NULL);
	reads = as_user(ALICE, reads_as_root_inside, &daemon, NULL);
	daemon_stop(&daemon);
	need("userns", reads != 77, "no user namespaces here");
	ck_assert_int_eq(reads, READS | ALICES);
}
END_TEST

/* The helper itself inside: it has numbers for nobody but root. */
static _Noreturn void serve_inside(int channel)
{
	struct daemon daemon = { 0 };

	if (!become_root_inside(0))
		_exit(77);
	daemon_start(&daemon, POLICY "[everybody]\nmsr = 0x19c r\n", NULL);
	must(write(channel, &daemon, sizeof(daemon)) == sizeof(daemon));
	for (;;)
		pause();
}

START_TEST(p9_users_without_a_number_here_are_nobody)
{
	struct daemon daemon;
	int pipes[2];
	int status = 0;
	pid_t pid;

	need_root();
	ck_ok(pipe(pipes));
	pid = fork();
	ck_assert_int_ge(pid, 0);
	if (pid == 0)
		serve_inside(pipes[1]);
	close(pipes[1]);
	if (read(pipes[0], &daemon, sizeof(daemon)) != sizeof(daemon))
		ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	need("userns", status == 0, "no user namespaces here");
	ck_assert_int_eq(as_user(0, reads_both, &daemon, NULL), READS | ALICES | OTHERS);
	ck_assert_int_eq(as_user(ALICE, reads_both, &daemon, NULL), UNHEARD);
	ck_assert_int_eq(as_user(BOB, reads_both, &daemon, NULL), UNHEARD);
	kill(daemon.pid, SIGKILL);
	kill(pid, SIGKILL);
	ck_assert_int_eq(waitpid(pid, NULL, 0), pid);
}
END_TEST

int main(void)
{
	return suite_run("helper/serve-users",
			 (const TTest *[]) {
				 p9_uids_that_are_negative_elsewhere_are_nobody_elses,
				 p9_uids_that_no_rule_gives_anything_count_as_one,
				 p9_policies_name_no_uid_that_can_not_be,
				 p9_root_of_a_user_namespace_is_who_made_it,
				 p9_users_without_a_number_here_are_nobody,
				 NULL,
			 });
}
