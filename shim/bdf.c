/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "shim/shim.h"

/* One hexadecimal field of 1 to @digits digits, not above @max; moves *text behind it. */
static bool field(const char **text, unsigned int digits, uint32_t max, uint32_t *ret_value)
{
	uint32_t value = 0;
	unsigned int n = 0;

	for (; n < digits; n++) {
		static const char hex[] = "0123456789abcdefABCDEF";
		const char *at = **text ? strchr(hex, **text) : NULL;

		if (!at)
			break;
		value = value << 4 | (uint32_t)(at - hex >= 16 ? at - hex - 6 : at - hex);
		++*text;
	}
	if (n == 0 || value > max)
		return false;
	*ret_value = value;
	return true;
}

static bool sign(const char **text, char wanted)
{
	if (**text != wanted)
		return false;
	++*text;
	return true;
}

int hws_bdf_parse(const char *text, struct hws_bdf *ret_bdf)
{
	uint32_t domain = 0;
	uint32_t bus;
	uint32_t device;
	uint32_t function;
	const char *first = text ? strchr(text, ':') : NULL;
	bool with_domain = first && strchr(first + 1, ':');

	if (!first)
		return -EINVAL;
	if (with_domain && !(field(&text, 8, UINT32_MAX, &domain) && sign(&text, ':')))
		return -EINVAL;
	if (!field(&text, 2, 0xff, &bus) || !sign(&text, ':') || !field(&text, 2, 31, &device) ||
	    !sign(&text, '.') || !field(&text, 1, 7, &function) || *text)
		return -EINVAL;
	*ret_bdf = (struct hws_bdf) {
		.domain = domain,
		.bus = (uint8_t)bus,
		.device = (uint8_t)device,
		.function = (uint8_t)function,
	};
	return 0;
}

const char *hws_bdf_format(struct hws_bdf bdf, char text[HWS_BDF_TEXT])
{
	snprintf(text, HWS_BDF_TEXT, "%04x:%02x:%02x.%x", bdf.domain, bdf.bus, bdf.device,
		 bdf.function);
	return text;
}
