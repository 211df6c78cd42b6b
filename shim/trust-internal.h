/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Files that only their owner can have written, or put in their place: policies, plug-ins. */
#ifndef HWSAFE_SHIM_TRUST_INTERNAL_H
#define HWSAFE_SHIM_TRUST_INTERNAL_H

#include <limits.h>
#include <linux/openat2.h>
#include <sys/stat.h>

#include "shim/base.h"

/* No link is followed on the way to it. */
#define TRUST_PLAIN (RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS)

/*
 * 0, or -EACCES with what is wrong, as it goes on behind the file's name. A directory above it may
 * be root's too, or be sticky.
 */
HWS_MUST int trust_owner(const struct stat *is, uint32_t owner, bool above);
/* What an open gave, in the same words: a link is -EACCES. */
int trust_open_failed(int code);
/*
 * The directory @path below @root, gone down to step by step: none on the way may be somebody
 * else's. On failure @ret_where is which one, and the words go on behind that.
 */
HWS_MUST int trust_open_directory(int root, const char *path, uint32_t owner,
				  char ret_where[PATH_MAX], int *ret_fd);

#endif
