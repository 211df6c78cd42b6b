/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <math.h>
#include <stdlib.h>

#include "tests/bench/bench-internal.h"

static int compare(const void *left, const void *right)
{
	double a = *(const double *)left;
	double b = *(const double *)right;

	return (a > b) - (a < b);
}

void bench_sort(double *values, size_t n)
{
	qsort(values, n, sizeof(*values), compare);
}

static int compare_times(const void *left, const void *right)
{
	uint64_t a = *(const uint64_t *)left;
	uint64_t b = *(const uint64_t *)right;

	return (a > b) - (a < b);
}

void bench_sort_times(uint64_t *times, size_t n)
{
	qsort(times, n, sizeof(*times), compare_times);
}

double bench_median(const double *values, size_t n)
{
	return (values[(n - 1) / 2] + values[n / 2]) / 2;
}

/*
 * How many values may be left out at each end: the median lies outside the
 * interval [k], [n - 1 - k] when at most k values fall on one side of it, and
 * each falls there as a coin does. So: the greatest k with P(at most k of n) <= 2.5 %.
 */
static size_t left_out(size_t n)
{
	double exactly = exp2(-(double)n); /* n <= BENCH_ROUNDS_MAX: no underflow */
	double at_most = exactly;
	size_t k = 0;

	while (k < n / 2) {
		exactly *= (double)(n - k) / (double)(k + 1);
		at_most += exactly;
		if (at_most > 0.025)
			break;
		k++;
	}
	return k;
}

void bench_interval(const double *values, size_t n, double ret_ci[2])
{
	size_t k = left_out(n);

	ret_ci[0] = values[k];
	ret_ci[1] = values[n - 1 - k];
}

double bench_noise(const double *values, size_t n)
{
	double ci[2];

	bench_interval(values, n, ci);
	return fmax(fabs(ci[0] - 1), fabs(ci[1] - 1));
}
