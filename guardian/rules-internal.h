/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* One loaded policy, as it applies to this process, and what is counted for each of its rules. */
#ifndef HWSAFE_GUARDIAN_RULES_INTERNAL_H
#define HWSAFE_GUARDIAN_RULES_INTERNAL_H

#include "guardian/policy.h"
#include "guardian/surge-internal.h"

/* What is counted for a rule. */
struct rule_count {
	struct surge *_Atomic rate; /* once it was needed */
	_Atomic uint64_t bytes;	    /* of memory that devices hold by it */
	_Atomic uint64_t maps;
};

struct rules {
	_Atomic uint32_t refs;
	struct hws_policy_view *view;
	uint64_t generation;
	uint32_t count;
	struct rule_count counts[];
};

HWS_MUST int rules_load(const struct hws_policy_options *options, struct rules **ret_rules);
/* The same of a text, which errors call @file. */
HWS_MUST int rules_parse(const char *file, const char *text, struct rules **ret_rules);
struct rules *rules_ref(struct rules *rules);
void rules_unref(struct rules *rules); /* NULL does nothing */

/* How much memory they take. */
uint64_t rules_size(const struct rules *rules);

/* Takes @amount from the rate of the decision's rule. NONE where it has none; RATE; CLOCK. */
HWS_MUST enum hws_reason rules_take_rate(struct rules *rules, const struct hws_decision *decision,
					 struct surge_grant *ret_grant);
void rules_undo_rate(struct rules *rules, const struct hws_decision *decision,
		     const struct surge_grant *grant);

/* Memory that a device is to hold: NONE, or LIMIT and nothing is charged. */
HWS_MUST enum hws_reason rules_hold(struct rules *rules, const struct hws_decision *decision,
				    uint64_t bytes);
/* Adds what is held already, whatever the limits say; negative when it is held no more. */
void rules_move_held(struct rules *rules, uint32_t rule, int64_t bytes, int64_t maps);

#endif
