/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "uring/charge-internal.h"

int charge_take(struct hws *hw, uint64_t bytes, struct charge *ret_charge)
{
	ret_charge->hw = hw;
	ret_charge->bytes = bytes;
	return 0;
}

void charge_release(struct charge *charge, uint64_t keep)
{
	charge->bytes = keep;
}
