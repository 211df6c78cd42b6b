/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* One loaded policy, as it applies to this process, and the rate of each of its rules. */
#ifndef HWSAFE_GUARDIAN_RULES_INTERNAL_H
#define HWSAFE_GUARDIAN_RULES_INTERNAL_H

#include "guardian/policy.h"
#include "guardian/surge-internal.h"

struct rules {
	_Atomic uint32_t refs;
	struct hws_policy_view *view;
	uint64_t generation;
	uint32_t count;
	struct surge *_Atomic rates[]; /* of each rule, once it was needed */
};

HWS_MUST int rules_load(const struct hws_policy_options *options, struct rules **ret_rules);
struct rules *rules_ref(struct rules *rules);
void rules_unref(struct rules *rules); /* NULL does nothing */

/* How much memory they take. */
uint64_t rules_size(const struct rules *rules);

/* Takes @amount from the rate of the decision's rule. NONE where it has none; RATE; CLOCK. */
HWS_MUST enum hws_reason rules_take_rate(struct rules *rules, const struct hws_decision *decision,
					 struct surge_grant *ret_grant);
void rules_undo_rate(struct rules *rules, const struct hws_decision *decision,
		     const struct surge_grant *grant);

#endif
