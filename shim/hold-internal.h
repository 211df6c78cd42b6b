/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Held functions: what every back end checks in the same way. */
#ifndef HWSAFE_SHIM_HOLD_INTERNAL_H
#define HWSAFE_SHIM_HOLD_INTERNAL_H

#include "shim/shim.h"

/* The most vectors that are handed to one holder, whatever the function has. */
enum { HOLD_VECTORS = 256 };

/*
 * May it be mapped, as far as the hold tells? 0; -EINVAL: nothing, no right, or not in whole pages;
 * -ERANGE: not inside one of the spans.
 */
HWS_MUST int hold_check_map(const struct hws_hold *hold, uint64_t address, const void *memory,
			    uint64_t size, enum hws_rights device);

/* 0; -EINVAL: no such mode, or no descriptors; -ERANGE: it has not that many vectors. */
HWS_MUST int hold_check_irq(const struct hws_hold *hold, enum hws_irq_mode mode,
			    const int32_t *eventfds, uint32_t count);

#endif
