/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The file has a fixed number of lines of a fixed length, blanks at their ends: each is rewritten
 * in place, within a disk's block, and can be read by people when nothing else works any more.
 */
#include "guardian/last-words-internal.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <linux/openat2.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "shim/sys-internal.h"
#include "shim/why-internal.h"

enum { LINE = 256, FILE_SIZE = HWS_LAST_WORDS * LINE };

/* The state stands first, so that it can be rewritten alone. */
#define BEGUN "begun"
#define OVER  "over "
#define HEAD  "last-words 1 "

struct last_words {
	pthread_mutex_t lock; /* of what follows */
	int fd;
	uint64_t sequence;
	/* of each line: its record's number; 0: none. And whether its access is still to end */
	uint64_t at[HWS_LAST_WORDS];
	bool begun[HWS_LAST_WORDS];
};

static void format(const struct hws_last_words *of, char line[LINE])
{
	const struct hws_access *a = &of->access;
	char bdf[HWS_BDF_TEXT];
	char text[LINE];

	snprintf(text, sizeof(text),
		 HEAD BEGUN " sequence=%" PRIu64 " time=%" PRIu64 " pid=%u do=%s kind=%s device=%s "
			    "bar=%u at=0x%" PRIx64 "-0x%" PRIx64
			    " width=%u cpu=%u value=0x%" PRIx64,
		 of->sequence, of->time_ns, of->pid, a->rights & HWS_W ? "write" : "read",
		 hws_kind_name(a->kind), hws_bdf_format(a->bdf, bdf), a->bar, a->first, a->last,
		 a->width, a->cpu, a->value);
	snprintf(line, LINE, "%-*s", LINE - 1, text);
	line[LINE - 1] = '\n';
}

static bool find_kind(const char *name, enum hws_kind *ret_kind)
{
	for (int kind = 0; kind < HWS_KINDS; kind++) {
		if (!strcmp(hws_kind_name((enum hws_kind)kind), name)) {
			*ret_kind = (enum hws_kind)kind;
			return true;
		}
	}
	return false;
}

/* False for what is no record. @line ends with a NUL. */
static bool parse(const char *line, struct hws_last_words *ret)
{
	struct hws_last_words of = { 0 };
	struct hws_access *a = &of.access;
	char state[8];
	char verb[8];
	char kind[16];
	char bdf[HWS_BDF_TEXT];

	if (sscanf(line,
		   HEAD "%7s sequence=%" SCNu64 " time=%" SCNu64 " pid=%u do=%7s kind=%15s "
			"device=%23s bar=%u at=%" SCNx64 "-%" SCNx64 " width=%u cpu=%u "
			"value=%" SCNx64,
		   state, &of.sequence, &of.time_ns, &of.pid, verb, kind, bdf, &a->bar, &a->first,
		   &a->last, &a->width, &a->cpu, &a->value) != 13)
		return false;
	of.over = strcmp(state, BEGUN) != 0;
	a->rights = strcmp(verb, "write") ? HWS_R : HWS_W;
	a->has = a->rights & HWS_W ? HWS_HAS_VALUE : 0;
	if (!of.sequence || !find_kind(kind, &a->kind) || hws_bdf_parse(bdf, &a->bdf) < 0)
		return false;
	*ret = of;
	return true;
}

/*
 * Each line's record; sequence 0 where there is none, or one that was cut off. A file that has
 * text, but no record at all, is somebody else's.
 */
static int read_lines(int fd, struct hws_last_words all[HWS_LAST_WORDS])
{
	char lines[FILE_SIZE + 1] = "";
	ssize_t size = sys_pread(fd, lines, FILE_SIZE, 0);
	bool text = false;
	bool found = false;

	if (size < 0)
		return why((int)size, "the last words can't be read: %s", strerror((int)-size));
	for (int i = 0; i < HWS_LAST_WORDS; i++) {
		char *line = lines + i * LINE;

		line[LINE - 1] = '\0';
		text |= *line != '\0';
		all[i] = (struct hws_last_words) { 0 };
		found |= parse(line, &all[i]);
	}
	return text && !found ? why(-EBADMSG, "the file holds no last words") : 0;
}

/* The entry in the folder must survive too. */
static int sync_folder(int root, const char *path)
{
	const char *name;
	HWS_CLEANUP_FD int fd = sys_open_folder(root, path, O_RDONLY, &name);

	return fd < 0 ? fd : sys_fsync(fd);
}

static int open_file(int root, const char *path)
{
	struct stat stat;
	HWS_CLEANUP_FD int fd = sys_open_resolve(root == SYS_REAL_ROOT ? AT_FDCWD : root, path,
						 O_RDWR | O_CREAT | O_NOFOLLOW | O_NONBLOCK, 0600,
						 root == SYS_REAL_ROOT ? 0 : RESOLVE_IN_ROOT);
	int r = fd < 0 ? fd : sys_fstat(fd, &stat);

	if (r == 0 && !S_ISREG(stat.st_mode))
		r = -EINVAL;
	r = r < 0 ? r : sys_lock(fd);
	if (r == -EWOULDBLOCK)
		return why(-EBUSY, "%s: another context has its last words there", path);
	if (r == 0 && stat.st_size == 0)
		r = sys_ftruncate(fd, FILE_SIZE);
	r = r < 0 ? r : sys_fsync(fd);
	r = r < 0 ? r : sync_folder(root, path);
	if (r < 0)
		return why(r, "last words can't be kept in %s: %s", path, strerror(-r));
	return HWS_TAKE_FD(fd);
}

static int take_up(struct last_words *words)
{
	struct hws_last_words all[HWS_LAST_WORDS] = { 0 };
	int r = read_lines(words->fd, all);

	for (int i = 0; r == 0 && i < HWS_LAST_WORDS; i++) {
		words->at[i] = all[i].sequence;
		words->begun[i] = all[i].sequence && !all[i].over;
		if (all[i].sequence > words->sequence)
			words->sequence = all[i].sequence;
	}
	return r;
}

int last_words_open(int root, const char *path, struct last_words **ret_words)
{
	struct last_words *words = calloc(1, sizeof(*words));
	int r;

	if (!words)
		return why(-ENOMEM, "no memory for last words");
	pthread_mutex_init(&words->lock, NULL);
	words->fd = open_file(root, path);
	r = words->fd < 0 ? words->fd : take_up(words);
	if (r < 0)
		last_words_close(words);
	else
		*ret_words = words;
	return r;
}

void last_words_close(struct last_words *words)
{
	if (!words)
		return;
	sys_close(words->fd);
	pthread_mutex_destroy(&words->lock);
	free(words);
}

/* The line of the oldest access that ended; when none did, of the oldest. Free lines are oldest. */
static uint32_t choose(const struct last_words *words)
{
	uint32_t best = 0;

	for (uint32_t i = 1; i < HWS_LAST_WORDS; i++) {
		if (words->begun[i] != words->begun[best] ? words->begun[best]
							  : words->at[i] < words->at[best])
			best = i;
	}
	return best;
}

static int write_line(struct last_words *words, uint32_t slot, const struct hws_access *access)
{
	struct hws_last_words of = { .sequence = words->sequence + 1,
				     .pid = (uint32_t)sys_pid(),
				     .access = *access };
	char line[LINE];
	ssize_t n;

	if (sys_clock(CLOCK_REALTIME, &of.time_ns) < 0)
		of.time_ns = 0; /* better told without its time than not at all */
	format(&of, line);
	n = sys_pwrite(words->fd, line, LINE, (uint64_t)slot * LINE);
	if (n != LINE)
		return n < 0 ? (int)n : -EIO;
	words->at[slot] = ++words->sequence;
	words->begun[slot] = true;
	return 0;
}

int last_words_say(struct last_words *words, const struct hws_access *access, uint32_t *ret_slot)
{
	uint32_t slot;
	int r;

	pthread_mutex_lock(&words->lock);
	slot = choose(words);
	r = write_line(words, slot, access);
	pthread_mutex_unlock(&words->lock);
	r = r < 0 ? r : sys_fdatasync(words->fd);
	if (r == 0)
		*ret_slot = slot;
	else
		why(r, "its last words can't be written: %s", strerror(-r));
	return r;
}

void last_words_over(struct last_words *words, uint32_t slot)
{
	uint64_t at = (uint64_t)slot * LINE + strlen(HEAD);

	pthread_mutex_lock(&words->lock);
	words->begun[slot] = sys_pwrite(words->fd, OVER, strlen(OVER), at) < 0;
	pthread_mutex_unlock(&words->lock);
}

static int later(const void *a, const void *b)
{
	uint64_t first = ((const struct hws_last_words *)a)->sequence;
	uint64_t second = ((const struct hws_last_words *)b)->sequence;

	return (first < second) - (first > second);
}

int hws_last_words_read(const char *sysroot, const char *path, struct hws_last_words *ret_words,
			uint32_t size)
{
	struct hws_last_words all[HWS_LAST_WORDS];
	HWS_CLEANUP_FD int root = SYS_REAL_ROOT;
	HWS_CLEANUP_FD int fd = -1;
	uint32_t count = 0;
	int r;

	if (!path)
		return why(-EINVAL, "last words are in a file: none was named");
	root = sys_root_open(sysroot);
	if (sysroot && root < 0)
		return why(root, "sysroot '%s': %s", sysroot, strerror(-root));
	fd = sys_open(root, path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK);
	if (fd < 0)
		return why(fd, "%s: %s", path, strerror(-fd));
	r = read_lines(fd, all);
	if (r < 0)
		return r;
	qsort(all, HWS_LAST_WORDS, sizeof(all[0]), later);
	while (count < size && count < HWS_LAST_WORDS && all[count].sequence) {
		ret_words[count] = all[count];
		count++;
	}
	return (int)count;
}
