/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The ways to ports, MSRs, the processor's identity and DMA; and what the kernel adds. */
#include "shim/probe-internal.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>

enum { CHILD_SECONDS = 2 };

/* What a child tried: shared with it. */
struct trial {
	int code;
};

/* Runs @body in a child, for a call that a filter may kill for; gives its code. */
static int try_in_child(void (*body)(void *trial))
{
	struct trial *trial;
	void *shared;
	int signal;
	int r = sys_mmap(NULL, sizeof(*trial), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS,
			 -1, 0, &shared);

	if (r < 0)
		return r;
	trial = shared;
	trial->code = -ECANCELED; /* until the child says otherwise */
	r = sys_child(body, trial, CHILD_SECONDS, &signal);
	if (r == 0)
		r = trial->code;
	sys_munmap(shared, sizeof(*trial));
	return r == -ECANCELED ? -EPERM : r; /* killed: a refusal, in the loudest form */
}

static bool only_on(bool here, const char *words, struct finding *f)
{
	if (!here)
		probe_says(f, HWS_PROBE_NO, -EOPNOTSUPP, words, "");
	return here;
}

/* An empty range of ports is refused as such by every kernel that has the call. */
static void try_ioperm(void *trial)
{
	((struct trial *)trial)->code = sys_ioperm(0, 0, true);
}

/* Of one port, in a child that ends without touching it. */
static void try_one_port(void *trial)
{
	((struct trial *)trial)->code = sys_ioperm(0x80, 1, true);
}

void probe_ioperm(const struct scene *scene, struct finding *f)
{
	static const struct node node = {
		.path = "ioperm",
		.capability = CAP_SYS_RAWIO,
		.locked_out = true,
		.absent_why = "the kernel is built without it",
		.absent_fix = "boot a kernel with CONFIG_X86_IOPL_IOPERM=y",
	};
	int r = -EINVAL;

	if (!only_on(scene->x86, "this architecture has no port instructions", f))
		return;
	if (!scene->captured)
		r = try_in_child(try_ioperm);
	if (r == -EINVAL)
		r = scene_has(scene, CAP_SYS_RAWIO) && !scene->locked ? 0 : -EPERM;
	if (r == 0 && !scene->captured)
		r = try_in_child(try_one_port);
	if (r == 0)
		probe_says(f, HWS_PROBE_WORKS, 0, "exactly the allowed ports, at full speed", "");
	else
		probe_refused(scene, r, &node, f);
}

void probe_dev_port(const struct scene *scene, struct finding *f)
{
	static const struct node node = {
		.path = "/dev/port",
		.flags = O_RDWR,
		.class_path = "/sys/class/mem/port",
		.capability = CAP_SYS_RAWIO,
		.locked_out = true,
		.absent_why = "the kernel is built without it",
		.absent_fix = "boot a kernel with CONFIG_DEVPORT=y",
	};

	if (probe_node(scene, &node, f))
		probe_says(f, HWS_PROBE_WORKS, 0, "a system call for each access", "");
}

static void says_msr_writes(const struct scene *scene, struct finding *f)
{
	char allowed[16] = "";

	(void)!sys_read_file(scene->root, "/sys/module/msr/parameters/allow_writes", allowed,
			     sizeof(allowed));
	if (scene->locked)
		probe_says(f, HWS_PROBE_PARTIAL, -EPERM, "reads only: the kernel is locked down",
			   "turn Secure Boot off, or boot without lockdown=");
	else if (!strncmp(allowed, "off", 3))
		probe_says(f, HWS_PROBE_PARTIAL, -EPERM,
			   "reads only: the msr module forbids writes",
			   "echo on | sudo tee /sys/module/msr/parameters/allow_writes");
	else
		probe_says(f, HWS_PROBE_WORKS, 0, "reads and writes; writes taint the kernel", "");
}

void probe_msr(const struct scene *scene, struct finding *f)
{
	static const struct node node = {
		.path = "/dev/cpu/0/msr",
		.flags = O_RDONLY,
		.class_path = "/sys/class/msr",
		.capability = CAP_SYS_RAWIO,
		.absent_why = "module msr is not loaded",
		.absent_fix = "sudo modprobe msr",
	};

	if (only_on(scene->x86, "this architecture has no MSRs", f) && probe_node(scene, &node, f))
		says_msr_writes(scene, f);
}

void probe_cpuid(const struct scene *scene, struct finding *f)
{
	if (only_on(scene->x86, "this architecture has no such instruction", f))
		probe_says(f, HWS_PROBE_WORKS, 0, "needs no permission", "");
}

void probe_midr(const struct scene *scene, struct finding *f)
{
	static const struct node node = {
		.path = "/sys/devices/system/cpu/cpu0/regs/identification/midr_el1",
		.flags = O_RDONLY,
		.absent_why = "the kernel doesn't show the ID registers",
		.absent_fix = "boot Linux 4.8 or later",
	};

	if (probe_node(scene, &node, f))
		probe_says(f, HWS_PROBE_WORKS, 0, "needs no permission", "");
}

static bool is_number(const char *name)
{
	return name[0] >= '0' && name[0] <= '9';
}

void probe_vfio(const struct scene *scene, struct finding *f)
{
	static const struct node node = {
		.path = "/dev/vfio/vfio",
		.flags = O_RDWR,
		.class_path = "/sys/class/misc/vfio",
		.absent_why = "module vfio-pci is not loaded",
		.absent_fix = "sudo modprobe vfio-pci",
	};
	uint32_t groups = scene_count(scene, "/dev/vfio", is_number);

	if (!probe_node(scene, &node, f))
		return;
	if (!groups) {
		probe_says(f, HWS_PROBE_PARTIAL, -ENODEV, "no device is bound to vfio-pci",
			   "sudo driverctl set-override ADDRESS vfio-pci");
		return;
	}
	probe_says(f, HWS_PROBE_WORKS, 0, "", "");
	snprintf(f->why, sizeof(f->why), "%u group%s of devices", groups, groups == 1 ? "" : "s");
}

void probe_iommufd(const struct scene *scene, struct finding *f)
{
	static const struct node node = {
		.path = "/dev/iommu",
		.flags = O_RDWR,
		.class_path = "/sys/class/misc/iommu",
		.absent_why = "no module iommufd, or Linux before 6.2",
		.absent_fix = "sudo modprobe iommufd",
	};

	if (probe_node(scene, &node, f))
		probe_says(f, HWS_PROBE_WORKS, 0, "", "");
}

static const char *iommu_fix(const struct scene *scene)
{
	if (!strcmp(scene->machine.cpu_vendor, "GenuineIntel"))
		return "turn VT-d on in the firmware; boot with intel_iommu=on";
	if (scene->x86)
		return "turn the IOMMU (AMD-Vi) on in the firmware";
	return "turn the SMMU on in the firmware";
}

void probe_iommu(const struct scene *scene, struct finding *f)
{
	uint32_t groups = scene->machine.iommu_groups;

	if (!groups && scene_count(scene, "/sys/class/iommu", scene_any_name)) {
		probe_says(f, HWS_PROBE_PARTIAL, -ENODEV, "it is on, no device is behind it yet",
			   "bind the device: sudo driverctl set-override ADDRESS vfio-pci");
		return;
	}
	if (!groups) {
		probe_says(f, HWS_PROBE_NO, -ENODEV, "no IOMMU, or it is off", iommu_fix(scene));
		return;
	}
	probe_says(f, HWS_PROBE_WORKS, 0, "", "");
	snprintf(f->why, sizeof(f->why), "%u group%s", groups, groups == 1 ? "" : "s");
}

void probe_lockdown(const struct scene *scene, struct finding *f)
{
	if (!scene->locked) {
		probe_says(f, HWS_PROBE_WORKS, 0,
			   scene->machine.lockdown[0] ? "not locked down"
						      : "no lockdown to be seen",
			   "");
		return;
	}
	probe_says(f, HWS_PROBE_PARTIAL, -EPERM, "",
		   "turn Secure Boot off, or boot without lockdown=");
	snprintf(f->why, sizeof(f->why), "locked down: %s", scene->machine.lockdown);
}

static void try_pkey(void *trial)
{
	int key = sys_pkey_alloc(0);

	((struct trial *)trial)->code = key < 0 ? key : 0;
	if (key >= 0)
		sys_pkey_free(key);
}

void probe_pku(const struct scene *scene, struct finding *f)
{
	static const struct node node = {
		.path = "pkey_alloc",
		.absent_why = "the kernel is built without it",
		.absent_fix = "boot a kernel with protection keys",
	};
	int r;

	if (!scene->keys) {
		probe_says(f, HWS_PROBE_NO, -EOPNOTSUPP,
			   "the processor has none, or they are hidden", "");
		return;
	}
	r = scene->captured ? 0 : try_in_child(try_pkey);
	if (r == 0)
		probe_says(f, HWS_PROBE_WORKS, 0, "buffers are locked by hardware", "");
	else if (r == -ENOSPC || r == -EINVAL)
		probe_says(f, HWS_PROBE_NO, r,
			   "the kernel was told not to use them, or all are taken",
			   "boot without nopku");
	else
		probe_refused(scene, r, &node, f);
}
