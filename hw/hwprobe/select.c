/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "hw/hwprobe/select.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "hw/hwprobe/args.h"

/* One part of a selector: its name in errors, its greatest value. */
struct part {
	const char *name;
	uint32_t max;
};

static const struct part slot_parts[SELECT_SLOT] = {
	{ "domain", UINT32_MAX },
	{ "bus", 0xff },
	{ "device", 0x1f },
	{ "function", 7 },
};
static const struct part id_parts[SELECT_ID] = {
	{ "vendor", 0xffff },
	{ "device", 0xffff },
	{ "class", 0xffff },
	{ "interface", 0xff },
};

/* Hexadecimal without 0x, '*' or nothing, up to the next of @ends. Moves *@at there. */
static bool take(const char *whole, const char **at, const struct part *part, const char *ends,
		 int64_t *ret_value)
{
	const char *begin = *at;
	size_t length = strcspn(begin, ends);
	uint64_t value = 0;

	*at = begin + length;
	*ret_value = -1;
	if (length == 0 || (length == 1 && *begin == '*'))
		return true;
	for (size_t i = 0; i < length && value <= part->max; i++) {
		if (!isxdigit((unsigned char)begin[i])) {
			args_refuse(
				"selector '%s': expected the %s, in hexadecimal digits, at position %zu",
				whole, part->name, (size_t)(begin + i - whole) + 1);
			return false;
		}
		value = value << 4 | (uint64_t)strtol((char[]) { begin[i], 0 }, NULL, 16);
	}
	if (value > part->max) {
		args_refuse("selector '%s': the %s is at most %x", whole, part->name, part->max);
		return false;
	}
	*ret_value = (int64_t)value;
	return true;
}

static bool refuse_rest(const char *whole, const char *at)
{
	if (*at)
		args_refuse("selector '%s': nothing more was expected at position %zu", whole,
			    (size_t)(at - whole) + 1);
	return !*at;
}

/* [[[[dom]:]bus]:][dev][.[fn]] */
static bool parse_slot(const char *text, int64_t slot[SELECT_SLOT])
{
	const char *at = text;
	size_t colons = 0;

	for (const char *colon = strchr(text, ':'); colon; colon = strchr(colon + 1, ':'))
		colons++;
	for (size_t i = colons > 2 ? 0 : 2 - colons; i < 2; i++) {
		if (!take(text, &at, &slot_parts[i], ":", &slot[i]))
			return false;
		at++;
	}
	if (!take(text, &at, &slot_parts[2], ".", &slot[2]))
		return false;
	if (*at == '.') {
		at++;
		if (!take(text, &at, &slot_parts[3], "", &slot[3]))
			return false;
	}
	return refuse_rest(text, at);
}

/* [ven]:[dev][:class[:pi]] */
static bool parse_id(const char *text, int64_t id[SELECT_ID])
{
	const char *at = text;

	if (!strchr(text, ':')) {
		args_refuse("selector '%s': expected vendor:device, with a colon", text);
		return false;
	}
	for (size_t i = 0; i < SELECT_ID; i++) {
		if (!take(text, &at, &id_parts[i], ":", &id[i]))
			return false;
		if (*at != ':' || i == SELECT_ID - 1)
			break;
		at++;
	}
	return refuse_rest(text, at);
}

bool select_parse(const char *slot, const char *id, struct selection *ret_selection)
{
	struct selection selection = { .slot = { -1, -1, -1, -1 }, .id = { -1, -1, -1, -1 } };

	if (slot && !parse_slot(slot, selection.slot))
		return false;
	if (id && !parse_id(id, selection.id))
		return false;
	*ret_selection = selection;
	return true;
}

static bool match(const int64_t *wanted, const uint32_t *is, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (wanted[i] >= 0 && wanted[i] != is[i])
			return false;
	return true;
}

bool select_slot(const struct selection *selection, const struct hws_bdf *bdf)
{
	const uint32_t is[SELECT_SLOT] = { bdf->domain, bdf->bus, bdf->device, bdf->function };

	return match(selection->slot, is, SELECT_SLOT);
}

bool select_id(const struct selection *selection, const struct hws_pci_info *info)
{
	const uint32_t is[SELECT_ID] = { info->vendor, info->device, info->class_code >> 8,
					 info->class_code & 0xff };

	return match(selection->id, is, SELECT_ID);
}
