/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Which devices a rule means. */
#include "guardian/policy-parse-internal.h"

#include <string.h>

/* A part of a device's name: as many hexadecimal digits, up to a largest value, or *. */
struct part {
	unsigned int least; /* digits */
	unsigned int most;
	uint64_t max;
	char end; /* what stands behind it; '\0': the word's end */
};

/* Reads a part, moves *at behind its end; *ret_known is false for "*". */
static bool read_part(const char **at, const char *end, const struct part *part,
		      uint64_t *ret_value, bool *ret_known)
{
	static const char hex[] = "0123456789abcdef";
	const char *c = *at;
	unsigned int digits = 0;

	*ret_value = 0;
	*ret_known = c == end || *c != '*';
	if (!*ret_known)
		c++;
	for (; *ret_known && c < end; c++, digits++) {
		char lower = (char)(*c >= 'A' && *c <= 'F' ? *c | 0x20 : *c);
		const char *digit = strchr(hex, lower);

		if (!digit || digits > part->most)
			break;
		*ret_value = *ret_value << 4 | (uint64_t)(digit - hex);
	}
	if (*ret_known && (digits < part->least || digits > part->most || *ret_value > part->max))
		return false;
	if (part->end && (c == end || *c != part->end))
		return false;
	*at = part->end ? c + 1 : c;
	return part->end || c == end;
}

/* Reads @count parts, first the highest; packs them into a value of @bits each. */
static bool read_parts(const struct token *t, const struct part *parts, const unsigned int *bits,
		       size_t count, struct policy_device *ret_device)
{
	struct policy_device device = { 0, 0 };
	const char *at = t->at;

	for (size_t i = 0; i < count; i++) {
		uint64_t value;
		bool known;

		if (!read_part(&at, t->at + t->length, &parts[i], &value, &known))
			return false;
		device.value = device.value << bits[i] | value;
		device.shape = device.shape << 1 | known;
	}
	*ret_device = device;
	return true;
}

/* 0000:00:03.0, each part may be a *; 00:03.0 is in domain 0. */
static bool read_bdf(const struct token *t, struct policy_device *ret_device)
{
	static const struct part parts[] = {
		{ 1, 8, UINT32_MAX, ':' }, { 1, 2, 0xff, ':' }, { 1, 2, 31, '.' }, { 1, 1, 7, '\0' }
	};
	static const unsigned int bits[] = { 0, 8, 5, 3 };

	if (!read_parts(t, parts, bits, COUNT(parts), ret_device)) {
		if (!read_parts(t, parts + 1, bits + 1, COUNT(parts) - 1, ret_device))
			return false;
		ret_device->shape |= 8;
	}
	if (ret_device->shape)
		ret_device->shape += SHAPE_BDF;
	return true;
}

/* 1234:11e8, each may be a *; the shape has the device's bit above the vendor's. */
static bool read_id(const struct token *t, struct policy_device *ret_device)
{
	static const struct part parts[] = { { 4, 4, 0xffff, ':' }, { 4, 4, 0xffff, '\0' } };
	static const unsigned int bits[] = { 0, 16 };

	return read_parts(t, parts, bits, COUNT(parts), ret_device);
}

/* 0x0c, 0x0c05, 0x0c0500; xx stands for any two digits at the end. */
static bool read_class(const struct token *t, struct policy_device *ret_device)
{
	static const struct part part = { 2, 6, 0xffffff, '\0' };
	size_t length = t->length;
	const char *at = t->at + 2;
	unsigned int bytes;
	uint64_t value;
	bool known;

	if (t->kind != TOKEN_WORD || length < 4 || t->at[0] != '0' || t->at[1] != 'x')
		return false;
	for (; length == 6 || length == 8; length -= 2) {
		if (memcmp(t->at + length - 2, "xx", 2) != 0)
			break;
	}
	if (length % 2 || !read_part(&at, t->at + length, &part, &value, &known) || !known)
		return false;
	bytes = (unsigned int)(length - 2) / 2;
	*ret_device = (struct policy_device) { SHAPE_CLASS + bytes - 1, value << (24 - 8 * bytes) };
	return true;
}

bool parse_device(struct policy_parser *p, struct policy_device *ret_device)
{
	const struct token *t = &p->token;

	if (token_is(t, "class")) {
		if (!lex_next(p))
			return false;
		if (!read_class(t, ret_device))
			return parse_expected(p, "a class such as 0x0c05, 0x0c0500 or 0x0c05xx");
		return lex_next(p);
	}
	if (token_is(t, "*"))
		*ret_device = (struct policy_device) { SHAPE_ANY, 0 };
	else if (t->kind != TOKEN_WORD || !(read_bdf(t, ret_device) || read_id(t, ret_device)))
		return parse_expected(p,
				      "a device: 0000:00:03.0, 1234:11e8 (each part may be a *), "
				      "class 0x0c05, or *");
	return lex_next(p);
}
