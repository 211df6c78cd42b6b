/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What a word of any description can mean. */
#include <string.h>

#include "shim/text-internal.h"

static const char digits[] = "0123456789abcdef";

bool text_is(const struct text_word *word, const char *text)
{
	return word->length == strlen(text) && !memcmp(word->text, text, word->length);
}

unsigned int text_digit(char character, unsigned int base)
{
	char lower = character >= 'A' && character <= 'F' ? (char)(character + 32) : character;
	const char *at = character ? strchr(digits, lower) : NULL;

	return at ? (unsigned int)(at - digits) : base;
}

bool text_digits(const char **at, const char *end, unsigned int base, uint64_t *ret_number)
{
	const char *begin = *at;
	uint64_t number = 0;

	for (; *at < end; ++*at) {
		unsigned int next = text_digit(**at, base);

		if (next >= base)
			break;
		if (__builtin_mul_overflow(number, base, &number) ||
		    __builtin_add_overflow(number, next, &number))
			return false;
	}
	*ret_number = number;
	return *at > begin;
}

/* A number in C's notation; 010 is refused: it reads as eight or as ten. */
static bool read_number(const char **at, const char *end, uint64_t *ret_number)
{
	bool zero = end - *at >= 2 && **at == '0';

	if (zero && (*at)[1] == 'x') {
		*at += 2;
		return text_digits(at, end, 16, ret_number);
	}
	if (zero && text_digit((*at)[1], 10) < 10)
		return false;
	return text_digits(at, end, 10, ret_number);
}

struct unit {
	const char *name;
	uint64_t factor;
};

/* A number with one of @units (until a NULL name) behind it, in the field's limits. */
static bool read_quantity(const struct text_field *field, const struct text_word *word,
			  const struct unit *units, uint64_t *ret_number)
{
	const char *at = word->text;
	const char *end = at + word->length;
	size_t left;
	uint64_t number;

	if (!read_number(&at, end, &number))
		return false;
	left = (size_t)(end - at);
	while (units->name && (strlen(units->name) != left || memcmp(units->name, at, left) != 0))
		units++;
	if (!units->name || __builtin_mul_overflow(number, units->factor, &number) ||
	    number < field->min || number > field->max)
		return false;
	*ret_number = number;
	return true;
}

bool word_number(const struct text_field *field, const struct text_word *word,
		 struct text_value *ret_value)
{
	static const struct unit units[] = { { "", 1 }, { NULL, 0 } };

	return read_quantity(field, word, units, &ret_value->number);
}

bool word_size(const struct text_field *field, const struct text_word *word,
	       struct text_value *ret_value)
{
	static const struct unit units[] = {
		{ "", 1 }, { "K", 1 << 10 }, { "M", 1 << 20 }, { "G", 1 << 30 }, { NULL, 0 }
	};

	return read_quantity(field, word, units, &ret_value->number);
}

bool word_duration(const struct text_field *field, const struct text_word *word,
		   struct text_value *ret_value)
{
	static const struct unit units[] = {
		{ "ns", 1 }, { "us", 1000 }, { "ms", 1000000 }, { NULL, 0 }
	};

	return read_quantity(field, word, units, &ret_value->number);
}

bool word_string(const struct text_field *field, const struct text_word *word,
		 struct text_value *ret_value)
{
	(void)ret_value;
	return word->length >= field->min && word->length <= field->max;
}

bool word_choice(const struct text_field *field, const struct text_word *word,
		 struct text_value *ret_value)
{
	for (uint64_t i = 0; field->choices[i]; i++) {
		if (text_is(word, field->choices[i])) {
			ret_value->number = i;
			return true;
		}
	}
	return false;
}

bool word_id(const struct text_field *field, const struct text_word *word,
	     struct text_value *ret_value)
{
	const char *at = word->text;

	(void)field;
	return word->length == 9 && text_digits(&at, word->text + 4, 16, &ret_value->number) &&
	       at == word->text + 4 && *at++ == ':' &&
	       text_digits(&at, word->text + 9, 16, &ret_value->second) && at == word->text + 9;
}
