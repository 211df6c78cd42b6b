/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the kernel tells of an IOMMU: a struct, and a chain of capabilities behind it. */
#include <linux/vfio.h>

#include "shim/native-vfio-internal.h"
#include "shim/sys-internal.h"

enum {
	CHAIN = 32,	 /* no kernel has so many */
	ENTRIES = 65535, /* vfio_iommu_type1's own default */
};

/* Where kernels do not tell: what every IOMMU of 39 bits and more translates (VT-d 3.4 §3.15). */
static const struct hws_span below_interrupts = { 0, 0xfedfffff };

/* The bytes at @offset as a struct of that size; false: they are not all there. */
static bool take(const void *info, size_t size, uint64_t offset, void *ret, size_t of)
{
	if (!hws_range_ok(offset, of, size))
		return false;
	memcpy(ret, (const char *)info + offset, of);
	return true;
}

static void take_ranges(const void *info, size_t size, uint64_t at, struct hws_hold *hold)
{
	struct vfio_iommu_type1_info_cap_iova_range head;
	struct vfio_iova_range range;

	if (!take(info, size, at, &head, sizeof(head)))
		return;
	at += sizeof(head);
	hold->span_count = 0;
	for (uint32_t i = 0; i < head.nr_iovas && hold->span_count < HWS_HOLD_SPANS; i++) {
		if (!take(info, size, at + i * sizeof(range), &range, sizeof(range)))
			return;
		if (range.start <= range.end)
			hold->spans[hold->span_count++] =
				(struct hws_span) { range.start, range.end };
	}
}

static void take_available(const void *info, size_t size, uint64_t at, struct hws_hold *hold)
{
	struct vfio_iommu_type1_info_dma_avail available;

	if (take(info, size, at, &available, sizeof(available)))
		hold->max_maps = available.avail;
}

static const struct {
	uint16_t id;
	void (*take)(const void *info, size_t size, uint64_t at, struct hws_hold *hold);
} capabilities[] = {
	{ VFIO_IOMMU_TYPE1_INFO_CAP_IOVA_RANGE, take_ranges },
	{ VFIO_IOMMU_TYPE1_INFO_DMA_AVAIL, take_available },
};

void vfio_read_info(const void *info, size_t size, struct hws_hold *hold)
{
	struct vfio_iommu_type1_info head = { 0 };
	struct vfio_info_cap_header capability;
	uint64_t at = 0;

	hold->page = sys_page_size();
	hold->max_maps = ENTRIES;
	hold->spans[0] = below_interrupts;
	hold->span_count = 1;
	/* the struct grew over time: what an older kernel does not fill stays zero */
	memcpy(&head, info, size < sizeof(head) ? size : sizeof(head));
	if (head.flags & VFIO_IOMMU_INFO_PGSIZES && head.iova_pgsizes)
		hold->page = head.iova_pgsizes & -head.iova_pgsizes;
	if (head.flags & VFIO_IOMMU_INFO_CAPS)
		at = head.cap_offset;
	for (int i = 0; i < CHAIN && at != 0; i++, at = capability.next) {
		if (!take(info, size, at, &capability, sizeof(capability)))
			return;
		for (size_t c = 0; c < sizeof(capabilities) / sizeof(capabilities[0]); c++) {
			if (capabilities[c].id == capability.id)
				capabilities[c].take(info, size, at, hold);
		}
	}
}
