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
#include <unistd.h>

#include "shim/sys-internal.h"
#include "tests/helper/serve-start.h"
#include "tests/helper/serve-tree.h"

enum { ASKS = SUITE_SANITIZED ? 3000 : 10000, SECRET = 0x5ec3e7, GOOD = 0xabcd0000 };

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
		code = tree_ask_bar(fd, &seen);
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
	must(fd >= 0 && tree_ask_bar(fd, &seen) < 0 && seen == 0);
	sys_close(fd);
	return 0;
}

/* Without having asked for the BAR before. */
static int reads_register(const struct daemon *daemon, void *context)
{
	const struct hws_wire_step step = {
		.kind = HWS_KIND_BAR, .width = 4, .bdf = { .device = 3 }, .at = 0x10
	};
	int fd = bare_hello(daemon);

	must(fd >= 0);
	must(bare_step(fd, &step) == *(const int *)context);
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
	ck_assert_int_eq(as_user(ALICE, reads_register, &daemon, &(int) { 0 }), 0);
	tree_write(root, TREE_FUNCTION "/config", 0, 0x15338086, TREE_CONFIG);
	ck_assert_int_eq(as_user(ALICE, is_given_none, &daemon, NULL), 0);
	ck_assert_int_eq(as_user(ALICE, reads_register, &daemon, &(int) { -ENODEV }), 0);
	daemon_stop(&daemon);
	tree_remove(root);
}
END_TEST

START_TEST(snapshots_of_another_helper_stay_when_a_start_fails)
{
	struct daemon daemon = { 0 };
	char value[300];

	daemon_start(&daemon, POLICY, NULL);
	write_text_file(daemon_path(&daemon, "stat"), "another's");
	snprintf(value, sizeof(value), "/nowhere' --stat '%s", daemon_path(&daemon, "stat"));
	start_is_refused(&daemon, "--journals", value, "No such file");
	ck_ok(access(daemon_path(&daemon, "stat"), F_OK));
	daemon_stop(&daemon);
}
END_TEST

START_TEST(p10_paths_that_are_not_what_they_should_be_stop_the_start)
{
	struct daemon daemon = { 0 };
	static char longest[6000];

	daemon_start(&daemon, POLICY, NULL);
	memset(longest, 'x', sizeof(longest) - 1);
	longest[0] = '/';
	put_pipe(daemon_path(&daemon, "pipe"));
	put_folder(daemon_path(&daemon, "open"));
	ck_ok(chmod(daemon_path(&daemon, "open"), 0777));
	ck_ok(symlink("journals", daemon_path(&daemon, "link")));
	start_is_refused(&daemon, "--audit", daemon_path(&daemon, "pipe"), "no regular file");
	start_is_refused(&daemon, "--audit", daemon_path(&daemon, "open"), "audit file");
	start_is_refused(&daemon, "--audit", daemon_path(&daemon, "journals/"), "name of 1 to");
	start_is_refused(&daemon, "--audit", longest, "name of 1 to");
	start_is_refused(&daemon, "--last-words", daemon_path(&daemon, "pipe"), "last words");
	start_is_refused(&daemon, "--stat", daemon_path(&daemon, "nowhere/stat"), "No such file");
	start_is_refused(&daemon, "--stat", daemon_path(&daemon, "open"), "directory");
	start_is_refused(&daemon, "--stat", longest, "--stat '/xxx");
	start_is_refused(&daemon, "--journals", daemon_path(&daemon, "pipe"), "Not a directory");
	start_is_refused(&daemon, "--journals", daemon_path(&daemon, "open"),
			 "others may write there");
	start_is_refused(&daemon, "--journals", daemon_path(&daemon, "nowhere"), "No such file");
	start_is_refused(&daemon, "--journals", longest, "journals '/xxx");
	start_is_refused(&daemon, "--policy", daemon_path(&daemon, "link"), "is a link");
	start_is_refused(&daemon, "--policy", daemon_path(&daemon, "open"),
			 "writable by group or others");
	start_is_refused(&daemon, "--policy", "relative", "no absolute path");
	start_is_refused(&daemon, "--socket", longest, "socket '/xxx");
	start_is_refused(&daemon, "--socket", daemon_path(&daemon, "pipe"), "in use");
	start_is_refused(&daemon, "--socket", daemon_path(&daemon, "nowhere/socket"),
			 "No such file");
	daemon_stop(&daemon);
}
END_TEST

static void put_damaged(const char *path)
{
	write_text_file(path, "hwsafe-journal 2 nonsense\n");
}

static void put_old(const char *path)
{
	write_text_file(path, "hwsafe-journal 1\n");
}

static void put_foreign(const char *path)
{
	write_text_file(path, "");
	must(chown(path, BOB, BOB) == 0);
}

static void put_open(const char *path)
{
	write_text_file(path, "");
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
		table[i].put(daemon_path(&daemon, "journals/txn-7"));
		strcpy(folder, daemon_path(&daemon, "journals"));
		start_is_refused(&daemon, "--journals", folder, table[i].words);
		/* it is still there, for somebody to look at */
		ck_assert_int_eq(faccessat(AT_FDCWD, daemon_path(&daemon, "journals/txn-7"), F_OK,
					   AT_SYMLINK_NOFOLLOW),
				 0);
		daemon_stop(&daemon);
	}
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
				 snapshots_of_another_helper_stay_when_a_start_fails,
				 p10_journals_that_can_not_be_believed_stop_the_start,
				 NULL,
			 });
}
