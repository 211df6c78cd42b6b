/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A context on the simulated machine, for tests of what stands on it. */
#ifndef HWSAFE_TESTS_GUARDIAN_CONTEXT_H
#define HWSAFE_TESTS_GUARDIAN_CONTEXT_H

#include "hw/hwsafe.h"
#include "tests/suite.h"

/* Whatever policy this machine has does not count: only @policy and the built-in one. */
static inline struct hws_options sim_with(const char *policy)
{
	return (struct hws_options) {
		.size = sizeof(struct hws_options),
		.backend = "sim",
		.policy_directory = "/nowhere/policy.d",
		.policy_text = policy,
	};
}

static inline struct hws *open_with(const char *policy)
{
	struct hws_options options = sim_with(policy);
	struct hws *hw;

	ck_assert_msg(hws_open(&options, &hw) == 0, "%s", hws_why());
	return hw;
}

#endif
