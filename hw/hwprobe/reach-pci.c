/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Configuration space as a kind: BDF NAME, the names being those of pci get. */
#include <errno.h>
#include <string.h>

#include "hw/hwprobe/pci-name.h"
#include "hw/hwprobe/reach.h"

static bool parse(const struct reach *reach, char **words, struct target *ret_target)
{
	const char *at = words[0];
	struct hws_bdf bdf;

	(void)reach;
	if (!where_part("function", &at, "", ret_target->bdf, sizeof(ret_target->bdf)))
		return false;
	if (hws_bdf_parse(ret_target->bdf, &bdf) < 0) {
		args_refuse("'%s' is no PCI function: expected BDF, as in 00:03.0", words[0]);
		return false;
	}
	at = words[1];
	return where_part("register", &at, "", ret_target->name, sizeof(ret_target->name));
}

static void close_pci(void *pci)
{
	hws_pci_close(pci);
}

static void unref(void *registers)
{
	hws_registers_unref(registers);
}

static enum result open_pci(struct reach *reach, const struct target *target, uint32_t rights)
{
	struct space space = { 0 };
	enum result result;
	struct spot spot;
	struct spot *end;
	int r = hws_pci_open(reach->hw, target->bdf, 0, 0, rights, &space.pci);

	if (r < 0)
		return call_fail(target->bdf, r);
	if (!reach_keep(reach, space.pci, close_pci))
		return RESULT_FAILURE;
	r = hws_registers_load(reach->hw, "pci", &space.registers);
	if (r < 0)
		return call_fail(target->bdf, r);
	if (!reach_keep(reach, space.registers, unref))
		return RESULT_FAILURE;
	/* from here on a register that is read-only can't be written */
	r = hws_pci_describe(space.pci, space.registers, &space.bank);
	if (r < 0)
		return call_fail(target->bdf, r);
	result = pci_name_find(&space, target->name, &spot);
	if (result != RESULT_OK)
		return result;
	end = reach_add(reach);
	if (!end)
		return call_fail(target->bdf, -ENOMEM);
	*end = spot;
	snprintf(end->name, sizeof(end->name), "%s %.50s", target->bdf, target->name);
	return RESULT_OK;
}

const struct reach_kind reach_pci = { "pci", 2, parse, open_pci };
