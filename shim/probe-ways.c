/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The ways to ports, MSRs and the processor's identity; and what the kernel adds. */
#include "shim/probe-internal.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

enum { CHILD_SECONDS = 2 };

int probe_in_child(void (*body)(void *trial), unsigned int what)
{
	struct trial *trial;
	void *shared;
	int signal;
	int r = sys_mmap(NULL, sizeof(*trial), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS,
			 -1, 0, &shared);

	if (r < 0)
		return r;
	trial = shared;
	*trial = (struct trial) { what, -ECANCELED }; /* until the child says otherwise */
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

/* Of so many ports, in a child that ends without touching them. */
static void try_ioperm(void *trial)
{
	((struct trial *)trial)->code = sys_ioperm(0x80, ((struct trial *)trial)->what, true);
}

void probe_ioperm(const struct scene *scene, struct finding *f)
{
	static const struct node node = {
		.path = "ioperm",
		.capability = CAP_SYS_RAWIO,
		.locked_out = true,
		.absent_why = "the kernel is built without ioperm",
		.absent_fix = "boot a kernel with CONFIG_X86_IOPL_IOPERM=y",
	};
	int r = -EINVAL;

	if (!only_on(scene->x86, "this architecture has no port instructions", f))
		return;
	if (!scene->captured) /* no ports are refused as such by every kernel that has the call */
		r = probe_in_child(try_ioperm, 0);
	if (r == -EINVAL)
		r = scene_has(scene, CAP_SYS_RAWIO) && !scene->locked ? 0 : -EPERM;
	if (r == 0 && !scene->captured)
		r = probe_in_child(try_ioperm, 1);
	if (r == 0)
		probe_says(f, HWS_PROBE_WORKS, 0, "exactly the allowed ports, at full speed", "");
	else
		probe_refused(scene, r, &node, f);
}

void probe_dev_port(const struct scene *scene, struct finding *f)
{
	static const struct node node = {
		.path = "/dev/port",
		.rights = HWS_RW,
		.class_path = "/sys/class/mem/port",
		.capability = CAP_SYS_RAWIO,
		.locked_out = true,
		.absent_why = "the kernel is built without /dev/port",
		.absent_fix = "boot a kernel with CONFIG_DEVPORT=y",
	};

	if (probe_node(scene, &node, f))
		probe_says(f, HWS_PROBE_WORKS, 0, "a system call for each access", "");
}

static const char msr_path[] = "/dev/cpu/0/msr";

static void says_msr_writes(const struct scene *scene, struct finding *f)
{
	char allowed[16] = "";
	int r = scene_access(scene, msr_path, HWS_RW);

	(void)!sys_read_file(scene->root, "/sys/module/msr/parameters/allow_writes", allowed,
			     sizeof(allowed));
	if (scene->locked)
		probe_says(f, HWS_PROBE_PARTIAL, -EPERM, "reads only: the kernel is locked down",
			   "turn Secure Boot off, or boot without lockdown=");
	else if (!strncmp(allowed, "off", 3))
		probe_says(f, HWS_PROBE_PARTIAL, -EPERM,
			   "reads only: the msr module forbids writes",
			   "echo on | sudo tee /sys/module/msr/parameters/allow_writes");
	else if (r < 0)
		probe_says(f, HWS_PROBE_PARTIAL, r,
			   "reads only: the file's mode keeps this user from writing",
			   "sudo chmod u+w /dev/cpu/0/msr && sudo chown $USER /dev/cpu/0/msr");
	else
		probe_says(f, HWS_PROBE_WORKS, 0, "reads and writes; writes taint the kernel", "");
}

void probe_msr(const struct scene *scene, struct finding *f)
{
	static const struct node node = {
		.path = msr_path,
		.rights = HWS_R,
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
		.rights = HWS_R,
		.absent_why = "the kernel doesn't show the ID registers",
		.absent_fix = "boot Linux 4.8 or later",
	};

	if (probe_node(scene, &node, f))
		probe_says(f, HWS_PROBE_WORKS, 0, "needs no permission", "");
}

void probe_iommufd(const struct scene *scene, struct finding *f)
{
	static const struct node node = {
		.path = "/dev/iommu",
		.rights = HWS_RW,
		.class_path = "/sys/class/misc/iommu",
		.absent_why = "no module iommufd, or Linux before 6.2",
		.absent_fix = "sudo modprobe iommufd",
	};

	if (probe_node(scene, &node, f))
		probe_says(f, HWS_PROBE_WORKS, 0, "", "");
}

const char *probe_iommu_fix(const struct scene *scene)
{
	if (!strcmp(scene->machine.cpu_vendor, "GenuineIntel"))
		return "turn VT-d on in the firmware; boot with intel_iommu=on";
	if (scene->x86)
		return "turn the IOMMU (AMD-Vi) on in the firmware";
	return scene->arm64 ? "turn the SMMU on in the firmware"
			    : "turn the IOMMU on in the firmware";
}

void probe_iommu(const struct scene *scene, struct finding *f)
{
	uint32_t groups = scene->machine.iommu_groups;

	if (!groups && scene_count(scene, "/sys/class/iommu", scene_any_name)) {
		probe_says(f, HWS_PROBE_PARTIAL, -ENODEV, "it is on, no device is behind it yet",
			   "bind a device: sudo driverctl set-override ADDRESS vfio-pci");
		return;
	}
	if (!groups) {
		probe_says(f, HWS_PROBE_NO, -ENODEV, "no IOMMU, or it is off",
			   probe_iommu_fix(scene));
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
		.absent_why = "the kernel is built without protection keys",
		.absent_fix = "boot a kernel with CONFIG_X86_INTEL_MEMORY_PROTECTION_KEYS=y",
	};
	int r;

	if (!scene->keys) {
		probe_says(f, HWS_PROBE_NO, -EOPNOTSUPP,
			   "the processor has none, or they are hidden", "");
		return;
	}
	r = scene->captured ? 0 : probe_in_child(try_pkey, 0);
	if (r == 0)
		probe_says(f, HWS_PROBE_WORKS, 0, "buffers are locked by hardware", "");
	else if (r == -ENOSPC || r == -EINVAL)
		probe_says(f, HWS_PROBE_NO, r,
			   "the kernel was told not to use them, or all are taken",
			   "boot without nopku");
	else
		probe_refused(scene, r, &node, f);
}

/* The limit in /proc/self/limits, in bytes; UINT64_MAX: none; 0 also when nothing is told. */
static uint64_t memlock_limit(const struct scene *scene)
{
	char text[4096];
	const char *line;

	if (sys_read_file(scene->root, "/proc/self/limits", text, sizeof(text)) <= 0)
		return 0;
	line = strstr(text, "Max locked memory");
	line = line ? line + strlen("Max locked memory") : "";
	line += strspn(line, " ");
	return !strncmp(line, "unlimited", 9) ? UINT64_MAX : strtoull(line, NULL, 10);
}

void probe_memlock(const struct scene *scene, struct finding *f)
{
	uint64_t limit = memlock_limit(scene);
	bool whole = limit == UINT64_MAX || scene_has(scene, CAP_IPC_LOCK);

	if (whole)
		probe_says(f, HWS_PROBE_WORKS, 0, "as much as there is", "");
	else
		probe_says(f, limit ? HWS_PROBE_PARTIAL : HWS_PROBE_NO, -ENOMEM, "",
			   "sudo prlimit --pid $$ --memlock=unlimited; of a service: "
			   "LimitMEMLOCK=infinity; for good: '* - memlock unlimited' in "
			   "/etc/security/limits.d/hwsafe.conf");
	if (!whole)
		snprintf(f->why, sizeof(f->why),
			 "%llu KiB: DMA and registered buffers beyond that are refused",
			 (unsigned long long)(limit >> 10));
}
