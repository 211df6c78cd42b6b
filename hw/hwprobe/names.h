/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Names of PCI numbers, as lspci writes them; and what the kernel calls functions. */
#ifndef HWPROBE_NAMES_H
#define HWPROBE_NAMES_H

#include "hw/hwprobe/hwprobe.h"

enum { NAME_TEXT = 256 };

enum naming { NAMING_NAMES, NAMING_NUMBERS, NAMING_BOTH };

struct names;
/*
 * For names_close(); NULL: no memory. The list of names is read when one is asked for.
 * @sysroot: what facts_of() looks below.
 */
struct names *names_open(enum naming naming, const char *sysroot);
void names_close(struct names *names);

enum name_of {
	NAME_CLASS,
	NAME_VENDOR,
	NAME_DEVICE,
	NAME_BOTH,
	NAME_SUBVENDOR,
	NAME_SUBDEVICE,
	NAME_SUBSYSTEM,
	NAME_INTERFACE, /* NULL where it has none */
};
/* Gives @text, or a constant when it can't be told. */
const char *name_of(struct names *names, enum name_of what, const struct hws_pci_info *info,
		    char text[NAME_TEXT]);

/* A text is "" where there is none. */
struct facts {
	char label[128]; /* the firmware's name for it */
	char slot[64];	 /* that it sits in */
	char alias[256]; /* which modules match it */
	uint32_t irq;	 /* 0: none */
	struct hws_pci_bar rom;
};
void facts_of(struct names *names, struct hws_bdf bdf, struct facts *ret_facts);

#endif
