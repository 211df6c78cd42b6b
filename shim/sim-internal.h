/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The simulated machine as a back end, and what only its owner can do with
 * it: give its devices memory, watch every access, read its counters.
 * @self is always what sim_ops.open() gave.
 */
#ifndef HWSAFE_SHIM_SIM_INTERNAL_H
#define HWSAFE_SHIM_SIM_INTERNAL_H

#include "shim/shim.h"

extern const struct hws_shim_ops sim_ops;

enum sim_kind {
	SIM_PORT,
	SIM_MSR,
	SIM_PCI, /* configuration space */
	SIM_MMIO,
	SIM_CPUID,
	SIM_KINDS
};

/* One access, as it was asked for and as it ended. */
struct sim_access {
	enum sim_kind kind;
	bool write;
	bool outside; /* it met nothing that the description knows */
	bool ignored; /* a write that went nowhere */
	int result;   /* 0 or -errno, as the caller gets it */
	uint32_t width;
	uint32_t cpu;	     /* MSR */
	uint32_t bar;	     /* MMIO */
	struct hws_bdf bdf;  /* PCI, MMIO */
	uint64_t offset;     /* port, MSR, CPUID leaf, or offset in config space or the BAR */
	uint64_t value;	     /* as written, or as read */
	uint64_t latency_ns; /* how long it then waits */
};

struct sim_stats {
	uint64_t reads[SIM_KINDS];
	uint64_t writes[SIM_KINDS];
	uint64_t outside;
	uint64_t ignored;
	uint64_t failed;  /* ended with an error */
	uint64_t windows; /* open now */
	uint64_t waits;
	uint64_t waited_ns;
	uint64_t interrupts; /* raised by devices */
	uint64_t dma_read;   /* bytes that devices took from memory */
	uint64_t dma_written;
	uint64_t dma_faults; /* transfers that were refused */
};

/* Both give 0, or -errno when the address may not be touched. Neither may call the machine. */
typedef int sim_dma_read_fn(uint64_t address, void *bytes, size_t size, void *context);
typedef int sim_dma_write_fn(uint64_t address, const void *bytes, size_t size, void *context);

/*
 * What devices that nobody holds see as memory; NULL (so it begins): every transfer is refused and
 * counted. One that is held sees what was mapped for it.
 */
void sim_set_dma(void *self, sim_dma_read_fn *read, sim_dma_write_fn *write, void *context);
/* Called for every access, one at a time, after it happened; may not call the machine. */
void sim_set_log(void *self, void (*log)(const struct sim_access *access, void *context),
		 void *context);
void sim_get_stats(void *self, struct sim_stats *ret_stats);

#endif
