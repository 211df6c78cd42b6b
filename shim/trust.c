/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "shim/trust-internal.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include "shim/sys-internal.h"
#include "shim/why-internal.h"

int trust_owner(const struct stat *is, uint32_t owner, bool above)
{
	bool others = is->st_mode & (S_IWGRP | S_IWOTH);

	if (is->st_uid != owner && !(above && is->st_uid == 0))
		return why(-EACCES, "belongs to uid %u, expected %u: chown it", is->st_uid, owner);
	if (others && !(above && is->st_mode & S_ISVTX))
		return why(-EACCES,
			   "is writable by group or others (mode %04o), "
			   "expected by its owner alone: chmod go-w",
			   is->st_mode & 07777);
	return 0;
}

int trust_open_failed(int code)
{
	if (code == -ELOOP)
		return why(-EACCES, "is a link or behind one, expected the thing itself");
	return why(code, "can't be opened: %s", strerror(-code));
}

int trust_open_directory(int root, const char *path, uint32_t owner, char ret_where[PATH_MAX],
			 int *ret_fd)
{
	HWS_CLEANUP_FD int at = sys_open(root, "/", O_PATH | O_DIRECTORY);
	char part[PATH_MAX];

	snprintf(ret_where, PATH_MAX, "%s", path);
	for (const char *c = path + strspn(path, "/"); at >= 0 && *c; c += strspn(c, "/")) {
		int above = at;
		bool last;
		struct stat is;
		int r;

		snprintf(part, sizeof(part), "%.*s", (int)strcspn(c, "/"), c);
		c += strcspn(c, "/");
		last = !c[strspn(c, "/")];
		/* only the last is read: who may not list the others can go through them */
		at = sys_open_resolve(above, part, (last ? O_RDONLY : O_PATH) | O_DIRECTORY, 0,
				      TRUST_PLAIN | RESOLVE_BENEATH);
		sys_close(above);
		if (at < 0)
			break;
		r = sys_fstat(at, &is);
		r = r < 0 ? trust_open_failed(r) : trust_owner(&is, owner, !last);
		if (r < 0) {
			snprintf(ret_where, PATH_MAX, "%.*s", (int)(c - path), path);
			return r;
		}
	}
	if (at < 0)
		return trust_open_failed(at);
	*ret_fd = HWS_TAKE_FD(at);
	return 0;
}
