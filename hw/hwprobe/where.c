/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "hw/hwprobe/where.h"

#include <string.h>

enum { PART = 32, BITS = 64 };

bool where_part(const char *what, const char **at, const char *ends, char *part, size_t size)
{
	const char *begin = *at;
	size_t length = strcspn(begin, ends);

	*at = begin + length;
	if (length >= size) {
		args_refuse("%s '%.*s...': too long", what, (int)size, begin);
		return false;
	}
	memcpy(part, begin, length);
	part[length] = '\0';
	return true;
}

bool where_bits(const char *text, struct where *where)
{
	const char *at = text;
	char high[PART];
	uint64_t hi;
	uint64_t lo;

	if (!strchr(text, ':')) {
		args_refuse("bits '%s': expected HI:LO", text);
		return false;
	}
	if (!where_part("bits", &at, ":", high, sizeof(high)) ||
	    !args_number("bit", high, BITS - 1, &hi) || !args_number("bit", at + 1, BITS - 1, &lo))
		return false;
	if (lo > hi) {
		args_refuse("bits '%s': the higher one comes first", text);
		return false;
	}
	where->low = (uint32_t)lo;
	where->mask = UINT64_MAX >> (BITS - 1 - (hi - lo)) << lo;
	return true;
}

/* The '-' or '+' at *@at, and its number. */
static bool take_end(const char *what, const char *text, const char **at, uint64_t max,
		     struct where *where)
{
	bool counts = **at == '+';
	char part[PART];
	uint64_t number;

	++*at;
	if (!where_part(what, at, ".:", part, sizeof(part)) ||
	    !args_number(counts ? "length" : what, part, max, &number))
		return false;
	/* a length turns into the last address */
	if (counts && number && number - 1 <= max - where->first)
		number += where->first - 1;
	else if (counts || number < where->first) {
		args_refuse("%s '%s': nothing lies there", what, text);
		return false;
	}
	where->last = number;
	return true;
}

/* What stands behind the first number. */
static bool take_rest(const char *what, const char *text, const char *at, uint64_t max,
		      struct where *where)
{
	char part[PART];

	if ((*at == '-' || *at == '+') && !take_end(what, text, &at, max, where))
		return false;
	if (*at == '.') {
		at++;
		if (!where_part("width", &at, ":", part, sizeof(part)) ||
		    !spot_width(part, &where->width))
			return false;
	}
	return *at != ':' || where_bits(at + 1, where);
}

bool where_take(const char *what, const char *text, uint64_t max, struct where *ret_where)
{
	struct where where = { 0 };
	const char *at = text;
	char part[PART];
	size_t mark;
	bool good;

	/* a word that begins with one of these has no number */
	if (!where_part(what, &at, "-+.:", part, sizeof(part)) ||
	    !args_number(what, at == text ? text : part, max, &where.first))
		return false;
	where.last = where.first;
	mark = *at ? say_begin(text) : strlen(say_place);
	good = take_rest(what, text, at, max, &where);
	say_end(mark);
	if (good)
		*ret_where = where;
	return good;
}

bool where_settle(const char *text, uint32_t width, struct where *where)
{
	where->width = width;
	if (where->last == where->first)
		where->last = where->first + width - 1;
	if ((where->last - where->first + 1) % width) {
		args_refuse("'%s': that is no multiple of %u bytes", text, width);
		return false;
	}
	if (width < sizeof(where->mask) && where->mask >> 8 * width) {
		args_refuse("'%s': there are only %u bits", text, 8 * width);
		return false;
	}
	return true;
}
