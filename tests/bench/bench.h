/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * One way to write a benchmark suite: a table of cases, each the same work done
 * by the library and by a baseline.
 *
 *	static int ours(void *context, uint64_t n)
 *	{
 *		for (; n; n = bench_next(n))
 *			…;
 *		return 0;
 *	}
 *
 *	static const struct bench_case cases[] = {
 *		{ .name = "thing", .baseline = "bare thing", .what = "one thing through the gate",
 *		  .ours = ours, .base = base, .limits = { { BENCH_RATIO, 1.05 } } },
 *		{ 0 },
 *	};
 *
 *	int main(int argc, char **argv)
 *	{
 *		return bench_main("suite", cases, argc, argv);
 *	}
 *
 * How it measures. The number of iterations is chosen for each side so that a
 * sample takes one or two milliseconds. A round is four samples, ours, base,
 * base, ours (the other way round in every second one), so that a steady drift
 * of the machine falls on both sides alike; its ratio is ours / base. After
 * each round comes one in which the baseline stands on both sides. Before each sample its side
 * runs for a quarter of it off the clock, so that all find their memory in the caches.
 *
 *   ratio  the median of the rounds' ratios
 *   ci     its 95 % confidence interval, by order statistics: no distribution is assumed
 *   noise  how far from 1 the same interval reaches for the baseline against itself
 *   ours, base  medians, per operation
 *
 * Instructions are those of user space, of the calling thread, by the
 * processor's counter; where it can't be had, by stepping a child one
 * instruction at a time. Twice the work minus once the work is what is
 * counted, so that what is around the work cancels out.
 *
 * Verdicts: "holds" when the median is within the limit, "within noise" when it
 * is so only with the noise added, else "MISSED".
 */
#ifndef HWSAFE_TESTS_BENCH_BENCH_H
#define HWSAFE_TESTS_BENCH_BENCH_H

#include <stdint.h>

enum bench_kind {
	BENCH_NONE = 0,
	BENCH_RATIO,		  /* ours / base */
	BENCH_EXTRA_INSTRUCTIONS, /* ours - base, an operation, user space */
	BENCH_EXTRA_NS,		  /* ours - base, an operation */
	BENCH_NS,		  /* ours, an operation */
	BENCH_KINDS
};

/* The most that may be measured. */
struct bench_limit {
	enum bench_kind kind;
	double most;
};

enum { BENCH_LIMITS = 2 };

enum bench_flags {
	BENCH_CPU_TIME = 1, /* the thread's CPU time, not the wall's: for work that never waits */
	BENCH_NO_INSTRUCTIONS = 2, /* they would mislead: other threads or processes do the work */
};

struct bench_case {
	const char *name;
	const char *baseline; /* what ours is compared with */
	const char *what;     /* what is done, in a line */
	const char *unit;     /* NULL: "ns/op" */
	const void *arg;      /* for setup: tells variants apart */

	/*
	 * NULL: the context is NULL. Otherwise 0, or -errno: the case is skipped,
	 * with hws_why() as the reason. Called again for counting.
	 */
	int (*setup)(const struct bench_case *of, void **ret_context);
	void (*teardown)(void *context);

	/* Do @n iterations, loop included; 0, or -errno: the case has failed. */
	int (*ours)(void *context, uint64_t n);
	int (*base)(void *context, uint64_t n);
	/* NULL: the clock says how long a call took; else this: ns, for an iteration of the last */
	uint64_t (*took)(void *context);
	uint32_t ours_ops; /* operations in one iteration; 0: 1 */
	uint32_t base_ops; /* 0: as ours */

	uint32_t flags;
	struct bench_limit limits[BENCH_LIMITS];
};

/*
 * One less. The compiler can't see through it: it shapes the loops of both
 * sides alike, so that what differs is the work.
 */
static inline uint64_t bench_next(uint64_t n)
{
	n--;
	__asm__ volatile("" : "+r"(n));
	return n;
}

void bench_sort_times(uint64_t *times, size_t n);

/*
 * Runs what the arguments ask of @cases (the last has no name); gives main's
 * result: 0, 1 when a case failed (or, with --check, missed its limit or was
 * skipped), 2 when the arguments are wrong.
 */
int bench_main(const char *suite, const struct bench_case *cases, int argc, char **argv);
/* The same for a suite of several tables; the last of @parts is NULL. */
int bench_main_parts(const char *suite, const struct bench_case *const *parts, int argc,
		     char **argv);

#endif
