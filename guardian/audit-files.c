/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "guardian/audit-files-internal.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <string.h>

#include "shim/sys-internal.h"
#include "shim/why-internal.h"

enum { READ_BYTES = 8192, HEAD_BYTES = 256 };
_Static_assert((int)CHAIN_LINE <= (int)READ_BYTES, "any line fits the reader");

static const char head_format[] = "hwsafe-audit-head 1 %" PRIu64 " %" PRIu64 " %s ";

int files_open(struct files *files, const char *sysroot, const char *path)
{
	HWS_CLEANUP_FD int root = sys_root_open(sysroot);
	const char *name;

	if (sysroot && root < 0)
		return why(root, "cannot open %s: %s", sysroot, strerror(-root));
	files->dir = sys_open_folder(root, path, O_PATH, &name);
	if (files->dir == -EINVAL || files->dir == -ENAMETOOLONG ||
	    (files->dir >= 0 && strlen(name) >= sizeof(files->name))) {
		files->dir = sys_close(files->dir);
		return why(-EINVAL,
			   "the audit file needs a path with a name of 1 to %zu characters",
			   sizeof(files->name) - 1);
	}
	if (files->dir < 0)
		return why(files->dir, "cannot open the audit file's folder: %s: %s", path,
			   strerror(-files->dir));
	memcpy(files->name, name, strlen(name) + 1);
	return 0;
}

void files_close(struct files *files)
{
	files->dir = sys_close(files->dir);
}

const char *files_name(const struct files *files, int which, char name[FILES_NAME])
{
	static const char *const other[] = {
		[-FILES_NEW] = "new",
		[-FILES_HEAD] = "head",
		[-FILES_HEAD_NEW] = "head.new",
		[-FILES_LOCK] = "lock",
	};

	if (which == 0)
		snprintf(name, FILES_NAME, "%s", files->name);
	else if (which > 0)
		snprintf(name, FILES_NAME, "%s.%d", files->name, which);
	else
		snprintf(name, FILES_NAME, "%s.%s", files->name, other[-which]);
	return name;
}

/* Why a file can't be used; NULL when it can. Who may write it could write the trail anew. */
static const char *unfit(const struct stat *stat, int flags)
{
	if (!S_ISREG(stat->st_mode))
		return "it is no regular file";
	if ((flags & O_ACCMODE) == O_RDONLY)
		return NULL;
	if (stat->st_uid != 0 && stat->st_uid != sys_uid())
		return "it belongs to somebody else";
	return stat->st_mode & (S_IWGRP | S_IWOTH) ? "others may write it (chmod 600)" : NULL;
}

int files_open_one(const struct files *files, int which, int flags)
{
	char name[FILES_NAME];
	struct stat stat;
	/* O_NONBLOCK: a FIFO put there must not hold us up */
	HWS_CLEANUP_FD int fd = sys_open_resolve(
		files->dir, files_name(files, which, name), flags | O_NOFOLLOW | O_NONBLOCK,
		flags & O_CREAT ? 0600 : 0, RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS);
	int r = fd < 0 ? fd : sys_fstat(fd, &stat);
	const char *bad = r == 0 ? unfit(&stat, flags) : NULL;

	if (r == -ENOENT)
		return r;
	if (r < 0 || bad)
		return why(bad ? -EINVAL : r, "cannot use %s as audit file: %s", name,
			   bad ? bad : strerror(-r));
	return HWS_TAKE_FD(fd);
}

int files_rename(const struct files *files, int from, int to)
{
	char old[FILES_NAME];
	char new[FILES_NAME];

	return sys_rename_in(files->dir, files_name(files, from, old), files_name(files, to, new));
}

/* Hands on the lines in @bytes; how many bytes they had, or what @call gave. */
static int walk_lines(struct files_line *line, const char *bytes, size_t size, bool last,
		      int (*call)(const struct files_line *line, void *context), void *context,
		      size_t *ret_used)
{
	size_t used = 0;

	while (used < size) {
		const char *end = memchr(bytes + used, '\n', size - used);
		int r;

		/* a line that fills the whole buffer is none of ours: handed on in pieces */
		if (!end && !last && !(used == 0 && size == READ_BYTES))
			break;
		line->number++;
		line->bytes = bytes + used;
		line->length = end ? (size_t)(end - line->bytes) : size - used;
		line->whole = end || !last;
		r = call(line, context);
		if (r != 0)
			return r;
		line->offset += line->length + (end ? 1 : 0);
		used += line->length + (end ? 1 : 0);
	}
	*ret_used = used;
	return 0;
}

static int walk_file(int fd, struct files_line *line,
		     int (*call)(const struct files_line *line, void *context), void *context)
{
	char bytes[READ_BYTES];
	size_t size = 0;

	for (;;) {
		ssize_t n = sys_read(fd, bytes + size, sizeof(bytes) - size);
		size_t used;
		int r;

		if (n < 0)
			return (int)n;
		size += (size_t)n;
		r = walk_lines(line, bytes, size, n == 0, call, context, &used);
		if (r != 0 || n == 0)
			return r;
		size -= used;
		memmove(bytes, bytes + used, size);
	}
}

int files_walk(const struct files *files, int (*call)(const struct files_line *line, void *context),
	       void *context)
{
	char name[FILES_NAME];
	int found = 0;

	for (int which = FILES_KEEP_MAX; which >= 0; which--) {
		HWS_CLEANUP_FD int fd = files_open_one(files, which, O_RDONLY);
		struct files_line line = { .file = files_name(files, which, name), .which = which };
		int r;

		if (fd == -ENOENT)
			continue;
		if (fd < 0)
			return fd;
		found++;
		r = walk_file(fd, &line, call, context);
		if (r != 0)
			return r;
	}
	return found ? 0 : -ENOENT;
}

int files_first(const struct files *files, int which, uint64_t *ret_n)
{
	HWS_CLEANUP_FD int fd = files_open_one(files, which, O_RDONLY);
	char bytes[CHAIN_LINE];
	ssize_t size = fd < 0 ? fd : sys_pread(fd, bytes, sizeof(bytes), 0);
	const char *end = size > 0 ? memchr(bytes, '\n', (size_t)size) : NULL;
	struct chain_line line;

	if (size < 0)
		return (int)size;
	if (!end || !chain_parse(bytes, (size_t)(end - bytes), &line))
		return -EBADMSG;
	*ret_n = line.n;
	return 0;
}

/* The head's text; its last word is a hash over the words before. */
static size_t head_format_text(const struct chain_key *key, const struct files_head *head,
			       char text[HEAD_BYTES])
{
	static const uint8_t before[CHAIN_BYTES];
	char hex[CHAIN_HEX + 1];
	uint8_t sum[CHAIN_BYTES];
	size_t length;

	chain_to_hex(head->chain.value, hex);
	length = (size_t)snprintf(text, HEAD_BYTES, head_format, head->chain.n, head->first, hex);
	chain_hash(key, before, text, length, sum);
	chain_to_hex(sum, hex);
	return length + (size_t)snprintf(text + length, HEAD_BYTES - length, "%s\n", hex);
}

int files_head_read(const struct files *files, const struct chain_key *key,
		    struct files_head *ret_head)
{
	HWS_CLEANUP_FD int fd = files_open_one(files, FILES_HEAD, O_RDONLY);
	char text[HEAD_BYTES] = "";
	char again[HEAD_BYTES];
	char hex[CHAIN_HEX + 1];
	struct files_head head;
	ssize_t n = fd < 0 ? fd : sys_read_all(fd, text, sizeof(text));

	if (n < 0)
		return n == -EFBIG ? -EBADMSG : (int)n;
	if (sscanf(text, "hwsafe-audit-head 1 %" SCNu64 " %" SCNu64 " %64[0-9a-f] ", &head.chain.n,
		   &head.first, hex) != 3 ||
	    !chain_from_hex(hex, head.chain.value))
		return -EBADMSG;
	/* what we would have written, to the byte */
	if (head_format_text(key, &head, again) != (size_t)n || memcmp(text, again, (size_t)n) != 0)
		return -EBADMSG;
	*ret_head = head;
	return 0;
}

int files_head_write(const struct files *files, const struct chain_key *key,
		     const struct files_head *head, bool fsync)
{
	HWS_CLEANUP_FD int fd = files_open_one(files, FILES_HEAD_NEW, O_WRONLY | O_CREAT | O_TRUNC);
	char text[HEAD_BYTES];
	size_t length = head_format_text(key, head, text);
	ssize_t n = fd < 0 ? fd : sys_write(fd, text, length);
	int r;

	if (n < 0)
		return (int)n;
	if ((size_t)n != length)
		return -ENOSPC;
	r = fsync ? sys_fsync(fd) : 0;
	return r < 0 ? r : files_rename(files, FILES_HEAD_NEW, FILES_HEAD);
}
