/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <fcntl.h>

#include "tests/helper/client.h"

/* clock: a PC's, by the two ports that were granted and no other. */
void client_clock(char **arguments)
{
	struct hws *hw;
	struct hws_port *clock;
	struct hws_port *more;
	uint8_t month = 0;

	(void)arguments;
	CHECK(hws_open(NULL, &hw) == 0);
	CHECK(hws_port_open(hw, 0x70, 2, HWS_RW, &clock) == 0);
	CHECK(!strcmp(hws_port_way(clock), "granted"));
	CHECK(hws_port_write8(clock, 0x70, 8) == 0);
	CHECK(hws_port_read8(clock, 0x71, &month) == 0);
	CHECK(month >= 1 && month <= 0x12);
	/* outside her rule; and inside one that the kernel could not keep */
	CHECK(hws_port_open(hw, 0x60, 1, HWS_R, &more) == -EACCES);
	CHECK(hws_port_open(hw, 0x80, 1, HWS_R, &more) == -EPERM);
	CHECK(hws_port_read8(clock, 0x72, &month) == -ERANGE);
	hws_port_close(clock);
	/* closing gives nothing away that could not be had again */
	CHECK(hws_port_open(hw, 0x70, 2, HWS_RW, &clock) == 0);
	CHECK(hws_port_read8(clock, 0x71, &month) == 0);
	hws_port_close(clock);
	hws_close(hw);
}

/* edu BDF r|rw: the BAR's registers; where only reading was granted the kernel holds it to that. */
void client_edu(char **arguments)
{
	bool writes = !strcmp(arguments[1], "rw");
	struct hws *hw;
	struct hws_mmio *edu;
	char path[128];
	uint32_t value = 0;

	snprintf(path, sizeof(path), "/sys/bus/pci/devices/%s/resource0", arguments[0]);
	CHECK(open(path, O_RDONLY) < 0 && errno == EACCES);
	CHECK(hws_open(NULL, &hw) == 0);
	CHECK(hws_mmio_map(hw, arguments[0], 0, 0, 0x100, writes ? HWS_RW : HWS_R, &edu) == 0);
	CHECK(hws_mmio_read32(edu, 0, &value) == 0 && value == 0x010000ed);
	if (writes) {
		CHECK(hws_mmio_write32(edu, 4, 0x12345678) == 0);
		CHECK(hws_mmio_read32(edu, 4, &value) == 0 && value == ~0x12345678u);
	}
	hws_mmio_unmap(edu);
	if (!writes)
		CHECK(hws_mmio_map(hw, arguments[0], 0, 0, 0x100, HWS_RW, &edu) < 0);
	hws_close(hw);
}
