/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A context on the simulated machine whose numbers are looked at. */
#ifndef HWSAFE_TESTS_GUARDIAN_TEST_SNAPSHOT_H
#define HWSAFE_TESTS_GUARDIAN_TEST_SNAPSHOT_H

#include "hw/hwsafe.h"
#include "tests/suite.h"

/* Every resource capped at 10 with a surge budget of 1,000,000; a test device's BAR allowed. */
static inline struct hws *snapshot_context(void)
{
	struct hws_options options = {
		.size = sizeof(options),
		.backend = "sim",
		.policy_directory = "/nowhere/policy.d",
		.policy_text = "bar = 1234:11ea 0 rw",
	};
	struct hws *hw;

	for (int i = 0; i < HWS_RESOURCES; i++)
		options.caps[i] = (struct hws_cap_limit) { .absolute = 10,
							   .surge_budget = 1000000,
							   .surge_window_ns = 1000000000 };
	ck_assert_msg(hws_open(&options, &hw) == 0, "%s", hws_why());
	return hw;
}

static inline struct hws_mmio *snapshot_map(struct hws *hw)
{
	struct hws_mmio *mmio;

	ck_assert_msg(hws_mmio_map(hw, "0000:00:05.0", 0, 0, 0x100, HWS_RW, &mmio) == 0, "%s",
		      hws_why());
	return mmio;
}

static inline struct hws_snapshot snapshot_of(struct hws *hw)
{
	struct hws_snapshot snapshot = { .size = sizeof(snapshot) };

	ck_ok(hws_snapshot_take(hw, &snapshot));
	return snapshot;
}

#endif
