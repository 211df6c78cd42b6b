/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "hw/hwprobe/document.h"
#include "hw/hwprobe/say.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

enum { SCHEMA_VERSION = 1 };

void put(struct json_object *object, const char *key, struct json_object *value)
{
	json_object_object_add(object, key, value);
}

void put_text(struct json_object *object, const char *key, const char *text)
{
	put(object, key, text ? json_object_new_string(text) : NULL);
}

void put_number(struct json_object *object, const char *key, uint64_t value)
{
	put(object, key, json_object_new_uint64(value));
}

void put_hex(struct json_object *object, const char *key, unsigned int digits, uint64_t value)
{
	char text[32];

	snprintf(text, sizeof(text), "0x%0*" PRIx64, (int)digits, value);
	put_text(object, key, text);
}

void put_error(struct json_object *object, int code)
{
	put_text(object, "error", code < 0 ? strerrorname_np(-code) : NULL);
}

struct json_object *document(const struct settings *settings)
{
	struct json_object *o = json_object_new_object();

	put_number(o, "schema_version", SCHEMA_VERSION);
	put_text(o, "version", hws_version());
	put_text(o, "sysroot", settings->sysroot);
	return o;
}

static int print(struct json_object *o, int how)
{
	const char *text = json_object_to_json_string_ext(o, how | JSON_C_TO_STRING_NOSLASHESCAPE);

	if (text)
		puts(text);
	else
		say("no memory for the document");
	json_object_put(o);
	return text ? 0 : -ENOMEM;
}

int document_print(struct json_object *o)
{
	return print(o, JSON_C_TO_STRING_PRETTY | JSON_C_TO_STRING_SPACED);
}

int document_line(struct json_object *o)
{
	put_number(o, "schema_version", SCHEMA_VERSION);
	return print(o, JSON_C_TO_STRING_PLAIN);
}
