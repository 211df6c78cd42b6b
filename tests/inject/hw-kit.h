/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What flows on a context share: it, and that nothing of it is in use at the end. */
#ifndef HWSAFE_TESTS_INJECT_HW_KIT_H
#define HWSAFE_TESTS_INJECT_HW_KIT_H

#include "guardian/context-internal.h"
#include "hw/hwsafe.h"
#include "tests/inject/inject.h"

/* The next step, if none before it failed. */
#define inject_next(r, call) ((r) < 0 ? (r) : inject_step(call))

/* Every handle is closed: nothing is reserved any more, nobody refers to it. Then it is closed. */
static inline void close_unused(struct hws *hw)
{
	struct hws_cap_state states[HWS_RESOURCES];

	if (!hw)
		return;
	inject_mute(true);
	caps_read(&hw->caps, states);
	for (enum hws_resource i = 0; i < HWS_RESOURCES; i++)
		if (states[i].used)
			inject_bad("%s: %llu are still reserved", hws_resource_name(i),
				   (unsigned long long)states[i].used);
	if (hw->refs != 1)
		inject_bad("%u still refer to the context", hw->refs - 1);
	inject_mute(false);
	hws_close(hw);
}

#endif
