/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The statements that give configuration space byte by byte. */
#include <string.h>

#include "shim/sim-parse-internal.h"

enum { AT, LIST };

#define BYTES_FIELD                                                              \
	{                                                                        \
		NULL, word_number, "bytes from 0 to 0xff", 0, 0xff, .rest = true \
	}

static void copy_bytes(uint8_t *target, const struct text_field *field,
		       const struct text_value *list)
{
	for (uint64_t i = 0; i < list->number; i++) {
		struct text_value byte;

		(void)word_number(field, list->word + i, &byte);
		target[i] = (uint8_t)byte.number;
	}
}

/* bytes OFFSET BYTE… */
static const struct text_field bytes_fields[] = {
	[AT] = { NULL, word_number, "an offset from 0x40 to 0xfff", SIM_HEADER,
		 SIM_CONFIG_PCIE - 1 },
	[LIST] = BYTES_FIELD,
};

static void apply_bytes(struct text_parser *text, const struct text_value *values)
{
	struct sim_parser *parser = (struct sim_parser *)text;
	struct sim_function *function = parser->function;
	uint32_t at = (uint32_t)values[AT].number;
	size_t count = (size_t)values[LIST].number;

	if (function->exact) {
		text_error(&parser->text, values[AT].word, TEXT_EXPECT_NO_OVERLAP);
		return;
	}
	if (!hws_range_ok(at, count, function->config_size)) {
		text_error(&parser->text, values[AT].word, "bytes that end below 0x%x%s",
			   function->config_size,
			   function->config_size == SIM_CONFIG ? ", or 'cap pcie' before them"
							       : "");
		return;
	}
	if (memchr(function->taken + at, true, count)) {
		text_error(&parser->text, values[AT].word, TEXT_EXPECT_NO_OVERLAP);
		return;
	}
	memset(function->taken + at, true, count);
	copy_bytes(function->config + at, &bytes_fields[LIST], &values[LIST]);
}

/* config OFFSET BYTE… */
static const struct text_field config_fields[] = {
	[AT] = { NULL, word_number, "an offset from 0 to 0xfff", 0, SIM_CONFIG_PCIE - 1 },
	[LIST] = BYTES_FIELD,
};

/* Nothing else may describe the space from now on: what stood there goes. */
static bool begin_config(struct sim_function *function)
{
	for (uint32_t bar = 0; bar < SIM_BARS; bar++)
		if (function->bars[bar])
			return false;
	function->exact = true;
	function->config_size = 0;
	memset(function->config, 0, sizeof(function->config));
	memset(function->writable, 0, sizeof(function->writable));
	memset(function->clearable, 0, sizeof(function->clearable));
	memset(function->taken, true, sizeof(function->taken));
	return true;
}

static void apply_config(struct text_parser *text, const struct text_value *values)
{
	struct sim_parser *parser = (struct sim_parser *)text;
	struct sim_function *function = parser->function;
	uint32_t at = (uint32_t)values[AT].number;
	uint64_t count = values[LIST].number;
	uint32_t next = function->exact ? function->config_size : 0;

	if (at != next || !hws_range_ok(at, count, SIM_CONFIG_PCIE)) {
		text_error(&parser->text, values[AT].word,
			   "0x%x, where the last line ended, and bytes that end below 0x1000",
			   next);
		return;
	}
	if (at == 0 && !begin_config(function)) {
		text_error(&parser->text, values[AT].word, "it before any BAR");
		return;
	}
	function->config_size += (uint32_t)count;
	copy_bytes(function->config + at, &config_fields[LIST], &values[LIST]);
}

const struct text_statement sim_says_bytes = { "bytes",	   SIM_IN_PCI,	 0,
					       "pci",	   bytes_fields, TEXT_COUNT(bytes_fields),
					       apply_bytes };
const struct text_statement sim_says_config = {
	"config", SIM_IN_PCI, 0, "pci", config_fields, TEXT_COUNT(config_fields), apply_config
};
