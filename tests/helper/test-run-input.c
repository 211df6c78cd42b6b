/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The launcher refuses with one line that names cause and cure, and starts nothing. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/helper/client.h"
#include "tests/helper/launch.h"
#include "tests/suite.h"

#define NEEDS_ROOT need_where("root", launch_can(), "only root can become somebody else")

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
		{ "printf 'ring = /tmp/x read, buffers 2G\\n' >>test.conf", 1, "buffers from" },
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
	const char *file = client_secret();

	NEEDS_ROOT;
	need("plain-build", !SUITE_SANITIZED,
	     "a sanitizer's run time needs more than these limits");
	for (size_t i = 0; i < 2; i++) {
		struct launch of = { .before = limit, .context = &whiches[i] };

		launch(&of, launch_policy("[reader]\nring = %s read, buffers 1M\n", file), "-p",
		       "reader", "-u", launch_alice, "--", "echo", "started", NULL);
		launch_refused(&of, of.code == 1 ? 1 : 5, "run: ");
	}
	unlink(file);
}
END_TEST

int main(void)
{
	return suite_run("helper/run-input", (const TTest *[]) {
						     wrong_arguments_are_one_line,
						     what_is_not_there_is_one_line,
						     script_is_refused_with_the_cure,
						     policy_that_cannot_be_trusted_grants_nothing,
						     too_small_limits_are_one_line,
						     NULL,
					     });
}
