/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Policy files that can't be trusted, or change while they are read. */
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "shim/sys-internal.h"
#include "tests/helper/serve-start.h"

enum { PATIENCE = 1000, STEP_US = 5000 };

#define POLICY "[alice]\nuser = 41000\nmsr = 0x19c r\n"

static void policy_link(const char *path)
{
	must(unlink(path) == 0 && symlink("/etc/passwd", path) == 0);
}

static void policy_of_group(const char *path)
{
	must(chmod(path, 0664) == 0);
}

static void policy_of_bob(const char *path)
{
	must(chown(path, BOB, BOB) == 0);
}

static void policy_pipe(const char *path)
{
	must(unlink(path) == 0 && mkfifo(path, 0644) == 0);
}

static void policy_long_line(const char *path)
{
	static char text[(10 << 20) + 1];

	memset(text, ' ', sizeof(text) - 1);
	memcpy(text, "[alice]", 7);
	write_text_file(path, text);
}

static void policy_long_line_of_a_small_file(const char *path)
{
	static char text[1 << 19];

	memset(text, ' ', sizeof(text) - 1);
	memcpy(text, "[alice]\nuser = 41000", 20);
	text[sizeof(text) - 2] = '\n';
	write_text_file(path, text);
}

static void policy_half_a_character(const char *path)
{
	write_text_file(path, POLICY "# \xe2\x82\n");
}

static void policy_twice_the_same(const char *path)
{
	write_text_file(path, POLICY "msr = 0x10 r, rate 5/min, rate 6/min\n");
}

static void policy_nul(const char *path)
{
	int fd = open(path, O_WRONLY | O_APPEND);

	must(fd >= 0 && write(fd, "\0", 1) == 1);
	sys_close(fd);
}

static void policy_unknown(const char *path)
{
	write_text_file(path, POLICY "colour = blue\n");
}

static const struct {
	void (*spoil)(const char *path);
	const char *words;
} policies[] = {
	{ policy_link, "is a link" },
	{ policy_of_group, "writable by group" },
	{ policy_of_bob, "belongs to uid 41001" },
	{ policy_pipe, "is no regular file" },
	{ policy_long_line, "too large" },
	{ policy_long_line_of_a_small_file, "4096" },
	{ policy_half_a_character, "UTF-8" },
	{ policy_twice_the_same, "rate" },
	{ policy_nul, "test.conf:" },
	{ policy_unknown, "colour" },
};

/* The helper complains to this file. */
static void wait_for_words(const char *path, const char *words)
{
	static char text[65536];

	for (int waited = 0; waited < PATIENCE; waited++) {
		ssize_t n = sys_read_file(SYS_REAL_ROOT, path, text, sizeof(text));

		if (n > 0 && strstr(text, words))
			return;
		usleep(STEP_US);
	}
	ck_abort_msg("expected '%s', heard: %s", words, text);
}

START_TEST(p11_policies_that_can_not_be_trusted_change_nothing)
{
	for (size_t i = 0; i < sizeof(policies) / sizeof(policies[0]); i++) {
		struct daemon daemon = { 0 };
		char heard[64] = "/tmp/hwsafe-heard-XXXXXX";
		char path[160];
		int before = dup(STDERR_FILENO);
		int fd = mkstemp(heard);

		ck_assert_int_ge(fd, 0);
		ck_ok(dup2(fd, STDERR_FILENO));
		daemon_start(&daemon, POLICY, NULL);
		ck_ok(dup2(before, STDERR_FILENO));
		strcpy(path, daemon_path(&daemon, "policy.d/test.conf"));
		policies[i].spoil(path);
		kill(daemon.pid, SIGHUP);
		wait_for_words(heard, policies[i].words);
		/* the old one holds; and a helper that begins with the new one does not */
		ck_assert_int_eq(as_user(ALICE, is_served, &daemon, NULL), 0);
		start_is_refused(&daemon, "--rate", "0", policies[i].words);
		daemon_stop(&daemon);
		sys_close(before);
		sys_close(fd);
		unlink(heard);
	}
}
END_TEST

/* Two policies by turns; alice has her register by either. */
static _Noreturn void replace(const char *folder)
{
	char path[160];
	char aside[160];

	snprintf(path, sizeof(path), "%s/policy.d/test.conf", folder);
	snprintf(aside, sizeof(aside), "%s/aside", folder);
	for (unsigned int i = 0;; i++) {
		write_text_file(aside,
				i % 2 ? POLICY : "[bob]\nuser = 41001\nport = 0x80 r\n" POLICY);
		must(chmod(aside, 0644) == 0 && rename(aside, path) == 0);
	}
}

START_TEST(p11_policy_that_is_replaced_while_it_is_read_is_one_or_the_other)
{
	enum { RELOADS = SUITE_SANITIZED ? 50 : 500 };
	struct daemon daemon = { 0 };
	int quiet = open("/dev/null", O_WRONLY | O_CLOEXEC);
	int before = dup(STDERR_FILENO);
	pid_t replacer;

	ck_ok(dup2(quiet, STDERR_FILENO));
	daemon_start(&daemon, POLICY, NULL);
	ck_ok(dup2(before, STDERR_FILENO));
	replacer = fork();
	ck_assert_int_ge(replacer, 0);
	if (replacer == 0)
		replace(daemon.folder);
	for (int i = 0; i < RELOADS; i++) {
		kill(daemon.pid, SIGHUP);
		ck_assert_int_eq(as_user(ALICE, is_served, &daemon, NULL), 0);
	}
	kill(replacer, SIGKILL);
	ck_assert_int_eq(waitpid(replacer, NULL, 0), replacer);
	daemon_stop(&daemon);
	sys_close(before);
	sys_close(quiet);
}
END_TEST

int main(void)
{
	return suite_run("helper/serve-policies",
			 (const TTest *[]) {
				 p11_policies_that_can_not_be_trusted_change_nothing,
				 p11_policy_that_is_replaced_while_it_is_read_is_one_or_the_other,
				 NULL,
			 });
}
