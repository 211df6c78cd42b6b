/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Functions of a simulated machine that are held: opened, reset, closed, their memory mapped. */
#include "shim/sim-hold-internal.h"

#include <errno.h>
#include <stdlib.h>

#include "shim/hold-internal.h"
#include "shim/sys-internal.h"
#include "shim/why-internal.h"

enum {
	PAGE = 4096,
	COMMAND = 0x04,
	COMMAND_BUS_MASTER = 0x4,
	INTERRUPT_PIN = 0x3d,
};

/* What an IOMMU of a PC translates: 48 bits, but for where interrupts are written to. */
static const struct hws_span spans[] = {
	{ 0, 0xfedfffff },
	{ 0xfef00000, UINT64_C(0xffffffffffff) },
};

struct sim_hold *sim_hold_find(struct sim *sim, const struct hws_hold *hold,
			       struct sim_function **ret_function)
{
	struct sim_function *function = sim_function_find(sim, hold->bdf);

	if (!function || !function->hold || function->hold->serial != hold->cookie) {
		why(-ENODEV, "this function is held no more");
		return NULL;
	}
	*ret_function = function;
	return function->hold;
}

static int new_hold(struct sim *sim, struct sim_function *function, struct hws_bdf bdf)
{
	char text[HWS_BDF_TEXT];

	hws_bdf_format(bdf, text);
	if (!function || function->gone)
		return why(-ENODEV, "there is no PCI function %s", text);
	if (function->hold)
		return why(-EBUSY, "%s is held already", text);
	function->hold = calloc(1, sizeof(*function->hold));
	if (!function->hold)
		return why(-ENOMEM, "no memory to hold %s", text);
	function->hold->serial = ++sim->holds;
	sim_function_reset(function);
	function->config[COMMAND] |= COMMAND_BUS_MASTER;
	return 0;
}

int sim_hold_open(void *self, struct hws_bdf bdf, struct hws_hold *ret_hold)
{
	struct sim *sim = self;
	struct sim_function *function = sim_function_find(sim, bdf);
	int r;

	pthread_mutex_lock(&sim->lock);
	r = new_hold(sim, function, bdf);
	if (r == 0)
		*ret_hold = (struct hws_hold) {
			.cookie = function->hold->serial,
			.bdf = bdf,
			.way = "sim",
			.page = PAGE,
			.max_maps = SIM_MAPS,
			.can_reset = 1,
			.irqs = { [HWS_IRQ_INTX] = function->config[INTERRUPT_PIN] != 0,
				  [HWS_IRQ_MSI] = sim_config_msi_vectors(function) },
			.span_count = sizeof(spans) / sizeof(spans[0]),
			.spans = { spans[0], spans[1] },
		};
	pthread_mutex_unlock(&sim->lock);
	return r;
}

void sim_hold_drop(struct sim_function *function)
{
	if (!function->hold)
		return;
	sim_irq_unbind(function->hold);
	free(function->hold);
	function->hold = NULL;
}

void sim_hold_close(void *self, struct hws_hold *hold)
{
	struct sim *sim = self;
	struct sim_function *function;

	pthread_mutex_lock(&sim->lock);
	if (sim_hold_find(sim, hold, &function)) {
		sim_hold_drop(function);
		sim_function_reset(function);
		function->config[COMMAND] &= (uint8_t)~COMMAND_BUS_MASTER;
	}
	pthread_mutex_unlock(&sim->lock);
	*hold = (struct hws_hold) { 0 };
}

int sim_hold_reset(void *self, const struct hws_hold *hold)
{
	struct sim *sim = self;
	struct sim_function *function;
	int r = -ENODEV;

	pthread_mutex_lock(&sim->lock);
	if (sim_hold_find(sim, hold, &function)) {
		sim_function_reset(function);
		r = function->gone ? why(-ENODEV, "the function is unplugged") : 0;
	}
	pthread_mutex_unlock(&sim->lock);
	return r;
}

/* The kernel pins what it maps; what this process can't reach it can't pin. */
static int check_reachable(const char *memory, uint64_t size)
{
	for (uint64_t at = 0; at < size; at += PAGE) {
		if (!memory || !sys_can_pin(memory + at))
			return why(-EFAULT,
				   "the memory can't be pinned: it is not there, or closed");
	}
	return 0;
}

static int add_map(struct sim_hold *hold, const struct sim_map *map)
{
	for (uint32_t i = 0; i < hold->map_count; i++) {
		const struct sim_map *other = &hold->maps[i];

		if (map->address < other->address + other->size &&
		    other->address < map->address + map->size)
			return why(-EEXIST, "something is mapped at 0x%llx already",
				   (unsigned long long)other->address);
	}
	if (hold->map_count == SIM_MAPS)
		return why(-ENOSPC, "the IOMMU has room for %u mappings", SIM_MAPS);
	hold->maps[hold->map_count++] = *map;
	return 0;
}

int sim_dma_map(void *self, const struct hws_hold *hold, uint64_t address, void *memory,
		uint64_t size, enum hws_rights device)
{
	const struct sim_map map = { address, size, memory, device };
	struct sim *sim = self;
	struct sim_function *function;
	struct sim_hold *mine;
	int r = hold_check_map(hold, address, memory, size, device);

	if (r == 0)
		r = check_reachable(memory, size);
	if (r < 0)
		return r;
	pthread_mutex_lock(&sim->lock);
	mine = sim_hold_find(sim, hold, &function);
	r = mine ? add_map(mine, &map) : -ENODEV;
	pthread_mutex_unlock(&sim->lock);
	return r;
}

static int remove_map(struct sim_hold *hold, uint64_t address, uint64_t size)
{
	for (uint32_t i = 0; i < hold->map_count; i++) {
		if (hold->maps[i].address == address && hold->maps[i].size == size) {
			hold->maps[i] = hold->maps[--hold->map_count];
			return 0;
		}
	}
	return why(-ENOENT, "nothing of 0x%llx bytes is mapped at 0x%llx", (unsigned long long)size,
		   (unsigned long long)address);
}

int sim_dma_unmap(void *self, const struct hws_hold *hold, uint64_t address, uint64_t size)
{
	struct sim *sim = self;
	struct sim_function *function;
	struct sim_hold *mine;
	int r;

	pthread_mutex_lock(&sim->lock);
	mine = sim_hold_find(sim, hold, &function);
	r = mine ? remove_map(mine, address, size) : -ENODEV;
	pthread_mutex_unlock(&sim->lock);
	return r;
}
