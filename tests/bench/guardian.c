/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <stddef.h>

#include "tests/bench/guardian.h"

int main(int argc, char **argv)
{
	static const struct bench_case *const parts[] = {
		guardian_gate_cases,  guardian_limits_cases,   guardian_policy_cases,
		guardian_audit_cases, guardian_snapshot_cases, NULL,
	};

	return bench_main_parts("guardian", parts, argc, argv);
}
