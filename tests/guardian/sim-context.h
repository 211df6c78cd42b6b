/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A context on the simulated machine, for tests of what stands on it. */
#ifndef HWSAFE_TESTS_GUARDIAN_CONTEXT_H
#define HWSAFE_TESTS_GUARDIAN_CONTEXT_H

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "hw/hwsafe.h"
#include "tests/suite.h"

/*
 * HWS_TEST_SIM_PLUGIN names the machine as a plug-in: it is loaded from there then, and the policy
 * lets it in.
 */
static inline void sim_by_plugin(const char *plugin, struct hws_options *options)
{
	static char texts[4][1 << 14]; /* what they say is needed until the context is open */
	static unsigned int next;
	char *text = texts[next++ % 4];

	ck_assert_int_lt(snprintf(text, sizeof(texts[0]), "%s\n[plug-in]\nplugin = %s unsigned\n",
				  options->policy_text ? options->policy_text : "", plugin),
			 (int)sizeof(texts[0]));
	options->policy_text = text;
	options->policy_owner = getuid();
	options->backend = "plugin";
	options->plugin = plugin;
}

/* Whatever policy this machine has does not count: only @policy and the built-in one. */
static inline struct hws_options sim_with(const char *policy)
{
	struct hws_options options = {
		.size = sizeof(options),
		.backend = "sim",
		.policy_directory = "/nowhere/policy.d",
		.policy_text = policy,
	};
	const char *plugin = getenv("HWS_TEST_SIM_PLUGIN");

	if (plugin)
		sim_by_plugin(plugin, &options);
	return options;
}

static inline struct hws *open_with(const char *policy)
{
	struct hws_options options = sim_with(policy);
	struct hws *hw;

	ck_assert_msg(hws_open(&options, &hw) == 0, "%s", hws_why());
	return hw;
}

/* The last refusal was for that reason, and says so. */
static inline void check_denial(enum hws_reason reason, int code)
{
	const struct hws_denial *denial = hws_last_denial();

	ck_assert_ptr_nonnull(denial);
	ck_assert_msg(denial->reason == reason, "refused for %s: %s",
		      hws_reason_name(denial->reason), denial->text);
	ck_assert_int_eq(denial->code, code);
	ck_assert_str_ne(denial->text, "");
}

#endif
