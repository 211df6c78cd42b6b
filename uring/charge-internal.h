/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What pools ask of the guardian: memory, by the byte. */
#ifndef HWSAFE_URING_CHARGE_INTERNAL_H
#define HWSAFE_URING_CHARGE_INTERNAL_H

#include "guardian/context.h"

/* Memory that is charged to a context; all zero: none. */
struct charge {
	struct hws *hw; /* referenced */
	struct hws_token token;
};

/* 0; -EDQUOT. @hw: shared; NULL: nobody is asked. */
HWS_MUST int charge_take(struct hws *hw, uint64_t bytes, struct charge *ret_charge);
/*
 * Gives it back but for @keep bytes, which stay charged for as long as the context lives; or else
 * all of them do, where the caps leave no room for the change. All zero afterwards.
 */
void charge_release(struct charge *charge, uint64_t keep);

#endif
