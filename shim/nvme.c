/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Asking an NVMe namespace for the size of its blocks. */
#include "shim/nvme-internal.h"

#include <errno.h>
#include <linux/ioctl.h>
#include <linux/nvme_ioctl.h>
#include <stdlib.h>

#include "shim/sys-internal.h"

/* NVM Command Set 1.0 §4.1.5.1, figure 97. */
enum {
	FORMAT_IN_USE = 26, /* its index in bits 3:0, further bits of it in 6:5 */
	METADATA_BEHIND = 1 << 4,
	FORMATS = 128, /* of 4 bytes: size of the metadata, exponent of the block's size */
	EXPONENT_LEAST = 9,
	EXPONENT_MOST = 24, /* the spec knows none; no device has blocks of 16 MiB */
};

int nvme_read_blocks(const uint8_t said[NVME_IDENTIFY_SIZE], uint32_t nsid,
		     struct nvme_blocks *ret_blocks)
{
	const uint8_t use = said[FORMAT_IN_USE];
	const uint8_t *format = said + FORMATS + 4 * ((use & 0xf) | (use >> 5 & 3) << 4);
	const uint32_t metadata = format[0] | (uint32_t)format[1] << 8;
	const bool behind = use & METADATA_BEHIND;

	if (format[2] < EXPONENT_LEAST || format[2] > EXPONENT_MOST)
		return -EPROTO;
	*ret_blocks = (struct nvme_blocks) {
		.nsid = nsid,
		.bytes = (UINT32_C(1) << format[2]) + (behind ? metadata : 0),
		.apart = metadata && !behind,
	};
	return 0;
}

/*
 * Safety: a command that only asks, of which every NVMe device fills NVME_IDENTIFY_SIZE bytes and
 * no more (NVMe 2.0 §5.17): @ret_said must have them. Of a file that is no NVMe device nothing is
 * asked: no other driver has the first request.
 */
static int raw_identify(int fd, uint8_t *ret_said, uint32_t *ret_nsid)
{
	int nsid = sys_ioctl(fd, NVME_IOCTL_ID, NULL);
	struct nvme_admin_cmd identify = {
		.opcode = 6,
		.nsid = (uint32_t)nsid,
		.addr = (uintptr_t)ret_said,
		.data_len = NVME_IDENTIFY_SIZE,
	};
	int r = nsid > 0 ? sys_ioctl(fd, NVME_IOCTL_ADMIN_CMD, &identify) : nsid;

	if (nsid <= 0 || r != 0)
		return r < 0 ? r : -EPROTO;
	*ret_nsid = (uint32_t)nsid;
	return 0;
}

int nvme_ask_blocks(int fd, struct nvme_blocks *ret_blocks)
{
	HWS_CLEANUP_FREE uint8_t *said = calloc(1, NVME_IDENTIFY_SIZE);
	struct stat file;
	uint32_t nsid = 0;
	int r = said ? sys_fstat(fd, &file) : -ENOMEM;

	if (r == 0 && !S_ISCHR(file.st_mode))
		r = -ENOTTY;
	/* SAFETY: there is room for all that it answers */
	r = r < 0 ? r : raw_identify(fd, said, &nsid);
	return r < 0 ? r : nvme_read_blocks(said, nsid, ret_blocks);
}
