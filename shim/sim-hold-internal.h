/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A simulated function that is held: its page table, its faults, its interrupts. */
#ifndef HWSAFE_SHIM_SIM_HOLD_INTERNAL_H
#define HWSAFE_SHIM_SIM_HOLD_INTERNAL_H

#include "shim/sim-machine-internal.h"

enum { SIM_MAPS = 256, SIM_FAULTS = 64, SIM_VECTORS = 32 };

struct sim_map {
	uint64_t address; /* as the device gives it */
	uint64_t size;
	char *memory;
	enum hws_rights device;
};

struct sim_hold {
	uint64_t serial; /* which of all holds it is: the cookie of struct hws_hold */
	struct sim_map maps[SIM_MAPS];
	uint32_t map_count;
	struct hws_dma_fault faults[SIM_FAULTS]; /* the oldest that nobody asked for */
	uint32_t fault_first;
	uint32_t fault_count;
	uint64_t faults_seen;
	enum hws_irq_mode mode;
	int32_t eventfds[SIM_VECTORS];
	uint32_t vectors;
	bool masked;
};

/* Entries of the back end's table: as shim.h has them. */
int sim_hold_open(void *self, struct hws_bdf bdf, struct hws_hold *ret_hold);
void sim_hold_close(void *self, struct hws_hold *hold);
int sim_hold_reset(void *self, const struct hws_hold *hold);
int sim_dma_map(void *self, const struct hws_hold *hold, uint64_t address, void *memory,
		uint64_t size, enum hws_rights device);
int sim_dma_unmap(void *self, const struct hws_hold *hold, uint64_t address, uint64_t size);
int sim_dma_fault(void *self, const struct hws_hold *hold, struct hws_dma_fault *ret_fault);
int sim_irq_bind(void *self, const struct hws_hold *hold, enum hws_irq_mode mode,
		 const int32_t *eventfds, uint32_t count);
int sim_irq_unmask(void *self, const struct hws_hold *hold, enum hws_irq_mode mode);

/* The hold as its function has it, NULL when it was closed: told by hws_why(). Under the lock. */
struct sim_hold *sim_hold_find(struct sim *sim, const struct hws_hold *hold,
			       struct sim_function **ret_function);
/* Its interrupts go nowhere any more. */
void sim_irq_unbind(struct sim_hold *hold);

#endif
