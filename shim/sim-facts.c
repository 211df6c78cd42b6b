/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What a system around the simulated machine would know of its devices. */
#include <errno.h>
#include <stdio.h>

#include "shim/claim-internal.h"
#include "shim/sim-machine-internal.h"
#include "shim/why-internal.h"

static struct hws_pci_bar bar_of(const struct sim_function *function, uint32_t index)
{
	const struct sim_space *space = function->bars[index];
	uint32_t at = 0x10 + 4 * index;
	uint32_t low = sim_config_get(function, at, 4);
	struct hws_pci_bar bar = { .size = space->size };

	if (space->kind == SIM_SPACE_IO) {
		bar.base = low & ~3u;
		bar.flags = HWS_BAR_IO;
		return bar;
	}
	bar.base = low & ~15u;
	bar.flags = low & 8 ? HWS_BAR_PREFETCH : 0;
	if (space->kind == SIM_SPACE_MEM64) {
		bar.base |= (uint64_t)sim_config_get(function, at + 4, 4) << 32;
		bar.flags |= HWS_BAR_64;
	}
	return bar;
}

static void fill_info(const struct sim_function *function, struct hws_pci_info *info)
{
	*info = (struct hws_pci_info) {
		.size = sizeof(*info),
		.vendor = (uint16_t)sim_config_get(function, 0x00, 2),
		.device = (uint16_t)sim_config_get(function, 0x02, 2),
		.subsystem_vendor = (uint16_t)sim_config_get(function, 0x2c, 2),
		.subsystem_device = (uint16_t)sim_config_get(function, 0x2e, 2),
		.class_code = sim_config_get(function, 0x09, 3),
		.revision = (uint8_t)sim_config_get(function, 0x08, 1),
		.enabled = sim_config_decodes(function, SIM_SPACE_MEM) ||
			   sim_config_decodes(function, SIM_SPACE_IO),
		.numa_node = function->numa_node,
		.iommu_group = function->iommu_group,
		.power = "D0",
	};
	snprintf(info->driver, sizeof(info->driver), "%s", function->driver);
	for (uint32_t bar = 0; bar < SIM_BARS; bar++) {
		if (function->bars[bar])
			info->bars[bar] = bar_of(function, bar);
	}
}

int sim_pci_info(void *self, struct hws_bdf bdf, struct hws_pci_info *ret_info)
{
	struct sim *sim = self;
	const struct sim_function *function = sim_function_find(sim, bdf);
	char text[HWS_BDF_TEXT];
	bool there;

	pthread_mutex_lock(&sim->lock);
	there = function && !function->gone;
	if (there)
		fill_info(function, ret_info);
	pthread_mutex_unlock(&sim->lock);
	return there ? 0 : why(-ENODEV, "there is no PCI function %s", hws_bdf_format(bdf, text));
}

int sim_pci_claimed(void *self, struct hws_bdf bdf, uint32_t bar)
{
	const struct sim_function *function = sim_function_find(self, bdf);

	(void)bar;
	return function ? claim_of_function(bdf, function->driver, function->users) : 0;
}

/* BARs of ports are who drives the function. */
static int bars_claimed(const struct sim *sim, uint64_t first, uint64_t end)
{
	int r = 0;

	for (const struct sim_function *of = sim->functions; of && r == 0; of = of->next) {
		for (uint32_t bar = 0; bar < SIM_BARS && r == 0; bar++) {
			uint64_t base = sim_config_io_base(of, bar);

			if (base < end && base + of->bars[bar]->size > first)
				r = claim_of_function(of->bdf, of->driver, of->users);
		}
	}
	return r;
}

int sim_ports_claimed(void *self, uint16_t first, uint32_t count)
{
	struct sim *sim = self;
	uint64_t end = (uint64_t)first + count;
	int r;

	for (const struct sim_space *at = sim->ports; at; at = at->next) {
		if (at->owner[0] && at->first < end && at->first + at->size > first)
			return claim_of_ports(at->first, at->first + at->size - 1, at->owner);
	}
	pthread_mutex_lock(&sim->lock);
	r = bars_claimed(sim, first, end);
	pthread_mutex_unlock(&sim->lock);
	return r;
}

/* One package without hyper-threads, whatever the description of CPUID says. */
int sim_topology(void *self, struct hws_topology *ret_topology)
{
	const struct sim *sim = self;

	*ret_topology = (struct hws_topology) {
		.packages = 1,
		.cores = sim->cpu.cpus,
		.threads = sim->cpu.cpus,
	};
	return 0;
}
