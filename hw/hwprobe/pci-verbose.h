/* SPDX-License-Identifier: GPL-2.0-or-later */
/* One function's configuration space, for lspci -v. */
#ifndef HWPROBE_PCI_VERBOSE_H
#define HWPROBE_PCI_VERBOSE_H

#include "hw/hwprobe/pci-list.h"

struct view {
	const uint8_t *bytes;
	uint32_t size;
	const struct hws_pci_info *info;
	struct names *names;
	bool by_system; /* irq, rom and the info's BARs are what the system says */
	uint32_t irq;
	struct hws_pci_bar rom;
};

/* Little-endian; what isn't there reads as zeros. */
uint32_t view_get(const struct view *view, uint32_t offset, uint32_t width);
/* A line for each capability; @layout: the header's type. */
void view_print_caps(const struct view *view, uint32_t layout);

#endif
