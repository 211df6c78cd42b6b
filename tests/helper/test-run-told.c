/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the launcher makes of who starts it, and what it tells with -v. */
#include <fcntl.h>
#include <grp.h>
#include <liburing.h>
#include <pwd.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <unistd.h>

#include "raw-internal.h"
#include "tests/helper/client.h"
#include "tests/helper/launch.h"
#include "tests/suite.h"

#define NEEDS_ROOT need_where("root", launch_can(), "only root can become somebody else")

START_TEST(verbose_names_what_is_granted_and_what_is_not)
{
	const char *file = client_secret();
	const char *policy;
	struct launch of = { 0 };
	struct io_uring ring;
	char granted[128];

	NEEDS_ROOT;
	need_where("uring", io_uring_queue_init(4, &ring, 0) == 0, "the system has no io_uring");
	io_uring_queue_exit(&ring);
	policy = launch_policy("[reader]\nring = %s read, buffers 1M\nring = %s read\n"
			       "ring = * read\nring = /etc/passwd read\n"
			       "deny ring = /etc/passwd read\n",
			       file, file);
	launch(&of, policy, "-v", "-p", "reader", "-u", launch_alice, "--", "echo", "started",
	       NULL);
	ck_assert_msg(of.code == 0, "%s", of.err);
	ck_assert_str_eq(of.out, "started\n");
	snprintf(granted, sizeof(granted), "ring %s: granted, 1024 KiB", file);
	ck_assert_ptr_nonnull(strstr(of.err, granted));
	/* two rules for one path are one ring */
	ck_assert_ptr_null(strstr(strstr(of.err, granted) + 1, granted));
	ck_assert_ptr_nonnull(strstr(of.err, "a ring is for one path"));
	ck_assert_ptr_nonnull(strstr(of.err, "not granted: a deny rule"));
	memset(&of, 0, sizeof(of));
	launch(&of, policy, "-p", "reader", "-u", launch_alice, "--", "echo", "started", NULL);
	ck_assert_str_eq(of.err, "");
	unlink(file);
}
END_TEST

/* Nobody looks at what is written to a port that the kernel has opened. */
START_TEST(dangerous_ports_are_granted_with_their_danger_only)
{
	static const struct {
		const char *rule;
		const char *says;
	} rows[] = {
		{ "port = 0x92 rw", "port = 0x92 rw: 0 ports" },
		{ "port = 0x92 rw danger smm", "0x92 rw danger smm: 0 ports" },
		{ "port = 0x92 rw danger reset", "0x92 rw danger reset: 1 ports" },
		{ "port = 0x92 rw danger", "0x92 rw danger: 1 ports" },
		{ "port = 0x90-0x93 rw", "0x90-0x93 rw: 3 ports; the kernel can't keep" },
	};

	NEEDS_ROOT;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct launch of = { 0 };

		launch(&of, launch_policy("[x]\n%s\n", rows[i].rule), "-v", "-p", "x", "-u",
		       launch_alice, "--", "true", NULL);
		ck_assert_msg(strstr(of.err, rows[i].says), "no '%s' in: %s", rows[i].says, of.err);
	}
}
END_TEST

/* Instead of what the test would start: the helper with these words, by who owns nothing. */
struct caller {
	const char *name; /* NULL: a uid without one */
	const char *words[12];
};

static void be_caller(void *context)
{
	const struct caller *caller = context;
	const struct passwd *user = caller->name ? getpwnam(caller->name) : NULL;
	uid_t uid = user ? user->pw_uid : 41999;
	gid_t gid = user ? user->pw_gid : 41999;

	if (setgroups(0, NULL) < 0 || setresgid(gid, gid, gid) < 0 || setresuid(uid, uid, uid) < 0)
		_exit(122);
	execv(getenv("HWS_HELPER"), (char *const *)caller->words);
	_exit(120);
}

START_TEST(who_is_not_root_may_only_be_himself)
{
	const struct {
		struct caller caller;
		int code;
		const char *says;
	} rows[] = {
		{ { launch_alice,
		    { "helper", "run", "--policy", "/tmp", "-p", "x", "--", "true" } },
		  4,
		  "only root chooses the policy" },
		{ { launch_alice, { "helper", "run", "-p", "x", "-u", launch_bob, "--", "true" } },
		  4,
		  "only root starts programs as somebody else" },
		{ { launch_alice, { "helper", "run", "-p", "x", "--", "no-such-program" } },
		  3,
		  "no-such-program" },
		/* himself by name, and one without a name: only then it comes to the policy */
		{ { launch_alice,
		    { "helper", "run", "-p", "no-such", "-u", launch_alice, "--", "true" } },
		  3,
		  "no profile 'no-such'" },
		{ { NULL, { "helper", "run", "-p", "no-such", "--", "true" } },
		  3,
		  "no profile 'no-such'" },
	};

	NEEDS_ROOT;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct caller caller = rows[i].caller;
		struct launch of = { .before = be_caller, .context = &caller };

		launch(&of, "/nowhere", NULL);
		launch_refused(&of, rows[i].code, rows[i].says);
	}
}
END_TEST

/* For this process and what it starts. */
static void replace(const char *path, const char *by)
{
	if (unshare(CLONE_NEWNS) < 0 || mount("", "/", "", MS_REC | MS_PRIVATE, NULL) < 0 ||
	    mount(by, path, "", MS_BIND, NULL) < 0)
		_exit(123);
}

/* Another list of groups, in which one has all. */
static void replace_groups(void *path)
{
	replace("/etc/group", path);
}

/* One that can't be read. */
static void replace_ports(void *context)
{
	(void)context;
	replace("/proc/ioports", "/proc/self/mem");
}

/* Whatever goes wrong when it is looked who uses ports, they are not granted. */
START_TEST(ports_are_not_granted_where_their_users_can_not_be_told)
{
	struct launch of = { .before = replace_ports };

	NEEDS_ROOT;
	need("ports", RAW_HAS_PORTS, "this architecture has no ports");
	need("mounts", suite_child(replace_ports, NULL) == 0, "nothing can be mounted here");
	launch(&of, launch_policy("[x]\nport = 0x70-0x71 rw\n"), "-p", "x", "-u", launch_alice,
	       "--", "true", NULL);
	launch_refused(&of, 5, "who uses ports can't be told");
}
END_TEST

static void write_groups(const char *path, int count)
{
	FILE *file = fopen(path, "we");

	ck_assert_ptr_nonnull(file);
	for (int i = 0; i < count; i++)
		fprintf(file, "g%d:x:%d:somebody,%s\n", i, 50000 + i, launch_alice);
	fprintf(file, "other:x:49999:somebody\n");
	ck_assert_int_eq(fclose(file), 0);
}

START_TEST(all_of_the_users_groups_count_or_nothing_starts)
{
	const char *policy;
	char path[96];
	struct launch of = { .before = replace_groups, .context = path };

	NEEDS_ROOT;
	policy = launch_policy("[fine]\ngroup = g7\ncpuid = * r\n");
	snprintf(path, sizeof(path), "%s/group", policy);
	write_groups(path, 1023);
	need("mounts", suite_child(replace_groups, path) == 0, "nothing can be mounted here");
	launch(&of, policy, "-p", "fine", "-u", launch_alice, "--", "id", "-G", NULL);
	ck_assert_msg(of.code == 0, "%s", of.err);
	ck_assert_ptr_nonnull(strstr(of.out, " 50000 "));
	ck_assert_ptr_nonnull(strstr(of.out, " 51022"));
	ck_assert_ptr_null(strstr(of.out, "49999"));
	/* with his own it is one too many: a rule for the last would not be his */
	write_groups(path, 1024);
	launch(&of, policy, "-p", "fine", "-u", launch_alice, "--", "id", "-G", NULL);
	launch_refused(&of, 1, "more than 1024 groups");
	/* nor where some are not seen: a deny rule may be for these */
	snprintf(path, sizeof(path), "/proc/self/mem");
	policy = launch_policy("[fine]\ncpuid = * r\n");
	launch(&of, policy, "-p", "fine", "-u", launch_alice, "--", "id", "-G", NULL);
	launch_refused(&of, 5, "/etc/group can't be read");
}
END_TEST

int main(void)
{
	return suite_run("helper/run-told",
			 (const TTest *[]) {
				 verbose_names_what_is_granted_and_what_is_not,
				 dangerous_ports_are_granted_with_their_danger_only,
				 who_is_not_root_may_only_be_himself,
				 ports_are_not_granted_where_their_users_can_not_be_told,
				 all_of_the_users_groups_count_or_nothing_starts,
				 NULL,
			 });
}
