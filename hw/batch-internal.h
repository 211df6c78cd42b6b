/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef HWSAFE_HW_BATCH_INTERNAL_H
#define HWSAFE_HW_BATCH_INTERNAL_H

#include "hw/place-internal.h"

/* Does the step make sense, and would it be allowed? Sets its status. */
HWS_MUST int step_check(struct hws_step *step);
/* Does it; sets its status and what came of it. */
HWS_MUST int step_do(struct hws_step *step);
/*
 * Does those from the first on that can go to their back end together; how many that were, perhaps
 * none. Sets their status and what came of them.
 */
HWS_MUST uint32_t batch_far(struct hws_step *steps, uint32_t count, bool go_on);
/* A clock that fails stands still. */
uint64_t batch_now(void);
/* None was begun: those that nothing is wrong with are cancelled. Gives @r. */
int steps_refused(struct hws_step *steps, uint32_t count, int r);
/* Does the verb write? */
static inline bool step_writes(const struct hws_step *step)
{
	return step->verb == HWS_STEP_WRITE || step->verb == HWS_STEP_UPDATE;
}

#endif
