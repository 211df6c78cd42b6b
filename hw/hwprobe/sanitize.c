/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "hw/hwprobe/sanitize.h"

#include <ctype.h>
#include <string.h>

enum {
	EXTENDED = 0x100, /* where extended capabilities begin (PCIe 6.0 §7.6.1) */
	CAPS = 480,	  /* as many as fit */
	SERIAL = 3,	  /* the device serial number (PCIe 6.0 §7.9.3) … */
	NUMBER = 4,	  /* … from where in its capability on … */
	NUMBER_END = 12,  /* … to where */
};

void sanitize_config(uint8_t *bytes, uint32_t size)
{
	uint32_t at = EXTENDED;

	/* what links say may be nonsense, and lead in circles: no more of them than fit */
	for (int i = 0; i < CAPS && at >= EXTENDED && hws_range_ok(at, 4, size); i++) {
		uint32_t id = bytes[at] | (uint32_t)bytes[at + 1] << 8;

		for (uint32_t n = at + NUMBER; id == SERIAL && n < at + NUMBER_END && n < size; n++)
			bytes[n] = 0;
		at = ((uint32_t)bytes[at + 2] >> 4 | (uint32_t)bytes[at + 3] << 4) & ~3u;
	}
}

bool sanitize_register(const struct hws_register *reg)
{
	return reg->space == HWS_SPACE_EXTENDED && reg->which == SERIAL && reg->offset >= NUMBER;
}

void sanitize_cpuinfo(char *text)
{
	char *at = strstr(text, "\nSerial");

	if (!at)
		return;
	for (at += strcspn(at, ":"); *at && *at != '\n'; at++)
		*at = isxdigit((unsigned char)*at) ? '0' : *at;
}
