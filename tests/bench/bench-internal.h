/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef HWSAFE_TESTS_BENCH_BENCH_INTERNAL_H
#define HWSAFE_TESTS_BENCH_BENCH_INTERNAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <time.h>

#include "tests/bench/bench.h"

/* What a run takes from around it; tests bring their own. */
struct bench_env {
	FILE *out;
	FILE *err;
	int (*clock)(clockid_t clock, uint64_t *ret_ns);
};

struct bench_options {
	bool json;
	bool quick;
	bool check;
	bool list;
	bool help;
	double seconds; /* for each case */
	const char *filter;
};

struct bench_run {
	const char *suite;
	const struct bench_case *cases;
	const struct bench_env *env;
	struct bench_options options;
	uint64_t said; /* when progress was last shown */
	bool tty;
};

/* From good to bad. */
enum bench_verdict {
	BENCH_NO_LIMIT = 0,
	BENCH_HOLDS,
	BENCH_WITHIN_NOISE,
	BENCH_NOT_COUNTED,
	BENCH_MISSED,
	BENCH_SKIPPED,
	BENCH_FAILED,
};

struct bench_result {
	const struct bench_case *of;
	double ours;
	double base;
	double extra_ns;
	double ratio;
	double ci[2];
	double noise;
	double extra_instructions;
	const char *counter; /* how they were counted; NULL: not */
	enum bench_verdict verdict;
	char why[160]; /* skipped or failed */
};

enum bench_side { BENCH_OURS = 0, BENCH_BASE, BENCH_SIDES };

static inline uint32_t bench_ops(const struct bench_case *of, enum bench_side side)
{
	uint32_t ours = of->ours_ops ? of->ours_ops : 1;

	return side == BENCH_BASE && of->base_ops ? of->base_ops : ours;
}

static inline int bench_call(const struct bench_case *of, enum bench_side side, void *context,
			     uint64_t n)
{
	return side == BENCH_OURS ? of->ours(context, n) : of->base(context, n);
}

static inline const char *bench_unit(const struct bench_case *of)
{
	return of->unit ? of->unit : "ns/op";
}

int bench_run(const char *suite, const struct bench_case *cases, const struct bench_env *env,
	      int argc, char **argv);

/* options.c: 0, or 2 once it has said what is wrong. */
int bench_options(const struct bench_run *run, int argc, char **argv, struct bench_options *ret);
void bench_help(const struct bench_run *run);

/* statistics.c */
enum { BENCH_ROUNDS_MIN = 6, BENCH_ROUNDS_MAX = 1000 };
void bench_sort(double *values, size_t n);
/* The rest want sorted values. */
double bench_median(const double *values, size_t n);
/* Of the median, 95 %; the extremes where there are too few values for that. */
void bench_interval(const double *values, size_t n, double ret_ci[2]);
/* How far from 1 the interval reaches. */
double bench_noise(const double *values, size_t n);

/* measure.c: 0 or -errno; the times, ratio, ci and noise. @ret_n: iterations in a sample. */
int bench_measure(struct bench_run *run, const struct bench_case *of, void *context,
		  struct bench_result *ret, uint64_t ret_n[BENCH_SIDES]);

/* count.c: extra instructions an operation, of at most @n iterations, or why not: 0 or -errno. */
int bench_count(const struct bench_case *of, uint64_t n, struct bench_result *ret);
/* Two counts for each side: of n iterations and of twice as many. */
typedef uint64_t bench_counts[BENCH_SIDES][2];
/* step.c */
int bench_count_steps(const struct bench_case *of, uint64_t n, bench_counts ret_counts);

/* verdict.c: what each kind of limit looks at; by enum bench_kind, BENCH_NONE has no key. */
struct bench_kind_row {
	const char *key;    /* in the JSON */
	const char *before; /* in the table: around the number */
	const char *after;
	double (*value)(const struct bench_result *result); /* NAN: could not be measured */
	double (*noise)(const struct bench_result *result); /* in the unit of the value */
};
extern const struct bench_kind_row bench_kinds[BENCH_KINDS];
enum bench_verdict bench_judge(const struct bench_result *result, const struct bench_limit *limit);
/* The worst of all limits. */
enum bench_verdict bench_judge_all(const struct bench_result *result);
const char *bench_verdict_text(enum bench_verdict verdict);
/* "ratio <= 1.05, instr <= +60"; "" without a limit. */
const char *bench_limits_text(const struct bench_case *of, char *text, size_t size);

/* table.c: for people */
void bench_print_head(const struct bench_run *run);
void bench_print_row(const struct bench_run *run, const struct bench_result *result);
void bench_print_list(const struct bench_run *run);
/* @done: 0 to 1; shown on a terminal, and now and then elsewhere. */
void bench_progress(struct bench_run *run, const struct bench_case *of, double done);
void bench_progress_clear(const struct bench_run *run);

/* json.c: for programs; 0 or -ENOMEM */
int bench_print_json(const struct bench_run *run, const struct bench_result *results, size_t n);

#endif
