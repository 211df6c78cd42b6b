/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "guardian/validate.h"

#include <sys/resource.h>

#include "shim/sys-internal.h"
#include "shim/why-internal.h"

enum { SAFE_ALIGNMENT = 4096 };

static uint32_t kind_of(mode_t mode)
{
	static const struct {
		mode_t mode;
		uint32_t kind;
	} kinds[] = {
		{ S_IFREG, HWS_FD_FILE },  { S_IFDIR, HWS_FD_DIRECTORY },
		{ S_IFBLK, HWS_FD_BLOCK }, { S_IFCHR, HWS_FD_CHARACTER },
		{ S_IFIFO, HWS_FD_PIPE },  { S_IFSOCK, HWS_FD_SOCKET },
	};

	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
		if ((mode & S_IFMT) == kinds[i].mode)
			return kinds[i].kind;
	return HWS_FD_OTHER;
}

/*
 * The kernel knows which descriptors are open, and fstat(2) asks it. The limit only explains: one
 * that was lowered later doesn't close what is above it.
 */
static int refuse_fd(int fd, int code)
{
	uint64_t limit;

	if (code == -EBADF && sys_getrlimit(RLIMIT_NOFILE, &limit) == 0 && fd >= 0 &&
	    (uint64_t)fd >= limit)
		return why(code, "descriptor %d isn't open, and this process may have only %llu",
			   fd, (unsigned long long)limit);
	return why(code, "descriptor %d isn't open", fd);
}

int hws_check_fd(int fd, uint32_t kinds)
{
	struct stat stat;
	int r;

	if (kinds == 0 || kinds & ~(uint32_t)HWS_FD_ANY)
		return why(-EINVAL, "0x%x: no kinds of descriptors", kinds);
	r = sys_fstat(fd, &stat);
	if (r < 0)
		return refuse_fd(fd, r);
	return kind_of(stat.st_mode) & kinds
		       ? 0
		       : why(-EINVAL, "descriptor %d is of a kind that can't be used here", fd);
}

int hws_io_alignment(int fd, struct hws_io_alignment *ret_alignment)
{
	struct hws_io_alignment alignment = { SAFE_ALIGNMENT, SAFE_ALIGNMENT, true };
	uint32_t block = 0;
	int r = sys_dio_alignment(fd, &alignment.memory, &alignment.offset);

	if (r == -EBADF)
		return refuse_fd(fd, r);
	if (r == 0) {
		if (alignment.offset == 0)
			return why(-EOPNOTSUPP, "the file of descriptor %d has no direct I/O", fd);
		alignment.guessed = false;
	} else if (sys_block_size(fd, &block) == 0 && hws_is_power(block)) {
		alignment = (struct hws_io_alignment) { block, block, false };
	}
	*ret_alignment = alignment;
	return 0;
}
