/* SPDX-License-Identifier: GPL-2.0-or-later */
/* setpci's names of registers and capabilities. */
#ifndef HWPROBE_PCI_REGS_H
#define HWPROBE_PCI_REGS_H

#include "hw/hwprobe/hwprobe.h"

enum { PCI_REGS_ANY = 0xff };

struct pci_reg {
	const char *name;
	uint8_t offset;
	uint8_t width;
	uint8_t layouts; /* of headers that have it: their types as bits */
};

struct pci_cap_name {
	const char *name;
	uint16_t id;
	bool extended;
};

/* In the order of setpci --dumpregs; NULL: there are no more. */
const struct pci_reg *pci_reg_at(size_t index);
const struct pci_cap_name *pci_cap_name_at(size_t index);

/* In capitals or not; NULL: nobody is called so. */
const struct pci_reg *pci_reg_find(const char *name);
const struct pci_cap_name *pci_cap_name_find(const char *name);

/* Has a header of that type such a register? */
bool pci_reg_fits(const struct pci_reg *reg, uint8_t header_type);

#endif
