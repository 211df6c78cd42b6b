/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "shim/why-internal.h"
#include "tests/bench/uring.h"

int uring_open_file(uint64_t size, int flags)
{
	static const char block[4096];
	char path[] = "/var/tmp/hwsafe-bench-XXXXXX";
	int fd = mkstemp(path);
	int again = -1;
	int r = fd < 0 ? why(-errno, "no file can be made in /var/tmp") : 0;

	for (uint64_t at = 0; r == 0 && at < size; at += sizeof(block))
		if (write(fd, block, sizeof(block)) != sizeof(block))
			r = why(-EIO, "/var/tmp has no room for a file");
	if (r == 0 && (fsync(fd) < 0 || (again = open(path, O_RDONLY | O_CLOEXEC | flags)) < 0))
		r = why(-errno, "can't open a file that way");
	if (fd >= 0) {
		unlink(path);
		close(fd);
	}
	return r < 0 ? r : again;
}

int uring_open_like(const struct hws_ring *ring, uint32_t depth, struct io_uring *ret_raw)
{
	struct io_uring_params params = { .cq_entries = 4 * depth };
	struct hws_ring_info info;
	int r;

	hws_ring_get_info(ring, &info);
	params.flags = info.setup_flags;
	r = io_uring_queue_init_params(2 * depth, ret_raw, &params);
	if (r == 0)
		r = io_uring_register_ring_fd(ret_raw);
	return r < 0 ? r : 0;
}
