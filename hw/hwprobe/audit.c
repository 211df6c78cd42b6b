/* SPDX-License-Identifier: GPL-2.0-or-later */
/* hwprobe audit: a trail's files verified, and what its verbs share. */
#include "hw/hwprobe/audit.h"

#include <errno.h>
#include <string.h>
#include <time.h>

#include "hw/hwprobe/policy.h"
#include "hw/hwprobe/verbs.h"

enum { KEY_LEAST = 16, KEY_MOST = 64, TIME = 40 };

static enum result read_key(const struct call *call, const char *name, struct audit_source *source)
{
	FILE *file = open_below(&call->settings, name);
	size_t size = file ? fread(source->key, 1, sizeof(source->key), file) : 0;
	int error = !file || ferror(file) ? errno : 0;

	if (file)
		fclose(file);
	if (error) {
		say("%s: %s", name, strerror(error));
		return file_result(error);
	}
	if (size < KEY_LEAST || size > KEY_MOST)
		return args_refuse("%s: no key: expected %d to %d bytes", name, KEY_LEAST,
				   KEY_MOST);
	source->source.key = source->key;
	source->source.key_size = (uint32_t)size;
	return RESULT_OK;
}

enum result audit_source(const struct call *call, struct audit_source *ret_source)
{
	const char *key = call->given[AUDIT_KEY].value;

	ret_source->source = (struct hws_audit_source) {
		.size = sizeof(ret_source->source),
		.sysroot = call->settings.sysroot,
		.file = call->words[0],
	};
	return key ? read_key(call, key, ret_source) : RESULT_OK;
}

/* As ISO 8601 has it, to the millisecond. */
static const char *time_text(uint64_t ns, char text[TIME])
{
	time_t seconds = (time_t)(ns / 1000000000);
	struct tm parts;
	size_t n;

	if (!gmtime_r(&seconds, &parts))
		return "?";
	n = strftime(text, TIME, "%Y-%m-%dT%H:%M:%S", &parts);
	snprintf(text + n, TIME - n, ".%03uZ", (unsigned int)(ns / 1000000 % 1000));
	return text;
}

/* Events of these types are about an access. */
static bool has_kind(const struct hws_event *event)
{
	return event->type == HWS_EVENT_ACCESS || event->type == HWS_EVENT_GRANT ||
	       event->type == HWS_EVENT_PRIVILEGE || event->type == HWS_EVENT_DETECTOR;
}

static void print_place(const struct hws_event *event)
{
	char bdf[HWS_BDF_TEXT];

	printf(" %s", hws_kind_name((enum hws_kind)event->kind));
	if (event->kind == HWS_KIND_PCI || event->kind == HWS_KIND_BAR ||
	    event->kind == HWS_KIND_DMA || event->kind == HWS_KIND_IRQ)
		printf(" %s", hws_bdf_format(event->bdf, bdf));
	if (event->kind == HWS_KIND_BAR)
		printf(" BAR %u", event->bar);
	printf(" 0x%llx", (unsigned long long)event->first);
	if (event->last != event->first)
		printf("-0x%llx", (unsigned long long)event->last);
	printf("%s%s%s", event->rights & HWS_RW ? " " : "", event->rights & HWS_R ? "r" : "",
	       event->rights & HWS_W ? "w" : "");
	if (event->has & HWS_HAS_VALUE)
		printf(" value 0x%llx", (unsigned long long)event->value);
}

void audit_print(const struct hws_event *event)
{
	char text[TIME];

	printf("%s %-8s %-9s", time_text(event->time, text),
	       hws_level_name((enum hws_level)event->level),
	       hws_event_type_name((enum hws_event_type)event->type));
	if (has_kind(event))
		print_place(event);
	if (event->reason)
		printf(" denied: %s", hws_reason_name((enum hws_reason)event->reason));
	if (event->rule)
		printf(" rule %u", event->rule);
	printf(" uid %u pid %d%s", event->uid, event->pid, event->text[0] ? " " : "");
	say_plain(stdout, event->text);
	putchar('\n');
}

static void put_place(struct json_object *o, const struct hws_event *event)
{
	char bdf[HWS_BDF_TEXT];

	put_text(o, "kind", hws_kind_name((enum hws_kind)event->kind));
	put_text(o, "address", hws_bdf_format(event->bdf, bdf));
	put_number(o, "bar", event->bar);
	put_number(o, "cpu", event->cpu);
	put_hex(o, "first", 1, event->first);
	put_hex(o, "last", 1, event->last);
	put_number(o, "width", event->width);
	put_hex(o, "rights", 1, event->rights);
}

struct json_object *audit_object(const struct hws_event *event)
{
	struct json_object *o = json_object_new_object();
	char text[TIME];

	put_number(o, "sequence", event->sequence);
	put_text(o, "time", time_text(event->time, text));
	put_number(o, "time_ns", event->time);
	put_text(o, "level", hws_level_name((enum hws_level)event->level));
	put_text(o, "type", hws_event_type_name((enum hws_event_type)event->type));
	put_text(o, "reason", hws_reason_name((enum hws_reason)event->reason));
	put_error(o, event->code);
	if (has_kind(event))
		put_place(o, event);
	if (event->has & HWS_HAS_VALUE || event->type == HWS_EVENT_LOST)
		put_hex(o, "value", 1, event->value);
	if (event->has & HWS_HAS_OLD)
		put_hex(o, "old", 1, event->old);
	put_number(o, "rule", event->rule);
	put_number(o, "generation", event->generation);
	put_number(o, "uid", event->uid);
	put(o, "pid", json_object_new_int(event->pid));
	put(o, "tid", json_object_new_int(event->tid));
	put_text(o, "text", event->text);
	return o;
}

static const char *const verdicts[] = {
	[HWS_AUDIT_TORN] = "torn",	 [HWS_AUDIT_BROKEN] = "broken",
	[HWS_AUDIT_MISSING] = "missing", [HWS_AUDIT_TRUNCATED] = "truncated",
	[HWS_AUDIT_HEAD] = "head",
};

/* The context is the array of the document, or NULL. */
static void take_finding(const struct hws_audit_finding *finding, void *context)
{
	struct json_object *o;

	if (!context) {
		printf("%s:", finding->file);
		if (finding->line)
			printf("%llu:", (unsigned long long)finding->line);
		printf(" %s: %s\n", verdicts[finding->verdict], finding->text);
		return;
	}
	o = json_object_new_object();
	put_text(o, "verdict", verdicts[finding->verdict]);
	put_text(o, "file", finding->file);
	put_number(o, "line", finding->line);
	put_number(o, "count", finding->count);
	put_text(o, "text", finding->text);
	json_object_array_add(context, o);
}

static enum result verify(const struct call *call)
{
	struct json_object *array = call->settings.json ? json_object_new_array() : NULL;
	struct audit_source source;
	enum result result = audit_source(call, &source);
	struct json_object *o;
	int r = 0;

	if (result == RESULT_OK)
		r = hws_audit_verify(&source.source, take_finding, array);
	if (result == RESULT_OK && r < 0 && r != -EBADMSG)
		result = call_fail_file(call->words[0], r);
	if (result != RESULT_OK || !array) {
		json_object_put(array);
		return result == RESULT_OK && r < 0 ? RESULT_MISMATCH : result;
	}
	o = document(&call->settings);
	put(o, "intact", json_object_new_boolean(r == 0));
	put(o, "findings", array);
	if (document_print(o) < 0)
		return RESULT_FAILURE;
	return r < 0 ? RESULT_MISMATCH : RESULT_OK;
}

static const struct args_option options[] = { AUDIT_KEY_OPTION, { 0 } };

const struct verb verb_audit_verify = {
	.area = "audit",
	.name = "verify",
	.words = "FILE",
	.help = "is the trail as it was written? 8 when it isn't",
	.options = options,
	.least = 1,
	.most = 1,
	.run = verify,
};
