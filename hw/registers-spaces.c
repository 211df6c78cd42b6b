/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The statements of a description that say which device it is about, and where registers lie. */
#include "hw/registers-parse-internal.h"

/* device [id VENDOR:DEVICE] [class N] */
enum { DEVICE_ID, DEVICE_CLASS };
static const struct text_field device_fields[] = {
	[DEVICE_ID] = { "id", word_id, "vendor and device as 1234:11e8" },
	[DEVICE_CLASS] = { "class", word_number, "a class of 24 bits", 0, 0xffffff },
};

static void apply_device(struct text_parser *text, const struct text_value *values)
{
	struct parser *p = (struct parser *)text;
	struct hws_registers *made = p->made;

	if (p->device_given || made->reg_count) {
		text_error(text, &text->words[0], "one device, before all registers");
		return;
	}
	p->device_given = true;
	made->id = (uint32_t)(values[DEVICE_ID].number << 16 | values[DEVICE_ID].second);
	made->has_class = values[DEVICE_CLASS].word;
	made->class_code = (uint32_t)values[DEVICE_CLASS].number;
}

static void begin_space(struct text_parser *text, enum hws_register_space space, uint64_t which)
{
	struct parser *p = (struct parser *)text;

	p->space = space;
	p->which = (uint32_t)which;
}

/* bar INDEX */
static const struct text_field bar_fields[] = {
	{ NULL, word_number, "a BAR from 0 to 5", 0, 5 },
};

static void apply_bar(struct text_parser *text, const struct text_value *values)
{
	begin_space(text, HWS_SPACE_BAR, values[0].number);
}

/* ports FIRST [indexed] */
enum { PORTS_FIRST, PORTS_INDEXED };
static const struct text_field ports_fields[] = {
	[PORTS_FIRST] = { NULL, word_number, "a port from 0 to 0xffff", 0, REGISTERS_PORT_MAX },
	[PORTS_INDEXED] = { "indexed" },
};

static void apply_ports(struct text_parser *text, const struct text_value *values)
{
	bool indexed = values[PORTS_INDEXED].word;

	if (indexed && values[PORTS_FIRST].number == REGISTERS_PORT_MAX)
		text_error(text, values[PORTS_FIRST].word, "two ports: index and data");
	else
		begin_space(text, indexed ? HWS_SPACE_INDEXED : HWS_SPACE_PORTS,
			    values[PORTS_FIRST].number);
}

/* msr */
static void apply_msr(struct text_parser *text, const struct text_value *values)
{
	(void)values;
	begin_space(text, HWS_SPACE_MSR, HWS_REGISTERS_ANY);
}

/* config [header TYPE] */
static const struct text_field config_fields[] = {
	{ "header", word_number, "a header's type from 0 to 2", 0, 2 },
};

static void apply_config(struct text_parser *text, const struct text_value *values)
{
	begin_space(text, HWS_SPACE_CONFIG, values[0].word ? values[0].number : HWS_REGISTERS_ANY);
}

/* cap ID */
static const struct text_field cap_fields[] = {
	{ NULL, word_number, "a capability's id from 1 to 0xff", 1, 0xff },
};

static void apply_cap(struct text_parser *text, const struct text_value *values)
{
	begin_space(text, HWS_SPACE_CAPABILITY, values[0].number);
}

/* extcap ID */
static const struct text_field extcap_fields[] = {
	{ NULL, word_number, "an extended capability's id from 1 to 0xffff", 1, 0xffff },
};

static void apply_extcap(struct text_parser *text, const struct text_value *values)
{
	begin_space(text, HWS_SPACE_EXTENDED, values[0].number);
}

REGISTERS_SAYS(device, 0, 0, NULL);
REGISTERS_SAYS(bar, 0, IN_SPACE, NULL);
REGISTERS_SAYS(ports, 0, IN_SPACE, NULL);
const struct text_statement registers_says_msr = { "msr", 0, IN_SPACE, NULL, NULL, 0, apply_msr };
REGISTERS_SAYS(config, 0, IN_SPACE, NULL);
REGISTERS_SAYS(cap, 0, IN_SPACE, NULL);
REGISTERS_SAYS(extcap, 0, IN_SPACE, NULL);
