/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The helper's suite is made of these parts, each a table as bench_main() takes it. */
#ifndef HWSAFE_TESTS_BENCH_HELPER_H
#define HWSAFE_TESTS_BENCH_HELPER_H

#include <sys/types.h>

#include "hw/hwsafe.h"
#include "tests/bench/bench.h"

extern const struct bench_case helper_ask_cases[];
extern const struct bench_case helper_flood_cases[];
extern const struct bench_case helper_run_cases[];

/* A helper on the simulated machine, and a context that asks it. */
struct bench_helper {
	char folder[64];
	char socket[96];
	pid_t pid;
	struct hws *hw;
	struct hws_msr *msr; /* 0x199 */
};

/* @option: one more word for its command line, with @value; NULL: none. 0 or -errno. */
int bench_helper_start(struct bench_helper *helper, const char *option, const char *value);
/* Takes what is half started, and all zeros. */
void bench_helper_stop(struct bench_helper *helper);
/* One register, asked for. */
int bench_helper_single(const struct bench_helper *helper);

#endif
