/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "guardian/policy.h"
#include "tests/suite.h"

#define DIRECTORY "/etc/hwsafe/policy.d"
#define RULE	  "[s]\nport = 0x70 r\n"

static char root[64];
static char heard[4096];

static void hear(void *context, const struct hws_policy_error *error)
{
	size_t n = strlen(heard);

	(void)context;
	snprintf(heard + n, sizeof(heard) - n, "%s:%u: %s\n", error->file, error->line,
		 error->message);
}

static const char *below(const char *path)
{
	static char text[2][256];
	static int turn;

	turn = !turn;
	snprintf(text[turn], sizeof(text[turn]), "%s%s", root, path);
	return text[turn];
}

static int remove_one(const char *path, const struct stat *is, int flag, struct FTW *ftw)
{
	(void)is;
	(void)flag;
	(void)ftw;
	return remove(path);
}

static void remove_root(void)
{
	nftw(root, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

/* A sysroot with an empty policy directory. */
static void make_root(void)
{
	umask(022);
	strcpy(root, "/tmp/hwsafe-policy-XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(root));
	ck_ok(mkdir(below("/etc"), 0755));
	ck_ok(mkdir(below("/etc/hwsafe"), 0755));
	ck_ok(mkdir(below(DIRECTORY), 0755));
}

static void write_file(const char *path, const char *text)
{
	FILE *file = fopen(below(path), "w");

	ck_assert_ptr_nonnull(file);
	ck_assert_int_ge(fputs(text, file), 0);
	ck_assert_int_eq(fclose(file), 0);
}

static struct hws_policy_options options(void)
{
	heard[0] = '\0';
	return (struct hws_policy_options) {
		.size = sizeof(struct hws_policy_options),
		.sysroot = root,
		.owner_uid = geteuid(),
		.error = hear,
	};
}

static int load(struct hws_policy **ret_policy)
{
	struct hws_policy_options o = options();

	return hws_policy_load(&o, ret_policy);
}

static void refused(int code, const char *why)
{
	struct hws_policy *policy = NULL;
	int r = load(&policy);

	ck_assert_msg(r == code, "gave %d, expected %d: %s", r, code, heard);
	ck_assert_ptr_null(policy);
	ck_assert_msg(strstr(heard, why), "said %s, expected %s", heard, why);
	ck_assert_str_ne(hws_why(), "");
	remove_root();
}

/* The rules of what is loaded, one "file:line text" a line, without the directory. */
static const char *rules(struct hws_policy *policy)
{
	static char text[2048];
	size_t n = 0;

	text[0] = '\0';
	for (uint32_t i = 0; i < hws_policy_rules(policy); i++) {
		struct hws_policy_rule rule;
		const char *slash;

		ck_ok(hws_policy_rule_at(policy, i, &rule));
		slash = strrchr(rule.file, '/');
		n += (size_t)snprintf(text + n, sizeof(text) - n, "%s:%u %s%s\n",
				      slash ? slash + 1 : rule.file, rule.line, rule.text,
				      rule.inline_rule ? " (inline)" : "");
	}
	hws_policy_unref(policy);
	return text;
}

START_TEST(load_reads_conf_files_in_the_order_of_their_names)
{
	struct hws_policy *policy;

	make_root();
	write_file(DIRECTORY "/20-b.conf", "[s]\nport = 2 r\n");
	write_file(DIRECTORY "/10-a.conf", "[s]\nport = 1 r\n[t]\nport = 3 r\n");
	write_file(DIRECTORY "/Z.conf", "[s]\nport = 4 r\n");
	write_file(DIRECTORY "/.hidden.conf", "nonsense");
	write_file(DIRECTORY "/notes.txt", "nonsense");
	write_file(DIRECTORY "/x.conf~", "nonsense");
	write_file(DIRECTORY "/empty.conf", "");
	ck_assert_msg(!load(&policy), "%s", heard);
	ck_assert_str_eq(rules(policy), "10-a.conf:2 port = 1 r\n10-a.conf:4 port = 3 r\n"
					"20-b.conf:2 port = 2 r\nZ.conf:2 port = 4 r\n");
	remove_root();
}
END_TEST

static void takes_built_in(void)
{
	struct hws_policy *policy;

	ck_assert_msg(!load(&policy), "%s", heard);
	ck_assert_str_eq(rules(policy), "built-in:3 cpuid = * r\nbuilt-in:6 msr = * r\n"
					"built-in:7 pci = *, config r\nbuilt-in:8 bar = * * r\n");
}

START_TEST(load_takes_the_built_in_policy_where_there_is_no_file)
{
	make_root();
	takes_built_in();
	ck_ok(rmdir(below(DIRECTORY)));
	takes_built_in();
	ck_ok(rmdir(below("/etc/hwsafe")));
	takes_built_in();
	ck_ok(rmdir(below("/etc")));
	takes_built_in();
	remove_root();
}
END_TEST

START_TEST(load_adds_inline_rules_behind_the_files)
{
	struct hws_policy *policy = NULL;
	struct hws_policy_options o;

	make_root();
	write_file(DIRECTORY "/a.conf", "[s]\nuser = 12345\nport = 1 r\n[d]\ndeny port = 5\n");
	o = options();
	o.text = "port = 5-6 rw\nmsr = 1 r";
	ck_ok(hws_policy_load(&o, &policy));
	ck_assert_str_eq(rules(policy), "a.conf:3 port = 1 r\na.conf:5 deny port = 5\n"
					"inline:1 port = 5-6 rw (inline)\n"
					"inline:2 msr = 1 r (inline)\n");
	o = options();
	o.text = "port = 5-6 rw\nmsr = 1 q";
	policy = NULL;
	ck_assert_int_eq(hws_policy_load(&o, &policy), -EBADMSG);
	ck_assert_ptr_null(policy);
	ck_assert_ptr_nonnull(strstr(heard, "inline:2: found 'q'"));
	remove_root();
}
END_TEST

START_TEST(load_gives_nothing_when_one_of_many_files_is_bad)
{
	make_root();
	write_file(DIRECTORY "/a.conf", RULE);
	write_file(DIRECTORY "/b.conf", "[s]\nport = 70000 r\n");
	write_file(DIRECTORY "/c.conf", "[s]\nfoo = 1 r\n");
	write_file(DIRECTORY "/d.conf", RULE);
	ck_ok(chmod(below(DIRECTORY "/d.conf"), 0666));
	refused(-EBADMSG, DIRECTORY "/b.conf:2: found '70000'");
	ck_assert_ptr_nonnull(strstr(heard, DIRECTORY "/c.conf:2: found 'foo'"));
	ck_assert_ptr_nonnull(strstr(heard, DIRECTORY "/d.conf:0: is writable by group or others"));
}
END_TEST

START_TEST(load_refuses_files_that_others_can_write)
{
	static const mode_t modes[] = { 0664, 0646, 0666, 0622 };

	for (size_t i = 0; i < sizeof(modes) / sizeof(modes[0]); i++) {
		make_root();
		write_file(DIRECTORY "/a.conf", RULE);
		ck_ok(chmod(below(DIRECTORY "/a.conf"), modes[i]));
		refused(-EACCES, "a.conf:0: is writable by group or others");
	}
}
END_TEST

START_TEST(load_refuses_files_of_somebody_else)
{
	need("root", geteuid() == 0, "only root can give a file away");
	make_root();
	write_file(DIRECTORY "/a.conf", RULE);
	ck_ok(chown(below(DIRECTORY "/a.conf"), 1000, 0));
	refused(-EACCES, "a.conf:0: belongs to uid 1000, expected 0");
}
END_TEST

/* The directory itself, and those above it. */
START_TEST(load_refuses_directories_that_others_can_change)
{
	static const char *const paths[] = { DIRECTORY, "/etc/hwsafe", "/etc" };

	for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++) {
		char why[128];

		make_root();
		write_file(DIRECTORY "/a.conf", RULE);
		ck_ok(chmod(below(paths[i]), 0775));
		snprintf(why, sizeof(why), "%s:0: is writable by group or others (mode 0775)",
			 paths[i]);
		refused(-EACCES, why);
		if (geteuid() != 0)
			continue;
		make_root();
		ck_ok(chown(below(paths[i]), 1000, 0));
		snprintf(why, sizeof(why), "%s:0: belongs to uid 1000, expected 0", paths[i]);
		refused(-EACCES, why);
	}
}
END_TEST

START_TEST(load_takes_a_sticky_directory_above_but_not_a_sticky_policy_directory)
{
	struct hws_policy *policy = NULL;

	make_root();
	write_file(DIRECTORY "/a.conf", RULE);
	ck_ok(chmod(below("/etc"), 01777));
	ck_assert_msg(!load(&policy), "%s", heard);
	hws_policy_unref(policy);
	ck_ok(chmod(below(DIRECTORY), 01777));
	refused(-EACCES, DIRECTORY ":0: is writable by group or others (mode 1777)");
}
END_TEST

START_TEST(load_takes_roots_directories_above_another_owners)
{
	struct hws_policy *policy = NULL;
	struct hws_policy_options o;

	need("root", geteuid() == 0, "only root can give a file away");
	make_root();
	write_file(DIRECTORY "/a.conf", RULE);
	ck_ok(chown(below(DIRECTORY "/a.conf"), 1000, 0));
	ck_ok(chown(below(DIRECTORY), 1000, 0));
	o = options();
	o.owner_uid = 1000;
	ck_assert_msg(!hws_policy_load(&o, &policy), "%s", heard);
	hws_policy_unref(policy);
	remove_root();
}
END_TEST

START_TEST(load_follows_no_link)
{
	need_kernel("openat2()");
	make_root();
	write_file("/real.conf", RULE);
	ck_ok(symlink("/real.conf", below(DIRECTORY "/a.conf")));
	refused(-EACCES, "a.conf:0: is a link");

	make_root();
	ck_ok(symlink("nowhere", below(DIRECTORY "/a.conf")));
	refused(-EACCES, "a.conf:0: is a link");

	make_root();
	ck_ok(rename(below(DIRECTORY), below("/etc/real")));
	ck_ok(symlink("../real", below(DIRECTORY)));
	refused(-EACCES, "is a link or behind one");

	make_root();
	ck_ok(rename(below("/etc/hwsafe"), below("/etc/real")));
	ck_ok(symlink("real", below("/etc/hwsafe")));
	refused(-EACCES, "is a link or behind one");
}
END_TEST

START_TEST(load_refuses_what_is_no_file)
{
	make_root();
	ck_ok(mkfifo(below(DIRECTORY "/a.conf"), 0600));
	refused(-EACCES, "a.conf:0: is no regular file");

	make_root();
	ck_ok(mkdir(below(DIRECTORY "/a.conf"), 0755));
	refused(-EACCES, "a.conf:0: is no regular file");

	make_root();
	ck_ok(rmdir(below(DIRECTORY)));
	write_file(DIRECTORY, RULE);
	refused(-ENOTDIR, "can't be opened");
}
END_TEST

static void fill(const char *path, off_t size)
{
	int fd = open(below(path), O_CREAT | O_WRONLY, 0644);

	ck_ok(ftruncate(fd, size));
	close(fd);
}

START_TEST(load_refuses_what_is_too_large)
{
	make_root();
	fill(DIRECTORY "/a.conf", (1 << 20) + 1);
	refused(-EFBIG, "a.conf:0: is too large");

	make_root();
	fill(DIRECTORY "/a.conf", 1 << 20);
	refused(-EBADMSG, "a.conf:1: found a line without an end");
}
END_TEST

/* Comments, so that only the sum of the sizes is at fault. */
START_TEST(load_refuses_files_that_are_too_large_together)
{
	enum { LINE = 64, SIZE = 1 << 20 };
	static char text[SIZE + 1];

	memset(text, '#', SIZE);
	for (size_t i = LINE - 1; i < SIZE; i += LINE)
		text[i] = '\n';
	make_root();
	for (int i = 10; i < 27; i++) {
		char path[64];

		snprintf(path, sizeof(path), DIRECTORY "/%d.conf", i);
		write_file(path, text);
	}
	refused(-EFBIG, "26.conf:0: is too large, expected at most 1048576 bytes, and 16777216");
	ck_assert_ptr_null(strstr(heard, "25.conf"));
}
END_TEST

START_TEST(load_refuses_too_many_files)
{
	make_root();
	for (int i = 0; i < 1001; i++) {
		char path[64];

		snprintf(path, sizeof(path), DIRECTORY "/%d.conf", i);
		write_file(path, "");
	}
	refused(-EFBIG, "holds 1001 files, expected at most 1000");
}
END_TEST

/* The error callback runs while files are read: there the next one is replaced. */
static void replace_next(void *context, const struct hws_policy_error *error)
{
	hear(context, error);
	write_file("/new", RULE);
	ck_ok(chmod(below("/new"), 0666));
	ck_ok(rename(below("/new"), below(DIRECTORY "/b.conf")));
}

START_TEST(load_checks_the_file_that_it_reads)
{
	struct hws_policy *policy = NULL;
	struct hws_policy_options o;

	make_root();
	write_file(DIRECTORY "/a.conf", "error\n");
	write_file(DIRECTORY "/b.conf", RULE);
	o = options();
	o.error = replace_next;
	ck_assert_int_eq(hws_policy_load(&o, &policy), -EBADMSG);
	ck_assert_ptr_nonnull(strstr(heard, "b.conf:0: is writable by group or others"));
	remove_root();
}
END_TEST

/* Names come from the sysroot's files alone. */
START_TEST(load_resolves_names_below_the_sysroot)
{
	struct hws_policy *policy = NULL;

	make_root();
	write_file(DIRECTORY "/a.conf", "[s]\nuser = fan\ngroup = i2c\nport = 1 r\n");
	write_file("/etc/passwd", "fans:x:1:1::/:\nfan:x:990:990::/:\n");
	write_file("/etc/group", "i2c:x:44:");
	ck_assert_msg(!load(&policy), "%s", heard);
	hws_policy_unref(policy);
	write_file("/etc/passwd", "root:x:0:0::/:\n");
	policy = NULL;
	ck_assert_int_eq(load(&policy), -EBADMSG);
	ck_assert_ptr_nonnull(strstr(heard, "found 'fan', expected a user that /etc/passwd knows"));
	write_file("/etc/passwd", "fan:x:990:44::/:\n");
	write_file(DIRECTORY "/a.conf", "[s]\nuser = fan:x\nport = 1 r\n"); /* not its group's 44 */
	ck_assert_int_eq(load(&policy), -EBADMSG);
	ck_assert_ptr_nonnull(
		strstr(heard, "found 'fan:x', expected a user that /etc/passwd knows"));
	write_file(DIRECTORY "/a.conf", "[s]\nuser = fan\ngroup = i2c\nport = 1 r\n");
	ck_ok(unlink(below("/etc/group")));
	ck_assert_int_eq(load(&policy), -EBADMSG);
	ck_assert_ptr_nonnull(strstr(heard, "/etc/group can't be read (No such file"));
	fill("/etc/group", (4 << 20) + 1);
	ck_assert_int_eq(load(&policy), -EBADMSG);
	ck_assert_ptr_nonnull(strstr(heard, "/etc/group can't be read (File too large"));
	ck_assert_int_eq(truncate(below("/etc/group"), 10), 0);
	refused(-EBADMSG, "/etc/group can't be read (Bad message");
}
END_TEST

START_TEST(load_refuses_bad_options)
{
	struct hws_policy *policy = NULL;
	struct hws_policy_options o = options();

	o.size--;
	ck_assert_int_eq(hws_policy_load(&o, &policy), -EINVAL);
	o = options();
	o.directory = "policy.d";
	ck_assert_int_eq(hws_policy_load(&o, &policy), -EINVAL);
	o = options();
	o.sysroot = "/nonexistent/root";
	ck_assert_int_eq(hws_policy_load(&o, &policy), -ENOENT);
	ck_assert_ptr_nonnull(strstr(hws_why(), "/nonexistent/root"));
	ck_assert_ptr_null(policy);
}
END_TEST

START_TEST(load_works_on_the_real_root)
{
	struct hws_policy *policy = NULL;
	struct hws_policy_options o = options();
	char directory[128];

	make_root();
	write_file(DIRECTORY "/a.conf", RULE);
	snprintf(directory, sizeof(directory), "%s%s//", root, DIRECTORY);
	o.sysroot = NULL;
	o.directory = directory;
	ck_assert_msg(!hws_policy_load(&o, &policy), "%s", heard);
	ck_assert_str_eq(rules(policy), "a.conf:2 port = 0x70 r\n");
	remove_root();
}
END_TEST

int main(void)
{
	return suite_run(
		"guardian/policy-load",
		(const TTest *[]) {
			load_reads_conf_files_in_the_order_of_their_names,
			load_takes_the_built_in_policy_where_there_is_no_file,
			load_adds_inline_rules_behind_the_files,
			load_gives_nothing_when_one_of_many_files_is_bad,
			load_refuses_files_that_others_can_write,
			load_refuses_files_of_somebody_else,
			load_refuses_directories_that_others_can_change,
			load_takes_a_sticky_directory_above_but_not_a_sticky_policy_directory,
			load_takes_roots_directories_above_another_owners, load_follows_no_link,
			load_refuses_what_is_no_file, load_refuses_what_is_too_large,
			load_refuses_files_that_are_too_large_together, load_refuses_too_many_files,
			load_checks_the_file_that_it_reads, load_resolves_names_below_the_sysroot,
			load_refuses_bad_options, load_works_on_the_real_root, NULL });
}
