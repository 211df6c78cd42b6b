/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "uring/numa.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "guardian/context-internal.h"
#include "shim/shim.h"
#include "shim/sys-internal.h"
#include "shim/why-internal.h"

#define CPUS  "/sys/devices/system/cpu"
#define NODES "/sys/devices/system/node"

enum { PATH = 96, TEXT = 4096 };

static int root_of(const struct hws *hw)
{
	return hw ? hw->root : SYS_REAL_ROOT;
}

int hws_numa_pin(uint32_t cpu)
{
	int r = sys_pin(cpu);

	return r < 0 ? why(r,
			   "this thread can't be kept on processor %u: it is offline, isn't there, "
			   "or the process's cpuset leaves it out",
			   cpu)
		     : 0;
}

void hws_numa_here(uint32_t *ret_cpu, uint32_t *ret_node)
{
	uint32_t cpu = 0;
	uint32_t node = 0;

	sys_where(&cpu, &node);
	if (ret_cpu)
		*ret_cpu = cpu;
	if (ret_node)
		*ret_node = node;
}

/* A processor's folder has a link to its node, named after it. */
int hws_numa_node(struct hws *hw, uint32_t cpu, uint32_t *ret_node)
{
	HWS_CLEANUP_DIR DIR *dir = NULL;
	const struct dirent *entry;
	uint32_t node = 0;
	char path[PATH];
	int r;

	snprintf(path, sizeof(path), CPUS "/cpu%u", cpu);
	r = sys_opendir(root_of(hw), path, &dir);
	if (r < 0)
		return why(-ENODEV, "there is no processor %u", cpu);
	while ((entry = readdir(dir)))
		if (sscanf(entry->d_name, "node%u", &node) == 1)
			break;
	*ret_node = entry ? node : 0;
	return 0;
}

int hws_numa_cpu(struct hws *hw, uint32_t node, uint32_t *ret_cpu)
{
	char path[PATH];
	char text[TEXT];
	char *end;
	unsigned long cpu;
	ssize_t n;

	snprintf(path, sizeof(path), NODES "/node%u/cpulist", node);
	n = sys_read_file(root_of(hw), path, text, sizeof(text));
	/* without nodes there is one, which has all */
	if (n == -ENOENT && node == 0)
		n = sys_read_file(root_of(hw), CPUS "/online", text, sizeof(text));
	if (n < 0)
		return why(-ENODEV, "there is no NUMA node %u", node);
	cpu = strtoul(text, &end, 10);
	if (end == text)
		return why(-ENODEV, "NUMA node %u has memory and no processor", node);
	*ret_cpu = (uint32_t)cpu;
	return 0;
}

int hws_numa_of_device(struct hws *hw, const char *bdf, uint32_t *ret_node)
{
	char name[HWS_BDF_TEXT];
	char path[PATH];
	char text[32];
	struct hws_bdf at;
	long node;
	int r = hws_bdf_parse(bdf, &at);

	if (r < 0)
		return why(-EINVAL, "'%s' is no address of a PCI function", bdf);
	hws_bdf_format(at, name);
	snprintf(path, sizeof(path), "/sys/bus/pci/devices/%s/numa_node", name);
	if (sys_read_file(root_of(hw), path, text, sizeof(text)) < 0)
		return why(-ENODEV, "there is no PCI function %s", name);
	node = strtol(text, NULL, 10);
	if (node < 0)
		return why(-ENODATA, "the machine doesn't say which NUMA node %s is near", name);
	*ret_node = (uint32_t)node;
	return 0;
}
