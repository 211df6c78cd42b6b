/* SPDX-License-Identifier: GPL-2.0-or-later */
/* hwprobe io in, io out: ports. */
#include "hw/hwprobe/spot.h"
#include "hw/hwprobe/verbs.h"

enum { IN_WIDTH };
enum { OUT_WIDTH = WRITE_OPTIONS };

#define WIDTH_OPTION                                                            \
	{                                                                       \
		"width", 'w', "WIDTH", "b, w, l or 8, 16, 32; b when not given" \
	}

static const struct args_option in_options[] = { [IN_WIDTH] = WIDTH_OPTION, { 0 } };
static const struct args_option out_options[] = {
	ARGS_WRITE_OPTIONS, [OUT_WIDTH] = WIDTH_OPTION, { 0 }
};

static bool take_port(const struct call *call, int width_option, struct spot *spot)
{
	const char *width = call->given[width_option].value;

	spot->place.width = 1;
	if (width && !spot_width(width, &spot->place.width))
		return false;
	if (spot->place.width > 4) {
		args_refuse("width '%s': ports have at most 32 bits", width);
		return false;
	}
	if (!args_number("port", call->words[0], 0xffff, &spot->place.at))
		return false;
	snprintf(spot->name, sizeof(spot->name), "port 0x%llx", (unsigned long long)spot->place.at);
	return true;
}

static enum result open_port(const struct call *call, struct spot *spot, uint32_t rights,
			     struct hws **ret_hw, struct hws_port **ret_port)
{
	uint32_t at = (uint32_t)spot->place.at;
	enum result result;
	int r;

	/* the ports would be those of the machine that this runs on */
	if (call->settings.sysroot)
		return call_live_only("io");
	result = call_open(call, ret_hw);
	if (result != RESULT_OK)
		return result;
	r = hws_port_open(*ret_hw, at, spot->place.width, rights, ret_port);
	if (r < 0)
		return call_fail(spot->name, r);
	spot->place = hws_in_port(*ret_port, at, spot->place.width);
	return RESULT_OK;
}

static enum result io_in(const struct call *call)
{
	struct spot spot = { 0 };
	struct hws_port *port = NULL;
	struct hws *hw = NULL;
	enum result result;

	if (!take_port(call, IN_WIDTH, &spot))
		return RESULT_USAGE;
	result = open_port(call, &spot, HWS_R, &hw, &port);
	if (result == RESULT_OK)
		result = spots_read(call, &(struct spots) { .at = &spot, .count = 1 });
	hws_port_close(port);
	hws_close(hw);
	return result;
}

static enum result io_out(const struct call *call)
{
	struct change change = { 0 };
	struct hws_port *port = NULL;
	struct hws *hw = NULL;
	enum result result;

	if (!take_port(call, OUT_WIDTH, &change.spot) ||
	    !spot_value("value", call->words[1], spot_ones(change.spot.place.width), &change.value,
			&change.mask))
		return RESULT_USAGE;
	result = open_port(call, &change.spot, spot_write_rights(call, change.mask != 0), &hw,
			   &port);
	if (result == RESULT_OK)
		result = spots_write(call, &change, 1);
	hws_port_close(port);
	hws_close(hw);
	return result;
}

const struct verb verb_io_in = {
	.area = "io",
	.name = "in",
	.words = "PORT",
	.help = "read a port",
	.options = in_options,
	.least = 1,
	.most = 1,
	.run = io_in,
};

const struct verb verb_io_out = {
	.area = "io",
	.name = "out",
	.words = "PORT VALUE[:MASK]",
	.help = "write one",
	.options = out_options,
	.least = 2,
	.most = 2,
	.run = io_out,
};
