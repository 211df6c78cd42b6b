/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * As rdmsr and wrmsr of msr-tools. Not as they: garbage is no number, -d is
 * right for negative numbers, and --cpu says which processor a line is of.
 */
#include <errno.h>
#include <getopt.h>
#include <stdlib.h>
#include <string.h>

#include "hw/hwprobe/args.h"
#include "hw/hwprobe/personality.h"

/* What they end with; whatever else goes wrong is OTHER. */
enum { NO_CPU = 2, NO_MSR = 3, NO_SUCH_MSR = 4, OTHER = 127 };
enum { CPUS = 255, BITS = 64, DIGITS = 24 };

static const char lower_digits[] = "0123456789abcdef";
static const char upper_digits[] = "0123456789ABCDEF";

static const struct style {
	char letter;
	bool has_sign;
	unsigned int base;
	const char *digits;
	const char *c_prefix; /* as a constant of C; NULL: raw bytes */
	const char *c_suffix;
} styles[] = {
	{ 'x', false, 16, lower_digits, "0x", "" }, { 'X', false, 16, upper_digits, "0x", "" },
	{ 'd', true, 10, lower_digits, "", "" },    { 'u', false, 10, lower_digits, "", "U" },
	{ 'o', false, 8, lower_digits, "0", "" },   { 'r', false, 0, NULL, NULL, NULL },
};

static const struct option rd_options[] = {
	{ "help", no_argument, NULL, 'h' },
	{ "version", no_argument, NULL, 'V' },
	{ "hexadecimal", no_argument, NULL, 'x' },
	{ "capital-hex", no_argument, NULL, 'X' },
	{ "decimal", no_argument, NULL, 'd' },
	{ "unsigned", no_argument, NULL, 'u' },
	{ "octal", no_argument, NULL, 'o' },
	{ "raw", no_argument, NULL, 'r' },
	{ "c-language", no_argument, NULL, 'c' },
	{ "zero-pad", no_argument, NULL, '0' },
	{ "all", no_argument, NULL, 'a' },
	{ "processor", required_argument, NULL, 'p' },
	{ "bitfield", required_argument, NULL, 'f' },
	{ "cpu", no_argument, NULL, 'C' },
	{ 0 },
};
static const struct option wr_options[] = {
	{ "help", no_argument, NULL, 'h' },
	{ "version", no_argument, NULL, 'V' },
	{ "all", no_argument, NULL, 'a' },
	{ "processor", required_argument, NULL, 'p' },
	{ 0 },
};

/* What was asked for. */
struct wish {
	const char *name;
	const char *cpus;
	char cpu[8];
	unsigned int high;
	unsigned int low;
	const struct style *style;
	bool c;
	bool fill;
	bool names_cpu;
	bool ends; /* --help and --version */
};

static int usage(const char *name, FILE *out)
{
	bool reads = name[0] == 'r';

	fprintf(out, "Usage: %s [options] regno%s\n", name, reads ? "" : " value...");
	fputs("  -p, --processor N   on processor N; 0 when not given\n"
	      "  -a, --all           on all processors\n",
	      out);
	if (reads)
		fputs("  -f, --bitfield H:L  only bits H to L\n"
		      "  -x, -X, -d, -u, -o  hexadecimal, in capitals, decimal, unsigned, octal\n"
		      "  -r, --raw           its bytes\n"
		      "  -c, --c-language    as a constant of C\n"
		      "  -0, --zero-pad      with leading zeros\n"
		      "      --cpu           the processor's number before each value\n",
		      out);
	fputs("  -h, --help, -V, --version\n", out);
	return OTHER;
}

/* Number up to the next colon or the end; moves *@at behind it. */
static bool take_bit(const char **at, unsigned int *ret_bit)
{
	char text[8] = "";
	size_t length = strcspn(*at, ":");
	uint64_t bit;

	if (length >= sizeof(text))
		return false;
	memcpy(text, *at, length);
	*at += length;
	if (!args_c_number(text, BITS - 1, &bit))
		return false;
	*ret_bit = (unsigned int)bit;
	return true;
}

static bool take_bits(struct wish *wish, const char *text)
{
	return take_bit(&text, &wish->high) && *text++ == ':' && take_bit(&text, &wish->low) &&
	       !*text && wish->low <= wish->high;
}

static bool take_cpu(struct wish *wish, const char *text)
{
	uint64_t cpu;

	if (!args_c_number(text, CPUS, &cpu))
		return false;
	snprintf(wish->cpu, sizeof(wish->cpu), "%u", (unsigned int)cpu);
	wish->cpus = wish->cpu;
	return true;
}

static bool take_option(struct wish *wish, int letter)
{
	switch (letter) {
	case 'h':
		usage(wish->name, stdout);
		return wish->ends = true;
	case 'V':
		printf("%s: version hwprobe-%s\n", wish->name, hws_version());
		return wish->ends = true;
	case 'a':
		wish->cpus = "all";
		return true;
	case 'p':
		return take_cpu(wish, optarg);
	case 'f':
		return take_bits(wish, optarg);
	case 'c':
		return wish->c = true;
	case '0':
		return wish->fill = true;
	case 'C':
		return wish->names_cpu = true;
	default:
		break;
	}
	for (size_t i = 0; i < COUNT(styles); i++)
		if (styles[i].letter == letter) {
			wish->style = &styles[i];
			return true;
		}
	return false;
}

/* False: it was told what is wrong. */
static bool take_options(int argc, char **argv, const char *letters, const struct option *longs,
			 struct wish *wish)
{
	int letter;

	*wish = (struct wish) {
		.name = argv[0], .cpus = "0", .high = BITS - 1, .style = &styles[0]
	};
	optind = 0; /* anew, with all of getopt's state */
	opterr = 1;
	while ((letter = getopt_long(argc, argv, letters, longs, NULL)) != -1)
		if (!take_option(wish, letter)) {
			if (letter != '?')
				say_as(argv[0], "'%s' is no value for -%c", optarg, letter);
			return false;
		}
	return true;
}

static bool take_register(const char *name, const char *word, uint64_t *ret_register)
{
	if (args_c_number(word, UINT32_MAX, ret_register))
		return true;
	say_as(name, "'%s' is no register: expected 0 to 0xffffffff", word);
	return false;
}

/* The digits at the end of @text, at least so many; gives where they begin. */
static const char *digits_of(uint64_t value, const struct style *style, unsigned int least,
			     char text[DIGITS])
{
	char *at = text + DIGITS - 1;
	const char *full = at - least;

	*at = '\0';
	do {
		*--at = style->digits[value % style->base];
		value /= style->base;
	} while (value || at > full);
	return at;
}

static void print_value(const struct wish *wish, uint64_t value)
{
	const struct style *style = wish->style;
	unsigned int bits = wish->high - wish->low + 1;
	uint64_t max = UINT64_MAX >> (BITS - bits);
	bool negative = style->has_sign && value >> (bits - 1);
	bool fill = wish->fill && !(wish->c && style->base == 10);
	unsigned int least = 1;
	char text[DIGITS];

	if (!style->base) {
		fwrite(&value, sizeof(value), 1, stdout);
		return;
	}
	/* a sign has a place of its own */
	if (fill)
		least = (unsigned int)strlen(digits_of(max >> style->has_sign, style, 1, text)) +
			(style->has_sign && !negative);
	if (negative)
		value = max - value + 1;
	printf("%s%s%s%s\n", negative ? "-" : "", wish->c ? style->c_prefix : "",
	       digits_of(value, style, least, text), wish->c ? style->c_suffix : "");
}

/* As they end, when the access gave @code; told in their words, or else in ours. */
static int fail(const struct wish *wish, uint32_t cpu, int code, const char *what)
{
	switch (code) {
	case -ENODEV:
		say_as(wish->name, "No CPU %u: %s", cpu, hws_why());
		return NO_CPU;
	case -EOPNOTSUPP:
		say_as(wish->name, "CPU %u doesn't support MSRs", cpu);
		return NO_MSR;
	case -EIO:
		say_as(wish->name, "CPU %u cannot %s", cpu, what);
		return NO_SUCH_MSR;
	default:
		say_as(wish->name, "%s", *hws_why() ? hws_why() : strerror(-code));
		return OTHER;
	}
}

static int open_msr(const struct settings *settings, const struct wish *wish, uint64_t reg,
		    uint32_t rights, struct hws **ret_hw, struct hws_msr **ret_msr)
{
	struct call call = { .settings = *settings };
	int r;

	if (call_open(&call, ret_hw) != RESULT_OK)
		return OTHER;
	r = hws_msr_open(*ret_hw, wish->cpus, (uint32_t)reg, (uint32_t)reg, rights, ret_msr);
	return r < 0 ? fail(wish, 0, r, "open them") : 0;
}

static int read_all(const struct wish *wish, struct hws_msr *msr, uint32_t reg)
{
	char what[40];
	uint64_t value;
	uint32_t cpu;

	snprintf(what, sizeof(what), "read MSR 0x%08x", reg);
	for (uint32_t from = 0; hws_msr_next_cpu(msr, from, &cpu) == 0; from = cpu + 1) {
		int r = hws_msr_read(msr, cpu, reg, &value);

		if (r < 0)
			return fail(wish, cpu, r, what);
		if (wish->names_cpu)
			printf("%u ", cpu);
		print_value(wish, value << (BITS - 1 - wish->high) >>
					  (BITS - 1 - wish->high + wish->low));
	}
	return 0;
}

int rdmsr_main(const struct settings *settings, int argc, char **argv)
{
	struct hws_msr *msr = NULL;
	struct hws *hw = NULL;
	struct wish wish;
	uint64_t reg;
	int end;

	if (!take_options(argc, argv, "hVxXduorc0ap:f:", rd_options, &wish) ||
	    (!wish.ends && optind != argc - 1))
		return usage(argv[0], stderr);
	if (wish.ends)
		return 0;
	if (!take_register(wish.name, argv[optind], &reg))
		return OTHER;
	end = open_msr(settings, &wish, reg, HWS_R, &hw, &msr);
	if (end == 0)
		end = read_all(&wish, msr, (uint32_t)reg);
	hws_msr_close(msr);
	hws_close(hw);
	return end;
}

static int write_all(const struct wish *wish, struct hws_msr *msr, uint32_t reg,
		     const uint64_t *values, int count)
{
	char what[64];
	uint32_t cpu;

	for (uint32_t from = 0; hws_msr_next_cpu(msr, from, &cpu) == 0; from = cpu + 1)
		for (int i = 0; i < count; i++) {
			int r = hws_msr_write(msr, cpu, reg, values[i]);

			snprintf(what, sizeof(what), "set MSR 0x%08x to 0x%016llx", reg,
				 (unsigned long long)values[i]);
			if (r < 0)
				return fail(wish, cpu, r, what);
		}
	return 0;
}

/* All of them before the first is written; NULL: it was told. */
static uint64_t *take_values(const char *name, char **words, int count)
{
	uint64_t *values = calloc((size_t)count, sizeof(*values));

	for (int i = 0; values && i < count; i++)
		if (!args_c_number(words[i], UINT64_MAX, &values[i])) {
			say_as(name, "'%s' is no value: expected 0 to 0x%llx", words[i],
			       (unsigned long long)UINT64_MAX);
			free(values);
			return NULL;
		}
	return values;
}

int wrmsr_main(const struct settings *settings, int argc, char **argv)
{
	struct hws_msr *msr = NULL;
	struct hws *hw = NULL;
	uint64_t *values;
	struct wish wish;
	uint64_t reg;
	int end = OTHER;

	if (!take_options(argc, argv, "hVap:", wr_options, &wish) ||
	    (!wish.ends && optind > argc - 2))
		return usage(argv[0], stderr);
	if (wish.ends)
		return 0;
	if (!take_register(wish.name, argv[optind], &reg))
		return OTHER;
	values = take_values(wish.name, argv + optind + 1, argc - optind - 1);
	if (values)
		end = open_msr(settings, &wish, reg, HWS_W, &hw, &msr);
	if (end == 0)
		end = write_all(&wish, msr, (uint32_t)reg, values, argc - optind - 1);
	hws_msr_close(msr);
	hws_close(hw);
	free(values);
	return end;
}
