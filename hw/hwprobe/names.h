/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Names of PCI numbers, as lspci writes them. */
#ifndef HWPROBE_NAMES_H
#define HWPROBE_NAMES_H

#include "hw/hwprobe/hwprobe.h"

enum { NAME_TEXT = 256 };

enum naming { NAMING_NAMES, NAMING_NUMBERS, NAMING_BOTH };

struct names;
/* For names_close(); NULL: no memory. The list of names is read when one is asked for. */
struct names *names_open(enum naming naming);
void names_close(struct names *names);

enum name_of {
	NAME_CLASS,
	NAME_VENDOR,
	NAME_DEVICE,
	NAME_BOTH,
	NAME_SUBVENDOR,
	NAME_SUBDEVICE,
	NAME_SUBSYSTEM,
};
/* Gives @text, or a constant when it can't be told. */
const char *name_of(struct names *names, enum name_of what, const struct hws_pci_info *info,
		    char text[NAME_TEXT]);

#endif
