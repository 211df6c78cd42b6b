/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Lists of named values: copied whole into one piece of memory that is ours. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "shim/plugin-internal.h"
#include "shim/why-internal.h"

enum { NAME = 64, FIRST_SIZE = sizeof(struct hws_value) };

/* What one value of a kind takes behind its struct. */
static const struct {
	uint32_t each; /* bytes; 0: it has none, and count is 1 */
} kinds[HWS_VALUE_TYPES] = {
	[HWS_VALUE_STRING] = { 1 },
	[HWS_VALUE_INTS] = { sizeof(int64_t) },
};

struct copy {
	struct hws_values head;
	struct hws_value values[HWS_VALUES_MOST];
};

static int read_value(const char *from, struct hws_value *value)
{
	int r = plugin_read_struct("a value", from, value, sizeof(*value), FIRST_SIZE);

	if (r < 0)
		return r;
	if (value->type == HWS_VALUE_NONE || value->type >= HWS_VALUE_TYPES)
		return why(-EPROTO, "a value is of kind %u, which there isn't", value->type);
	if (kinds[value->type].each ? value->count > HWS_VALUE_MOST : value->count != 1)
		return why(-EPROTO, "a value says it has %llu elements",
			   (unsigned long long)value->count);
	if (value->type == HWS_VALUE_BOOL && value->as.boolean > 1)
		return why(-EPROTO, "a truth is %u", value->as.boolean);
	value->struct_size = sizeof(*value);
	return 0;
}

/* Content and name get a place of their own. */
static int take_content(struct hws_value *value)
{
	size_t size = (size_t)value->count * kinds[value->type].each;
	char name[NAME];
	char *own;
	int r = plugin_read_string("a value's name", value->name, name, sizeof(name));

	if (r < 0)
		return r;
	if (!name[0])
		return why(-EPROTO, "a value has no name");
	/* the numbers come first: they must be aligned */
	own = malloc(size + 1 + strlen(name) + 1);
	if (!own)
		return why(-ENOMEM, "no memory for a value");
	if (size)
		r = plugin_read("a value's content", value->as.string, own, size);
	if (r < 0) {
		free(own);
		return r;
	}
	own[size] = '\0';
	value->name = strcpy(own + size + 1, name);
	if (kinds[value->type].each)
		value->as.string = own;
	return 0;
}

static char *content_of(const struct hws_value *value)
{
	size_t size = (size_t)value->count * kinds[value->type].each;

	return (char *)(uintptr_t)value->name - size - 1;
}

void plugin_free_values(struct hws_values *values)
{
	for (uint64_t i = 0; values && i < values->count; i++)
		free(content_of(&values->at[i]));
	free(values);
}

static int take_values(const struct hws_values *from, struct copy *copy)
{
	const char *at = (const char *)from->at;
	size_t stride = 0;

	copy->head.at = copy->values;
	for (uint64_t i = 0; i < from->count; i++) {
		struct hws_value *value = &copy->values[i];
		size_t size;
		int r = plugin_read("a value", at, &size, sizeof(size));

		r = r < 0 ? r : read_value(at, value);
		if (r == 0 && stride && size != stride)
			r = why(-EPROTO, "values of one list differ in size");
		r = r < 0 ? r : take_content(value);
		if (r < 0)
			return r;
		copy->head.count++;
		for (uint64_t j = 0; j < i; j++)
			if (strcmp(copy->values[j].name, value->name) == 0)
				return why(-EPROTO, "two values are called '%s'", value->name);
		stride = size;
		at += stride;
	}
	return 0;
}

int plugin_copy_values(const struct hws_values *from, struct hws_values **ret_values)
{
	struct copy *copy;
	int r;

	if (from->count > HWS_VALUES_MOST)
		return why(-EPROTO, "a list says it has %llu values, of %d at most",
			   (unsigned long long)from->count, HWS_VALUES_MOST);
	if (from->count && !from->at)
		return why(-EPROTO, "a list of %llu values is NULL",
			   (unsigned long long)from->count);
	copy = calloc(1, sizeof(*copy));
	if (!copy)
		return why(-ENOMEM, "no memory for values");
	r = take_values(from, copy);
	if (r < 0)
		plugin_free_values(&copy->head);
	else
		*ret_values = &copy->head;
	return r;
}
