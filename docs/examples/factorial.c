/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * QEMU's educational device works out 10!: "factorial", or "factorial sim" on the simulated
 * machine. In QEMU: -device edu,addr=03.0
 */
#include <hwsafe.h>
#include <stdio.h>

enum { COMMAND = 0x04, COMMAND_MEMORY = 0x2 };		   /* PCI configuration space */
enum { FACTORIAL = 0x08, STATUS = 0x20, COMPUTING = 0x1 }; /* the device's registers */

static const char address[] = "0000:00:03.0";

/* The device's memory answers once it is switched on. */
static int switch_on(struct hws *hw)
{
	struct hws_pci *pci;
	uint16_t command;
	int r = hws_pci_open(hw, address, COMMAND, 2, HWS_RW, &pci);

	if (r < 0)
		return r;
	r = hws_pci_read16(pci, COMMAND, &command);
	if (r == 0)
		r = hws_pci_write16(pci, COMMAND, command | COMMAND_MEMORY);
	hws_pci_close(pci);
	return r;
}

static int work_out(struct hws_mmio *edu, uint32_t of, uint32_t *ret_result)
{
	uint32_t status = COMPUTING;
	int r = hws_mmio_write32(edu, FACTORIAL, of);

	while (r == 0 && status & COMPUTING)
		r = hws_mmio_read32(edu, STATUS, &status); /* endless? the guard ends it */
	return r < 0 ? r : hws_mmio_read32(edu, FACTORIAL, ret_result);
}

int main(int argc, char **argv)
{
	struct hws_options options = {
		.size = sizeof(options),
		.backend = argc > 1 ? argv[1] : NULL,
		.policy_text = "pci = 1234:11e8, config 0x04-0x05 rw, width 2, mask 0x2\n"
			       "bar = 1234:11e8 0 0x00-0xff rw, width 4",
	};
	struct hws_mmio *edu = NULL;
	struct hws *hw = NULL;
	uint32_t result;
	int r = hws_open(&options, &hw);

	if (r == 0)
		r = switch_on(hw);
	if (r == 0)
		r = hws_mmio_map(hw, address, 0, 0, 0x100, HWS_RW, &edu);
	if (r == 0)
		r = work_out(edu, 10, &result);
	if (r == 0)
		printf("10! = %u\n", result);
	r = hws_explain(r, stderr);
	hws_mmio_unmap(edu);
	hws_close(hw);
	return r;
}
