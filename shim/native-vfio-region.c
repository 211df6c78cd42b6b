/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The regions of a VFIO device: configuration space and BARs by its descriptor. */
#include <errno.h>
#include <linux/vfio.h>
#include <stdlib.h>
#include <sys/mman.h>

#include "shim/native-vfio-internal.h"
#include "shim/sys-internal.h"
#include "shim/why-internal.h"

const char vfio_way[] = "vfio";

enum { BARS = 6 };

/* A window's cookie leads here. */
struct vfio_window {
	struct native *native;
	struct vfio_device *device;
	uint64_t start;	 /* where in the device's descriptor */
	char *map;	 /* NULL: it can't be mapped */
	size_t map_size; /* whole pages */
};

/* Asked once for how much there is to tell, then for all of it. */
static int ask(const struct vfio_device *device, uint32_t index, struct vfio_region *ret_region)
{
	enum { MOST = 65536 };
	struct vfio_region_info head = { .argsz = sizeof(head), .index = index };
	HWS_CLEANUP_FREE struct vfio_region_info *info = NULL;
	uint32_t size;
	/* SAFETY: only asks */
	int r = raw_vfio_call(device->fd, VFIO_DEVICE_GET_REGION_INFO, &head);

	size = head.argsz < sizeof(head) ? (uint32_t)sizeof(head) : head.argsz;
	if (r < 0 || size > MOST)
		return r < 0 ? r : -EIO;
	info = calloc(1, size);
	if (!info)
		return -ENOMEM;
	info->argsz = size;
	info->index = index;
	/* SAFETY: as above */
	r = raw_vfio_call(device->fd, VFIO_DEVICE_GET_REGION_INFO, info);
	if (r == 0)
		vfio_read_region(info, size, ret_region);
	return r;
}

int vfio_region(const struct vfio_device *device, uint32_t index, struct vfio_region *ret_region)
{
	struct vfio_region region = { 0 };
	char text[HWS_BDF_TEXT];
	int r = index < device->regions ? ask(device, index, &region) : -EINVAL;

	hws_bdf_format(device->bdf, text);
	if (r < 0 && r != -EINVAL)
		return why(r, "%s: VFIO tells nothing of its region %u: %s", text, index,
			   strerror(-r));
	if (region.size == 0)
		return why(-ENODEV, "%s has no BAR %u, or VFIO keeps it to itself", text, index);
	*ret_region = region;
	return 0;
}

/*
 * Safety: reading configuration space changes nothing in a device that keeps to the standard
 * (PCI 3.0 §6.1); reading a BAR may change the device. Checked here: nothing; the kernel keeps what
 * lies beyond the region.
 */
static ssize_t raw_vfio_read(int fd, uint64_t offset, uint32_t width, void *ret_bytes)
{
	return sys_pread(fd, ret_bytes, width, offset);
}

/*
 * Safety: WRITES. The device may do anything but harm others: of configuration space the kernel
 * lets through what can't. Checked here: nothing.
 */
static ssize_t raw_vfio_write(int fd, uint64_t offset, uint32_t width, const void *bytes)
{
	return sys_pwrite(fd, bytes, width, offset);
}

/*
 * Safety: maps registers of a device; reading or writing them may do anything. Checked here:
 * nothing; the kernel keeps what lies beyond the region.
 */
static int raw_vfio_map(int fd, uint64_t offset, size_t size, enum hws_rights rights,
			void **ret_address)
{
	int prot = rights & HWS_W ? PROT_READ | PROT_WRITE : PROT_READ;

	return sys_mmap(NULL, size, prot, MAP_SHARED, fd, offset, ret_address);
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

/* Can these bytes be mapped? They must lie in one area as a whole. */
static bool can_map(const struct vfio_region *region, uint64_t offset, uint64_t size)
{
	for (uint32_t i = 0; i < region->area_count; i++) {
		const struct hws_span *area = &region->areas[i];

		if (offset >= area->first && offset <= area->last &&
		    size - 1 <= area->last - offset)
			return true;
	}
	return region->maps;
}

/* Maps what can be mapped; what can't goes through the descriptor. */
static void map_window(struct vfio_window *window, const struct vfio_region *region,
		       uint64_t offset, uint64_t size, enum hws_rights rights)
{
	uint64_t in_page = offset & (sys_page_size() - 1);
	void *address;

	if (!can_map(region, offset - in_page, in_page + size))
		return;
	/* SAFETY: the caller may use [offset, offset + size), which lies inside the region */
	if (raw_vfio_map(window->device->fd, window->start - in_page, in_page + size, rights,
			 &address) < 0)
		return;
	window->map = address;
	window->map_size = in_page + size;
}

static int check_bar(const struct vfio_device *device, uint32_t bar, uint64_t offset,
		     uint64_t *size, struct vfio_region *ret_region)
{
	enum { BAR_0 = 0x10, BAR_IO = 1 };
	uint32_t base = 0;
	int r = bar < BARS ? vfio_region(device, bar, ret_region)
			   : why(-EINVAL, "BAR %u: a function has BARs 0 to 5", bar);

	if (r < 0)
		return r;
	if (vfio_config_read(device, BAR_0 + 4 * bar, 4, &base) == 4 && base & BAR_IO)
		return why(-EINVAL, "BAR %u: a BAR of I/O ports is opened as ports", bar);
	if (*size == 0 && offset < ret_region->size)
		*size = ret_region->size - offset;
	if (*size == 0 || !hws_range_ok(offset, *size, ret_region->size))
		return why(-ERANGE, "the BAR has 0x%llx bytes; 0x%llx at 0x%llx are not inside",
			   (unsigned long long)ret_region->size, (unsigned long long)*size,
			   (unsigned long long)offset);
	return 0;
}

int vfio_bar_map(struct native *native, struct vfio_device *device, uint32_t bar, uint64_t offset,
		 uint64_t size, enum hws_rights rights, struct hws_window *ret_window)
{
	struct vfio_region region;
	struct vfio_window *window;
	int r = check_bar(device, bar, offset, &size, &region);

	if (r < 0)
		return r;
	window = calloc(1, sizeof(*window));
	if (!window)
		return why(-ENOMEM, "no memory for a window");
	*window = (struct vfio_window) { native, device, region.start + offset, NULL, 0 };
	map_window(window, &region, offset, size, rights);
	*ret_window = (struct hws_window) {
		.direct = window->map ? window->map + window->map_size - size : NULL,
		.first = offset,
		.size = size,
		.cookie = (uintptr_t)window,
		.way = vfio_way,
	};
	return 0;
}

static struct vfio_window *window_of(const struct hws_window *window)
{
	return (struct vfio_window *)(uintptr_t)window->cookie;
}

void vfio_bar_unmap(struct hws_window *window)
{
	struct vfio_window *mine = window_of(window);

	if (mine->map)
		sys_munmap(mine->map, mine->map_size);
	vfio_put(mine->native, mine->device);
	free(mine);
	*window = (struct hws_window) { 0 };
}

static int check_width(uint32_t width)
{
	return width > 4 ? why(-EOPNOTSUPP, "VFIO would split an access of 8 bytes here") : 0;
}

static int failed(ssize_t n)
{
	return why(n == -EPERM || n == -EACCES ? -EPERM : -EIO,
		   "the device did not answer by VFIO: %s", strerror(n < 0 ? (int)-n : EIO));
}

int vfio_mmio_read(const struct hws_window *window, uint64_t offset, uint32_t width,
		   uint64_t *ret_value)
{
	const struct vfio_window *mine = window_of(window);
	uint32_t value = 0;
	ssize_t n = check_width(width);

	if (n < 0)
		return (int)n;
	/* SAFETY: the caller has checked offset, width and alignment against the window */
	n = raw_vfio_read(mine->device->fd, mine->start + offset, width, &value);
	if (n != (ssize_t)width)
		return failed(n);
	*ret_value = value;
	return 0;
}

int vfio_mmio_write(const struct hws_window *window, uint64_t offset, uint32_t width,
		    uint64_t value)
{
	const struct vfio_window *mine = window_of(window);
	ssize_t n = check_width(width);

	if (n < 0)
		return (int)n;
	/* SAFETY: the caller has checked offset, width, alignment and value */
	n = raw_vfio_write(mine->device->fd, mine->start + offset, width, &value);
	return n == (ssize_t)width ? 0 : failed(n);
}
