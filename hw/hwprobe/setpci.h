/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The operations of setpci: CAP_EXP+8.w@0=2000:7000,0 */
#ifndef HWPROBE_SETPCI_H
#define HWPROBE_SETPCI_H

#include "hw/hwprobe/pci-regs.h"

struct setpci_value {
	uint32_t value;
	uint32_t mask;
};

struct setpci_op {
	const char *word;	   /* as it was given */
	const struct pci_reg *reg; /* NULL: it has no name */
	const char *cap;	   /* the capability's name; NULL: none, the offset is from 0 */
	bool extended;
	uint16_t id;
	uint32_t number; /* which of those with this id */
	uint32_t offset;
	uint32_t width;
	struct setpci_value *values;
	size_t count; /* of values; 0: it is read */
};

/* False: it was told what is wrong. ->values is the caller's to free. */
bool setpci_parse(const char *word, struct setpci_op *ret_op);

/* One line on stderr; gives false. */
bool setpci_refuse(const char *format, ...) __attribute__((format(printf, 1, 2)));

uint32_t setpci_ones(uint32_t width);

/* Operations, and the functions that they are for. */
struct setpci_group {
	const char *slot;
	const char *id;
	size_t first;
	size_t count; /* of operations */
};

struct step;
struct setpci_work {
	bool verbose;
	bool demo;
	bool quiet;  /* -f: no function is no matter */
	bool strict; /* -r: no function is an error */
	struct setpci_group *groups;
	size_t group_count;
	struct setpci_op *ops;
	size_t op_count;
	struct hws *hw;
	struct step *steps;
	size_t step_count;
};

/* Everything, in order; false: it was told why not. */
bool setpci_run(struct setpci_work *work);
/* Gives up what @work has. */
void setpci_fini(struct setpci_work *work);

#endif
