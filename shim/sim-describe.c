/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The statements of a description: what each may say; what those of the processors make. */
#include <errno.h>
#include <string.h>

#include "shim/sim-parse-internal.h"

#define EXPECT_BITS32 "a number of up to 32 bits"

void sim_copy(char *target, const struct text_value *value)
{
	if (value->word)
		memcpy(target, value->word->text, value->word->length);
}

/* cpu count N [vendor TEXT] [model TEXT] [signature N] */
enum { CPU_COUNT, CPU_VENDOR, CPU_MODEL, CPU_SIGNATURE, CPU_ARCH };
static const char *const arches[] = { "x86_64", "aarch64", NULL };
static const struct text_field cpu_fields[] = {
	[CPU_COUNT] = { "count", word_number, "a count from 1 to 64", 1, SIM_CPUS, .must = true },
	[CPU_VENDOR] = { "vendor", word_string, "at most 15 characters", 0, 15 },
	[CPU_MODEL] = { "model", word_string, "at most 63 characters", 0, 63 },
	[CPU_SIGNATURE] = { "signature", word_number, "a number", 0, UINT64_MAX },
	[CPU_ARCH] = { "arch", word_choice, "x86_64 or aarch64", .choices = arches },
};

static void apply_cpu(struct text_parser *text, const struct text_value *values)
{
	struct sim_parser *parser = (struct sim_parser *)text;
	struct hws_cpu *cpu = &parser->sim->cpu;

	if (parser->cpu_given) {
		text_error(&parser->text, &parser->text.words[0], "one cpu, before any msr");
		return;
	}
	parser->cpu_given = true;
	cpu->cpus = (uint32_t)values[CPU_COUNT].number;
	cpu->id = values[CPU_SIGNATURE].number;
	cpu->arch = values[CPU_ARCH].number ? HWS_ARCH_AARCH64 : HWS_ARCH_X86_64;
	sim_copy(cpu->vendor, &values[CPU_VENDOR]);
	sim_copy(cpu->model, &values[CPU_MODEL]);
}

/* cpuid LEAF SUBLEAF|any EAX EBX ECX EDX */
enum { CPUID_LEAF, CPUID_SUBLEAF, CPUID_EAX };
static const struct text_field cpuid_fields[] = {
	[CPUID_LEAF] = { NULL, word_number, EXPECT_BITS32, 0, UINT32_MAX },
	[CPUID_SUBLEAF] = { NULL, sim_subleaf, "a number of up to 32 bits or any", 0, UINT32_MAX },
	[CPUID_EAX] = { NULL, word_number, EXPECT_BITS32, 0, UINT32_MAX },
	{ NULL, word_number, EXPECT_BITS32, 0, UINT32_MAX },
	{ NULL, word_number, EXPECT_BITS32, 0, UINT32_MAX },
	{ NULL, word_number, EXPECT_BITS32, 0, UINT32_MAX },
};

static void apply_cpuid(struct text_parser *text, const struct text_value *values)
{
	struct sim_parser *parser = (struct sim_parser *)text;
	struct sim *sim = parser->sim;
	uint32_t number = (uint32_t)values[CPUID_LEAF].number;
	bool any = values[CPUID_SUBLEAF].number == UINT64_MAX;
	uint32_t subleaf = any ? 0 : (uint32_t)values[CPUID_SUBLEAF].number;
	struct sim_leaf *leaf = sim->leaves;

	while (leaf && (leaf->leaf != number || !(any || leaf->any || leaf->subleaf == subleaf)))
		leaf = leaf->next;
	if (leaf) {
		text_error(&parser->text, values[CPUID_LEAF].word, TEXT_EXPECT_NO_OVERLAP);
		return;
	}
	leaf = text_allocate(&parser->text, sizeof(*leaf));
	if (!leaf)
		return;
	*leaf = (struct sim_leaf) {
		.next = sim->leaves, .leaf = number, .subleaf = subleaf, .any = any
	};
	for (uint32_t i = 0; i < 4; i++)
		leaf->registers[i] = (uint32_t)values[CPUID_EAX + i].number;
	sim->leaves = leaf;
}

/* clock TIME|real */
static const struct text_field clock_fields[] = {
	{ NULL, sim_time, "a time as 2024-02-29T12:34:56, or real" },
};

static void apply_clock(struct text_parser *text, const struct text_value *values)
{
	struct sim_parser *parser = (struct sim_parser *)text;
	if (parser->clock_given) {
		text_error(&parser->text, &parser->text.words[0], "one clock");
		return;
	}
	parser->clock_given = true;
	parser->sim->clock_fixed = !values[0].second;
	parser->sim->clock = (int64_t)values[0].number;
}

/* Reports and gives false when a value needs more than @width bytes. */
static bool values_fit(struct sim_parser *parser, const struct text_value *values, uint32_t width)
{
	for (uint32_t i = SIM_REG_VALUE; i < SIM_REG_FIELDS; i++) {
		if (values[i].word && values[i].number > shim_ones(width)) {
			text_error(&parser->text, values[i].word,
				   "no more than 0x%llx, for %u bytes",
				   (unsigned long long)shim_ones(width), width);
			return false;
		}
	}
	return true;
}

struct sim_register *sim_make_register(struct sim_parser *parser, const struct text_value *values,
				       enum sim_attribute attribute, uint32_t width)
{
	struct sim_register *reg;

	if (values[SIM_REG_STEP].word && attribute != SIM_COUNTER) {
		text_error(&parser->text, values[SIM_REG_STEP].word - 1, "it only for a counter");
		return NULL;
	}
	if (!values_fit(parser, values, width))
		return NULL;
	reg = text_allocate(&parser->text, sizeof(*reg));
	if (!reg)
		return NULL;
	reg->offset = values[SIM_REG_AT].number;
	reg->width = width;
	reg->attribute = attribute;
	reg->value = values[SIM_REG_VALUE].number;
	reg->initial = reg->value;
	reg->mask = values[SIM_REG_MASK].word ? values[SIM_REG_MASK].number : shim_ones(width);
	reg->step = values[SIM_REG_STEP].word ? values[SIM_REG_STEP].number : 1;
	return reg;
}

void sim_add_register(struct sim_space *space, struct sim_register *reg)
{
	reg->next = space->registers;
	space->registers = reg;
}

/* msr NUMBER ATTRIBUTE [value N] [mask N] [step N] [cpus LIST] */
enum { MSR_ATTRIBUTE = SIM_REG_FIELDS, MSR_CPUS };
static const char *const msr_attributes[] = { "ro", "wo", "rw", "w1c", "rclr", "counter", NULL };
static const struct text_field msr_fields[] = {
	[SIM_REG_AT] = { NULL, word_number, EXPECT_BITS32, 0, UINT32_MAX },
	SIM_REGISTER_FIELDS,
	[MSR_ATTRIBUTE] = { NULL, word_choice, "one of ro, wo, rw, w1c, rclr, counter",
			    .choices = msr_attributes },
	[MSR_CPUS] = { "cpus", sim_cpus, "all, or a list such as 0-3,5" },
};

static void apply_msr(struct text_parser *text, const struct text_value *values)
{
	struct sim_parser *parser = (struct sim_parser *)text;
	struct sim *sim = parser->sim;
	bool all = !values[MSR_CPUS].word || values[MSR_CPUS].second;
	uint64_t cpus = all ? UINT64_MAX >> (SIM_CPUS - sim->cpu.cpus) : values[MSR_CPUS].number;

	parser->cpu_given = true; /* their number is settled */
	if (cpus >> (sim->cpu.cpus - 1) > 1) {
		text_error(&parser->text, values[MSR_CPUS].word, "processors below %u",
			   sim->cpu.cpus);
		return;
	}
	for (uint32_t cpu = 0; cpu < sim->cpu.cpus && !parser->text.line_failed; cpu++) {
		struct sim_register *reg;

		if (!(cpus >> cpu & 1))
			continue;
		if (sim_msr_find(sim, cpu, values[SIM_REG_AT].number)) {
			text_error(&parser->text, values[SIM_REG_AT].word, TEXT_EXPECT_NO_OVERLAP);
			return;
		}
		reg = sim_make_register(parser, values,
					(enum sim_attribute)values[MSR_ATTRIBUTE].number, 8);
		if (!reg)
			return;
		sim_add_register(&sim->msrs[cpu], reg);
	}
}

const struct text_statement sim_says_cpu = { "cpu",    0,	   0,
					     NULL,     cpu_fields, TEXT_COUNT(cpu_fields),
					     apply_cpu };
const struct text_statement sim_says_cpuid = {
	"cpuid", 0, 0, NULL, cpuid_fields, TEXT_COUNT(cpuid_fields), apply_cpuid
};
const struct text_statement sim_says_clock = {
	"clock", 0, 0, NULL, clock_fields, TEXT_COUNT(clock_fields), apply_clock
};
const struct text_statement sim_says_msr = { "msr",    0,	   0,
					     NULL,     msr_fields, TEXT_COUNT(msr_fields),
					     apply_msr };
