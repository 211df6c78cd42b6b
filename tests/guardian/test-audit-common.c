/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "tests/guardian/test-audit-common.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

char folder[64];
char path[96];

struct hws_audit *open_with(struct hws_audit_options options)
{
	struct hws_audit *audit;

	options.size = sizeof(options);
	ck_ok(hws_audit_open(&options, &audit));
	return audit;
}

void record_one(struct hws_audit *audit, enum hws_level level, enum hws_kind kind,
		enum hws_reason reason)
{
	audit_record(audit, &(struct hws_event) { .level = level, .kind = kind, .reason = reason });
}

int keep(const struct hws_event *event, void *context)
{
	struct kept *kept = context;

	ck_assert_uint_lt(kept->count, KEPT);
	kept->events[kept->count++] = *event;
	return 0;
}

struct kept ask(struct hws_audit *audit, struct hws_audit_filter filter)
{
	struct kept kept = { 0 };

	filter.size = sizeof(filter);
	ck_ok(hws_audit_query(audit, &filter, keep, &kept, &kept.lost));
	return kept;
}

void set_up(void)
{
	strcpy(folder, "/tmp/hwsafe-audit-XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(folder));
	snprintf(path, sizeof(path), "%s/audit.log", folder);
}

void tear_down(void)
{
	DIR *dir = opendir(folder);
	struct dirent *entry;

	while ((entry = readdir(dir)))
		if (entry->d_name[0] != '.')
			unlinkat(dirfd(dir), entry->d_name, 0);
	closedir(dir);
	rmdir(folder);
}

const char *beside(const char *suffix)
{
	static char names[2][128]; /* for calls that take two */
	static unsigned int turn;
	char *name = names[turn++ % 2];

	snprintf(name, sizeof(names[0]), "%s%s", path, suffix);
	return name;
}

int try_open(struct hws_audit_options options, struct hws_audit **ret_audit)
{
	options.size = sizeof(options);
	options.file = path;
	options.flags |= HWS_AUDIT_NO_DETECTOR;
	return hws_audit_open(&options, ret_audit);
}

struct hws_audit *open_file(struct hws_audit_options options)
{
	struct hws_audit *audit;

	ck_ok(try_open(options, &audit));
	return audit;
}

void record_many(struct hws_audit *audit, uint64_t first, uint64_t count)
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

void write_trail(uint64_t count)
{
	struct hws_audit *audit = open_file((struct hws_audit_options) { 0 });

	record_many(audit, 0, count);
	hws_audit_close(audit);
}

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

struct found verify_with(const char *key, uint32_t size)
{
	struct hws_audit_source source = {
		.size = sizeof(source), .file = path, .key = key, .key_size = size
	};
	struct found found = { 0 };

	found.result = hws_audit_verify(&source, note, &found);
	return found;
}

struct found verify(void)
{
	return verify_with(NULL, 0);
}

void expect_whole(void)
{
	struct found found = verify();

	ck_assert_msg(found.result == 0 && found.all == 0, "%s", hws_why());
}

struct image *load(const char *name)
{
	struct image *image = malloc(sizeof(*image));
	FILE *file = fopen(name, "r");

	ck_assert_ptr_nonnull(file);
	image->size = fread(image->bytes, 1, sizeof(image->bytes), file);
	fclose(file);
	return image;
}

void store(const char *name, const char *bytes, size_t size)
{
	FILE *file = fopen(name, "w");

	ck_assert_ptr_nonnull(file);
	ck_assert_uint_eq(fwrite(bytes, 1, size, file), size);
	fclose(file);
}

size_t line_at(const struct image *image, unsigned int n)
{
	size_t at = 0;

	while (n--)
		at = (size_t)((char *)memchr(image->bytes + at, '\n', image->size - at) -
			      image->bytes) +
		     1;
	return at;
}

int count_event(const struct hws_event *event, void *context)
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

uint64_t read_back(void)
{
	struct hws_audit_source source = { .size = sizeof(source), .file = path };
	uint64_t next = 0;

	ck_ok(hws_audit_read(&source, NULL, count_event, &next));
	return next;
}

int find_lost(const struct hws_event *event, void *context)
{
	uint64_t *lost = context;

	if (event->type == HWS_EVENT_LOST)
		*lost += event->value;
	return 0;
}
