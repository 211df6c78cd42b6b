/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What a simulated device does by itself: it reaches memory, through the IOMMU when it is held, and
 * interrupts.
 */
#include <errno.h>

#include "shim/hold-internal.h"
#include "shim/sim-hold-internal.h"
#include "shim/sys-internal.h"
#include "shim/why-internal.h"

static const struct sim_map *map_at(const struct sim_hold *hold, uint64_t address,
				    enum hws_rights right)
{
	for (uint32_t i = 0; i < hold->map_count; i++) {
		const struct sim_map *map = &hold->maps[i];

		if (address - map->address < map->size)
			return map->device & right ? map : NULL;
	}
	return NULL;
}

/* Kept until somebody asks; when too many wait, only counted. */
static void keep_fault(struct sim_hold *hold, uint64_t address, bool write)
{
	hold->faults_seen++;
	if (hold->fault_count == SIM_FAULTS)
		return;
	hold->faults[(hold->fault_first + hold->fault_count++) % SIM_FAULTS] =
		(struct hws_dma_fault) { address, write, hold->faults_seen };
}

static bool copy(const struct sim_map *map, uint64_t at, void *bytes, size_t size, bool write)
{
	char *memory = map->memory + at;

	return (write ? sys_own_memory_write(memory, bytes, size)
		      : sys_own_memory_read(memory, bytes, size)) == 0;
}

/* Piece by piece: what lies before the first hole is moved, as on a real bus. */
static bool translated(struct sim_hold *hold, uint64_t address, char *bytes, size_t size,
		       bool write)
{
	while (size > 0) {
		const struct sim_map *map = map_at(hold, address, write ? HWS_W : HWS_R);
		uint64_t at = map ? address - map->address : 0;
		size_t piece = map && size > map->size - at ? (size_t)(map->size - at) : size;

		if (!map || !copy(map, at, bytes, piece, write)) {
			keep_fault(hold, address, write);
			return false;
		}
		address += piece;
		bytes += piece;
		size -= piece;
	}
	return true;
}

void sim_device_read(struct sim *sim, struct sim_function *function, uint64_t address, void *bytes,
		     size_t size)
{
	bool moved = function->hold
			     ? sim_config_masters_bus(function) &&
				       translated(function->hold, address, bytes, size, false)
			     : sim->dma_read &&
				       sim->dma_read(address, bytes, size, sim->dma_context) == 0;

	if (moved)
		sim->stats.dma_read += size;
	else
		sim->stats.dma_faults++; /* as on a real bus, the device does not learn of it */
}

void sim_device_write(struct sim *sim, struct sim_function *function, uint64_t address,
		      const void *bytes, size_t size)
{
	bool moved =
		function->hold
			? sim_config_masters_bus(function) &&
				  translated(function->hold, address, (char *)bytes, size, true)
			: sim->dma_write &&
				  sim->dma_write(address, bytes, size, sim->dma_context) == 0;

	if (moved)
		sim->stats.dma_written += size;
	else
		sim->stats.dma_faults++;
}

/* A line that is up rings once, then waits to be unmasked. */
static void ring_line(struct sim_function *function)
{
	struct sim_hold *hold = function->hold;

	if (!hold || hold->mode != HWS_IRQ_INTX || hold->vectors == 0 || hold->masked ||
	    !function->line)
		return;
	hold->masked = true;
	sys_eventfd_ring(hold->eventfds[0]);
}

void sim_device_line(struct sim_function *function, bool up)
{
	function->line = up;
	ring_line(function);
}

void sim_device_interrupt(struct sim *sim, struct sim_function *function, uint32_t vector)
{
	struct sim_hold *hold = function->hold;

	sim->stats.interrupts++;
	if (hold && hold->mode != HWS_IRQ_INTX && vector < hold->vectors)
		sys_eventfd_ring(hold->eventfds[vector]);
}

void sim_irq_unbind(struct sim_hold *hold)
{
	while (hold->vectors > 0)
		sys_close(hold->eventfds[--hold->vectors]);
	hold->masked = false;
}

/* Its own descriptors, as a kernel keeps the eventfd whatever becomes of the program's. */
static int bind_all(struct sim_hold *hold, const int32_t *eventfds, uint32_t count)
{
	if (count > SIM_VECTORS)
		return why(-ERANGE, "the simulated machine has %u vectors", SIM_VECTORS);
	for (uint32_t i = 0; i < count; i++) {
		int fd = sys_dup(eventfds[i]);

		if (fd < 0) {
			sim_irq_unbind(hold);
			return why(fd, "vector %u: its eventfd can't be used", i);
		}
		hold->eventfds[hold->vectors++] = fd;
	}
	return 0;
}

int sim_irq_bind(void *self, const struct hws_hold *hold, enum hws_irq_mode mode,
		 const int32_t *eventfds, uint32_t count)
{
	struct sim *sim = self;
	struct sim_function *function;
	struct sim_hold *mine;
	int r = hold_check_irq(hold, mode, eventfds, count);

	if (r < 0)
		return r;
	pthread_mutex_lock(&sim->lock);
	mine = sim_hold_find(sim, hold, &function);
	r = mine ? 0 : -ENODEV;
	if (mine) {
		sim_irq_unbind(mine);
		mine->mode = mode;
		r = bind_all(mine, eventfds, count);
		ring_line(function);
	}
	pthread_mutex_unlock(&sim->lock);
	return r;
}

int sim_irq_unmask(void *self, const struct hws_hold *hold, enum hws_irq_mode mode)
{
	struct sim *sim = self;
	struct sim_function *function;
	struct sim_hold *mine;
	int r = 0;

	pthread_mutex_lock(&sim->lock);
	mine = sim_hold_find(sim, hold, &function);
	if (!mine)
		r = -ENODEV;
	else if (mine->mode != mode || mine->vectors == 0)
		r = why(-EINVAL, "no such interrupt is bound");
	else {
		mine->masked = false;
		ring_line(function);
	}
	pthread_mutex_unlock(&sim->lock);
	return r;
}

int sim_dma_fault(void *self, const struct hws_hold *hold, struct hws_dma_fault *ret_fault)
{
	struct sim *sim = self;
	struct sim_function *function;
	struct sim_hold *mine;
	int r = -ENODEV;

	pthread_mutex_lock(&sim->lock);
	mine = sim_hold_find(sim, hold, &function);
	if (mine && mine->fault_count == 0)
		r = -ENOENT;
	else if (mine) {
		*ret_fault = mine->faults[mine->fault_first];
		mine->fault_first = (mine->fault_first + 1) % SIM_FAULTS;
		mine->fault_count--;
		r = 0;
	}
	pthread_mutex_unlock(&sim->lock);
	return r;
}
