/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The way through VFIO: an IOMMU, the module, a device bound to it, its group's other members. */
#include "shim/probe-internal.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#define GROUPS "/sys/kernel/iommu_groups"
#define BUS    "/sys/bus/pci/devices"
enum { PATH = 512 };

static bool is_number(const char *name)
{
	return name[0] >= '0' && name[0] <= '9';
}

static const char *driver_of(const struct scene *scene, const char *bdf, char text[SCENE_LINK])
{
	char path[PATH];

	snprintf(path, sizeof(path), BUS "/%s/driver", bdf);
	return scene_link(scene, path, text);
}

/* Such drivers leave a group to programs (Linux, drivers/vfio/vfio_iommu: what is viable). */
static bool leaves_it(const char *driver)
{
	return !*driver || !strncmp(driver, "vfio", 4) || !strcmp(driver, "pci-stub") ||
	       !strcmp(driver, "pcieport");
}

/* A member of the group that the kernel keeps: its address and driver. */
static bool kept_member(const struct scene *scene, const char *group, char bdf[32],
			char driver[SCENE_LINK])
{
	HWS_CLEANUP_DIR DIR *dir = NULL;
	const struct dirent *entry;
	char path[PATH];

	snprintf(path, sizeof(path), GROUPS "/%s/devices", group);
	if (sys_opendir(scene->root, path, &dir) < 0)
		return false;
	while ((entry = readdir(dir))) {
		if (!scene_any_name(entry->d_name) ||
		    leaves_it(driver_of(scene, entry->d_name, driver)))
			continue;
		snprintf(bdf, 32, "%.31s", entry->d_name);
		return true;
	}
	return false;
}

/* Can the group be used? Else the finding says what is in the way. */
static bool group_works(const struct scene *scene, const char *group, struct finding *f)
{
	char path[32];
	struct node node = { .path = path, .absent_why = "its group is gone", .absent_fix = "" };
	char driver[SCENE_LINK];
	char bdf[32];
	int r;

	snprintf(path, sizeof(path), "/dev/vfio/%.16s", group);
	if (kept_member(scene, group, bdf, driver)) {
		probe_says(f, HWS_PROBE_NO, -EPERM, "", "");
		snprintf(f->why, sizeof(f->why),
			 "IOMMU group %.16s is not viable: its member %s is bound to %.32s", group,
			 bdf, driver);
		snprintf(f->fix, sizeof(f->fix), "sudo driverctl set-override %s vfio-pci", bdf);
		return false;
	}
	r = scene_access(scene, path, HWS_RW);
	if (r < 0)
		probe_refused(scene, r, &node, f);
	return r == 0;
}

/* A function that no driver would miss; "ADDRESS" when there is none. */
static void candidate(const struct scene *scene, char bdf[32])
{
	HWS_CLEANUP_DIR DIR *dir = NULL;
	const struct dirent *entry;
	char text[SCENE_LINK];

	strcpy(bdf, "ADDRESS");
	if (sys_opendir(scene->root, BUS, &dir) < 0)
		return;
	while ((entry = readdir(dir))) {
		char path[PATH];

		snprintf(path, sizeof(path), BUS "/%s/iommu_group", entry->d_name);
		if (scene_any_name(entry->d_name) && *scene_link(scene, path, text) &&
		    !*driver_of(scene, entry->d_name, text)) {
			snprintf(bdf, 32, "%.31s", entry->d_name);
			return;
		}
	}
}

static void says_unbound(const struct scene *scene, struct finding *f)
{
	char bdf[32];

	candidate(scene, bdf);
	probe_says(f, HWS_PROBE_PARTIAL, -ENODEV, "no device is bound to vfio-pci", "");
	snprintf(f->fix, sizeof(f->fix), "sudo driverctl set-override %s vfio-pci", bdf);
}

static void look_at_groups(const struct scene *scene, struct finding *f)
{
	HWS_CLEANUP_DIR DIR *dir = NULL;
	const struct dirent *entry;
	unsigned int groups = 0;
	unsigned int work = 0;

	if (sys_opendir(scene->root, "/dev/vfio", &dir) == 0)
		while ((entry = readdir(dir))) {
			if (!is_number(entry->d_name))
				continue;
			groups++;
			work += group_works(scene, entry->d_name, f);
		}
	if (!groups) {
		says_unbound(scene, f);
	} else if (work) {
		probe_says(f, HWS_PROBE_WORKS, 0, "", "");
		snprintf(f->why, sizeof(f->why), "%u of %u group%s of devices", work, groups,
			 groups == 1 ? "" : "s");
	}
}

void probe_find_vfio(const struct scene *scene, struct finding *f)
{
	static const struct node node = {
		.path = "/dev/vfio/vfio",
		.rights = HWS_RW,
		.class_path = "/sys/class/misc/vfio",
		.absent_why = "module vfio-pci is not loaded",
		.absent_fix = "sudo modprobe vfio-pci",
	};

	if (!scene->machine.iommu_groups && !scene_count(scene, "/sys/class/iommu", scene_any_name))
		probe_says(f, HWS_PROBE_NO, -ENODEV, "no IOMMU, or it is off",
			   probe_iommu_fix(scene));
	else if (probe_node(scene, &node, f))
		look_at_groups(scene, f);
}

static void say_the_same(const struct finding *from, struct finding *f)
{
	probe_says(f, from->result.status, from->result.code, from->why, from->fix);
}

void probe_vfio(const struct scene *scene, struct finding *f)
{
	say_the_same(scene->vfio, f);
}

void probe_helper(const struct scene *scene, struct finding *f)
{
	say_the_same(scene->helper, f);
}

/* It opens the function by VFIO: that has to work, but for files that keep only this user out. */
void probe_helper_vfio(const struct scene *scene, struct finding *f)
{
	const struct finding *vfio = scene->vfio;
	bool helped = scene->helper->result.status == HWS_PROBE_WORKS;

	say_the_same(helped && vfio->result.status != HWS_PROBE_WORKS &&
				     vfio->result.code != -EACCES
			     ? vfio
			     : scene->helper,
		     f);
}
