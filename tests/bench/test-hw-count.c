/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What an access costs in instructions, on real devices: more than the bare one takes. */
#include <stdio.h>
#include <string.h>

#include "raw-internal.h"
#include "shim/why-internal.h"
#include "tests/bench/bench-internal.h"
#include "tests/bench/hw.h"
#include "tests/suite.h"

/* An emulated processor takes up to a millisecond for each step. */
enum { ITERATIONS = 1 };

/* What must hold on x86; where loads and stores are instructions of their own it is more today. */
#if defined(__x86_64__)
enum { MOST_MMIO = 15, MOST_DMA = 400 };
#else
enum { MOST_MMIO = 21 + RAW_BARRIERS, MOST_DMA = 430 };
#endif

static void count(const struct bench_case *of, double most)
{
	struct bench_result result = { .counter = NULL };
	void *context;

	/* why it can't be set up shows only here: what counts is a child */
	ck_assert_msg(of->setup(of, &context) == 0, "%s: %s", of->name, hws_why());
	of->teardown(context);
	ck_assert_int_eq(bench_count(of, ITERATIONS, &result), 0);
	printf("# %s: %+.1f instructions, by %s\n", of->name, result.extra_instructions,
	       result.counter);
	ck_assert_msg(result.extra_instructions <= most, "%s: %+.1f instructions, not <= %+.0f",
		      of->name, result.extra_instructions, most);
}

static void count_named(const char *name, double most)
{
	const struct bench_case *of = hw_access_cases;

	while (of->name && strcmp(of->name, name) != 0)
		of++;
	ck_assert_ptr_nonnull(of->name);
	hw_real = true;
	count(of, most);
}

START_TEST(window_costs_few_instructions)
{
	need_lab("edu");
	count_named("mmio-gated", MOST_MMIO);
}
END_TEST

START_TEST(configuration_costs_few_instructions)
{
	need_lab("edu");
	count_named("pci-gated", 400);
}
END_TEST

START_TEST(port_costs_few_instructions)
{
	need_lab("rtc");
	count_named("port-gated", 200);
}
END_TEST

START_TEST(register_costs_few_instructions)
{
	need_lab("msr");
	count_named("msr-gated", 200);
}
END_TEST

START_TEST(leaf_costs_few_instructions)
{
	need_lab("cpuid");
	count_named("cpuid-gated", 100);
}
END_TEST

START_TEST(dma_costs_few_instructions)
{
	need_lab("vfio");
	hw_real = true;
	for (const struct bench_case *of = hw_dma_cases; of->name; of++)
		count(of, MOST_DMA);
}
END_TEST

/* The same without hardware, so that who changes the way in between sees it anywhere. */
START_TEST(simulated_dma_costs_few_instructions)
{
	for (const struct bench_case *of = hw_dma_cases; of->name; of++)
		count(of, MOST_DMA);
}
END_TEST

int main(void)
{
	hw_stepped = true;
	return suite_run("bench/hw-count", (const TTest *[]) {
						   window_costs_few_instructions,
						   configuration_costs_few_instructions,
						   port_costs_few_instructions,
						   register_costs_few_instructions,
						   leaf_costs_few_instructions,
						   dma_costs_few_instructions,
						   simulated_dma_costs_few_instructions,
						   NULL,
					   });
}
