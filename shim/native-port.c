/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Ports, by the first way that works:
 *
 *   granted    a launcher had them opened before this program began; native speed
 *   ioperm     the kernel lets this thread at exactly the range; native speed
 *   vfio       the same BAR as below, where the kernel lets VFIO only: lockdown
 *   resourceN  the I/O BAR of a PCI function that holds the whole range
 *   /dev/port  byte accesses only: the kernel splits wider ones
 */
#include <fcntl.h>
#include <linux/major.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/sysmacros.h>

#include "shim/fault-internal.h"
#include "shim/native-vfio-internal.h"
#include "shim/sys-internal.h"
#include "shim/why-internal.h"

enum { PORT_MINOR = 4 }; /* of MEM_MAJOR */

struct ports;

struct way {
	const char *name;
	int (*open)(struct native *native, struct ports *ports, enum hws_rights rights);
	void (*close)(struct ports *ports);
	int (*read)(const struct ports *ports, uint16_t port, uint32_t width, uint32_t *ret_value);
	int (*write)(const struct ports *ports, uint16_t port, uint32_t width, uint32_t value);
};

/* One open range. */
struct ports {
	const struct way *way;
	char name[24];
	uint16_t first;
	uint32_t count;
	int fd;		/* of the file, for ways that have one */
	uint64_t start; /* where in the file the first port is */
	bool granted;
	struct ioperm_grant grant; /* ioperm */
	struct native *native;	   /* vfio */
	struct vfio_device *device;
};

static int ioperm_open(struct native *native, struct ports *ports, enum hws_rights rights)
{
	(void)rights;
	return native->root == SYS_REAL_ROOT
		       ? ioperm_acquire(ports->first, ports->count, &ports->grant)
		       : -ENOSYS;
}

static void ioperm_close(struct ports *ports)
{
	ioperm_release(&ports->grant);
}

static int not_held(uint16_t port)
{
	return why(-EPERM,
		   "this thread does not hold port 0x%x: another got it, or it was given up; "
		   "hws_privilege_acquire() gets it",
		   port);
}

/* Every thread has them from the start, and until it gives them up; then none gets them back. */
static int granted_open(struct native *native, struct ports *ports, enum hws_rights rights)
{
	(void)rights;
	ports->granted = grants_have_ports(native->grants, ports->first, ports->count);
	return ports->granted ? 0 : -ENOENT;
}

static void granted_close(struct ports *ports)
{
	ports->granted = false;
}

static int ioperm_read(const struct ports *ports, uint16_t port, uint32_t width,
		       uint32_t *ret_value)
{
	/* SAFETY: the range was granted to a caller who may read, and to this thread */
	if ((!ports->granted && !ioperm_held(port, width)) ||
	    raw_port_read(port, width, ret_value) < 0)
		return not_held(port);
	return 0;
}

static int ioperm_write(const struct ports *ports, uint16_t port, uint32_t width, uint32_t value)
{
	/* SAFETY: the range was granted to a caller who may write, and to this thread */
	if ((!ports->granted && !ioperm_held(port, width)) ||
	    raw_port_write(port, width, value) < 0)
		return not_held(port);
	return 0;
}

/*
 * Safety: reading a port may change the device behind it. Checked here: the port lies in the range
 * that was opened.
 */
static ssize_t raw_file_read(const struct ports *ports, uint16_t port, uint32_t width,
			     void *ret_bytes)
{
	return sys_pread(ports->fd, ret_bytes, width, ports->start + port - ports->first);
}

/* Safety: WRITES. The device may do anything. Checked here: as for reading. */
static ssize_t raw_file_write(const struct ports *ports, uint16_t port, uint32_t width,
			      const void *bytes)
{
	return sys_pwrite(ports->fd, bytes, width, ports->start + port - ports->first);
}

static int file_failed(const struct ports *ports, uint16_t port, ssize_t n)
{
	int r = n < 0 ? (int)n : -EIO;

	if (r == -EPERM)
		return why(-EPERM,
			   "port 0x%x by %s: the kernel refuses: lockdown; by VFIO it can be done "
			   "(bind the function to vfio-pci, open the port again)",
			   port, ports->name);
	return why(native_code(r), "port 0x%x by %s: %s", port, ports->name, native_cause(r));
}

static int file_read(const struct ports *ports, uint16_t port, uint32_t width, uint32_t *ret_value)
{
	uint32_t value = 0;
	/* SAFETY: the range was granted to a caller who may read it */
	ssize_t n = raw_file_read(ports, port, width, &value);

	if (n != (ssize_t)width)
		return file_failed(ports, port, n);
	*ret_value = value;
	return 0;
}

static int file_write(const struct ports *ports, uint16_t port, uint32_t width, uint32_t value)
{
	/* SAFETY: the range was granted to a caller who may write it */
	ssize_t n = raw_file_write(ports, port, width, &value);

	return n == (ssize_t)width ? 0 : file_failed(ports, port, n);
}

static void file_close(struct ports *ports)
{
	ports->fd = sys_close(ports->fd);
}

static int access_mode(enum hws_rights rights)
{
	return rights == HWS_RW ? O_RDWR : rights & HWS_W ? O_WRONLY : O_RDONLY;
}

/* Which BAR of the function, if any, is a range of ports that holds all of ours. */
static int io_bar(struct native *native, struct hws_bdf bdf, const struct ports *ports,
		  uint32_t *ret_base)
{
	struct hws_pci_bar bars[HWS_PCI_BARS];

	if (native_pci_bars(native, bdf, bars) < 0)
		return -ENOENT;
	for (int bar = 0; bar < HWS_PCI_BARS; bar++) {
		uint64_t base = bars[bar].base;

		if (bars[bar].flags & HWS_BAR_IO && base <= ports->first &&
		    base + bars[bar].size <= UINT16_MAX + UINT64_C(1) &&
		    hws_range_ok(ports->first - base, ports->count, bars[bar].size)) {
			*ret_base = (uint32_t)base;
			return bar;
		}
	}
	return -ENOENT;
}

/* The same of all functions, and where in it our ports begin. */
static int find_io_bar(struct native *native, const struct ports *ports, struct hws_bdf *ret_bdf,
		       uint64_t *ret_start)
{
	struct hws_bdf bdf;
	uint32_t base;

	for (int r = native_pci_next(native, NULL, &bdf); r == 0;
	     r = native_pci_next(native, &bdf, &bdf)) {
		int bar = io_bar(native, bdf, ports, &base);

		if (bar >= 0) {
			*ret_bdf = bdf;
			*ret_start = ports->first - base;
			return bar;
		}
	}
	return -ENOENT;
}

static bool locked_down(int root)
{
	char text[128];

	return sys_read_file(root, "/sys/kernel/security/lockdown", text, sizeof(text)) > 0 &&
	       !strstr(text, "[none]");
}

/* Opening a device resets it: only one that is open already, or where nothing else lets. */
static int vfio_open(struct native *native, struct ports *ports, enum hws_rights rights)
{
	struct vfio_region region;
	struct hws_bdf bdf;
	uint64_t in_bar;
	int bar = find_io_bar(native, ports, &bdf, &in_bar);
	int r = bar;

	if (bar < 0)
		return bar;
	ports->native = native;
	ports->device = vfio_get_open(native, bdf);
	if (!ports->device)
		r = rights & HWS_W && locked_down(native->root)
			    ? vfio_get(native, bdf, &ports->device)
			    : -ENOENT;
	if (r < 0)
		return r;
	r = vfio_region(ports->device, (uint32_t)bar, &region);
	if (r < 0) {
		vfio_put(native, ports->device);
		return r;
	}
	ports->start = region.start + in_bar;
	ports->fd = ports->device->fd;
	return 0;
}

static void vfio_close(struct ports *ports)
{
	vfio_put(ports->native, ports->device);
}

static int resource_open(struct native *native, struct ports *ports, enum hws_rights rights)
{
	struct hws_bdf bdf;
	int bar = find_io_bar(native, ports, &bdf, &ports->start);

	if (bar < 0)
		return bar;
	snprintf(ports->name, sizeof(ports->name), "resource%d", bar);
	ports->fd = native_open_of(native, bdf, ports->name, access_mode(rights));
	return ports->fd < 0 ? ports->fd : 0;
}

static int dev_port_open(struct native *native, struct ports *ports, enum hws_rights rights)
{
	if (!RAW_HAS_PORTS)
		return -EOPNOTSUPP;
	ports->start = ports->first;
	ports->fd = native_open_file(native, "/dev/port", access_mode(rights),
				     makedev(MEM_MAJOR, PORT_MINOR));
	return ports->fd < 0 ? ports->fd : 0;
}

static int only_bytes(void)
{
	return why(
		-EOPNOTSUPP,
		"/dev/port would split a wider access into bytes: CAP_SYS_RAWIO gives whole ones");
}

static int dev_port_read(const struct ports *ports, uint16_t port, uint32_t width,
			 uint32_t *ret_value)
{
	return width == 1 ? file_read(ports, port, width, ret_value) : only_bytes();
}

static int dev_port_write(const struct ports *ports, uint16_t port, uint32_t width, uint32_t value)
{
	return width == 1 ? file_write(ports, port, width, value) : only_bytes();
}

static const struct way ways[] = {
	{ "granted", granted_open, granted_close, ioperm_read, ioperm_write },
	{ IOPERM, ioperm_open, ioperm_close, ioperm_read, ioperm_write },
	{ "vfio", vfio_open, vfio_close, file_read, file_write },
	{ "resource", resource_open, file_close, file_read, file_write },
	{ "/dev/port", dev_port_open, file_close, dev_port_read, dev_port_write },
};
enum { WAYS = sizeof(ways) / sizeof(ways[0]) };

/* Why a way is none, in few words: three of them make a sentence. */
static const char *way_failed(int r)
{
	switch (r) {
	case -ENOSYS:
		return "this kernel has none";
	case -EPERM:
		return "CAP_SYS_RAWIO is missing, or lockdown";
	case -EACCES:
		return "the file mode keeps this user out";
	case -ENOENT:
		return "none";
	case -EMFILE:
		return "this thread holds too many ranges: close some";
	default:
		return native_cause(r);
	}
}

/* Of two failures the one that tells more: a refusal, then whatever is no mere absence. */
static int worse(int a, int b)
{
	bool absent = b == -ENOENT || b == -ENOSYS || b == -EOPNOTSUPP;

	if (native_code(b) == -EPERM)
		return -EPERM;
	return a == -EOPNOTSUPP && !absent ? native_code(b) : a;
}

static int try_ways(struct native *native, struct ports *ports, enum hws_rights rights)
{
	int failed[WAYS];
	int worst = -EOPNOTSUPP;

	for (int i = 0; i < WAYS; i++) {
		ports->way = &ways[i];
		snprintf(ports->name, sizeof(ports->name), "%s", ways[i].name);
		failed[i] = ways[i].open(native, ports, rights);
		if (failed[i] == 0)
			return 0;
		worst = worse(worst, failed[i]);
	}
	return why(worst, "ports 0x%x-0x%x: ioperm: %s; PCI I/O window: %s; /dev/port: %s",
		   ports->first, ports->first + ports->count - 1, way_failed(failed[1]),
		   way_failed(failed[3]), way_failed(failed[4]));
}

int native_port_open(void *self, uint16_t first, uint32_t count, enum hws_rights rights,
		     struct hws_window *ret_ports)
{
	HWS_CLEANUP_FREE struct ports *ports = NULL;
	int r = fault_arm();

	if (count == 0 || !hws_range_ok(first, count, UINT16_MAX + 1u))
		return why(-ERANGE, "%u ports from 0x%x: the last port is 0xffff", count, first);
	ports = calloc(1, sizeof(*ports));
	if (!ports)
		return why(-ENOMEM, "no memory for a range of ports");
	ports->first = first;
	ports->count = count;
	ports->fd = -1;
	r = r < 0 ? r : try_ways(self, ports, rights);
	if (r < 0)
		return r;
	*ret_ports = (struct hws_window) {
		.first = first,
		.size = count,
		.cookie = (uint64_t)(uintptr_t)ports,
		.way = ports->name,
	};
	(void)HWS_TAKE_PTR(ports); /* the window's now */
	return 0;
}

static struct ports *ports_of(const struct hws_window *window)
{
	return (struct ports *)(uintptr_t)window->cookie;
}

void native_port_close(void *self, struct hws_window *window)
{
	struct ports *ports = ports_of(window);

	(void)self;
	if (ports) {
		ports->way->close(ports);
		free(ports);
	}
	*window = (struct hws_window) { 0 };
}

int native_port_read(void *self, const struct hws_window *window, uint16_t port, uint32_t width,
		     uint32_t *ret_value)
{
	const struct ports *ports = ports_of(window);

	(void)self;
	*ret_value = (uint32_t)shim_ones(width);
	return ports->way->read(ports, port, width, ret_value);
}

int native_port_write(void *self, const struct hws_window *window, uint16_t port, uint32_t width,
		      uint32_t value)
{
	const struct ports *ports = ports_of(window);

	(void)self;
	return ports->way->write(ports, port, width, value);
}
