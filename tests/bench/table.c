/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <string.h>

#include "tests/bench/bench-internal.h"

enum { LIMITS_TEXT = 96 };
/* How often progress shows: on a terminal, and elsewhere. */
#define PROGRESS_NS	 100000000u
#define PROGRESS_LINE_NS 5000000000u

static int name_width(const struct bench_run *run)
{
	size_t width = strlen(run->suite);

	for (const struct bench_case *of = run->cases; of->name; of++) {
		if (strlen(of->name) > width)
			width = strlen(of->name);
	}
	return (int)width;
}

void bench_print_head(const struct bench_run *run)
{
	fprintf(run->env->out, "%-*s %10s %10s %-7s %7s %17s %7s %8s  %-12s %s\n", name_width(run),
		run->suite, "ours", "base", "", "ratio", "95 %", "noise", "instr", "verdict",
		"limit; baseline");
}

void bench_print_row(const struct bench_run *run, const struct bench_result *result)
{
	const struct bench_case *of = result->of;
	char limits[LIMITS_TEXT];
	char instructions[32] = "-";
	FILE *out = run->env->out;

	bench_progress_clear(run);
	fprintf(out, "%-*s ", name_width(run), of->name);
	if (result->why[0]) {
		fprintf(out, "%s: %s\n", bench_verdict_text(result->verdict), result->why);
		return;
	}
	if (result->counter)
		snprintf(instructions, sizeof(instructions), "%+.1f", result->extra_instructions);
	bench_limits_text(of, limits, sizeof(limits));
	fprintf(out, "%10.2f %10.2f %-7s %7.3f %8.3f-%8.3f %7.3f %8s  %-12s %s%s%s\n", result->ours,
		result->base, bench_unit(of), result->ratio, result->ci[0], result->ci[1],
		result->noise, instructions, bench_verdict_text(result->verdict), limits,
		limits[0] ? "; " : "", of->baseline);
	fflush(out);
}

void bench_print_list(const struct bench_run *run)
{
	char limits[LIMITS_TEXT];

	for (const struct bench_case *of = run->cases; of->name; of++) {
		bench_limits_text(of, limits, sizeof(limits));
		fprintf(run->env->out, "%-*s  %s%s%s, against %s\n", name_width(run), of->name,
			limits, limits[0] ? ": " : "", of->what, of->baseline);
	}
}

void bench_progress(struct bench_run *run, const struct bench_case *of, double done)
{
	uint64_t every = run->tty ? PROGRESS_NS : PROGRESS_LINE_NS;
	uint64_t now;

	if (run->env->clock(CLOCK_MONOTONIC, &now) < 0 || now - run->said < every)
		return;
	run->said = now;
	fprintf(run->env->err, run->tty ? "\r\033[K%s: %s %3.0f %%" : "bench-%s: %s %.0f %%\n",
		run->suite, of->name, done * 100);
	fflush(run->env->err);
}

void bench_progress_clear(const struct bench_run *run)
{
	if (run->tty)
		fputs("\r\033[K", run->env->err);
}
