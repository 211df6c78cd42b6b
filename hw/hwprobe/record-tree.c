/* SPDX-License-Identifier: GPL-2.0-or-later */
/* From one root to another: what is there is put in the same place. */
#include "hw/hwprobe/record.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <fnmatch.h>
#include <limits.h>
#include <linux/openat2.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "hw/hwprobe/args.h"
#include "hw/hwprobe/pci-list.h"
#include "hw/hwprobe/sanitize.h"

enum {
	TRIES = 100,
	HEAD = 64, /* of configuration space: what everybody may read */
	PART = 1
	       << 16, /* of a file: in /proc/sys the kernel takes as much memory as is asked for */
	MOST = 16 << 20, /* bytes of a file; the longest has the names of all modules */
};

/* Ways begin with a slash, at whichever root. */
typedef char path[PATH_MAX];

static void fail(struct recording *r, int code)
{
	if (!r->failed)
		r->failed = code;
}

/* What isn't there isn't there in the tree, either. */
static void skip(struct recording *r, const char *way, int code)
{
	struct json_object *o;

	if (code == -ENOENT || code == -ENOTDIR)
		return;
	if (r->verbose)
		say("%s: %s", way, strerror(-code));
	o = json_object_new_object();
	put_text(o, "path", way);
	put_error(o, code);
	json_object_array_add(r->skipped, o);
}

/* No link leads out of a captured tree; names that change meanwhile may make the kernel unsure. */
static int open_from(const struct recording *r, const char *way, int flags)
{
	struct open_how how = { .flags = (uint32_t)(flags | O_CLOEXEC),
				.resolve = RESOLVE_IN_ROOT };
	long fd = r->captured ? -1 : open(way, flags | O_CLOEXEC);

	for (int i = 0; r->captured && fd < 0 && (i == 0 || errno == EAGAIN) && i < TRIES; i++)
		fd = syscall(SYS_openat2, r->from, way, &how, sizeof(how));
	return fd < 0 ? -errno : (int)fd;
}

/* What it is, without opening it: a FIFO would wait, a node do something. */
static int look_at(const struct recording *r, const char *way, struct stat *ret_stat)
{
	int fd = open_from(r, way, O_PATH);
	int code;

	if (fd < 0)
		return fd;
	code = fstat(fd, ret_stat) < 0 ? -errno : 0;
	close(fd);
	return code;
}

/* As many bytes as there are, at most @size; or why not. */
static ssize_t read_file(const struct recording *r, const char *way, void *bytes, size_t size,
			 struct stat *ret_stat)
{
	ssize_t n = look_at(r, way, ret_stat);
	size_t length = 0;
	int fd;

	if (n == 0 && !S_ISREG(ret_stat->st_mode))
		n = S_ISDIR(ret_stat->st_mode) ? -EISDIR : -EOPNOTSUPP;
	fd = n < 0 ? (int)n : open_from(r, way, O_RDONLY | O_NONBLOCK | O_NOCTTY);
	if (fd < 0)
		return fd;
	do {
		size_t more = size - length < PART ? size - length : PART;

		n = read(fd, (char *)bytes + length, more);
		n = n < 0 ? -errno : n;
		length += n > 0 ? (size_t)n : 0;
	} while (length < size && (n > 0 || n == -EINTR));
	close(fd);
	return n < 0 ? n : (ssize_t)length;
}

static void make_folders(struct recording *r, const char *way)
{
	path folder;

	for (size_t n = 1; way[n]; n++) {
		if (way[n] != '/')
			continue;
		memcpy(folder, way + 1, n - 1);
		folder[n - 1] = '\0';
		if (mkdirat(r->to, folder, 0777) < 0 && errno != EEXIST)
			fail(r, -errno);
	}
}

static void put_file(struct recording *r, const char *way, const void *bytes, size_t size)
{
	int fd;

	make_folders(r, way);
	fd = openat(r->to, way + 1, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
	if (fd < 0) {
		/* two rows of the table may have it */
		if (errno != EEXIST)
			fail(r, -errno);
		return;
	}
	for (size_t n = 0; n < size && !r->failed;) {
		ssize_t written = write(fd, (const char *)bytes + n, size - n);

		if (written < 0 && errno != EINTR)
			fail(r, -errno);
		n += written < 0 ? 0 : (size_t)written;
	}
	if (close(fd) < 0)
		fail(r, -errno);
	r->files++;
}

static void leave(path at)
{
	char *slash = strrchr(at, '/');

	*(slash ? slash : at) = '\0';
}

/* From a folder to where a link's text leads, as far as words tell; above the root is nothing. */
static bool go(path at, const char *text)
{
	if (text[0] == '/')
		at[0] = '\0';
	for (size_t length; text += strspn(text, "/"), length = strcspn(text, "/");
	     text += length) {
		size_t n = strlen(at);

		if (length == 1 && text[0] == '.')
			continue;
		if (length == 2 && !memcmp(text, "..", 2)) {
			leave(at);
			continue;
		}
		if (n + length + 2 > PATH_MAX)
			return false;
		snprintf(at + n, PATH_MAX - n, "/%.*s", (int)length, text);
	}
	return true;
}

/* Where the folder of @way really is, in the source: behind the links on the way. */
static void find_folder(const struct recording *r, const char *way, path ret_folder)
{
	size_t length = strlen(r->root);
	char name[32];
	path real;
	ssize_t n;
	int fd;

	strcpy(ret_folder, way);
	leave(ret_folder);
	fd = open_from(r, *ret_folder ? ret_folder : "/", O_PATH);
	snprintf(name, sizeof(name), "/proc/self/fd/%d", fd);
	n = fd < 0 ? -1 : readlink(name, real, PATH_MAX - 1);
	real[n < 0 ? 0 : n] = '\0';
	if (n > 0 && !strncmp(real, r->root, length) && (real[length] == '/' || !real[length]))
		strcpy(ret_folder, real + length);
	if (fd >= 0)
		close(fd);
}

static void put_folder(struct recording *r, const char *way)
{
	make_folders(r, way);
	if (mkdirat(r->to, way + 1, 0777) < 0 && errno != EEXIST)
		fail(r, -errno);
}

/*
 * To the same place, but without leaving the tree, from where the link is put; a folder is there,
 * too, for what is recorded behind the link.
 */
static void put_link(struct recording *r, const char *way, const char *text)
{
	path target;
	path up = "";
	struct stat is;

	find_folder(r, way, target);
	for (const char *c = way + 1; *c; c++)
		if (*c == '/')
			strcat(up, "../");
	if (!go(target, text) || strlen(up) + strlen(target) > PATH_MAX) {
		skip(r, way, -ENAMETOOLONG);
		return;
	}
	strcat(up, *target ? target + 1 : ".");
	if (*target && look_at(r, way, &is) == 0 && S_ISDIR(is.st_mode))
		put_folder(r, target);
	make_folders(r, way);
	if (symlinkat(up, r->to, way + 1) == 0)
		r->links++;
	else if (errno != EEXIST)
		fail(r, -errno);
}

static void take_text(struct recording *r, const char *way)
{
	struct stat is;
	char *text = malloc(MOST + 1);
	ssize_t n = text ? read_file(r, way, text, MOST, &is) : -ENOMEM;

	n = n == MOST ? -EFBIG : n;
	if (n < 0) {
		skip(r, way, (int)n);
	} else {
		text[n] = '\0';
		if (r->sanitize && !strcmp(way, "/proc/cpuinfo"))
			sanitize_cpuinfo(text);
		put_file(r, way, text, (size_t)n);
	}
	free(text);
}

/* All that the policy and the kernel let a verb read; else what the kernel gives to everybody. */
static ssize_t read_config(const struct recording *r, const char *way, uint8_t bytes[CONFIG_SIZE],
			   struct stat *ret_stat)
{
	const struct look look = { .sanitize = r->sanitize };
	const struct list list = { .look = &look, .hw = r->hw };
	ssize_t n = read_file(r, way, bytes, HEAD, ret_stat);
	struct entry entry = { 0 };
	uint8_t all[CONFIG_SIZE];
	path folder;
	int more;

	strcpy(folder, way);
	leave(folder);
	if (n < 0 || n >= ret_stat->st_size ||
	    hws_bdf_parse(strrchr(folder, '/') + 1, &entry.bdf) < 0)
		return n;
	more = list_config(&list, &entry, CONFIG_SIZE, all);
	if (more <= n)
		return n;
	memcpy(bytes, all, (size_t)more);
	return more;
}

static void take_config(struct recording *r, const char *way)
{
	uint8_t bytes[CONFIG_SIZE];
	struct stat is;
	ssize_t n = read_config(r, way, bytes, &is);

	if (n < 0)
		skip(r, way, (int)n);
	else
		put_file(r, way, bytes, (size_t)n);
	if (n < 0 || n >= is.st_size)
		return;
	json_object_array_add(r->partial, json_object_new_string(way));
	if (r->verbose)
		say("%s: %zd of %lld bytes", way, n, (long long)is.st_size);
}

static void take_presence(struct recording *r, const char *way)
{
	struct stat is;
	int code = look_at(r, way, &is);

	if (code < 0)
		skip(r, way, code);
	else if (S_ISDIR(is.st_mode))
		put_folder(r, way);
	else
		put_file(r, way, "", 0);
}

static void take_link(struct recording *r, const char *way)
{
	int fd = open_from(r, way, O_PATH | O_NOFOLLOW);
	path text;
	ssize_t n;

	if (fd < 0) {
		skip(r, way, fd);
		return;
	}
	n = readlinkat(fd, "", text, PATH_MAX);
	close(fd);
	if (n < 0) {
		take_presence(r, way);
	} else if (n == PATH_MAX) {
		skip(r, way, -ENAMETOOLONG);
	} else {
		text[n] = '\0';
		put_link(r, way, text);
	}
}

static void (*const takers[])(struct recording *r, const char *way) = {
	[RECORD_TEXT] = take_text,
	[RECORD_CONFIG] = take_config,
	[RECORD_LINK] = take_link,
	[RECORD_THERE] = take_presence,
};

/* A name with the sign that stands for any would be taken for it. */
static int is_name(const struct dirent *entry)
{
	return entry->d_name[0] != '.' && !strchr(entry->d_name, '*');
}

/* In the order of their bytes, whatever the locale. */
static int by_bytes(const struct dirent **a, const struct dirent **b)
{
	return strcmp((*a)->d_name, (*b)->d_name);
}

static int list_names(const struct recording *r, const char *folder, struct dirent ***ret_names)
{
	int fd = open_from(r, folder, O_RDONLY | O_DIRECTORY);
	int count;

	if (fd < 0)
		return fd;
	count = scandirat(fd, ".", ret_names, is_name, by_bytes);
	count = count < 0 ? -errno : count;
	close(fd);
	return count;
}

/* Each place that the way stands for: the first part with a '*' is compared with what is there. */
static void take_all(struct recording *r, enum record_how how, const char *way)
{
	int before = (int)strcspn(way, "*");
	struct dirent **names;
	const char *behind;
	path pattern;
	path one;
	int count;

	if (call_is_ended())
		fail(r, -EINTR);
	if (r->failed)
		return;
	if (!way[before]) {
		takers[how](r, way);
		return;
	}
	while (way[before - 1] != '/')
		before--;
	behind = way + before + strcspn(way + before, "/");
	snprintf(one, sizeof(one), "%.*s", before, way);
	snprintf(pattern, sizeof(pattern), "%.*s", (int)(behind - way) - before, way + before);
	count = list_names(r, one, &names);
	if (count < 0)
		skip(r, one, count);
	for (int i = 0; i < count; i++) {
		if (fnmatch(pattern, names[i]->d_name, 0) == 0 &&
		    snprintf(one, sizeof(one), "%.*s%s%s", before, way, names[i]->d_name, behind) <
			    PATH_MAX)
			take_all(r, how, one);
		free(names[i]);
	}
	if (count >= 0)
		free(names);
}

void record_take(struct recording *r, const struct record_place *place)
{
	const char *name = place->names;

	if (place->personal && r->sanitize)
		return;
	for (size_t length; (length = strcspn(name, " ")); name += length + (name[length] == ' ')) {
		path way;

		snprintf(way, sizeof(way), "%s/%.*s", place->folder, (int)length, name);
		take_all(r, place->how, way);
	}
}
