/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A simulated machine's parts: made, found, released. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "shim/sim-machine-internal.h"
#include "shim/size-internal.h"

enum { INTERRUPT_PIN = 0x3d }; /* PCI 3.0 §6.2.4 */

int sim_new(struct sim **ret_sim)
{
	struct sim *sim = calloc(1, sizeof(*sim));

	if (!sim)
		return -ENOMEM;
	if (pthread_mutex_init(&sim->lock, NULL) != 0) {
		free(sim);
		return -ENOMEM;
	}
	sim->cpu = (struct hws_cpu) { .arch = HWS_ARCH_X86_64, .cpus = 1 };
	/* As a PC's firmware would have it: below the I/O APIC, above the fixed ports. */
	sim->next_memory = 0xc0000000;
	sim->next_io = 0xc000;
	sim->memory_left = SIM_MEMORY_MAX;
	sim->clock_fixed = true;
	for (uint32_t cpu = 0; cpu < SIM_CPUS; cpu++) {
		sim->msrs[cpu].kind = SIM_SPACE_MSRS;
		sim->msrs[cpu].size = UINT64_C(1) << 32;
	}
	*ret_sim = sim;
	return 0;
}

static void reset_space(struct sim_space *space)
{
	if (space->bytes)
		memset(space->bytes, 0, (size_t)space->size);
	if (space->behaviour)
		memcpy(space->state, space->behaviour->reset, space->behaviour->state_size);
	for (struct sim_register *reg = space->registers; reg; reg = reg->next) {
		reg->value = reg->initial;
		reg->queued = 0;
	}
}

void sim_function_reset(struct sim_function *function)
{
	for (uint32_t bar = 0; bar < SIM_BARS; bar++) {
		if (function->bars[bar])
			reset_space(function->bars[bar]);
	}
	function->line = false;
}

static int furnish_space(struct sim_space *space)
{
	if (space->memory && !(space->bytes = size_calloc(space->size, 1)))
		return -ENOMEM;
	if (space->behaviour && !(space->state = malloc(space->behaviour->state_size)))
		return -ENOMEM;
	for (struct sim_register *reg = space->registers; reg; reg = reg->next) {
		if (reg->depth && !(reg->queue = calloc(reg->depth, sizeof(*reg->queue))))
			return -ENOMEM;
	}
	reset_space(space);
	return 0;
}

static int furnish_bar(struct sim_function *function, struct sim_space *space)
{
	space->function = function;
	if (space->behaviour && space->behaviour->interrupts)
		function->config[INTERRUPT_PIN] = 1;
	return furnish_space(space);
}

int sim_furnish(struct sim *sim)
{
	int r = 0;

	for (struct sim_space *space = sim->ports; space && r == 0; space = space->next)
		r = furnish_space(space);
	for (struct sim_function *function = sim->functions; function; function = function->next) {
		for (uint32_t bar = 0; bar < SIM_BARS && r == 0; bar++) {
			if (function->bars[bar])
				r = furnish_bar(function, function->bars[bar]);
		}
	}
	for (uint32_t cpu = 0; cpu < SIM_CPUS && r == 0; cpu++)
		r = furnish_space(&sim->msrs[cpu]);
	return r;
}

static void empty_space(struct sim_space *space)
{
	while (space->registers) {
		struct sim_register *reg = space->registers;

		space->registers = reg->next;
		free(reg->queue);
		free(reg);
	}
	free(space->bytes);
	free(space->state);
}

static void free_function(struct sim_function *function)
{
	for (uint32_t bar = 0; bar < SIM_BARS; bar++) {
		if (function->bars[bar])
			empty_space(function->bars[bar]);
		free(function->bars[bar]);
	}
	sim_hold_drop(function);
	free(function);
}

void sim_free(struct sim *sim)
{
	if (!sim)
		return;
	while (sim->ports) {
		struct sim_space *space = sim->ports;

		sim->ports = space->next;
		empty_space(space);
		free(space);
	}
	while (sim->functions) {
		struct sim_function *function = sim->functions;

		sim->functions = function->next;
		free_function(function);
	}
	while (sim->leaves) {
		struct sim_leaf *leaf = sim->leaves;

		sim->leaves = leaf->next;
		free(leaf);
	}
	for (uint32_t cpu = 0; cpu < SIM_CPUS; cpu++)
		empty_space(&sim->msrs[cpu]);
	pthread_mutex_destroy(&sim->lock);
	free(sim);
}

void sim_free_p(struct sim **sim)
{
	sim_free(*sim);
	*sim = NULL;
}

struct sim_leaf *sim_leaf_find(const struct sim *sim, uint32_t leaf, uint32_t subleaf)
{
	struct sim_leaf *at = sim->leaves;

	while (at && (at->leaf != leaf || (!at->any && at->subleaf != subleaf)))
		at = at->next;
	return at;
}

struct sim_space *sim_ports_at(const struct sim *sim, uint64_t first, uint64_t count)
{
	struct sim_space *space = sim->ports;

	while (space && (first >= space->first + space->size || space->first >= first + count))
		space = space->next;
	return space;
}

struct sim_register *sim_msr_find(struct sim *sim, uint32_t cpu, uint64_t number)
{
	struct sim_register **found = &sim->found[cpu][number % SIM_FOUND];
	struct sim_register *reg = *found;

	if (reg && reg->offset == number)
		return reg;
	reg = sim->msrs[cpu].registers;
	while (reg && reg->offset != number)
		reg = reg->next;
	*found = reg;
	return reg;
}

uint64_t sim_bdf_order(struct hws_bdf bdf)
{
	return (uint64_t)bdf.domain << 16 | (uint64_t)bdf.bus << 8 |
	       (uint64_t)(bdf.device << 3 | bdf.function);
}

struct hws_bdf sim_bdf_from_order(uint64_t order)
{
	return (struct hws_bdf) {
		.domain = (uint32_t)(order >> 16),
		.bus = (uint8_t)(order >> 8),
		.device = order >> 3 & 31,
		.function = order & 7,
	};
}

struct sim_function *sim_function_find(const struct sim *sim, struct hws_bdf bdf)
{
	struct sim_function *function = sim->functions;

	while (function && sim_bdf_order(function->bdf) != sim_bdf_order(bdf))
		function = function->next;
	return function;
}
