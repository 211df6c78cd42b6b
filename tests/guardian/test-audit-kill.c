/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <dirent.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/guardian/test-audit-common.h"

enum { KILLS = 120 };

/* The head lags behind, as when the writer was killed in the middle of the last line. */
START_TEST(file_cuts_a_torn_line_and_says_so)
{
	struct hws_audit_source source = { .size = sizeof(source), .file = path };
	struct image *image;
	struct image *head;
	struct image *fresh;
	size_t begin;

	set_up();
	write_trail(4);
	head = load(beside(".head"));
	{
		struct hws_audit *audit = open_file((struct hws_audit_options) { 0 });

		record_many(audit, 4, 1);
		hws_audit_close(audit);
	}
	image = load(path);
	begin = line_at(image, 5);
	for (size_t size = begin + 1; size < image->size; size += 7) {
		uint64_t next = 0;
		struct found found;
		struct hws_audit *audit;

		store(path, image->bytes, size);
		store(beside(".head"), head->bytes, head->size);
		found = verify();
		ck_assert_int_eq(found.result, 0);
		ck_assert_uint_eq(found.of[HWS_AUDIT_TORN], 1);
		ck_assert_uint_eq(found.line, 6);
		ck_ok(hws_audit_read(&source, NULL, count_event, &next));
		ck_assert_uint_eq(next, 4);
		audit = open_file((struct hws_audit_options) { 0 });
		record_many(audit, 4, 1);
		hws_audit_close(audit);
		expect_whole();
		ck_assert_uint_eq(read_back(), 5);
		fresh = load(path);
		ck_assert_ptr_nonnull(memmem(fresh->bytes, fresh->size, "torn last line", 14));
		free(fresh);
	}
	free(image);
	free(head);
	tear_down();
}
END_TEST

/* Writes until it is killed, rotating now and then. */
static void write_for_ever(uint32_t flags)
{
	struct hws_audit *audit = open_file((struct hws_audit_options) {
		.flags = flags, .file_max = 20000, .file_keep = 3, .sink_ms = 1 });

	for (uint64_t i = 0;; i++) {
		record_many(audit, 0, 1 + i % 50);
		if (flags & HWS_AUDIT_THREAD)
			usleep(200);
		else
			(void)hws_audit_flush(audit);
	}
}

START_TEST(file_survives_a_kill_at_any_moment)
{
	unsigned int kills = (unsigned int)suite_rounds(KILLS);
	unsigned int grown = 0;
	unsigned int seed = 1;
	struct stat stat_of;

	set_up();
	for (unsigned int kill_number = 0; kill_number < kills; kill_number++) {
		struct found found;
		pid_t child = fork();

		if (child == 0)
			write_for_ever(kill_number % 3 == 0 ? HWS_AUDIT_THREAD : 0);
		/* longer and longer, until a slow machine has come as far as rotating */
		usleep((useconds_t)rand_r(&seed) % (grown ? 12000 : 12000 * (1 + kill_number)));
		kill(child, SIGKILL);
		ck_assert_int_eq(waitpid(child, NULL, 0), child);
		found = verify();
		if (found.result == -ENOENT && grown == 0)
			continue; /* killed before it began */
		ck_assert_msg(found.result == 0, "kill %u: %s", kill_number, hws_why());
		ck_assert_uint_eq(found.all, found.of[HWS_AUDIT_TORN]);
		grown += stat(beside(".1"), &stat_of) == 0;
	}
	ck_assert_uint_gt(grown, 0);
	write_trail(1);
	expect_whole();
	tear_down();
}
END_TEST

/* Opens, writes and rotates twice over, under the eyes of who traces it. */
static void write_traced(void)
{
	if (ptrace(PTRACE_TRACEME, 0, NULL, NULL) < 0)
		_exit(2);
	raise(SIGSTOP);
	for (unsigned int session = 0; session < 2; session++) {
		struct hws_audit *audit =
			open_file((struct hws_audit_options) { .file_max = 1000, .file_keep = 2 });

		for (uint64_t i = 0; i < 5; i++) {
			record_many(audit, i, 1 + i % 2);
			(void)hws_audit_flush(audit);
		}
		hws_audit_close(audit);
	}
	_exit(0);
}

static void copy_folder(const char *from, const char *to)
{
	DIR *dir = opendir(from);
	struct dirent *entry;

	while ((entry = readdir(dir))) {
		char name[400];
		struct image *image;

		if (entry->d_name[0] == '.')
			continue;
		snprintf(name, sizeof(name), "%s/%s", from, entry->d_name);
		image = load(name);
		snprintf(name, sizeof(name), "%s/%s", to, entry->d_name);
		store(name, image->bytes, image->size);
		ck_assert_int_eq(chmod(name, 0600), 0);
		free(image);
	}
	closedir(dir);
}

/* What a kill at this moment would leave of the files in @from: whole, and fit to go on with. */
static void expect_survival(const char *from, unsigned int stop)
{
	struct found found;

	set_up();
	copy_folder(from, folder);
	found = verify();
	if (found.result != -ENOENT)
		ck_assert_msg(found.result == 0 && found.all == found.of[HWS_AUDIT_TORN],
			      "stop %u: %s", stop, hws_why());
	write_trail(2);
	expect_whole();
	tear_down();
}

START_TEST(file_survives_a_kill_at_every_system_call)
{
	char traced[sizeof(folder)];
	unsigned int stop = 0;
	pid_t child;
	int status;

	set_up();
	strcpy(traced, folder);
	child = fork();
	if (child == 0)
		write_traced();
	ck_assert_int_eq(waitpid(child, &status, 0), child);
	need("ptrace", WIFSTOPPED(status), "no process may be traced here");
	for (; WIFSTOPPED(status); stop++) {
		if (stop % 2 == 0) /* behind a call; before the next nothing changes */
			expect_survival(traced, stop);
		ptrace(PTRACE_SYSCALL, child, NULL, NULL);
		ck_assert_int_eq(waitpid(child, &status, 0), child);
	}
	ck_assert_int_eq(status, 0);
	ck_assert_uint_gt(stop, 200);
	strcpy(folder, traced);
	tear_down();
}
END_TEST

int main(void)
{
	const TTest *const tests[] = {
		file_cuts_a_torn_line_and_says_so,
		file_survives_a_kill_at_any_moment,
		file_survives_a_kill_at_every_system_call,
		NULL,
	};

	return suite_run("guardian/audit-kill", tests);
}
