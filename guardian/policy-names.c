/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The names of users and groups, from the files below the sysroot and from nowhere else. */
#include "guardian/policy-internal.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#include "shim/sys-internal.h"

enum { NAMES_SIZE = 4 << 20 }; /* bytes of such a file */

static const char *const files[] = { [NAME_USER] = "/etc/passwd", [NAME_GROUP] = "/etc/group" };

const char *policy_name_file(enum policy_name_kind kind)
{
	return files[kind];
}

void policy_names_fini(struct policy_names *names)
{
	free(names->text[NAME_USER]);
	free(names->text[NAME_GROUP]);
	*names = (struct policy_names) { .root = names->root };
}

static int read_names(struct policy_names *names, enum policy_name_kind kind)
{
	HWS_CLEANUP_FREE char *text = NULL;
	HWS_CLEANUP_FD int fd = -1;
	struct stat is;
	ssize_t n;
	int r;

	if (names->text[kind])
		return 0;
	fd = sys_open(names->root, files[kind], O_RDONLY);
	if (fd < 0)
		return fd;
	r = sys_fstat(fd, &is);
	if (r < 0)
		return r;
	if (is.st_size > NAMES_SIZE)
		return -EFBIG;
	text = malloc((size_t)is.st_size + 1);
	if (!text)
		return -ENOMEM;
	n = sys_read_all(fd, text, (size_t)is.st_size + 1);
	if (n < 0)
		return (int)n;
	if (memchr(text, '\0', (size_t)n))
		return -EBADMSG;
	names->text[kind] = HWS_TAKE_PTR(text);
	return 0;
}

/* The third field of "name:password:number:…". */
static bool read_id(const char *at, const char *end, uint32_t *ret_id)
{
	uint64_t id = 0;
	const char *colon = memchr(at, ':', (size_t)(end - at));
	const char *c = colon ? colon + 1 : end;

	if (c == end || *c == ':')
		return false;
	for (; c < end && *c != ':'; c++) {
		if (*c < '0' || *c > '9')
			return false;
		id = id * 10 + (uint64_t)(*c - '0');
		if (id > UINT32_MAX)
			return false;
	}
	*ret_id = (uint32_t)id;
	return true;
}

int policy_name_find(struct policy_names *names, enum policy_name_kind kind, const char *name,
		     size_t length, uint32_t *ret_id)
{
	int r = read_names(names, kind);
	const char *end;

	if (r < 0)
		return r;
	if (memchr(name, ':', length)) /* what stands behind it would be taken for the number */
		return -ESRCH;
	for (const char *line = names->text[kind]; *line; line = *end ? end + 1 : end) {
		end = line + strcspn(line, "\n");
		if ((size_t)(end - line) > length && !memcmp(line, name, length) &&
		    line[length] == ':' && read_id(line + length + 1, end, ret_id))
			return 0;
	}
	return -ESRCH;
}
