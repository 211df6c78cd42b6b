/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * How long an honest program waits while another user sends the helper all it can, in one way or
 * another; and, to compare, while he only keeps the processors busy. Nobody has a priority. The
 * program and the helper share a processor on both sides: in a virtual machine to wake an idle one
 * takes ten times what an answer does, and whether the two share one would otherwise be what is
 * measured. The enemies run where they like.
 */
#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "shim/sys-internal.h"
#include "shim/why-internal.h"
#include "tests/bench/helper.h"
#include "tests/helper/storm.h"

enum {
	ENEMY = 41001,
	SETTLE_US = 5000,
	SETTLE = 64,
	WINDOWS = 3,
	WINDOW = 500,
	WORST = WINDOW / 100
};

enum side { FLOODED, IDLE, SIDES };

struct flood {
	struct bench_helper helper;
	cpu_set_t any; /* the processors that this program may run on */
	pid_t enemies[STORM_MOST];
	uint64_t took[WINDOW];
	uint64_t best[SIDES]; /* 99th percentile of the best window up to now */
	enum side last;
};

static int run_on(pid_t pid, const cpu_set_t *cpus)
{
	return sched_setaffinity(pid, sizeof(*cpus), cpus) < 0
		       ? why(-errno, "can't choose a processor: %s", strerror(errno))
		       : 0;
}

/* This program and the helper, where the former is now. */
static int share_processor(struct flood *flood)
{
	cpu_set_t here;
	int r;

	CPU_ZERO(&here);
	CPU_SET((size_t)sched_getcpu(), &here);
	r = run_on(0, &here);
	return r < 0 ? r : run_on(flood->helper.pid, &here);
}

static void teardown(void *context)
{
	struct flood *flood = context;

	(void)run_on(0, &flood->any);
	storm_end(flood->enemies);
	bench_helper_stop(&flood->helper);
	free(flood);
}

static int setup(const struct bench_case *of, void **ret_context)
{
	const enum storm *what = of->arg;
	struct flood *flood = calloc(1, sizeof(*flood));
	int r;

	if (!flood)
		return why(-ENOMEM, "no memory");
	sched_getaffinity(0, sizeof(flood->any), &flood->any);
	r = bench_helper_start(&flood->helper, NULL, NULL);
	for (int i = 0; r == 0 && i < STORM_MOST && what[i] != STORM_NONE; i++) {
		flood->enemies[i] =
			storm_begin(what[i], flood->helper.socket, ENEMY, (uint64_t)i + 1);
		r = flood->enemies[i] < 0 ? flood->enemies[i] : 0;
	}
	r = r < 0 ? r : share_processor(flood);
	if (r < 0)
		teardown(flood);
	else
		*ret_context = flood;
	return r;
}

/* Fills the window; all but the worst hundredth took no longer than *ret_ns. */
static int look(struct flood *flood, uint64_t *ret_ns)
{
	int r = 0;

	for (int i = 0; r == 0 && i < WINDOW; i++) {
		uint64_t begin;
		uint64_t end;

		r = sys_clock(CLOCK_MONOTONIC, &begin);
		r = r < 0 ? r : bench_helper_single(&flood->helper);
		r = r < 0 ? r : sys_clock(CLOCK_MONOTONIC, &end);
		flood->took[i] = r < 0 ? 0 : end - begin;
	}
	bench_sort_times(flood->took, WINDOW);
	*ret_ns = flood->took[WINDOW - 1 - WORST];
	return r;
}

/*
 * The best window of all up to now, on each side of as many: what else runs on the machine disturbs
 * some, the flood all of them.
 */
static int ask(struct flood *flood, enum side side)
{
	int r = 0;

	storm_tell(flood->enemies, side == FLOODED ? SIGCONT : SIGSTOP);
	/* what the enemies left behind, or begin with, passes first */
	usleep(SETTLE_US);
	flood->last = side;
	for (int i = 0; r == 0 && i < WINDOWS; i++) {
		uint64_t ns;

		r = look(flood, &ns);
		if (!flood->best[side] || ns < flood->best[side])
			flood->best[side] = ns;
	}
	return r;
}

/* How long a window takes is for the flood to say: so many are looked at, whatever @n. */
static int flooded(void *context, uint64_t n)
{
	(void)n;
	return ask(context, FLOODED);
}

static int idle(void *context, uint64_t n)
{
	(void)n;
	return ask(context, IDLE);
}

static uint64_t took(void *context)
{
	const struct flood *flood = context;

	return flood->best[flood->last];
}

static const enum storm all[STORM_MOST] = { STORM_ANYTHING, STORM_GARBAGE, STORM_COMES,
					    STORM_AHEAD };
static const enum storm comers[STORM_MOST] = { STORM_COMES, STORM_GARBAGE, STORM_HOLDS };
static const enum storm askers[STORM_MOST] = { STORM_ANYTHING, STORM_AHEAD, STORM_RING };
static const enum storm burners[STORM_MOST] = { STORM_BURNS, STORM_BURNS, STORM_BURNS,
						STORM_BURNS };

#define CASE                                                                                   \
	.unit = "ns p99", .setup = setup, .teardown = teardown, .ours = flooded, .base = idle, \
	.took = took, .flags = BENCH_NO_INSTRUCTIONS
#define P99 "one register, 99th percentile, while four processes of another user "

const struct bench_case helper_flood_cases[] = {
	{ CASE, .name = "flood-p99", .baseline = "the same while nobody else asks",
	  .what = P99 "ask, send garbage, and come and go", .arg = all,
	  .limits = { { BENCH_RATIO, 5 } } },
	{ CASE, .name = "flood-p99-comers", .baseline = "the same while nobody else asks",
	  .what = "one register, 99th percentile, while three connect without end", .arg = comers,
	  .limits = { { BENCH_RATIO, 5 } } },
	{ CASE, .name = "flood-p99-askers", .baseline = "the same while nobody else asks",
	  .what = "one register, 99th percentile, while three ask all they can", .arg = askers,
	  .limits = { { BENCH_RATIO, 5 } } },
	{ CASE, .name = "burn-p99", .baseline = "the same while nobody else runs",
	  .what = P99 "only burn the processors", .arg = burners },
	{ 0 },
};
