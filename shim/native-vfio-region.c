/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The regions of a VFIO device: configuration space and BARs by its descriptor. */
#include <errno.h>
#include <linux/vfio.h>

#include "shim/native-vfio-internal.h"
#include "shim/sys-internal.h"
#include "shim/why-internal.h"

int vfio_region(const struct vfio_device *device, uint32_t index,
		struct vfio_region_info *ret_region)
{
	struct vfio_region_info region = { .argsz = sizeof(region), .index = index };
	char text[HWS_BDF_TEXT];
	int r = -EINVAL;

	if (index < device->regions) {
		/* SAFETY: only asks */
		r = raw_vfio_call(device->fd, VFIO_DEVICE_GET_REGION_INFO, &region);
	}
	if (r < 0 || region.size == 0)
		return why(-ENODEV, "%s has no region %u for VFIO",
			   hws_bdf_format(device->bdf, text), index);
	*ret_region = region;
	return 0;
}

/*
 * Safety: reading configuration space changes nothing in a device that keeps to the standard
 * (PCI 3.0 §6.1). Checked here: nothing.
 */
static ssize_t raw_vfio_read(int fd, uint64_t offset, uint32_t width, void *ret_bytes)
{
	return sys_pread(fd, ret_bytes, width, offset);
}

/* Safety: WRITES. The kernel lets through what can't harm others. Checked here: nothing. */
static ssize_t raw_vfio_write(int fd, uint64_t offset, uint32_t width, const void *bytes)
{
	return sys_pwrite(fd, bytes, width, offset);
}

ssize_t vfio_config_read(const struct vfio_device *device, uint32_t offset, uint32_t width,
			 void *ret_bytes)
{
	/* SAFETY: reading configuration space changes nothing */
	return raw_vfio_read(device->fd, device->config + offset, width, ret_bytes);
}

ssize_t vfio_config_write(const struct vfio_device *device, uint32_t offset, uint32_t width,
			  const void *bytes)
{
	/* SAFETY: offset and value were chosen by a caller who was allowed to write them */
	return raw_vfio_write(device->fd, device->config + offset, width, bytes);
}
