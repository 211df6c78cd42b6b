/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * How every verb reads.
 *
 * The document: values[]: name kind value (hex; null with an error) word (or
 * null) error why (or null), of MSRs cpu, and with --count sample and time (of
 * the Epoch, in seconds, as text). With --jsonl each of them is a document.
 */
#include <errno.h>
#include <inttypes.h>
#include <time.h>

#include "hw/hwprobe/document.h"
#include "hw/hwprobe/spot.h"

enum { SAMPLES_MAX = 1000000, INTERVAL_MAX = 86400000 };

/* One value, as it was read. */
struct reading {
	const struct spot *spot;
	uint64_t value;
	int code;
	uint64_t sample;
	struct timespec time;
};

/* Where values go. */
struct sink {
	const struct call *call;
	const struct spots *spots;
	struct json_object *array; /* NULL: text */
};

static uint64_t bits_of(const struct spot *spot)
{
	return spot->mask ? spot->mask : spot_ones(spot->place.width);
}

static unsigned int digits_of(const struct spot *spot)
{
	uint64_t ones = bits_of(spot) >> spot->low;
	unsigned int digits = 1;

	while (ones >>= 4)
		digits++;
	return digits;
}

static struct json_object *object_of(const struct sink *sink, const struct reading *got)
{
	const struct spot *spot = got->spot;
	struct json_object *o = spot_object(spot);
	const char *word =
		spot->registers && got->code == 0
			? hws_registers_word(spot->registers, spot->index, spot->field, got->value)
			: NULL;
	char time[40];

	put(o, "value", NULL);
	if (got->code == 0)
		put_hex(o, "value", digits_of(spot), got->value);
	put_text(o, "word", word);
	put_error(o, got->code);
	put_text(o, "why", got->code ? hws_why() : NULL);
	if (sink->spots->count_given) {
		snprintf(time, sizeof(time), "%lld.%09ld", (long long)got->time.tv_sec,
			 got->time.tv_nsec);
		put_number(o, "sample", got->sample);
		put_text(o, "time", time);
	}
	return o;
}

void spot_print_raw(uint64_t value, uint32_t width)
{
	for (uint32_t i = 0; i < width; i++)
		putchar((int)(value >> 8 * i & 0xff));
}

static void print_csv(const struct reading *got)
{
	printf("%lld.%09ld,%s,", (long long)got->time.tv_sec, got->time.tv_nsec, got->spot->name);
	if (got->code == 0)
		printf("0x%" PRIx64, got->value);
	putchar('\n');
}

static void print_text(const struct spots *spots, const struct reading *got)
{
	const struct spot *spot = got->spot;
	const char *suffix = spots->style != SPOTS_C ? "" : spot->place.width == 8 ? "ULL" : "U";

	printf("%s%s0x%0*" PRIx64 "%s\n", spots->named ? spot->name : "", spots->named ? " " : "",
	       (int)digits_of(spot), got->value, suffix);
}

static int show(const struct sink *sink, const struct reading *got)
{
	if (sink->array)
		json_object_array_add(sink->array, object_of(sink, got));
	else if (sink->spots->style == SPOTS_JSONL)
		return document_line(object_of(sink, got));
	else if (sink->spots->style == SPOTS_CSV)
		print_csv(got);
	else if (got->code == 0 && sink->spots->style == SPOTS_RAW)
		spot_print_raw(got->value, got->spot->place.width);
	else if (got->code == 0)
		print_text(sink->spots, got);
	return 0;
}

/* One round over all; false: the guard or a rate is used up, and nothing more is given. */
static bool read_round(const struct sink *sink, uint64_t sample, enum result *result,
		       size_t *ret_good)
{
	for (size_t i = 0; i < sink->spots->count; i++) {
		const struct spot *spot = &sink->spots->at[i];
		struct reading got = { .spot = spot, .sample = sample };

		got.code = spot_read(spot->place, &got.value);
		got.value = (got.value & bits_of(spot)) >> spot->low;
		clock_gettime(CLOCK_REALTIME, &got.time);
		if (show(sink, &got) < 0)
			*result = RESULT_FAILURE;
		if (got.code < 0)
			*result = call_fail(spot->name, got.code);
		if (got.code == -EDQUOT)
			return false;
		*ret_good += got.code == 0;
	}
	return true;
}

enum result spots_read(const struct call *call, const struct spots *spots)
{
	struct sink sink = { .call = call, .spots = spots };
	uint64_t rounds = spots->count_given ? spots->samples : 1;
	struct timespec pause = { (time_t)(spots->interval_ms / 1000),
				  (long)(spots->interval_ms % 1000) * 1000000 };
	enum result result = RESULT_OK;
	size_t good = 0;

	sink.array = call->settings.json ? json_object_new_array() : NULL;
	if (spots->style == SPOTS_CSV)
		puts("time,name,value");
	for (uint64_t i = 0; i < rounds && !ferror(stdout); i++) {
		if (i)
			nanosleep(&pause, NULL);
		if (!read_round(&sink, i, &result, &good))
			break;
		if (rounds > 1 && !sink.array)
			fflush(stdout); /* somebody may be watching */
	}
	if (result != RESULT_OK && good)
		result = RESULT_PARTIAL;
	return spots_finish(call, "values", sink.array, result);
}

bool spots_options(const struct call *call, struct spots *spots)
{
	const char *count = call->given[READ_COUNT].value;
	const char *interval = call->given[READ_INTERVAL].value;
	unsigned int styles = call->settings.json;

	for (int i = READ_RAW; i <= READ_JSONL; i++)
		if (call->given[i].count) {
			styles++;
			spots->style = (enum spots_style)(SPOTS_RAW + i - READ_RAW);
		}
	if (styles > 1) {
		args_refuse("--json, --raw, --c-language, --csv and --jsonl: give one of them");
		return false;
	}
	spots->count_given = count;
	spots->interval_ms = 1000;
	if ((count && !args_number("count", count, SAMPLES_MAX, &spots->samples)) ||
	    (interval && !args_number("interval", interval, INTERVAL_MAX, &spots->interval_ms)))
		return false;
	if (count && !spots->samples)
		args_refuse("--count begins at 1");
	return !count || spots->samples;
}
