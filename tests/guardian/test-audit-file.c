/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/guardian/test-audit-common.h"

START_TEST(file_holds_the_events_and_resumes)
{
	struct hws_audit_source source = { .size = sizeof(source), .file = path };
	struct hws_audit_filter filter = { .size = sizeof(filter), .kinds = 1u << HWS_KIND_PORT };
	struct stat stat_of;
	struct hws_audit *audit;
	uint64_t next = 0;

	set_up();
	ck_assert_int_eq(verify().result, -ENOENT);
	ck_assert_int_eq(hws_audit_read(&source, NULL, count_event, &next), -ENOENT);
	write_trail(3);
	expect_whole();
	ck_assert_int_eq(stat(path, &stat_of), 0);
	ck_assert_uint_eq(stat_of.st_mode & 0777, 0600);
	audit = open_file((struct hws_audit_options) { .flags = HWS_AUDIT_FSYNC });
	record_many(audit, 3, 4);
	ck_ok(hws_audit_flush(audit));
	expect_whole();
	record_many(audit, 7, 1);
	hws_audit_close(audit);
	expect_whole();
	ck_assert_uint_eq(read_back(), 8);
	ck_ok(hws_audit_read(&source, &filter, count_event, &next));
	ck_assert_uint_eq(next, 0);
	ck_assert_int_eq(hws_audit_read(&source, NULL, NULL, NULL), -EINVAL);
	tear_down();
}
END_TEST

START_TEST(file_lets_one_writer_in)
{
	struct hws_audit *audit;
	struct hws_audit *second;

	set_up();
	audit = open_file((struct hws_audit_options) { 0 });
	ck_assert_int_eq(try_open((struct hws_audit_options) { 0 }, &second), -EBUSY);
	hws_audit_close(audit);
	write_trail(1);
	tear_down();
}
END_TEST

START_TEST(file_refuses_what_is_unsafe)
{
	struct hws_audit *audit;

	set_up();
	ck_assert_int_eq(symlink("/tmp/elsewhere", path), 0);
	ck_assert_int_lt(try_open((struct hws_audit_options) { 0 }, &audit), 0);
	ck_assert_int_eq(access("/tmp/elsewhere", F_OK), -1);
	unlink(path);
	ck_assert_int_eq(mkfifo(path, 0600), 0);
	ck_assert_int_eq(try_open((struct hws_audit_options) { 0 }, &audit), -EINVAL);
	unlink(path);
	write_trail(1);
	chmod(path, 0620);
	ck_assert_int_eq(try_open((struct hws_audit_options) { 0 }, &audit), -EINVAL);
	chmod(path, 0600);
	unlink(beside(".head"));
	store(path, "someone's notes", 15); /* not ours: left alone */
	ck_assert_int_eq(try_open((struct hws_audit_options) { 0 }, &audit), -EBADMSG);
	ck_assert_ptr_nonnull(strstr(hws_why(), "evidence"));
	store(path, "someone's\nnotes\n", 16);
	ck_assert_int_eq(try_open((struct hws_audit_options) { 0 }, &audit), -EBADMSG);
	snprintf(path, sizeof(path), "%s/none/audit.log", folder);
	ck_assert_int_eq(try_open((struct hws_audit_options) { 0 }, &audit), -ENOENT);
	tear_down();
}
END_TEST

START_TEST(file_rotates_and_the_chain_goes_on)
{
	struct hws_audit_stats stats;
	struct hws_audit *audit;

	set_up();
	audit = open_file((struct hws_audit_options) { .file_max = 4000, .file_keep = 99 });
	for (uint64_t i = 0; i < 40; i++) {
		record_many(audit, i * 5, 5);
		ck_ok(hws_audit_flush(audit));
	}
	hws_audit_stats(audit, &stats);
	hws_audit_close(audit);
	ck_assert_uint_ge(stats.rotations, 10);
	ck_assert_uint_eq(stats.file_lines, 200);
	expect_whole();
	ck_assert_uint_eq(read_back(), 200);
	/* a file of the set that is gone, or its oldest, is missed */
	ck_assert_int_eq(rename(beside(".3"), beside(".x")), 0);
	ck_assert_uint_eq(verify().of[HWS_AUDIT_MISSING], 1);
	ck_assert_int_eq(rename(beside(".x"), beside(".3")), 0);
	expect_whole();
	{
		char oldest[16];

		snprintf(oldest, sizeof(oldest), ".%u", (unsigned int)stats.rotations);
		ck_assert_int_eq(unlink(beside(oldest)), 0);
	}
	ck_assert_uint_eq(verify().of[HWS_AUDIT_MISSING], 1);
	tear_down();
}
END_TEST

START_TEST(file_drops_the_oldest_when_enough_are_kept)
{
	struct hws_audit *audit;

	set_up();
	for (unsigned int run = 0; run < 3; run++) {
		audit = open_file(
			(struct hws_audit_options) { .file_max = 2000, .file_keep = 2 + run / 2 });
		for (uint64_t i = 0; i < 30; i++) {
			record_many(audit, i, 1);
			ck_ok(hws_audit_flush(audit));
			expect_whole();
		}
		hws_audit_close(audit);
	}
	ck_assert_int_eq(access(beside(".3"), F_OK), 0);
	ck_assert_int_eq(access(beside(".4"), F_OK), -1);
	tear_down();
}
END_TEST

/* The disk is full for a while: RLIMIT_FSIZE gives short writes and then errors. */
START_TEST(file_shows_the_gap_after_a_full_disk)
{
	struct hws_audit_source source = { .size = sizeof(source), .file = path };
	struct rlimit limit;
	struct rlimit old;
	struct hws_audit_stats stats;
	struct hws_audit *audit;
	uint64_t lost = 0;
	unsigned int failures = 0;

	set_up();
	signal(SIGXFSZ, SIG_IGN);
	audit = open_file((struct hws_audit_options) { 0 });
	getrlimit(RLIMIT_FSIZE, &old);
	limit = old;
	limit.rlim_cur = 5000;
	setrlimit(RLIMIT_FSIZE, &limit);
	for (unsigned int i = 0; i < 20; i++) {
		record_many(audit, 0, 2);
		failures += hws_audit_flush(audit) < 0;
		expect_whole();
	}
	ck_assert_uint_gt(failures, 3);
	setrlimit(RLIMIT_FSIZE, &old);
	record_many(audit, 0, 1);
	ck_ok(hws_audit_flush(audit));
	hws_audit_stats(audit, &stats);
	hws_audit_close(audit);
	expect_whole();
	ck_ok(hws_audit_read(&source, NULL, find_lost, &lost));
	ck_assert_uint_eq(lost, stats.file_lost);
	ck_assert_uint_eq(stats.file_lines + stats.file_lost, 41);
	tear_down();
}
END_TEST

START_TEST(file_shows_what_the_ring_overwrote)
{
	struct hws_audit_source source = { .size = sizeof(source), .file = path };
	struct hws_audit_stats stats;
	struct hws_audit *audit;
	uint64_t lost = 0;

	set_up();
	audit = open_file((struct hws_audit_options) { .events = 8 });
	record_many(audit, 0, 30);
	ck_ok(hws_audit_flush(audit));
	record_many(audit, 30, 9);
	hws_audit_stats(audit, &stats);
	hws_audit_close(audit);
	ck_ok(hws_audit_read(&source, NULL, find_lost, &lost));
	ck_assert_uint_eq(stats.missed, 22);
	ck_assert_uint_eq(lost, 23);
	expect_whole();
	tear_down();
}
END_TEST

START_TEST(file_rotates_within_a_long_flush)
{
	struct hws_audit_stats stats;
	struct hws_audit *audit;

	set_up();
	audit = open_file((struct hws_audit_options) { .file_max = 50000, .file_keep = 99 });
	record_many(audit, 0, 2000);
	ck_ok(hws_audit_flush(audit));
	hws_audit_stats(audit, &stats);
	hws_audit_close(audit);
	ck_assert_uint_ge(stats.rotations, 5);
	expect_whole();
	ck_assert_uint_eq(read_back(), 2000);
	tear_down();
}
END_TEST

START_TEST(file_is_the_parents_alone_after_fork)
{
	struct hws_audit *audit;
	struct image *before;
	struct image *after;
	int status;
	pid_t child;

	need_kernel("MADV_WIPEONFORK");
	set_up();
	audit = open_file((struct hws_audit_options) { .flags = HWS_AUDIT_THREAD });
	record_many(audit, 0, 3);
	ck_ok(hws_audit_flush(audit));
	before = load(path);
	child = fork();
	if (child == 0) {
		record_many(audit, 0, 100);
		(void)hws_audit_flush(audit);
		hws_audit_close(audit);
		_exit(0);
	}
	ck_assert_int_eq(waitpid(child, &status, 0), child);
	ck_assert_int_eq(status, 0);
	after = load(path);
	ck_assert_uint_eq(after->size, before->size);
	record_many(audit, 3, 3);
	hws_audit_close(audit);
	expect_whole();
	ck_assert_uint_eq(read_back(), 6);
	free(before);
	free(after);
	tear_down();
}
END_TEST

START_TEST(file_lies_below_the_sysroot)
{
	struct hws_audit_options options = { .size = sizeof(options),
					     .sysroot = folder,
					     .file = "/audit.log" };
	struct hws_audit *audit;

	set_up();
	ck_ok(hws_audit_open(&options, &audit));
	record_many(audit, 0, 2);
	hws_audit_close(audit);
	expect_whole();
	options.sysroot = "/nowhere/at/all";
	ck_assert_int_eq(hws_audit_open(&options, &audit), -ENOENT);
	tear_down();
}
END_TEST

int main(void)
{
	const TTest *const tests[] = {
		file_holds_the_events_and_resumes,
		file_lets_one_writer_in,
		file_refuses_what_is_unsafe,
		file_rotates_and_the_chain_goes_on,
		file_drops_the_oldest_when_enough_are_kept,
		file_shows_the_gap_after_a_full_disk,
		file_shows_what_the_ring_overwrote,
		file_rotates_within_a_long_flush,
		file_is_the_parents_alone_after_fork,
		file_lies_below_the_sysroot,
		NULL,
	};

	return suite_run("guardian/audit-file", tests);
}
