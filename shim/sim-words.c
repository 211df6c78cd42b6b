/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What else a word of a machine's description can mean. */
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "shim/sim-parse-internal.h"

bool sim_subleaf(const struct text_field *field, const struct text_word *word,
		 struct text_value *ret_value)
{
	if (!text_is(word, "any"))
		return word_number(field, word, ret_value);
	ret_value->number = UINT64_MAX;
	return true;
}

bool sim_bdf(const struct text_field *field, const struct text_word *word,
	     struct text_value *ret_value)
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

/* "3" or "0-3", as bits. */
static bool read_range(const char **at, const char *end, uint64_t *ret_bits)
{
	uint64_t first;
	uint64_t last;

	if (!text_digits(at, end, 10, &first))
		return false;
	last = first;
	if (*at < end && **at == '-') {
		++*at;
		if (!text_digits(at, end, 10, &last))
			return false;
	}
	if (first > last || last >= SIM_CPUS)
		return false;
	*ret_bits = ((UINT64_C(2) << (last - first)) - 1) << first;
	return true;
}

bool sim_cpus(const struct text_field *field, const struct text_word *word,
	      struct text_value *ret_value)
{
	const char *at = word->text;
	const char *end = at + word->length;
	uint64_t bits;

	(void)field;
	ret_value->number = 0;
	ret_value->second = text_is(word, "all");
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

bool sim_time(const struct text_field *field, const struct text_word *word,
	      struct text_value *ret_value)
{
	static const char shape[] = "dddd-dd-ddTdd:dd:dd";
	char text[sizeof(shape)] = "";
	struct tm given = { 0 };
	struct tm real;
	time_t seconds;

	(void)field;
	ret_value->second = text_is(word, "real");
	if (ret_value->second)
		return true;
	if (word->length != sizeof(shape) - 1)
		return false;
	memcpy(text, word->text, word->length);
	for (size_t i = 0; i < word->length; i++) {
		if (shape[i] == 'd' ? text_digit(text[i], 10) >= 10 : text[i] != shape[i])
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
