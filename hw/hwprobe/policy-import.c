/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * hwprobe policy import: rules from an msr-safe list ("0x610 0x7fff # comment" a line), or from a
 * list of names as GEOPM has it ("MSR::PERF_CTL:FREQ" a line).
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "hw/hwprobe/geopm.h"
#include "hw/hwprobe/policy.h"
#include "hw/hwprobe/verbs.h"

enum { SECTION, USER, GROUP, CONTROLS };
static const struct args_option options[] = {
	[SECTION] = { "section", 0, "NAME", "of the section; msr-safe or geopm unless told" },
	[USER] = { "user", 0, "USER", "whom it is for" },
	[GROUP] = { "group", 0, "GROUP", "whom it is for; without both: root" },
	[CONTROLS] = { "controls", 0, NULL, "names are of controls: they may be written" },
	{ 0 },
};

/* A register, the bits that may be written, and the names it was made of. */
struct entry {
	uint64_t msr;
	uint64_t mask;
	char *names; /* NULL: the list has numbers */
};

struct list {
	const char *file;
	bool is_names;
	bool controls;
	struct hws_registers *registers;
	struct entry *entries;
	size_t count;
	unsigned int unknown; /* names that were told to be so */
	bool no_memory;
};

static bool add_entry(struct list *list, uint64_t msr, uint64_t mask, const char *name)
{
	struct entry *more;

	for (size_t i = 0; name && i < list->count; i++) {
		struct entry *same = &list->entries[i];
		char *names = NULL;

		if (same->msr != msr)
			continue;
		same->mask |= mask;
		list->no_memory = asprintf(&names, "%s %s", same->names, name) < 0;
		if (list->no_memory)
			return false;
		free(same->names);
		same->names = names;
		return true;
	}
	more = reallocarray(list->entries, list->count + 1, sizeof(*more));
	list->no_memory = !more;
	if (!more)
		return false;
	list->entries = more;
	more[list->count] = (struct entry) { msr, mask, name ? strdup(name) : NULL };
	list->no_memory = name && !more[list->count].names;
	list->count++;
	return !list->no_memory;
}

/* A register and the bits that may be written. False: one line said why not. */
static bool read_numbers(struct list *list, unsigned int number, char *line)
{
	char what[512];
	char *msr = strtok(line, " \t\r");
	char *mask = strtok(NULL, " \t\r");
	uint64_t is_msr;
	uint64_t is_mask;

	snprintf(what, sizeof(what), "%s:%u:", list->file, number);
	if (!mask || strtok(NULL, " \t\r")) {
		args_refuse("%s expected a register and a mask: 0x610 0x7fff", what);
		return false;
	}
	return args_number(what, msr, UINT32_MAX, &is_msr) &&
	       args_number(what, mask, UINT64_MAX, &is_mask) &&
	       add_entry(list, is_msr, is_mask, NULL);
}

/* MSR::REGISTER:FIELD, or MSR::REGISTER# for all of it. What isn't known is told, and left out. */
static bool read_name(struct list *list, unsigned int number, char *line)
{
	static const char prefix[] = "MSR::";
	char *name = strtok(line, " \t\r");
	bool is_msr = !strncmp(name, prefix, sizeof(prefix) - 1);
	struct geopm_name found;
	char place[512];
	char *whole;

	snprintf(place, sizeof(place), "%.400s:%u", list->file, number);
	if (strtok(NULL, " \t\r")) {
		args_refuse("%s: expected one name: MSR::PERF_CTL:FREQ", place);
		return false;
	}
	if (is_msr)
		name += sizeof(prefix) - 1;
	whole = strchr(name, '#');
	if (whole && !whole[1])
		*whole = '\0';
	if (!is_msr || geopm_find(list->registers, name, &found) < 0) {
		say_as(place, "%s%s%s: no register of that name is known", is_msr ? prefix : "",
		       name, whole && !whole[1] ? "#" : "");
		list->unknown++;
		return true;
	}
	if (list->controls && found.read_only) {
		say_as(place, "%s%s: it can't be written", prefix, name);
		list->unknown++;
		return true;
	}
	return add_entry(list, found.number, list->controls ? found.mask : 0, name);
}

static bool read_lines(struct list *list, char *text)
{
	unsigned int number = 0;
	bool good = true;

	while (good && text) {
		char *line = strsep(&text, "\n");
		char *comment = strchr(line, '#');

		number++;
		/* behind a name it stands for the whole register */
		while (comment && comment > line && !strchr(" \t", comment[-1]))
			comment = strchr(comment + 1, '#');
		if (comment)
			*comment = '\0';
		line += strspn(line, " \t\r");
		if (!*line)
			continue;
		if (!list->count && !list->unknown)
			list->is_names = *line < '0' || *line > '9';
		good = list->is_names ? read_name(list, number, line)
				      : read_numbers(list, number, line);
	}
	if (list->no_memory)
		call_fail("policy import", -ENOMEM);
	return good;
}

static void print_section(const struct call *call, const struct list *list, FILE *out)
{
	const char *section = call->given[SECTION].value;
	const char *user = call->given[USER].value;
	const char *group = call->given[GROUP].value;

	fprintf(out, "[%s]\n", section ? section : list->is_names ? "geopm" : "msr-safe");
	if (user || !group)
		fprintf(out, "user = %s\n", user ? user : "0");
	if (group)
		fprintf(out, "group = %s\n", group);
}

static void print_rules(const struct list *list, FILE *out)
{
	for (size_t i = 0; i < list->count; i++) {
		const struct entry *e = &list->entries[i];

		fprintf(out, "msr = 0x%llx %s", (unsigned long long)e->msr, e->mask ? "rw" : "r");
		if (e->mask && e->mask != UINT64_MAX)
			fprintf(out, ", mask 0x%llx", (unsigned long long)e->mask);
		if (e->names)
			fprintf(out, " # %.3000s", e->names);
		fputc('\n', out);
	}
}

/* The document: rules, unknown (how many names), and the policy as one text. */
static enum result print_policy(const struct call *call, const struct list *list)
{
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);
	struct json_object *o;
	int r = 0;

	if (!out)
		return call_fail("policy import", -ENOMEM);
	print_section(call, list, out);
	print_rules(list, out);
	fclose(out);
	if (call->settings.json) {
		o = document(&call->settings);
		put_number(o, "rules", list->count);
		put_number(o, "unknown", list->unknown);
		put_text(o, "policy", text);
		r = document_print(o);
	} else {
		fputs(text, stdout);
	}
	free(text);
	if (r < 0)
		return RESULT_FAILURE;
	return list->unknown ? RESULT_PARTIAL : RESULT_OK;
}

/* A whole list, or nothing is printed. */
static enum result import_text(const struct call *call, char *text)
{
	struct list list = { .file = call->words[0],
			     .controls = call->given[CONTROLS].count,
			     .registers = geopm_names() };
	enum result result = RESULT_FAILURE;

	if (!list.registers)
		return call_fail("policy import", -ENOMEM);
	if (read_lines(&list, text)) {
		result = list.unknown ? RESULT_NOT_FOUND : RESULT_OK;
		if (list.count)
			result = print_policy(call, &list);
		else if (!list.unknown)
			result = args_refuse("%s: there is no register in it", list.file);
	}
	for (size_t i = 0; i < list.count; i++)
		free(list.entries[i].names);
	free(list.entries);
	hws_registers_unref(list.registers);
	return result;
}

/* As docs/policy.md has it. */
static bool is_section(const char *name)
{
	size_t length =
		strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-");

	return length && length <= 64 && !name[length];
}

static enum result import(const struct call *call)
{
	const char *section = call->given[SECTION].value;
	enum result result = RESULT_FAILURE;
	char *path;
	char *text;

	if (section && !is_section(section))
		return args_refuse(
			"--section '%s': expected up to 64 letters, digits, '.', '_', '-'",
			section);
	path = path_below(&call->settings, call->words[0]);
	text = path ? read_text(path, &result) : NULL;
	if (text)
		result = import_text(call, text);
	free(text);
	free(path);
	return result;
}

const struct verb verb_policy_import = {
	.area = "policy",
	.name = "import",
	.words = "FILE",
	.help = "a section, made of an msr-safe list or of GEOPM's names",
	.options = options,
	.least = 1,
	.most = 1,
	.run = import,
};
