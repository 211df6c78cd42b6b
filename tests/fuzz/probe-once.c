/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What hwprobe reads in each run though it never changes: read once here, as the linker puts these
 * functions in between (meson.build). And names of PCI numbers: a list of some, not the world's.
 */
#include <pci/pci.h>
#include <string.h>

#include "hw/hwprobe/geopm.h"
#include "tests/fuzz/fuzz.h"
#include "tests/fuzz/probe.h"

int __real_hws_registers_load(struct hws *hw, const char *name, struct hws_registers **ret);
int __wrap_hws_registers_load(struct hws *hw, const char *name, struct hws_registers **ret);
struct hws_registers *__real_geopm_names(void);
struct hws_registers *__wrap_geopm_names(void);
struct pci_access *__real_pci_alloc(void);
struct pci_access *__wrap_pci_alloc(void);

int __wrap_hws_registers_load(struct hws *hw, const char *name, struct hws_registers **ret)
{
	static struct hws_registers *pci;

	if (strcmp(name, "pci") != 0)
		return __real_hws_registers_load(hw, name, ret);
	fuzz_must(pci || __real_hws_registers_load(NULL, name, &pci) == 0);
	*ret = hws_registers_ref(pci);
	return 0;
}

struct hws_registers *__wrap_geopm_names(void)
{
	static struct hws_registers *names;

	names = names ? names : __real_geopm_names();
	fuzz_must(names);
	return hws_registers_ref(names);
}

/* Vendors, a device and a subsystem; classes of a disk and of a bridge. */
static const char names[] = "1234  Vendor\n\t11e8  Device\n\t\t1af4 1100  Subsystem\n"
			    "8086  Intel Corporation\n\t1237  440FX\n1af4  Red Hat, Inc.\n"
			    "C 01  Storage\n\t08  Memory\n\t\t02  NVM Express\n"
			    "C 06  Bridge\n\t04  PCI bridge\n\t\t00  Normal decode\n"
			    "\t\t01  Subtractive decode\n";

struct pci_access *__wrap_pci_alloc(void)
{
	static bool written;
	struct pci_access *pci = __real_pci_alloc();

	if (!written)
		fuzz_write("pci.ids", names, sizeof(names) - 1);
	written = true;
	pci_set_name_list_path(pci, strdup(probe_file("pci.ids")), 1);
	return pci;
}
