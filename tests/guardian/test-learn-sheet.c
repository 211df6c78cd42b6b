/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The sheet by itself: who writes there at once, too much, or nonsense. */
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "guardian/learn-internal.h"
#include "tests/guardian/sim-context.h"

static struct hws_learn *open_sheet(const struct hws_learn_options *options)
{
	struct hws_learn *learn;
	char number[16];

	ck_ok(hws_learn_open(options, &learn));
	snprintf(number, sizeof(number), "%d", hws_learn_fd(learn));
	setenv(HWS_LEARN_NAME, number, 1);
	return learn;
}

enum { THREADS = 4, NOTES = 20000 };

static void *note_many(void *context)
{
	struct learn *learn = context;

	for (uint64_t i = 0, notes = (uint64_t)suite_rounds(NOTES); i < notes; i++) {
		struct hws_access access = { .kind = HWS_KIND_PORT,
					     .rights = HWS_W,
					     .first = i % 50,
					     .last = i % 50,
					     .has = HWS_HAS_VALUE,
					     .value = i % 5 };

		learn_note(learn, HWS_LEARNED_ACCESS, &access, HWS_REASON_NONE);
	}
	return NULL;
}

static void sum_up(const struct hws_learned *learned, void *context)
{
	uint64_t *sum = context;

	if (learned->what != HWS_LEARNED_ACCESS)
		return;
	*sum += learned->count;
	ck_assert_uint_eq(learned->value_count, 1);
	ck_assert_uint_eq(learned->least, learned->access.first % 5);
	ck_assert_uint_eq(learned->greatest, learned->access.first % 5);
}

START_TEST(learn_counts_right_with_threads)
{
	struct hws_learn *sheet = open_sheet(NULL);
	struct learn *learn = NULL;
	pthread_t threads[THREADS];
	uint64_t sum = 0;

	ck_ok(learn_find(&learn));
	for (int i = 0; i < THREADS; i++)
		pthread_create(&threads[i], NULL, note_many, learn);
	for (int i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
	ck_ok(hws_learn_each(sheet, sum_up, &sum, NULL));
	ck_assert_uint_eq(sum, (uint64_t)THREADS * (uint64_t)suite_rounds(NOTES));
	learn_free(learn);
	hws_learn_close(sheet);
}
END_TEST

static void count_notes(const struct hws_learned *learned, void *context)
{
	*(uint64_t *)context += learned->what == HWS_LEARNED_ACCESS;
}

START_TEST(learn_counts_what_finds_no_room)
{
	struct hws_learn *sheet = open_sheet(NULL);
	struct hws_access access = { .kind = HWS_KIND_MSR, .rights = HWS_R };
	struct learn *learn = NULL;
	char path[LEARN_PATH + 1];
	uint64_t kept = 0;
	uint64_t lost;

	ck_ok(learn_find(&learn));
	for (access.first = 0; access.first < 2 * LEARN_SLOTS; access.first++) {
		access.last = access.first;
		learn_note(learn, HWS_LEARNED_ACCESS, &access, HWS_REASON_NONE);
	}
	ck_ok(hws_learn_each(sheet, count_notes, &kept, &lost));
	ck_assert_uint_eq(kept + lost, 2 * LEARN_SLOTS);
	ck_assert_uint_gt(kept, LEARN_SLOTS / 2);
	memset(path, 'x', LEARN_PATH);
	path[LEARN_PATH] = '\0';
	access = (struct hws_access) { .kind = HWS_KIND_RING, .rights = HWS_R, .path = path };
	learn_note(learn, HWS_LEARNED_WINDOW, &access, HWS_REASON_NONE);
	ck_ok(hws_learn_each(sheet, count_notes, &kept, &kept));
	ck_assert_uint_eq(kept, lost + 1);
	learn_free(learn);
	hws_learn_close(sheet);
}
END_TEST

/* Who holds the descriptor may have written anything there. */
START_TEST(learn_reads_only_what_makes_sense)
{
	struct hws_learn *sheet = open_sheet(NULL);
	struct learn *learn = NULL;
	uint64_t kept = 0;
	uint32_t seed = 1;

	ck_ok(learn_find(&learn));
	for (uint32_t i = 0; i < 1000; i++) {
		struct learn_slot *slot = &learn->sheet->slots[i];

		for (size_t k = 0; k < sizeof(slot->key); k++)
			((unsigned char *)&slot->key)[k] =
				(unsigned char)((seed = seed * 1103515245 + 12345) >> 16);
		slot->state = LEARN_READY;
	}
	ck_ok(hws_learn_each(sheet, count_notes, &kept, NULL));
	ck_assert_uint_eq(kept, 0);
	learn_free(learn);
	hws_learn_close(sheet);
}
END_TEST

START_TEST(learn_refuses_options_that_make_no_sense)
{
	struct hws_learn_options options = { .size = 1 };
	struct hws_learn *learn = NULL;
	char *large = malloc(LEARN_TEXT + 1);

	memset(large, ' ', LEARN_TEXT);
	large[LEARN_TEXT] = '\0';
	ck_assert_int_eq(hws_learn_open(&options, &learn), -EINVAL);
	ck_assert_int_eq(hws_learn_open(NULL, NULL), -EINVAL);
	options = (struct hws_learn_options) { .size = sizeof(options), .policy = large };
	ck_assert_int_eq(hws_learn_open(&options, &learn), -E2BIG);
	ck_assert_ptr_null(learn);
	ck_assert_int_eq(hws_learn_each(NULL, count_notes, NULL, NULL), -EINVAL);
	hws_learn_close(NULL);
	free(large);
}
END_TEST

int main(void)
{
	return suite_run("guardian/learn-sheet",
			 (const TTest *[]) { learn_counts_right_with_threads,
					     learn_counts_what_finds_no_room,
					     learn_reads_only_what_makes_sense,
					     learn_refuses_options_that_make_no_sense, NULL });
}
