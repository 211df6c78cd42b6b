/* SPDX-License-Identifier: GPL-2.0-or-later */
/* hwprobe mem rd, mem wr: device memory, by BDF:BAR+OFFSET or a register's name. */
#include <ctype.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "hw/hwprobe/reach.h"
#include "hw/hwprobe/verbs.h"

enum { RD_WIDTH = READ_OPTIONS };
enum { WR_WIDTH = WRITE_OPTIONS };

static const struct args_option rd_options[] = {
	ARGS_READ_OPTIONS, [RD_WIDTH] = REACH_MEM_WIDTH, { 0 }
};
static const struct args_option wr_options[] = {
	ARGS_WRITE_OPTIONS, [WR_WIDTH] = REACH_MEM_WIDTH, { 0 }
};

static bool refuse_address(const char *text)
{
	args_refuse("address '%s': expected BDF:BAR+OFFSET or BDF:REGISTER, as in 00:03.0:0+0x10",
		    text);
	return false;
}

/* BDF, up to the colon behind its function's number; moves *@at behind the colon. */
static bool take_bdf(const char **at, char bdf[HWS_BDF_TEXT])
{
	const char *dot = strchr(*at, '.');
	const char *colon = dot ? strchr(dot, ':') : NULL;
	struct hws_bdf parsed;

	if (!colon || colon - *at >= HWS_BDF_TEXT)
		return false;
	memcpy(bdf, *at, (size_t)(colon - *at));
	bdf[colon - *at] = '\0';
	*at = colon + 1;
	return hws_bdf_parse(bdf, &parsed) == 0;
}

/* BDF:BAR[+WHERE] or BDF:NAME[.FIELD] */
static bool parse(const struct reach *reach, char **words, struct target *ret_target)
{
	struct where *where = &ret_target->where;
	const char *at = words[0];
	char part[SPOT_NAME];
	uint64_t bar;

	if (!take_bdf(&at, ret_target->bdf))
		return refuse_address(words[0]);
	if (isalpha((unsigned char)*at))
		return where_part("register", &at, "", ret_target->name, sizeof(ret_target->name));
	if (!where_part("BAR", &at, "+", part, sizeof(part)) ||
	    !args_number("BAR", part, HWS_PCI_BARS - 1, &bar) ||
	    (*at && !where_take("offset", at + 1, INT64_MAX, where)))
		return false;
	ret_target->bar = (uint32_t)bar;
	if (!where->width)
		where->width = reach->width ? reach->width : 4;
	if (where->first % where->width) {
		args_refuse("'%s': the offset is no multiple of %u", words[0], where->width);
		return false;
	}
	return where_settle(words[0], where->width, where);
}

static void close_mmio(void *mmio)
{
	hws_mmio_unmap(mmio);
}

static void unref(void *registers)
{
	hws_registers_unref(registers);
}

/* The register of a description that is about this function. */
static enum result find_name(struct reach *reach, struct target *target, struct spot *spot,
			     struct hws_registers **ret_registers)
{
	struct hws_pci_info info = { .size = sizeof(info) };
	int r = hws_pci_get_info(reach->hw, target->bdf, &info);
	struct hws_registers *registers;
	struct hws_register reg;
	enum result result;
	const char *name;

	if (r < 0)
		return call_fail(target->bdf, r);
	for (unsigned int i = 0; (name = hws_registers_shipped(i)); i++) {
		if (hws_registers_load(reach->hw, name, &registers) < 0)
			continue;
		if (!reach_keep(reach, registers, unref))
			return RESULT_FAILURE;
		if (!hws_registers_match(registers, info.vendor, info.device, info.class_code))
			continue;
		*ret_registers = registers;
		result = reach_name(registers, target->name, spot, &reg);
		if (result == RESULT_OK) {
			target->bar = reg.which;
			target->where.first = reg.offset;
			target->where.last = reg.offset + reg.width - 1;
			target->where.width = reg.width;
		}
		return result;
	}
	say("%s: no description of its registers is known: give BAR+OFFSET", target->bdf);
	return RESULT_NOT_FOUND;
}

/* A window of just what is meant. */
static enum result open_mmio(struct reach *reach, const struct target *wanted, uint32_t rights)
{
	struct target target = *wanted;
	struct spot spot = { 0 };
	struct hws_mmio *mmio;
	char prefix[HWS_BDF_TEXT + 8];
	char name[SPOT_NAME];
	struct hws_registers *known = NULL;
	struct hws_bank *bank;
	enum result result = target.name[0] ? find_name(reach, &target, &spot, &known) : RESULT_OK;
	struct where *where = &target.where;
	int r;

	if (result != RESULT_OK)
		return result;
	snprintf(prefix, sizeof(prefix), "%s:%u+", target.bdf, target.bar);
	snprintf(name, sizeof(name), "%s0x%" PRIx64, prefix, where->first);
	r = hws_mmio_map(reach->hw, target.bdf, target.bar, where->first,
			 where->last - where->first + 1, rights, &mmio);
	if (r < 0)
		return call_fail(name, r);
	if (!reach_keep(reach, mmio, close_mmio))
		return RESULT_FAILURE;
	/* from here on a register that is read-only can't be written */
	r = known ? hws_mmio_describe(mmio, known, &bank) : 0;
	if (r < 0)
		return call_fail(name, r);
	result = reach_spread(reach, where, hws_in_mmio(mmio, 0, where->width), prefix);
	if (result == RESULT_OK && *target.name) {
		struct spot *last = &reach->spots.at[reach->spots.count - 1];

		spot.place = last->place;
		snprintf(spot.name, sizeof(spot.name), "%s:%.50s", target.bdf, target.name);
		*last = spot;
	}
	return result;
}

const struct reach_kind reach_mem = { "mem", 1, parse, open_mmio };

static enum result mem_rd(const struct call *call)
{
	struct reach reach = { .call = call };

	return reach_take_width(call, RD_WIDTH, &reach) ? reach_read(&reach, &reach_mem)
							: RESULT_USAGE;
}

static enum result mem_wr(const struct call *call)
{
	struct reach reach = { .call = call };

	return reach_take_width(call, WR_WIDTH, &reach) ? reach_write(&reach, &reach_mem)
							: RESULT_USAGE;
}

const struct verb verb_mem_rd = {
	.area = "mem",
	.name = "rd",
	.words = "BDF:BAR+OFFSET | BDF:REGISTER...",
	.help = "read device memory: 00:03.0:0+0x10, 00:04.0:CC.EN",
	.options = rd_options,
	.least = 1,
	.most = ARGS_ANY,
	.run = mem_rd,
};

const struct verb verb_mem_wr = {
	.area = "mem",
	.name = "wr",
	.words = "BDF:BAR+OFFSET VALUE[:MASK] | ...=VALUE...",
	.help = "write it",
	.options = wr_options,
	.least = 1,
	.most = ARGS_ANY,
	.run = mem_wr,
};
