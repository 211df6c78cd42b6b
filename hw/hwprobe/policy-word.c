/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Operands of policy explain as a person types them: names of registers, BDF:BAR+OFFSET. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "hw/hwprobe/policy.h"

/* Where a kind's registers are described. */
static bool is_there(const struct hws_register *reg, const struct hws_access *a)
{
	if (a->kind == HWS_KIND_MSR)
		return reg->space == HWS_SPACE_MSR;
	if (a->kind == HWS_KIND_PCI)
		return reg->space == HWS_SPACE_CONFIG;
	return reg->space == HWS_SPACE_BAR && reg->which == a->bar;
}

/* The description that knows the access's registers; NULL: none does. */
static struct hws_registers *description_of(const struct hws_access *a)
{
	const char *fixed = a->kind == HWS_KIND_MSR   ? "msr"
			    : a->kind == HWS_KIND_PCI ? "pci"
						      : NULL;
	struct hws_registers *found;
	const char *name;

	if (fixed)
		return hws_registers_load(NULL, fixed, &found) < 0 ? NULL : found;
	for (unsigned int i = 0; (name = hws_registers_shipped(i)); i++) {
		if (hws_registers_load(NULL, name, &found) < 0)
			continue;
		if (hws_registers_match(found, a->vendor, a->device, a->class_code))
			return found;
		hws_registers_unref(found);
	}
	return NULL;
}

/* Of a field it is asked whether all of its bits may change, or what --value makes of them. */
static bool take_field(const struct hws_registers *made, uint32_t index, const char *name,
		       struct hws_access *a)
{
	struct hws_field field;

	for (uint32_t i = 0; hws_registers_field_at(made, index, i, &field) == 0; i++) {
		if (strcmp(field.name, name) != 0)
			continue;
		a->has = HWS_HAS_VALUE | HWS_HAS_OLD;
		a->value = UINT64_MAX >> (63 - (field.high - field.low)) << field.low;
		return true;
	}
	return false;
}

static enum result take_register(const struct hws_registers *made, const char *text,
				 struct hws_access *a)
{
	const char *dot = strchr(text, '.');
	char name[64];
	struct hws_register reg;
	uint32_t index;

	snprintf(name, sizeof(name), "%.*s", dot ? (int)(dot - text) : 63, text);
	if (hws_registers_find(made, name, &index) < 0 || hws_registers_at(made, index, &reg) < 0) {
		say("%s", hws_why());
		return RESULT_NOT_FOUND;
	}
	if (!is_there(&reg, a))
		return args_refuse("register '%s': where it is depends on the device: give its "
				   "offset",
				   name);
	a->first = reg.offset;
	a->last = reg.offset + (a->kind == HWS_KIND_MSR ? 1 : reg.width) - 1;
	a->width = reg.width;
	if (!dot || take_field(made, index, dot + 1, a))
		return RESULT_OK;
	say("register '%s' has no field '%s'", name, dot + 1);
	return RESULT_NOT_FOUND;
}

bool policy_is_name(const char *text)
{
	return (*text >= 'A' && *text <= 'Z') || (*text >= 'a' && *text <= 'z');
}

enum result policy_name(const char *text, struct hws_access *a)
{
	struct hws_registers *made = NULL;
	enum result result;

	if (a->kind == HWS_KIND_MSR || a->kind == HWS_KIND_PCI || a->kind == HWS_KIND_BAR)
		made = description_of(a);
	if (!made)
		return args_refuse("'%s': no registers are described there: give a number", text);
	result = take_register(made, text, a);
	hws_registers_unref(made);
	return result;
}

/*
 * "00:03.0:0+0x10": a BAR's number stands behind the function, or behind vendor and device. The
 * text is cut there; false: it isn't of that form.
 */
bool policy_cut_bar(char *text, char **ret_bar, char **ret_offset)
{
	char *dot = strchr(text, '.');
	char *colon = strrchr(text, ':');
	size_t colons = 0;

	for (const char *at = text; *at; at++)
		colons += *at == ':';
	if (!colon || (dot ? colon < dot : colons < 2))
		return false;
	*colon = '\0';
	*ret_bar = colon + 1;
	*ret_offset = strchr(*ret_bar, '+');
	if (*ret_offset)
		*(*ret_offset)++ = '\0';
	return true;
}
