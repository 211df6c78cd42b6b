/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef HWSAFE_HW_BATCH_INTERNAL_H
#define HWSAFE_HW_BATCH_INTERNAL_H

#include "hw/place-internal.h"

/* Does the step make sense, and would it be allowed? Sets its status. */
HWS_MUST int step_check(struct hws_step *step);
/* Does it; sets its status and what came of it. */
HWS_MUST int step_do(struct hws_step *step);
/* Does the verb write? */
static inline bool step_writes(const struct hws_step *step)
{
	return step->verb == HWS_STEP_WRITE || step->verb == HWS_STEP_UPDATE;
}

#endif
