/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <fnmatch.h>
#include <getopt.h>
#include <stdlib.h>
#include <string.h>

#include "tests/bench/bench-internal.h"

enum { USAGE = 2, SECONDS_MAX = 3600 };
#define SECONDS	      1.0
#define SECONDS_QUICK 0.1

/* One row for each option; a value is given to take(), a word alone sets the flag. */
struct option_row {
	const char *name;
	const char *value; /* what the help calls its value; NULL: it has none */
	const char *help;
	size_t flag;
	bool (*take)(const struct bench_run *run, const char *text, struct bench_options *options);
};

static bool complain(const struct bench_run *run, const char *what, const char *text)
{
	fprintf(run->env->err, "bench-%s: %s '%s'; --help tells more\n", run->suite, what, text);
	return false;
}

static bool take_seconds(const struct bench_run *run, const char *text,
			 struct bench_options *options)
{
	char *end;
	double seconds = strtod(text, &end);

	if (end == text || *end || !(seconds > 0 && seconds <= SECONDS_MAX))
		return complain(run, "--seconds wants a number above 0, at most 3600, not", text);
	options->seconds = seconds;
	return true;
}

static bool take_filter(const struct bench_run *run, const char *text,
			struct bench_options *options)
{
	for (const struct bench_case *of = run->cases; of->name; of++) {
		if (fnmatch(text, of->name, 0) == 0) {
			options->filter = text;
			return true;
		}
	}
	return complain(run, "no such case:", text);
}

static const struct option_row rows[] = {
	{ "json", NULL, "print JSON, not a table", offsetof(struct bench_options, json), NULL },
	{ "quick", NULL, "short samples, a tenth of a second for each case: only to see it work",
	  offsetof(struct bench_options, quick), NULL },
	{ "check", NULL, "exit 1 when a limit is missed or a case was skipped",
	  offsetof(struct bench_options, check), NULL },
	{ "seconds", "S", "measure each case for so long (1)", 0, take_seconds },
	{ "filter", "NAME", "only the cases of that name; * and ? match as in the shell", 0,
	  take_filter },
	{ "list", NULL, "name the cases and their limits", offsetof(struct bench_options, list),
	  NULL },
	{ "help", NULL, "print this", offsetof(struct bench_options, help), NULL },
};

enum { ROWS = sizeof(rows) / sizeof(rows[0]) };

void bench_help(const struct bench_run *run)
{
	FILE *out = run->env->out;

	fprintf(out, "usage: bench-%s [options]\n\n", run->suite);
	for (size_t i = 0; i < ROWS; i++)
		fprintf(out, "  --%-8s %-5s %s\n", rows[i].name, rows[i].value ? rows[i].value : "",
			rows[i].help);
	fputs("\n"
	      "ratio   ours / baseline, median of rounds ours-base-base-ours; lower is better\n"
	      "95 %    confidence interval of that median\n"
	      "noise   how far from 1 the same interval reaches for the baseline against itself\n"
	      "instr   extra instructions an operation, user space, by the processor's counter;\n"
	      "        without one, by stepping; - where neither works\n"
	      "verdict holds: the median is within the limit; within noise: only with the noise\n"
	      "        added; MISSED; not counted: the limit is on instructions and there are none\n"
	      "exit    0; 1 when a case failed, see also --check; 2 when an option is wrong\n",
	      out);
}

/* @text is the word at fault. */
static bool take(const struct bench_run *run, int choice, const char *text,
		 struct bench_options *options)
{
	if (choice == '?')
		return complain(run, "no such option:", text);
	if (choice == ':')
		return complain(run, "a value is missing after", text);
	if (rows[choice].take)
		return rows[choice].take(run, optarg, options);
	*(bool *)((char *)options + rows[choice].flag) = true;
	return true;
}

int bench_options(const struct bench_run *run, int argc, char **argv, struct bench_options *ret)
{
	struct option long_options[ROWS + 1] = { 0 };
	struct bench_options options = { .seconds = 0 };
	int at = 1;

	for (int i = 0; i < ROWS; i++)
		long_options[i] = (struct option) {
			.name = rows[i].name,
			.has_arg = rows[i].value ? required_argument : no_argument,
			.val = i,
		};
	optind = 0; /* glibc: start afresh */
	opterr = 0;
	for (int choice; (choice = getopt_long(argc, argv, "+:", long_options, NULL)) != -1;
	     at = optind) {
		if (!take(run, choice, argv[at], &options))
			return USAGE;
	}
	if (optind < argc) {
		complain(run, "what is", argv[optind]);
		return USAGE;
	}
	if (options.seconds == 0)
		options.seconds = options.quick ? SECONDS_QUICK : SECONDS;
	*ret = options;
	return 0;
}
