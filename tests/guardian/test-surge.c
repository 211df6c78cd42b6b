/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "guardian/surge-internal.h"
#include "tests/suite.h"

#ifndef __has_feature
#define __has_feature(x) 0
#endif
#if defined(__SANITIZE_THREAD__) || __has_feature(thread_sanitizer) || \
	defined(__SANITIZE_ADDRESS__) || __has_feature(address_sanitizer)
enum { TRAINS = 50000, GRANTS = 20000 };
#else
enum { TRAINS = 1000000, GRANTS = 100000 };
#endif
enum { THREADS = 4, LONGEST = 4096 };

static uint64_t seed = 0x9e3779b97f4a7c15u;

static uint64_t next_random(uint64_t *state)
{
	*state ^= *state << 13;
	*state ^= *state >> 7;
	*state ^= *state << 17;
	return *state;
}

static uint64_t below(uint64_t limit)
{
	return next_random(&seed) % limit;
}

/* Of any magnitude up to @limit alike. */
static uint64_t any_size(uint64_t limit)
{
	uint64_t value = 1 + below(limit);

	return 1 + (value - 1) / (1ull << below(17));
}

/* As ck_assert_msg(), which notes each check in a file: too slow for loops. */
#define check(condition, ...)                      \
	do {                                       \
		if (!(condition))                  \
			ck_abort_msg(__VA_ARGS__); \
	} while (0)

struct fake {
	_Atomic uint64_t now;
	_Atomic int error;
};

static int fake_now(void *self, uint64_t *ret_ns)
{
	struct fake *fake = self;

	if (fake->error)
		return fake->error;
	*ret_ns = fake->now;
	return 0;
}

#define CLOCK(fake) (&(struct clock_source) { fake_now, fake })

static enum hws_reason take(struct surge *surge, uint64_t amount)
{
	struct surge_grant grant;

	return surge_take(surge, amount, &grant);
}

/* What an exact log grants: it keeps each grant's time. */
struct exact {
	uint64_t budget, window, sum, total;
	size_t first, last;
	struct {
		uint64_t time, amount;
	} log[LONGEST];
};

static void exact_forget(struct exact *exact, uint64_t now)
{
	while (exact->first < exact->last && now - exact->log[exact->first].time >= exact->window)
		exact->sum -= exact->log[exact->first++].amount;
}

static void exact_note(struct exact *exact, uint64_t now, uint64_t amount)
{
	exact->log[exact->last].time = now;
	exact->log[exact->last++].amount = amount;
	exact->sum += amount;
	exact->total += amount;
}

static struct exact wanted, seen;

/* One random train for both; what the surge grants must fit the exact window at every grant. */
static void run_train(uint64_t budget, uint64_t window, uint64_t most, uint64_t gap, int requests)
{
	struct fake fake = { .now = below(1000 * window) };
	struct surge surge;

	check(surge_init(&surge, budget, window, CLOCK(&fake)) == 0, "not started");
	wanted.budget = seen.budget = budget;
	wanted.window = seen.window = window;
	wanted.sum = seen.sum = wanted.first = seen.first = wanted.last = seen.last = 0;
	for (int i = 0; i < requests; i++) {
		uint64_t amount = 1 + below(most);
		uint64_t now = fake.now + below(2 * gap + 1) * (below(3) != 0);

		fake.now = now;
		exact_forget(&wanted, now);
		if (amount <= budget && wanted.sum <= budget - amount)
			exact_note(&wanted, now, amount);
		exact_forget(&seen, now);
		if (take(&surge, amount) != HWS_REASON_NONE)
			continue;
		exact_note(&seen, now, amount);
		check(seen.sum <= budget, "%" PRIu64 " in a window of %" PRIu64 ", budget %" PRIu64,
		      seen.sum, window, budget);
	}
}

static void check_share(const char *what)
{
	ck_assert_msg(seen.total * 100 >= wanted.total * 95, "%s: %" PRIu64 " of %" PRIu64, what,
		      seen.total, wanted.total);
	ck_assert_msg(wanted.total > 0, "%s granted nothing", what);
	wanted.total = seen.total = 0;
}

START_TEST(surge_matches_an_exact_window_over_random_trains)
{
	/* windows that a quantum divides exactly, and real ones */
	static const uint64_t windows[] = { 100, 124, 1000, 1000000, 1000000000, 60000000000 };
	const int trains = suite_rounds(TRAINS);

	for (int i = 0; i < trains; i++) {
		uint64_t budget = any_size(10000);
		uint64_t window = 1 + below(windows[below(6)]);
		uint64_t most = any_size(budget);
		uint64_t gap = 1 + window / (1 + below(32));

		run_train(budget, window, most, gap, 1 + (int)below(40));
	}
	check_share("short trains");
	/* requests of 1 that come close together: every part of the budget is used */
	for (int i = 0; i < trains / 1000; i++) {
		uint64_t budget = any_size(1000);
		uint64_t window = 1 + below(windows[below(6)]);

		run_train(budget, window, 1, 1 + window / (budget + below(2 * budget)), LONGEST);
	}
	check_share("dense trains");
}
END_TEST

START_TEST(surge_init_refuses_nothing_to_grant)
{
	struct surge surge;

	ck_assert_int_eq(surge_init(&surge, 0, 1, NULL), -EINVAL);
	ck_assert_int_eq(surge_init(&surge, 1, 0, NULL), -EINVAL);
	ck_ok(surge_init(&surge, 1, 1, NULL));
	ck_assert_int_eq(take(&surge, 0), HWS_REASON_ARGUMENT);
	ck_assert_int_eq(take(&surge, 2), HWS_REASON_SURGE);
	ck_assert_int_eq(take(&surge, UINT64_MAX), HWS_REASON_SURGE);
	ck_assert_int_eq(take(&surge, 1), HWS_REASON_NONE);
}
END_TEST

START_TEST(surge_is_strict_at_the_window_edge)
{
	struct fake fake = { .now = 5 };
	struct surge surge;

	ck_ok(surge_init(&surge, 10, 100, CLOCK(&fake)));
	ck_assert_int_eq(take(&surge, 10), HWS_REASON_NONE);
	fake.now = 104;
	ck_assert_int_eq(take(&surge, 1), HWS_REASON_SURGE);
	fake.now = 105;
	ck_assert_int_eq(take(&surge, 10), HWS_REASON_NONE);
	ck_assert_int_eq(take(&surge, 1), HWS_REASON_SURGE);
}
END_TEST

START_TEST(surge_takes_budgets_of_any_size)
{
	struct fake fake = { .now = UINT64_MAX - 1000 };
	struct surge_numbers numbers;
	struct surge surge;

	ck_ok(surge_init(&surge, UINT64_MAX, UINT64_MAX, CLOCK(&fake)));
	ck_assert_int_eq(take(&surge, UINT64_MAX / 2), HWS_REASON_NONE);
	ck_assert_int_eq(take(&surge, UINT64_MAX / 2 + 2), HWS_REASON_SURGE);
	surge_read(&surge, &numbers);
	ck_assert_uint_ge(numbers.used, UINT64_MAX / 2);
	ck_assert_uint_eq(numbers.denied, 1);
	/* 1 TiB a second, in pieces of 1 GiB */
	fake.now = 1;
	ck_ok(surge_init(&surge, 1ull << 40, 1000000000, CLOCK(&fake)));
	for (int i = 0; i < 1023; i++)
		ck_assert_int_eq(take(&surge, 1ull << 30), HWS_REASON_NONE);
	ck_assert_int_eq(take(&surge, (1ull << 30) + 1), HWS_REASON_SURGE);
}
END_TEST

START_TEST(surge_refills_after_any_pause)
{
	struct fake fake = { .now = 0 };
	struct surge surge;

	/* pauses of whole laps of its ring, of 2^31 laps, and whatever comes */
	ck_ok(surge_init(&surge, 7, 100, CLOCK(&fake)));
	for (int i = 0, rounds = suite_rounds(200000); i < rounds; i++) {
		static const uint64_t pauses[] = { 100, SURGE_SLOTS, 2 * SURGE_SLOTS, 100000,
						   128ull << 31 };

		check(take(&surge, 3) == HWS_REASON_NONE && take(&surge, 4) == HWS_REASON_NONE,
		      "round %d: not all of the budget", i);
		check(take(&surge, 1) == HWS_REASON_SURGE, "round %d: more than the budget", i);
		fake.now += pauses[below(5)] + below(2) * below(100);
	}
}
END_TEST

START_TEST(surge_undo_gives_back_at_once)
{
	struct fake fake = { .now = 50 };
	struct surge_grant first, second;
	struct surge surge;

	ck_ok(surge_init(&surge, 10, 100, CLOCK(&fake)));
	ck_assert_int_eq(surge_take(&surge, 6, &first), HWS_REASON_NONE);
	ck_assert_int_eq(surge_take(&surge, 4, &second), HWS_REASON_NONE);
	surge_undo(&surge, &first);
	ck_assert_int_eq(take(&surge, 7), HWS_REASON_SURGE);
	ck_assert_int_eq(surge_take(&surge, 6, &first), HWS_REASON_NONE);
	/* too late: it has left the window, and others use its place */
	fake.now += 100;
	ck_assert_int_eq(take(&surge, 10), HWS_REASON_NONE);
	surge_undo(&surge, &first);
	surge_undo(&surge, &second);
	surge_undo(&surge, &(struct surge_grant) { 0 });
	ck_assert_int_eq(take(&surge, 1), HWS_REASON_SURGE);
}
END_TEST

START_TEST(surge_denies_while_the_clock_fails)
{
	struct fake fake = { .now = 50, .error = -EIO };
	struct surge_numbers numbers;
	struct surge surge;

	ck_ok(surge_init(&surge, 10, 100, CLOCK(&fake)));
	for (int i = 0; i < 100; i++)
		ck_assert_int_eq(take(&surge, 1 + (i & 7)), HWS_REASON_CLOCK);
	fake.error = 0;
	ck_assert_int_eq(take(&surge, 10), HWS_REASON_NONE);
	fake.error = -EIO;
	ck_assert_int_eq(take(&surge, 1), HWS_REASON_CLOCK);
	fake.error = 0;
	ck_assert_int_eq(take(&surge, 1), HWS_REASON_SURGE);
	fake.now += 100;
	ck_assert_int_eq(take(&surge, 10), HWS_REASON_NONE);
	surge_read(&surge, &numbers);
	ck_assert_uint_eq(numbers.clock_failures, 101);
	ck_assert_uint_eq(numbers.denied, 1);
	ck_assert_uint_eq(numbers.used, 10);
}
END_TEST

START_TEST(surge_stands_still_while_the_clock_runs_backwards)
{
	struct fake fake = { .now = 1000 };
	struct surge surge;

	ck_ok(surge_init(&surge, 10, 100, CLOCK(&fake)));
	ck_assert_int_eq(take(&surge, 10), HWS_REASON_NONE);
	fake.now = 1100;
	ck_assert_int_eq(take(&surge, 6), HWS_REASON_NONE);
	for (fake.now = 0; fake.now < 1200; fake.now += 7)
		ck_assert_int_eq(take(&surge, 5), HWS_REASON_SURGE);
	fake.now = 1200;
	ck_assert_int_eq(take(&surge, 10), HWS_REASON_NONE);
}
END_TEST

/*
 * A thread that sleeps between any two steps, for any time: whenever the clock
 * is read, others may come in between, and time passes.
 */
struct preempted {
	struct surge surge;
	uint64_t now;
	int depth;
	size_t grants;
	struct {
		uint64_t before, after, amount;
	} log[GRANTS];
};

static struct preempted preempted;

static void preempted_take(struct preempted *p)
{
	uint64_t before = p->now;
	uint64_t amount = 1 + below(4);
	struct surge_grant grant;

	if (p->grants == GRANTS || surge_take(&p->surge, amount, &grant) != HWS_REASON_NONE)
		return;
	if (below(8) == 0) {
		surge_undo(&p->surge, &grant);
		return;
	}
	if (p->grants == GRANTS)
		return;
	p->log[p->grants].before = before;
	p->log[p->grants].after = p->now;
	p->log[p->grants++].amount = amount;
}

static int preempted_now(void *self, uint64_t *ret_ns)
{
	static const uint64_t naps[] = { 1, 3, 30, 300 };
	struct preempted *p = self;

	*ret_ns = p->now;
	if (p->depth < 3 && below(3) == 0) {
		p->depth++;
		for (uint64_t n = below(6); n; n--) {
			p->now += below(naps[below(4)]);
			preempted_take(p);
		}
		p->depth--;
	}
	return below(50) ? 0 : -EIO;
}

static int by_before(const void *a, const void *b)
{
	const uint64_t *x = a;
	const uint64_t *y = b;

	return *x < *y ? -1 : *x > *y;
}

/* No window holds more than the budget of those grants that lie wholly inside it. */
static void check_windows(uint64_t (*log)[3], size_t count, uint64_t budget, uint64_t window)
{
	qsort(log, count, sizeof(*log), by_before);
	for (size_t i = 0; i < count; i++) {
		uint64_t sum = 0;

		for (size_t k = i; k < count && log[k][0] - log[i][0] < window; k++)
			if (log[k][1] - log[i][0] < window)
				sum += log[k][2];
		check(sum <= budget, "%" PRIu64 " granted in a window, budget %" PRIu64, sum,
		      budget);
	}
}

START_TEST(surge_is_strict_whoever_sleeps_where)
{
	static const uint64_t windows[] = { 1, 2, 60, 124, 125, 300, 1000 };
	size_t grants = (size_t)suite_rounds(GRANTS / 7);

	for (size_t w = 0; w < sizeof(windows) / sizeof(windows[0]); w++) {
		memset(&preempted, 0, sizeof(preempted));
		ck_ok(surge_init(&preempted.surge, 8, windows[w],
				 &(struct clock_source) { preempted_now, &preempted }));
		while (preempted.grants < grants) {
			preempted.now += below(windows[w]);
			preempted_take(&preempted);
		}
		check_windows((uint64_t(*)[3])preempted.log, preempted.grants, 8, windows[w]);
		/* nothing is lost for good */
		preempted.now += 1000 * windows[w];
		preempted.depth = 3;
		while (take(&preempted.surge, 8) == HWS_REASON_CLOCK)
			;
		preempted.now += 2 * windows[w] + 100;
	}
}
END_TEST

struct crowd {
	struct surge surge;
	struct fake *fake; /* NULL: the real clock */
	uint64_t (*log)[3];
	_Atomic size_t grants;
	_Atomic int running;
};

static uint64_t crowd_now(struct crowd *crowd)
{
	struct timespec now;

	if (crowd->fake)
		return crowd->fake->now;
	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

static void *crowd_take(void *context)
{
	struct crowd *crowd = context;
	uint64_t random = (uint64_t)(uintptr_t)&random | 1;

	for (int i = 0, takes = suite_rounds(40 * GRANTS / THREADS); i < takes; i++) {
		uint64_t amount = 1 + next_random(&random) % 3;
		uint64_t before = crowd_now(crowd);
		struct surge_grant grant;
		size_t at;

		if (crowd->fake && next_random(&random) % 8 == 0)
			crowd->fake->now += next_random(&random) % 16;
		if (surge_take(&crowd->surge, amount, &grant) != HWS_REASON_NONE)
			continue;
		if (next_random(&random) % 8 == 0) {
			surge_undo(&crowd->surge, &grant);
			continue;
		}
		at = crowd->grants++;
		if (at >= GRANTS) {
			crowd->grants--;
			break;
		}
		crowd->log[at][0] = before;
		crowd->log[at][1] = crowd_now(crowd);
		crowd->log[at][2] = amount;
	}
	return NULL;
}

static void run_crowd(struct fake *fake, uint64_t budget, uint64_t window)
{
	struct crowd *crowd = calloc(1, sizeof(*crowd));
	struct surge_numbers numbers;
	pthread_t threads[THREADS];

	crowd->log = calloc(GRANTS + THREADS, sizeof(*crowd->log));
	crowd->fake = fake;
	ck_ok(surge_init(&crowd->surge, budget, window, fake ? CLOCK(fake) : NULL));
	for (int i = 0; i < THREADS; i++)
		ck_assert_int_eq(pthread_create(&threads[i], NULL, crowd_take, crowd), 0);
	for (int i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
	ck_assert_uint_gt(crowd->grants, 100);
	check_windows(crowd->log, crowd->grants, budget, window);
	surge_read(&crowd->surge, &numbers);
	ck_assert_uint_le(numbers.used, budget);
	if (fake) {
		fake->now += 1000 * window;
		surge_read(&crowd->surge, &numbers);
		ck_assert_uint_eq(numbers.used, 0);
	}
	free(crowd->log);
	free(crowd);
}

START_TEST(surge_is_strict_under_threads)
{
	run_crowd(&(struct fake) { .now = 1 }, 50, 100);
	run_crowd(&(struct fake) { .now = 1 }, 200, 5000);
	run_crowd(NULL, 100, 20000);
	run_crowd(NULL, 1000, 1000000);
}
END_TEST

int main(void)
{
	return suite_run(
		"guardian/surge",
		(const TTest *[]) {
			surge_init_refuses_nothing_to_grant, surge_is_strict_at_the_window_edge,
			surge_takes_budgets_of_any_size, surge_refills_after_any_pause,
			surge_undo_gives_back_at_once, surge_denies_while_the_clock_fails,
			surge_stands_still_while_the_clock_runs_backwards,
			surge_is_strict_whoever_sleeps_where, surge_is_strict_under_threads,
			surge_matches_an_exact_window_over_random_trains, NULL });
}
