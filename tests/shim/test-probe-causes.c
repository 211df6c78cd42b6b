/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The probe on captured trees, where every cause can be made. */
#include <errno.h>

#include "tests/shim/probe-kit.h"

/* A tree, a way, and what must be said of it. */
#define YES  HWS_PROBE_WORKS, 0
#define HALF HWS_PROBE_PARTIAL
#define NO   HWS_PROBE_NO
static const struct {
	const char *tree;
	const char *way;
	enum hws_probe_status status;
	int code;
	const char *why;
	const char *fix;
} causes[] = {
	{ "x86 root open", "ioperm", YES, "exactly", "" },
	{ "x86 nobody open", "ioperm", NO, -EPERM, "CAP_SYS_RAWIO", "setcap" },
	{ "x86 root locked", "ioperm", NO, -EPERM, "locked down", "lockdown=" },
	{ "x86 root cmdline", "ioperm", NO, -EPERM, "locked down", "lockdown=" },
	{ "x86 root userns", "ioperm", NO, -EPERM, "user namespace", "outside" },
	{ "arm root", "ioperm", NO, -EOPNOTSUPP, "no port instructions", "" },
	{ "x86 root", "/dev/port", NO, -ENOENT, "built without", "CONFIG_DEVPORT" },
	{ "x86 root port open", "/dev/port", YES, "system call", "" },
	{ "x86 root port locked", "/dev/port", NO, -EPERM, "locked down", "lockdown=" },
	{ "x86 root port-class", "/dev/port", NO, -ENOENT, "its node in /dev", "devtmpfs" },
	{ "x86 docker port-class", "/dev/port", NO, -ENOENT, "container", "--device=/dev/port" },
	{ "x86 root open", "PCI resourceN", NO, -ENOENT, "no function", "" },
	{ "x86 root open bars bar1", "PCI resourceN", YES, "ports", "" },
	{ "x86 root locked bars bar1", "PCI resourceN", HALF, -EPERM, "reads only", "lockdown=" },
	{ "x86 root open", "/dev/cpu/N/msr", NO, -ENOENT, "module msr", "modprobe msr" },
	{ "x86 root open msr", "/dev/cpu/N/msr", YES, "writes", "" },
	{ "x86 nobody msr", "/dev/cpu/N/msr", NO, -EPERM, "CAP_SYS_RAWIO", "cap_sys_rawio" },
	{ "x86 root locked msr", "/dev/cpu/N/msr", HALF, -EPERM, "reads only", "lockdown=" },
	{ "x86 root msr msr-off", "/dev/cpu/N/msr", HALF, -EPERM, "msr module", "allow_writes" },
	{ "arm", "/dev/cpu/N/msr", NO, -EOPNOTSUPP, "no MSRs", "" },
	{ "x86 root", "config, 64 bytes", NO, -ENOENT, "no PCI functions", "" },
	{ "x86 root", "config, write", NO, -ENOENT, "no PCI functions", "" },
	{ "x86 root open bars bar0", "resourceN mmap", YES, "mapped", "" },
	{ "x86 root locked bars bar0", "resourceN mmap", NO, -EPERM, "locked down", "lockdown=" },
	{ "x86 root open bars", "resourceN mmap", NO, -ENOENT, "no function", "" },
	{ "x86", "instruction", YES, "", "" },
	{ "arm", "MIDR in sysfs", NO, -ENOENT, "ID registers", "" },
	{ "x86 unbounded open", "ioperm", NO, -EPERM, "bounding set", "login shell" },
	{ "x86 unbounded docker", "ioperm", NO, -EPERM, "started without CAP_SYS_RAWIO",
	  "--cap-add=CAP_SYS_RAWIO" },
	{ "x86 sealed open", "ioperm", NO, -EPERM, "no_new_privs", "NoNewPrivileges=no" },
	{ "x86 nobody program nosuid", "ioperm", NO, -EPERM, "/opt is mounted nosuid",
	  "remount,suid /opt && sudo setcap cap_sys_rawio+ep /opt/bin/tool" },
	{ "x86 nobody program suid", "ioperm", NO, -EPERM, "lacks CAP_SYS_RAWIO",
	  "cap_sys_rawio+ep /opt/bin/tool" },
	{ "x86 nobody nosuid", "ioperm", NO, -EPERM, "lacks CAP_SYS_RAWIO", "+ep PROGRAM" },
	{ "x86 root", "VFIO container", NO, -ENODEV, "no IOMMU", "AMD-Vi" },
	{ "x86 root iommu", "VFIO container", NO, -ENOENT, "vfio-pci", "modprobe vfio-pci" },
	{ "x86 root iommu vfio", "VFIO container", HALF, -ENODEV, "no device is bound",
	  "set-override ADDRESS vfio-pci" },
	{ "x86 root iommu vfio edu-free", "VFIO device", HALF, -ENODEV, "no device is bound",
	  "set-override 0000:00:03.0 vfio-pci" },
	{ "x86 root iommu vfio group", "VFIO container", YES, "1 of 1 group of", "" },
	{ "x86 root iommu vfio group edu edu-vfio sibling sibling-port", "VFIO device", YES,
	  "1 of 1 group of", "" },
	{ "x86 root iommu vfio group edu edu-vfio sibling sibling-kept", "VFIO device", NO, -EPERM,
	  "group 7 is not viable: its member 0000:00:07.0 is bound to virtio-pci",
	  "set-override 0000:00:07.0" },
	{ "x86 root", "hwsafe-helper", NO, -ENOENT, "/run/hwsafe/helper.sock", "serve --socket" },
	{ "x86 root unit", "hwsafe-helper", NO, -ENOENT, "not started", "enable --now" },
	{ "x86 root unit socket", "hwsafe-helper", HALF, -ECANCELED, "captured tree", "itself" },
	{ "x86 nobody memlock", "locked memory", HALF, -ENOMEM, "8192 KiB", "prlimit" },
	{ "x86 nobody no-memlock", "locked memory", NO, -ENOMEM, "0 KiB", "prlimit" },
	{ "x86 nobody any-memlock", "locked memory", YES, "as much", "" },
	{ "x86 root memlock", "locked memory", YES, "as much", "" },
	{ "x86 root", "iommufd", NO, -ENOENT, "module iommufd", "modprobe iommufd" },
	{ "x86 intel", "IOMMU", NO, -ENODEV, "no IOMMU", "intel_iommu=on" },
	{ "x86", "IOMMU", NO, -ENODEV, "no IOMMU", "AMD-Vi" },
	{ "arm", "IOMMU", NO, -ENODEV, "no IOMMU", "SMMU" },
	{ "x86 iommu", "IOMMU", HALF, -ENODEV, "no device is behind", "vfio-pci" },
	{ "x86 iommu groups", "IOMMU", YES, "1 group", "" },
	{ "x86 locked", "lockdown", HALF, -EPERM, "integrity", "lockdown=" },
	{ "x86 open", "lockdown", YES, "not locked", "" },
	{ "x86 lsm", "lockdown", YES, "not locked", "" },
	{ "x86", "lockdown", YES, "to be seen", "" },
	{ "x86 intel", "protection keys", YES, "hardware", "" },
	{ "x86", "protection keys", NO, -EOPNOTSUPP, "processor", "" },
	{ "", "simulated machine", YES, "", "" },
	{ "", "safe defaults", YES, "", "" },
};

static void check_cause(size_t c)
{
	struct seen seen;
	size_t i;

	make_tree();
	put_pieces(causes[c].tree);
	probe_tree(&seen);
	remove_tree();
	i = index_of(&seen, causes[c].way);
	ck_assert_msg(seen.at[i].status == causes[c].status && seen.at[i].code == causes[c].code &&
			      strstr(seen.at[i].why, causes[c].why) &&
			      strstr(seen.at[i].fix, causes[c].fix),
		      "'%s', %s: %s %d '%s' '%s'", causes[c].tree, seen.at[i].way,
		      hws_probe_status_name(seen.at[i].status), seen.at[i].code, seen.at[i].why,
		      seen.at[i].fix);
	ck_assert_int_eq(seen.at[i].rest[0] == '\0', seen.at[i].status == HWS_PROBE_WORKS);
}

START_TEST(probe_tells_causes_apart)
{
	for (size_t c = 0; c < COUNT(causes); c++)
		check_cause(c);
}
END_TEST

int main(void)
{
	return suite_run("shim/probe-causes", (const TTest *[]) { probe_tells_causes_apart, NULL });
}
