/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * hwprobe bench: what the library's care costs on this machine. Each work is
 * measured in turns with a baseline of the same kind, so that whatever else
 * the machine does meets both; a ratio is the median over the rounds, with the
 * interval that holds it in 95 of 100 runs. The accesses are those of the
 * simulated machine, but for the register that may be named: it is read on
 * this one.
 *
 * The document: rounds, results[]: name ours base (what was done), ours_ns
 * base_ns ratio ci[] noise (the baseline against itself) error (or null).
 */
#include <errno.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include "hw/hwprobe/document.h"
#include "hw/hwprobe/reach.h"
#include "hw/hwprobe/verbs.h"

enum { ROUNDS };
enum { ROUNDS_MAX = 10000, BATCH = 32, MSRS = 64, REPEAT = 512, BLOCK = 4096, MSR = 0x198 };

static const struct args_option options[] = {
	[ROUNDS] = { "rounds", 0, "COUNT", "measure so often; 31" },
	{ 0 },
};

/* All that the works need. */
struct bench {
	struct hws *hw;
	struct reach reach; /* the register that was named; empty: none was */
	struct hws_mmio *mmio;
	struct hws_msr *msr;
	struct hws_ring *ring;
	struct hws_buf bufs[BATCH];
	uint32_t memory;
	char block[BLOCK];
	int fd;
};

static int mmio_gated(struct bench *b)
{
	uint32_t value;
	int r = 0;

	for (int i = 0; i < REPEAT; i++)
		r |= hws_mmio_read32(b->mmio, 0, &value);
	return r;
}

static int mmio_bare(struct bench *b)
{
	for (int i = 0; i < REPEAT; i++)
		(void)*(volatile uint32_t *)&b->memory;
	return 0;
}

static int msr_gated(struct bench *b)
{
	uint64_t value;
	int r = 0;

	for (int i = 0; i < MSRS; i++)
		r |= hws_msr_read(b->msr, 0, MSR, &value);
	return r;
}

/* What rdmsr does for each register. */
static int msr_bare(struct bench *b)
{
	uint64_t value;
	int r = 0;

	for (int i = 0; i < MSRS; i++)
		r |= pread(b->fd, &value, sizeof(value), MSR) == sizeof(value) ? 0 : -EIO;
	return r;
}

static int decide(struct bench *b)
{
	struct hws_access access = {
		.kind = HWS_KIND_MSR, .rights = HWS_R, .first = MSR, .last = MSR, .width = 8
	};
	int r = 0;

	for (int i = 0; i < MSRS; i++)
		r |= hws_check(b->hw, &access, NULL, 0);
	return r;
}

static int read_clock(struct bench *b)
{
	struct timespec now;

	(void)b;
	for (int i = 0; i < MSRS; i++)
		clock_gettime(CLOCK_MONOTONIC, &now);
	return 0;
}

/* Until all are done; gives the buffers back to where they were. */
static int reap(struct bench *b)
{
	struct hws_done done[BATCH];
	int got = 0;

	while (got < BATCH) {
		int r = hws_wait(b->ring, done, BATCH, call_deadline(10000));

		if (r < 0)
			return r;
		got += r;
	}
	return 0;
}

static int ring_nops(struct bench *b)
{
	int r = 0;

	for (uint64_t i = 0; i < BATCH && r == 0; i++)
		r = hws_nop(b->ring, i);
	return r < 0 ? r : reap(b);
}

static int calls(struct bench *b)
{
	(void)b;
	for (int i = 0; i < BATCH; i++)
		(void)getppid();
	return 0;
}

static int ring_reads(struct bench *b)
{
	int r = 0;

	for (uint64_t i = 0; i < BATCH && r == 0; i++)
		r = hws_read(b->ring, b->fd, b->bufs[i], 0, BLOCK, i);
	return r < 0 ? r : reap(b);
}

static int preads(struct bench *b)
{
	int r = 0;

	for (int i = 0; i < BATCH; i++)
		r |= pread(b->fd, b->block, BLOCK, 0) == BLOCK ? 0 : -EIO;
	return r;
}

typedef int work_fn(struct bench *b);

static const struct pair {
	const char *name;
	const char *what;
	const char *base_what;
	work_fn *ours;
	work_fn *base;
	unsigned int times; /* of the work in a call */
} pairs[] = {
	{ "mmio-read", "hws_mmio_read32", "a load from memory", mmio_gated, mmio_bare, REPEAT },
	{ "msr-read", "hws_msr_read, simulated", "pread of 8 bytes", msr_gated, msr_bare, MSRS },
	{ "decision", "hws_check", "clock_gettime", decide, read_clock, MSRS },
	{ "ring-nop", "hws_nop, 32 at a time", "getppid", ring_nops, calls, BATCH },
	{ "ring-read", "hws_read of 4 KiB, 32 at a time", "pread of 4 KiB", ring_reads, preads,
	  BATCH },
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

	for (size_t i = 0; i < rounds && r == 0; i++) {
		r = time_of(b, pair->base, CALLS, &series[BASE][i]);
		if (r == 0)
			r = time_of(b, pair->ours, CALLS, &series[OURS][i]);
		if (r == 0)
			r = time_of(b, pair->base, CALLS, &again);
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
	printf("%-10s %9.1f %9.1f %8.2f %8.2f-%-8.2f %5.2f  %s\n", pair->name, figure->ours_ns,
	       figure->base_ns, figure->ratio, figure->low, figure->high, figure->noise,
	       pair->base_what);
}

static enum result measure_all(const struct call *call, struct bench *b, size_t rounds)
{
	struct json_object *array = call->settings.json ? json_object_new_array() : NULL;
	double *room = calloc(SERIES * rounds, sizeof(*room));
	double *series[SERIES];
	enum result result = room ? RESULT_OK : RESULT_FAILURE;

	for (int i = 0; i < SERIES; i++)
		series[i] = room + (size_t)i * rounds;
	if (!array)
		printf("%-10s %9s %9s %8s %17s %5s  %s\n", "", "ours, ns", "base, ns", "ratio",
		       "95 of 100 runs", "noise", "base");
	for (size_t i = 0; room && i < COUNT(pairs); i++) {
		struct figure figure = { 0 };
		int r = measure(b, &pairs[i], rounds, series, &figure);

		if (r < 0)
			result = call_fail(pairs[i].name, r);
		if (array)
			json_object_array_add(array, object_of(&pairs[i], &figure, r));
		else if (r == 0)
			print_figure(&pairs[i], &figure);
	}
	free(room);
	if (array) {
		struct json_object *o = document(&call->settings);

		put_number(o, "rounds", rounds);
		put(o, "results", array);
		if (document_print(o) < 0)
			return RESULT_FAILURE;
	}
	return result;
}

static int make_file(struct bench *b)
{
	b->fd = memfd_create("hwprobe-bench", MFD_CLOEXEC);
	return b->fd >= 0 && pwrite(b->fd, b->block, BLOCK, 0) == BLOCK ? 0 : -errno;
}

/* The register that the call names, or one of the simulated machine. */
static enum result open_register(const struct call *call, struct bench *b)
{
	struct target target = { 0 };
	enum result result;
	int r;

	if (!call->count) {
		r = hws_mmio_map(b->hw, "00:05.0", 2, 0, sizeof(b->memory), HWS_R, &b->mmio);
		return r < 0 ? call_fail("bench", r) : RESULT_OK;
	}
	b->reach.call = call;
	if (!reach_mem.parse(&b->reach, call->words, &target))
		return RESULT_USAGE;
	result = call_open(call, &b->reach.hw);
	if (result == RESULT_OK)
		result = reach_mem.open(&b->reach, &target, HWS_R);
	if (result == RESULT_OK && b->reach.spots.at[0].place.width != sizeof(b->memory))
		result = args_refuse("'%s': expected a register of 32 bits", call->words[0]);
	if (result == RESULT_OK)
		b->mmio = b->reach.spots.at[0].place.handle;
	return result;
}

static int begin(struct bench *b)
{
	struct hws_options how = { .size = sizeof(how),
				   .backend = "sim",
				   .policy_text = "msr = 0x198 r\nbar = 1234:11ea 2 * r\n" };
	int r = make_file(b);

	if (r == 0)
		r = hws_open(&how, &b->hw);
	if (r == 0)
		r = hws_msr_open(b->hw, "0", MSR, MSR, HWS_R, &b->msr);
	if (r == 0)
		r = hws_ring_open(b->hw, NULL, &b->ring);
	for (int i = 0; i < BATCH && r == 0; i++)
		r = hws_buf_take(hws_ring_pool(b->ring), BLOCK, &b->bufs[i]);
	return r;
}

static void end(struct bench *b)
{
	hws_ring_close(b->ring, call_deadline(10000));
	hws_msr_close(b->msr);
	if (!b->reach.call)
		hws_mmio_unmap(b->mmio);
	reach_end(&b->reach);
	hws_close(b->hw);
	if (b->fd >= 0)
		close(b->fd);
}

static enum result bench(const struct call *call)
{
	const char *text = call->given[ROUNDS].value;
	struct bench b = { .fd = -1 };
	uint64_t rounds = 31;
	enum result result;
	int r;

	if (text && !args_number("rounds", text, ROUNDS_MAX, &rounds))
		return RESULT_USAGE;
	if (!rounds)
		return args_refuse("rounds '%s': at least one", text);
	if (call->settings.sysroot)
		return call_live_only("bench");
	r = begin(&b);
	result = r < 0 ? call_fail("bench", r) : open_register(call, &b);
	if (result == RESULT_OK)
		result = measure_all(call, &b, (size_t)rounds);
	end(&b);
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
