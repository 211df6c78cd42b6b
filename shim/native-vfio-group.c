/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The way to a VFIO device: its driver, group, container; what stands in it, and the cure. */
#include <errno.h>
#include <fcntl.h>
#include <linux/vfio.h>
#include <stdio.h>
#include <stdlib.h>

#include "shim/native-vfio-internal.h"
#include "shim/sys-internal.h"
#include "shim/why-internal.h"

#define PCI_BUS "/sys/bus/pci"
enum { LINK = 256 };

/* The last part of what the link points to; "" when there is none. */
static const char *link_name(int root, const char *path, char text[LINK])
{
	const char *slash;

	if (sys_readlink(root, path, text, LINK) < 0)
		return "";
	slash = strrchr(text, '/');
	return slash ? slash + 1 : text;
}

bool vfio_is_driver(const char *driver)
{
	return strncmp(driver, "vfio", 4) == 0; /* vfio-pci and its variants for some devices */
}

static bool any_iommu(int root)
{
	HWS_CLEANUP_DIR DIR *dir = NULL;
	const struct dirent *entry;

	if (sys_opendir(root, "/sys/class/iommu", &dir) < 0)
		return false;
	while ((entry = readdir(dir))) {
		if (entry->d_name[0] != '.')
			return true;
	}
	return false;
}

/* The commands fit a message only in short. */
static int not_bound(int root, const char *bdf, const char *driver)
{
	HWS_CLEANUP_FD int module = sys_open(root, PCI_BUS "/drivers/vfio-pci", O_PATH);
	const char *load = module < 0 ? "modprobe vfio-pci; " : "";

	if (*driver)
		return why(
			-EBUSY,
			"%s is bound to %s, not vfio-pci. As root: %scd " PCI_BUS
			"; echo vfio-pci >devices/%s/driver_override; echo %s >devices/%s/driver/unbind; "
			"echo %s >drivers_probe",
			bdf, driver, load, bdf, bdf, bdf, bdf);
	return why(-ENXIO,
		   "%s is not bound to vfio-pci. As root: %scd " PCI_BUS
		   "; echo vfio-pci >devices/%s/driver_override; echo %s >drivers_probe",
		   bdf, load, bdf, bdf);
}

int vfio_find_group(int root, struct hws_bdf bdf, uint32_t *ret_group)
{
	HWS_CLEANUP_FD int device = -1;
	char path[NATIVE_PATH];
	char link[LINK];
	char text[HWS_BDF_TEXT];
	const char *group;
	const char *driver;

	hws_bdf_format(bdf, text);
	device = sys_open(root, native_pci_path(bdf, "", path), O_PATH);
	if (device < 0)
		return why(-ENODEV, "there is no PCI function %s", text);
	group = link_name(root, native_pci_path(bdf, "iommu_group", path), link);
	if (!*group && !any_iommu(root))
		return why(-EOPNOTSUPP,
			   "%s: no IOMMU keeps it from memory: none, off in the firmware, or not "
			   "asked for (Intel: boot with intel_iommu=on)",
			   text);
	/* on some machines a group comes with the driver, so the driver is looked at first */
	driver = link_name(root, native_pci_path(bdf, "driver", path), link);
	if (!vfio_is_driver(driver))
		return not_bound(root, text, driver);
	group = link_name(root, native_pci_path(bdf, "iommu_group", path), link);
	if (*group < '0' || *group > '9')
		return why(-EOPNOTSUPP,
			   "%s: the machine's IOMMU does not cover it (no IOMMU group)", text);
	*ret_group = (uint32_t)strtoul(group, NULL, 10);
	return 0;
}

/* What an errno means at one step; the last row stands for all others. */
struct cause {
	int r;
	int code;
	const char *text;
};

static int refused(const char *what, int r, const struct cause *causes)
{
	while (causes->r != 0 && causes->r != r)
		causes++;
	return why(causes->r ? causes->code : native_refusal(r), "%s: %s", what,
		   causes->text ? causes->text : strerror(-r));
}

static const struct cause group_causes[] = {
	{ -ENOENT, -ENXIO, "no such file, though the driver is bound: does /dev have devtmpfs?" },
	{ -EACCES, -EPERM, "its file mode keeps this user out; its owner, root or the helper may" },
	{ -EPERM, -EPERM, "the kernel wants CAP_SYS_RAWIO: there is no IOMMU behind it" },
	{ -EBUSY, -EBUSY, "held by another process, or another context of this one" },
	{ -ENODEV, -ENODEV, "the device is gone" },
	{ 0, 0, NULL },
};
static const struct cause container_causes[] = {
	{ -ENOENT, -EOPNOTSUPP, "VFIO is not there: sudo modprobe vfio-pci" },
	{ -ENODEV, -EOPNOTSUPP, "VFIO is not loaded: sudo modprobe vfio-pci" },
	{ -EACCES, -EPERM, "its file mode keeps this user out: it should be 0666" },
	{ 0, 0, NULL },
};
static const struct cause attach_causes[] = {
	{ -EPERM, -EPERM,
	  "the kernel refuses: its IOMMU can't keep interrupts apart (no interrupt remapping)" },
	{ -EBUSY, -EBUSY, "the kernel itself uses the group for DMA" },
	{ -EINVAL, -EOPNOTSUPP, "this kernel has no type1 IOMMU: sudo modprobe vfio_iommu_type1" },
	{ -ENODEV, -EOPNOTSUPP, "this kernel has no type1 IOMMU: sudo modprobe vfio_iommu_type1" },
	{ -ENOMEM, -ENOMEM, "no memory for an IOMMU domain" },
	{ 0, 0, NULL },
};
static const struct cause device_causes[] = {
	{ -ENODEV, -ENODEV, "it left the group, or was unbound" },
	{ -EBUSY, -EBUSY, "somebody else has it open" },
	{ -EAGAIN, -EBUSY, "it is being reset or changed: try again" },
	{ -EIO, -EIO, "it does not wake up" },
	{ 0, 0, NULL },
};

/* A driver that does no DMA of its own may stay (Linux: drivers that manage it themselves). */
static bool blocks(const char *driver)
{
	return *driver && !vfio_is_driver(driver) && strcmp(driver, "pci-stub") != 0 &&
	       strcmp(driver, "pcieport") != 0;
}

/* Names each function of the group that another driver has. */
static int not_viable(int root, uint32_t group)
{
	HWS_CLEANUP_DIR DIR *dir = NULL;
	const struct dirent *entry;
	char path[NATIVE_PATH];
	char names[160] = "";
	size_t used = 0;

	snprintf(path, sizeof(path), "/sys/kernel/iommu_groups/%u/devices", group);
	if (sys_opendir(root, path, &dir) < 0)
		return why(-EBUSY, "IOMMU group %u: a driver has another device of it", group);
	while ((entry = readdir(dir))) {
		char link[LINK];
		struct hws_bdf bdf;
		const char *driver;

		if (hws_bdf_parse(entry->d_name, &bdf) < 0)
			continue;
		driver = link_name(root, native_pci_path(bdf, "driver", path), link);
		if (blocks(driver) && used < sizeof(names))
			used += (size_t)snprintf(names + used, sizeof(names) - used, "%s%s (%s)",
						 used ? ", " : "", entry->d_name, driver);
	}
	return why(-EBUSY, "IOMMU group %u can't be taken apart; unbind, or bind to vfio-pci: %s",
		   group, names);
}

int raw_vfio_call(int fd, unsigned long request, void *argument)
{
	return sys_ioctl(fd, request, argument);
}

static int check_viable(int root, uint32_t group, const struct vfio_device *device)
{
	struct vfio_group_status status = { .argsz = sizeof(status) };
	/* SAFETY: only asks */
	int r = raw_vfio_call(device->group, VFIO_GROUP_GET_STATUS, &status);

	if (r < 0)
		return why(r, "IOMMU group %u: %s", group, strerror(-r));
	return status.flags & VFIO_GROUP_FLAGS_VIABLE ? 0 : not_viable(root, group);
}

int vfio_open_group(int root, uint32_t group, struct vfio_device *device)
{
	unsigned long type = VFIO_TYPE1v2_IOMMU;
	char path[NATIVE_PATH];
	int r;

	snprintf(path, sizeof(path), "/dev/vfio/%u", group);
	device->group = sys_open(root, path, O_RDWR);
	if (device->group < 0)
		return refused(path, device->group, group_causes);
	r = check_viable(root, group, device);
	if (r < 0)
		return r;
	device->container = sys_open(root, "/dev/vfio/vfio", O_RDWR);
	if (device->container < 0)
		return refused("/dev/vfio/vfio", device->container, container_causes);
	/* SAFETY: the group is ours; a container without mappings lets its devices reach nothing */
	r = raw_vfio_call(device->group, VFIO_GROUP_SET_CONTAINER, &device->container);
	if (r < 0)
		return refused(path, r, attach_causes);
	/* SAFETY: as above */
	r = raw_vfio_call(device->container, VFIO_SET_IOMMU, (void *)type);
	return r < 0 ? refused(path, r, attach_causes) : 0;
}

int vfio_open_device(struct vfio_device *device)
{
	char text[HWS_BDF_TEXT];

	hws_bdf_format(device->bdf, text);
	/* SAFETY: the policy let the caller have the whole function; opening it resets it */
	device->fd = raw_vfio_call(device->group, VFIO_GROUP_GET_DEVICE_FD, text);
	return device->fd < 0 ? refused(text, device->fd, device_causes) : 0;
}

int vfio_learn_device(struct vfio_device *device)
{
	struct vfio_device_info info = { .argsz = sizeof(info) };
	char text[HWS_BDF_TEXT];
	/* SAFETY: only asks */
	int r = raw_vfio_call(device->fd, VFIO_DEVICE_GET_INFO, &info);

	if (r < 0)
		return refused(hws_bdf_format(device->bdf, text), r, device_causes);
	device->can_reset = info.flags & VFIO_DEVICE_FLAGS_RESET;
	device->regions = info.num_regions;
	return 0;
}
