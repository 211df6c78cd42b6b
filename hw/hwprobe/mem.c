/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * hwprobe mem: device memory, by BDF:BAR+OFFSET.
 *
 * The document of a dump: address width first (hex), values[] (hex).
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "hw/hwprobe/document.h"
#include "hw/hwprobe/spot.h"
#include "hw/hwprobe/verbs.h"

enum { RD_WIDTH };
enum { WR_WIDTH = WRITE_OPTIONS };
enum { WAIT_WIDTH, WAIT_TIMEOUT };
enum { ROW = 16, DUMP_MAX = 1 << 16 };

#define WIDTH_OPTION                                                                   \
	{                                                                              \
		"width", 'w', "WIDTH", "b, w, l, q or 8, 16, 32, 64; l when not given" \
	}

static const struct args_option rd_options[] = { [RD_WIDTH] = WIDTH_OPTION, { 0 } };
static const struct args_option wr_options[] = {
	ARGS_WRITE_OPTIONS, [WR_WIDTH] = WIDTH_OPTION, { 0 }
};
static const struct args_option wait_options[] = {
	[WAIT_WIDTH] = WIDTH_OPTION,
	[WAIT_TIMEOUT] = { "timeout", 't', "MS", "give up after so many milliseconds; 1000" },
	{ 0 },
};

/* Where in which BAR. */
struct address {
	char bdf[HWS_BDF_TEXT];
	uint64_t bar;
	uint64_t offset;
};

static bool copy_part(char *to, size_t size, const char *from, size_t length)
{
	if (length >= size)
		return false;
	memcpy(to, from, length);
	to[length] = '\0';
	return true;
}

static bool take_address(const char *text, struct address *ret)
{
	const char *colon = strrchr(text, ':');
	size_t length = colon ? strcspn(colon + 1, "+") : 0;
	struct hws_bdf bdf;
	char bar[8];

	if (!colon || !copy_part(ret->bdf, sizeof(ret->bdf), text, (size_t)(colon - text)) ||
	    hws_bdf_parse(ret->bdf, &bdf) < 0 || !copy_part(bar, sizeof(bar), colon + 1, length)) {
		args_refuse("address '%s': expected BDF:BAR+OFFSET, as in 00:03.0:0+0x10", text);
		return false;
	}
	ret->offset = 0;
	return args_number("BAR", bar, HWS_PCI_BARS - 1, &ret->bar) &&
	       (colon[1 + length] != '+' ||
		args_number("offset", colon + length + 2, INT64_MAX, &ret->offset));
}

static bool take_spot(const struct call *call, int width_option, struct address *address,
		      struct spot *spot)
{
	const char *width = call->given[width_option].value;

	spot->place.width = 4;
	if ((width && !spot_width(width, &spot->place.width)) ||
	    !take_address(call->words[0], address))
		return false;
	snprintf(spot->name, sizeof(spot->name), "%s:%" PRIu64 "+0x%" PRIx64, address->bdf,
		 address->bar, address->offset);
	return true;
}

/* A window of just what is meant; an offset that isn't aligned is refused when it is used. */
static enum result open_window(const struct call *call, const struct address *address,
			       uint64_t size, uint32_t rights, struct spot *spot,
			       struct hws **ret_hw, struct hws_mmio **ret_mmio)
{
	uint32_t width = spot->place.width;
	enum result result;
	int r;

	if (address->offset % width)
		return args_refuse("%s: the offset is no multiple of %u", spot->name, width);
	result = call_open(call, ret_hw);
	if (result != RESULT_OK)
		return result;
	r = hws_mmio_map(*ret_hw, address->bdf, (uint32_t)address->bar, address->offset, size,
			 rights, ret_mmio);
	if (r < 0)
		return call_fail(spot->name, r);
	spot->place = hws_in_mmio(*ret_mmio, 0, width);
	return RESULT_OK;
}

static enum result mem_rd(const struct call *call)
{
	struct hws_mmio *mmio = NULL;
	struct address address;
	struct spot spot = { 0 };
	struct hws *hw = NULL;
	enum result result;

	if (!take_spot(call, RD_WIDTH, &address, &spot))
		return RESULT_USAGE;
	result = open_window(call, &address, spot.place.width, HWS_R, &spot, &hw, &mmio);
	if (result == RESULT_OK)
		result = spots_read(call, &(struct spots) { .at = &spot, .count = 1 });
	hws_mmio_unmap(mmio);
	hws_close(hw);
	return result;
}

static enum result mem_wr(const struct call *call)
{
	struct hws_mmio *mmio = NULL;
	struct change change = { 0 };
	struct address address;
	struct hws *hw = NULL;
	enum result result;

	if (!take_spot(call, WR_WIDTH, &address, &change.spot) ||
	    !spot_value("value", call->words[1], spot_ones(change.spot.place.width), &change.value,
			&change.mask))
		return RESULT_USAGE;
	result = open_window(call, &address, change.spot.place.width,
			     spot_write_rights(call, change.mask != 0), &change.spot, &hw, &mmio);
	if (result == RESULT_OK)
		result = spots_write(call, &change, 1);
	hws_mmio_unmap(mmio);
	hws_close(hw);
	return result;
}

/* In order, until one can't be read. */
static int print_values(const struct spot *spot, uint64_t first, uint64_t size,
			struct json_object *array)
{
	uint32_t width = spot->place.width;

	for (uint64_t at = 0; at < size; at += width) {
		struct hws_place place = spot->place;
		struct hws_step step;
		char text[32];
		int r;

		place.at = at;
		step = hws_step_read(place);
		r = hws_batch_run(&step, 1, 0);
		if (r < 0) {
			if (!array && at % ROW)
				putchar('\n');
			return r;
		}
		snprintf(text, sizeof(text), "0x%0*" PRIx64, (int)width * 2, step.result);
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
	int r = print_values(spot, first, size, array);
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

static enum result mem_dump(const struct call *call)
{
	struct hws_mmio *mmio = NULL;
	struct address address;
	struct spot spot = { 0 };
	struct hws *hw = NULL;
	enum result result;
	uint64_t size;

	if (!take_spot(call, RD_WIDTH, &address, &spot) ||
	    !args_number("length", call->words[1], DUMP_MAX, &size))
		return RESULT_USAGE;
	if (!size || size % spot.place.width)
		return args_refuse("length '%s': no multiple of %u", call->words[1],
				   spot.place.width);
	result = open_window(call, &address, size, HWS_R, &spot, &hw, &mmio);
	if (result == RESULT_OK)
		result = print_dump(call, &spot, address.offset, size);
	hws_mmio_unmap(mmio);
	hws_close(hw);
	return result;
}

static uint64_t deadline_in(uint64_t ms)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec + ms * 1000000;
}

static enum result wait_for(const struct call *call, struct hws_mmio *mmio, const struct spot *spot,
			    uint64_t mask, uint64_t value, uint64_t ms)
{
	uint64_t got;
	int r = hws_mmio_wait_for(mmio, 0, spot->place.width,
				  mask ? mask : spot_ones(spot->place.width), value,
				  deadline_in(ms), &got);
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
	struct hws_mmio *mmio = NULL;
	struct address address;
	struct spot spot = { 0 };
	struct hws *hw = NULL;
	enum result result;
	uint64_t ms = 1000;
	uint64_t value;
	uint64_t mask;

	if (!take_spot(call, WAIT_WIDTH, &address, &spot) ||
	    !spot_value("value", call->words[1], spot_ones(spot.place.width), &value, &mask) ||
	    (timeout && !args_number("timeout", timeout, 86400000, &ms)))
		return RESULT_USAGE;
	result = open_window(call, &address, spot.place.width, HWS_R, &spot, &hw, &mmio);
	if (result == RESULT_OK)
		result = wait_for(call, mmio, &spot, mask, value, ms);
	hws_mmio_unmap(mmio);
	hws_close(hw);
	return result;
}

const struct verb verb_mem_rd = {
	.area = "mem",
	.name = "rd",
	.words = "BDF:BAR+OFFSET",
	.help = "read device memory",
	.options = rd_options,
	.least = 1,
	.most = 1,
	.run = mem_rd,
};

const struct verb verb_mem_wr = {
	.area = "mem",
	.name = "wr",
	.words = "BDF:BAR+OFFSET VALUE[:MASK]",
	.help = "write it",
	.options = wr_options,
	.least = 2,
	.most = 2,
	.run = mem_wr,
};

const struct verb verb_mem_dump = {
	.area = "mem",
	.name = "dump",
	.words = "BDF:BAR+OFFSET LENGTH",
	.help = "read so many bytes",
	.options = rd_options,
	.least = 2,
	.most = 2,
	.run = mem_dump,
};

const struct verb verb_mem_wait = {
	.area = "mem",
	.name = "wait",
	.words = "BDF:BAR+OFFSET VALUE[:MASK]",
	.help = "read until it is so",
	.options = wait_options,
	.least = 2,
	.most = 2,
	.run = mem_wait,
};
