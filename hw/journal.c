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
#include "shim/wire-internal.h"

enum { LINE = 256, FILE_MAX = 4 << 20 };
/* What it begins with; the start of the machine follows. */
static const char head[] = "hwsafe-journal 2 ";

/* A line: kind bdf bar first width cpu old new; what a kind has not is 0. Its sum follows. */
static const char line_format[] = "%s %s %u 0x%" PRIx64 " %u %u 0x%" PRIx64 " 0x%" PRIx64;
static const char sum_format[] = " #%016" PRIx64 "\n";
enum { SUM = 19 };

static int find(struct journal *journal, const char *path)
{
	const char *name;

	*journal = JOURNAL_NONE;
	journal->dir = sys_open_folder(SYS_REAL_ROOT, path, O_PATH, &name);
	if (journal->dir == -EINVAL || journal->dir == -ENAMETOOLONG)
		return why(-EINVAL, "a journal needs a path with a name of 1 to %zu characters",
			   sizeof(journal->name) - 1);
	if (journal->dir < 0)
		return why(journal->dir, "cannot open the journal's folder: %s: %s", path,
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

/* A line with its sum. What is left of one that failed is no line, as long as none follows. */
static int put_line(struct journal *journal, const char *body)
{
	uint64_t sum = journal_sum(journal->sum, body);
	char line[LINE + SUM + 1];
	int r;

	if (journal->torn)
		return why(-EIO, "the journal %s could not be written before", journal->name);
	snprintf(line, sizeof(line), "%s", body);
	snprintf(line + strlen(line), SUM + 1, sum_format, sum);
	r = put(journal->fd, line);
	journal->torn = r < 0;
	journal->sum = sum;
	return r;
}

static int make(struct journal *journal)
{
	char line[LINE];
	char boot[SYS_BOOT];
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
	if (r < 0)
		return why(r, "the journal %s can't be locked: %s", journal->name, strerror(-r));
	sys_boot(boot);
	snprintf(line, sizeof(line), "%s%s", head, boot);
	return put_line(journal, line);
}

int journal_make(struct journal *journal, const char *path)
{
	int r = find(journal, path);

	if (r == 0)
		r = make(journal);
	/* what was made and isn't one would be taken for somebody else's */
	if (r < 0 && journal->fd >= 0)
		(void)!sys_unlink_in(journal->dir, journal->name);
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
	return put_line(journal, line);
}

int journal_remove(struct journal *journal)
{
	int r = journal->fd < 0 ? 0 : sys_unlink_in(journal->dir, journal->name);

	if (r < 0)
		return why(r, "the journal %s can't be removed: %s", journal->name, strerror(-r));
	journal_close(journal);
	return 0;
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

/* Could a program have been allowed that? What is too large for its place would be cut off. */
static bool is_sound(const struct hws_access *access)
{
	bool device = access->kind == HWS_KIND_PCI || access->kind == HWS_KIND_BAR;
	struct hws_wire_step step = {
		.kind = (uint8_t)access->kind,
		.verb = HWS_WIRE_WRITE,
		.width = (uint8_t)access->width,
		.bar = (uint8_t)access->bar,
		.cpu = access->cpu,
		.at = access->first,
		.value = access->old | access->value,
	};

	if (device)
		step.bdf = wire_put_bdf(access->bdf);
	return wire_step_ok(&step);
}

/* Cut at its blanks; false: these are not eight words, or they make no sense. */
static bool parse_line(char *line, struct hws_access *ret)
{
	enum { KIND, BDF, BAR, FIRST, WIDTH, CPU, OLD, NEW, WORDS };
	static const uint64_t most[WORDS] = {
		[BAR] = UINT8_MAX,  [FIRST] = UINT64_MAX, [WIDTH] = UINT8_MAX,
		[CPU] = UINT32_MAX, [OLD] = UINT64_MAX,	  [NEW] = UINT64_MAX
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
	access.last = access.first + (access.kind == HWS_KIND_MSR ? 0 : access.width - 1);
	*ret = access;
	return word == NULL && is_sound(&access);
}

/* The line at *@text, without its sum, which must be right; *@text goes on. NULL: it is wrong. */
static char *take_line(char **text, uint64_t *sum)
{
	char *line = *text;
	char *end = strchr(line, '\n');
	char expected[SUM + 1];

	if (!end || end - line < SUM - 1)
		return NULL;
	*text = end + 1;
	end -= SUM - 1;
	if (*end != ' ')
		return NULL;
	*end = '\0';
	*sum = journal_sum(*sum, line);
	snprintf(expected, sizeof(expected), sum_format, *sum);
	/* it has its newline still, and lost its blank */
	return memcmp(end + 1, expected + 1, SUM - 1) == 0 ? line : NULL;
}

/* The first line: is it of this start of the machine? */
static int check_head(char **text, const char *name, uint64_t *sum)
{
	const char *line = take_line(text, sum);
	char boot[SYS_BOOT];

	if (!line || strncmp(line, head, sizeof(head) - 1) != 0)
		return why(-EBADMSG, "%s is no journal of a transaction, or of another version",
			   name);
	sys_boot(boot);
	return strcmp(line + sizeof(head) - 1, boot) == 0
		       ? 0
		       : why(-ESTALE,
			     "the journal %s is of another start of the machine, or of another "
			     "machine: its registers are not these; remove it",
			     name);
}

static uint32_t count_lines(const char *text)
{
	uint32_t lines = 0;

	for (; (text = strchr(text, '\n')); text++)
		lines++;
	return lines;
}

/* Was its first line being written when the process died? */
static bool is_begun(const char *text)
{
	size_t length = strlen(text);

	return strncmp(text, head, length < sizeof(head) - 1 ? length : sizeof(head) - 1) == 0;
}

/* The text's lines; what has no end was being written when the process died: not a line. */
static int parse(char *text, const char *name, struct hws_access **ret_registers,
		 uint32_t *ret_count)
{
	HWS_CLEANUP_FREE struct hws_access *registers = NULL;
	uint32_t lines = count_lines(text);
	uint64_t sum = JOURNAL_SUM;
	int r;

	if (!lines)
		return is_begun(text) ? 0
				      : why(-EBADMSG, "%s is no journal of a transaction", name);
	r = check_head(&text, name, &sum);
	if (r < 0)
		return r;
	registers = calloc(lines, sizeof(*registers));
	if (!registers)
		return why(-ENOMEM, "no memory for a journal");
	for (uint32_t i = 0; i < lines - 1; i++) {
		char *line = take_line(&text, &sum);

		if (!line || !parse_line(line, &registers[i]))
			return why(-EBADMSG,
				   "the journal %s is damaged at line %u: nothing is written back; "
				   "look at the registers it names, then remove it",
				   name, i + 2);
	}
	*ret_registers = HWS_TAKE_PTR(registers);
	*ret_count = lines - 1;
	return 0;
}

static int check_owner(int fd, const char *name, uint64_t *ret_size)
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
	*ret_size = (uint64_t)stat.st_size;
	return 0;
}

/* The caller's to free, whatever is returned. */
static int read_text(struct journal *journal, char **ret_text)
{
	uint64_t size;
	size_t room;
	ssize_t n;
	int r;

	journal->fd = sys_openat(journal->dir, journal->name,
				 O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC, 0);
	if (journal->fd < 0)
		return why(journal->fd, "cannot open the journal %s: %s", journal->name,
			   strerror(-journal->fd));
	r = check_owner(journal->fd, journal->name, &size);
	if (r < 0)
		return r;
	if (sys_lock(journal->fd) < 0)
		return why(-EBUSY, "the journal %s belongs to a transaction that is alive",
			   journal->name);
	/* what it has, a NUL, and one that stays free: by that its end is seen */
	room = size < FILE_MAX - 2 ? (size_t)size + 2 : FILE_MAX;
	*ret_text = malloc(room);
	if (!*ret_text)
		return why(-ENOMEM, "no memory for a journal");
	n = sys_read_all(journal->fd, *ret_text, room);
	if (n < 0)
		return why((int)n, "the journal %s can't be read: %s", journal->name,
			   strerror((int)-n));
	return strlen(*ret_text) == (size_t)n
		       ? 0
		       : why(-EBADMSG, "%s is no journal of a transaction", journal->name);
}

int journal_open(struct journal *journal, const char *path, struct hws_access **ret_registers,
		 uint32_t *ret_count)
{
	HWS_CLEANUP_FREE char *text = NULL;
	int r = find(journal, path);

	*ret_registers = NULL;
	*ret_count = 0;
	if (r == 0)
		r = read_text(journal, &text);
	if (r == 0)
		r = parse(text, journal->name, ret_registers, ret_count);
	if (r < 0)
		journal_close(journal);
	return r;
}
