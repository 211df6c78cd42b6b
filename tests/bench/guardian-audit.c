/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <stddef.h>
#include <time.h>

#include "guardian/audit-internal.h"
#include "tests/bench/guardian.h"

static int record_setup(const struct bench_case *of, void **ret_context)
{
	struct hws_audit *audit;
	int r = hws_audit_open(NULL, &audit);

	(void)of;
	if (r == 0)
		*ret_context = audit;
	return r;
}

static void record_teardown(void *context)
{
	hws_audit_close(context);
}

static int record_ours(void *context, uint64_t n)
{
	const struct hws_event event = { .level = HWS_LEVEL_WARNING,
					 .kind = HWS_KIND_PORT,
					 .reason = HWS_REASON_NO_RULE,
					 .code = -13,
					 .rights = HWS_R,
					 .first = 0x70,
					 .last = 0x70,
					 .width = 1 };

	for (; n; n = bench_next(n))
		audit_record(context, &event);
	return 0;
}

static int record_base(void *context, uint64_t n)
{
	struct timespec now;

	(void)context;
	for (; n; n = bench_next(n))
		clock_gettime(CLOCK_MONOTONIC, &now);
	return 0;
}

const struct bench_case guardian_audit_cases[] = {
	{ .name = "audit-record",
	  .baseline = "clock_gettime",
	  .what = "one event into the ring, times, thread and detector included",
	  .setup = record_setup,
	  .teardown = record_teardown,
	  .ours = record_ours,
	  .base = record_base,
	  .limits = { { BENCH_RATIO, 6 }, { BENCH_NS, 150 } } },
	{ 0 },
};
