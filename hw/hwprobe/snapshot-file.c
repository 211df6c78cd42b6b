/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A snapshot as a document, and back: a file is anybody's, and every word of it is checked. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "hw/hwprobe/snapshot.h"

enum { LARGEST = 64 << 20 };

static struct json_object *item_json(const struct item *item)
{
	const struct hws_access *where = &item->where;
	struct json_object *o = json_object_new_object();
	unsigned int digits = 2 * where->width;
	char bdf[HWS_BDF_TEXT];
	char device[16];

	put_text(o, "kind", hws_kind_name(where->kind));
	put_text(o, "address",
		 where->kind == HWS_KIND_MSR ? NULL : hws_bdf_format(where->bdf, bdf));
	snprintf(device, sizeof(device), "%04x:%04x", where->vendor, where->device);
	put_text(o, "device", where->kind == HWS_KIND_MSR ? NULL : device);
	put(o, "bar", where->kind == HWS_KIND_BAR ? json_object_new_uint64(where->bar) : NULL);
	put(o, "cpu", where->kind == HWS_KIND_MSR ? json_object_new_uint64(where->cpu) : NULL);
	put_hex(o, "at", 1, where->first);
	put_number(o, "width", where->width);
	put_text(o, "name", item->name);
	put_hex(o, "value", digits, item->value);
	put_hex(o, "writable", digits, item->writable);
	put_hex(o, "clears", digits, item->clears);
	put(o, "fields", item->fields ? json_object_get(item->fields) : json_object_new_object());
	return o;
}

struct json_object *items_json(const struct items *items)
{
	struct json_object *array = json_object_new_array();

	for (size_t i = 0; i < items->count; i++)
		json_object_array_add(array, item_json(&items->at[i]));
	return array;
}

/* "0x12ab", and nothing else. */
static bool get_hex(struct json_object *o, const char *key, uint64_t max, uint64_t *ret_value)
{
	struct json_object *value;
	const char *text;

	if (!json_object_object_get_ex(o, key, &value) ||
	    !json_object_is_type(value, json_type_string))
		return false;
	text = json_object_get_string(value);
	if (strncmp(text, "0x", 2) != 0 || !text[2] || strlen(text) > 18 ||
	    text[2 + strspn(text + 2, "0123456789abcdef")])
		return false;
	*ret_value = strtoull(text, NULL, 16);
	return *ret_value <= max;
}

static bool get_number(struct json_object *o, const char *key, uint64_t max, uint32_t *ret_value)
{
	struct json_object *value;
	int64_t number;

	if (!json_object_object_get_ex(o, key, &value) ||
	    !json_object_is_type(value, json_type_int))
		return false;
	number = json_object_get_int64(value);
	*ret_value = (uint32_t)number;
	return number >= 0 && (uint64_t)number <= max;
}

static const char *get_text(struct json_object *o, const char *key)
{
	struct json_object *value;

	if (!json_object_object_get_ex(o, key, &value) ||
	    !json_object_is_type(value, json_type_string))
		return "";
	return json_object_get_string(value);
}

/* Names go to a terminal. */
static bool get_name(struct json_object *o, char name[ITEM_NAME])
{
	const char *text = get_text(o, "name");

	for (const char *at = text; *at; at++)
		if (*at <= ' ' || *at > '~')
			return false;
	snprintf(name, ITEM_NAME, "%s", text);
	return *text && strlen(text) < ITEM_NAME;
}

static bool get_device(struct json_object *o, struct hws_access *where)
{
	const char *text = get_text(o, "device");

	if (strlen(text) != 9 || strspn(text, "0123456789abcdef") != 4 || text[4] != ':' ||
	    strspn(text + 5, "0123456789abcdef") != 4)
		return false;
	where->vendor = (uint16_t)strtoul(text, NULL, 16);
	where->device = (uint16_t)strtoul(text + 5, NULL, 16);
	return true;
}

static bool get_where(struct json_object *o, struct hws_access *where)
{
	static const struct {
		enum hws_kind kind;
		uint64_t last;
		uint32_t widths;
	} kinds[] = {
		{ HWS_KIND_PCI, 4095, 1 | 2 | 4 },
		{ HWS_KIND_BAR, UINT64_MAX >> 1, 1 | 2 | 4 | 8 },
		{ HWS_KIND_MSR, UINT32_MAX, 8 },
	};
	size_t i = 0;

	while (i < COUNT(kinds) && strcmp(get_text(o, "kind"), hws_kind_name(kinds[i].kind)) != 0)
		i++;
	if (i == COUNT(kinds) || !get_hex(o, "at", kinds[i].last, &where->first) ||
	    !get_number(o, "width", 8, &where->width) || !(where->width & kinds[i].widths) ||
	    where->width & (where->width - 1))
		return false;
	where->kind = kinds[i].kind;
	if (where->kind == HWS_KIND_MSR)
		return get_number(o, "cpu", UINT16_MAX, &where->cpu);
	return where->first % where->width == 0 && get_device(o, where) &&
	       hws_bdf_parse(get_text(o, "address"), &where->bdf) == 0 &&
	       (where->kind == HWS_KIND_PCI || get_number(o, "bar", 5, &where->bar));
}

static bool get_item(struct json_object *o, struct item *item)
{
	uint64_t ones;

	if (!json_object_is_type(o, json_type_object) || !get_where(o, &item->where) ||
	    !get_name(o, item->name))
		return false;
	ones = item->where.width == 8 ? UINT64_MAX : ((uint64_t)1 << 8 * item->where.width) - 1;
	if (!get_hex(o, "value", ones, &item->value) ||
	    !get_hex(o, "writable", ones, &item->writable) ||
	    !get_hex(o, "clears", ones, &item->clears))
		return false;
	if (json_object_object_get_ex(o, "fields", &item->fields) &&
	    json_object_is_type(item->fields, json_type_object))
		item->fields = json_object_get(item->fields);
	else
		item->fields = NULL;
	return true;
}

static enum result refuse(const char *file, const char *why)
{
	say("%s: %s", file, why);
	return RESULT_FAILURE;
}

static enum result take_items(const char *file, struct json_object *o, struct items *items)
{
	struct json_object *version;
	struct json_object *array;
	char why[64];

	if (!json_object_is_type(o, json_type_object) ||
	    !json_object_object_get_ex(o, "schema_version", &version) ||
	    json_object_get_int(version) != 1 ||
	    !json_object_object_get_ex(o, "registers", &array) ||
	    !json_object_is_type(array, json_type_array))
		return refuse(file, "it is no snapshot with \"schema_version\": 1");
	for (size_t i = 0; i < json_object_array_length(array); i++) {
		struct item item = { 0 };

		if (!get_item(json_object_array_get_idx(array, i), &item)) {
			snprintf(why, sizeof(why), "registers[%zu] is not what save writes", i);
			return refuse(file, why);
		}
		if (items_add(items, &item) < 0)
			return refuse(file, "no memory");
	}
	return RESULT_OK;
}

enum result items_load(const char *file, struct items *ret_items)
{
	struct json_object *o;
	enum result result;
	size_t length = 0;
	char *text = read_whole(file, LARGEST, &length);

	if (!text) {
		result = file_result(errno);
		say("%s: %s", file, strerror(errno));
		return result;
	}
	o = memchr(text, '\0', length) ? NULL : json_tokener_parse(text);
	free(text);
	result = take_items(file, o, ret_items);
	json_object_put(o);
	return result;
}
