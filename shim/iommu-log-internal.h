/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The kernel's log tells which transfers an IOMMU stopped, in the words of each driver:
 *
 *	DMAR: [DMA Write NO_PASID] Request device [00:03.0] fault addr 0x100000 [fault reason 0x05]
 *	vfio-pci 0000:00:03.0: AMD-Vi: Event logged [IO_PAGE_FAULT domain=0x000e address=0x100000 …
 *	arm-smmu-v3 arm-smmu-v3.0.auto: event 0x10 received:
 *	arm-smmu-v3 arm-smmu-v3.0.auto:         0x0000001800000010
 *
 * and three more such words. A line may be anything; what is none of these is passed over.
 */
#ifndef HWSAFE_SHIM_IOMMU_LOG_INTERNAL_H
#define HWSAFE_SHIM_IOMMU_LOG_INTERNAL_H

#include "shim/shim.h"

/* What was read of an event of several lines; all zero: none. */
struct iommu_log {
	uint32_t words;	   /* so far */
	uint32_t expected; /* 0: no event has begun */
	uint64_t word[4];
};

/*
 * The next line, without its newline. True: with it a stopped transfer of @bdf is told, in
 * *ret_fault but for its sequence. No driver but AMD's names the domain: two functions that
 * differ only there are not told apart.
 */
HWS_MUST bool iommu_log_feed(struct iommu_log *log, const char *line, struct hws_bdf bdf,
			     struct hws_dma_fault *ret_fault);

#endif
