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

/* What a window's accesses name, if they are not done here; how it is open, if they are. */
struct far {
	struct hws_bdf bdf;
	uint32_t bar;
	uint64_t in_page;	/* of what is mapped: where in its first page it begins */
	struct hws_window held; /* of the native back end, where the function is held whole */
};

static struct far *far_of(const struct hws_window *window)
{
	return (void *)(uintptr_t)window->cookie;
}

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

static int map_near(int fd, enum hws_rights rights, struct far *far, struct hws_window *window)
{
	void *address;
	int r = fault_arm();

	far->in_page = window->first & (sys_page_size() - 1);
	/* SAFETY: the helper granted [first, first + size) of this BAR with these rights */
	r = r < 0 ? r : raw_map(fd, window, rights, &address);
	if (r < 0)
		return why(r, "the helper's descriptor of the BAR can't be mapped: %s",
			   strerror(-r));
	window->direct = (char *)address + far->in_page;
	window->way = "helper: mapped";
	return 0;
}

/* Who holds the function has its BARs by VFIO, and the kernel shows them nowhere else. */
static int map_held(void *native, enum hws_rights rights, struct far *far,
		    struct hws_window *window)
{
	int r = native_ops.bar_map(native, far->bdf, far->bar, window->first, window->size, rights,
				   &far->held);

	if (r < 0)
		return r;
	window->direct = far->held.direct;
	window->way = far->held.way;
	return 0;
}

static int keep_window(void *native, int fd, enum hws_rights rights, struct far where,
		       struct hws_window *window)
{
	HWS_CLEANUP_FREE struct far *far = malloc(sizeof(*far));
	int r = 0;

	if (!far)
		return why(-ENOMEM, "no memory for a window");
	*far = where;
	window->way = "helper";
	if (native && native_has_open(native, where.bdf))
		r = map_held(native, rights, far, window);
	else if (fd >= 0 && native_ops.mmio_read)
		r = map_near(fd, rights, far, window);
	/* the kernel lets nobody map it, or not any more: the helper, which has it, reaches it */
	if (r == -EPERM || r == -EINVAL)
		r = 0;
	if (r == 0)
		window->cookie = (uint64_t)(uintptr_t)HWS_TAKE_PTR(far);
	return r;
}

int broker_bar_map(void *self, struct hws_bdf bdf, uint32_t bar, uint64_t offset, uint64_t size,
		   enum hws_rights rights, struct hws_window *ret_window)
{
	struct broker *broker = self;
	const struct hws_wire_window *got = wire_reply_body(&broker->reply);
	struct hws_wire_bar *ask = broker_begin(broker, HWS_WIRE_BAR, 0);
	struct hws_window window = { .first = offset };
	HWS_CLEANUP_FD int fd = -1;
	void *native;
	int r;

	*ask = (struct hws_wire_bar) { wire_put_bdf(bdf), bar, rights, offset, size };
	r = broker_ask(broker, &fd);
	window.size = got->size;
	native = broker->native;
	broker_end(broker);
	if (r == 0 && (!window.size || !hws_range_ok(offset, window.size, INT64_MAX)))
		r = why(-EIO, "the helper says that the window has no size");
	if (r == 0)
		r = keep_window(native, fd, rights, (struct far) { .bdf = bdf, .bar = bar },
				&window);
	if (r == 0)
		*ret_window = window;
	return r;
}

void broker_bar_unmap(void *self, struct hws_window *window)
{
	struct far *far = far_of(window);

	if (far->held.way)
		native_ops.bar_unmap(((struct broker *)self)->native, &far->held);
	else if (window->direct)
		sys_munmap((char *)window->direct - far->in_page, window->size + far->in_page);
	free(far);
	*window = (struct hws_window) { 0 };
}

static struct hws_shim_step in_bar(const struct hws_window *window, uint64_t offset, uint32_t width)
{
	const struct far *far = far_of(window);

	return (struct hws_shim_step) { .space = HWS_SHIM_BAR,
					.width = width,
					.bdf = far->bdf,
					.bar = far->bar,
					.at = window->first + offset };
}

/* The window as the native back end has it; NULL: it is not here. */
static const struct hws_window *near_of(const struct hws_window *window)
{
	if (far_of(window)->held.way)
		return &far_of(window)->held;
	return window->direct ? window : NULL;
}

int broker_mmio_read(void *self, const struct hws_window *window, uint64_t offset, uint32_t width,
		     uint64_t *ret_value)
{
	const struct hws_window *near = near_of(window);

	if (near)
		return native_ops.mmio_read(NULL, near, offset, width, ret_value);
	return broker_one(self, in_bar(window, offset, width), ret_value);
}

/* In a transaction the helper must know what is written: it undoes that if we die. */
int broker_mmio_write(void *self, const struct hws_window *window, uint64_t offset, uint32_t width,
		      uint64_t value)
{
	const struct hws_window *near = near_of(window);
	struct broker *broker = self;
	struct hws_shim_step step;

	/* relaxed: a transaction of another thread's decides nothing about this one's writes */
	if (near && !atomic_load_explicit(&broker->txns, memory_order_relaxed))
		return native_ops.mmio_write(NULL, near, offset, width, value);
	step = in_bar(window, offset, width);
	step.verb = HWS_SHIM_WRITE;
	step.value = value;
	return broker_one(self, step, NULL);
}
