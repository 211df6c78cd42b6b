/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * hwprobe msr ls: the registers whose names are known.
 *
 * The document: registers[]: name number (hex) attribute text fields[]: name
 * high low text.
 */
#include <errno.h>
#include <string.h>

#include "hw/hwprobe/document.h"
#include "hw/hwprobe/verbs.h"

enum { FIELDS };
static const struct args_option options[] = {
	[FIELDS] = { "fields", 'f', NULL, "with their fields" },
	{ 0 },
};

static bool is_wanted(const struct call *call, const struct hws_register *reg)
{
	for (int i = 0; i < call->count; i++)
		if (strcasestr(reg->name, call->words[i]))
			return true;
	return !call->count;
}

static void print_fields(const struct hws_registers *registers, uint32_t index, uint32_t count)
{
	struct hws_field field;
	char bits[8];

	for (uint32_t i = 0; i < count; i++) {
		if (hws_registers_field_at(registers, index, i, &field) < 0)
			continue;
		snprintf(bits, sizeof(bits), "%u:%u", field.high, field.low);
		printf("  %-8s .%s%s%s\n", bits, field.name, *field.text ? ": " : "", field.text);
	}
}

static struct json_object *object_of(const struct hws_registers *registers, uint32_t index,
				     const struct hws_register *reg)
{
	struct json_object *o = json_object_new_object();
	struct json_object *fields = json_object_new_array();
	struct hws_field field;

	put_text(o, "name", reg->name);
	put_hex(o, "number", 1, reg->offset);
	put_text(o, "attribute", hws_attribute_name(reg->attribute));
	put_text(o, "text", reg->text);
	for (uint32_t i = 0; hws_registers_field_at(registers, index, i, &field) == 0; i++) {
		struct json_object *one = json_object_new_object();

		put_text(one, "name", field.name);
		put_number(one, "high", field.high);
		put_number(one, "low", field.low);
		put_text(one, "text", field.text);
		json_object_array_add(fields, one);
	}
	put(o, "fields", fields);
	return o;
}

static enum result list(const struct call *call, const struct hws_registers *registers)
{
	struct json_object *array = call->settings.json ? json_object_new_array() : NULL;
	struct hws_register reg;
	struct json_object *o;
	bool found = false;

	for (uint32_t i = 0; hws_registers_at(registers, i, &reg) == 0; i++) {
		if (!is_wanted(call, &reg))
			continue;
		found = true;
		if (array) {
			json_object_array_add(array, object_of(registers, i, &reg));
			continue;
		}
		printf("0x%08llx %-4s %s%s%s\n", (unsigned long long)reg.offset,
		       hws_attribute_name(reg.attribute), reg.name, *reg.text ? ": " : "",
		       reg.text);
		if (call->given[FIELDS].count)
			print_fields(registers, i, reg.fields);
	}
	if (!found)
		say("msr ls: no register has '%s'%s in its name", call->words[0],
		    call->count > 1 ? " or the others" : "");
	if (array) {
		o = document(&call->settings);
		put(o, "registers", array);
		if (document_print(o) < 0)
			return RESULT_FAILURE;
	}
	return found ? RESULT_OK : RESULT_NOT_FOUND;
}

static enum result msr_ls(const struct call *call)
{
	struct hws_registers *registers;
	struct hws *hw = NULL;
	enum result result = call_open(call, &hw);
	int r;

	if (result != RESULT_OK)
		return result;
	r = hws_registers_load(hw, "msr", &registers);
	if (r == 0) {
		result = list(call, registers);
		hws_registers_unref(registers);
	}
	hws_close(hw);
	return r < 0 ? call_fail("msr", r) : result;
}

const struct verb verb_msr_ls = {
	.area = "msr",
	.name = "ls",
	.words = "[PART-OF-A-NAME...]",
	.help = "registers whose names are known",
	.options = options,
	.most = ARGS_ANY,
	.run = msr_ls,
};
