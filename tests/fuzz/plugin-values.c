/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Lists of named values that lie in any way: taken whole and checked, or refused. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "shim/plugin-isolate-internal.h"
#include "tests/fuzz/fuzz.h"

enum { VALUES = 6, CONTENT = 128 };

static char content[CONTENT];
static char flat[1 << 14];

/* Nowhere, nothing, or somewhere in what the input gave. */
static const void *pointer(struct fuzz *input)
{
	uint64_t how = fuzz_number(input, 1);

	if (how == 0xff)
		return (const void *)(uintptr_t)8;
	return how == 0xfe ? NULL : content + how % CONTENT;
}

static void make_value(struct fuzz *input, struct hws_value *value)
{
	uint64_t how = fuzz_number(input, 1);

	*value = (struct hws_value) {
		.struct_size = how & 0x80 ? (size_t)fuzz_odd_number(input) : sizeof(*value),
		.name = pointer(input),
		.type = how & 0x40 ? (uint32_t)fuzz_odd_number(input)
				   : (uint32_t)(how % HWS_VALUE_TYPES),
		.count = how & 0x20 ? fuzz_odd_number(input) : 1,
	};
	if (value->type == HWS_VALUE_STRING || value->type == HWS_VALUE_INTS)
		value->as.string = pointer(input);
	else
		value->as.integer = (int64_t)fuzz_number(input, 1);
}

static void look(const struct hws_values *values)
{
	for (uint64_t i = 0; i < values->count; i++) {
		const struct hws_value *value = &values->at[i];

		fuzz_must(value->struct_size == sizeof(*value));
		fuzz_must(value->type > HWS_VALUE_NONE && value->type < HWS_VALUE_TYPES);
		fuzz_must(value->count <= HWS_VALUE_MOST);
		fuzz_must(value->type != HWS_VALUE_BOOL || value->as.boolean <= 1);
		fuzz_must(value->name[0]);
		/* each name once */
		fuzz_must(hws_value_find(values, value->name) == value);
	}
}

/* What was taken goes through another process's window and is the same. */
static void pack(const struct hws_values *values)
{
	struct hws_values *again;
	uint64_t size;

	if (flat_pack(values, flat, sizeof(flat), &size) < 0)
		return;
	fuzz_must(flat_unpack(flat, (size_t)size, &again) == 0);
	fuzz_must(again->count == values->count);
	for (uint64_t i = 0; i < values->count; i++) {
		fuzz_must(again->at[i].type == values->at[i].type);
		fuzz_must(again->at[i].count == values->at[i].count);
		fuzz_must(strcmp(again->at[i].name, values->at[i].name) == 0);
	}
	look(again);
	plugin_free_values(again);
}

/* The input as such a window, which the other process may have filled with anything. */
static void unpack(const struct fuzz *input)
{
	struct hws_values *values;

	if (flat_unpack((const char *)input->at, input->left, &values) == 0) {
		look(values);
		plugin_free_values(values);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fuzz input = { data, size };
	struct hws_value values[VALUES];
	struct hws_values list = { .at = values };
	struct hws_values *copy;
	uint64_t how = fuzz_number(&input, 1);
	int r;

	list.count = how & 0x80 ? fuzz_odd_number(&input) : how % (VALUES + 1);
	if (how == 0x7f)
		list.at = NULL;
	for (int i = 0; i < VALUES; i++)
		make_value(&input, &values[i]);
	memset(content, 0, sizeof(content));
	memcpy(content, input.at, input.left < CONTENT ? input.left : CONTENT);
	/* one past the array is not the input's: no more than there are, or more than may be */
	if (list.count > VALUES && list.count <= HWS_VALUES_MOST)
		list.count = VALUES;
	r = plugin_copy_values(&list, &copy);
	fuzz_must(r == 0 || r == -EPROTO || r == -EFAULT || r == -ENAMETOOLONG);
	if (r == 0) {
		fuzz_must(copy->count == list.count);
		look(copy);
		pack(copy);
		plugin_free_values(copy);
	}
	unpack(&input);
	return 0;
}
