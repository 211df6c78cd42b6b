/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A bank's inside, for the files that it is made of. */
#ifndef HWSAFE_HW_BANK_PRIVATE_INTERNAL_H
#define HWSAFE_HW_BANK_PRIVATE_INTERNAL_H

#include "hw/bank-internal.h"
#include "hw/registers-internal.h"

#define BANK_NOWHERE UINT64_MAX

struct hws_bank {
	struct gate *gate; /* the handle's own; the bank is in it */
	const struct face *face;
	struct hws_registers *registers;
	uint64_t index; /* what was last written to the index port; BANK_NOWHERE: not known */
	uint64_t at[];	/* of each register, from the window's first; BANK_NOWHERE: not in it */
};

/* What the attribute means: "is read-only" … */
const char *bank_says(enum hws_attribute attribute);

#endif
