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
	bool wild; /* an 'x' stands for any digit */
};

static const struct part slot_parts[SELECT_SLOT] = {
	{ "domain", UINT32_MAX, false },
	{ "bus", 0xff, false },
	{ "device", 0x1f, false },
	{ "function", 7, false },
};
static const struct part id_parts[SELECT_ID] = {
	{ "vendor", 0xffff, false },
	{ "device", 0xffff, false },
	{ "class", 0xffff, true },
	{ "interface", 0xff, false },
};

static bool is_any(const struct part *part, char c)
{
	return part->wild && (c == 'x' || c == 'X');
}

/* The digits of one part; false: it was told which of them is wrong. */
static bool take_digits(const char *whole, const char *begin, size_t length,
			const struct part *part, struct selected *selected)
{
	uint64_t value = 0;
	uint64_t any = 0; /* bits that don't count */

	for (size_t i = 0; i < length && value <= part->max; i++) {
		bool wild = is_any(part, begin[i]);

		if (!wild && !isxdigit((unsigned char)begin[i])) {
			args_refuse(
				"selector '%s': expected the %s, in hexadecimal digits, at position %zu",
				whole, part->name, (size_t)(begin + i - whole) + 1);
			return false;
		}
		value = value << 4 |
			(wild ? 0 : (uint64_t)strtol((char[]) { begin[i], 0 }, NULL, 16));
		any = any << 4 | (wild ? 0xf : 0);
	}
	if ((value | any) > part->max) {
		args_refuse("selector '%s': the %s is at most %x", whole, part->name, part->max);
		return false;
	}
	*selected = (struct selected) { (uint32_t)value, UINT32_MAX & ~(uint32_t)any };
	return true;
}

/* Hexadecimal without 0x, '*' or nothing, up to the next of @ends. Moves *@at there. */
static bool take(const char *whole, const char **at, const struct part *part, const char *ends,
		 struct selected *selected)
{
	const char *begin = *at;
	size_t length = strcspn(begin, ends);

	*at = begin + length;
	*selected = (struct selected) { 0, 0 };
	if (length == 0 || (length == 1 && *begin == '*'))
		return true;
	return take_digits(whole, begin, length, part, selected);
}

static bool refuse_rest(const char *whole, const char *at)
{
	if (*at)
		args_refuse("selector '%s': nothing more was expected at position %zu", whole,
			    (size_t)(at - whole) + 1);
	return !*at;
}

/* [[[[dom]:]bus]:][dev][.[fn]] */
static bool parse_slot(const char *text, struct selected slot[SELECT_SLOT])
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
static bool parse_id(const char *text, struct selected id[SELECT_ID])
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
	struct selection selection = { 0 };

	if (slot && !parse_slot(slot, selection.slot))
		return false;
	if (id && !parse_id(id, selection.id))
		return false;
	*ret_selection = selection;
	return true;
}

static bool match(const struct selected *wanted, const uint32_t *is, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if ((wanted[i].value ^ is[i]) & wanted[i].mask)
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
