/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What protection keys cost in instructions. Their time can only be measured on
 * a processor that has them; an emulated one counts as well as any.
 */
#include <stdio.h>
#include <string.h>

#include "shim/why-internal.h"
#include "tests/bench/bench-internal.h"
#include "tests/bench/uring.h"
#include "tests/suite.h"

/* An emulated processor takes up to a millisecond for each step. */
enum { ITERATIONS = 2 };
/* A view opened and closed: 67 today, of which the registers' are four. */
enum { MOST = 80 };

static const struct bench_case *find(const struct bench_case *cases, const char *name)
{
	while (cases->name && strcmp(cases->name, name) != 0)
		cases++;
	ck_assert_ptr_nonnull(cases->name);
	return cases;
}

/* Why it can't run here; NULL when it can. */
static const char *missing(const struct bench_case *of)
{
	void *context;

	if (of->setup(of, &context) < 0)
		return hws_why();
	of->teardown(context);
	return NULL;
}

static void count_most(const char *name, double most)
{
	const struct bench_case *of = find(uring_buf_cases, name);
	struct bench_result result = { .counter = NULL };

	ck_assert_int_eq(bench_count(of, ITERATIONS, &result), 0);
	printf("# %s: %+.1f instructions, by %s\n", name, result.extra_instructions,
	       result.counter);
	ck_assert_msg(result.extra_instructions <= most, "%s: %+.1f instructions, not <= %+.0f",
		      name, result.extra_instructions, most);
}

START_TEST(keys_cost_few_instructions)
{
	const char *why_not = missing(find(uring_buf_cases, "view-keys"));

	need("pku", !why_not, why_not);
	count_most("view-keys", MOST);
	count_most("turn-keys", MOST);
}
END_TEST

int main(void)
{
	return suite_run("bench/guards-count",
			 (const TTest *[]) { keys_cost_few_instructions, NULL });
}
