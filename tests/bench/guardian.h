/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The guardian's suite is made of these parts, each a table as bench_main() takes it. */
#ifndef HWSAFE_TESTS_BENCH_GUARDIAN_H
#define HWSAFE_TESTS_BENCH_GUARDIAN_H

#include "tests/bench/bench.h"

extern const struct bench_case guardian_audit_cases[];
extern const struct bench_case guardian_snapshot_cases[];
extern const struct bench_case guardian_gate_cases[];
extern const struct bench_case guardian_limits_cases[];
extern const struct bench_case guardian_policy_cases[];

#endif
