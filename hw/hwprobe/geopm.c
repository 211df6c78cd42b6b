/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "hw/hwprobe/geopm.h"

#include <errno.h>
#include <string.h>

/* What embed.sh made of geopm.regs. */
extern const char registers_geopm[];

struct hws_registers *geopm_names(void)
{
	struct hws_registers *names;

	return hws_registers_parse("geopm", registers_geopm, NULL, NULL, &names) < 0 ? NULL : names;
}

static int find_field(const struct hws_registers *names, uint32_t index, const char *text,
		      struct geopm_name *name)
{
	struct hws_field field;

	for (uint32_t i = 0; hws_registers_field_at(names, index, i, &field) == 0; i++) {
		if (strcmp(field.name, text) != 0)
			continue;
		name->low = field.low;
		name->mask = UINT64_MAX >> (63 - (field.high - field.low)) << field.low;
		name->read_only = field.attribute == HWS_ATTRIBUTE_RO;
		return 0;
	}
	return -ENOENT;
}

int geopm_find(const struct hws_registers *names, const char *text, struct geopm_name *ret_name)
{
	const char *field = strchr(text, ':');
	struct geopm_name name = { .mask = UINT64_MAX };
	struct hws_register reg;
	char word[64];
	uint32_t index;
	int r;

	snprintf(word, sizeof(word), "%.*s", field ? (int)(field - text) : (int)sizeof(word) - 1,
		 text);
	r = hws_registers_find(names, word, &index);
	r = r < 0 ? r : hws_registers_at(names, index, &reg);
	if (r < 0)
		return r;
	name.number = (uint32_t)reg.offset;
	name.read_only = reg.attribute == HWS_ATTRIBUTE_RO;
	r = field ? find_field(names, index, field + 1, &name) : 0;
	if (r == 0)
		*ret_name = name;
	return r;
}
