/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <linux/perf_event.h>
#include <math.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "shim/sys-internal.h"
#include "tests/bench/bench-internal.h"

/* An interrupt may add to a count, nothing takes from it: the least of so many is the truth. */
enum { REPEATS = 7 };
/* Enough for the processor's counter, and for stepping: some 10 us for each instruction. */
enum { COUNTED_OPS = 10000, STEPPED_OPS = 64 };

static int counter_open(void)
{
	struct perf_event_attr attr = {
		.type = PERF_TYPE_HARDWARE,
		.size = sizeof(attr),
		.config = PERF_COUNT_HW_INSTRUCTIONS,
		.exclude_kernel = 1,
		.exclude_hv = 1,
	};
	long fd = syscall(SYS_perf_event_open, &attr, 0, -1, -1, PERF_FLAG_FD_CLOEXEC);

	return fd < 0 ? -errno : (int)fd;
}

static int count_once(int counter, const struct bench_case *of, enum bench_side side, void *context,
		      uint64_t n, uint64_t *ret_count)
{
	uint64_t before;
	uint64_t after;

	if (sys_read(counter, &before, sizeof(before)) != sizeof(before))
		return -EIO;
	if (bench_call(of, side, context, n) < 0)
		return -EIO;
	if (sys_read(counter, &after, sizeof(after)) != sizeof(after))
		return -EIO;
	*ret_count = after - before;
	return 0;
}

static int count_with(int counter, const struct bench_case *of, void *context, uint64_t n,
		      bench_counts ret_counts)
{
	memset(ret_counts, 0xff, sizeof(bench_counts));
	for (int i = 0; i < REPEATS * BENCH_SIDES * 2; i++) {
		enum bench_side side = i & 1 ? BENCH_BASE : BENCH_OURS;
		int twice = i / 2 & 1;
		uint64_t count;
		int r = count_once(counter, of, side, context, n << twice, &count);

		if (r < 0)
			return r;
		if (count < ret_counts[side][twice])
			ret_counts[side][twice] = count;
	}
	return 0;
}

static int count_by_counter(const struct bench_case *of, uint64_t n, bench_counts ret_counts)
{
	HWS_CLEANUP_FD int counter = counter_open();
	void *context = NULL;
	int r;

	if (counter < 0)
		return counter;
	if (of->setup) {
		r = of->setup(of, &context);
		if (r < 0)
			return r;
	}
	r = count_with(counter, of, context, n, ret_counts);
	if (of->teardown)
		of->teardown(context);
	return r;
}

/* In the order in which they are tried. */
static const struct {
	const char *name;
	int (*count)(const struct bench_case *of, uint64_t n, bench_counts ret_counts);
	uint32_t ops;
} counters[] = {
	{ "counter", count_by_counter, COUNTED_OPS },
	{ "stepping", bench_count_steps, STEPPED_OPS },
};

static uint64_t iterations(const struct bench_case *of, uint64_t most, uint32_t ops)
{
	uint64_t n = ops / bench_ops(of, BENCH_OURS);

	if (n > most)
		n = most;
	return n ? n : 1;
}

static double each(const struct bench_case *of, enum bench_side side, uint64_t n,
		   const uint64_t counts[2])
{
	return ((double)counts[1] - (double)counts[0]) / ((double)n * bench_ops(of, side));
}

static bool grew(const uint64_t counts[2])
{
	return counts[1] > counts[0];
}

int bench_count(const struct bench_case *of, uint64_t most, struct bench_result *ret)
{
	if (of->flags & BENCH_NO_INSTRUCTIONS)
		return -EOPNOTSUPP;
	for (size_t i = 0; i < sizeof(counters) / sizeof(counters[0]); i++) {
		uint64_t n = iterations(of, most, counters[i].ops);
		bench_counts counts;
		double extra;
		int r = counters[i].count(of, n, counts);

		/* a counter that stands still was given to somebody else */
		if (r < 0 || !grew(counts[BENCH_OURS]) || !grew(counts[BENCH_BASE]))
			continue;
		extra = each(of, BENCH_OURS, n, counts[BENCH_OURS]) -
			each(of, BENCH_BASE, n, counts[BENCH_BASE]);
		/* tenths: an instruction or two around all the work, or an interrupt, don't show */
		ret->extra_instructions = round(extra * 10) / 10 + 0.0;
		ret->counter = counters[i].name;
		return 0;
	}
	return -EOPNOTSUPP;
}
