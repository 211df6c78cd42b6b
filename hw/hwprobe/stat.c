/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * hwprobe stat: a context's numbers, once or again and again. The context is the one that hwprobe
 * itself opens here; or another program's, which writes what hws_snapshot_json() gives into a file
 * (anew, and renamed over the old one) for --from to read.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "hw/hwprobe/args.h"
#include "hw/hwprobe/document.h"
#include "hw/hwprobe/terminal.h"
#include "hw/hwprobe/verbs.h"
#include "hw/hwprobe/watch.h"

enum { METRICS, STRICT, WATCH, INTERVAL, TIMES, FROM };
static const struct args_option options[] = {
	[METRICS] = { "openmetrics", 0, NULL, "as OpenMetrics text, as Prometheus reads it" },
	[STRICT] = { "strict", 0, NULL, "OpenMetrics to the letter" },
	[WATCH] = { "watch", 'w', NULL, "again and again; on a terminal as a page (q ends it)" },
	[INTERVAL] = { "interval", 'i', "SECONDS", "between two looks, as in 0.5; 1 unless told" },
	[TIMES] = { "times", 0, "N", "so many looks, then end" },
	[FROM] = { "from", 0, "FILE", "another program's: the snapshot that it writes there" },
	{ 0 },
};

enum { SHORTEST = 50, LONGEST = 86400 * 1000 }; /* milliseconds between two looks */
enum { LARGEST = 1 << 22 };			/* file of a snapshot */

/* Where snapshots come from. */
struct source {
	struct hws *hw; /* NULL: from a file */
	const char *file;
	char why[256]; /* of the last look, if it failed */
};

/* "caps.memory.used        12": a line for each number, named by the way to it. */
static void print_value(FILE *out, struct json_object *value, const char *name)
{
	enum { NAME = 256 };
	char path[NAME];

	if (json_object_is_type(value, json_type_object)) {
		json_object_object_foreach(value, key, member)
		{
			snprintf(path, sizeof(path), "%s%s%s", name, *name ? "." : "", key);
			print_value(out, member, path);
		}
	} else if (json_object_is_type(value, json_type_array)) {
		for (size_t i = 0; i < json_object_array_length(value); i++) {
			snprintf(path, sizeof(path), "%s.%zu", name, i);
			print_value(out, json_object_array_get_idx(value, i), path);
		}
	} else {
		int room = 40 - (int)strlen(name);

		say_plain(out, name);
		fprintf(out, "%*s ", room > 0 ? room : 0, "");
		say_plain(out, value ? json_object_get_string(value) : "-");
		fputc('\n', out);
	}
}

static enum result read_file(struct source *source, struct json_object **ret_snapshot)
{
	size_t length = 0;
	char *text = read_whole(source->file, LARGEST, &length);
	int error = text ? 0 : errno;
	struct json_object *o = text ? json_tokener_parse(text) : NULL;
	struct json_object *version;

	free(text);
	if (!json_object_is_type(o, json_type_object) ||
	    !json_object_object_get_ex(o, "schema_version", &version) ||
	    json_object_get_int(version) != 1) {
		json_object_put(o);
		snprintf(source->why, sizeof(source->why), "%s: %s", source->file,
			 error ? strerror(error) : "no snapshot with \"schema_version\": 1");
		return file_result(error);
	}
	*ret_snapshot = o;
	return RESULT_OK;
}

/* What went wrong is in ->why: on a page nothing can be told. */
static enum result look(struct source *source, struct json_object **ret_snapshot)
{
	struct hws_snapshot now = { .size = sizeof(now) };
	char *text = NULL;
	int r;

	if (!source->hw)
		return read_file(source, ret_snapshot);
	r = hws_snapshot_take(source->hw, &now);
	r = r < 0 ? r : hws_snapshot_json(&now, &text);
	if (r >= 0) {
		*ret_snapshot = json_tokener_parse(text);
		free(text);
		r = *ret_snapshot ? 0 : -ENOMEM;
	}
	snprintf(source->why, sizeof(source->why), "stat: %s",
		 *hws_why() ? hws_why() : strerror(-r));
	return r < 0 ? (enum result)hws_explain(r, NULL) : RESULT_OK;
}

static enum result tell(const struct source *source, enum result result)
{
	if (result != RESULT_OK)
		say("%s", source->why);
	return result;
}

static enum result print_metrics(const struct call *call, struct hws *hw, FILE *out)
{
	uint32_t flags = call->given[STRICT].count ? HWS_METRICS_STRICT : 0;
	struct hws_snapshot now = { .size = sizeof(now) };
	char *text;
	int r = hws_snapshot_take(hw, &now);

	r = r < 0 ? r : hws_snapshot_openmetrics(&now, flags, &text);
	if (r < 0)
		return call_fail("stat", r);
	fputs(text, out);
	free(text);
	return RESULT_OK;
}

static enum result print_one(const struct call *call, struct source *source, FILE *out)
{
	struct json_object *now;
	enum result result;

	if (call->given[METRICS].count)
		return print_metrics(call, source->hw, out);
	result = tell(source, look(source, &now));
	if (result != RESULT_OK)
		return result;
	if (call->settings.json)
		fprintf(out, "%s\n", json_object_to_json_string_ext(now, JSON_C_TO_STRING_PLAIN));
	else
		print_value(out, now, "");
	json_object_put(now);
	return RESULT_OK;
}

static bool draw(const struct page *page, const struct gauges *gauges, const char *head)
{
	struct frame frame = { .color = page->color, .unicode = page->unicode };
	size_t length;
	char *text;
	bool written;

	terminal_size(&frame.rows, &frame.columns);
	text = frame_draw(&frame, head, gauges, "q quits, space looks now", &length);
	written = text && terminal_write(text, length);
	free(text);
	return written;
}

/* One look, and all that happens until the next. False: that was the last. */
static bool show_until(const struct page *page, const struct gauges *gauges, const char *head,
		       unsigned int pause)
{
	enum terminal_event event = TERMINAL_REDRAW;

	while (event == TERMINAL_REDRAW) {
		if (!draw(page, gauges, head))
			return false;
		event = terminal_wait(pause);
	}
	return event != TERMINAL_QUIT;
}

static enum result watch_page(const struct call *call, struct source *source, unsigned int pause,
			      uint64_t times)
{
	struct watch watch = { 0 };
	enum result result = RESULT_OK;
	struct json_object *now;
	struct gauges gauges;
	struct page page;
	char head[160];
	bool more = true;

	page_init(&page, call->settings.color);
	page_unicode(&page);
	result = look(source, &now);
	if (result != RESULT_OK)
		return tell(source, result);
	terminal_open(true);
	while (more && result == RESULT_OK) {
		watch_head(now, head, sizeof(head));
		watch_look(&watch, now, &gauges);
		more = times-- > 1 ? show_until(&page, &gauges, head, pause)
				   : (draw(&page, &gauges, head), false);
		if (more)
			result = look(source, &now);
	}
	terminal_close();
	watch_fini(&watch);
	return tell(source, result);
}

/* One look, written whole; *ret_more: false when nobody reads, or somebody interrupts. */
static enum result write_one(const struct call *call, struct source *source, bool *ret_more)
{
	char *text = NULL;
	size_t length = 0;
	FILE *out = open_memstream(&text, &length);
	enum result result = out ? print_one(call, source, out) : call_fail("stat", -ENOMEM);

	if (out && fclose(out) != 0)
		result = call_fail("stat", -ENOMEM);
	*ret_more = result == RESULT_OK && terminal_write(text, length);
	if (result == RESULT_OK && !*ret_more && errno != EINTR) {
		if (errno != EPIPE)
			say("cannot write: %s", strerror(errno));
		result = RESULT_FAILURE;
	}
	free(text);
	return result;
}

static enum result watch_lines(const struct call *call, struct source *source, unsigned int pause,
			       uint64_t times)
{
	enum terminal_event event = TERMINAL_TIME;
	enum result result = RESULT_OK;
	bool more = true;

	terminal_open(false);
	while (event != TERMINAL_QUIT && more && times--) {
		result = write_one(call, source, &more);
		event = more && times ? terminal_wait(pause) : TERMINAL_QUIT;
	}
	terminal_close();
	return result;
}

static enum result run(const struct call *call, struct source *source, unsigned int pause,
		       uint64_t times)
{
	bool page = isatty(STDOUT_FILENO) && !call->settings.json && !call->given[METRICS].count;

	if (!call->given[WATCH].count)
		return print_one(call, source, stdout);
	return page ? watch_page(call, source, pause, times)
		    : watch_lines(call, source, pause, times);
}

/* "1", "0.5": in milliseconds. */
static bool take_interval(const char *text, unsigned int *ret_pause)
{
	size_t whole = strspn(text, "0123456789");
	size_t part = text[whole] == '.' ? strspn(text + whole + 1, "0123456789") : 0;
	bool good = whole && whole < 6 && (text[whole] == '.' ? part > 0 && part < 4 : true) &&
		    !text[whole + (text[whole] == '.') + part];
	unsigned int milliseconds = 0;
	unsigned int weight = 100;

	for (size_t i = 0; good && i < whole; i++)
		milliseconds = 10 * milliseconds + 1000 * (unsigned int)(text[i] - '0');
	for (size_t i = 0; good && i < part; i++, weight /= 10)
		milliseconds += weight * (unsigned int)(text[whole + 1 + i] - '0');
	if (!good || milliseconds < SHORTEST || milliseconds > LONGEST) {
		args_refuse("--interval '%s': expected seconds, 0.05 to 86400", text);
		return false;
	}
	*ret_pause = milliseconds;
	return true;
}

static enum result check_options(const struct call *call)
{
	const struct args_given *given = call->given;

	if (!given[WATCH].count && (given[INTERVAL].count || given[TIMES].count))
		return args_refuse("--interval and --times are for --watch: give that, too");
	if (call->settings.json && given[METRICS].count)
		return args_refuse("--json and --openmetrics are two forms: give one of them");
	if (given[STRICT].count && !given[METRICS].count)
		return args_refuse("--strict is for --openmetrics: give that, too");
	if (given[FROM].count && given[METRICS].count)
		return args_refuse("--openmetrics is of hwprobe's own context: leave out --from");
	return RESULT_OK;
}

static enum result stat_run(const struct call *call)
{
	const char *interval = call->given[INTERVAL].value;
	const char *count = call->given[TIMES].value;
	struct source source = { .file = call->given[FROM].value };
	enum result result = check_options(call);
	uint64_t times = UINT64_MAX;
	unsigned int pause = 1000;

	if (result != RESULT_OK)
		return result;
	if ((interval && !take_interval(interval, &pause)) ||
	    (count && !args_number("--times", count, UINT64_MAX, &times)))
		return RESULT_USAGE;
	if (!times)
		return args_refuse("--times begins at 1");
	if (!source.file)
		result = call_open(call, &source.hw);
	if (result == RESULT_OK)
		result = run(call, &source, pause, times);
	hws_close(source.hw);
	return result;
}

const struct verb verb_stat = {
	.area = "stat",
	.words = "",
	.help = "a context's numbers: caps, guards, rings, denials",
	.options = options,
	.run = stat_run,
};
