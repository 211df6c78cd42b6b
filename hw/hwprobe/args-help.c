/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <string.h>

#include "hw/hwprobe/args.h"

static const struct {
	enum result result;
	const char *meaning;
} results[] = {
	{ RESULT_OK, "done" },
	{ RESULT_FAILURE, "failed" },
	{ RESULT_USAGE, "wrong arguments" },
	{ RESULT_NOT_FOUND, "not found" },
	{ RESULT_DENIED, "denied by the policy or the guardian" },
	{ RESULT_REFUSED, "denied by the system" },
	{ RESULT_UNSUPPORTED, "not supported here" },
	{ RESULT_BUSY, "in use, or over a limit" },
	{ RESULT_MISMATCH, "read back, it differs; or rolled back" },
	{ RESULT_PARTIAL, "done in part" },
};

enum { LEFT = 22 };

/* What doesn't fit the column has a line of its own. */
static void print_row(const char *left, const char *help)
{
	if (strlen(left) < LEFT)
		printf("  %-*s %s\n", LEFT, left, help);
	else
		printf("  %s\n  %-*s %s\n", left, LEFT, "", help);
}

static void print_verb(const struct verb *verb)
{
	char left[80];

	snprintf(left, sizeof(left), "%s%s%s%s%s", verb->area, verb->name ? " " : "",
		 verb->name ? verb->name : "", verb->words[0] ? " " : "", verb->words);
	print_row(left, verb->help);
}

static void print_option(const struct args_option *option)
{
	const char *value = option->value ? option->value : "";
	char letter[8] = "    ";
	char left[64];

	if (option->letter)
		snprintf(letter, sizeof(letter), "-%c, ", option->letter);
	if (*value == '[')
		snprintf(left, sizeof(left), "%s--%s[=%s", letter, option->name, value + 1);
	else
		snprintf(left, sizeof(left), "%s--%s%s%s", letter, option->name, *value ? "=" : "",
			 value);
	print_row(left, option->help);
}

void args_help(const struct verb *const *verbs, const char *area, const struct verb *verb,
	       const struct args_option *shared)
{
	printf("Usage: hwprobe [OPTION]... [COMMAND [OPTION]... [WORD]...]\n"
	       "What this machine allows, why not, and what to do about it.\n\nCommands:\n");
	for (size_t i = 0; verbs[i]; i++)
		if (verb ? verb == verbs[i]
			 : !verbs[i]->hidden && (!area || !strcmp(area, verbs[i]->area)))
			print_verb(verbs[i]);
	if (verb && verb->options) {
		printf("\nIts options:\n");
		for (const struct args_option *option = verb->options; option->name; option++)
			print_option(option);
	}
	printf("\nOptions of all commands:\n");
	/* the last one is no verb's */
	for (; shared->name && (!verb || shared[1].name); shared++)
		print_option(shared);
	printf("\nNumbers are decimal, or hexadecimal with 0x.\n\nExit codes:\n");
	for (size_t i = 0; i < COUNT(results); i++)
		printf("  %-*d %s\n", LEFT, (int)results[i].result, results[i].meaning);
	printf("\nA document begins with schema_version and version. Keys you don't know are to\n"
	       "be ignored.\n");
}
