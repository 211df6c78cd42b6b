/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "shim/once.h"
#include "tests/suite.h"

enum { WORDS = 8, MOST_THREADS = 64 };

/* All words are the same: a value that was seen half would show it. */
struct value {
	uint64_t word[WORDS];
};
typedef HWS_ONCE(struct value) once_value;

struct race {
	once_value *cells;
	uint32_t rounds;
	_Atomic uint32_t round;
	_Atomic uint32_t wins;
	_Atomic uint32_t torn;
	_Atomic uint32_t tag;
};

static bool whole(const struct value *value)
{
	for (int i = 1; i < WORDS; i++) {
		if (value->word[i] != value->word[0])
			return false;
	}
	return value->word[0] != 0;
}

static void *racer(void *context)
{
	struct race *race = context;
	uint64_t tag = ++race->tag;
	uint32_t round;

	while ((round = race->round) < race->rounds) {
		struct value mine;
		const struct value *seen;
		int r;

		for (int i = 0; i < WORDS; i++)
			mine.word[i] = tag << 32 | round;
		r = hws_once_set(&race->cells[round], &mine);
		if (r == 0) {
			race->wins++;
			race->round = round + 1;
		}
		if (r == -EBUSY)
			sched_yield(); /* whoever is writing may have lost its processor */
		seen = hws_once_get(&race->cells[round]);
		if ((seen && !whole(seen)) || (r == -EALREADY && !seen))
			race->torn++;
	}
	return NULL;
}

static void run_race(int threads)
{
	/* there they take their time; what orders the threads shows in few rounds */
	uint32_t rounds = suite_in_lab() || SUITE_SANITIZED ? 10000 : 100000;
	struct race race = { .cells = calloc(rounds, sizeof(once_value)), .rounds = rounds };
	pthread_t thread[MOST_THREADS];

	ck_assert_ptr_nonnull(race.cells);
	for (int i = 0; i < threads; i++)
		ck_assert_int_eq(pthread_create(&thread[i], NULL, racer, &race), 0);
	for (int i = 0; i < threads; i++)
		pthread_join(thread[i], NULL);
	ck_assert_uint_eq(race.wins, rounds);
	ck_assert_uint_eq(race.torn, 0);
	for (uint32_t i = 0; i < rounds; i++)
		ck_assert(whole(hws_once_get(&race.cells[i])));
	free(race.cells);
}

START_TEST(once_has_one_winner_of_2_threads)
{
	run_race(2);
}
END_TEST

START_TEST(once_has_one_winner_of_64_threads)
{
	run_race(MOST_THREADS);
}
END_TEST

START_TEST(once_set_refuses_the_second_value)
{
	HWS_ONCE(int) cell = { 0 };
	const int first = 1;
	const int second = 2;

	ck_assert_ptr_null(hws_once_get(&cell));
	ck_assert_int_eq(hws_once_set(&cell, &first), 0);
	ck_assert_int_eq(hws_once_set(&cell, &second), -EALREADY);
	ck_assert_int_eq(*hws_once_get(&cell), 1);
}
END_TEST

START_TEST(once_set_says_busy_while_another_writes)
{
	HWS_ONCE(int) cell = { .once = { HWS_ONCE_WRITING } };
	const int value = 1;

	ck_assert_int_eq(hws_once_set(&cell, &value), -EBUSY);
	ck_assert_ptr_null(hws_once_get(&cell));
	ck_assert_int_eq(cell.value, 0);
}
END_TEST

int main(void)
{
	return suite_run("shim/once", (const TTest *[]) {
					      once_set_refuses_the_second_value,
					      once_set_says_busy_while_another_writes,
					      once_has_one_winner_of_2_threads,
					      once_has_one_winner_of_64_threads,
					      NULL,
				      });
}
