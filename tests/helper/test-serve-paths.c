/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Paths that are not what they seem: while a device is opened, at the start, in the policy. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/un.h>
#include <sys/wait.h>

#include "shim/sys-internal.h"
#include "tests/helper/serve-tree.h"

enum { ASKS = SUITE_SANITIZED ? 3000 : 10000, SECRET = 0x5ec3e7, GOOD = 0xabcd0000 };
enum { PATIENCE = 1000, STEP_US = 5000 };

#define POLICY "[alice]\nuser = 41000\nmsr = 0x19c r\npci = 1234:11e8 rw\nbar = 1234:11e8 0 rw\n"

/* What comes to lie where the BAR's file is, one after another. */
static void put_link(const char *path)
{
	must(symlink("/secret", path) == 0);
}

static void put_link_up(const char *path)
{
	must(symlink("../../../../../../secret", path) == 0);
}

static void put_pipe(const char *path)
{
	must(mkfifo(path, 0600) == 0);
}

static void put_folder(const char *path)
{
	must(mkdir(path, 0700) == 0);
}

static void put_socket(const char *path)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);

	snprintf(address.sun_path, sizeof(address.sun_path), "%s", path);
	must(fd >= 0 && bind(fd, (const struct sockaddr *)&address, sizeof(address)) == 0);
	sys_close(fd);
}

static void put_terminal(const char *path)
{
	must(mknod(path, S_IFCHR | 0600, makedev(1, 5)) == 0); /* zeros without an end */
}

static void put_nothing(const char *path)
{
	(void)path;
}

static void (*const guises[])(const char *path) = {
	put_link, put_link_up, put_pipe, put_folder, put_socket, put_terminal, put_nothing,
};

/* The file and its guises by turns; and its folder and another device's. */
static _Noreturn void swap(const char *root)
{
	char file[160];
	char real[160];
	char folder[128];
	char other[128];
	char aside[128];

	snprintf(folder, sizeof(folder), "%s" TREE_FUNCTION, root);
	snprintf(other, sizeof(other), "%s/other", root);
	snprintf(aside, sizeof(aside), "%s/aside", root);
	snprintf(file, sizeof(file), "%s/resource0", folder);
	snprintf(real, sizeof(real), "%s/real", root);
	for (unsigned int i = 0;; i++) {
		if (i % 8 == 7) {
			must(rename(folder, aside) == 0 && rename(other, folder) == 0);
			must(rename(folder, other) == 0 && rename(aside, folder) == 0);
			continue;
		}
		must(rename(file, real) == 0);
		guises[i % 8](file);
		if (unlink(file) < 0)
			(void)rmdir(file);
		must(rename(real, file) == 0);
	}
}

/* Another device, which nobody was allowed; and what else must not be read. */
static void make_others(const char *root)
{
	char command[256];

	tree_write(root, "/secret", 0x10, SECRET, TREE_BAR);
	snprintf(command, sizeof(command), "cp -r '%s" TREE_FUNCTION "' '%s/other'", root, root);
	ck_assert_int_eq(system(command), 0);
	tree_write(root, "/other/config", 0, 0x15338086, TREE_CONFIG);
	tree_write(root, "/other/resource0", 0x10, SECRET, TREE_BAR);
}

/* What the descriptor that came shows, if one came. */
static int ask_bar(int fd, uint32_t *ret_seen)
{
	union wire_request request;
	union wire_reply reply;
	struct hws_wire_bar *ask = (void *)(request.bytes + sizeof(request.head));
	int bar;

	*ret_seen = 0;
	wire_begin(&request, HWS_WIRE_BAR, 0, 1);
	*ask = (struct hws_wire_bar) { .bdf = { .device = 3 }, .rights = HWS_RW };
	must(sys_send_message(fd, &request, request.head.size) > 0);
	must(sys_receive_message(fd, &reply, sizeof(reply), &bar) > 0);
	if (bar >= 0)
		must(pread(bar, ret_seen, 4, 0x10) == 4);
	sys_close(bar);
	return reply.answer.code;
}

struct counts {
	unsigned int given;
	unsigned int refused;
};

/* A connection has 16 descriptors. */
static int asks_again_and_again(const struct daemon *daemon, void *context)
{
	struct counts counts = { 0, 0 };
	int fd = -1;

	for (unsigned int i = 0; i < ASKS; i++) {
		uint32_t seen;
		int code;

		if (i % 16 == 0) {
			sys_close(fd);
			fd = bare_hello(daemon);
			must(fd >= 0);
		}
		code = ask_bar(fd, &seen);
		must(seen == 0 || seen == GOOD);
		must(code == 0 || seen == 0);
		counts.given += seen == GOOD;
		counts.refused += seen == 0;
	}
	sys_close(fd);
	must(write(*(int *)context, &counts, sizeof(counts)) == sizeof(counts));
	return 0;
}

START_TEST(p10_paths_that_change_while_they_are_opened_lead_nowhere_else)
{
	struct daemon daemon = { 0 };
	struct counts counts;
	char root[64];
	int pipes[2];
	pid_t swapper;

	tree_make(root);
	make_others(root);
	daemon_start(&daemon, POLICY,
		     (const char *const[]) { "--backend", "native", "--sysroot", root, "--rate",
					     "0", NULL });
	ck_ok(pipe(pipes));
	swapper = fork();
	ck_assert_int_ge(swapper, 0);
	if (swapper == 0)
		swap(root);
	ck_assert_int_eq(as_user(ALICE, asks_again_and_again, &daemon, &pipes[1]), 0);
	ck_assert_int_eq(waitpid(swapper, NULL, WNOHANG), 0);
	kill(swapper, SIGKILL);
	ck_assert_int_eq(waitpid(swapper, NULL, 0), swapper);
	ck_assert_int_eq(read(pipes[0], &counts, sizeof(counts)), sizeof(counts));
	printf("# %u descriptors of the BAR, %u times none\n", counts.given, counts.refused);
	ck_assert_uint_gt(counts.given, 0);
	ck_assert_uint_gt(counts.refused, 0);
	daemon_stop(&daemon);
	tree_remove(root);
}
END_TEST

static int is_given_none(const struct daemon *daemon, void *context)
{
	int fd = bare_hello(daemon);
	uint32_t seen;

	(void)context;
	must(fd >= 0 && ask_bar(fd, &seen) < 0 && seen == 0);
	sys_close(fd);
	return 0;
}

START_TEST(p10_what_lies_in_a_devices_place_is_not_opened)
{
	for (size_t i = 0; i < sizeof(guises) / sizeof(guises[0]); i++) {
		struct daemon daemon = { 0 };
		char root[64];
		char path[160];

		tree_make(root);
		make_others(root);
		daemon_start(
			&daemon, POLICY,
			(const char *const[]) { "--backend", "native", "--sysroot", root, NULL });
		snprintf(path, sizeof(path), "%s" TREE_FUNCTION "/resource0", root);
		ck_ok(unlink(path));
		guises[i](path);
		ck_assert_int_eq(as_user(ALICE, is_given_none, &daemon, NULL), 0);
		daemon_stop(&daemon);
		tree_remove(root);
	}
}
END_TEST

START_TEST(p10_other_device_in_the_same_place_is_not_the_one_that_was_allowed)
{
	struct daemon daemon = { 0 };
	char root[64];

	tree_make(root);
	make_others(root);
	daemon_start(&daemon, POLICY,
		     (const char *const[]) { "--backend", "native", "--sysroot", root, NULL });
	tree_write(root, TREE_FUNCTION "/config", 0, 0x15338086, TREE_CONFIG);
	ck_assert_int_eq(as_user(ALICE, is_given_none, &daemon, NULL), 0);
	daemon_stop(&daemon);
	tree_remove(root);
}
END_TEST

/* How a start ends: its code, and all of what it said. */
static int start_with(const struct daemon *daemon, const char *option, const char *value,
		      char said[1024])
{
	char command[2048 + 8192];
	size_t n;
	FILE *pipe;

	snprintf(command, sizeof(command),
		 "timeout 20 %s serve --backend sim --soft --socket %s/other --policy %s/policy.d "
		 "%s '%s' 2>&1",
		 HELPER, daemon->folder, daemon->folder, option, value);
	pipe = popen(command, "r");
	ck_assert_ptr_nonnull(pipe);
	n = fread(said, 1, 1023, pipe);
	said[n] = '\0';
	return WEXITSTATUS(pclose(pipe));
}

static char *below(const struct daemon *daemon, const char *name)
{
	static char path[160];

	snprintf(path, sizeof(path), "%s/%s", daemon->folder, name);
	return path;
}

static void is_refused(const struct daemon *daemon, const char *option, const char *value,
		       const char *words)
{
	char said[1024];
	int code = start_with(daemon, option, value, said);

	ck_assert_msg(code != 0 && code != 124, "%s %.200s: %d", option, value, code);
	ck_assert_msg(strstr(said, words), "%s %.200s: %.200s", option, value, said);
	/* one line */
	ck_assert_msg(strchr(said, '\n') == said + strlen(said) - 1, "%s", said);
}

START_TEST(p10_paths_that_are_not_what_they_should_be_stop_the_start)
{
	struct daemon daemon = { 0 };
	static char longest[6000];

	daemon_start(&daemon, POLICY, NULL);
	memset(longest, 'x', sizeof(longest) - 1);
	longest[0] = '/';
	put_pipe(below(&daemon, "pipe"));
	put_folder(below(&daemon, "open"));
	ck_ok(chmod(below(&daemon, "open"), 0777));
	ck_ok(symlink("journals", below(&daemon, "link")));
	is_refused(&daemon, "--audit", below(&daemon, "pipe"), "no regular file");
	is_refused(&daemon, "--audit", below(&daemon, "open"), "audit file");
	is_refused(&daemon, "--audit", below(&daemon, "journals/"), "name of 1 to");
	is_refused(&daemon, "--audit", longest, "name of 1 to");
	is_refused(&daemon, "--last-words", below(&daemon, "pipe"), "last words");
	is_refused(&daemon, "--journals", below(&daemon, "pipe"), "Not a directory");
	is_refused(&daemon, "--journals", below(&daemon, "open"), "others may write there");
	is_refused(&daemon, "--journals", below(&daemon, "nowhere"), "No such file");
	is_refused(&daemon, "--journals", longest, "journals '/xxx");
	is_refused(&daemon, "--policy", below(&daemon, "link"), "is a link");
	is_refused(&daemon, "--policy", below(&daemon, "open"), "writable by group or others");
	is_refused(&daemon, "--policy", "relative", "no absolute path");
	is_refused(&daemon, "--socket", longest, "socket '/xxx");
	is_refused(&daemon, "--socket", below(&daemon, "pipe"), "in use");
	is_refused(&daemon, "--socket", below(&daemon, "nowhere/socket"), "No such file");
	daemon_stop(&daemon);
}
END_TEST

static void put_text(const char *path, const char *text)
{
	FILE *file = fopen(path, "w");

	must(file && fputs(text, file) >= 0 && fclose(file) == 0 && chmod(path, 0600) == 0);
}

static void put_damaged(const char *path)
{
	put_text(path, "hwsafe-journal 2 nonsense\n");
}

static void put_old(const char *path)
{
	put_text(path, "hwsafe-journal 1\n");
}

static void put_foreign(const char *path)
{
	put_text(path, "");
	must(chown(path, BOB, BOB) == 0);
}

static void put_open(const char *path)
{
	put_text(path, "");
	must(chmod(path, 0666) == 0);
}

START_TEST(p10_journals_that_can_not_be_believed_stop_the_start)
{
	static const struct {
		void (*put)(const char *path);
		const char *words;
	} table[] = {
		{ put_damaged, "no journal of a transaction" },
		{ put_old, "no journal of a transaction" },
		{ put_foreign, "belongs to user 41001" },
		{ put_open, "may be written by others" },
		{ put_link, "cannot open the journal" },
		{ put_pipe, "is no plain file" },
		{ put_folder, "is no plain file" },
		{ put_socket, "cannot open the journal" },
		{ put_terminal, "is no plain file" },
	};

	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		struct daemon daemon = { 0 };
		char folder[160];

		daemon_start(&daemon, POLICY, NULL);
		table[i].put(below(&daemon, "journals/txn-7"));
		strcpy(folder, below(&daemon, "journals"));
		is_refused(&daemon, "--journals", folder, table[i].words);
		/* it is still there, for somebody to look at */
		ck_assert_int_eq(faccessat(AT_FDCWD, below(&daemon, "journals/txn-7"), F_OK,
					   AT_SYMLINK_NOFOLLOW),
				 0);
		daemon_stop(&daemon);
	}
}
END_TEST

/* ---- policy files ---- */

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
	put_text(path, text);
}

static void policy_long_line_of_a_small_file(const char *path)
{
	static char text[1 << 19];

	memset(text, ' ', sizeof(text) - 1);
	memcpy(text, "[alice]\nuser = 41000", 20);
	text[sizeof(text) - 2] = '\n';
	put_text(path, text);
}

static void policy_half_a_character(const char *path)
{
	put_text(path, POLICY "# \xe2\x82\n");
}

static void policy_twice_the_same(const char *path)
{
	put_text(path, POLICY "msr = 0x10 r, rate 5/min, rate 6/min\n");
}

static void policy_nul(const char *path)
{
	int fd = open(path, O_WRONLY | O_APPEND);

	must(fd >= 0 && write(fd, "\0", 1) == 1);
	sys_close(fd);
}

static void policy_unknown(const char *path)
{
	put_text(path, POLICY "colour = blue\n");
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
		strcpy(path, below(&daemon, "policy.d/test.conf"));
		policies[i].spoil(path);
		kill(daemon.pid, SIGHUP);
		wait_for_words(heard, policies[i].words);
		/* the old one holds; and a helper that begins with the new one does not */
		ck_assert_int_eq(as_user(ALICE, is_served, &daemon, NULL), 0);
		is_refused(&daemon, "--rate", "0", policies[i].words);
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
		put_text(aside, i % 2 ? POLICY : "[bob]\nuser = 41001\nport = 0x80 r\n" POLICY);
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
	return suite_run("helper/serve-paths",
			 (const TTest *[]) {
				 p10_paths_that_change_while_they_are_opened_lead_nowhere_else,
				 p10_what_lies_in_a_devices_place_is_not_opened,
				 p10_other_device_in_the_same_place_is_not_the_one_that_was_allowed,
				 p10_paths_that_are_not_what_they_should_be_stop_the_start,
				 p10_journals_that_can_not_be_believed_stop_the_start,
				 p11_policies_that_can_not_be_trusted_change_nothing,
				 p11_policy_that_is_replaced_while_it_is_read_is_one_or_the_other,
				 NULL,
			 });
}
