/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What a simulated machine is made of. Ports, BARs and each processor's MSRs
 * are all the same thing: a space that holds registers.
 */
#ifndef HWSAFE_SHIM_SIM_MACHINE_INTERNAL_H
#define HWSAFE_SHIM_SIM_MACHINE_INTERNAL_H

#include <pthread.h>

#include "shim/shim-internal.h"
#include "shim/sim-internal.h"
#include "shim/text-internal.h"

enum {
	SIM_CPUS = 64,
	SIM_FOUND = 16,
	SIM_BARS = 6,
	SIM_CONFIG = 256,
	SIM_CONFIG_PCIE = 4096,
	SIM_HEADER = 0x40, /* where capabilities may begin (PCI 3.0 §6.1) */
};

/* What all spaces with memory may take together. */
#define SIM_MEMORY_MAX (64ull << 20)

enum sim_attribute {
	SIM_RO,	     /* writes are ignored */
	SIM_WO,	     /* reads give all-ones */
	SIM_RW,	     /* bits of the mask can be written */
	SIM_W1C,     /* a one written clears the bit */
	SIM_RCLR,    /* reading clears it */
	SIM_COUNTER, /* each read finds it advanced by one step */
	SIM_FIFO,    /* writes queue, reads take the oldest */
};

struct sim_register {
	struct sim_register *next;
	uint64_t offset;
	uint32_t width;
	enum sim_attribute attribute;
	bool split; /* narrower accesses reach parts of it */
	uint64_t value;
	uint64_t initial; /* what a reset gives it back */
	uint64_t mask;
	uint64_t step;
	struct sim_register *raises;  /* a write sets these bits there */
	struct sim_register *clears;  /* a write clears these bits there */
	struct sim_register *follows; /* bits of the mask are read from there */
	uint64_t *queue;
	uint32_t depth;
	uint32_t head;
	uint32_t queued;
};

struct sim;
struct sim_function;
struct sim_hold;
struct sim_space;

/* A device that registers alone can't describe. */
struct sim_behaviour {
	const char *name;
	bool ports;	 /* a range of ports; else a memory BAR */
	bool interrupts; /* its function has an interrupt pin */
	uint64_t size;	 /* what it needs, at least */
	size_t state_size;
	const void *reset; /* the state it begins in */
	int (*access)(struct sim *sim, struct sim_space *space, uint64_t offset,
		      struct sim_access *access);
};

enum sim_space_kind {
	SIM_SPACE_PORTS,
	SIM_SPACE_MEM,
	SIM_SPACE_MEM64,
	SIM_SPACE_IO,
	SIM_SPACE_MSRS,
};

struct sim_space {
	struct sim_space *next;
	enum sim_space_kind kind;
	uint64_t first; /* ports only: of the first one */
	uint64_t size;
	uint64_t latency_ns;
	char owner[32]; /* ports only: whose they are; "": nobody's */
	bool memory;	/* what no register covers is plain memory */
	uint8_t *bytes;
	struct sim_register *registers;
	const struct sim_behaviour *behaviour;
	struct sim_function *function; /* whose BAR it is; NULL: ports, MSRs */
	void *state;
};

enum sim_capability {
	SIM_CAP_PM,
	SIM_CAP_MSI,
	SIM_CAP_PCIE,
};

struct sim_function {
	struct sim_function *next; /* in address order */
	struct hws_bdf bdf;
	bool unplugs;
	bool gone;
	uint64_t accesses_left; /* until it is gone */
	uint32_t config_size;
	bool exact; /* its bytes were told one by one: nothing else describes them */
	uint8_t config[SIM_CONFIG_PCIE];
	uint8_t writable[SIM_CONFIG_PCIE];  /* bits that writes change */
	uint8_t clearable[SIM_CONFIG_PCIE]; /* bits that a written one clears */
	bool taken[SIM_CONFIG_PCIE];	    /* described already */
	uint32_t last_capability;	    /* where the chain's last pointer is */
	struct sim_space *bars[SIM_BARS];
	/* what the system would know of it */
	char driver[32];
	char users[64];
	int32_t iommu_group;   /* -1: in none */
	int32_t numa_node;     /* -1: not known */
	struct sim_hold *hold; /* NULL: nobody holds it */
	bool line;	       /* its interrupt line is up */
};

struct sim_leaf {
	struct sim_leaf *next;
	uint32_t leaf;
	uint32_t subleaf;
	bool any; /* any subleaf */
	uint32_t registers[4];
};

struct sim {
	pthread_mutex_t lock; /* guards everything below but the description */
	struct hws_cpu cpu;
	struct sim_leaf *leaves;
	struct sim_space msrs[SIM_CPUS];
	struct sim_register *found[SIM_CPUS][SIM_FOUND]; /* of them, lately, by number */
	struct sim_space *ports;
	struct sim_function *functions;
	bool clock_fixed;
	int64_t clock;	      /* seconds since 1970, UTC */
	uint64_t next_memory; /* where the next BAR goes */
	uint64_t next_io;
	uint64_t memory_left;
	uint64_t ticks;
	uint64_t holds; /* how many were opened so far */
	struct sim_stats stats;
	sim_dma_read_fn *dma_read;
	sim_dma_write_fn *dma_write;
	void *dma_context;
	void (*log)(const struct sim_access *access, void *context);
	void *log_context;
};

/* sim-machine.c: made whole or not at all, found, released. */
HWS_MUST int sim_new(struct sim **ret_sim);
/* Makes room for what the description only sized: memory and the state of behaviours. */
HWS_MUST int sim_furnish(struct sim *sim);
/* What is behind the BARs is as it was when the machine began; configuration space stays. */
void sim_function_reset(struct sim_function *function);
void sim_free(struct sim *sim);
void sim_free_p(struct sim **sim);
struct sim_leaf *sim_leaf_find(const struct sim *sim, uint32_t leaf, uint32_t subleaf);
/* What covers any of these ports. */
struct sim_space *sim_ports_at(const struct sim *sim, uint64_t first, uint64_t count);
/* MSRs are numbered, not measured in bytes. */
struct sim_register *sim_msr_find(struct sim *sim, uint32_t cpu, uint64_t number);
struct sim_function *sim_function_find(const struct sim *sim, struct hws_bdf bdf);
/* Addresses as numbers, in address order: domain << 16 | bus << 8 | device << 3 | function. */
uint64_t sim_bdf_order(struct hws_bdf bdf);
struct hws_bdf sim_bdf_from_order(uint64_t order);

/* sim-space.c: what an access does once it is known where it goes. */
/* All-ones, for what nothing answers. */
int sim_nothing_there(struct sim_access *access);
struct sim_register *sim_register_at(const struct sim_space *space, uint64_t offset, uint64_t size);
int sim_register_access(struct sim_register *reg, uint64_t offset, struct sim_access *access);
int sim_space_access(struct sim *sim, struct sim_space *space, uint64_t offset,
		     struct sim_access *access);

/* sim-pci.c: configuration space. */
void sim_config_init(struct sim_function *function);
void sim_config_put(struct sim_function *function, uint32_t offset, uint32_t width, uint32_t value);
/* Appends a capability; false: there is no room for it. */
HWS_MUST bool sim_config_capability(struct sim_function *function, enum sim_capability which);
/* Its registers then size and move it. False: no address is left for it. */
HWS_MUST bool sim_config_bar(struct sim *sim, struct sim_function *function, uint32_t bar,
			     bool prefetch);
/* Where an I/O BAR answers now: its first port, or UINT32_MAX. */
uint32_t sim_config_io_base(const struct sim_function *function, uint32_t bar);
bool sim_config_decodes(const struct sim_function *function, enum sim_space_kind kind);
uint32_t sim_config_get(const struct sim_function *function, uint32_t offset, uint32_t width);
bool sim_config_masters_bus(const struct sim_function *function);
/* 0: it has no such capability. */
uint32_t sim_config_msi_vectors(const struct sim_function *function);
int sim_config_access(struct sim_function *function, struct sim_access *access);
/* Counts one access; false once the function is unplugged. */
bool sim_function_answers(struct sim_function *function);

/* sim-facts.c: what the system around it knows. */
int sim_pci_info(void *self, struct hws_bdf bdf, struct hws_pci_info *ret_info);
int sim_ports_claimed(void *self, uint16_t first, uint32_t count);
int sim_pci_claimed(void *self, struct hws_bdf bdf, uint32_t bar);
int sim_topology(void *self, struct hws_topology *ret_topology);
/* sim-access.c: many registers at once. */
int sim_msr_batch(void *self, struct hws_msr_op *ops, size_t count);

/* sim-hold.c: as when its holder closed it. */
void sim_hold_drop(struct sim_function *function);

/* sim-device.c: transfers, counted, whatever memory or the IOMMU says to them; interrupts. */
void sim_device_read(struct sim *sim, struct sim_function *function, uint64_t address, void *bytes,
		     size_t size);
void sim_device_write(struct sim *sim, struct sim_function *function, uint64_t address,
		      const void *bytes, size_t size);
void sim_device_line(struct sim_function *function, bool up);
/* A message; the line is told separately. */
void sim_device_interrupt(struct sim *sim, struct sim_function *function, uint32_t vector);

/* sim-cmos.c, sim-edu.c */
extern const struct sim_behaviour sim_cmos;
extern const struct sim_behaviour sim_edu;

/*
 * sim-access.c: carries an access out, counts it, shows it to the log. @refused: what the caller
 * found already; then it is only counted.
 */
int sim_perform(struct sim *sim, struct sim_access *access, int refused);

/* What embed.sh made of sims/default.sim. */
extern const char sim_default_text[];

/* sim-parse.c: gives the number of errors, or -errno; a machine only with 0. */
HWS_MUST int sim_parse(const char *text, const char *name, text_report_fn *report, void *context,
		       struct sim **ret_sim);

#endif
