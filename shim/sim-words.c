/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What a word of a description can mean. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "shim/sim-parse-internal.h"

static const char digits[] = "0123456789abcdef";

static bool is(const struct sim_word *word, const char *text)
{
	return word->length == strlen(text) && !memcmp(word->text, text, word->length);
}

/* The value of one digit; @base or more for anything else. */
static unsigned int digit(char character, unsigned int base)
{
	char lower = character >= 'A' && character <= 'F' ? (char)(character + 32) : character;
	const char *at = character ? strchr(digits, lower) : NULL;

	return at ? (unsigned int)(at - digits) : base;
}

/* Digits from *at on; moves *at behind them. False: none, or too large. */
static bool read_digits(const char **at, const char *end, unsigned int base, uint64_t *ret_number)
{
	const char *begin = *at;
	uint64_t number = 0;

	for (; *at < end; ++*at) {
		unsigned int next = digit(**at, base);

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
		return read_digits(at, end, 16, ret_number);
	}
	if (zero && digit((*at)[1], 10) < 10)
		return false;
	return read_digits(at, end, 10, ret_number);
}

struct unit {
	const char *name;
	uint64_t factor;
};

/* A number with one of @units (until a NULL name) behind it, in the field's limits. */
static bool read_quantity(const struct sim_field *field, const struct sim_word *word,
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

bool sim_number(const struct sim_field *field, const struct sim_word *word,
		struct sim_value *ret_value)
{
	static const struct unit units[] = { { "", 1 }, { NULL, 0 } };

	return read_quantity(field, word, units, &ret_value->number);
}

bool sim_size(const struct sim_field *field, const struct sim_word *word,
	      struct sim_value *ret_value)
{
	static const struct unit units[] = {
		{ "", 1 }, { "K", 1 << 10 }, { "M", 1 << 20 }, { "G", 1 << 30 }, { NULL, 0 }
	};

	return read_quantity(field, word, units, &ret_value->number);
}

bool sim_duration(const struct sim_field *field, const struct sim_word *word,
		  struct sim_value *ret_value)
{
	static const struct unit units[] = {
		{ "ns", 1 }, { "us", 1000 }, { "ms", 1000000 }, { NULL, 0 }
	};

	return read_quantity(field, word, units, &ret_value->number);
}

bool sim_string(const struct sim_field *field, const struct sim_word *word,
		struct sim_value *ret_value)
{
	(void)ret_value;
	return word->length >= field->min && word->length <= field->max;
}

bool sim_choice(const struct sim_field *field, const struct sim_word *word,
		struct sim_value *ret_value)
{
	for (uint64_t i = 0; field->choices[i]; i++) {
		if (is(word, field->choices[i])) {
			ret_value->number = i;
			return true;
		}
	}
	return false;
}

bool sim_subleaf(const struct sim_field *field, const struct sim_word *word,
		 struct sim_value *ret_value)
{
	if (!is(word, "any"))
		return sim_number(field, word, ret_value);
	ret_value->number = UINT64_MAX;
	return true;
}

bool sim_bdf(const struct sim_field *field, const struct sim_word *word,
	     struct sim_value *ret_value)
{
	char text[HWS_BDF_TEXT];
	struct hws_bdf bdf;

	(void)field;
	if (word->length >= sizeof(text))
		return false;
	memcpy(text, word->text, word->length);
	text[word->length] = '\0';
	if (hws_bdf_parse(text, &bdf) < 0)
		return false;
	ret_value->number = sim_bdf_order(bdf);
	return true;
}

bool sim_id(const struct sim_field *field, const struct sim_word *word, struct sim_value *ret_value)
{
	const char *at = word->text;

	(void)field;
	return word->length == 9 && read_digits(&at, word->text + 4, 16, &ret_value->number) &&
	       at == word->text + 4 && *at++ == ':' &&
	       read_digits(&at, word->text + 9, 16, &ret_value->second) && at == word->text + 9;
}

/* "3" or "0-3", as bits. */
static bool read_range(const char **at, const char *end, uint64_t *ret_bits)
{
	uint64_t first;
	uint64_t last;

	if (!read_digits(at, end, 10, &first))
		return false;
	last = first;
	if (*at < end && **at == '-') {
		++*at;
		if (!read_digits(at, end, 10, &last))
			return false;
	}
	if (first > last || last >= SIM_CPUS)
		return false;
	*ret_bits = ((UINT64_C(2) << (last - first)) - 1) << first;
	return true;
}

bool sim_cpus(const struct sim_field *field, const struct sim_word *word,
	      struct sim_value *ret_value)
{
	const char *at = word->text;
	const char *end = at + word->length;
	uint64_t bits;

	(void)field;
	ret_value->number = 0;
	ret_value->second = is(word, "all");
	if (ret_value->second)
		return true;
	while (read_range(&at, end, &bits)) {
		ret_value->number |= bits;
		if (at == end)
			return true;
		if (*at++ != ',')
			return false;
	}
	return false;
}

bool sim_time(const struct sim_field *field, const struct sim_word *word,
	      struct sim_value *ret_value)
{
	static const char shape[] = "dddd-dd-ddTdd:dd:dd";
	char text[sizeof(shape)] = "";
	struct tm given = { 0 };
	struct tm real;
	time_t seconds;

	(void)field;
	ret_value->second = is(word, "real");
	if (ret_value->second)
		return true;
	if (word->length != sizeof(shape) - 1)
		return false;
	memcpy(text, word->text, word->length);
	for (size_t i = 0; i < word->length; i++) {
		if (shape[i] == 'd' ? digit(text[i], 10) >= 10 : text[i] != shape[i])
			return false;
	}
	sscanf(text, "%d-%d-%dT%d:%d:%d", &given.tm_year, &given.tm_mon, &given.tm_mday,
	       &given.tm_hour, &given.tm_min, &given.tm_sec);
	given.tm_year -= 1900;
	given.tm_mon -= 1;
	real = given;
	seconds = timegm(&real); /* moves a 30th of February into March: then it was none */
	ret_value->number = (uint64_t)seconds;
	return real.tm_mon == given.tm_mon && real.tm_mday == given.tm_mday &&
	       real.tm_hour == given.tm_hour && real.tm_min == given.tm_min &&
	       real.tm_sec == given.tm_sec;
}
