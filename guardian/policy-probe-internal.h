/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The questions by which two policies are compared. */
#ifndef HWSAFE_GUARDIAN_POLICY_PROBE_INTERNAL_H
#define HWSAFE_GUARDIAN_POLICY_PROBE_INTERNAL_H

#include "guardian/lint.h"
#include "guardian/policy-internal.h"

/* Who asks for what: of a rule's names, one each; "any" where it has none. */
struct policy_probe {
	uint32_t uid;
	uint32_t gid;
	uint32_t group;
	const char *exe;
	struct hws_access access;
};

/* The index-th way to pick one of each of the rule's names; false: there are no more. */
bool policy_probe_of(const struct hws_policy *policy, const struct policy_rule *rule, size_t index,
		     struct policy_probe *ret_probe);
/* What both mean: false when nobody and nothing can be meant by both. */
bool policy_probe_join(struct policy_probe *probe, const struct policy_probe *with);

#endif
