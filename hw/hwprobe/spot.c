/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "hw/hwprobe/spot.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "hw/hwprobe/document.h"

uint64_t spot_ones(uint32_t width)
{
	return width >= 8 ? UINT64_MAX : ((uint64_t)1 << 8 * width) - 1;
}

uint32_t spot_write_rights(const struct call *call, bool masked)
{
	bool reads = masked || call->given[WRITE_DRY].count || call->given[WRITE_VERIFY].count;

	return reads ? HWS_RW : HWS_W;
}

bool spot_width(const char *text, uint32_t *ret_width)
{
	static const struct {
		const char *letter;
		const char *bits;
		uint32_t width;
	} widths[] = { { "b", "8", 1 }, { "w", "16", 2 }, { "l", "32", 4 }, { "q", "64", 8 } };

	for (size_t i = 0; i < COUNT(widths); i++)
		if (!strcmp(text, widths[i].letter) || !strcmp(text, widths[i].bits)) {
			*ret_width = widths[i].width;
			return true;
		}
	args_refuse("width '%s': expected b, w, l, q or 8, 16, 32, 64", text);
	return false;
}

bool spot_value(const char *what, const char *text, uint64_t max, uint64_t *ret_value,
		uint64_t *ret_mask)
{
	size_t length = strcspn(text, ":");
	uint64_t mask = 0;
	char value[80];

	if (length >= sizeof(value)) {
		args_refuse("%s '%s': too long", what, text);
		return false;
	}
	memcpy(value, text, length);
	value[length] = '\0';
	if (!args_number(what, value, max, ret_value))
		return false;
	if (text[length] == ':' && !args_number("mask", text + length + 1, max, &mask))
		return false;
	if (text[length] == ':' && (!mask || *ret_value & ~mask)) {
		args_refuse("%s '%s': %s", what, text,
			    mask ? "the value has bits outside the mask" : "the mask is empty");
		return false;
	}
	*ret_mask = mask;
	return true;
}

int spot_read(struct hws_place place, uint64_t *ret_value)
{
	struct hws_step step = hws_step_read(place);
	int r = hws_batch_run(&step, 1, 0);

	if (r == 0)
		*ret_value = step.result;
	return r;
}

struct json_object *spot_object(const struct spot *spot)
{
	struct json_object *o = json_object_new_object();

	put_text(o, "name", spot->name);
	put_text(o, "kind", hws_kind_name(spot->place.kind));
	if (spot->place.kind == HWS_KIND_MSR)
		put_number(o, "cpu", spot->place.cpu);
	return o;
}

enum result spots_finish(const struct call *call, const char *key, struct json_object *array,
			 enum result result)
{
	struct json_object *o = array ? document(&call->settings) : NULL;

	if (o)
		put(o, key, array);
	return o && document_print(o) < 0 ? RESULT_FAILURE : result;
}

static uint64_t field_bits(const struct hws_field *field)
{
	return UINT64_MAX >> (63 - (field->high - field->low)) << field->low;
}

bool spot_field(const struct hws_registers *registers, const struct hws_register *reg,
		const char *name, struct spot *spot)
{
	bool found = !name;

	if (reg->attribute == HWS_ATTRIBUTE_W1C && !reg->fields)
		spot->clears = spot_ones(reg->width);
	for (uint32_t i = 0; i < reg->fields; i++) {
		struct hws_field field;

		if (hws_registers_field_at(registers, spot->index, i, &field) < 0)
			break;
		if (field.attribute == HWS_ATTRIBUTE_W1C)
			spot->clears |= field_bits(&field);
		if (!name || strcmp(name, field.name) != 0)
			continue;
		found = true;
		spot->mask = field_bits(&field);
		spot->low = field.low;
		spot->field = i;
		spot->registers = registers;
	}
	return found;
}
