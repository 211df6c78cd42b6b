/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "helper/needs.h"

#include <linux/capability.h>

#include "guardian/access.h"

enum {
	PORT = NEEDS_OF(HWS_KIND_PORT),
	MSR = NEEDS_OF(HWS_KIND_MSR),
	PCI = NEEDS_OF(HWS_KIND_PCI),
	BAR = NEEDS_OF(HWS_KIND_BAR),
	DMA = NEEDS_OF(HWS_KIND_DMA),
};

const struct need needs[NEEDS_COUNT] = {
	{ CAP_SYS_RAWIO, PORT | MSR, "ioperm(); opening /dev/cpu/N/msr and /dev/port" },
	{ CAP_DAC_OVERRIDE, PORT | MSR | PCI | BAR | DMA,
	  "root's files: /dev/cpu/N/msr, /dev/port, config and resourceN in sysfs, /dev/vfio; "
	  "programs that the policy names" },
	{ CAP_SYS_ADMIN, PORT | PCI | BAR,
	  "configuration space from 64 on; who claims ports and memory: /proc/ioports, iomem" },
	/* of the process that does nothing else: serve-exe.c */
	{ CAP_SYS_PTRACE, 0, "/proc/PID/exe of other users' programs" },
};

uint64_t needs_for(uint32_t kinds)
{
	uint64_t set = 0;

	for (int i = 0; i < NEEDS_COUNT; i++)
		if (needs[i].kinds & kinds)
			set |= UINT64_C(1) << needs[i].capability;
	return set;
}

uint64_t needs_declared(void)
{
	uint64_t set = 0;

	for (int i = 0; i < NEEDS_COUNT; i++)
		set |= UINT64_C(1) << needs[i].capability;
	return set;
}
