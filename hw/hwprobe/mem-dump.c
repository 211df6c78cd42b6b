/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * hwprobe mem dump, mem wait: many addresses once, one address many times.
 *
 * The document of a dump: address width first (hex), values[] (hex).
 */
#include <inttypes.h>
#include <stdlib.h>

#include "hw/hwprobe/document.h"
#include "hw/hwprobe/reach.h"
#include "hw/hwprobe/verbs.h"

enum { DUMP_WIDTH, DUMP_RAW };
enum { WAIT_WIDTH, WAIT_TIMEOUT };
enum { ROW = 16, DUMP_MAX = 1 << 16 };

static const struct args_option dump_options[] = {
	[DUMP_WIDTH] = REACH_MEM_WIDTH,
	[DUMP_RAW] = { "raw", 0, NULL, "its bytes, as they are" },
	{ 0 },
};
static const struct args_option wait_options[] = {
	[WAIT_WIDTH] = REACH_MEM_WIDTH,
	[WAIT_TIMEOUT] = { "timeout", 't', "MS", "give up after so many milliseconds; 1000" },
	{ 0 },
};

/* In order, until one can't be read. */
static int print_values(const struct spot *spot, uint64_t first, uint64_t size, bool raw,
			struct json_object *array)
{
	uint32_t width = spot->place.width;

	for (uint64_t at = 0; at < size; at += width) {
		struct hws_place place = spot->place;
		uint64_t value;
		char text[32];
		int r;

		place.at = at;
		r = spot_read(place, &value);
		if (r < 0) {
			if (!array && !raw && at % ROW)
				putchar('\n');
			return r;
		}
		if (raw) {
			spot_print_raw(value, width);
			continue;
		}
		snprintf(text, sizeof(text), "0x%0*" PRIx64, (int)width * 2, value);
		if (array) {
			json_object_array_add(array, json_object_new_string(text));
			continue;
		}
		if (at % ROW == 0)
			printf("%08" PRIx64 ":", first + at);
		printf(" %s%s", text + 2,
		       at % ROW == ROW - width || at + width == size ? "\n" : "");
	}
	return 0;
}

static enum result print_dump(const struct call *call, const struct spot *spot, uint64_t first,
			      uint64_t size)
{
	struct json_object *array = call->settings.json ? json_object_new_array() : NULL;
	int r = print_values(spot, first, size, call->given[DUMP_RAW].count, array);
	enum result result = r < 0 ? call_fail(spot->name, r) : RESULT_OK;
	struct json_object *o = array ? document(&call->settings) : NULL;

	if (!o)
		return result;
	put_text(o, "address", spot->name);
	put_number(o, "width", spot->place.width);
	put_hex(o, "first", 8, first);
	put(o, "values", array);
	put_error(o, r);
	return document_print(o) < 0 ? RESULT_FAILURE : result;
}

/* The one window of a verb that has one; its first spot stands for it. */
static enum result open_one(struct reach *reach, const struct target *target)
{
	enum result result = call_open(reach->call, &reach->hw);

	return result == RESULT_OK ? reach_mem.open(reach, target, HWS_R) : result;
}

static enum result mem_dump(const struct call *call)
{
	struct reach reach = { .call = call };
	struct target target = { 0 };
	enum result result;
	uint64_t size;

	if (!reach_take_width(call, DUMP_WIDTH, &reach) ||
	    !reach_mem.parse(&reach, call->words, &target) ||
	    !args_number("length", call->words[1], DUMP_MAX, &size))
		return RESULT_USAGE;
	if (call->given[DUMP_RAW].count && call->settings.json)
		return args_refuse("--json and --raw: give one of them");
	if (*target.name)
		return args_refuse("'%s': a dump begins at BAR+OFFSET", call->words[0]);
	if (!size || size % target.where.width)
		return args_refuse("length '%s': no multiple of %u", call->words[1],
				   target.where.width);
	target.where.last = target.where.first + size - 1;
	result = open_one(&reach, &target);
	if (result == RESULT_OK)
		result = print_dump(call, &reach.spots.at[0], target.where.first, size);
	reach_end(&reach);
	return result;
}

static enum result wait_for(const struct call *call, const struct change *change, uint64_t ms)
{
	const struct spot *spot = &change->spot;
	uint64_t got;
	int r = hws_mmio_wait_for(spot->place.handle, spot->place.at, spot->place.width,
				  change->mask ? change->mask : spot_ones(spot->place.width),
				  change->value, call_deadline(ms), &got);
	struct json_object *o;

	if (r < 0)
		return call_fail(spot->name, r);
	if (!call->settings.json) {
		printf("0x%0*" PRIx64 "\n", (int)spot->place.width * 2, got);
		return RESULT_OK;
	}
	o = document(&call->settings);
	put_text(o, "address", spot->name);
	put_hex(o, "value", 2 * spot->place.width, got);
	return document_print(o) < 0 ? RESULT_FAILURE : RESULT_OK;
}

static enum result mem_wait(const struct call *call)
{
	const char *timeout = call->given[WAIT_TIMEOUT].value;
	struct reach reach = { .call = call };
	struct target target = { 0 };
	struct change change;
	enum result result;
	uint64_t ms = 1000;

	if (!reach_take_width(call, WAIT_WIDTH, &reach) ||
	    !reach_mem.parse(&reach, call->words, &target) ||
	    (timeout && !args_number("timeout", timeout, 86400000, &ms)))
		return RESULT_USAGE;
	change.spot.place.width = target.where.width;
	if (!*target.name && !reach_change(&(struct spot) { .place.width = target.where.width,
							    .mask = target.where.mask,
							    .low = target.where.low },
					   call->words[1], &change))
		return RESULT_USAGE;
	result = open_one(&reach, &target);
	if (result == RESULT_OK && !reach_change(&reach.spots.at[0], call->words[1], &change))
		result = RESULT_USAGE;
	if (result == RESULT_OK)
		result = wait_for(call, &change, ms);
	reach_end(&reach);
	return result;
}

const struct verb verb_mem_dump = {
	.area = "mem",
	.name = "dump",
	.words = "BDF:BAR+OFFSET LENGTH",
	.help = "read so many bytes",
	.options = dump_options,
	.least = 2,
	.most = 2,
	.run = mem_dump,
};

const struct verb verb_mem_wait = {
	.area = "mem",
	.name = "wait",
	.words = "BDF:BAR+OFFSET|BDF:REGISTER VALUE[:MASK]",
	.help = "read until it is so",
	.options = wait_options,
	.least = 2,
	.most = 2,
	.run = mem_wait,
};
