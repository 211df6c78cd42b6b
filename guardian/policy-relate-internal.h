/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* How two rules of a policy stand to each other. */
#ifndef HWSAFE_GUARDIAN_POLICY_RELATE_INTERNAL_H
#define HWSAFE_GUARDIAN_POLICY_RELATE_INTERNAL_H

#include "guardian/policy-internal.h"

/* Can one access be about both? Devices that are named differently may be the same. */
bool policy_rules_touch(const struct hws_policy *policy, const struct policy_rule *a,
			const struct policy_rule *b);
/* Is every access that @b is about one that @a is about? Rights and limits aside. */
bool policy_rule_covers(const struct hws_policy *policy, const struct policy_rule *a,
			const struct policy_rule *b);
/* Do @a's limits let pass whatever @b's do? Rates aside. */
bool policy_rule_permits(const struct policy_rule *a, const struct policy_rule *b);
/* Do both limit the same way, rates and last words too? */
bool policy_limits_equal(const struct policy_rule *a, const struct policy_rule *b);

#endif
