/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <string.h>

#include "tests/bench/fake.h"
#include "tests/suite.h"

static const struct bench_case batch[] = {
	{ FAKE_ROW("batch", fake_20, fake_10), .ours_ops = 64, .base_ops = 1 },
	{ 0 },
};

/* The only case of @cases, measured. */
static struct bench_result measure(const struct bench_case *cases)
{
	struct bench_env env = { .out = stdout, .err = stderr, .clock = fake_clock };
	struct bench_run one = {
		.suite = "fake", .cases = cases, .env = &env, .options = { .seconds = 0.5 }
	};
	struct bench_result result = { .of = cases };
	uint64_t n[BENCH_SIDES];

	ck_ok(bench_measure(&one, cases, NULL, &result, n));
	return result;
}

START_TEST(median_is_the_middle)
{
	double odd[] = { 9, 1, 5 };
	double even[] = { 4, 1, 3, 2 };
	double one[] = { 7 };

	bench_sort(odd, 3);
	bench_sort(even, 4);
	ck_assert_double_eq(bench_median(odd, 3), 5);
	ck_assert_double_eq(bench_median(even, 4), 2.5);
	ck_assert_double_eq(bench_median(one, 1), 7);
}
END_TEST

/* The ranks are those of the printed tables for the sign test's interval. */
START_TEST(interval_has_the_known_ranks)
{
	static const struct {
		size_t n, low, high;
	} known[] = { { 1, 1, 1 },     { 5, 1, 5 },	  { 6, 1, 6 },	 { 9, 2, 8 },
		      { 10, 2, 9 },    { 20, 6, 15 },	  { 25, 8, 18 }, { 50, 18, 33 },
		      { 100, 40, 61 }, { 1000, 469, 532 } };
	static double values[BENCH_ROUNDS_MAX];
	double ci[2];

	for (size_t i = 0; i < BENCH_ROUNDS_MAX; i++)
		values[i] = (double)i + 1;
	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
		bench_interval(values, known[i].n, ci);
		ck_assert_double_eq(ci[0], (double)known[i].low);
		ck_assert_double_eq(ci[1], (double)known[i].high);
	}
}
END_TEST

START_TEST(noise_is_the_farther_end)
{
	const double high[] = { 0.99, 1, 1, 1, 1.02, 1.05 };
	const double low[] = { 0.9, 1, 1, 1, 1, 1.01 };

	ck_assert_double_eq_tol(bench_noise(high, 6), 0.05, 1e-12);
	ck_assert_double_eq_tol(bench_noise(low, 6), 0.1, 1e-12);
}
END_TEST

START_TEST(measure_sees_twice_the_time)
{
	struct bench_result result = measure(fake_twice);

	ck_assert_double_eq(result.ratio, 2);
	ck_assert_double_eq(result.ci[0], 2);
	ck_assert_double_eq(result.ci[1], 2);
	ck_assert_double_eq(result.ours, 20);
	ck_assert_double_eq(result.base, 10);
	ck_assert_double_eq(result.extra_ns, 10);
	ck_assert_double_eq(result.noise, 0);
}
END_TEST

START_TEST(measure_divides_by_each_sides_operations)
{
	struct bench_result result = measure(batch);

	ck_assert_double_eq_tol(result.ours, 20.0 / 64, 1e-9);
	ck_assert_double_eq_tol(result.base, 10, 1e-9);
	ck_assert_double_eq_tol(result.ratio, 2.0 / 64, 1e-9);
}
END_TEST

START_TEST(measure_is_not_moved_by_drift)
{
	struct bench_result result;

	fake.drift = 0.01;
	result = measure(fake_same);
	ck_assert_double_eq_tol(result.ratio, 1, 1e-3);
	ck_assert_double_le(result.noise, 1e-3);
}
END_TEST

START_TEST(measure_is_not_moved_by_who_ran_before)
{
	static const struct bench_case cases[] = {
		{ FAKE_ROW("alike", fake_10, fake_other_10) },
		{ 0 },
	};
	struct bench_result result;

	fake.cold = 100000;
	result = measure(cases);
	ck_assert_double_eq(result.ratio, 1);
	ck_assert_double_eq(result.ours, 10);
}
END_TEST

START_TEST(measure_is_not_moved_by_hiccups)
{
	struct bench_result result;

	fake.hiccup = 31;
	result = measure(fake_twice);
	ck_assert_double_eq_tol(result.ratio, 2, 1e-9);
	ck_assert_double_eq_tol(result.ci[1], 2, 1e-9);
}
END_TEST

START_TEST(judge_tells_near_from_far)
{
	static const struct {
		struct bench_limit limit;
		enum bench_verdict verdict;
	} rows[] = {
		{ { BENCH_NONE, 0 }, BENCH_NO_LIMIT },
		{ { BENCH_RATIO, 1.25 }, BENCH_HOLDS },
		{ { BENCH_RATIO, 1.20 }, BENCH_WITHIN_NOISE },
		{ { BENCH_RATIO, 1.10 }, BENCH_MISSED },
		{ { BENCH_EXTRA_NS, 25 }, BENCH_HOLDS },
		{ { BENCH_EXTRA_NS, 18 }, BENCH_WITHIN_NOISE },
		{ { BENCH_EXTRA_NS, 10 }, BENCH_MISSED },
		{ { BENCH_NS, 125 }, BENCH_HOLDS },
		{ { BENCH_NS, 120 }, BENCH_WITHIN_NOISE },
		{ { BENCH_NS, 110 }, BENCH_MISSED },
		{ { BENCH_EXTRA_INSTRUCTIONS, 60 }, BENCH_NOT_COUNTED },
	};
	struct bench_result result = { .ratio = 1.25,
				       .ours = 125,
				       .base = 100,
				       .extra_ns = 25,
				       .noise = 0.0703125,
				       .extra_instructions = 60.5 };

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		ck_assert_int_eq(bench_judge(&result, &rows[i].limit), rows[i].verdict);
	result.counter = "counter";
	ck_assert_int_eq(bench_judge(&result, &rows[10].limit), BENCH_MISSED);
	result.extra_instructions = 60;
	ck_assert_int_eq(bench_judge(&result, &rows[10].limit), BENCH_HOLDS);
}
END_TEST

START_TEST(judge_all_is_the_worst)
{
	static const struct bench_case of = { .limits = { { BENCH_RATIO, 1 }, { BENCH_NS, 5 } } };
	struct bench_result result = { .of = &of, .ratio = 2, .ours = 3 };
	char text[96];

	ck_assert_int_eq(bench_judge_all(&result), BENCH_MISSED);
	ck_assert_str_eq(bench_limits_text(&of, text, sizeof(text)), "ratio <= 1, <= 5 ns");
	ck_assert_str_eq(bench_limits_text(fake_same, text, sizeof(text)), "");
}
END_TEST

static int three_nops(void *context, uint64_t n)
{
	(void)context;
	for (; n; n = bench_next(n))
		__asm__ volatile("nop\n\tnop\n\tnop");
	return 0;
}

static int one_nop(void *context, uint64_t n)
{
	(void)context;
	for (; n; n = bench_next(n))
		__asm__ volatile("nop");
	return 0;
}

START_TEST(count_sees_each_instruction)
{
	static const struct bench_case of = { .ours = three_nops, .base = one_nop };
	struct bench_result result = { .counter = NULL };
	bench_counts steps;
	int r = bench_count(&of, 1000, &result);

	need("instructions", r == 0, "neither a counter nor stepping works here");
	ck_assert_double_eq(result.extra_instructions, 2);
	ck_assert_ptr_nonnull(result.counter);
	/* whatever was used above: the slow way gives the same, but for what a sanitizer adds */
	ck_ok(bench_count_steps(&of, 64, steps));
	ck_assert_double_eq_tol((double)(steps[BENCH_OURS][1] - steps[BENCH_OURS][0]),
				(double)(steps[BENCH_BASE][1] - steps[BENCH_BASE][0]) + 64 * 2, 2);
}
END_TEST

START_TEST(count_says_so_when_it_cannot)
{
	static const struct bench_case bad = { .ours = fake_fails, .base = one_nop };
	static const struct bench_case shut = { .setup = fake_refused,
						.ours = one_nop,
						.base = one_nop };
	struct bench_result result = { .counter = NULL };

	ck_assert_int_lt(bench_count(&bad, 10, &result), 0);
	ck_assert_int_lt(bench_count(&shut, 10, &result), 0);
	ck_assert_int_lt(bench_count(fake_same, 10, &result), 0);
	ck_assert_ptr_null(result.counter);
}
END_TEST

int main(void)
{
	return suite_run(
		"bench/measure",
		(const TTest *[]) {
			median_is_the_middle, interval_has_the_known_ranks,
			noise_is_the_farther_end, measure_sees_twice_the_time,
			measure_divides_by_each_sides_operations, measure_is_not_moved_by_drift,
			measure_is_not_moved_by_who_ran_before, measure_is_not_moved_by_hiccups,
			judge_tells_near_from_far, judge_all_is_the_worst,
			count_sees_each_instruction, count_says_so_when_it_cannot, NULL });
}
