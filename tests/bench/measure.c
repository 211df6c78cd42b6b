/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <string.h>

#include "shim/sys-internal.h"
#include "tests/bench/bench-internal.h"

/* A sample lasts from half to the whole of it: long against the clock, short against drift. */
enum { SAMPLE_NS = 2000000, SAMPLE_QUICK_NS = 200000 };
/* Work that takes less than a sample with so many iterations was optimised away. */
#define ITERATIONS_MAX ((uint64_t)1 << 32)

struct measuring {
	struct bench_run *run;
	const struct bench_case *of;
	void *context;
	uint64_t n[BENCH_SIDES];
};

static int sample(const struct measuring *m, enum bench_side side, uint64_t *ret_ns)
{
	clockid_t clock = m->of->flags & BENCH_CPU_TIME ? CLOCK_THREAD_CPUTIME_ID
							: CLOCK_MONOTONIC_RAW;
	uint64_t start;
	uint64_t end;
	int r = m->run->env->clock(clock, &start);

	if (r == 0)
		r = bench_call(m->of, side, m->context, m->n[side]);
	if (r == 0)
		r = m->run->env->clock(clock, &end);
	if (r < 0)
		return r;
	*ret_ns = m->of->took ? m->of->took(m->context) * m->n[side] : end - start;
	return 0;
}

/*
 * The side's own memory comes back into the caches before the clock starts: the baseline, which is
 * measured against itself as well, ran last more often than ours.
 */
static int warm_up(const struct measuring *m, enum bench_side side)
{
	enum { PART = 4 };
	uint64_t n = m->n[side] / PART;

	return bench_call(m->of, side, m->context, n ? n : 1);
}

/* The better of two, so that one interruption doesn't pass for slow work. */
static int sample_twice(const struct measuring *m, enum bench_side side, uint64_t *ret_ns)
{
	uint64_t first;
	uint64_t second;
	int r = sample(m, side, &first);

	if (r == 0)
		r = sample(m, side, &second);
	if (r < 0)
		return r;
	*ret_ns = first < second ? first : second;
	return 0;
}

static int calibrate(struct measuring *m, enum bench_side side)
{
	uint64_t target = m->run->options.quick ? SAMPLE_QUICK_NS : SAMPLE_NS;

	for (m->n[side] = 1; m->n[side] < ITERATIONS_MAX; m->n[side] *= 2) {
		uint64_t ns;
		int r = sample_twice(m, side, &ns);

		if (r < 0)
			return r;
		if (ns > target / 2)
			return 0;
	}
	return -ERANGE;
}

/* ret_ns: an operation of what stood on the outside and on the inside of the round. */
static int measure_round(const struct measuring *m, enum bench_side outer, enum bench_side inner,
			 double ret_ns[2])
{
	const enum bench_side order[] = { outer, inner, inner, outer };
	double ns[2] = { 0, 0 };

	for (size_t i = 0; i < 4; i++) {
		uint64_t took;
		int r = warm_up(m, order[i]);

		if (r == 0)
			r = sample(m, order[i], &took);
		if (r < 0)
			return r;
		ns[i == 1 || i == 2] += (double)took;
	}
	ret_ns[0] = ns[0] / 2 / ((double)m->n[outer] * bench_ops(m->of, outer));
	ret_ns[1] = ns[1] / 2 / ((double)m->n[inner] * bench_ops(m->of, inner));
	/* a clock so coarse that nothing passed says nothing */
	return ret_ns[0] > 0 && ret_ns[1] > 0 ? 0 : -ERANGE;
}

struct rounds {
	double ours[BENCH_ROUNDS_MAX];
	double base[BENCH_ROUNDS_MAX];
	double ratio[BENCH_ROUNDS_MAX];
	double extra[BENCH_ROUNDS_MAX];
	double self[BENCH_ROUNDS_MAX];
	size_t count;
};

/* A round and the baseline's with itself; every second time the other side begins. */
static int add_round(const struct measuring *m, struct rounds *rounds)
{
	size_t at = rounds->count;
	bool swap = at & 1;
	double ns[2];
	double self[2];
	int r = measure_round(m, swap ? BENCH_BASE : BENCH_OURS, swap ? BENCH_OURS : BENCH_BASE,
			      ns);

	if (r == 0)
		r = measure_round(m, BENCH_BASE, BENCH_BASE, self);
	if (r < 0)
		return r;
	rounds->ours[at] = ns[swap];
	rounds->base[at] = ns[!swap];
	rounds->ratio[at] = ns[swap] / ns[!swap];
	rounds->extra[at] = ns[swap] - ns[!swap];
	rounds->self[at] = self[swap] / self[!swap];
	rounds->count++;
	return 0;
}

static int collect(const struct measuring *m, struct rounds *rounds)
{
	double limit = m->run->options.seconds * 1e9;
	size_t least = m->run->options.quick ? 2 : BENCH_ROUNDS_MIN;
	uint64_t start;
	uint64_t now;
	int r = m->run->env->clock(CLOCK_MONOTONIC_RAW, &start);

	for (now = start; r == 0 && rounds->count < BENCH_ROUNDS_MAX;) {
		double done = (double)(now - start) / limit;

		if (done >= 1 && rounds->count >= least)
			break;
		bench_progress(m->run, m->of, done < 1 ? done : 1);
		r = add_round(m, rounds);
		if (r == 0)
			r = m->run->env->clock(CLOCK_MONOTONIC_RAW, &now);
	}
	return r;
}

static double sorted_median(double *values, size_t n)
{
	bench_sort(values, n);
	return bench_median(values, n);
}

int bench_measure(struct bench_run *run, const struct bench_case *of, void *context,
		  struct bench_result *ret, uint64_t ret_n[BENCH_SIDES])
{
	struct measuring m = { .run = run, .of = of, .context = context };
	struct rounds rounds = { .count = 0 };
	int r = calibrate(&m, BENCH_OURS);

	if (r == 0)
		r = calibrate(&m, BENCH_BASE);
	if (r == 0)
		r = collect(&m, &rounds);
	if (r < 0)
		return r;
	ret->ours = sorted_median(rounds.ours, rounds.count);
	ret->base = sorted_median(rounds.base, rounds.count);
	ret->extra_ns = sorted_median(rounds.extra, rounds.count);
	ret->ratio = sorted_median(rounds.ratio, rounds.count);
	bench_interval(rounds.ratio, rounds.count, ret->ci);
	bench_sort(rounds.self, rounds.count);
	ret->noise = bench_noise(rounds.self, rounds.count);
	memcpy(ret_n, m.n, sizeof(m.n));
	return 0;
}
