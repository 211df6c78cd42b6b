/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the kernel tells of an IOMMU or a region: a struct, and a chain of capabilities. */
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

/* What is read of a capability at @at; whatever is not there is left alone. */
struct reader {
	uint16_t id;
	void (*read)(const void *info, size_t size, uint64_t at, void *ret);
};

/* The chain may be anything: it is followed so far and no further. */
static void read_chain(const void *info, size_t size, uint64_t at, const struct reader *readers,
		       void *ret)
{
	struct vfio_info_cap_header capability;

	for (int i = 0; i < CHAIN && at != 0; i++, at = capability.next) {
		if (!take(info, size, at, &capability, sizeof(capability)))
			return;
		for (const struct reader *reader = readers; reader->read; reader++) {
			if (reader->id == capability.id)
				reader->read(info, size, at, ret);
		}
	}
}

static void read_ranges(const void *info, size_t size, uint64_t at, void *ret)
{
	struct vfio_iommu_type1_info_cap_iova_range head;
	struct vfio_iova_range range;
	struct hws_hold *hold = ret;

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

static void read_available(const void *info, size_t size, uint64_t at, void *ret)
{
	struct vfio_iommu_type1_info_dma_avail available;
	struct hws_hold *hold = ret;

	if (take(info, size, at, &available, sizeof(available)))
		hold->max_maps = available.avail;
}

static const struct reader of_iommu[] = {
	{ VFIO_IOMMU_TYPE1_INFO_CAP_IOVA_RANGE, read_ranges },
	{ VFIO_IOMMU_TYPE1_INFO_DMA_AVAIL, read_available },
	{ 0, NULL },
};

void vfio_read_info(const void *info, size_t size, struct hws_hold *hold)
{
	struct vfio_iommu_type1_info head = { 0 };

	hold->page = sys_page_size();
	hold->max_maps = ENTRIES;
	hold->spans[0] = below_interrupts;
	hold->span_count = 1;
	/* the struct grew over time: what an older kernel does not fill stays zero */
	memcpy(&head, info, size < sizeof(head) ? size : sizeof(head));
	if (head.flags & VFIO_IOMMU_INFO_PGSIZES && head.iova_pgsizes)
		hold->page = head.iova_pgsizes & -head.iova_pgsizes;
	if (head.flags & VFIO_IOMMU_INFO_CAPS)
		read_chain(info, size, head.cap_offset, of_iommu, hold);
}

static void read_areas(const void *info, size_t size, uint64_t at, void *ret)
{
	struct vfio_region_info_cap_sparse_mmap head;
	struct vfio_region_sparse_mmap_area area;
	struct vfio_region *region = ret;

	region->maps = false; /* but for what now follows */
	if (!take(info, size, at, &head, sizeof(head)))
		return;
	at += sizeof(head);
	for (uint32_t i = 0; i < head.nr_areas && region->area_count < VFIO_AREAS; i++) {
		if (!take(info, size, at + i * sizeof(area), &area, sizeof(area)))
			return;
		if (area.size > 0 && hws_range_ok(area.offset, area.size, region->size))
			region->areas[region->area_count++] =
				(struct hws_span) { area.offset, area.offset + area.size - 1 };
	}
}

static const struct reader of_region[] = {
	{ VFIO_REGION_INFO_CAP_SPARSE_MMAP, read_areas },
	{ 0, NULL },
};

void vfio_read_region(const void *info, size_t size, struct vfio_region *ret_region)
{
	struct vfio_region_info head = { 0 };

	memcpy(&head, info, size < sizeof(head) ? size : sizeof(head));
	*ret_region = (struct vfio_region) { .start = head.offset,
					     .size = head.size,
					     .maps = head.flags & VFIO_REGION_INFO_FLAG_MMAP };
	if (ret_region->maps && head.flags & VFIO_REGION_INFO_FLAG_CAPS)
		read_chain(info, size, head.cap_offset, of_region, ret_region);
}
