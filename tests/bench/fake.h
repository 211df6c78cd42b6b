/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Work and a clock that only it moves: what the harness measures is then known. */
#ifndef HWSAFE_TESTS_BENCH_FAKE_H
#define HWSAFE_TESTS_BENCH_FAKE_H

#include "tests/bench/bench-internal.h"

struct fake {
	uint64_t now;
	double drift;	      /* how much dearer each nanosecond gets with every sample */
	unsigned int samples; /* taken so far */
	unsigned int hiccup;  /* every so many samples one takes ten times as long; 0: none */
	uint64_t cold;	      /* what it costs more to follow another one */
	const void *last;     /* who ran last */
};
extern struct fake fake;

int fake_clock(clockid_t clock, uint64_t *ret_ns);
int fake_refused(const struct bench_case *of, void **ret_context);

/* Work of so many nanoseconds an iteration; the last fails. */
int fake_0(void *context, uint64_t n);
int fake_10(void *context, uint64_t n);
int fake_other_10(void *context, uint64_t n);
int fake_20(void *context, uint64_t n);
int fake_fails(void *context, uint64_t n);

#define FAKE_ROW(case_name, ours_does, base_does)                                                 \
	.name = case_name, .baseline = "base line", .what = "a thing is done", .ours = ours_does, \
	.base = base_does, .flags = BENCH_NO_INSTRUCTIONS

/* One case each. */
extern const struct bench_case fake_same[];
extern const struct bench_case fake_twice[]; /* and over its limit */

#endif
