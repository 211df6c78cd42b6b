/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The memory of a function that is held by VFIO, type 1. */
#include <errno.h>
#include <linux/vfio.h>
#include <sys/mman.h>
#include <sys/resource.h>

#include "shim/hold-internal.h"
#include "shim/native-vfio-internal.h"
#include "shim/sys-internal.h"
#include "shim/why-internal.h"

static int map_failed(uint64_t address, uint64_t size, int r)
{
	uint64_t limit = 0;

	switch (r) {
	case -ENOMEM:
		(void)!sys_getrlimit(RLIMIT_MEMLOCK, &limit);
		return why(
			r,
			"0x%llx bytes can't be locked for a device: RLIMIT_MEMLOCK is 0x%llx for "
			"all that this process locks; raise it (ulimit -l, LimitMEMLOCK=)",
			(unsigned long long)size, (unsigned long long)limit);
	case -ENOSPC:
		return why(r,
			   "the IOMMU takes no more mappings (vfio_iommu_type1.dma_entry_limit)");
	case -EEXIST:
		return why(r, "something is mapped at 0x%llx already", (unsigned long long)address);
	case -EFAULT:
		return why(r, "the memory can't be pinned: it is not there, or closed");
	default:
		return why(native_refusal(r), "0x%llx bytes at 0x%llx can't be mapped: %s",
			   (unsigned long long)size, (unsigned long long)address, strerror(-r));
	}
}

/* What the helper said that the policy allows. */
static int check_limits(const struct vfio_device *device, uint64_t size)
{
	const struct hws_hold_limits *limits = &device->limits;

	return device->maps < limits->maps && hws_range_ok(device->bytes, size, limits->bytes)
		       ? 0
		       : why(-EDQUOT,
			     "the helper's policy allows the function 0x%llx bytes in %llu mappings",
			     (unsigned long long)limits->bytes, (unsigned long long)limits->maps);
}

int native_dma_map(void *self, const struct hws_hold *hold, uint64_t address, void *memory,
		   uint64_t size, enum hws_rights rights)
{
	struct vfio_device *device = vfio_held(self, hold);
	struct vfio_iommu_type1_dma_map map = {
		.argsz = sizeof(map),
		.flags = (rights & HWS_R ? VFIO_DMA_MAP_FLAG_READ : 0) |
			 (rights & HWS_W ? VFIO_DMA_MAP_FLAG_WRITE : 0),
		.vaddr = (uintptr_t)memory,
		.iova = address,
		.size = size,
	};
	int r = device ? hold_check_map(hold, address, memory, size, rights) : -ENODEV;

	if (r == 0)
		r = check_limits(device, size);
	if (r < 0)
		return r;
	/*
	 * Before Linux 6.2 memory that was never written is pinned as the page of zeros when the
	 * device may only read: what is then written the device would never see. Where this can't
	 * be done (memory that may not be written, kernels before 5.14) there is nothing to lose.
	 */
	if (!(rights & HWS_W))
		(void)!sys_madvise(memory, size, MADV_POPULATE_WRITE);
	/* SAFETY: the memory is the caller's to give; the device gets these pages and no others */
	r = raw_vfio_call(device->container, VFIO_IOMMU_MAP_DMA, &map);
	if (r < 0)
		return map_failed(address, size, r);
	device->bytes += size;
	device->maps++;
	return 0;
}

int native_dma_unmap(void *self, const struct hws_hold *hold, uint64_t address, uint64_t size)
{
	struct vfio_device *device = vfio_held(self, hold);
	struct vfio_iommu_type1_dma_unmap unmap = { .argsz = sizeof(unmap),
						    .iova = address,
						    .size = size };
	int r;

	if (!device)
		return -ENODEV;
	/* SAFETY: takes from the device what the caller gave it */
	r = raw_vfio_call(device->container, VFIO_IOMMU_UNMAP_DMA, &unmap);
	if (r == 0 && unmap.size == size) {
		device->bytes -= size;
		device->maps--;
		return 0;
	}
	if (r == -EINVAL || (r == 0 && unmap.size == 0))
		return why(-ENOENT, "nothing of 0x%llx bytes is mapped at 0x%llx",
			   (unsigned long long)size, (unsigned long long)address);
	return why(r < 0 ? r : -EIO, "0x%llx bytes at 0x%llx: the kernel unmapped 0x%llx",
		   (unsigned long long)size, (unsigned long long)address,
		   (unsigned long long)unmap.size);
}
