/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* How long an honest program waits while another user sends the helper all it can. */
#include <errno.h>
#include <grp.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "shim/sys-internal.h"
#include "shim/why-internal.h"
#include "tests/bench/helper.h"
#include "tests/helper/hostile.h"

enum { ENEMIES = 2, ENEMY = 41001, PART = 16, SETTLE = 64, WINDOW = 200, WORST = WINDOW / 100 };

struct flood {
	struct bench_helper helper;
	pid_t enemies[ENEMIES];
	uint64_t took[WINDOW];
	uint64_t last; /* 99th percentile, of the best window of the last call */
};

static _Noreturn void attack(const char *socket, uint64_t seed)
{
	if (setgroups(0, NULL) == 0 && setresgid(ENEMY, ENEMY, ENEMY) == 0 &&
	    setresuid(ENEMY, ENEMY, ENEMY) == 0)
		hostile_run(socket, seed, UINT64_MAX);
	_exit(1);
}

static void tell_enemies(const struct flood *flood, int signal)
{
	for (int i = 0; i < ENEMIES; i++)
		if (flood->enemies[i] > 0)
			kill(flood->enemies[i], signal);
}

/*
 * The honest program and the helper come first, so that the helper's queue is measured and not the
 * processors', for which the enemies compete as well. Best effort.
 */
static void put_first(const struct flood *flood, int policy)
{
	const struct sched_param param = { .sched_priority = policy == SCHED_FIFO };

	(void)sched_setscheduler(flood->helper.pid, policy, &param);
	(void)sched_setscheduler(0, policy, &param);
}

static void teardown(void *context)
{
	struct flood *flood = context;

	tell_enemies(flood, SIGKILL);
	put_first(flood, SCHED_OTHER);
	for (int i = 0; i < ENEMIES; i++)
		if (flood->enemies[i] > 0)
			waitpid(flood->enemies[i], NULL, 0);
	bench_helper_stop(&flood->helper);
	free(flood);
}

static int setup(const struct bench_case *of, void **ret_context)
{
	struct flood *flood = calloc(1, sizeof(*flood));
	int r;

	(void)of;
	if (!flood)
		return why(-ENOMEM, "no memory");
	r = bench_helper_start(&flood->helper, NULL, NULL);
	for (int i = 0; r == 0 && i < ENEMIES; i++) {
		flood->enemies[i] = fork();
		if (flood->enemies[i] == 0)
			attack(flood->helper.socket, (uint64_t)i + 1);
	}
	put_first(flood, SCHED_FIFO);
	if (r < 0)
		teardown(flood);
	else
		*ret_context = flood;
	return r;
}

static int by_size(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a;
	uint64_t y = *(const uint64_t *)b;

	return (x > y) - (x < y);
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
	qsort(flood->took, WINDOW, sizeof(flood->took[0]), by_size);
	*ret_ns = flood->took[WINDOW - 1 - WORST];
	return r;
}

/* The best window: what else runs on the machine disturbs some, the flood all of them. */
static int ask(struct flood *flood, uint64_t n)
{
	uint64_t windows = n * PART / WINDOW + 1;
	int r = 0;

	/* what the enemies left behind, or begin with, passes first */
	for (int i = 0; r == 0 && i < SETTLE; i++)
		r = bench_helper_single(&flood->helper);
	flood->last = UINT64_MAX;
	while (r == 0 && windows-- > 0) {
		uint64_t ns;

		r = look(flood, &ns);
		flood->last = ns < flood->last ? ns : flood->last;
	}
	return r;
}

static int flooded(void *context, uint64_t n)
{
	tell_enemies(context, SIGCONT);
	return ask(context, n);
}

static int idle(void *context, uint64_t n)
{
	tell_enemies(context, SIGSTOP);
	return ask(context, n);
}

static uint64_t took(void *context)
{
	const struct flood *flood = context;

	return flood->last;
}

const struct bench_case helper_flood_cases[] = {
	{ .name = "flood-p99",
	  .baseline = "the same while nobody else asks",
	  .what = "one register, 99th percentile, while another user floods the helper",
	  .unit = "ns p99",
	  .setup = setup,
	  .teardown = teardown,
	  .ours = flooded,
	  .base = idle,
	  .took = took,
	  .flags = BENCH_NO_INSTRUCTIONS,
	  .limits = { { BENCH_RATIO, 5 } } },
	{ 0 },
};
