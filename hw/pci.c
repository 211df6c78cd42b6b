/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "hw/pci.h"

#include <errno.h>
#include <stdlib.h>

#include "hw/bank-internal.h"
#include "hw/device-internal.h"
#include "hw/face-internal.h"
#include "hw/place-internal.h"
#include "shim/sys-internal.h"
#include "shim/why-internal.h"

enum { CONFIG_SIZE = 4096 }; /* PCIe 6.0 §7.2.2: of a function, extended space included */

struct hws_pci {
	struct gate gate;
};

int hws_pci_open(struct hws *hw, const char *bdf, uint32_t first, uint32_t size, uint32_t rights,
		 struct hws_pci **ret_pci)
{
	struct hws_access access = { .kind = HWS_KIND_PCI, .rights = rights, .first = first };
	struct gate_options options = { .window = &access,
					.guard = { HWS_GUARD_PCI, HWS_GUARD_PCI } };
	HWS_CLEANUP_FREE struct hws_pci *pci = NULL;
	int r = device_parse(bdf, &access);

	if (r < 0)
		return r;
	if (first >= CONFIG_SIZE || !hws_range_ok(first, size, CONFIG_SIZE))
		return why(-ERANGE, "0x%x bytes at 0x%x: configuration space has 0x%x", size, first,
			   CONFIG_SIZE);
	if (first % 4)
		return why(-EINVAL, "a part of configuration space begins at a multiple of 4");
	access.last = size ? first + size - 1 : CONFIG_SIZE - 1;
	pci = calloc(1, sizeof(*pci));
	if (!pci)
		return why(-ENOMEM, "no memory for a PCI function");
	r = device_identify(hw, &access);
	if (r < 0)
		return context_fail(hw, HWS_EVENT_GRANT, &access, r);
	r = gate_open(hw, &options, &pci->gate);
	if (r == 0)
		*ret_pci = HWS_TAKE_PTR(pci);
	return r;
}

void hws_pci_close(struct hws_pci *pci)
{
	if (!pci)
		return;
	bank_close(&pci->gate);
	gate_close(&pci->gate);
	free(pci);
}

struct hws_bdf hws_pci_bdf(const struct hws_pci *pci)
{
	return pci->gate.window.bdf;
}

uint16_t hws_pci_vendor(const struct hws_pci *pci)
{
	return pci->gate.window.vendor;
}

uint16_t hws_pci_device(const struct hws_pci *pci)
{
	return pci->gate.window.device;
}

uint32_t hws_pci_class(const struct hws_pci *pci)
{
	return pci->gate.window.class_code;
}

static uint32_t offset_of(const struct gate *gate, const struct gate_access *one)
{
	return (uint32_t)(gate->window.first + one->offset);
}

static int do_read(struct gate *gate, const struct gate_access *one, uint64_t *ret_value)
{
	struct hws_shim *shim = &gate->hw->shim;
	uint32_t value;
	int r = shim_ops(shim)->pci_read(shim->self, gate->window.bdf, offset_of(gate, one),
					 one->width, &value);

	*ret_value = value;
	return r;
}

static int do_write(struct gate *gate, const struct gate_access *one)
{
	struct hws_shim *shim = &gate->hw->shim;

	return shim_ops(shim)->pci_write(shim->self, gate->window.bdf, offset_of(gate, one),
					 one->width, (uint32_t)one->value);
}

const struct face pci_face = { do_read, do_write, .has_old = true };

FACES(pci, 8, 0)
FACES(pci, 16, 1)
FACES(pci, 32, 2)

int hws_pci_describe(struct hws_pci *pci, struct hws_registers *registers,
		     struct hws_bank **ret_bank)
{
	return bank_open(&pci->gate, &pci_face, registers, ret_bank);
}
