/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * An access in words: "msr write 0x610", "msr write IA32_PERF_CTL.Ratio",
 * "bar rw 00:03.0 0 0x10-0x1f", "mem rd 00:03.0:0+0x10".
 */
#include <stdlib.h>
#include <string.h>

#include "hw/hwprobe/policy.h"

/* What stands behind the rights. */
enum operand {
	HAS_DEVICE = 1,
	HAS_BAR = 2,
	HAS_NUMBERS = 4,
	MAY_NUMBERS = 8, /* all of them without */
	HAS_PATH = 16,
	MAY_SIZE = 32,
};

static const struct {
	uint32_t operands;
	const char *usage;
	const char *what; /* a number is of them */
	uint64_t max;	  /* of the numbers */
} forms[HWS_KINDS] = {
	[HWS_KIND_PORT] = { HAS_NUMBERS, "PORTS", "ports", 0xffff },
	[HWS_KIND_MSR] = { HAS_NUMBERS, "REGISTERS", "registers", UINT32_MAX },
	[HWS_KIND_PCI] = { HAS_DEVICE | MAY_NUMBERS, "DEVICE [OFFSETS]", "offsets", 0xfff },
	[HWS_KIND_BAR] = { HAS_DEVICE | HAS_BAR | MAY_NUMBERS, "DEVICE BAR [OFFSETS]", "offsets",
			   UINT64_MAX },
	[HWS_KIND_DMA] = { HAS_DEVICE | MAY_SIZE, "DEVICE [BYTES]", "bytes", UINT64_MAX },
	[HWS_KIND_IRQ] = { HAS_DEVICE | MAY_NUMBERS, "DEVICE [VECTORS]", "vectors", 2047 },
	[HWS_KIND_RING] = { HAS_PATH | MAY_SIZE, "PATH [BYTES]", "bytes", UINT64_MAX },
	[HWS_KIND_CPUID] = { HAS_NUMBERS, "LEAVES", "leaves", UINT32_MAX },
	[HWS_KIND_PLUGIN] = { HAS_PATH, "PATH", "", 0 },
};

static const struct {
	const char *word;
	uint32_t rights;
} words[] = {
	{ "r", HWS_R },
	{ "read", HWS_R },
	{ "w", HWS_W },
	{ "write", HWS_W },
	{ "rw", HWS_RW },
	/* as hwprobe's verbs are called */
	{ "rd", HWS_R },
	{ "in", HWS_R },
	{ "get", HWS_R },
	{ "wr", HWS_W },
	{ "out", HWS_W },
	{ "set", HWS_W },
	{ "side", HWS_SIDE },
	{ "claimed", HWS_CLAIMED },
	{ "danger", HWS_DANGER },
};

static bool read_kind(const char *text, enum hws_kind *ret_kind)
{
	const char *names[HWS_KINDS];

	/* as hwprobe's areas are called */
	text = !strcmp(text, "io") ? "port" : !strcmp(text, "mem") ? "bar" : text;
	for (enum hws_kind kind = 0; kind < HWS_KINDS; kind++) {
		names[kind] = hws_kind_name(kind);
		if (!strcmp(names[kind], text)) {
			*ret_kind = kind;
			return true;
		}
	}
	args_refuse_unknown("kind of access", text, "", names, HWS_KINDS);
	return false;
}

/* Words with commas between. */
static bool read_rights(const char *text, uint32_t *rights)
{
	for (const char *at = text;; at++) {
		size_t length = strcspn(at, ",");
		size_t i = 0;

		while (i < COUNT(words) &&
		       (strlen(words[i].word) != length || memcmp(words[i].word, at, length) != 0))
			i++;
		if (i == COUNT(words)) {
			args_refuse("'%s' are no rights: r, w, rw, side, claimed, danger, "
				    "with commas between",
				    text);
			return false;
		}
		*rights |= words[i].rights;
		at += length;
		if (!*at)
			return true;
	}
}

/* 5, 0x10-0x1f, 0x10+16; @text is cut in two. */
static bool cut_numbers(char *text, uint64_t max, struct hws_access *access)
{
	const char *what = forms[access->kind].what;
	char *sign = strpbrk(text, "-+");
	bool is_length = sign && *sign == '+';
	uint64_t second = 0;

	if (sign)
		*sign++ = '\0';
	if (!args_number(what, text, max, &access->first) ||
	    (sign && !args_number(what, sign, max, &second)))
		return false;
	access->last = sign ? second : access->first;
	if (is_length)
		access->last += access->first - 1;
	if (access->last >= access->first && access->last <= max && (!is_length || second))
		return true;
	args_refuse("%s '%s%c%s': expected a first and a last one, or a first one and how many, "
		    "up to 0x%llx",
		    what, text, is_length ? '+' : '-', sign, (unsigned long long)max);
	return false;
}

static bool read_numbers(const char *text, uint64_t max, struct hws_access *access)
{
	char *copy = strdup(text);
	bool good = copy && cut_numbers(copy, max, access);

	free(copy);
	return good;
}

/* A number of the function, from sysfs; false when it can't be read. */
static bool read_fact(const struct settings *settings, const char *bdf, const char *fact,
		      uint64_t *ret_number)
{
	char path[128];
	char line[32] = "";
	FILE *file;

	snprintf(path, sizeof(path), "/sys/bus/pci/devices/%s/%s", bdf, fact);
	file = open_below(settings, path);
	if (!file)
		return false;
	if (!fgets(line, sizeof(line), file))
		line[0] = '\0';
	fclose(file);
	line[strcspn(line, "\n")] = '\0';
	return args_number(path, line, UINT32_MAX, ret_number);
}

static enum result refuse_function(const char *bdf)
{
	say("%s: no such PCI function here; hwprobe pci ls lists them", bdf);
	return RESULT_NOT_FOUND;
}

/* A function of this machine by its address, or any by vendor:device. */
static enum result read_device(const struct settings *settings, const char *text,
			       struct hws_access *access)
{
	char bdf[HWS_BDF_TEXT];
	uint64_t vendor;
	uint64_t device;
	uint64_t class_code;
	unsigned int v;
	unsigned int d;
	int n = 0;

	if (sscanf(text, "%4x:%4x%n", &v, &d, &n) == 2 && n == 9 && !text[n] &&
	    strspn(text, "0123456789abcdefABCDEF:") == 9) {
		access->vendor = (uint16_t)v;
		access->device = (uint16_t)d;
		return RESULT_OK;
	}
	if (hws_bdf_parse(text, &access->bdf) < 0)
		return args_refuse("'%s' is no device: 0000:00:03.0, or 1234:11e8", text);
	hws_bdf_format(access->bdf, bdf);
	if (!read_fact(settings, bdf, "vendor", &vendor) ||
	    !read_fact(settings, bdf, "device", &device) ||
	    !read_fact(settings, bdf, "class", &class_code))
		return refuse_function(bdf);
	access->vendor = (uint16_t)vendor;
	access->device = (uint16_t)device;
	access->class_code = (uint32_t)class_code & 0xffffff;
	return RESULT_OK;
}

static enum result refuse_form(enum hws_kind kind)
{
	return args_refuse("policy explain %s RIGHTS needs: %s", hws_kind_name(kind),
			   forms[kind].usage);
}

/* How much of it: numbers, bytes, or all. */
static enum result read_extent(const char *text, struct hws_access *a)
{
	uint32_t operands = forms[a->kind].operands;
	uint64_t bytes;

	if (!text && operands & HAS_NUMBERS)
		return refuse_form(a->kind);
	if (operands & MAY_SIZE && text) {
		if (!args_number("bytes", text, UINT64_MAX, &bytes))
			return RESULT_USAGE;
		a->last = bytes ? bytes - 1 : 0;
	} else if (text && policy_is_name(text)) {
		return policy_name(text, a);
	} else if (text) {
		return read_numbers(text, forms[a->kind].max, a) ? RESULT_OK : RESULT_USAGE;
	} else if (operands & MAY_NUMBERS) {
		a->last = forms[a->kind].max;
	}
	return RESULT_OK;
}

/* What stands behind the rights; argv ends with NULL. */
static enum result read_operands(const struct settings *settings, char **argv, struct hws_access *a)
{
	uint32_t operands = forms[a->kind].operands;
	enum result result = RESULT_OK;
	uint64_t bar = 0;

	if (operands & HAS_PATH)
		a->path = *argv++;
	if (operands & HAS_DEVICE)
		result = read_device(settings, *argv++, a);
	if (!result && operands & HAS_BAR) {
		if (!*argv)
			return refuse_form(a->kind);
		if (!args_number("BAR", *argv++, 5, &bar))
			return RESULT_USAGE;
		a->bar = (uint32_t)bar;
	}
	if (!result && *argv && (argv[1] || a->kind == HWS_KIND_PLUGIN))
		return refuse_form(a->kind);
	return result ? result : read_extent(*argv, a);
}

/* The same with a BAR's address in one word: a single access there, as wide as is told. */
static enum result read_bar_word(const struct call *call, struct hws_access *a)
{
	char *word = strdup(call->words[2]);
	char *parts[4] = { word };
	enum result result = RESULT_FAILURE;

	if (word && (a->kind != HWS_KIND_BAR || call->count > 3 ||
		     !policy_cut_bar(word, &parts[1], &parts[2])))
		result = read_operands(&call->settings, call->words + 2, a);
	else if (word)
		result = read_operands(&call->settings, parts, a);
	if (result == RESULT_OK && word && parts[2] && a->first == a->last) {
		a->width = 4;
		if (call->given[ACCESS_WIDTH].value)
			a->width = (uint32_t)strtoul(call->given[ACCESS_WIDTH].value, NULL, 0);
		a->last += a->width - (a->width > 0);
	}
	free(word);
	return result;
}

static enum result read_options(const struct call *call, struct hws_access *a)
{
	uint64_t width = 0;
	uint64_t cpu = 0;

	if ((call->given[ACCESS_WIDTH].value &&
	     !args_number("--width", call->given[ACCESS_WIDTH].value, 8, &width)) ||
	    (call->given[ACCESS_CPU].value &&
	     !args_number("--cpu", call->given[ACCESS_CPU].value, 0xffff, &cpu)) ||
	    (call->given[ACCESS_VALUE].value &&
	     !args_number("--value", call->given[ACCESS_VALUE].value, UINT64_MAX, &a->value)) ||
	    (call->given[ACCESS_OLD].value &&
	     !args_number("--old", call->given[ACCESS_OLD].value, UINT64_MAX, &a->old)))
		return RESULT_USAGE;
	if (call->given[ACCESS_WIDTH].value)
		a->width = (uint32_t)width;
	a->cpu = (uint32_t)cpu;
	a->has |= (call->given[ACCESS_VALUE].value ? HWS_HAS_VALUE : 0u) |
		  (call->given[ACCESS_OLD].value ? HWS_HAS_OLD : 0u);
	return RESULT_OK;
}

enum result policy_access(const struct call *call, struct hws_access *ret_access)
{
	enum result result;

	if (!read_kind(call->words[0], &ret_access->kind) ||
	    !read_rights(call->words[1], &ret_access->rights))
		return RESULT_USAGE;
	result = read_bar_word(call, ret_access);
	return result ? result : read_options(call, ret_access);
}
