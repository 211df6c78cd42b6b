/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "hw/journal-internal.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "shim/sys-internal.h"
#include "shim/why-internal.h"

enum { LINE = 256, FILE_MAX = 4 << 20 };
static const char head[] = "hwsafe-journal 1\n";

/* A line: kind bdf bar first width cpu old new; what a kind has not is 0. */
static const char line_format[] = "%s %s %u 0x%" PRIx64 " %u %u 0x%" PRIx64 " 0x%" PRIx64 "\n";

static int find(struct journal *journal, const char *path)
{
	const char *slash = path ? strrchr(path, '/') : NULL;
	const char *name = slash ? slash + 1 : path;
	char folder[4096];

	*journal = JOURNAL_NONE;
	if (!name || !*name || strlen(name) >= sizeof(journal->name) ||
	    (slash && (size_t)(slash - path) + 2 > sizeof(folder)))
		return why(-EINVAL, "a journal needs a path with a name of 1 to %zu characters",
			   sizeof(journal->name) - 1);
	snprintf(folder, sizeof(folder), "%.*s", slash ? (int)(slash - path) + 1 : 1,
		 slash ? path : ".");
	journal->dir = sys_open(SYS_REAL_ROOT, folder, O_PATH | O_DIRECTORY);
	if (journal->dir < 0)
		return why(journal->dir, "cannot open the journal's folder %s: %s", folder,
			   strerror(-journal->dir));
	memcpy(journal->name, name, strlen(name) + 1);
	return 0;
}

void journal_close(struct journal *journal)
{
	journal->fd = sys_close(journal->fd);
	journal->dir = sys_close(journal->dir);
}

/* All of it, or nothing that could be taken for a line. */
static int put(int fd, const char *text)
{
	size_t size = strlen(text);

	while (size > 0) {
		ssize_t n = sys_write(fd, text, size);

		if (n <= 0)
			return why(n < 0 ? (int)n : -EIO, "the journal can't be written: %s",
				   strerror(n < 0 ? (int)-n : EIO));
		text += n;
		size -= (size_t)n;
	}
	return 0;
}

static int make(struct journal *journal)
{
	int r = 0;

	journal->fd = sys_openat(journal->dir, journal->name,
				 O_WRONLY | O_CREAT | O_EXCL | O_APPEND | O_NOFOLLOW | O_CLOEXEC,
				 0600);
	if (journal->fd == -EEXIST)
		return why(-EEXIST,
			   "the journal %s exists: a transaction has it, or died and left it to be "
			   "restored",
			   journal->name);
	if (journal->fd < 0)
		return why(journal->fd, "cannot make the journal %s: %s", journal->name,
			   strerror(-journal->fd));
	r = sys_lock(journal->fd);
	return r < 0 ? why(r, "the journal %s can't be locked", journal->name)
		     : put(journal->fd, head);
}

int journal_make(struct journal *journal, const char *path)
{
	int r = find(journal, path);

	if (r == 0)
		r = make(journal);
	if (r < 0)
		journal_close(journal);
	return r;
}

int journal_add(struct journal *journal, const struct hws_access *access)
{
	char bdf[HWS_BDF_TEXT];
	char line[LINE];

	if (journal->fd < 0)
		return 0;
	snprintf(line, sizeof(line), line_format, hws_kind_name(access->kind),
		 hws_bdf_format(access->bdf, bdf), access->bar, access->first, access->width,
		 access->cpu, access->old, access->value);
	return put(journal->fd, line);
}

int journal_remove(struct journal *journal)
{
	int r = journal->fd < 0 ? 0 : sys_unlink_in(journal->dir, journal->name);

	journal_close(journal);
	return r < 0 ? why(r, "the journal %s can't be removed: %s", journal->name, strerror(-r))
		     : 0;
}

static bool parse_kind(const char *word, enum hws_kind *ret_kind)
{
	static const enum hws_kind kinds[] = { HWS_KIND_PORT, HWS_KIND_MSR, HWS_KIND_PCI,
					       HWS_KIND_BAR };

	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		if (strcmp(word, hws_kind_name(kinds[i])) == 0) {
			*ret_kind = kinds[i];
			return true;
		}
	}
	return false;
}

static bool parse_number(const char *word, uint64_t max, uint64_t *ret_number)
{
	char *end;

	errno = 0;
	*ret_number = strtoull(word, &end, 0);
	return *word >= '0' && *word <= '9' && *end == '\0' && errno == 0 && *ret_number <= max;
}

/* Cut at its blanks; false: these are not eight words. */
static bool parse_line(char *line, struct hws_access *ret)
{
	enum { KIND, BDF, BAR, FIRST, WIDTH, CPU, OLD, NEW, WORDS };
	static const uint64_t most[WORDS] = {
		[BAR] = 5,    [FIRST] = UINT64_MAX, [WIDTH] = 8,
		[CPU] = 8191, [OLD] = UINT64_MAX,   [NEW] = UINT64_MAX
	};
	uint64_t numbers[WORDS] = { 0 };
	char *save = NULL;
	char *word = strtok_r(line, " ", &save);
	struct hws_access access = { .rights = HWS_RW, .has = HWS_HAS_VALUE | HWS_HAS_OLD };

	for (int i = 0; i < WORDS; i++, word = strtok_r(NULL, " ", &save)) {
		if (!word || (i == KIND && !parse_kind(word, &access.kind)) ||
		    (i == BDF && hws_bdf_parse(word, &access.bdf) < 0) ||
		    (i >= BAR && !parse_number(word, most[i], &numbers[i])))
			return false;
	}
	access.bar = (uint32_t)numbers[BAR];
	access.first = numbers[FIRST];
	access.width = (uint32_t)numbers[WIDTH];
	access.cpu = (uint32_t)numbers[CPU];
	access.old = numbers[OLD];
	access.value = numbers[NEW];
	access.last = access.first;
	*ret = access;
	return word == NULL && access.width && !(access.width & (access.width - 1));
}

/* The text's lines; what has no end was being written when the process died: not a line. */
static int parse(char *text, const char *name, struct hws_access **ret_registers,
		 uint32_t *ret_count)
{
	HWS_CLEANUP_FREE struct hws_access *registers = NULL;
	uint32_t count = 0;
	uint32_t lines = 0;
	char *end;

	for (const char *at = text; (at = strchr(at, '\n')); at++)
		lines++;
	if (strncmp(text, head, sizeof(head) - 1) != 0)
		return *text == '\0' || !lines
			       ? 0
			       : why(-EBADMSG, "%s is no journal of a transaction", name);
	registers = calloc(lines, sizeof(*registers));
	if (!registers)
		return why(-ENOMEM, "no memory for a journal");
	for (text += sizeof(head) - 1; (end = strchr(text, '\n')); text = end + 1) {
		*end = '\0';
		if (!parse_line(text, &registers[count++]))
			return why(-EBADMSG,
				   "%s:%u: expected kind, address, BAR, offset, width, processor, "
				   "old and new value",
				   name, count + 1);
	}
	*ret_registers = HWS_TAKE_PTR(registers);
	*ret_count = count;
	return 0;
}

static int check_owner(int fd, const char *name)
{
	struct stat stat;
	int r = sys_fstat(fd, &stat);

	if (r < 0)
		return why(r, "%s can't be looked at", name);
	if (!S_ISREG(stat.st_mode))
		return why(-EACCES, "%s is no plain file", name);
	if (stat.st_uid != 0 && stat.st_uid != sys_uid())
		return why(-EACCES,
			   "%s belongs to user %u: only its owner's and root's are "
			   "restored",
			   name, stat.st_uid);
	if (stat.st_mode & (S_IWGRP | S_IWOTH))
		return why(-EACCES, "%s may be written by others: chmod go-w", name);
	return 0;
}

static int read_text(struct journal *journal, char *text)
{
	ssize_t n;
	int r;

	journal->fd = sys_openat(journal->dir, journal->name,
				 O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC, 0);
	if (journal->fd < 0)
		return why(journal->fd, "cannot open the journal %s: %s", journal->name,
			   strerror(-journal->fd));
	r = check_owner(journal->fd, journal->name);
	if (r < 0)
		return r;
	if (sys_lock(journal->fd) < 0)
		return why(-EBUSY, "the journal %s belongs to a transaction that is alive",
			   journal->name);
	n = sys_read_all(journal->fd, text, FILE_MAX);
	return n < 0 ? why((int)n, "the journal %s can't be read: %s", journal->name,
			   strerror((int)-n))
		     : 0;
}

int journal_open(struct journal *journal, const char *path, struct hws_access **ret_registers,
		 uint32_t *ret_count)
{
	HWS_CLEANUP_FREE char *text = malloc(FILE_MAX);
	int r = text ? find(journal, path) : why(-ENOMEM, "no memory for a journal");

	*ret_registers = NULL;
	*ret_count = 0;
	if (!text)
		*journal = JOURNAL_NONE;
	if (r == 0)
		r = read_text(journal, text);
	if (r == 0)
		r = parse(text, journal->name, ret_registers, ret_count);
	if (r < 0)
		journal_close(journal);
	return r;
}
