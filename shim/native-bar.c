/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <fcntl.h>
#include <stdio.h>
#include <sys/mman.h>

#include "shim/fault-internal.h"
#include "shim/native-vfio-internal.h"
#include "shim/sys-internal.h"
#include "shim/why-internal.h"

/*
 * Safety: maps registers of a device; reading or writing them may do anything. Checked here: the
 * pages lie inside the BAR, as far as the kernel told its size.
 */
static int raw_bar_map(int fd, uint64_t page_offset, size_t size, enum hws_rights rights,
		       void **ret_address)
{
	int prot = rights & HWS_W ? PROT_READ | PROT_WRITE : PROT_READ;

	return sys_mmap(NULL, size, prot, MAP_SHARED, fd, page_offset, ret_address);
}

static int open_resource(struct native *native, struct hws_bdf bdf, uint32_t bar,
			 enum hws_rights rights, char way[16])
{
	char path[NATIVE_PATH];
	char text[HWS_BDF_TEXT];
	int fd;

	snprintf(way, 16, "resource%u", bar);
	fd = grants_bar(native->grants, bdf, bar, rights);
	if (fd >= 0) {
		fd = sys_dup(fd);
		return fd < 0 ? why(fd, "the granted descriptor of BAR %u can't be had twice: %s",
				    bar, strerror(-fd))
			      : fd;
	}
	fd = native_open_of(native, bdf, way, rights & HWS_W ? O_RDWR : O_RDONLY);
	if (fd == -ENOENT)
		return why(-ENODEV, "%s has no BAR %u, or there is no such PCI function",
			   hws_bdf_format(bdf, text), bar);
	native_pci_path(bdf, way, path);
	return fd < 0 ? why(native_code(fd), "%s: %s", path, native_cause(fd)) : fd;
}

/*
 * -EINVAL has two causes: ports, and memory that a driver has asked for, which most kernels then
 * show to nobody else (CONFIG_IO_STRICT_DEVMEM).
 */
static int not_mappable(struct native *native, const char *way, struct hws_bdf bdf, uint32_t bar)
{
	struct hws_pci_bar bars[HWS_PCI_BARS];
	char text[HWS_BDF_TEXT];
	char driver[32];

	hws_bdf_format(bdf, text);
	native_pci_link(native, bdf, "driver", driver, sizeof(driver));
	if (!*driver || (native_pci_bars(native, bdf, bars) == 0 && bars[bar].flags & HWS_BAR_IO))
		return why(-EINVAL, "%s %s can't be mapped: a BAR of I/O ports is opened as ports",
			   text, way);
	return why(-EBUSY,
		   "%s %s: the kernel keeps it for driver %s, reading included: unbind that driver",
		   text, way, driver);
}

static int map_failed(struct native *native, const char *way, struct hws_bdf bdf, uint32_t bar,
		      int r)
{
	char text[HWS_BDF_TEXT];

	hws_bdf_format(bdf, text);
	if (r == -EINVAL)
		return not_mappable(native, way, bdf, bar);
	if (r == -EPERM)
		return why(-EPERM, "%s %s: the kernel refuses to map it: lockdown", text, way);
	return why(native_code(r), "%s %s can't be mapped: %s", text, way, native_cause(r));
}

/* How much of the BAR the window is: @size, or to its end. */
static int window_size(int fd, uint64_t offset, uint64_t size, uint64_t *ret_size)
{
	struct stat stat;
	int r = sys_fstat(fd, &stat);
	uint64_t whole = r < 0 ? 0 : (uint64_t)stat.st_size;

	if (r < 0)
		return why(native_code(r), "the size of the BAR can't be told: %s",
			   native_cause(r));
	if (size == 0 && offset < whole)
		size = whole - offset;
	if (size == 0 || !hws_range_ok(offset, size, whole))
		return why(-ERANGE, "the BAR has 0x%llx bytes; 0x%llx at 0x%llx are not inside",
			   (unsigned long long)whole, (unsigned long long)size,
			   (unsigned long long)offset);
	*ret_size = size;
	return 0;
}

static const char *const ways[] = { "resource0", "resource1", "resource2",
				    "resource3", "resource4", "resource5" };
enum { BARS = sizeof(ways) / sizeof(ways[0]) };

/*
 * Where in the pages of the BAR @offset lies. The kernel maps whole pages, from the one on that the
 * BAR begins in: a BAR smaller than a page may begin anywhere in it.
 */
static int find_in_pages(struct native *native, struct hws_bdf bdf, uint32_t bar, uint64_t offset,
			 uint64_t *ret_at)
{
	struct hws_pci_bar bars[HWS_PCI_BARS] = { 0 };
	char text[HWS_BDF_TEXT];
	int r = native_pci_bars(native, bdf, bars);

	/* a tree of files may tell nothing of where it lies: then it begins with a page */
	if (r < 0 && r != -ENOENT)
		return why(native_code(r), "%s: where BAR %u lies can't be told: %s",
			   hws_bdf_format(bdf, text), bar, native_cause(r));
	*ret_at = (bars[bar].base & (sys_page_size() - 1)) + offset;
	return 0;
}

/* By the file that sysfs has for the BAR. */
static int resource_map(struct native *native, struct hws_bdf bdf, uint32_t bar, uint64_t offset,
			uint64_t size, enum hws_rights rights, struct hws_window *ret_window)
{
	uint64_t in_page;
	uint64_t at = 0;
	char way[16];
	void *address;
	HWS_CLEANUP_FD int fd = -1;
	int r;

	fd = open_resource(native, bdf, bar, rights, way);
	if (fd < 0)
		return fd;
	r = window_size(fd, offset, size, &size);
	r = r < 0 ? r : find_in_pages(native, bdf, bar, offset, &at);
	if (r < 0)
		return r;
	in_page = at & (sys_page_size() - 1);
	/* SAFETY: the caller may use [offset, offset + size), which lies inside the BAR */
	r = raw_bar_map(fd, at - in_page, in_page + size, rights, &address);
	if (r < 0)
		return map_failed(native, way, bdf, bar, r);
	*ret_window = (struct hws_window) {
		.direct = (char *)address + in_page,
		.first = offset,
		.size = size,
		.cookie = in_page,
		.way = ways[bar],
	};
	return 0;
}

/* Whoever has the function open by VFIO gets its BARs there; so does who has no other way. */
int native_bar_map(void *self, struct hws_bdf bdf, uint32_t bar, uint64_t offset, uint64_t size,
		   enum hws_rights rights, struct hws_window *ret_window)
{
	struct vfio_device *device;
	int r = fault_arm();

	if (r < 0)
		return r;
	if (bar >= BARS)
		return why(-EINVAL, "BAR %u: a function has BARs 0 to 5", bar);
	device = vfio_get_open(self, bdf);
	if (!device) {
		r = resource_map(self, bdf, bar, offset, size, rights, ret_window);
		if (r != -EPERM)
			return r;
		r = vfio_get_instead(self, bdf, &device);
		if (r < 0)
			return r;
	}
	r = vfio_bar_map(self, device, bar, offset, size, rights, ret_window);
	if (r < 0)
		vfio_put(self, device);
	return r;
}

void native_bar_unmap(void *self, struct hws_window *window)
{
	(void)self;
	if (window->way == vfio_way) {
		vfio_bar_unmap(window);
		return;
	}
	if (window->direct)
		sys_munmap((char *)window->direct - window->cookie, window->size + window->cookie);
	*window = (struct hws_window) { 0 };
}

static int faulted(const struct hws_window *window)
{
	return why(-EIO, "the device behind %s did not answer: unplugged, or powered down",
		   window->way);
}

int native_mmio_read(void *self, const struct hws_window *window, uint64_t offset, uint32_t width,
		     uint64_t *ret_value)
{
	const char *from = (const char *)window->direct + offset;
	uint8_t v8;
	uint16_t v16;
	uint32_t v32;
	int r;

	(void)self;
	if (window->way == vfio_way && !window->direct) {
		*ret_value = shim_ones(width);
		return vfio_mmio_read(window, offset, width, ret_value);
	}
	/* SAFETY: the caller has checked offset, width and alignment against the window */
	switch (width) {
	case 1:
		r = raw_load8(from, &v8);
		*ret_value = v8;
		break;
	case 2:
		r = raw_load16(from, &v16);
		*ret_value = v16;
		break;
	case 4:
		r = raw_load32(from, &v32);
		*ret_value = v32;
		break;
	default:
		r = raw_load64(from, ret_value);
		break;
	}
	return r < 0 ? faulted(window) : 0;
}

int native_mmio_write(void *self, const struct hws_window *window, uint64_t offset, uint32_t width,
		      uint64_t value)
{
	char *to = (char *)window->direct + offset;
	int r;

	(void)self;
	if (window->way == vfio_way && !window->direct)
		return vfio_mmio_write(window, offset, width, value);
	/* SAFETY: the caller has checked offset, width, alignment and value */
	switch (width) {
	case 1:
		r = raw_store8(to, (uint8_t)value);
		break;
	case 2:
		r = raw_store16(to, (uint16_t)value);
		break;
	case 4:
		r = raw_store32(to, (uint32_t)value);
		break;
	default:
		r = raw_store64(to, value);
		break;
	}
	return r < 0 ? faulted(window) : 0;
}

static bool is_in(const struct hws_pci_bar *bar, const struct hws_span *pages)
{
	return bar->size && !(bar->flags & HWS_BAR_IO) && bar->base <= pages->last &&
	       bar->base + (bar->size - 1) >= pages->first;
}

/* How many BARs of memory, of all functions, have something in these pages. */
static int count_in(struct native *native, const struct hws_span *pages)
{
	struct hws_pci_bar bars[HWS_PCI_BARS];
	struct hws_bdf bdf;
	int count = 0;
	int r = native_pci_next(native, NULL, &bdf);

	for (; r == 0; r = native_pci_next(native, &bdf, &bdf)) {
		r = native_pci_bars(native, bdf, bars);
		if (r < 0 && r != -ENOENT && r != -ENODEV) /* unplugged in this moment */
			return r;
		if (r < 0)
			continue;
		for (int i = 0; i < HWS_PCI_BARS; i++)
			count += is_in(&bars[i], pages);
	}
	return r == -ENOENT ? count : r;
}

int native_bar_alone(void *self, struct hws_bdf bdf, uint32_t bar)
{
	uint64_t in_page = sys_page_size() - 1;
	struct hws_pci_bar bars[HWS_PCI_BARS];
	char text[HWS_BDF_TEXT];
	struct hws_span pages;
	int r = native_pci_bars(self, bdf, bars);

	if (r < 0 && r != -ENOENT)
		return why(native_code(r), "%s: where BAR %u lies can't be told: %s",
			   hws_bdf_format(bdf, text), bar, native_cause(r));
	/* a tree of files may not tell; ports are not mapped; most are as large as their pages */
	if (r < 0 || bars[bar].flags & HWS_BAR_IO || !((bars[bar].base | bars[bar].size) & in_page))
		return 0;
	pages = (struct hws_span) { bars[bar].base & ~in_page,
				    (bars[bar].base + (bars[bar].size - 1)) | in_page };
	if (pages.first == bars[bar].base && count_in(self, &pages) == 1)
		return 0;
	return why(-EOPNOTSUPP,
		   "BAR %u of %s shares a page of memory with others: a descriptor would reach "
		   "those, too",
		   bar, hws_bdf_format(bdf, text));
}

int native_bar_fd(void *self, struct hws_bdf bdf, uint32_t bar, enum hws_rights rights,
		  uint64_t *ret_size)
{
	char way[16];
	char text[HWS_BDF_TEXT];
	HWS_CLEANUP_FD int fd = -1;
	int r;

	if (bar >= BARS)
		return why(-EINVAL, "BAR %u: a function has BARs 0 to 5", bar);
	if (native_has_open(self, bdf))
		return why(-EBUSY, "%s is open by VFIO: its BARs can't be mapped by their files",
			   hws_bdf_format(bdf, text));
	r = native_bar_alone(self, bdf, bar);
	if (r < 0)
		return r;
	fd = open_resource(self, bdf, bar, rights, way);
	r = fd < 0 ? fd : window_size(fd, 0, 0, ret_size);
	return r < 0 ? r : HWS_TAKE_FD(fd);
}
