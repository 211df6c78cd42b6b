/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The devices that a context has open by VFIO: shared by their users, found, released. */
#include <errno.h>
#include <linux/vfio.h>
#include <stdio.h>
#include <stdlib.h>

#include "shim/native-vfio-internal.h"
#include "shim/sys-internal.h"
#include "shim/why-internal.h"

static bool same(struct hws_bdf a, struct hws_bdf b)
{
	return a.domain == b.domain && a.bus == b.bus && a.device == b.device &&
	       a.function == b.function;
}

/* The last descriptor that goes: the kernel then stops and resets the device, and unmaps all. */
static void release(struct vfio_device *device)
{
	sys_close(device->fd);
	sys_close(device->group);
	sys_close(device->container);
	if (device->grant)
		grants_hold_give(device->grant);
	free(device);
}

static int open_by_group(struct native *native, struct vfio_device *device)
{
	uint32_t group;
	int r = vfio_find_group(native->root, device->bdf, &group);

	r = r < 0 ? r : vfio_open_group(native->root, group, device);
	return r < 0 ? r : vfio_open_device(device);
}

/* The launcher's descriptors stay, so that the function can be held again. */
static int open_by_grant(const struct hws_grants_hold *grant, struct vfio_device *device)
{
	int r = grants_hold_take(grant);

	if (r < 0)
		return r;
	device->grant = grant; /* given back from now on */
	device->way = "granted";
	device->container = sys_dup(grant->fds[HWS_HOLD_DOMAIN]);
	device->fd = sys_dup(grant->fds[HWS_HOLD_DEVICE]);
	if (device->container >= 0 && device->fd >= 0)
		return 0;
	return why(device->container < 0 ? device->container : device->fd,
		   "the granted descriptors of the function can't be had twice");
}

static int learn(struct vfio_device *device)
{
	struct vfio_region config;
	int r = vfio_learn_device(device);

	r = r < 0 ? r : vfio_region(device, VFIO_PCI_CONFIG_REGION_INDEX, &config);
	if (r == 0)
		device->config = config.start;
	return r;
}

static struct vfio_device *make(struct hws_bdf bdf)
{
	struct vfio_device *device = calloc(1, sizeof(*device));

	if (device)
		*device = (struct vfio_device) { .bdf = bdf,
						 .refs = 1,
						 .container = -1,
						 .group = -1,
						 .fd = -1,
						 .kmsg = -1,
						 .way = "vfio type1",
						 .limits = { UINT64_MAX, UINT64_MAX, UINT32_MAX } };
	else
		why(-ENOMEM, "no memory for a VFIO device");
	return device;
}

static void enter(struct native *native, struct vfio_device *device)
{
	device->next = native->vfio.devices;
	native->vfio.devices = device;
}

static int open_one(struct native *native, struct hws_bdf bdf, struct vfio_device **ret_device)
{
	const struct hws_grants_hold *grant = grants_hold(native->grants, bdf);
	struct vfio_device *device = make(bdf);
	int r;

	if (!device)
		return -ENOMEM;
	r = grant ? open_by_grant(grant, device) : open_by_group(native, device);
	r = r < 0 ? r : learn(device);
	if (r < 0) {
		release(device);
		return r;
	}
	enter(native, device);
	*ret_device = device;
	return 0;
}

static struct vfio_device *find(const struct native *native, struct hws_bdf bdf)
{
	struct vfio_device *device = native->vfio.devices;

	while (device && !same(device->bdf, bdf))
		device = device->next;
	return device;
}

int vfio_get(struct native *native, struct hws_bdf bdf, struct vfio_device **ret_device)
{
	struct vfio_device *device;
	int r = 0;

	pthread_mutex_lock(&native->vfio.lock);
	device = find(native, bdf);
	if (device)
		device->refs++;
	else
		r = open_one(native, bdf, &device);
	pthread_mutex_unlock(&native->vfio.lock);
	if (r == 0)
		*ret_device = device;
	return r;
}

int vfio_adopt(struct native *native, struct hws_bdf bdf, const int32_t fds[HWS_HOLD_FDS],
	       const struct hws_hold_limits *limits, struct vfio_device **ret_device)
{
	struct vfio_device *device = make(bdf);
	char text[HWS_BDF_TEXT];
	int r;

	if (!device) {
		sys_close(fds[HWS_HOLD_DOMAIN]);
		sys_close(fds[HWS_HOLD_DEVICE]);
		return -ENOMEM;
	}
	device->way = "helper";
	device->limits = *limits;
	device->container = fds[HWS_HOLD_DOMAIN];
	device->fd = fds[HWS_HOLD_DEVICE];
	r = learn(device);
	pthread_mutex_lock(&native->vfio.lock);
	if (r == 0 && find(native, bdf))
		r = why(-EBUSY, "%s is held already, by this context", hws_bdf_format(bdf, text));
	if (r == 0)
		enter(native, device);
	pthread_mutex_unlock(&native->vfio.lock);
	if (r < 0)
		release(device);
	else
		*ret_device = device;
	return r;
}

void vfio_put(struct native *native, struct vfio_device *device)
{
	struct vfio_device **link = &native->vfio.devices;

	pthread_mutex_lock(&native->vfio.lock);
	if (--device->refs == 0) {
		while (*link != device)
			link = &(*link)->next;
		*link = device->next;
		release(device);
	}
	pthread_mutex_unlock(&native->vfio.lock);
}

struct vfio_device *vfio_held(struct native *native, const struct hws_hold *hold)
{
	uint64_t place = hold->cookie % NATIVE_HOLDS;

	/* acquire: pairs with claim()'s release; the device comes after its cookie */
	if (hold->cookie && atomic_load_explicit(&native->vfio.held[place].cookie,
						 memory_order_acquire) == hold->cookie)
		return native->vfio.held[place].device;
	why(-ENODEV, "this function is held no more");
	return NULL;
}

struct vfio_device *vfio_get_open(struct native *native, struct hws_bdf bdf)
{
	struct vfio_device *device;

	pthread_mutex_lock(&native->vfio.lock);
	device = find(native, bdf);
	if (device)
		device->refs++;
	pthread_mutex_unlock(&native->vfio.lock);
	return device;
}

bool native_has_open(void *self, struct hws_bdf bdf)
{
	struct native *native = self;
	bool open;

	pthread_mutex_lock(&native->vfio.lock);
	open = find(native, bdf) != NULL;
	pthread_mutex_unlock(&native->vfio.lock);
	return open;
}

void vfio_keep(struct native *native, struct vfio_device *device)
{
	pthread_mutex_lock(&native->vfio.lock);
	if (!device->kept && device->hold == 0) {
		device->kept = true;
		device->refs++;
	}
	pthread_mutex_unlock(&native->vfio.lock);
}

void native_let_go(void *self, struct hws_bdf bdf)
{
	struct native *native = self;
	struct vfio_device *device;
	bool kept = false;

	pthread_mutex_lock(&native->vfio.lock);
	device = find(native, bdf);
	if (device) {
		kept = device->kept;
		device->kept = false;
	}
	pthread_mutex_unlock(&native->vfio.lock);
	if (kept)
		vfio_put(native, device);
}

int vfio_get_instead(struct native *native, struct hws_bdf bdf, struct vfio_device **ret_device)
{
	char first[160];
	char second[256];
	int r;

	snprintf(first, sizeof(first), "%s", hws_why());
	r = vfio_get(native, bdf, ret_device);
	if (r == 0)
		return 0;
	snprintf(second, sizeof(second), "%s", hws_why());
	return why(-EPERM, "%s; by VFIO: %s", first, second);
}

void vfio_close_all(struct native *native)
{
	while (native->vfio.devices) {
		struct vfio_device *device = native->vfio.devices;

		native->vfio.devices = device->next;
		vfio_log_close(device);
		release(device);
	}
}
