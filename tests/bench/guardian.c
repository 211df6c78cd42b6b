/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <stddef.h>

#include "tests/bench/guardian.h"

enum { CASES_MAX = 64 };

static const struct bench_case *const parts[] = {
	guardian_gate_cases,  guardian_limits_cases,   guardian_policy_cases,
	guardian_audit_cases, guardian_snapshot_cases,
};

int main(int argc, char **argv)
{
	struct bench_case cases[CASES_MAX + 1] = { 0 };
	size_t count = 0;

	for (size_t part = 0; part < sizeof(parts) / sizeof(parts[0]); part++)
		for (const struct bench_case *at = parts[part]; at->name && count < CASES_MAX; at++)
			cases[count++] = *at;
	return bench_main("guardian", cases, argc, argv);
}
