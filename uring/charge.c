/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "uring/charge-internal.h"

#include "guardian/context-internal.h"

int charge_take(struct hws *hw, uint64_t bytes, struct charge *ret_charge)
{
	struct charge charge = { 0 };
	int r = hw ? hws_guardian_reserve(hw, HWS_RAM, bytes, &charge.token) : 0;

	if (r < 0)
		return r;
	if (hw)
		charge.hw = context_ref(hw);
	*ret_charge = charge;
	return 0;
}

void charge_release(struct charge *charge, uint64_t keep)
{
	struct hws_token kept; /* nobody gives it back */

	if (!charge->hw)
		return;
	/* the caps themselves, not the guardian's face: this is no request that could be refused */
	if (keep == 0 || caps_reserve(&charge->hw->caps, HWS_RAM, keep, &kept) == HWS_REASON_NONE)
		(void)hws_guardian_release(charge->hw, charge->token);
	context_unref(charge->hw);
	*charge = (struct charge) { 0 };
}
