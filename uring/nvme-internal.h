/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * How much an NVMe command moves. The device goes by the command alone: it takes the length from
 * there, not from what the kernel has mapped for it, and where that ends it follows whatever
 * addresses lie behind.
 */
#ifndef HWSAFE_URING_NVME_INTERNAL_H
#define HWSAFE_URING_NVME_INTERNAL_H

#include <linux/nvme_ioctl.h>

#include "uring/ring-internal.h"

/* What a ring for commands knows of namespaces. */
struct ring_nvme;

HWS_MUST int nvme_open(struct hws_ring *ring);
void nvme_close(struct hws_ring *ring);
/* From now on the place of registered files means this one; negative: none. */
void nvme_file(struct hws_ring *ring, uint32_t place, int fd);
/*
 * May the command be sent with so many bytes of a buffer? 0; -ERANGE: it would move more; -EINVAL:
 * nobody can tell, and the ring is not for that.
 */
HWS_MUST int nvme_check(struct hws_ring *ring, const struct hws_request *request,
			const struct nvme_uring_cmd *command);

#endif
