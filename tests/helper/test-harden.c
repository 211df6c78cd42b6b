/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the processes of a helper that serves hold, and who may look into them. */
#include <errno.h>
#include <fcntl.h>
#include <pwd.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "helper/harden.h"
#include "helper/needs.h"
#include "shim/sys-internal.h"
#include "tests/helper/intrude.h"
#include "tests/helper/serve-kit.h"
#include "tests/helper/start.h"

#define POLICY "[alice]\nuser = 41000\nmsr = 0x19c r\n"

static const char *const simulated[] = { "--backend", "sim", NULL };

/* A field of /proc/PID/status; capabilities are in hexadecimal. */
static uint64_t status_of(pid_t pid, const char *field, int base)
{
	char path[64];
	char line[256];
	char *found = NULL;
	uint64_t value = 0;
	FILE *file;

	snprintf(path, sizeof(path), "/proc/%d/status", pid);
	file = fopen(path, "r");
	ck_assert_ptr_nonnull(file);
	while (!found && fgets(line, sizeof(line), file))
		if (!strncmp(line, field, strlen(field)) && line[strlen(field)] == ':')
			found = line + strlen(field) + 1;
	fclose(file);
	ck_assert_msg(found, "no %s", field);
	value = strtoull(found, NULL, base);
	return value;
}

static void holds(pid_t pid, uint64_t permitted)
{
	static const char *const none[] = { "CapEff", "CapInh", "CapAmb" };

	for (size_t i = 0; i < sizeof(none) / sizeof(none[0]); i++)
		ck_assert_uint_eq(status_of(pid, none[i], 16), 0);
	ck_assert_uint_eq(status_of(pid, "CapPrm", 16), permitted);
	ck_assert_uint_eq(status_of(pid, "CapBnd", 16), permitted);
	ck_assert_uint_eq(status_of(pid, "NoNewPrivs", 10), 1);
	ck_assert_uint_eq(status_of(pid, "Seccomp", 10), 2);
	ck_assert_uint_eq(status_of(pid, "Threads", 10), 1);
}

START_TEST(p14_both_processes_hold_what_is_declared_and_nothing_effective)
{
	static const char *const real[] = { "--backend", "native", NULL };
	const uint64_t all = needs_for(NEEDS_ALL_KINDS);
	struct daemon daemon = { 0 };

	need_hardened();
	daemon_start(&daemon, POLICY, real);
	holds(daemon.pid, all);
	holds(start_reader(daemon.pid), needs_declared() & ~all);
	/* streams, socket, poller, signals, spare, the other process, and the client of the kit */
	ck_assert(daemon_has_fds(&daemon, 11));
	daemon_stop(&daemon);
}
END_TEST

static int self_check(const char *format, int pid)
{
	char words[64];
	char command[256];
	int status;

	snprintf(words, sizeof(words), "%.32s %d", format, pid);
	snprintf(command, sizeof(command), HELPER " self-check %s >/dev/null 2>&1", words);
	status = system(command);
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

START_TEST(self_check_of_a_running_helper_tells_one_that_holds_more)
{
	struct daemon daemon = { 0 };
	struct daemon soft = { 0 };
	int reader;

	need_hardened();
	daemon_start(&daemon, POLICY, (const char *const[]) { "--backend", "native", NULL });
	reader = start_reader(daemon.pid);
	ck_assert_int_eq(self_check("--pid", daemon.pid), 0);
	ck_assert_int_eq(self_check("--json --pid", daemon.pid), 0);
	ck_assert_int_eq(self_check("--pid", reader), 0);
	ck_assert_int_eq(self_check("--expect none --pid", daemon.pid), 1);
	ck_assert_int_eq(self_check("--expect cap_sys_ptrace --pid", reader), 0);
	/* a program of root's, as this one */
	ck_assert_int_eq(self_check("--pid", getpid()), 1);
	daemon_stop(&daemon);
	ck_assert_int_eq(self_check("--pid", 999999999), 3);
	daemon_start(&soft, POLICY, (const char *const[]) { "--backend", "sim", "--soft", NULL });
	ck_assert_int_eq(self_check("--pid", soft.pid), 1);
	daemon_stop(&soft);
}
END_TEST

START_TEST(simulated_machine_needs_no_capability)
{
	struct daemon daemon = { 0 };

	need_hardened();
	daemon_start(&daemon, POLICY, simulated);
	holds(daemon.pid, 0);
	daemon_stop(&daemon);
}
END_TEST

/* As the helper's own user: none of its memory, descriptors or insides. */
static int spies(const struct daemon *daemon, void *context)
{
	static const char *const closed[] = { "mem", "maps", "environ", "auxv",
					      "io",  "fd",   "pagemap" };
	const pid_t *pid = context;

	(void)daemon;
	for (size_t i = 0; i < sizeof(closed) / sizeof(closed[0]); i++) {
		char path[64];

		snprintf(path, sizeof(path), "/proc/%d/%s", *pid, closed[i]);
		must(open(path, O_RDONLY) < 0 && errno == EACCES);
	}
	must(ptrace(PTRACE_ATTACH, *pid, NULL, NULL) < 0 && errno == EPERM);
	must(syscall(SYS_pidfd_getfd, (int)syscall(SYS_pidfd_open, *pid, 0), 0, 0) < 0 &&
	     errno == EPERM);
	return 0;
}

START_TEST(p14_memory_is_closed_to_the_same_user)
{
	const struct passwd *user = getpwnam(suite_in_lab() ? "lab" : "nobody");
	const char *const words[] = { "--backend", "sim", "--user", user->pw_name, NULL };
	struct daemon daemon = { 0 };
	pid_t pids[2];

	need_hardened();
	daemon_start(&daemon, POLICY, words);
	pids[0] = daemon.pid;
	pids[1] = start_reader(daemon.pid);
	for (int i = 0; i < 2; i++) {
		ck_assert_uint_eq(status_of(pids[i], "Uid", 10), user->pw_uid);
		ck_assert_int_eq(as_user(user->pw_uid, spies, &daemon, &pids[i]), 0);
	}
	daemon_stop(&daemon);
}
END_TEST

START_TEST(rules_for_a_program_hold_although_nobody_may_look_at_others)
{
	char self[1024] = "";
	char policy[2048];
	struct daemon daemon = { 0 };

	need_hardened();
	ck_assert_int_gt(readlink("/proc/self/exe", self, sizeof(self) - 1), 0);
	snprintf(policy, sizeof(policy), "[own]\nuser = %d\nexe = %s\nmsr = 0x19c r\n", ALICE,
		 self);
	daemon_start(&daemon, policy, simulated);
	ck_assert_int_eq(as_user(ALICE, is_served, &daemon, NULL), 0);
	/* without who looks there are no such rules any more; the rest goes on */
	kill(start_reader(daemon.pid), SIGKILL);
	ck_assert_int_ne(as_user(ALICE, is_served, &daemon, NULL), 0);
	snprintf(policy, sizeof(policy), "[own]\nuser = %d\nmsr = 0x19c r\n", ALICE);
	daemon_policy(&daemon, policy);
	kill(daemon.pid, SIGHUP);
	ck_assert_int_eq(as_user(ALICE, is_served, &daemon, NULL), 0);
	daemon_stop(&daemon);
}
END_TEST

int main(void)
{
	return suite_run("helper/harden",
			 (const TTest *[]) {
				 p14_both_processes_hold_what_is_declared_and_nothing_effective,
				 p14_memory_is_closed_to_the_same_user,
				 rules_for_a_program_hold_although_nobody_may_look_at_others,
				 self_check_of_a_running_helper_tells_one_that_holds_more,
				 simulated_machine_needs_no_capability,
				 NULL,
			 });
}
