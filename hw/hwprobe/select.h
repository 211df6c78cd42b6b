/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which PCI functions are meant: -s and -d as lspci takes them. */
#ifndef HWPROBE_SELECT_H
#define HWPROBE_SELECT_H

#include "hw/hwprobe/hwprobe.h"

enum { SELECT_SLOT = 4, SELECT_ID = 4 };

/* A part that isn't given, or is '*', has no bits that count. */
struct selected {
	uint32_t value;
	uint32_t mask;
};

struct selection {
	struct selected slot[SELECT_SLOT]; /* domain bus device function */
	struct selected id[SELECT_ID];	   /* vendor device class interface */
};

/* NULL selects all. False: one line on stderr names what is wrong, and where. */
bool select_parse(const char *slot, const char *id, struct selection *ret_selection);
bool select_slot(const struct selection *selection, const struct hws_bdf *bdf);
bool select_id(const struct selection *selection, const struct hws_pci_info *info);

#endif
