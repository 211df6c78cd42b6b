/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* BARs: by a descriptor that the helper sends, and mapped here; or access by access. */
#include <errno.h>
#include <stdlib.h>
#include <sys/mman.h>

#include "shim/broker-internal.h"
#include "shim/fault-internal.h"
#include "shim/shim-internal.h"
#include "shim/sys-internal.h"
#include "shim/why-internal.h"

/* A window that is not here is known by what its accesses name: the function and its BAR. */
static const char far_way[] = "helper";
struct far {
	struct hws_bdf bdf;
	uint32_t bar;
};

/*
 * Safety: maps registers of a device; reading or writing them may do anything. Checked here: the
 * file holds the whole window.
 */
static int raw_map(int fd, const struct hws_window *window, enum hws_rights rights,
		   void **ret_address)
{
	uint64_t in_page = window->first & (sys_page_size() - 1);
	int prot = rights & HWS_W ? PROT_READ | PROT_WRITE : PROT_READ;
	struct stat stat;
	int r = sys_fstat(fd, &stat);

	if (r == 0 && !hws_range_ok(window->first, window->size, (uint64_t)stat.st_size))
		r = -ERANGE;
	return r < 0 ? r
		     : sys_mmap(NULL, in_page + window->size, prot, MAP_SHARED, fd,
				window->first - in_page, ret_address);
}

static int map_near(int fd, enum hws_rights rights, struct hws_window *window)
{
	uint64_t in_page = window->first & (sys_page_size() - 1);
	void *address;
	int r = fault_arm();

	/* SAFETY: the helper granted [first, first + size) of this BAR with these rights */
	r = r < 0 ? r : raw_map(fd, window, rights, &address);
	if (r < 0)
		return why(r, "the helper's descriptor of the BAR can't be mapped: %s",
			   strerror(-r));
	window->direct = (char *)address + in_page;
	window->cookie = in_page;
	window->way = "helper: mapped";
	return 0;
}

static int keep_far(struct hws_bdf bdf, uint32_t bar, struct hws_window *window)
{
	struct far *far = malloc(sizeof(*far));

	if (!far)
		return why(-ENOMEM, "no memory for a window");
	*far = (struct far) { bdf, bar };
	window->cookie = (uint64_t)(uintptr_t)far;
	window->way = far_way;
	return 0;
}

int broker_bar_map(void *self, struct hws_bdf bdf, uint32_t bar, uint64_t offset, uint64_t size,
		   enum hws_rights rights, struct hws_window *ret_window)
{
	struct broker *broker = self;
	const struct hws_wire_window *got = wire_reply_body(&broker->reply);
	struct hws_wire_bar *ask = broker_begin(broker, HWS_WIRE_BAR, 0);
	struct hws_window window = { .first = offset };
	HWS_CLEANUP_FD int fd = -1;
	int r;

	*ask = (struct hws_wire_bar) { wire_put_bdf(bdf), bar, rights, offset, size };
	r = broker_ask(broker, &fd);
	window.size = got->size;
	broker_end(broker);
	if (r == 0 && (!window.size || !hws_range_ok(offset, window.size, INT64_MAX)))
		r = why(-EIO, "the helper says that the window has no size");
	if (r == 0)
		r = fd >= 0 && native_ops.mmio_read ? map_near(fd, rights, &window)
						    : keep_far(bdf, bar, &window);
	/* who holds the function has its BARs by VFIO, and the kernel shows them nowhere else */
	if (r == -EINVAL && broker->native)
		r = native_ops.bar_map(broker->native, bdf, bar, offset, window.size, rights,
				       &window);
	if (r == 0)
		*ret_window = window;
	return r;
}

void broker_bar_unmap(void *self, struct hws_window *window)
{
	if (window->way == far_way) {
		free((void *)(uintptr_t)window->cookie);
		*window = (struct hws_window) { 0 };
	} else {
		native_ops.bar_unmap(self, window);
	}
}

static struct hws_shim_step in_bar(const struct hws_window *window, uint64_t offset, uint32_t width)
{
	const struct far *far = (const void *)(uintptr_t)window->cookie;

	return (struct hws_shim_step) { .space = HWS_SHIM_BAR,
					.width = width,
					.bdf = far->bdf,
					.bar = far->bar,
					.at = window->first + offset };
}

int broker_mmio_read(void *self, const struct hws_window *window, uint64_t offset, uint32_t width,
		     uint64_t *ret_value)
{
	if (window->way != far_way)
		return native_ops.mmio_read(NULL, window, offset, width, ret_value);
	return broker_one(self, in_bar(window, offset, width), ret_value);
}

int broker_mmio_write(void *self, const struct hws_window *window, uint64_t offset, uint32_t width,
		      uint64_t value)
{
	struct hws_shim_step step;

	if (window->way != far_way)
		return native_ops.mmio_write(NULL, window, offset, width, value);
	step = in_bar(window, offset, width);
	step.verb = HWS_SHIM_WRITE;
	step.value = value;
	return broker_one(self, step, NULL);
}
