/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * hwprobe bench: what the library's care costs on this machine. Each work is
 * measured in turns with a baseline of the same kind, so that whatever else
 * the machine does meets both; a ratio is the median over the rounds, with the
 * interval that holds it in 95 of 100 runs. The accesses are those of the
 * simulated machine, but for the register that may be named and those of
 * bench-real.c: they are read on this one.
 *
 * The document: rounds, results[]: name ours base (what was done), ours_ns
 * base_ns ratio ci[] noise (the baseline against itself) error (or null).
 */
#include <errno.h>
#include <stdlib.h>
#include <time.h>

#include "hw/hwprobe/bench-work.h"
#include "hw/hwprobe/document.h"
#include "hw/hwprobe/verbs.h"

enum { ROUNDS };
enum { ROUNDS_MAX = 10000 };

static const struct args_option options[] = {
	[ROUNDS] = { "rounds", 0, "COUNT", "measure so often; 31" },
	{ 0 },
};

struct figure {
	double ours_ns;
	double base_ns;
	double ratio;
	double low;
	double high;
	double noise;
};

/* Nanoseconds of so many calls; the guards count accesses, and are set back before. */
static int time_of(struct bench *b, work_fn *work, unsigned int calls_wanted, double *ret_ns)
{
	struct timespec begin;
	struct timespec end;
	int r = 0;

	for (int guard = 0; guard < HWS_GUARDS && r == 0; guard++)
		r = hws_guard_rearm(b->hw, (enum hws_guard_class)guard);
	if (r == 0 && b->reach.hw)
		r = hws_guard_rearm(b->reach.hw, HWS_GUARD_MMIO_READ);
	if (r == 0 && b->real.hw)
		r = hws_guard_rearm(b->real.hw, HWS_GUARD_MSR);
	if (r == 0 && b->real.hw)
		r = hws_guard_rearm(b->real.hw, HWS_GUARD_PORT_READ);
	clock_gettime(CLOCK_MONOTONIC, &begin);
	for (unsigned int i = 0; i < calls_wanted && r == 0; i++)
		r = work(b);
	clock_gettime(CLOCK_MONOTONIC, &end);
	*ret_ns = (double)(end.tv_sec - begin.tv_sec) * 1e9 + (double)(end.tv_nsec - begin.tv_nsec);
	return r;
}

static int compare(const void *a, const void *b)
{
	double x = *(const double *)a;
	double y = *(const double *)b;

	return (x > y) - (x < y);
}

/* How far from the middle the ranks are that hold the median in 95 of 100 samples: 0.98 √count. */
static size_t spread_of(size_t count)
{
	size_t root = 0;

	while ((root + 1) * (root + 1) <= count)
		root++;
	return root < count / 2 ? root : count / 2;
}

enum { RATIO, NOISE, OURS, BASE, SERIES };

static int measure(struct bench *b, const struct pair *pair, size_t rounds, double *series[SERIES],
		   struct figure *ret_figure)
{
	enum { CALLS = 8 };
	size_t middle;
	size_t spread;
	double again;
	int r = 0;

	for (size_t i = 0; i < rounds; i++) {
		r = time_of(b, pair->base, CALLS, &series[BASE][i]);
		if (r == 0)
			r = time_of(b, pair->ours, CALLS, &series[OURS][i]);
		if (r == 0)
			r = time_of(b, pair->base, CALLS, &again);
		if (r != 0)
			break;
		series[RATIO][i] = series[OURS][i] / ((series[BASE][i] + again) / 2);
		series[NOISE][i] = again / series[BASE][i];
	}
	if (r < 0)
		return r;
	middle = rounds / 2;
	spread = spread_of(rounds);
	for (int i = 0; i < SERIES; i++)
		qsort(series[i], rounds, sizeof(double), compare);
	*ret_figure = (struct figure) {
		.ours_ns = series[OURS][middle] / CALLS / pair->times,
		.base_ns = series[BASE][middle] / CALLS / pair->times,
		.ratio = series[RATIO][middle],
		.low = series[RATIO][middle - spread],
		.high = series[RATIO][middle + spread < rounds ? middle + spread : rounds - 1],
		.noise = series[NOISE][middle],
	};
	return 0;
}

static struct json_object *object_of(const struct pair *pair, const struct figure *figure, int code)
{
	struct json_object *o = json_object_new_object();
	struct json_object *ci = json_object_new_array();

	put_text(o, "name", pair->name);
	put_text(o, "ours", pair->what);
	put_text(o, "base", pair->base_what);
	put(o, "ours_ns", json_object_new_double(figure->ours_ns));
	put(o, "base_ns", json_object_new_double(figure->base_ns));
	put(o, "ratio", json_object_new_double(figure->ratio));
	json_object_array_add(ci, json_object_new_double(figure->low));
	json_object_array_add(ci, json_object_new_double(figure->high));
	put(o, "ci", ci);
	put(o, "noise", json_object_new_double(figure->noise));
	put_error(o, code);
	return o;
}

static void print_figure(const struct pair *pair, const struct figure *figure)
{
	printf("%-10s %8.1f %8.1f %7.2f %7.2f-%-7.2f %5.2f  %s\n", pair->name, figure->ours_ns,
	       figure->base_ns, figure->ratio, figure->low, figure->high, figure->noise,
	       pair->base_what);
}

static enum result measure_table(const struct pair *pairs, struct bench *b, size_t rounds,
				 double *series[SERIES], struct json_object *array)
{
	enum result result = RESULT_OK;

	for (; pairs->name; pairs++) {
		struct figure figure = { 0 };
		int r;

		if (pairs->can && !pairs->can(b))
			continue;
		r = measure(b, pairs, rounds, series, &figure);
		if (r < 0)
			result = call_fail(pairs->name, r);
		if (array)
			json_object_array_add(array, object_of(pairs, &figure, r));
		else if (r == 0)
			print_figure(pairs, &figure);
	}
	return result;
}

static enum result measure_all(const struct call *call, struct bench *b, size_t rounds)
{
	struct json_object *array = call->settings.json ? json_object_new_array() : NULL;
	double *room = calloc(SERIES * rounds, sizeof(*room));
	double *series[SERIES];
	enum result result = room ? RESULT_OK : call_fail("bench", -ENOMEM);

	for (int i = 0; room && i < SERIES; i++)
		series[i] = room + (size_t)i * rounds;
	if (!array)
		printf("%-10s %8s %8s %7s %15s %5s  %s\n", "", "ours, ns", "base, ns", "ratio",
		       "95 of 100 runs", "noise", "base");
	if (room) {
		enum result real;

		result = measure_table(bench_pairs, b, rounds, series, array);
		real = measure_table(bench_real_pairs, b, rounds, series, array);
		result = result == RESULT_OK ? real : result;
	}
	free(room);
	if (!array && !call->count)
		puts("All but -real is simulated: name a register of a device for a real one.");
	if (array) {
		struct json_object *o = document(&call->settings);

		put_number(o, "rounds", rounds);
		put(o, "results", array);
		if (document_print(o) < 0)
			return RESULT_FAILURE;
	}
	return result;
}

static enum result bench(const struct call *call)
{
	const char *text = call->given[ROUNDS].value;
	struct bench b = { .fd = -1, .real = { .msr_fd = -1, .port_fd = -1 } };
	uint64_t rounds = 31;
	enum result result;
	int r;

	if (text && !args_number("rounds", text, ROUNDS_MAX, &rounds))
		return RESULT_USAGE;
	if (!rounds)
		return args_refuse("rounds '%s': at least one", text);
	if (call->settings.sysroot)
		return call_live_only("bench");
	r = bench_begin(&b);
	result = r < 0 ? call_fail("bench", r) : bench_register(call, &b);
	if (result == RESULT_OK && !call->settings.sim)
		result = bench_real_begin(call, &b);
	if (result == RESULT_OK)
		result = measure_all(call, &b, (size_t)rounds);
	bench_end(&b);
	bench_real_end(&b);
	return result;
}

const struct verb verb_bench = {
	.area = "bench",
	.words = "[BDF:BAR+OFFSET]",
	.help = "what the library's care costs here, against bare work",
	.options = options,
	.most = 1,
	.run = bench,
};
