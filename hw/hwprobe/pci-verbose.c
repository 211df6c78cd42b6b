/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "hw/hwprobe/pci-list.h"

void list_print_details(const struct list *list, const struct entry *entry)
{
	(void)list;
	(void)entry;
}
