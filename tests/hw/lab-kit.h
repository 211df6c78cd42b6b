/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the tests on the lab's machines share. */
#ifndef HWSAFE_TESTS_HW_LAB_KIT_H
#define HWSAFE_TESTS_HW_LAB_KIT_H

#include "tests/hw/hw-kit.h"

/* also what the kernel uses, and what is dangerous: the kernel itself is to say no */
#define EVERYTHING                                        \
	"port = * rw claimed danger\nmsr = * rw danger\n" \
	"pci = *, config rw claimed danger\nbar = * * rw claimed\ncpuid = * r"

enum { INDEX = 0x70, DATA = 0x71 }; /* of a PC's clock */

static inline struct hws *open_native(void)
{
	struct hws_options options = sim_with(EVERYTHING);
	struct hws *hw;

	options.backend = "native";
	ck_works(hws_open(&options, &hw));
	return hw;
}

static inline struct hws_port *open_clock(struct hws *hw)
{
	struct hws_port *clock;

	ck_works(hws_port_open(hw, INDEX, 2, HWS_RW, &clock));
	return clock;
}

#endif
