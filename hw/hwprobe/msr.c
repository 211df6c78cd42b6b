/* SPDX-License-Identifier: GPL-2.0-or-later */
/* hwprobe msr rd, msr wr: -p, -a and -f as rdmsr has them. */
#include <stdlib.h>
#include <string.h>

#include "hw/hwprobe/spot.h"
#include "hw/hwprobe/verbs.h"

enum { RD_CPUS, RD_ALL, RD_FIELD };
enum { WR_CPUS = WRITE_OPTIONS, WR_ALL, WR_FIELD };

#define CPU_OPTIONS(cpus, all, field)                                                  \
	[cpus] = { "processor", 'p', "CPUS", "on these: 2, 0-3,8; 0 when not given" }, \
	[all] = { "all", 'a', NULL, "on all that are online" },                        \
	[field] = { "bitfield", 'f', "HI:LO", "only these bits" }

static const struct args_option rd_options[] = {
	CPU_OPTIONS(RD_CPUS, RD_ALL, RD_FIELD),
	{ 0 },
};
static const struct args_option wr_options[] = {
	ARGS_WRITE_OPTIONS,
	CPU_OPTIONS(WR_CPUS, WR_ALL, WR_FIELD),
	{ 0 },
};

/* "7:4", both inclusive. */
static bool take_bits(const char *text, uint32_t *ret_low, uint64_t *ret_mask)
{
	char high[8] = "";
	const char *colon = strchr(text, ':');
	uint64_t hi;
	uint64_t lo;

	if (!colon || (size_t)(colon - text) >= sizeof(high)) {
		args_refuse("bits '%s': expected HI:LO", text);
		return false;
	}
	memcpy(high, text, (size_t)(colon - text));
	if (!args_number("bit", high, 63, &hi) || !args_number("bit", colon + 1, 63, &lo))
		return false;
	if (lo > hi) {
		args_refuse("bits '%s': the higher one comes first", text);
		return false;
	}
	*ret_low = (uint32_t)lo;
	*ret_mask = spot_ones(8) >> (63 - (hi - lo)) << lo;
	return true;
}

static const char *cpus_of(const struct call *call, int cpus, int all)
{
	return call->given[all].count	 ? "all"
	       : call->given[cpus].count ? call->given[cpus].value
					 : "0";
}

/* The register on each processor of the handle. */
static struct spot *spread(struct hws_msr *msr, const struct spot *of, size_t *ret_count)
{
	struct spot *spots = NULL;
	size_t count = 0;
	uint32_t cpu;

	for (uint32_t from = 0; hws_msr_next_cpu(msr, from, &cpu) == 0; from = cpu + 1) {
		struct spot *more = realloc(spots, (count + 1) * sizeof(*spots));

		if (!more)
			break;
		spots = more;
		spots[count] = *of;
		spots[count].place = hws_in_msr(msr, cpu, (uint32_t)of->place.at);
		snprintf(spots[count].name, SPOT_NAME, "cpu%u 0x%llx", cpu,
			 (unsigned long long)of->place.at);
		count++;
	}
	*ret_count = count;
	return spots;
}

static enum result open_msr(const struct call *call, const char *cpus, uint64_t reg,
			    uint32_t rights, struct hws **ret_hw, struct hws_msr **ret_msr)
{
	enum result result = call_open(call, ret_hw);
	int r;

	if (result != RESULT_OK)
		return result;
	r = hws_msr_open(*ret_hw, cpus, (uint32_t)reg, (uint32_t)reg, rights, ret_msr);
	return r < 0 ? call_fail("msr", r) : RESULT_OK;
}

static enum result msr_rd(const struct call *call)
{
	const char *bits = call->given[RD_FIELD].value;
	struct spot of = { 0 };
	struct spots spots = { .named = true };
	struct hws_msr *msr = NULL;
	struct hws *hw = NULL;
	enum result result;

	if (!args_number("register", call->words[0], UINT32_MAX, &of.place.at) ||
	    (bits && !take_bits(bits, &of.low, &of.mask)))
		return RESULT_USAGE;
	result = open_msr(call, cpus_of(call, RD_CPUS, RD_ALL), of.place.at, HWS_R, &hw, &msr);
	if (result == RESULT_OK) {
		spots.at = spread(msr, &of, &spots.count);
		result = spots_read(call, &spots);
		free(spots.at);
	}
	hws_msr_close(msr);
	hws_close(hw);
	return result;
}

static enum result write_all(const struct call *call, struct hws_msr *msr,
			     const struct change *change)
{
	enum result result = RESULT_FAILURE;
	size_t count;
	struct spot *spots = spread(msr, &change->spot, &count);
	struct change *changes = calloc(count + 1, sizeof(*changes));

	for (size_t i = 0; changes && i < count; i++) {
		changes[i] = *change;
		changes[i].spot = spots[i];
	}
	if (changes)
		result = spots_write(call, changes, count);
	free(changes);
	free(spots);
	return result;
}

static enum result msr_wr(const struct call *call)
{
	const char *bits = call->given[WR_FIELD].value;
	struct change change = { 0 };
	struct hws_msr *msr = NULL;
	struct hws *hw = NULL;
	uint64_t max = UINT64_MAX;
	enum result result;

	if (!args_number("register", call->words[0], UINT32_MAX, &change.spot.place.at) ||
	    (bits && !take_bits(bits, &change.spot.low, &change.spot.mask)))
		return RESULT_USAGE;
	if (bits)
		max = change.spot.mask >> change.spot.low;
	if (!spot_value("value", call->words[1], max, &change.value, &change.mask))
		return RESULT_USAGE;
	change.value <<= change.spot.low;
	change.mask = change.mask ? change.mask << change.spot.low : change.spot.mask;
	result = open_msr(call, cpus_of(call, WR_CPUS, WR_ALL), change.spot.place.at,
			  spot_write_rights(call, change.mask != 0), &hw, &msr);
	if (result == RESULT_OK)
		result = write_all(call, msr, &change);
	hws_msr_close(msr);
	hws_close(hw);
	return result;
}

const struct verb verb_msr_rd = {
	.area = "msr",
	.name = "rd",
	.words = "REGISTER",
	.help = "read a model-specific register",
	.options = rd_options,
	.least = 1,
	.most = 1,
	.run = msr_rd,
};

const struct verb verb_msr_wr = {
	.area = "msr",
	.name = "wr",
	.words = "REGISTER VALUE[:MASK]",
	.help = "write one",
	.options = wr_options,
	.least = 2,
	.most = 2,
	.run = msr_wr,
};
