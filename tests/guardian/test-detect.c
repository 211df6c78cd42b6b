/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <pthread.h>
#include <string.h>

#include "guardian/detect-internal.h"
#include "tests/suite.h"

enum { INTERVAL = 1000 };

struct heard {
	unsigned int count;
	struct detect_alarm last;
};

static void hear(const struct detect_alarm *alarm, void *context)
{
	struct heard *heard = context;

	heard->count++;
	heard->last = *alarm;
}

/* A day with a clock of its own: @counts[i] denials in interval i. */
struct day {
	struct detect detect;
	struct heard heard;
	uint64_t now;
};

static void day_begin(struct day *day)
{
	memset(day, 0, sizeof(*day));
	detect_init(&day->detect, INTERVAL);
	day->now = 12345;
	detect_tick(&day->detect, day->now, hear, &day->heard);
}

static void spend(struct day *day, unsigned int intervals, uint64_t count)
{
	while (intervals--) {
		detect_count(&day->detect, HWS_KIND_MSR, DETECT_DENIALS, count);
		day->now += INTERVAL;
		detect_tick(&day->detect, day->now, hear, &day->heard);
	}
}

/* The same every time. */
static uint32_t noise(uint32_t *state)
{
	*state = *state * 1664525 + 1013904223;
	return *state >> 16;
}

START_TEST(detect_is_quiet_while_traffic_is_steady)
{
	static const uint64_t rates[] = { 0, 1, 5, 100, 10000, 1000000 };
	uint32_t state = 1;

	for (size_t i = 0; i < sizeof(rates) / sizeof(rates[0]); i++) {
		struct day day;

		day_begin(&day);
		for (unsigned int n = 0; n < 5000; n++) {
			uint64_t spread = rates[i] / 5 + 1;

			spend(&day, 1, rates[i] + noise(&state) % spread);
		}
		ck_assert_msg(day.heard.count == 0, "rate %zu: %u alarms", i, day.heard.count);
	}
}
END_TEST

START_TEST(detect_raises_once_per_excursion)
{
	struct day day;

	day_begin(&day);
	spend(&day, 50, 10);
	spend(&day, 1, 500); /* at once */
	ck_assert_uint_eq(day.heard.count, 1);
	ck_assert_int_eq(day.heard.last.kind, HWS_KIND_MSR);
	ck_assert_int_eq(day.heard.last.what, DETECT_DENIALS);
	ck_assert_uint_eq(day.heard.last.count, 500);
	ck_assert_uint_eq(day.heard.last.usual, 10);
	spend(&day, 5, 600); /* it goes on */
	ck_assert_uint_eq(day.heard.count, 1);
	spend(&day, 100, 10); /* it is over */
	spend(&day, 1, 5000);
	ck_assert_uint_eq(day.heard.count, 2);
}
END_TEST

START_TEST(detect_takes_a_lasting_rate_as_the_new_usual)
{
	struct day day;

	day_begin(&day);
	spend(&day, 50, 10);
	spend(&day, 1000, 500);
	ck_assert_uint_eq(day.heard.count, 1);
	spend(&day, 1, 50000);
	ck_assert_uint_eq(day.heard.count, 2);
}
END_TEST

START_TEST(detect_learns_before_it_judges)
{
	struct day day;

	day_begin(&day);
	spend(&day, 2, 1);
	spend(&day, DETECT_WARM_UP - 2, 10000);
	ck_assert_uint_eq(day.heard.count, 0);
}
END_TEST

START_TEST(detect_minds_no_few)
{
	struct day day;

	day_begin(&day);
	spend(&day, 100, 0);
	spend(&day, 1, DETECT_LEAST - 1);
	ck_assert_uint_eq(day.heard.count, 0);
	spend(&day, 50, 0);
	spend(&day, 1, DETECT_LEAST);
	ck_assert_uint_eq(day.heard.count, 1);
}
END_TEST

START_TEST(detect_counts_a_pause_as_empty_intervals)
{
	struct day day;

	day_begin(&day);
	spend(&day, 50, 100);
	day.now += UINT64_C(1000000) * INTERVAL; /* nothing happens for long */
	detect_tick(&day.detect, day.now, hear, &day.heard);
	ck_assert_uint_eq(day.heard.count, 0);
	spend(&day, 1, 100);
	ck_assert_uint_eq(day.heard.count, 1);
}
END_TEST

START_TEST(detect_stands_a_clock_that_goes_back_and_edge_counts)
{
	struct day day;

	day_begin(&day);
	spend(&day, 20, 5);
	detect_tick(&day.detect, 0, hear, &day.heard);
	detect_count(&day.detect, HWS_KINDS, DETECT_DENIALS, 1);
	detect_count(&day.detect, (enum hws_kind) - 1, DETECT_DENIALS, 1);
	spend(&day, 2, UINT64_MAX);
	spend(&day, 200, 5);
	detect_tick(&day.detect, UINT64_MAX, hear, &day.heard);
	ck_assert_uint_eq(day.heard.count, 1);
}
END_TEST

static void *count_and_tick(void *context)
{
	struct day *day = context;
	struct heard heard = { 0 };

	for (uint64_t i = 0; i < 20000; i++) {
		detect_count(&day->detect, HWS_KIND_PORT, DETECT_ACCESSES, 1);
		detect_tick(&day->detect, i * 10, hear, &heard);
	}
	return NULL;
}

START_TEST(detect_is_safe_with_threads)
{
	pthread_t threads[4];
	struct day day;

	memset(&day, 0, sizeof(day));
	detect_init(&day.detect, INTERVAL);
	for (unsigned int i = 0; i < 4; i++)
		pthread_create(&threads[i], NULL, count_and_tick, &day);
	for (unsigned int i = 0; i < 4; i++)
		pthread_join(threads[i], NULL);
}
END_TEST

int main(void)
{
	const TTest *const tests[] = {
		detect_is_quiet_while_traffic_is_steady,
		detect_raises_once_per_excursion,
		detect_takes_a_lasting_rate_as_the_new_usual,
		detect_learns_before_it_judges,
		detect_minds_no_few,
		detect_counts_a_pause_as_empty_intervals,
		detect_stands_a_clock_that_goes_back_and_edge_counts,
		detect_is_safe_with_threads,
		NULL,
	};

	return suite_run("guardian/detect", tests);
}
