/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Counting instructions without a counter: a child does the work, its parent
 * has it stop after each instruction. Exact and slow. The child does its own
 * setup, so that it shares nothing with the parent.
 *
 * A string instruction with a repeat prefix counts as often as it repeats; a
 * load-exclusive/store-exclusive loop never ends under stepping: hence a limit.
 */
#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/ptrace.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/bench/bench-internal.h"

enum { STEPS_MAX = 400000, SECONDS_MAX = 10 };
/* What the child says at the end of each part. */
enum { MARK = SIGUSR1 };

/*
 * What the child does, a mark after each part. The first calls bind symbols and
 * fill caches: they aren't counted. The rest is what the counts are of, each
 * from the mark before it.
 */
static const struct part {
	enum bench_side side;
	int twice;
	bool counted;
} parts[] = {
	{ BENCH_OURS, 0, false }, { BENCH_BASE, 0, false }, { BENCH_OURS, 0, true },
	{ BENCH_OURS, 1, true },  { BENCH_BASE, 0, true },  { BENCH_BASE, 1, true },
};

enum { PARTS = sizeof(parts) / sizeof(parts[0]) };

static int child_work(const struct bench_case *of, uint64_t n)
{
	void *context = NULL;
	int r = of->setup ? of->setup(of, &context) : 0;

	for (int i = 0; r >= 0 && i < PARTS; i++) {
		r = bench_call(of, parts[i].side, context, n << parts[i].twice);
		if (r >= 0)
			raise(MARK);
	}
	return r;
}

static void child_main(const struct bench_case *of, uint64_t n)
{
	signal(MARK, SIG_IGN);
	alarm(SECONDS_MAX);
	_exit(ptrace(PTRACE_TRACEME, 0, NULL, NULL) == 0 && child_work(of, n) >= 0 ? 0 : 1);
}

/* Lets the child go on as @how says; gives the signal it stops with, -ECHILD when it has ended. */
static int until_stop(pid_t child, enum __ptrace_request how)
{
	int status;

	if (ptrace(how, child, NULL, NULL) < 0)
		return -errno;
	if (waitpid(child, &status, 0) != child || !WIFSTOPPED(status))
		return -ECHILD;
	return WSTOPSIG(status);
}

static int steps_to_mark(pid_t child, uint64_t *steps_left, uint64_t *ret_count)
{
	for (uint64_t count = 0; *steps_left; (*steps_left)--) {
		int signal = until_stop(child, PTRACE_SINGLESTEP);

		if (signal == MARK) {
			*ret_count = count;
			return 0;
		}
		if (signal != SIGTRAP)
			return signal < 0 ? signal : -EINTR;
		count++;
	}
	return -E2BIG;
}

static int count_child(pid_t child, bench_counts ret_counts)
{
	uint64_t left = STEPS_MAX;
	int status;
	int r = 0;

	/* it stops by itself at the first mark */
	if (waitpid(child, &status, 0) != child || !WIFSTOPPED(status) || WSTOPSIG(status) != MARK)
		return -ECHILD;
	if (ptrace(PTRACE_SETOPTIONS, child, NULL, (void *)PTRACE_O_EXITKILL) < 0)
		return -errno;
	for (int i = 1; r == 0 && i < PARTS; i++) {
		const struct part *part = &parts[i];

		if (part->counted)
			r = steps_to_mark(child, &left, &ret_counts[part->side][part->twice]);
		else if (until_stop(child, PTRACE_CONT) != MARK)
			r = -ECHILD;
	}
	return r;
}

/* On one processor the two hand over to each other several times faster. */
static void stay_here(cpu_set_t *ret_before)
{
	cpu_set_t here;
	int cpu = sched_getcpu();

	CPU_ZERO(&here);
	CPU_SET(cpu < 0 ? 0 : (size_t)cpu, &here);
	if (sched_getaffinity(0, sizeof(*ret_before), ret_before) == 0)
		(void)sched_setaffinity(0, sizeof(here), &here);
}

int bench_count_steps(const struct bench_case *of, uint64_t n, bench_counts ret_counts)
{
	cpu_set_t before;
	pid_t child;
	int r;

	CPU_ZERO(&before);
	stay_here(&before);
	fflush(NULL);
	child = fork();
	if (child == 0)
		child_main(of, n);
	r = child < 0 ? -errno : count_child(child, ret_counts);
	if (child > 0) {
		kill(child, SIGKILL);
		while (waitpid(child, NULL, 0) < 0 && errno == EINTR)
			;
	}
	(void)sched_setaffinity(0, sizeof(before), &before);
	return r;
}
