/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* How processors are grouped: as the system lists them, else as CPUID tells. */
#include <errno.h>

#include "hw/face-internal.h"
#include "hw/topology-internal.h"
#include "shim/why-internal.h"

enum { EAX, EBX, ECX };

/* How many processors are below one unit of a level: as the leaf says; 0: nothing. */
static int read_level(struct hws_cpuid *cpuid, uint32_t leaf, uint32_t wanted, uint32_t *ret_count)
{
	enum { SMT = 1, LEVELS = 8 };
	uint32_t regs[4];

	*ret_count = 0;
	for (uint32_t level = 0; level < LEVELS; level++) {
		int r = hws_cpuid_read(cpuid, leaf, level, regs);
		uint32_t type;

		if (r < 0)
			return r;
		type = regs[ECX] >> 8 & 0xff;
		if (type == 0)
			break;
		if (wanted == SMT ? type == SMT : type > SMT)
			*ret_count = regs[EBX] & 0xffff;
	}
	return 0;
}

/* Leaf 0x1f is 0x0b with more levels, where there is one. */
static int read_leaves(struct hws_cpuid *cpuid, uint32_t *ret_core, uint32_t *ret_package)
{
	static const uint32_t leaves[] = { 0x1f, 0x0b };
	int r = 0;

	*ret_core = *ret_package = 0;
	for (size_t i = 0; i < 2 && r >= 0 && !*ret_core; i++) {
		r = cpuid_has_leaf(cpuid, leaves[i]);
		if (r <= 0)
			continue;
		r = read_level(cpuid, leaves[i], 1, ret_core);
		r = r < 0 ? r : read_level(cpuid, leaves[i], 2, ret_package);
	}
	return r < 0 ? r : 0;
}

static uint32_t units(uint32_t threads, uint32_t of)
{
	return of ? (threads + of - 1) / of : threads;
}

int cpuid_topology(struct hws_cpuid *cpuid, uint32_t threads, struct hws_topology *ret_topology)
{
	uint32_t core;
	uint32_t package;
	int r = read_leaves(cpuid, &core, &package);

	if (r < 0)
		return r;
	if (!core)
		return why(-EOPNOTSUPP, "CPUID tells of no cores");
	*ret_topology = (struct hws_topology) {
		.packages = units(threads, package ? package : threads),
		.cores = units(threads, core),
		.threads = threads,
	};
	return 0;
}

int hws_get_topology(struct hws *hw, struct hws_topology *ret_topology)
{
	const struct hws_shim_ops *ops = shim_ops(&hw->shim);
	struct hws_topology topology;
	struct hws_cpuid *cpuid;
	struct hws_cpu cpu;
	int r = ops->topology(hw->shim.self, &topology);

	if (r == -EOPNOTSUPP) {
		r = ops->identify(hw->shim.self, &cpu);
		r = r < 0 ? r : hws_cpuid_open(hw, 0, 0x1f, &cpuid);
		if (r < 0)
			return r;
		r = cpuid_topology(cpuid, cpu.cpus, &topology);
		hws_cpuid_close(cpuid);
	}
	if (r == 0)
		*ret_topology = topology;
	return r;
}
