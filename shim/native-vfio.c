/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Functions held by VFIO, type 1: their memory, their interrupts, their reset.
 *
 * A holder finds the device as after a reset, and leaves it so: the kernel resets a function when
 * its first user opens it and when its last user closes it; where it had a user already, we do.
 * Until memory is mapped for it, it reaches none.
 */
#include <errno.h>
#include <linux/vfio.h>
#include <stdlib.h>

#include "shim/hold-internal.h"
#include "shim/native-vfio-internal.h"
#include "shim/sys-internal.h"
#include "shim/why-internal.h"

enum { COMMAND = 0x04, COMMAND_BUS_MASTER = 0x4 };

static const uint32_t irq_indexes[HWS_IRQ_MODES] = {
	[HWS_IRQ_INTX] = VFIO_PCI_INTX_IRQ_INDEX,
	[HWS_IRQ_MSI] = VFIO_PCI_MSI_IRQ_INDEX,
	[HWS_IRQ_MSIX] = VFIO_PCI_MSIX_IRQ_INDEX,
};

static int set_master(const struct vfio_device *device, bool on)
{
	uint16_t command;

	if (vfio_config_read(device, COMMAND, 2, &command) != 2)
		return why(-EIO, "the function's command register can't be read");
	command = (uint16_t)(on ? command | COMMAND_BUS_MASTER : command & ~COMMAND_BUS_MASTER);
	if (vfio_config_write(device, COMMAND, 2, &command) != 2)
		return why(-EIO, "the function's command register can't be written");
	return 0;
}

static int reset(const struct vfio_device *device)
{
	int r;

	if (!device->can_reset)
		return why(-EOPNOTSUPP, "the function knows no reset of its own");
	/* SAFETY: the function is the holder's alone */
	r = raw_vfio_call(device->fd, VFIO_DEVICE_RESET, NULL);
	return r < 0 ? why(r == -ENOTTY ? -EIO : r, "the function does not reset: %s", strerror(-r))
		     : 0;
}

static uint32_t least(uint32_t a, uint32_t b)
{
	return a < b ? a : b;
}

static void count_irqs(const struct vfio_device *device, uint32_t ret_irqs[HWS_IRQ_MODES])
{
	for (int mode = 0; mode < HWS_IRQ_MODES; mode++) {
		struct vfio_irq_info info = { .argsz = sizeof(info), .index = irq_indexes[mode] };
		/* SAFETY: only asks */
		int r = raw_vfio_call(device->fd, VFIO_DEVICE_GET_IRQ_INFO, &info);

		if (r == 0 && info.flags & VFIO_IRQ_INFO_EVENTFD)
			ret_irqs[mode] =
				least(info.count, least(HOLD_VECTORS, device->limits.vectors));
	}
}

/* Asked once for how much there is, then for all of it. */
static int ask_iommu(const struct vfio_device *device, struct hws_hold *hold)
{
	enum { MOST = 65536 };
	struct vfio_iommu_type1_info head = { .argsz = sizeof(head) };
	HWS_CLEANUP_FREE struct vfio_iommu_type1_info *info = NULL;
	uint32_t size;
	/* SAFETY: only asks */
	int r = raw_vfio_call(device->container, VFIO_IOMMU_GET_INFO, &head);

	size = head.argsz < sizeof(head) ? (uint32_t)sizeof(head) : head.argsz;
	if (r < 0 || size > MOST)
		return why(r < 0 ? r : -EIO, "the IOMMU can't be asked what it can do");
	info = calloc(1, size);
	if (!info)
		return why(-ENOMEM, "no memory for what the IOMMU tells");
	info->argsz = size;
	/* SAFETY: as above */
	r = raw_vfio_call(device->container, VFIO_IOMMU_GET_INFO, info);
	if (r < 0)
		return why(r, "the IOMMU can't be asked what it can do");
	vfio_read_info(info, size, hold);
	return 0;
}

/* Its hold gets a place, and a cookie that leads there. Under the lock. */
static int enter(struct native_vfio *vfio, struct vfio_device *device)
{
	uint64_t place = 0;

	/* relaxed: whoever stores one has the lock, as we do */
	while (place < NATIVE_HOLDS &&
	       atomic_load_explicit(&vfio->held[place].cookie, memory_order_relaxed))
		place++;
	if (place == NATIVE_HOLDS)
		return why(-EMFILE, "a context holds up to %d functions", NATIVE_HOLDS);
	device->hold = ++vfio->holds * NATIVE_HOLDS + place;
	vfio->held[place].device = device;
	/* release: pairs with vfio_held() */
	atomic_store_explicit(&vfio->held[place].cookie, device->hold, memory_order_release);
	return 0;
}

/* One holder of all that the device's users may be. */
static int claim(struct native *native, struct vfio_device *device, bool *ret_shared)
{
	char text[HWS_BDF_TEXT];
	bool taken;
	int r = 0;

	pthread_mutex_lock(&native->vfio.lock);
	taken = device->hold != 0;
	*ret_shared = device->refs > 1;
	if (!taken)
		r = enter(&native->vfio, device);
	pthread_mutex_unlock(&native->vfio.lock);
	return taken ? why(-EBUSY, "%s is held already, by this context",
			   hws_bdf_format(device->bdf, text))
		     : r;
}

static void disclaim(struct native *native, struct vfio_device *device)
{
	pthread_mutex_lock(&native->vfio.lock);
	/* relaxed: nobody uses the hold while it is closed; later it is only looked for in vain */
	atomic_store_explicit(&native->vfio.held[device->hold % NATIVE_HOLDS].cookie, 0,
			      memory_order_relaxed);
	device->hold = 0;
	pthread_mutex_unlock(&native->vfio.lock);
}

static int prepare(struct native *native, struct vfio_device *device, bool shared,
		   struct hws_hold *hold)
{
	int r = shared && device->can_reset ? reset(device) : 0;

	device->bytes = device->maps = 0;
	*hold = (struct hws_hold) { .cookie = device->hold,
				    .bdf = device->bdf,
				    .way = device->way,
				    .can_reset = device->can_reset };
	count_irqs(device, hold->irqs);
	r = r < 0 ? r : ask_iommu(device, hold);
	r = r < 0 ? r : set_master(device, true);
	if (r == 0)
		vfio_log_open(native->root, device);
	return r;
}

/* The device is taken, whatever comes of it. */
static int hold_device(struct native *native, struct vfio_device *device, struct hws_hold *ret_hold)
{
	struct hws_hold hold;
	bool shared;
	int r = claim(native, device, &shared);

	if (r == 0) {
		r = prepare(native, device, shared, &hold);
		if (r < 0)
			disclaim(native, device);
	}
	if (r < 0) {
		vfio_put(native, device);
		return r;
	}
	*ret_hold = hold;
	return 0;
}

int native_hold_open(void *self, struct hws_bdf bdf, struct hws_hold *ret_hold)
{
	struct vfio_device *device;
	int r = vfio_get(self, bdf, &device);

	return r < 0 ? r : hold_device(self, device, ret_hold);
}

int native_hold_fds(void *self, const struct hws_hold *hold, int32_t ret_fds[HWS_HOLD_FDS])
{
	const struct vfio_device *device = vfio_held(self, hold);

	if (!device)
		return -ENODEV;
	ret_fds[HWS_HOLD_DOMAIN] = device->container;
	ret_fds[HWS_HOLD_DEVICE] = device->fd;
	return 0;
}

int native_hold_adopt(void *self, struct hws_bdf bdf, const int32_t fds[HWS_HOLD_FDS],
		      const struct hws_hold_limits *limits, struct hws_hold *ret_hold)
{
	struct vfio_device *device;
	int r = vfio_adopt(self, bdf, fds, limits, &device);

	return r < 0 ? r : hold_device(self, device, ret_hold);
}

static int set_irqs(const struct vfio_device *device, enum hws_irq_mode mode, uint32_t flags,
		    const int32_t *eventfds, uint32_t count)
{
	struct vfio_irq_set head = {
		.argsz = sizeof(head), .flags = flags, .index = irq_indexes[mode], .count = count
	};
	/* the descriptors follow; of uint32_t, which the head is made of */
	uint32_t set[sizeof(head) / sizeof(uint32_t) + HOLD_VECTORS];

	if (eventfds) {
		head.argsz += (uint32_t)(count * sizeof(*eventfds));
		memcpy(set + sizeof(head) / sizeof(*set), eventfds, count * sizeof(*eventfds));
	}
	memcpy(set, &head, sizeof(head));
	/* SAFETY: interrupts only write to these eventfds */
	return raw_vfio_call(device->fd, VFIO_DEVICE_SET_IRQS, set);
}

static int unbind(struct vfio_device *device)
{
	int r = 0;

	if (device->irq_count > 0)
		r = set_irqs(device, device->irq_mode,
			     VFIO_IRQ_SET_DATA_NONE | VFIO_IRQ_SET_ACTION_TRIGGER, NULL, 0);
	device->irq_count = 0;
	return r;
}

static int unmap_all(const struct vfio_device *device)
{
	struct vfio_iommu_type1_dma_unmap all = { .argsz = sizeof(all),
						  .flags = VFIO_DMA_UNMAP_FLAG_ALL };

	/* SAFETY: takes from the device what its holder gave it */
	return raw_vfio_call(device->container, VFIO_IOMMU_UNMAP_DMA, &all);
}

void native_hold_close(void *self, struct hws_hold *hold)
{
	struct native *native = self;
	struct vfio_device *device = hold->cookie ? vfio_held(native, hold) : NULL;

	*hold = (struct hws_hold) { 0 };
	if (!device)
		return;
	/* it stops, it forgets, only then its memory goes; what one step fails the next mends */
	(void)set_master(device, false);
	(void)unbind(device);
	if (device->can_reset)
		(void)reset(device);
	(void)unmap_all(device);
	vfio_log_close(device);
	disclaim(native, device);
	vfio_put(native, device);
}

int native_hold_reset(void *self, const struct hws_hold *hold)
{
	const struct vfio_device *device = vfio_held(self, hold);

	return device ? reset(device) : -ENODEV;
}

static int bind_failed(uint32_t count, int r)
{
	if (r == -ENOSPC || r > 0) /* r: as many as it could have had */
		return why(-ENOSPC, "the machine has no %u interrupt vectors left", count);
	return why(r, "%u interrupt vectors can't be set up: %s", count, strerror(-r));
}

int native_irq_bind(void *self, const struct hws_hold *hold, enum hws_irq_mode mode,
		    const int32_t *eventfds, uint32_t count)
{
	struct vfio_device *device = vfio_held(self, hold);
	int r = device ? hold_check_irq(hold, mode, eventfds, count) : -ENODEV;

	if (r < 0)
		return r;
	r = unbind(device);
	if (r < 0)
		return why(r, "the interrupts bound before can't be given up: %s", strerror(-r));
	if (count == 0)
		return 0;
	r = set_irqs(device, mode, VFIO_IRQ_SET_DATA_EVENTFD | VFIO_IRQ_SET_ACTION_TRIGGER,
		     eventfds, count);
	if (r != 0)
		return bind_failed(count, r);
	device->irq_mode = mode;
	device->irq_count = count;
	return 0;
}

int native_irq_unmask(void *self, const struct hws_hold *hold, enum hws_irq_mode mode)
{
	const struct vfio_device *device = vfio_held(self, hold);
	int r;

	if (!device)
		return -ENODEV;
	if (device->irq_count == 0 || device->irq_mode != mode)
		return why(-EINVAL, "no such interrupt is bound");
	if (mode != HWS_IRQ_INTX)
		return 0; /* messages are never masked by coming */
	r = set_irqs(device, mode, VFIO_IRQ_SET_DATA_NONE | VFIO_IRQ_SET_ACTION_UNMASK, NULL, 1);
	return r < 0 ? why(r, "the interrupt can't be unmasked: %s", strerror(-r)) : 0;
}
