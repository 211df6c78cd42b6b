/* SPDX-License-Identifier: GPL-2.0-or-later */
/* hwprobe policy import: rules from an msr-safe list, "0x610 0x7fff # comment" a line. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "hw/hwprobe/policy.h"
#include "hw/hwprobe/verbs.h"

enum { SECTION, USER, GROUP };
static const struct args_option options[] = {
	[SECTION] = { "section", 0, "NAME", "of the section; msr-safe unless told" },
	[USER] = { "user", 0, "USER", "whom it is for" },
	[GROUP] = { "group", 0, "GROUP", "whom it is for; without both: root" },
	{ 0 },
};

/* A register and the bits that may be written. False: one line said why not. */
static bool read_line(const char *file, unsigned int number, char *line, uint64_t *ret_msr,
		      uint64_t *ret_mask)
{
	char what[512];
	char *msr = strtok(line, " \t\r");
	char *mask = strtok(NULL, " \t\r");

	snprintf(what, sizeof(what), "%s:%u:", file, number);
	if (!mask || strtok(NULL, " \t\r")) {
		args_refuse("%s expected a register and a mask: 0x610 0x7fff", what);
		return false;
	}
	return args_number(what, msr, UINT32_MAX, ret_msr) &&
	       args_number(what, mask, UINT64_MAX, ret_mask);
}

static void print_rule(uint64_t msr, uint64_t mask)
{
	printf("msr = 0x%llx %s", (unsigned long long)msr, mask ? "rw" : "r");
	if (mask && mask != UINT64_MAX)
		printf(", mask 0x%llx", (unsigned long long)mask);
	putchar('\n');
}

/* Nothing is printed before the whole of it was read; @print false only reads. */
static bool import_lines(const char *file, const char *text, bool print)
{
	char *copy = strdup(text);
	char *next = copy;
	unsigned int number = 0;
	bool good = copy != NULL;

	while (good && next) {
		char *line = strsep(&next, "\n");
		uint64_t msr;
		uint64_t mask;

		number++;
		line[strcspn(line, "#")] = '\0';
		if (!line[strspn(line, " \t\r")])
			continue;
		good = read_line(file, number, line, &msr, &mask);
		if (good && print)
			print_rule(msr, mask);
	}
	free(copy);
	return good;
}

static void print_section(const struct call *call)
{
	const char *section = call->given[SECTION].value;
	const char *user = call->given[USER].value;
	const char *group = call->given[GROUP].value;

	printf("[%s]\n", section ? section : "msr-safe");
	if (user || !group)
		printf("user = %s\n", user ? user : "0");
	if (group)
		printf("group = %s\n", group);
}

static enum result import(const struct call *call)
{
	enum result result = RESULT_FAILURE;
	const char *file = call->words[0];
	char *path = path_below(&call->settings, file);
	char *text = path ? read_text(path, &result) : NULL;

	if (text && import_lines(file, text, false)) {
		print_section(call);
		import_lines(file, text, true);
		result = RESULT_OK;
	}
	free(text);
	free(path);
	return result;
}

const struct verb verb_policy_import = {
	.area = "policy",
	.name = "import",
	.words = "FILE",
	.help = "a policy's section, made of an msr-safe list",
	.options = options,
	.least = 1,
	.most = 1,
	.run = import,
};
