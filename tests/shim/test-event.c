/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <string.h>

#include "shim/event.h"
#include "shim/sys-internal.h"
#include "shim/why-internal.h"
#include "tests/suite.h"

enum { THREADS = 4, ROUNDS = 2000 };

static struct hws_event *opened(void)
{
	struct hws_event *event;

	ck_ok(hws_event_open(&event));
	return event;
}

struct heard {
	int calls;
	int code;
	int releases;
	int order;
};
static int order;

static void hear(void *context, int code)
{
	struct heard *heard = context;

	heard->calls++;
	heard->code = code;
	heard->order = ++order;
}

static void forget(void *context)
{
	struct heard *heard = context;

	heard->releases++;
}

START_TEST(event_happens_once)
{
	struct hws_event *event = opened();
	int code = 77;

	ck_assert_int_eq(hws_event_wait(event, 0, &code), -ETIMEDOUT);
	ck_assert_int_eq(hws_event_wait(event, 1, &code), -ETIMEDOUT);
	ck_assert_int_eq(code, 77);
	why(-EIO, "the first words");
	ck_ok(hws_event_set(event, -EIO));
	why(-EIO, "others");
	ck_assert_int_eq(hws_event_set(event, 0), -EALREADY);
	ck_ok(hws_event_wait(event, UINT64_MAX, &code));
	ck_assert_int_eq(code, -EIO);
	ck_assert_str_eq(hws_why(), "the first words");
	hws_event_close(event);
	hws_event_close(NULL);
}
END_TEST

START_TEST(event_calls_in_order_and_late_ones_now)
{
	struct hws_event *event = opened();
	struct heard heard[3] = { 0 };

	ck_ok(hws_event_then(event, hear, forget, &heard[0]));
	ck_ok(hws_event_then(event, hear, NULL, &heard[1]));
	ck_ok(hws_event_set(event, -ENOENT));
	ck_ok(hws_event_then(event, hear, forget, &heard[2]));
	for (int i = 0; i < 3; i++) {
		ck_assert_int_eq(heard[i].calls, 1);
		ck_assert_int_eq(heard[i].code, -ENOENT);
		ck_assert_int_eq(heard[i].order, i + 1);
		ck_assert_int_eq(heard[i].releases, i != 1);
	}
	hws_event_close(event);
}
END_TEST

START_TEST(event_that_never_happens_releases_and_does_not_call)
{
	struct hws_event *event = opened();
	struct heard heard = { 0 };

	ck_ok(hws_event_then(event, hear, forget, &heard));
	hws_event_close(hws_event_share(event));
	ck_assert_int_eq(heard.releases, 0);
	hws_event_close(event);
	ck_assert_int_eq(heard.releases, 1);
	ck_assert_int_eq(heard.calls, 0);
}
END_TEST

START_TEST(event_is_seen_by_poll)
{
	for (int early = 0; early < 2; early++) {
		struct hws_event *event = opened();
		struct pollfd look = { .events = POLLIN };

		if (!early)
			ck_ok(hws_event_set(event, 0));
		look.fd = hws_event_fd(event);
		ck_ok(look.fd);
		ck_assert_int_eq(look.fd, hws_event_fd(event));
		ck_assert_int_eq(poll(&look, 1, 0), !early);
		if (early)
			ck_ok(hws_event_set(event, 0));
		ck_assert_int_eq(poll(&look, 1, 0), 1);
		hws_event_close(event);
	}
}
END_TEST

static void let_go(void *context, int code)
{
	(void)code;
	hws_event_close(context);
}

START_TEST(event_may_be_let_go_of_by_who_is_called)
{
	struct hws_event *event = opened();

	ck_ok(hws_event_then(event, let_go, NULL, event));
	ck_ok(hws_event_set(event, 0));
}
END_TEST

static struct hws_event *shared;
static _Atomic int winners;

static void *race(void *number)
{
	int code;

	if (hws_event_set(shared, -(int)(intptr_t)number) == 0)
		winners++;
	ck_ok(hws_event_wait(shared, UINT64_MAX, &code));
	ck_assert_int_lt(code, 0);
	hws_event_close(shared);
	return NULL;
}

START_TEST(event_has_one_winner_among_threads)
{
	/* each round is four switches of threads, which take an emulated machine milliseconds */
	const bool slow = SUITE_SANITIZED || suite_in_lab();
	const int rounds = suite_rounds(slow ? ROUNDS / 10 : ROUNDS);

	for (int round = 0; round < rounds; round++) {
		pthread_t threads[THREADS];
		struct heard heard = { 0 };

		shared = opened();
		winners = 0;
		ck_ok(hws_event_then(shared, hear, forget, &heard));
		for (intptr_t i = 0; i < THREADS; i++) {
			hws_event_share(shared);
			ck_assert_int_eq(pthread_create(&threads[i], NULL, race, (void *)(i + 1)),
					 0);
		}
		for (int i = 0; i < THREADS; i++)
			pthread_join(threads[i], NULL);
		ck_assert_int_eq(winners, 1);
		ck_assert_int_eq(heard.calls, 1);
		ck_assert_int_eq(heard.releases, 1);
		hws_event_close(shared);
	}
}
END_TEST

int main(void)
{
	const TTest *const tests[] = {
		event_happens_once,
		event_calls_in_order_and_late_ones_now,
		event_that_never_happens_releases_and_does_not_call,
		event_is_seen_by_poll,
		event_may_be_let_go_of_by_who_is_called,
		event_has_one_winner_among_threads,
		NULL,
	};

	return suite_run("shim/event", tests);
}
