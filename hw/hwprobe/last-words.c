/* SPDX-License-Identifier: GPL-2.0-or-later */
/* hwprobe last-words: what was touched before a hang. */
#include <errno.h>
#include <time.h>

#include "hw/hwprobe/args.h"
#include "hw/hwprobe/document.h"
#include "hw/hwprobe/verbs.h"

enum { ALL };
static const struct args_option options[] = {
	[ALL] = { "all", 'a', NULL, "also accesses that ended" },
	{ 0 },
};

static const char *time_text(uint64_t ns, char text[32])
{
	time_t seconds = (time_t)(ns / 1000000000);
	struct tm parts;

	if (!gmtime_r(&seconds, &parts) || !strftime(text, 32, "%Y-%m-%dT%H:%M:%SZ", &parts))
		return "?";
	return text;
}

static void print_words(const struct hws_last_words *words)
{
	const struct hws_access *a = &words->access;
	char bdf[HWS_BDF_TEXT];
	char text[32];

	printf("%s %s pid %u %s", time_text(words->time_ns, text),
	       words->over ? "ended" : "NEVER ENDED", words->pid, hws_kind_name(a->kind));
	if (a->kind == HWS_KIND_PCI || a->kind == HWS_KIND_BAR)
		printf(" %s", hws_bdf_format(a->bdf, bdf));
	if (a->kind == HWS_KIND_BAR)
		printf(" BAR %u", a->bar);
	if (a->kind == HWS_KIND_MSR)
		printf(" CPU %u", a->cpu);
	printf(" 0x%llx", (unsigned long long)a->first);
	if (a->last != a->first)
		printf("-0x%llx", (unsigned long long)a->last);
	if (a->rights & HWS_W)
		printf(" write 0x%llx\n", (unsigned long long)a->value);
	else
		printf(" read\n");
}

static struct json_object *object_of(const struct hws_last_words *words)
{
	struct json_object *o = json_object_new_object();
	const struct hws_access *a = &words->access;
	char bdf[HWS_BDF_TEXT];
	char text[32];

	put_number(o, "sequence", words->sequence);
	put_text(o, "time", time_text(words->time_ns, text));
	put_number(o, "time_ns", words->time_ns);
	put_number(o, "pid", words->pid);
	put(o, "over", json_object_new_boolean(words->over));
	put_text(o, "kind", hws_kind_name(a->kind));
	put_text(o, "address", hws_bdf_format(a->bdf, bdf));
	put_number(o, "bar", a->bar);
	put_number(o, "cpu", a->cpu);
	put_hex(o, "first", 1, a->first);
	put_hex(o, "last", 1, a->last);
	put_number(o, "width", a->width);
	put(o, "write", json_object_new_boolean(a->rights & HWS_W));
	put_hex(o, "value", 1, a->value);
	return o;
}

static enum result last_words(const struct call *call)
{
	struct hws_last_words words[HWS_LAST_WORDS];
	int count =
		hws_last_words_read(call->settings.sysroot, call->words[0], words, HWS_LAST_WORDS);
	struct json_object *array = call->settings.json ? json_object_new_array() : NULL;
	struct json_object *o;

	if (count < 0) {
		json_object_put(array);
		return call_fail_file(call->words[0], count);
	}
	for (int i = 0; i < count; i++) {
		if (words[i].over && !call->given[ALL].count)
			continue;
		if (array)
			json_object_array_add(array, object_of(&words[i]));
		else
			print_words(&words[i]);
	}
	if (!array)
		return RESULT_OK;
	o = document(&call->settings);
	put(o, "last_words", array);
	return document_print(o) < 0 ? RESULT_FAILURE : RESULT_OK;
}

const struct verb verb_last_words = {
	.area = "last-words",
	.words = "FILE",
	.help = "accesses that never ended, the latest first",
	.options = options,
	.least = 1,
	.most = 1,
	.run = last_words,
};
