/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What a snapshot costs over reading as many plain numbers, and what its texts do. */
#include <stdlib.h>
#include <string.h>

#include "guardian/context-internal.h"
#include "guardian/snapshot.h"
#include "shim/sys-internal.h"
#include "tests/bench/guardian.h"

enum { COUNTERS = sizeof(struct stats_stripe) / sizeof(uint64_t) };

/* The baseline's numbers: as many, in as many stripes, that nobody else writes. */
struct plain {
	uint64_t stripes[STATS_STRIPES][COUNTERS];
	uint64_t sums[COUNTERS];
	struct hws_snapshot rest;
};

struct subject {
	struct hws *hw;
	struct hws_snapshot last;
	struct plain plain;
};

static void teardown(void *context)
{
	struct subject *subject = context;

	hws_close(subject->hw);
	free(subject);
}

static int setup(const struct bench_case *of, void **ret_context)
{
	struct hws_options options = {
		.size = sizeof(options),
		.backend = "sim",
		.policy_directory = "/nowhere/policy.d",
	};
	struct subject *subject = calloc(1, sizeof(*subject));
	int r;

	(void)of;
	if (!subject)
		return -1;
	subject->last.size = sizeof(subject->last);
	r = hws_open(&options, &subject->hw);
	r = r < 0 ? r : hws_snapshot_take(subject->hw, &subject->last);
	if (r < 0) {
		teardown(subject);
		return r;
	}
	*ret_context = subject;
	return 0;
}

static int take(void *context, uint64_t n)
{
	struct subject *subject = context;

	for (; n; n = bench_next(n))
		if (hws_snapshot_take(subject->hw, &subject->last) < 0)
			return -1;
	return 0;
}

static int read_plain(void *context, uint64_t n)
{
	struct subject *subject = context;
	struct plain *plain = &subject->plain;

	for (; n; n = bench_next(n)) {
		plain->rest = subject->last;
		for (int stripe = 0; stripe < STATS_STRIPES; stripe++)
			for (size_t i = 0; i < COUNTERS; i++)
				plain->sums[i] += plain->stripes[stripe][i];
		plain->rest.pid = sys_pid();
		if (sys_clock(CLOCK_REALTIME, &plain->rest.time) < 0 ||
		    sys_clock(CLOCK_MONOTONIC, &plain->rest.clock) < 0)
			return -1;
		__asm__ volatile("" : : "r"(plain) : "memory");
	}
	return 0;
}

static int to_json(void *context, uint64_t n)
{
	struct subject *subject = context;
	char *text;

	for (; n; n = bench_next(n)) {
		if (hws_snapshot_json(&subject->last, &text) < 0)
			return -1;
		free(text);
	}
	return 0;
}

static int to_metrics(void *context, uint64_t n)
{
	struct subject *subject = context;
	char *text;

	for (; n; n = bench_next(n)) {
		if (hws_snapshot_openmetrics(&subject->last, 0, &text) < 0)
			return -1;
		free(text);
	}
	return 0;
}

const struct bench_case guardian_snapshot_cases[] = {
	{ .name = "snapshot",
	  .baseline = "plain reads",
	  .what = "all numbers of a context, against as many plain ones",
	  .setup = setup,
	  .teardown = teardown,
	  .ours = take,
	  .base = read_plain },
	{ .name = "snapshot-json",
	  .baseline = "snapshot",
	  .what = "a snapshot's JSON, against taking it",
	  .setup = setup,
	  .teardown = teardown,
	  .ours = to_json,
	  .base = take },
	{ .name = "snapshot-metrics",
	  .baseline = "snapshot",
	  .what = "a snapshot's OpenMetrics, against taking it",
	  .setup = setup,
	  .teardown = teardown,
	  .ours = to_metrics,
	  .base = take },
	{ 0 },
};
