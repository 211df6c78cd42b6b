/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What sysfs tells of PCI functions and processors. */
#include <stdio.h>
#include <stdlib.h>

#include "shim/native-internal.h"
#include "shim/sys-internal.h"
#include "shim/why-internal.h"

int native_pci_bars(struct native *native, struct hws_bdf bdf,
		    struct hws_pci_bar ret_bars[HWS_PCI_BARS])
{
	enum { IO = 0x100, MEMORY = 0x200, PREFETCH = 0x2000, MEMORY_64 = 0x100000 };
	char path[NATIVE_PATH];
	char text[2048];
	const char *line = text;
	ssize_t n = sys_read_file(native->root, native_pci_path(bdf, "resource", path), text,
				  sizeof(text));

	if (n < 0)
		return (int)n;
	memset(ret_bars, 0, HWS_PCI_BARS * sizeof(*ret_bars));
	for (int bar = 0; bar < HWS_PCI_BARS && line; bar++) {
		unsigned long long first, last, flags;

		if (sscanf(line, "%llx %llx %llx", &first, &last, &flags) != 3)
			break;
		if (flags & (IO | MEMORY) && last >= first)
			ret_bars[bar] = (struct hws_pci_bar) {
				.base = first,
				.size = last - first + 1,
				.flags = (flags & IO ? HWS_BAR_IO : 0u) |
					 (flags & MEMORY_64 ? HWS_BAR_64 : 0u) |
					 (flags & PREFETCH ? HWS_BAR_PREFETCH : 0u),
			};
		line = strchr(line, '\n');
		line = line ? line + 1 : NULL;
	}
	return 0;
}

void native_pci_link(struct native *native, struct hws_bdf bdf, const char *link, char *text,
		     size_t size)
{
	char path[NATIVE_PATH];
	char target[256];
	const char *name = NULL;

	if (sys_readlink(native->root, native_pci_path(bdf, link, path), target, sizeof(target)) >
	    0)
		name = strrchr(target, '/');
	snprintf(text, size, "%s", name ? name + 1 : "");
}

/* A number of the function; @otherwise where the file is not there, or has none. */
static uint64_t number_of(struct native *native, struct hws_bdf bdf, const char *file,
			  uint64_t otherwise)
{
	char path[NATIVE_PATH];
	uint64_t number = otherwise;

	(void)!sys_read_u64(native->root, native_pci_path(bdf, file, path), &number);
	return number;
}

static void read_word(struct native *native, struct hws_bdf bdf, const char *file, char *text,
		      size_t size)
{
	char path[NATIVE_PATH];

	if (sys_read_file(native->root, native_pci_path(bdf, file, path), text, size) < 0)
		text[0] = '\0';
	text[strcspn(text, "\n")] = '\0';
}

static int32_t group_of(struct native *native, struct hws_bdf bdf)
{
	char group[32];
	char *end;
	long number;

	native_pci_link(native, bdf, "iommu_group", group, sizeof(group));
	number = strtol(group, &end, 10);
	return *group && !*end && number >= 0 && number <= INT32_MAX ? (int32_t)number : -1;
}

int native_pci_info(void *self, struct hws_bdf bdf, struct hws_pci_info *ret_info)
{
	struct hws_pci_info info = { .size = sizeof(info) };
	char path[NATIVE_PATH];
	char text[HWS_BDF_TEXT];
	uint64_t vendor;
	struct native *native = self;
	int r = sys_read_u64(native->root, native_pci_path(bdf, "vendor", path), &vendor);

	if (r == -ENOENT)
		return why(-ENODEV, "there is no PCI function %s", hws_bdf_format(bdf, text));
	if (r < 0)
		return why(native_code(r), "%s: %s", path, native_cause(r));
	info.vendor = (uint16_t)vendor;
	info.device = (uint16_t)number_of(self, bdf, "device", 0);
	info.subsystem_vendor = (uint16_t)number_of(self, bdf, "subsystem_vendor", 0);
	info.subsystem_device = (uint16_t)number_of(self, bdf, "subsystem_device", 0);
	info.class_code = (uint32_t)number_of(self, bdf, "class", 0);
	info.revision = (uint8_t)number_of(self, bdf, "revision", 0);
	info.enabled = number_of(self, bdf, "enable", 0);
	info.numa_node = (int32_t)number_of(self, bdf, "numa_node", UINT32_MAX);
	info.iommu_group = group_of(self, bdf);
	native_pci_link(self, bdf, "driver", info.driver, sizeof(info.driver));
	read_word(self, bdf, "power_state", info.power, sizeof(info.power));
	(void)!native_pci_bars(self, bdf, info.bars); /* without the file it has none */
	*ret_info = info;
	return 0;
}

/* The first processor of a list such as "0,4" or "2-3"; UINT32_MAX: there is none. */
static uint32_t first_of(struct native *native, int cpu, const char *list)
{
	char path[96];
	char text[256];

	snprintf(path, sizeof(path), "/sys/devices/system/cpu/cpu%d/topology/%s", cpu, list);
	if (sys_read_file(native->root, path, text, sizeof(text)) <= 0)
		return UINT32_MAX;
	return (uint32_t)strtoul(text, NULL, 10);
}

/* Each core and package is counted at its first processor; one that is off has no such lists. */
int native_topology(void *self, struct hws_topology *ret_topology)
{
	struct native *native = self;
	struct hws_topology found = { 0 };

	for (int cpu = 0; cpu < native->cpus; cpu++) {
		uint32_t core = first_of(native, cpu, "core_cpus_list");
		uint32_t package = first_of(native, cpu, "package_cpus_list");

		found.threads += core != UINT32_MAX;
		found.cores += core == (uint32_t)cpu;
		found.packages += package == (uint32_t)cpu;
	}
	if (!found.threads)
		return why(-EOPNOTSUPP, "/sys/devices/system/cpu tells of no processor");
	*ret_topology = found;
	return 0;
}
