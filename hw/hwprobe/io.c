/* SPDX-License-Identifier: GPL-2.0-or-later */
/* hwprobe io in, io out: ports. */
#include "hw/hwprobe/reach.h"
#include "hw/hwprobe/verbs.h"

enum { IN_WIDTH = READ_OPTIONS };
enum { OUT_WIDTH = WRITE_OPTIONS };

#define WIDTH_OPTION                                                            \
	{                                                                       \
		"width", 'w', "WIDTH", "b, w, l or 8, 16, 32; b when not given" \
	}

static const struct args_option in_options[] = {
	ARGS_READ_OPTIONS, [IN_WIDTH] = WIDTH_OPTION, { 0 }
};
static const struct args_option out_options[] = {
	ARGS_WRITE_OPTIONS, [OUT_WIDTH] = WIDTH_OPTION, { 0 }
};

static bool parse(const struct reach *reach, char **words, struct target *ret_target)
{
	struct where *where = &ret_target->where;

	if (!where_take("port", words[0], 0xffff, where))
		return false;
	if (!where->width)
		where->width = reach->width ? reach->width : 1;
	if (where->width > 4) {
		args_refuse("'%s': ports have at most 32 bits", words[0]);
		return false;
	}
	return where_settle(words[0], where->width, where);
}

static void close_port(void *port)
{
	hws_port_close(port);
}

static enum result open_port(struct reach *reach, const struct target *target, uint32_t rights)
{
	const struct where *where = &target->where;
	uint32_t first = (uint32_t)where->first;
	struct hws_port *port;
	char name[32];
	int r;

	/* the ports would be those of the machine that this runs on */
	if (reach->call->settings.sysroot)
		return call_live_only("io");
	snprintf(name, sizeof(name), "port 0x%x", first);
	r = hws_port_open(reach->hw, first, (uint32_t)(where->last - where->first + 1), rights,
			  &port);
	if (r < 0)
		return call_fail(name, r);
	if (!reach_keep(reach, port, close_port))
		return RESULT_FAILURE;
	return reach_spread(reach, where, hws_in_port(port, first, where->width), "port ");
}

const struct reach_kind reach_io = { "io", 1, parse, open_port };

static enum result io_in(const struct call *call)
{
	struct reach reach = { .call = call };

	return reach_take_width(call, IN_WIDTH, &reach) ? reach_read(&reach, &reach_io)
							: RESULT_USAGE;
}

static enum result io_out(const struct call *call)
{
	struct reach reach = { .call = call };

	return reach_take_width(call, OUT_WIDTH, &reach) ? reach_write(&reach, &reach_io)
							 : RESULT_USAGE;
}

const struct verb verb_io_in = {
	.area = "io",
	.name = "in",
	.words = "PORT...",
	.help = "read ports: 0x70, 0x70-0x77, 0x70+8, 0x64:1:0",
	.options = in_options,
	.least = 1,
	.most = ARGS_ANY,
	.run = io_in,
};

const struct verb verb_io_out = {
	.area = "io",
	.name = "out",
	.words = "PORT VALUE[:MASK] | PORT=VALUE...",
	.help = "write them",
	.options = out_options,
	.least = 1,
	.most = ARGS_ANY,
	.run = io_out,
};
