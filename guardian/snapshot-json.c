/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <json-c/json.h>
#include <stdio.h>
#include <string.h>

#include "guardian/snapshot-internal.h"
#include "shim/why-internal.h"

enum { SCHEMA = 1, KEY = 64 };

/* Puts @value, which may be NULL for want of memory, into @object, and it is the object's. */
static bool add(struct json_object *object, const char *key, struct json_object *value)
{
	if (value && json_object_object_add(object, key, value) == 0)
		return true;
	json_object_put(value);
	return false;
}

static void key_of(const struct snapshot_field *field, char key[KEY])
{
	static const char *const endings[] = {
		[SNAPSHOT_U64] = "",
		[SNAPSHOT_I32] = "",
		[SNAPSHOT_NS] = "_ns",
		[SNAPSHOT_BYTES] = "_bytes",
		[SNAPSHOT_HUNDREDTHS] = "_percent",
	};

	snprintf(key, KEY, "%s%s", field->key, endings[field->form]);
}

static struct json_object *number(const struct snapshot_field *field, const void *element)
{
	uint64_t value = snapshot_number(field, element);
	char text[32];

	if (field->form == SNAPSHOT_I32)
		return json_object_new_int64((int64_t)value);
	if (field->form != SNAPSHOT_HUNDREDTHS)
		return json_object_new_uint64(value);
	snprintf(text, sizeof(text), "%llu.%02llu", (unsigned long long)value / 100,
		 (unsigned long long)value % 100);
	return json_object_new_double_s((double)value / 100, text);
}

static bool add_fields(struct json_object *object, const struct snapshot_group *group,
		       const void *element)
{
	char key[KEY];

	for (const struct snapshot_field *field = group->fields; field->help; field++) {
		key_of(field, key);
		if (!add(object, key, number(field, element)))
			return false;
	}
	return true;
}

/* An object in @into with the fields; or the number that stands for it. */
static bool add_element(struct json_object *into, const char *name,
			const struct snapshot_group *group, const void *element)
{
	struct json_object *object;

	if (!group->fields[0].key)
		return add(into, name, number(&group->fields[0], element));
	object = json_object_new_object();
	return add(into, name, object) && add_fields(object, group, element);
}

static bool add_group(struct json_object *root, const struct snapshot_group *group,
		      const struct hws_snapshot *snapshot)
{
	struct json_object *all;

	if (!group->json)
		return add_fields(root, group, snapshot_element(group, snapshot, 0));
	if (!group->label)
		return add_element(root, group->json, group, snapshot_element(group, snapshot, 0));
	all = json_object_new_object();
	if (!add(root, group->json, all))
		return false;
	for (unsigned int i = group->first; i < group->end; i++)
		if (!add_element(all, group->name(i), group, snapshot_element(group, snapshot, i)))
			return false;
	return true;
}

static bool add_all(struct json_object *root, const struct hws_snapshot *snapshot)
{
	if (!root || !add(root, "schema_version", json_object_new_int(SCHEMA)) ||
	    !add(root, "backend", json_object_new_string(snapshot->backend)))
		return false;
	for (const struct snapshot_group *group = snapshot_groups; group->fields; group++)
		if (!add_group(root, group, snapshot))
			return false;
	return true;
}

int hws_snapshot_json(const struct hws_snapshot *snapshot, char **ret_text)
{
	struct json_object *root;
	const char *text;
	char *copy = NULL;
	int r = snapshot_known(snapshot);

	if (r < 0)
		return r;
	root = json_object_new_object();
	if (add_all(root, snapshot)) {
		text = json_object_to_json_string_ext(root, JSON_C_TO_STRING_PLAIN);
		copy = text ? strdup(text) : NULL;
	}
	json_object_put(root);
	if (!copy)
		return why(-ENOMEM, "no memory for the snapshot's text");
	*ret_text = copy;
	return 0;
}
