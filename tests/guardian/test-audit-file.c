/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "guardian/audit-internal.h"
#include "guardian/audit-chain-internal.h"
#include "tests/suite.h"

enum { FILE_MAX = 1 << 20, KILLS = 120 };

/* Each test has a folder of its own: checks run in children. */
static char folder[64];
static char path[96];

static void set_up(void)
{
	strcpy(folder, "/tmp/hwsafe-audit-XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(folder));
	snprintf(path, sizeof(path), "%s/audit.log", folder);
}

static void tear_down(void)
{
	DIR *dir = opendir(folder);
	struct dirent *entry;

	while ((entry = readdir(dir)))
		if (entry->d_name[0] != '.')
			unlinkat(dirfd(dir), entry->d_name, 0);
	closedir(dir);
	rmdir(folder);
}

static const char *beside(const char *suffix)
{
	static char names[2][128]; /* for calls that take two */
	static unsigned int turn;
	char *name = names[turn++ % 2];

	snprintf(name, sizeof(names[0]), "%s%s", path, suffix);
	return name;
}

static int try_open(struct hws_audit_options options, struct hws_audit **ret_audit)
{
	options.size = sizeof(options);
	options.file = path;
	options.flags |= HWS_AUDIT_NO_DETECTOR;
	return hws_audit_open(&options, ret_audit);
}

static struct hws_audit *open_file(struct hws_audit_options options)
{
	struct hws_audit *audit;

	ck_ok(try_open(options, &audit));
	return audit;
}

static void record(struct hws_audit *audit, uint64_t first, uint64_t count)
{
	for (uint64_t i = first; i < first + count; i++) {
		struct hws_event event = { .level = HWS_LEVEL_WARNING,
					   .kind = HWS_KIND_BAR,
					   .rights = HWS_W,
					   .reason = HWS_REASON_MASK,
					   .code = -EACCES,
					   .has = HWS_HAS_VALUE,
					   .value = i,
					   .first = i,
					   .last = i,
					   .width = 4,
					   .rule = 3,
					   .text = "fan.conf:12" };

		audit_record(audit, &event);
	}
}

static void write_trail(uint64_t count)
{
	struct hws_audit *audit = open_file((struct hws_audit_options) { 0 });

	record(audit, 0, count);
	hws_audit_close(audit);
}

/* What verification found. */
struct found {
	int result;
	unsigned int of[5]; /* by verdict */
	uint64_t line;	    /* of the first */
	uint64_t count;
	unsigned int all;
};

static void note(const struct hws_audit_finding *finding, void *context)
{
	struct found *found = context;

	if (found->all++ == 0) {
		found->line = finding->line;
		found->count = finding->count;
	}
	found->of[finding->verdict]++;
	ck_assert_str_ne(finding->text, "");
}

static struct found verify_with(const char *key, uint32_t size)
{
	struct hws_audit_source source = {
		.size = sizeof(source), .file = path, .key = key, .key_size = size
	};
	struct found found = { 0 };

	found.result = hws_audit_verify(&source, note, &found);
	return found;
}

static struct found verify(void)
{
	return verify_with(NULL, 0);
}

static void expect_whole(void)
{
	struct found found = verify();

	ck_assert_msg(found.result == 0 && found.all == 0, "%s", hws_why());
}

/* A file in memory, to be changed and put back. */
struct image {
	size_t size;
	char bytes[FILE_MAX];
};

static struct image *load(const char *name)
{
	struct image *image = malloc(sizeof(*image));
	FILE *file = fopen(name, "r");

	ck_assert_ptr_nonnull(file);
	image->size = fread(image->bytes, 1, sizeof(image->bytes), file);
	fclose(file);
	return image;
}

static void store(const char *name, const char *bytes, size_t size)
{
	FILE *file = fopen(name, "w");

	ck_assert_ptr_nonnull(file);
	ck_assert_uint_eq(fwrite(bytes, 1, size, file), size);
	fclose(file);
}

/* Where line @n (from 0) begins; also past the last. */
static size_t line_at(const struct image *image, unsigned int n)
{
	size_t at = 0;

	while (n--)
		at = (size_t)((char *)memchr(image->bytes + at, '\n', image->size - at) -
			      image->bytes) +
		     1;
	return at;
}

static int count_event(const struct hws_event *event, void *context)
{
	uint64_t *next = context;

	if (event->type != HWS_EVENT_ACCESS)
		return 0;
	ck_assert_uint_eq(event->first, *next);
	ck_assert_uint_eq(event->value, *next);
	ck_assert_str_eq(event->text, "fan.conf:12");
	(*next)++;
	return 0;
}

static uint64_t read_back(void)
{
	struct hws_audit_source source = { .size = sizeof(source), .file = path };
	uint64_t next = 0;

	ck_ok(hws_audit_read(&source, NULL, count_event, &next));
	return next;
}

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
	record(audit, 3, 4);
	ck_ok(hws_audit_flush(audit));
	expect_whole();
	record(audit, 7, 1);
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
		record(audit, i * 5, 5);
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
			record(audit, i, 1);
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

/* Each field of a line in the middle: any flipped byte is found there or right behind it. */
START_TEST(verify_finds_every_changed_byte)
{
	struct image *image;
	size_t begin;
	size_t end;

	set_up();
	write_trail(6);
	image = load(path);
	begin = line_at(image, 3);
	end = line_at(image, 4);
	for (size_t at = begin; at < end; at++) {
		struct found found;

		image->bytes[at] ^= 1;
		store(path, image->bytes, image->size);
		found = verify();
		ck_assert_msg(found.result == -EBADMSG, "byte %zu", at - begin);
		ck_assert_msg(found.line == 4 || found.line == 5, "byte %zu: line %d", at - begin,
			      (int)found.line);
		image->bytes[at] ^= 1;
	}
	/* the header and the last line too */
	for (size_t at = 0; at < image->size;
	     at += at == line_at(image, 1) - 1 ? line_at(image, 6) - at : 1) {
		image->bytes[at] ^= 1;
		store(path, image->bytes, image->size);
		ck_assert_msg(verify().result == -EBADMSG, "byte %zu", at);
		image->bytes[at] ^= 1;
	}
	store(path, image->bytes, image->size);
	expect_whole();
	free(image);
	tear_down();
}
END_TEST

/* Puts the lines in another order: -1 ends. */
static void arrange(const struct image *image, const int *order)
{
	static char bytes[FILE_MAX];
	size_t size = 0;

	for (; *order >= 0; order++) {
		size_t begin = line_at(image, (unsigned int)*order);
		size_t length = line_at(image, (unsigned int)*order + 1) - begin;

		memcpy(bytes + size, image->bytes + begin, length);
		size += length;
	}
	store(path, bytes, size);
}

START_TEST(verify_names_what_was_done)
{
	static const struct {
		int order[10];
		enum hws_audit_verdict verdict;
		uint64_t line;
		uint64_t count;
	} cases[] = {
		{ { 0, 1, 2, 4, 5, 6, -1 }, HWS_AUDIT_MISSING, 4, 1 },	    /* a line deleted */
		{ { 0, 1, 5, 6, -1 }, HWS_AUDIT_MISSING, 3, 3 },	    /* several */
		{ { 0, 1, 3, 2, 4, 5, 6, -1 }, HWS_AUDIT_MISSING, 3, 1 },   /* two swapped */
		{ { 0, 1, 2, 2, 3, 4, 5, 6, -1 }, HWS_AUDIT_BROKEN, 4, 0 }, /* one repeated */
		{ { 1, 2, 3, 4, 5, 6, -1 }, HWS_AUDIT_BROKEN, 1, 0 },	    /* no header */
		{ { 0, 1, 2, 3, 4, 5, -1 }, HWS_AUDIT_TRUNCATED, 0, 1 },    /* cut off */
		{ { 0, -1 }, HWS_AUDIT_TRUNCATED, 0, 6 },
		{ { -1 }, HWS_AUDIT_TRUNCATED, 0, 7 },
	};
	struct hws_audit *audit;
	struct image *image;

	set_up();
	write_trail(6);
	image = load(path);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct found found;

		arrange(image, cases[i].order);
		found = verify();
		ck_assert_msg(found.result == -EBADMSG, "case %zu", i);
		ck_assert_msg(found.of[cases[i].verdict] >= 1, "case %zu", i);
		ck_assert_msg(found.line == cases[i].line && found.count == cases[i].count,
			      "case %zu: line %d count %d", i, (int)found.line, (int)found.count);
		ck_assert_int_eq(try_open((struct hws_audit_options) { 0 }, &audit), -EBADMSG);
	}
	unlink(path);
	ck_assert_uint_eq(verify().of[HWS_AUDIT_TRUNCATED], 1);
	free(image);
	tear_down();
}
END_TEST

START_TEST(verify_finds_any_cut_behind_the_head)
{
	struct image *image;

	set_up();
	write_trail(6);
	image = load(path);
	for (size_t size = line_at(image, 5); size < image->size; size++) {
		struct found found;

		store(path, image->bytes, size);
		found = verify();
		ck_assert_msg(found.result == -EBADMSG && found.of[HWS_AUDIT_TRUNCATED] == 1,
			      "cut at %zu of %zu", size, image->size);
	}
	free(image);
	tear_down();
}
END_TEST

START_TEST(verify_finds_a_forged_line_and_another_trail)
{
	static const char key[32] = "not known to who may write here";
	static const char line[] = "{\"n\":8,\"seq\":7,\"chain\":\""
				   "00000000000000000000000000000000"
				   "00000000000000000000000000000000\"}\n";
	struct image *image;
	struct image *other;
	struct image *head;
	struct found found;
	struct hws_audit *audit;

	set_up();
	write_trail(6);
	image = load(path);
	head = load(beside(".head"));
	memcpy(image->bytes + image->size, line, sizeof(line) - 1);
	store(path, image->bytes, image->size + sizeof(line) - 1);
	found = verify();
	ck_assert_uint_eq(found.of[HWS_AUDIT_BROKEN], 1);
	ck_assert_uint_eq(found.line, 8);
	unlink(path);
	unlink(beside(".head"));
	write_trail(6); /* as long, as whole, but not the one */
	other = load(path);
	store(beside(".head"), head->bytes, head->size);
	ck_assert_uint_eq(verify().of[HWS_AUDIT_BROKEN], 1);
	unlink(beside(".head"));
	ck_assert_uint_eq(verify().of[HWS_AUDIT_HEAD], 1);
	for (size_t i = 0; i < head->size; i++) {
		head->bytes[i] ^= 1;
		store(beside(".head"), head->bytes, head->size);
		ck_assert_uint_eq(verify().of[HWS_AUDIT_HEAD], 1);
		head->bytes[i] ^= 1;
	}
	/* with a key nobody makes a trail that fits it */
	unlink(beside(".head"));
	unlink(path);
	audit = open_file((struct hws_audit_options) { .key = key, .key_size = sizeof(key) });
	record(audit, 0, 3);
	hws_audit_close(audit);
	ck_assert_int_eq(verify_with(key, sizeof(key)).result, 0);
	ck_assert_int_eq(verify().result, -EBADMSG);
	ck_assert_int_eq(try_open((struct hws_audit_options) { 0 }, &audit), -EBADMSG);
	free(image);
	free(other);
	free(head);
	tear_down();
}
END_TEST

START_TEST(verify_stands_any_rubbish)
{
	static char rubbish[100000];
	unsigned int state = 7;

	set_up();
	write_trail(2);
	for (unsigned int round = 0; round < 20; round++) {
		for (size_t i = 0; i < sizeof(rubbish); i++) {
			state = state * 1103515245 + 12345;
			rubbish[i] = round == 0 ? '{' : (char)(state >> 16);
		}
		store(path, rubbish, sizeof(rubbish) - round);
		ck_assert_int_eq(verify().result, -EBADMSG);
	}
	tear_down();
}
END_TEST

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

		record(audit, 4, 1);
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
		record(audit, 4, 1);
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
		record(audit, 0, 1 + i % 50);
		if (flags & HWS_AUDIT_THREAD)
			usleep(200);
		else
			(void)hws_audit_flush(audit);
	}
}

START_TEST(file_survives_a_kill_at_any_moment)
{
	unsigned int grown = 0;
	unsigned int seed = 1;
	struct stat stat_of;

	set_up();
	for (unsigned int kill_number = 0; kill_number < KILLS; kill_number++) {
		struct found found;
		pid_t child = fork();

		if (child == 0)
			write_for_ever(kill_number % 3 == 0 ? HWS_AUDIT_THREAD : 0);
		usleep((useconds_t)rand_r(&seed) % 12000);
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
			record(audit, i, 1 + i % 2);
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

static int find_lost(const struct hws_event *event, void *context)
{
	uint64_t *lost = context;

	if (event->type == HWS_EVENT_LOST)
		*lost += event->value;
	return 0;
}

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
		record(audit, 0, 2);
		failures += hws_audit_flush(audit) < 0;
		expect_whole();
	}
	ck_assert_uint_gt(failures, 3);
	setrlimit(RLIMIT_FSIZE, &old);
	record(audit, 0, 1);
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
	record(audit, 0, 30);
	ck_ok(hws_audit_flush(audit));
	record(audit, 30, 9);
	hws_audit_stats(audit, &stats);
	hws_audit_close(audit);
	ck_ok(hws_audit_read(&source, NULL, find_lost, &lost));
	ck_assert_uint_eq(stats.missed, 22);
	ck_assert_uint_eq(lost, 23);
	expect_whole();
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

	set_up();
	audit = open_file((struct hws_audit_options) { .flags = HWS_AUDIT_THREAD });
	record(audit, 0, 3);
	ck_ok(hws_audit_flush(audit));
	before = load(path);
	child = fork();
	if (child == 0) {
		record(audit, 0, 100);
		(void)hws_audit_flush(audit);
		hws_audit_close(audit);
		_exit(0);
	}
	ck_assert_int_eq(waitpid(child, &status, 0), child);
	ck_assert_int_eq(status, 0);
	after = load(path);
	ck_assert_uint_eq(after->size, before->size);
	record(audit, 3, 3);
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
	record(audit, 0, 2);
	hws_audit_close(audit);
	expect_whole();
	options.sysroot = "/nowhere/at/all";
	ck_assert_int_eq(hws_audit_open(&options, &audit), -ENOENT);
	tear_down();
}
END_TEST

START_TEST(chain_refuses_lines_of_another_form)
{
	static const char hex[] = "0123456789abcdef0123456789abcdef"
				  "0123456789abcdef0123456789abcdef";
	static const char *const bad[] = {
		"",	     "{",	   "{\"n\":",
		"{\"n\":0,", "{\"n\":01,", "{\"n\":-1,",
		"{\"n\":x,", "{\"n\":1",   "{\"n\":1234567890123456789,",
		"{\"m\":1,",
	};
	struct chain_line parsed = { .n = 77 };
	char line[256];

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		int n = snprintf(line, sizeof(line), "%s\"x\":1,\"chain\":\"%s\"}", bad[i], hex);

		ck_assert_msg(!chain_parse(line, (size_t)n, &parsed), "took %s", line);
		ck_assert(!chain_parse(bad[i], strlen(bad[i]), &parsed));
		ck_assert_uint_eq(parsed.n, 77);
	}
	snprintf(line, sizeof(line), "{\"n\":12,\"x\":1,\"chain\":\"%s\"}", hex);
	ck_assert(chain_parse(line, strlen(line), &parsed));
	ck_assert_uint_eq(parsed.n, 12);
	ck_assert_ptr_null(parsed.prev);
}
END_TEST

int main(void)
{
	return suite_run("guardian/audit-file",
			 (const TTest *[]) {
				 file_holds_the_events_and_resumes,
				 file_lets_one_writer_in,
				 file_refuses_what_is_unsafe,
				 file_rotates_and_the_chain_goes_on,
				 file_drops_the_oldest_when_enough_are_kept,
				 verify_finds_every_changed_byte,
				 verify_names_what_was_done,
				 verify_finds_any_cut_behind_the_head,
				 verify_finds_a_forged_line_and_another_trail,
				 verify_stands_any_rubbish,
				 file_cuts_a_torn_line_and_says_so,
				 file_survives_a_kill_at_any_moment,
				 file_survives_a_kill_at_every_system_call,
				 file_shows_the_gap_after_a_full_disk,
				 file_shows_what_the_ring_overwrote,
				 file_is_the_parents_alone_after_fork,
				 file_lies_below_the_sysroot,
				 chain_refuses_lines_of_another_form,
				 NULL,
			 });
}
