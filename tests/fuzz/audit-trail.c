/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Whole audit trails. An even first byte: a file and its head of any bytes. An
 * odd one: a trail that the library wrote, with bytes changed: that must be
 * found.
 */
#include "guardian/audit.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "guardian/audit-internal.h"
#include "tests/fuzz/fuzz.h"

enum { EVENTS = 6, EDITS = 4, ROOM = 16384 };

/* Of the rotated files that a trail may have, only the first ones are ever there. */
int __real_sys_open_resolve(int dir, const char *path, int flags, uint32_t mode, uint64_t resolve);
int __wrap_sys_open_resolve(int dir, const char *path, int flags, uint32_t mode, uint64_t resolve);
int __wrap_sys_open_resolve(int dir, const char *path, int flags, uint32_t mode, uint64_t resolve)
{
	static const char old[] = "trail.";

	if (!strncmp(path, old, sizeof(old) - 1) &&
	    strspn(path + sizeof(old) - 1, "0123456789") > 1)
		return -ENOENT;
	return __real_sys_open_resolve(dir, path, flags, mode, resolve);
}

struct trail {
	char file[ROOM];
	size_t size;
	char head[ROOM];
	size_t head_size;
};

static struct hws_audit_source source(void)
{
	return (struct hws_audit_source) { .size = sizeof(struct hws_audit_source),
					   .sysroot = fuzz_directory(),
					   .file = "/trail" };
}

static size_t read_back(const char *name, char *bytes)
{
	char path[128];
	size_t n;
	FILE *file;

	snprintf(path, sizeof(path), "%s/%s", fuzz_directory(), name);
	file = fopen(path, "re");
	fuzz_must(file);
	n = fread(bytes, 1, ROOM, file);
	fclose(file);
	fuzz_must(n > 0 && n < ROOM);
	return n;
}

static const struct trail *genuine(void)
{
	static struct trail trail;
	struct hws_audit_options options = { .size = sizeof(options),
					     .sysroot = fuzz_directory(),
					     .file = "/trail",
					     .flags = HWS_AUDIT_NO_DETECTOR };
	struct hws_audit *audit;

	if (trail.size)
		return &trail;
	fuzz_must(hws_audit_open(&options, &audit) == 0);
	for (uint32_t i = 0; i < EVENTS; i++) {
		struct hws_event event = { .level = i % HWS_LEVELS, .first = i, .width = 4 };

		audit_record(audit, &event);
	}
	hws_audit_close(audit);
	trail.size = read_back("trail", trail.file);
	trail.head_size = read_back("trail.head", trail.head);
	return &trail;
}

static void found(const struct hws_audit_finding *finding, void *context)
{
	fuzz_must(finding->text[0] && finding->file[0]);
	++*(int *)context;
}

static int take(const struct hws_event *event, void *context)
{
	(void)context;
	fuzz_must(memchr(event->text, '\0', sizeof(event->text)));
	return 0;
}

static int verify(const void *file, size_t size, const void *head, size_t head_size)
{
	struct hws_audit_source at = source();
	int findings = 0;
	int r;

	fuzz_write("trail", file, size);
	fuzz_write("trail.head", head, head_size);
	r = hws_audit_verify(&at, found, &findings);
	fuzz_must(r != -EBADMSG || findings);
	(void)hws_audit_read(&at, NULL, take, NULL);
	return r;
}

static void any_bytes(struct fuzz *input)
{
	size_t size;
	char *file = fuzz_text(input, &size);

	(void)verify(file, size, input->at, input->left);
	free(file);
}

/* Where and what come from the input; an edit may undo the one before. */
static void changed_bytes(struct fuzz *input)
{
	const struct trail *trail = genuine();
	struct trail edited = *trail;

	for (int i = 0; i < EDITS && input->left; i++) {
		size_t at = (size_t)fuzz_number(input, 2) % (edited.size + edited.head_size);
		char value = (char)fuzz_number(input, 1);

		if (at < edited.size)
			edited.file[at] = value;
		else
			edited.head[at - edited.size] = value;
	}
	if (memcmp(&edited, trail, sizeof(edited)) == 0)
		fuzz_must(verify(edited.file, edited.size, edited.head, edited.head_size) == 0);
	else
		fuzz_must(verify(edited.file, edited.size, edited.head, edited.head_size) ==
			  -EBADMSG);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fuzz input = { data, size };

	(void)genuine();
	if (fuzz_number(&input, 1) & 1)
		changed_bytes(&input);
	else
		any_bytes(&input);
	return 0;
}
