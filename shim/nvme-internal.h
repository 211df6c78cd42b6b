/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What an NVMe namespace says of its blocks: how much a command that counts them moves. */
#ifndef HWSAFE_SHIM_NVME_INTERNAL_H
#define HWSAFE_SHIM_NVME_INTERNAL_H

#include "shim/base.h"

enum { NVME_IDENTIFY_SIZE = 4096 };

struct nvme_blocks {
	uint32_t nsid;	/* the namespace; 0: nothing is known of it */
	uint32_t bytes; /* that one block moves, with the metadata that stands behind it */
	bool apart;	/* it has metadata elsewhere, by an address of its own in the command */
};

/* What IDENTIFY says of the namespace; -EPROTO: that can't be. */
HWS_MUST int nvme_read_blocks(const uint8_t said[NVME_IDENTIFY_SIZE], uint32_t nsid,
			      struct nvme_blocks *ret_blocks);

/*
 * Asks the namespace whose character device is open as @fd, and waits for its answer. 0; -ENOTTY:
 * it is none; -EPROTO; or why it can't be asked.
 */
HWS_MUST int nvme_ask_blocks(int fd, struct nvme_blocks *ret_blocks);

#endif
