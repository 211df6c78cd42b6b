/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "guardian/audit-json-internal.h"

#include <errno.h>
#include <inttypes.h>
#include <json-c/json.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "shim/sys-internal.h"

#define NS_PER_SECOND UINT64_C(1000000000)
/* Above this a JSON number is no longer exact everywhere; then it is a hex string. */
#define EXACT_MAX (UINT64_C(1) << 53)

struct out {
	char *text;
	size_t length;
	size_t size;
};

static void put(struct out *out, const char *format, ...) HWS_PRINTF(2, 3);
static void put(struct out *out, const char *format, ...)
{
	va_list arguments;
	int n;

	va_start(arguments, format);
	n = vsnprintf(out->text + out->length, out->size - out->length, format, arguments);
	va_end(arguments);
	if (n > 0 && (size_t)n < out->size - out->length)
		out->length += (size_t)n;
}

/* Every form writes what stands behind "name": and reads it back. */
struct form {
	void (*write)(struct out *out, const void *field);
	bool (*read)(struct json_object *from, void *ret_field);
};

static bool read_text(struct json_object *from, const char **ret_text)
{
	if (!json_object_is_type(from, json_type_string))
		return false;
	*ret_text = json_object_get_string(from);
	return true;
}

static bool read_u64(struct json_object *from, void *ret_field)
{
	const char *text;
	char *end;

	if (json_object_is_type(from, json_type_int)) {
		*(uint64_t *)ret_field = json_object_get_uint64(from);
		return json_object_get_int64(from) >= 0;
	}
	if (!read_text(from, &text) || strncmp(text, "0x", 2) != 0 || strlen(text) > 18)
		return false;
	*(uint64_t *)ret_field = strtoull(text, &end, 16);
	return *end == '\0';
}

static void write_hex(struct out *out, const void *field)
{
	put(out, "\"0x%" PRIx64 "\"", *(const uint64_t *)field);
}

static void write_u64(struct out *out, const void *field)
{
	uint64_t value = *(const uint64_t *)field;

	if (value > EXACT_MAX)
		write_hex(out, field);
	else
		put(out, "%" PRIu64, value);
}

static void write_u32(struct out *out, const void *field)
{
	put(out, "%" PRIu32, *(const uint32_t *)field);
}

static bool read_u32(struct json_object *from, void *ret_field)
{
	uint64_t value;

	if (!read_u64(from, &value) || value > UINT32_MAX)
		return false;
	*(uint32_t *)ret_field = (uint32_t)value;
	return true;
}

static void write_i32(struct out *out, const void *field)
{
	put(out, "%" PRId32, *(const int32_t *)field);
}

static bool read_i32(struct json_object *from, void *ret_field)
{
	int64_t value = json_object_get_int64(from);

	if (!json_object_is_type(from, json_type_int) || value < INT32_MIN || value > INT32_MAX)
		return false;
	*(int32_t *)ret_field = (int32_t)value;
	return true;
}

static void write_time(struct out *out, const void *field)
{
	uint64_t ns = *(const uint64_t *)field;
	time_t seconds = (time_t)(ns / NS_PER_SECOND);
	struct tm tm;

	gmtime_r(&seconds, &tm);
	put(out, "\"%04d-%02d-%02dT%02d:%02d:%02d.%09uZ\"", tm.tm_year + 1900, tm.tm_mon + 1,
	    tm.tm_mday, tm.tm_hour, tm.tm_min, tm.tm_sec, (unsigned int)(ns % NS_PER_SECOND));
}

static bool read_time(struct json_object *from, void *ret_field)
{
	struct tm tm = { 0 };
	const char *text;
	char *end;
	unsigned long ns;

	if (!read_text(from, &text))
		return false;
	text = strptime(text, "%Y-%m-%dT%H:%M:%S.", &tm);
	if (!text || strspn(text, "0123456789") != 9)
		return false;
	ns = strtoul(text, &end, 10);
	*(uint64_t *)ret_field = (uint64_t)timegm(&tm) * NS_PER_SECOND + ns;
	return !strcmp(end, "Z");
}

static bool read_word(struct json_object *from, const char *(*name_of)(uint32_t), uint32_t how_many,
		      void *ret_field)
{
	const char *text;

	if (!read_text(from, &text))
		return false;
	for (uint32_t i = 0; i < how_many; i++) {
		if (strcmp(text, name_of(i)) != 0)
			continue;
		*(uint32_t *)ret_field = i;
		return true;
	}
	return false;
}

/* The words of an enum, by its public naming function. */
#define WORDS(what, type, name_of, how_many)                               \
	static const char *name_##what(uint32_t value)                     \
	{                                                                  \
		return name_of((type)value);                               \
	}                                                                  \
	static void write_##what(struct out *out, const void *field)       \
	{                                                                  \
		put(out, "\"%s\"", name_##what(*(const uint32_t *)field)); \
	}                                                                  \
	static bool read_##what(struct json_object *from, void *ret_field) \
	{                                                                  \
		return read_word(from, name_##what, how_many, ret_field);  \
	}
WORDS(level, enum hws_level, hws_level_name, HWS_LEVELS)
WORDS(type, enum hws_event_type, hws_event_type_name, HWS_EVENT_TYPES)
WORDS(kind, enum hws_kind, hws_kind_name, HWS_KINDS)
WORDS(reason, enum hws_reason, hws_reason_name, HWS_REASONS)

static void write_bdf(struct out *out, const void *field)
{
	char text[HWS_BDF_TEXT];

	put(out, "\"%s\"", hws_bdf_format(*(const struct hws_bdf *)field, text));
}

static bool read_bdf(struct json_object *from, void *ret_field)
{
	const char *text;

	return read_text(from, &text) && hws_bdf_parse(text, ret_field) == 0;
}

static void write_string(struct out *out, const void *field)
{
	const unsigned char *at = field;

	put(out, "\"");
	for (; *at; at++)
		if (*at < 0x20 || *at > 0x7e)
			put(out, "\\u%04x", *at);
		else
			put(out, *at == '"' || *at == '\\' ? "\\%c" : "%c", *at);
	put(out, "\"");
}

static bool read_string(struct json_object *from, void *ret_field)
{
	const char *text;

	if (!read_text(from, &text) || strlen(text) >= HWS_EVENT_TEXT)
		return false;
	memcpy(ret_field, text, strlen(text) + 1);
	return true;
}

static const struct form hex_form = { write_hex, read_u64 }, u64_form = { write_u64, read_u64 },
			 u32_form = { write_u32, read_u32 }, i32_form = { write_i32, read_i32 },
			 time_form = { write_time, read_time },
			 level_form = { write_level, read_level },
			 type_form = { write_type, read_type },
			 kind_form = { write_kind, read_kind },
			 reason_form = { write_reason, read_reason },
			 bdf_form = { write_bdf, read_bdf },
			 string_form = { write_string, read_string };

/* When a field is written; one that isn't reads as zero. */
enum when { ALWAYS, WITH_KIND, WITH_BDF, WITH_VALUE, WITH_OLD, NONZERO_32, WITH_TEXT };

#define FIELD(name, member, form, when)                                 \
	{                                                               \
		name, offsetof(struct hws_event, member), &(form), when \
	}
static const struct field {
	const char *name;
	size_t offset;
	const struct form *form;
	enum when when;
} fields[] = {
	FIELD("seq", sequence, u64_form, ALWAYS),
	FIELD("time", time, time_form, ALWAYS),
	FIELD("mono", clock, u64_form, ALWAYS),
	FIELD("level", level, level_form, ALWAYS),
	FIELD("type", type, type_form, ALWAYS),
	FIELD("kind", kind, kind_form, WITH_KIND),
	FIELD("rights", rights, u32_form, NONZERO_32),
	FIELD("bdf", bdf, bdf_form, WITH_BDF),
	FIELD("bar", bar, u32_form, NONZERO_32),
	FIELD("cpu", cpu, u32_form, NONZERO_32),
	FIELD("first", first, hex_form, WITH_KIND),
	FIELD("last", last, hex_form, WITH_KIND),
	FIELD("width", width, u32_form, NONZERO_32),
	FIELD("value", value, hex_form, WITH_VALUE),
	FIELD("old", old, hex_form, WITH_OLD),
	FIELD("reason", reason, reason_form, ALWAYS),
	FIELD("code", code, i32_form, ALWAYS),
	FIELD("rule", rule, u32_form, NONZERO_32),
	FIELD("generation", generation, u32_form, NONZERO_32),
	FIELD("uid", uid, u32_form, ALWAYS),
	FIELD("pid", pid, i32_form, ALWAYS),
	FIELD("tid", tid, i32_form, ALWAYS),
	FIELD("text", text, string_form, WITH_TEXT),
};

bool audit_type_has_kind(uint32_t type)
{
	return type == HWS_EVENT_ACCESS || type == HWS_EVENT_GRANT || type == HWS_EVENT_PRIVILEGE ||
	       type == HWS_EVENT_DETECTOR;
}

static bool is_written(const struct hws_event *event, const struct field *field)
{
	bool has_kind = audit_type_has_kind(event->type);

	switch (field->when) {
	case WITH_KIND:
		return has_kind;
	case WITH_BDF:
		return has_kind && event->kind >= HWS_KIND_PCI && event->kind <= HWS_KIND_IRQ;
	case WITH_VALUE:
		return event->has & HWS_HAS_VALUE;
	case WITH_OLD:
		return event->has & HWS_HAS_OLD;
	case NONZERO_32:
		return *(const uint32_t *)((const char *)event + field->offset) != 0;
	case WITH_TEXT:
		return event->text[0] != '\0';
	case ALWAYS:
		break;
	}
	return true;
}

size_t audit_json_write(const struct hws_event *event, char text[AUDIT_JSON_ROOM])
{
	struct out out = { .text = text, .size = AUDIT_JSON_ROOM };

	for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]); i++) {
		if (!is_written(event, &fields[i]))
			continue;
		put(&out, "%s\"%s\":", out.length ? "," : "", fields[i].name);
		fields[i].form->write(&out, (const char *)event + fields[i].offset);
	}
	return out.length;
}

static bool read_fields(struct json_object *object, struct hws_event *ret_event)
{
	struct json_object *value;

	for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]); i++) {
		if (!json_object_object_get_ex(object, fields[i].name, &value)) {
			if (fields[i].when == ALWAYS)
				return false;
			continue;
		}
		if (!fields[i].form->read(value, (char *)ret_event + fields[i].offset))
			return false;
		ret_event->has |= fields[i].when == WITH_VALUE ? HWS_HAS_VALUE
				  : fields[i].when == WITH_OLD ? HWS_HAS_OLD
							       : 0u;
	}
	return true;
}

int audit_json_read(const char *text, size_t length, struct hws_event *ret_event)
{
	struct hws_event event = { .version = HWS_EVENT_VERSION };
	struct json_tokener *tokener = json_tokener_new_ex(4);
	struct json_object *object = NULL;
	bool good;

	if (!tokener)
		return -ENOMEM;
	if (length <= 4096)
		object = json_tokener_parse_ex(tokener, text, (int)length);
	good = json_object_is_type(object, json_type_object) &&
	       json_tokener_get_parse_end(tokener) == length && read_fields(object, &event);
	json_object_put(object);
	json_tokener_free(tokener);
	if (!good)
		return -EBADMSG;
	*ret_event = event;
	return 0;
}
