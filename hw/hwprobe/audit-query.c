/* SPDX-License-Identifier: GPL-2.0-or-later */
/* hwprobe audit query, tail: the events of a trail's files. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "hw/hwprobe/audit.h"
#include "hw/hwprobe/policy.h"
#include "hw/hwprobe/verbs.h"

#define SECOND UINT64_C(1000000000)
enum { MISSES = 4 }; /* rounds in a row without the last event: it is gone */

enum { LEVEL = AUDIT_OPTIONS, TYPE, KIND, REASON, SINCE, LAST, FOLLOW };
#define FILTER_OPTIONS                                                                         \
	AUDIT_KEY_OPTION, [LEVEL] = { "level", 0, "LEVEL", "at least so grave" },              \
			  [TYPE] = { "type", 0, "TYPE,...", "only of these types" },           \
			  [KIND] = { "kind", 0, "KIND,...", "only of these kinds of access" }, \
			  [REASON] = { "reason", 0, "REASON,...", "only refused for these" },  \
			  [SINCE] = { "since", 0, "TIME",                                      \
				      "seconds since 1970, or 2026-01-31T12:00:00Z" }

/* hws_kind_name() and its like all take a number. */
static const char *level_name(unsigned int i)
{
	return hws_level_name((enum hws_level)i);
}

static const char *type_name(unsigned int i)
{
	return hws_event_type_name((enum hws_event_type)i);
}

static const char *kind_name(unsigned int i)
{
	return hws_kind_name((enum hws_kind)i);
}

static const char *reason_name(unsigned int i)
{
	return hws_reason_name((enum hws_reason)i);
}

static const struct names {
	const char *option;
	const char *(*name)(unsigned int i);
	unsigned int count;
} lists[] = {
	[LEVEL] = { "--level", level_name, HWS_LEVELS },
	[TYPE] = { "--type", type_name, HWS_EVENT_TYPES },
	[KIND] = { "--kind", kind_name, HWS_KINDS },
	[REASON] = { "--reason", reason_name, HWS_REASONS },
};

/* The index of a name of @length; the count, told, when it is none. */
static unsigned int index_of(const struct names *names, const char *text, size_t length)
{
	const char *known[32]; /* they are bits as well */
	char word[64];

	for (unsigned int i = 0; i < names->count; i++)
		if (strlen(names->name(i)) == length && !memcmp(names->name(i), text, length))
			return i;
	for (unsigned int i = 0; i < names->count && i < COUNT(known); i++)
		known[i] = names->name(i);
	snprintf(word, sizeof(word), "%.*s", (int)length, text);
	args_refuse_unknown(names->option, word, "", known, names->count);
	return names->count;
}

/* Names with commas between, as bits. */
static bool read_names(const struct call *call, int option, uint32_t *bits)
{
	const char *at = call->given[option].value;

	for (; at; at++) {
		size_t length = strcspn(at, ",");
		unsigned int i = index_of(&lists[option], at, length);

		if (i == lists[option].count)
			return false;
		*bits |= 1u << i;
		at += length;
		if (!*at)
			break;
	}
	return true;
}

/* Events have nanoseconds since 1970, in 64 bits. */
static bool in_range(const char *text, time_t seconds, uint64_t *ret_ns)
{
	if (seconds < 0 || (uint64_t)seconds > UINT64_MAX / SECOND) {
		args_refuse("--since '%s': expected a time between 1970 and 2554", text);
		return false;
	}
	*ret_ns = (uint64_t)seconds * SECOND;
	return true;
}

static bool read_time(const char *text, uint64_t *ret_ns)
{
	struct tm parts = { 0 };
	const char *end = strptime(text, "%Y-%m-%dT%H:%M:%SZ", &parts);
	uint64_t seconds;

	if (end && !*end)
		return in_range(text, timegm(&parts), ret_ns);
	if (!*text || text[strspn(text, "0123456789")]) {
		args_refuse("--since '%s': expected seconds since 1970, or 2026-01-31T12:00:00Z",
			    text);
		return false;
	}
	if (!args_number("--since", text, UINT64_MAX / SECOND, &seconds))
		return false;
	*ret_ns = seconds * SECOND;
	return true;
}

static enum result read_filter(const struct call *call, struct hws_audit_filter *ret_filter)
{
	const char *level = call->given[LEVEL].value;
	const char *since = call->given[SINCE].value;

	*ret_filter = (struct hws_audit_filter) { .size = sizeof(*ret_filter) };
	if (level) {
		ret_filter->level = index_of(&lists[LEVEL], level, strlen(level));
		if (ret_filter->level == HWS_LEVELS)
			return RESULT_USAGE;
	}
	if (!read_names(call, TYPE, &ret_filter->types) ||
	    !read_names(call, KIND, &ret_filter->kinds) ||
	    !read_names(call, REASON, &ret_filter->reasons) ||
	    (since && !read_time(since, &ret_filter->since)))
		return RESULT_USAGE;
	return RESULT_OK;
}

/* The last events, in a ring; @room 0: all of them are printed at once. */
struct reader {
	struct json_object *array; /* NULL: text */
	struct hws_event *ring;
	uint64_t room;
	uint64_t count;
	struct hws_event last; /* that was taken, if @any was */
	bool any;
	bool behind; /* it came by: what follows is new */
};

static void show(struct reader *reader, const struct hws_event *event)
{
	if (reader->array)
		json_object_array_add(reader->array, audit_object(event));
	else
		audit_print(event);
}

/* The clock may step back, and the numbers begin anew with each context: all of them tell. */
static bool is_last(const struct reader *reader, const struct hws_event *event)
{
	const struct hws_event *last = &reader->last;

	return event->sequence == last->sequence && event->time == last->time &&
	       event->clock == last->clock && event->pid == last->pid;
}

static int take_event(const struct hws_event *event, void *context)
{
	struct reader *reader = context;

	if (!reader->behind) {
		reader->behind = is_last(reader, event);
		return 0;
	}
	reader->last = *event;
	reader->any = true;
	if (reader->room)
		reader->ring[reader->count % reader->room] = *event;
	else
		show(reader, event);
	reader->count++;
	return 0;
}

static void show_ring(struct reader *reader)
{
	uint64_t first = reader->count > reader->room ? reader->count - reader->room : 0;

	for (uint64_t i = first; i < reader->count; i++)
		show(reader, &reader->ring[i % reader->room]);
}

static enum result run(const struct call *call, struct reader *reader,
		       const struct audit_source *source, const struct hws_audit_filter *filter)
{
	int r = hws_audit_read(&source->source, filter, take_event, reader);
	struct json_object *o;

	if (r < 0)
		return call_fail_file(call->words[0], r);
	if (reader->room)
		show_ring(reader);
	if (!reader->array)
		return RESULT_OK;
	o = document(&call->settings);
	put(o, "events", json_object_get(reader->array));
	return document_print(o) < 0 ? RESULT_FAILURE : RESULT_OK;
}

static enum result query(const struct call *call)
{
	struct reader reader = { .behind = true };
	struct hws_audit_filter filter;
	struct audit_source source;
	enum result result = read_filter(call, &filter);

	if (result == RESULT_OK)
		result = audit_source(call, &source);
	if (result != RESULT_OK)
		return result;
	if (call->settings.json)
		reader.array = json_object_new_array();
	result = run(call, &reader, &source, &filter);
	json_object_put(reader.array);
	return result;
}

/* Is FILE another one, or longer, than it was? */
static bool has_changed(const struct call *call, struct stat *before)
{
	char *path = path_below(&call->settings, call->words[0]);
	struct stat now = { 0 };
	bool same = path && stat(path, &now) == 0 && now.st_ino == before->st_ino &&
		    now.st_size == before->st_size;

	free(path);
	*before = now;
	return !same;
}

/*
 * What is added, until the reader goes or somebody interrupts. A round that doesn't find the last
 * event tells nothing: the file was being renamed. When it isn't found again, all there is is new.
 */
static enum result follow(const struct call *call, struct reader *reader,
			  const struct audit_source *source, const struct hws_audit_filter *filter)
{
	static const struct timespec pause = { 0, 250000000 };
	enum result result = RESULT_OK;
	struct stat before = { 0 };
	unsigned int missed = 0;

	reader->room = 0;
	while (result == RESULT_OK && fflush(stdout) == 0 && !ferror(stdout)) {
		nanosleep(&pause, NULL);
		if (!has_changed(call, &before) && !missed)
			continue;
		reader->behind = !reader->any || missed == MISSES;
		result = run(call, reader, source, filter);
		missed = reader->behind ? 0 : missed + 1;
	}
	return result;
}

static enum result tail_events(const struct call *call, uint64_t last, struct reader *reader)
{
	struct hws_audit_filter filter;
	struct audit_source source;
	enum result result = read_filter(call, &filter);

	if (result == RESULT_OK)
		result = audit_source(call, &source);
	if (result != RESULT_OK)
		return result;
	reader->room = last;
	reader->ring = calloc((size_t)last, sizeof(*reader->ring));
	if (!reader->ring)
		return call_fail("audit tail", -ENOMEM);
	result = run(call, reader, &source, &filter);
	if (result == RESULT_OK && call->given[FOLLOW].count)
		result = follow(call, reader, &source, &filter);
	return result;
}

static enum result tail(const struct call *call)
{
	const char *last = call->given[LAST].value;
	struct reader reader = { .behind = true };
	uint64_t count = 10;
	enum result result;

	if (last && !args_number("--last", last, 1000000, &count))
		return RESULT_USAGE;
	if (!count)
		return args_refuse("--last '%s': expected 1 event or more", last);
	if (call->settings.json && call->given[FOLLOW].count)
		return args_refuse("--follow never ends, a document does: give one of them");
	if (call->settings.json)
		reader.array = json_object_new_array();
	result = tail_events(call, count, &reader);
	json_object_put(reader.array);
	free(reader.ring);
	return result;
}

static const struct args_option query_options[] = { FILTER_OPTIONS, { 0 } };
static const struct args_option tail_options[] = {
	FILTER_OPTIONS,
	[LAST] = { "last", 'n', "N", "so many events; 10 unless told" },
	[FOLLOW] = { "follow", 'f', NULL, "and those that are added" },
	{ 0 },
};

const struct verb verb_audit_query = {
	.area = "audit",
	.name = "query",
	.words = "FILE",
	.help = "the events of a trail, oldest first",
	.options = query_options,
	.least = 1,
	.most = 1,
	.run = query,
};
const struct verb verb_audit_tail = {
	.area = "audit",
	.name = "tail",
	.words = "FILE",
	.help = "the last events of a trail",
	.options = tail_options,
	.least = 1,
	.most = 1,
	.run = tail,
};
