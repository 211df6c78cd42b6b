/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <fnmatch.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "shim/sys-internal.h"
#include "shim/why-internal.h"
#include "tests/bench/bench-internal.h"

enum { CASES_MAX = 64 };

static void give_up(struct bench_result *result, enum bench_verdict verdict, int r,
		    const char *reason)
{
	result->verdict = verdict;
	snprintf(result->why, sizeof(result->why), "%s", *reason ? reason : strerror(-r));
}

static void run_case(struct bench_run *run, const struct bench_case *of,
		     struct bench_result *result)
{
	void *context = NULL;
	uint64_t n[BENCH_SIDES];
	int r;

	(void)why(0, "%s", ""); /* what is found there afterwards is setup's */
	r = of->setup ? of->setup(of, &context) : 0;
	*result = (struct bench_result) { .of = of };
	if (r < 0) {
		give_up(result, BENCH_SKIPPED, r, hws_why());
		return;
	}
	r = bench_measure(run, of, context, result, n);
	if (of->teardown)
		of->teardown(context);
	if (r < 0) {
		give_up(result, BENCH_FAILED, r,
			r == -ERANGE ? "takes no time: was it optimised away?" : "");
		return;
	}
	(void)bench_count(of, n[BENCH_OURS] < n[BENCH_BASE] ? n[BENCH_OURS] : n[BENCH_BASE],
			  result);
	result->verdict = bench_judge_all(result);
}

/* How many ran. */
static size_t run_cases(struct bench_run *run, struct bench_result *results)
{
	const char *filter = run->options.filter;
	size_t n = 0;

	if (!run->options.json)
		bench_print_head(run);
	for (const struct bench_case *of = run->cases; of->name; of++) {
		if (filter && fnmatch(filter, of->name, 0) != 0)
			continue;
		run_case(run, of, &results[n]);
		if (!run->options.json)
			bench_print_row(run, &results[n]);
		n++;
	}
	bench_progress_clear(run);
	return n;
}

static int exit_code(const struct bench_run *run, const struct bench_result *results, size_t n)
{
	enum bench_verdict bad = run->options.check ? BENCH_MISSED : BENCH_FAILED;

	for (size_t i = 0; i < n; i++) {
		if (results[i].verdict >= bad)
			return EXIT_FAILURE;
	}
	return EXIT_SUCCESS;
}

static int run_and_tell(struct bench_run *run)
{
	size_t n = 0;
	struct bench_result *results;
	int r = 0;

	while (run->cases[n].name)
		n++;
	results = calloc(n + 1, sizeof(*results));
	if (!results)
		return EXIT_FAILURE;
	n = run_cases(run, results);
	if (run->options.json)
		r = bench_print_json(run, results, n);
	if (r == 0)
		r = exit_code(run, results, n);
	free(results);
	return r < 0 ? EXIT_FAILURE : r;
}

int bench_run(const char *suite, const struct bench_case *cases, const struct bench_env *env,
	      int argc, char **argv)
{
	struct bench_run run = { .suite = suite, .cases = cases, .env = env };
	int r = bench_options(&run, argc, argv, &run.options);

	run.tty = isatty(fileno(env->err)) == 1;
	(void)env->clock(CLOCK_MONOTONIC, &run.said);
	if (r != 0)
		return r;
	if (run.options.help)
		bench_help(&run);
	else if (run.options.list)
		bench_print_list(&run);
	else
		r = run_and_tell(&run);
	return r;
}

int bench_main(const char *suite, const struct bench_case *cases, int argc, char **argv)
{
	const struct bench_env env = { .out = stdout, .err = stderr, .clock = sys_clock };

	return bench_run(suite, cases, &env, argc, argv);
}

int bench_main_parts(const char *suite, const struct bench_case *const *parts, int argc,
		     char **argv)
{
	struct bench_case cases[CASES_MAX + 1] = { 0 };
	size_t count = 0;

	for (; *parts; parts++)
		for (const struct bench_case *at = *parts; at->name && count < CASES_MAX; at++)
			cases[count++] = *at;
	return bench_main(suite, cases, argc, argv);
}
