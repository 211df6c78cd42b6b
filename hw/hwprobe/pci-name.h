/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Names of what lies in configuration space:
 *
 *	Command DevCtl.MaxPayload    the description's, and its fields
 *	COMMAND CAP_EXP+8.w 0x10.l   setpci's
 */
#ifndef HWPROBE_PCI_NAME_H
#define HWPROBE_PCI_NAME_H

#include "hw/hwprobe/spot.h"

/* A function that is open, and the description of its space. */
struct space {
	struct hws_pci *pci;
	struct hws_registers *registers;
	struct hws_bank *bank; /* the function's own */
};

/* Of verbs about one function: a dump that it is in, the first option. */
enum { PCI_FILE };
#define ARGS_PCI_FILE [PCI_FILE] = { "file", 'F', "FILE", "what lspci -x printed, not a machine" }

/* A context; of a dump it has that function only. @file: NULL: a machine. Else it was told. */
enum result pci_open_machine(const struct call *call, const char *file, struct hws_bdf bdf,
			     struct hws **ret_hw);
/* The function that the first word names; else it was told why not. */
enum result pci_space_open(const struct call *call, const char *file, uint32_t rights,
			   struct hws **ret_hw, struct space *space);
/* Takes what pci_space_open() left behind, whatever it gave. */
void pci_space_close(struct hws *hw, struct space *space);

/* Where and how wide; ->name is filled too. Else it was told why not. */
enum result pci_name_find(const struct space *space, const char *name, struct spot *ret_spot);

#endif
