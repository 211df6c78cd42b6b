/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <ctype.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "hw/hwprobe/dump.h"
#include "hw/hwprobe/say.h"
#include "hw/hwprobe/setpci.h"

enum { WORD = 80 };

bool setpci_refuse(const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	say_list("setpci", format, arguments);
	va_end(arguments);
	return false;
}

uint32_t setpci_ones(uint32_t width)
{
	return width < 4 ? (1u << 8 * width) - 1 : UINT32_MAX;
}

/* The whole of it, in hexadecimal digits, 0x before them or not. Tells nothing. */
static bool take_hex(const char *text, uint32_t max, uint32_t *ret_value)
{
	const char *digits = text[0] == '0' && (text[1] == 'x' || text[1] == 'X') ? text + 2 : text;
	uint64_t value = 0;

	if (!*digits)
		return false;
	for (const char *at = digits; *at; at++) {
		if (!isxdigit((unsigned char)*at))
			return false;
		value = value << 4 | (uint64_t)strtoul((char[]) { *at, 0 }, NULL, 16);
		if (value > max)
			return false;
	}
	*ret_value = (uint32_t)value;
	return true;
}

/* As it; else it is told that @what of @word was wrong. */
static bool take_part(const char *word, const char *what, const char *text, uint32_t max,
		      uint32_t *ret_value)
{
	return take_hex(text, max, ret_value) ||
	       setpci_refuse("'%s': %s '%s': expected hexadecimal digits, at most %x", word, what,
			     text, max);
}

/* "CAP10", "ecap001e": a capability by its number. */
static bool take_cap_number(const char *name, struct setpci_op *op)
{
	uint32_t id = 0;

	op->extended = !strncasecmp(name, "ECAP", 4);
	if (!op->extended && strncasecmp(name, "CAP", 3) != 0)
		return false;
	if (!take_hex(name + (op->extended ? 4 : 3), op->extended ? 0xfff : 0xff, &id))
		return false;
	op->cap = op->word;
	op->id = (uint16_t)id;
	return true;
}

static bool take_name(const char *name, struct setpci_op *op)
{
	const struct pci_cap_name *cap = pci_cap_name_find(name);

	op->reg = pci_reg_find(name);
	if (op->reg) {
		op->offset = op->reg->offset;
		op->width = op->reg->width;
		return true;
	}
	if (cap) {
		op->cap = cap->name;
		op->extended = cap->extended;
		op->id = cap->id;
		return true;
	}
	return take_cap_number(name, op) || take_hex(name, CONFIG_SIZE - 1, &op->offset) ||
	       setpci_refuse("'%s': '%s' is no register: neither a name, as --dumpregs lists "
			     "them, nor a hexadecimal offset",
			     op->word, name);
}

static bool take_width(const char *text, struct setpci_op *op)
{
	static const char letters[] = "bw l";
	const char *at = strlen(text) == 1 ? strchr(letters, tolower((unsigned char)*text)) : NULL;

	if (!at || *at == ' ')
		return setpci_refuse("'%s': width '%s': expected B, W or L", op->word, text);
	op->width = (uint32_t)(at - letters) + 1;
	return true;
}

/* VALUE[:MASK]; a value with all the upper bits set may be a negative one. */
static bool take_value(char *text, const struct setpci_op *op, struct setpci_value *value)
{
	uint32_t ones = setpci_ones(op->width);
	char *mask = strchr(text, ':');

	if (mask)
		*mask++ = '\0';
	if (!take_part(op->word, "value", text, UINT32_MAX, &value->value))
		return false;
	if (value->value > ones && value->value < (UINT32_MAX & ~ones))
		return setpci_refuse("'%s': value '%s': at most %x", op->word, text, ones);
	value->value &= ones;
	value->mask = ones;
	if (mask && !take_part(op->word, "mask", mask, ones, &value->mask))
		return false;
	value->value &= value->mask;
	return true;
}

static bool take_values(const char *text, struct setpci_op *op)
{
	char *copy = strdup(text);
	char *rest = copy;
	size_t count = 1;
	bool good;

	for (const char *comma = strchr(text, ','); comma; comma = strchr(comma + 1, ','))
		count++;
	op->values = calloc(count, sizeof(*op->values));
	good = copy && op->values;
	if (!good)
		setpci_refuse("'%.40s': no memory", op->word);
	while (good && rest)
		good = take_value(strsep(&rest, ","), op, &op->values[op->count++]);
	free(copy);
	return good;
}

/* Is it aligned, and inside configuration space? */
static bool check_place(const struct setpci_op *op)
{
	uint32_t count = op->count ? (uint32_t)op->count : 1;

	if (!op->width)
		return setpci_refuse("'%s': say how wide it is: .B, .W or .L behind it", op->word);
	if (op->offset % op->width)
		return setpci_refuse("'%s': offset %02x is no multiple of %u", op->word, op->offset,
				     op->width);
	if (count > CONFIG_SIZE || !hws_range_ok(op->offset, count * op->width, CONFIG_SIZE))
		return setpci_refuse("'%s': configuration space ends at %x", op->word, CONFIG_SIZE);
	return true;
}

/* NAME[+OFFSET][.WIDTH][@NUMBER] */
static bool take_place(char *name, struct setpci_op *op)
{
	char *number = strchr(name, '@');
	char *width;
	char *plus;
	uint32_t add = 0;

	if (number)
		*number++ = '\0';
	width = strchr(name, '.');
	if (width)
		*width++ = '\0';
	plus = strchr(name, '+');
	if (plus)
		*plus++ = '\0';
	if (!take_name(name, op) || (width && !take_width(width, op)))
		return false;
	if (plus && !take_part(op->word, "offset", plus, CONFIG_SIZE - 1, &add))
		return false;
	op->offset += add;
	return !number || take_part(op->word, "number", number, UINT32_MAX, &op->number);
}

bool setpci_parse(const char *word, struct setpci_op *ret_op)
{
	const char *equals = strchr(word, '=');
	size_t length = equals ? (size_t)(equals - word) : strlen(word);
	struct setpci_op op = { .word = word };
	char name[WORD];
	bool good;

	if (length >= sizeof(name))
		return setpci_refuse("'%.40s...' is no register", word);
	memcpy(name, word, length);
	name[length] = '\0';
	good = take_place(name, &op);
	/* without a width no value can be told to be too great */
	if (good && equals && op.width)
		good = take_values(equals + 1, &op);
	good = good && check_place(&op);
	*ret_op = op;
	return good;
}
