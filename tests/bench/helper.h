/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The helper's suite is made of these parts, each a table as bench_main() takes it. */
#ifndef HWSAFE_TESTS_BENCH_HELPER_H
#define HWSAFE_TESTS_BENCH_HELPER_H

#include "tests/bench/bench.h"

extern const struct bench_case helper_run_cases[];

#endif
