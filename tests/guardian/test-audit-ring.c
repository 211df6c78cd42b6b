/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <pthread.h>
#include <stdio.h>
#include <string.h>

#include "guardian/audit-ring-internal.h"
#include "tests/guardian/test-audit-common.h"

enum { THREADS = 4, EACH = 100000 };

static uint64_t events_of_all(void)
{
	return (uint64_t)THREADS * (uint64_t)suite_rounds(EACH);
}

/* An event whose parts tell whether they belong together. */
static struct hws_event self_checking(uint64_t seed)
{
	struct hws_event event = {
		.kind = (uint32_t)(seed % HWS_KINDS),
		.has = HWS_HAS_VALUE | HWS_HAS_OLD,
		.first = seed,
		.last = ~seed,
		.value = seed * 0x9e3779b97f4a7c15u,
		.old = seed ^ 0x5555,
		.rule = (uint32_t)seed,
	};

	snprintf(event.text, sizeof(event.text), "%032llx", (unsigned long long)seed);
	return event;
}

static bool holds_together(const struct hws_event *event)
{
	struct hws_event wanted = self_checking(event->first);

	return event->last == wanted.last && event->value == wanted.value &&
	       event->old == wanted.old && event->rule == wanted.rule &&
	       event->kind == wanted.kind && !strcmp(event->text, wanted.text);
}

struct producer {
	struct hws_audit *audit;
	uint64_t seed;
};

static void *produce(void *context)
{
	struct producer *producer = context;

	for (uint64_t i = 0, each = events_of_all() / THREADS; i < each; i++) {
		struct hws_event event = self_checking(producer->seed + i);

		audit_record(producer->audit, &event);
	}
	return NULL;
}

static void produce_all(struct hws_audit *audit, void (*meanwhile)(struct hws_audit *))
{
	struct producer producers[THREADS];
	pthread_t threads[THREADS];

	for (unsigned int i = 0; i < THREADS; i++) {
		producers[i] = (struct producer) { audit, (uint64_t)i << 32 };
		pthread_create(&threads[i], NULL, produce, &producers[i]);
	}
	if (meanwhile)
		meanwhile(audit);
	for (unsigned int i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
}

struct tally {
	uint64_t seen;
	uint64_t lost;
	uint64_t torn;
	uint64_t unordered;
	uint64_t last;
};

static int tally_one(const struct hws_event *event, void *context)
{
	struct tally *tally = context;

	tally->unordered += event->sequence <= tally->last;
	tally->last = event->sequence;
	if (event->type == HWS_EVENT_LOST) {
		tally->lost += event->value;
		tally->last = event->sequence + event->value - 1;
		return 0;
	}
	tally->seen++;
	tally->torn += !holds_together(event);
	return 0;
}

static void query_while_busy(struct hws_audit *audit)
{
	struct hws_audit_stats stats;

	do {
		struct tally tally = { 0 };

		ck_ok(hws_audit_query(audit, NULL, tally_one, &tally, &tally.lost));
		ck_assert_uint_eq(tally.torn, 0);
		ck_assert_uint_eq(tally.unordered, 0);
		hws_audit_stats(audit, &stats);
	} while (stats.recorded < events_of_all());
}

START_TEST(audit_loses_and_tears_nothing_uncounted_with_threads)
{
	/* a small ring: laps and collisions all the time */
	struct hws_audit *audit = open_with(
		(struct hws_audit_options) { .events = 64, .flags = HWS_AUDIT_NO_DETECTOR });
	struct hws_audit_stats stats;
	struct tally tally = { 0 };

	produce_all(audit, query_while_busy);
	ck_ok(hws_audit_query(audit, NULL, tally_one, &tally, &tally.lost));
	ck_assert_uint_eq(tally.seen + tally.lost, events_of_all());
	ck_assert_uint_eq(tally.torn, 0);
	hws_audit_stats(audit, &stats);
	ck_assert_uint_eq(stats.recorded, events_of_all());
	hws_audit_close(audit);
}
END_TEST

START_TEST(audit_sink_sees_every_event_or_how_many_are_missing)
{
	struct tally tally = { 0 };
	struct hws_audit_stats stats;
	struct hws_audit *audit = open_with(
		(struct hws_audit_options) { .events = 1024,
					     .flags = HWS_AUDIT_THREAD | HWS_AUDIT_NO_DETECTOR,
					     .call = tally_one,
					     .call_context = &tally });
	struct hws_event last = self_checking(1);

	produce_all(audit, NULL);
	audit_record(audit, &last);
	ck_ok(hws_audit_flush(audit));
	hws_audit_stats(audit, &stats);
	hws_audit_close(audit);
	ck_assert_uint_eq(tally.seen + tally.lost, events_of_all() + 1);
	ck_assert_uint_eq(stats.missed, tally.lost);
	ck_assert_uint_eq(tally.torn, 0);
	ck_assert_uint_eq(tally.unordered, 0);
}
END_TEST

/* A writer that is stopped in the middle, for a lap and more, seen from the slot. */
START_TEST(audit_ring_waits_for_no_stopped_writer)
{
	struct hws_event event = { 0 };
	struct audit_ring ring;

	ck_ok(ring_init(&ring, 4));
	ring.head = 1;
	ring.slots[1].state = 1 << 2 | 1; /* sequence 1, busy */
	ck_assert_int_eq(ring_get(&ring, 1, &event), RING_PENDING);
	for (uint64_t i = 2; i <= 6; i++)
		ck_assert_uint_eq(ring_put(&ring, &event), i);
	ck_assert_int_eq(ring_get(&ring, 1, &event), RING_GONE);
	ck_assert_int_eq(ring_get(&ring, 5, &event), RING_GONE); /* dropped, not waited for */
	ck_assert_int_eq(ring_get(&ring, 6, &event), RING_HERE);
	ring.slots[1].state &= ~UINT64_C(1); /* it goes on */
	ck_assert_int_eq(ring_get(&ring, 5, &event), RING_GONE);
	for (uint64_t i = 7; i <= 9; i++)
		ring_put(&ring, &event);
	ck_assert_int_eq(ring_get(&ring, 9, &event), RING_HERE);
	ck_assert_uint_eq(event.sequence, 9);
	ring_fini(&ring);
}
END_TEST

int main(void)
{
	const TTest *const tests[] = {
		audit_loses_and_tears_nothing_uncounted_with_threads,
		audit_sink_sees_every_event_or_how_many_are_missing,
		audit_ring_waits_for_no_stopped_writer,
		NULL,
	};

	return suite_run("guardian/audit-ring", tests);
}
