/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A device with a register of every kind. */
#ifndef HWSAFE_TESTS_GUARDIAN_GATE_KIT_H
#define HWSAFE_TESTS_GUARDIAN_GATE_KIT_H

#include "tests/guardian/sim-context.h"

#define TEST_DEVICE "0000:00:05.0" /* 1234:11ea */
enum { ID = 0x00, SCRATCH = 0x04, DEVICE_ID = 0x11ea0001 };

static inline struct hws_mmio *map(struct hws *hw, uint32_t rights)
{
	struct hws_mmio *mmio;

	ck_assert_msg(hws_mmio_map(hw, TEST_DEVICE, 0, 0, 0x100, rights, &mmio) == 0, "%s",
		      hws_why());
	return mmio;
}

#define ALL_OF_IT "bar = 1234:11ea 0 rw"

#endif
