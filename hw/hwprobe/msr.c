/* SPDX-License-Identifier: GPL-2.0-or-later */
/* hwprobe msr rd, msr wr: -p, -a and -f as rdmsr has them. */
#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "hw/hwprobe/reach.h"
#include "hw/hwprobe/verbs.h"

enum { RD_CPUS = READ_OPTIONS, RD_ALL, RD_FIELD };
enum { WR_CPUS = WRITE_OPTIONS, WR_ALL, WR_FIELD };

#define CPU_OPTIONS(cpus, all, field)                                                  \
	[cpus] = { "processor", 'p', "CPUS", "on these: 2, 0-3,8; 0 when not given" }, \
	[all] = { "all", 'a', NULL, "on all that are online" },                        \
	[field] = { "bitfield", 'f', "HI:LO", "only these bits" }

static const struct args_option rd_options[] = {
	ARGS_READ_OPTIONS,
	CPU_OPTIONS(RD_CPUS, RD_ALL, RD_FIELD),
	{ 0 },
};
static const struct args_option wr_options[] = {
	ARGS_WRITE_OPTIONS,
	CPU_OPTIONS(WR_CPUS, WR_ALL, WR_FIELD),
	{ 0 },
};

/* REGISTER[@CPUS], the register being a number or a name. */
static bool parse(const struct reach *reach, char **words, struct target *ret_target)
{
	const char *bits = reach->bits;
	const char *at = words[0];
	char reg[SPOT_NAME];

	if (!where_part("register", &at, "@", reg, sizeof(reg)))
		return false;
	if (*at && !where_part("processors", &(const char *) { at + 1 }, "", ret_target->cpus,
			       sizeof(ret_target->cpus)))
		return false;
	if (*at && !at[1]) {
		args_refuse("'%s': expected processors behind the @, as in 0x10@0-3", words[0]);
		return false;
	}
	if (isalpha((unsigned char)reg[0])) {
		strcpy(ret_target->name, reg);
		return !bits || where_bits(bits, &ret_target->where);
	}
	if (!where_take("register", reg, UINT32_MAX, &ret_target->where))
		return false;
	if (bits && ret_target->where.mask) {
		args_refuse("'%s': bits, and -f %s: give one of the two", words[0], bits);
		return false;
	}
	if (bits && !where_bits(bits, &ret_target->where))
		return false;
	if (ret_target->where.width) {
		args_refuse("'%s': these registers have 64 bits", words[0]);
		return false;
	}
	ret_target->where.width = sizeof(uint64_t);
	return true;
}

static void close_msr(void *msr)
{
	hws_msr_close(msr);
}

/* The registers on each processor of the handle. */
static enum result spread(struct reach *reach, struct hws_msr *msr, const struct where *where,
			  const char *name, const struct spot *of)
{
	size_t spots = reach->spots.count;
	char prefix[16];
	uint32_t cpu;

	for (uint32_t from = 0; hws_msr_next_cpu(msr, from, &cpu) == 0; from = cpu + 1) {
		enum result result;

		snprintf(prefix, sizeof(prefix), "cpu%u ", cpu);
		result = reach_spread(reach, where, hws_in_msr(msr, cpu, (uint32_t)where->first),
				      prefix);
		if (result != RESULT_OK)
			return result;
	}
	for (; *name && spots < reach->spots.count; spots++) {
		struct spot *spot = &reach->spots.at[spots];
		struct hws_place place = spot->place;

		*spot = *of;
		spot->place = place;
		snprintf(spot->name, sizeof(spot->name), "cpu%u %.60s", place.cpu, name);
	}
	return RESULT_OK;
}

static void unref(void *registers)
{
	hws_registers_unref(registers);
}

static enum result find_name(struct reach *reach, const struct target *target, struct where *where,
			     struct spot *spot, struct hws_registers **ret_registers)
{
	struct hws_registers *registers;
	struct hws_register reg;
	enum result result;
	int r = hws_registers_load(reach->hw, "msr", &registers);

	if (r < 0)
		return call_fail(target->name, r);
	if (!reach_keep(reach, registers, unref))
		return RESULT_FAILURE;
	*ret_registers = registers;
	result = reach_name(registers, target->name, spot, &reg);
	if (result != RESULT_OK)
		return result;
	if (where->mask && spot->mask)
		return args_refuse("%s: a field has bits of its own: leave out -f", target->name);
	if (where->mask) {
		spot->mask = where->mask;
		spot->low = where->low;
	}
	where->first = where->last = reg.offset;
	return RESULT_OK;
}

/* From here on a register that is read-only can't be written. */
static int describe(struct hws_msr *msr, struct hws_registers *known)
{
	struct hws_bank *bank;
	uint32_t cpu;
	int r = 0;

	for (uint32_t from = 0; r == 0 && hws_msr_next_cpu(msr, from, &cpu) == 0; from = cpu + 1)
		r = hws_msr_describe(msr, cpu, known, &bank);
	return r;
}

static enum result open_msr(struct reach *reach, const struct target *target, uint32_t rights)
{
	const char *cpus = target->cpus[0] ? target->cpus : reach->cpus ? reach->cpus : "0";
	struct where where = target->where;
	struct hws_registers *known = NULL;
	enum result result = RESULT_OK;
	struct spot spot = { 0 };
	struct hws_msr *msr;
	int r;

	if (target->name[0])
		result = find_name(reach, target, &where, &spot, &known);
	if (result != RESULT_OK)
		return result;
	r = hws_msr_open(reach->hw, cpus, (uint32_t)where.first, (uint32_t)where.last, rights,
			 &msr);
	if (r < 0)
		return call_fail("msr", r);
	if (!reach_keep(reach, msr, close_msr))
		return RESULT_FAILURE;
	r = target->name[0] ? describe(msr, known) : 0;
	if (r < 0)
		return call_fail(target->name, r);
	where.width = 1; /* counted, not measured */
	return spread(reach, msr, &where, target->name, &spot);
}

const struct reach_kind reach_msr = { "msr", 1, parse, open_msr };

static const char *cpus_of(const struct call *call, int cpus, int all)
{
	return call->given[all].count ? "all" : call->given[cpus].value;
}

static enum result msr_rd(const struct call *call)
{
	struct reach reach = { .call = call,
			       .cpus = cpus_of(call, RD_CPUS, RD_ALL),
			       .bits = call->given[RD_FIELD].value,
			       .spots.named = true };

	return reach_read(&reach, &reach_msr);
}

static enum result msr_wr(const struct call *call)
{
	struct reach reach = { .call = call,
			       .cpus = cpus_of(call, WR_CPUS, WR_ALL),
			       .bits = call->given[WR_FIELD].value };

	return reach_write(&reach, &reach_msr);
}

const struct verb verb_msr_rd = {
	.area = "msr",
	.name = "rd",
	.words = "REGISTER[@CPUS]...",
	.help = "read: 0x10, 0x198-0x19c, 0x610:14:0, or a name",
	.options = rd_options,
	.least = 1,
	.most = ARGS_ANY,
	.run = msr_rd,
};

const struct verb verb_msr_wr = {
	.area = "msr",
	.name = "wr",
	.words = "REGISTER VALUE[:MASK] | REGISTER=VALUE...",
	.help = "write model-specific registers",
	.options = wr_options,
	.least = 1,
	.most = ARGS_ANY,
	.run = msr_wr,
};
