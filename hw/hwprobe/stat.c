/* SPDX-License-Identifier: GPL-2.0-or-later */
/* hwprobe stat: a context's numbers, once or again and again. */
#include <errno.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

#include "hw/hwprobe/args.h"
#include "hw/hwprobe/document.h"
#include "hw/hwprobe/verbs.h"

enum { METRICS, STRICT, WATCH, INTERVAL, TIMES };
static const struct args_option options[] = {
	[METRICS] = { "openmetrics", 0, NULL, "as OpenMetrics text, as Prometheus reads it" },
	[STRICT] = { "strict", 0, NULL, "OpenMetrics to the letter" },
	[WATCH] = { "watch", 'w', NULL, "again and again, until interrupted" },
	[INTERVAL] = { "interval", 'i', "SECONDS", "between two looks; 1 unless told" },
	[TIMES] = { "times", 0, "N", "so many looks, then end" },
	{ 0 },
};

/* Lines on a terminal: no more than it has. */
struct lines {
	unsigned int left;
	unsigned int width;
};

/* Lock-free, so that a handler may set it. */
static _Atomic int interrupted;

static void interrupt(int signal)
{
	(void)signal;
	/* relaxed: nothing else is published by it */
	atomic_store_explicit(&interrupted, 1, memory_order_relaxed);
}

static bool is_interrupted(void)
{
	/* relaxed: as in interrupt() */
	return atomic_load_explicit(&interrupted, memory_order_relaxed);
}

/* "caps.memory.used        12": a line for each number, named by the way to it. */
static void print_value(struct json_object *value, const char *name, struct lines *lines)
{
	enum { NAME = 256 };
	char path[NAME];

	if (json_object_is_type(value, json_type_object)) {
		json_object_object_foreach(value, key, member)
		{
			snprintf(path, sizeof(path), "%s%s%s", name, *name ? "." : "", key);
			print_value(member, path, lines);
		}
	} else if (json_object_is_type(value, json_type_array)) {
		for (size_t i = 0; i < json_object_array_length(value); i++) {
			snprintf(path, sizeof(path), "%s.%zu", name, i);
			print_value(json_object_array_get_idx(value, i), path, lines);
		}
	} else if (lines->left) {
		const char *text = value ? json_object_get_string(value) : "-";
		int room = (int)lines->width - 41;

		lines->left--;
		printf("%-40s %.*s\n", name, room > 1 ? room : 1, text);
	}
}

static enum result print_text(const char *text, struct lines lines)
{
	struct json_object *o = json_tokener_parse(text);

	if (!o)
		return call_fail("stat", -ENOMEM);
	print_value(o, "", &lines);
	json_object_put(o);
	return RESULT_OK;
}

static struct lines lines_of(bool page)
{
	struct lines lines = { UINT32_MAX, 4096 };
	struct winsize size;

	if (page && ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_row > 1 &&
	    size.ws_col) {
		lines.left = size.ws_row - 1u;
		lines.width = size.ws_col;
	}
	return lines;
}

static enum result print_one(const struct call *call, struct hws *hw, bool page)
{
	struct hws_snapshot now = { .size = sizeof(now) };
	enum result result = RESULT_OK;
	char *text = NULL;
	int r = hws_snapshot_take(hw, &now);

	if (r == 0 && call->given[METRICS].count)
		r = hws_snapshot_openmetrics(
			&now, call->given[STRICT].count ? HWS_METRICS_STRICT : 0, &text);
	else if (r == 0)
		r = hws_snapshot_json(&now, &text);
	if (r < 0)
		return call_fail("stat", r);
	if (page)
		fputs("\033[H\033[2J", stdout);
	if (call->given[METRICS].count)
		fputs(text, stdout);
	else if (call->settings.json)
		puts(text);
	else
		result = print_text(text, lines_of(page));
	free(text);
	return result;
}

static enum result watch(const struct call *call, struct hws *hw, uint64_t seconds, uint64_t times)
{
	bool page = isatty(STDOUT_FILENO) && !call->settings.json && !call->given[METRICS].count;
	struct timespec pause = { (time_t)seconds, 0 };
	enum result result = RESULT_OK;

	sigaction(SIGINT, &(struct sigaction) { .sa_handler = interrupt }, NULL);
	sigaction(SIGTERM, &(struct sigaction) { .sa_handler = interrupt }, NULL);
	for (uint64_t i = 0; result == RESULT_OK && !is_interrupted() && i < times; i++) {
		if (i)
			nanosleep(&pause, NULL);
		if (is_interrupted())
			break;
		result = print_one(call, hw, page);
		if (fflush(stdout) < 0 || ferror(stdout))
			break;
	}
	return result;
}

static enum result stat_run(const struct call *call)
{
	bool again = call->given[WATCH].count;
	const char *interval = call->given[INTERVAL].value;
	const char *count = call->given[TIMES].value;
	uint64_t times = UINT64_MAX;
	uint64_t seconds = 1;
	enum result result;
	struct hws *hw;

	if (!again && (interval || count))
		return args_refuse("--interval and --times are for --watch: give that, too");
	if (call->settings.json && call->given[METRICS].count)
		return args_refuse("--json and --openmetrics are two forms: give one of them");
	if (call->given[STRICT].count && !call->given[METRICS].count)
		return args_refuse("--strict is for --openmetrics: give that, too");
	if ((interval && !args_number("--interval", interval, 86400, &seconds)) ||
	    (count && !args_number("--times", count, UINT64_MAX, &times)))
		return RESULT_USAGE;
	if (!seconds || !times)
		return args_refuse("--interval and --times begin at 1");
	result = call_open(call, &hw);
	if (result != RESULT_OK)
		return result;
	result = again ? watch(call, hw, seconds, times) : print_one(call, hw, false);
	hws_close(hw);
	return result;
}

const struct verb verb_stat = {
	.area = "stat",
	.words = "",
	.help = "a context's numbers: caps, rates, guards, denials",
	.options = options,
	.run = stat_run,
};
