/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What pools ask of the guardian: memory, by the byte. */
#ifndef HWSAFE_URING_CHARGE_INTERNAL_H
#define HWSAFE_URING_CHARGE_INTERNAL_H

#include "shim/base.h"

struct hws;

/* Memory that is charged; all zero: none. */
struct charge {
	struct hws *hw;
	uint64_t bytes;
};

/* 0; -EDQUOT. @hw NULL: nobody is asked. */
HWS_MUST int charge_take(struct hws *hw, uint64_t bytes, struct charge *ret_charge);
/* All but @keep bytes, which stay charged for as long as the context lives. */
void charge_release(struct charge *charge, uint64_t keep);

#endif
