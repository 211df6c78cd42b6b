/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <pthread.h>
#include <string.h>

#include "guardian/guard-internal.h"
#include "tests/suite.h"

enum { THREADS = 8 };

static int fake_now(void *self, uint64_t *ret_ns)
{
	const uint64_t *now = self;

	*ret_ns = *now;
	return *now ? 0 : -EIO;
}

static void guard_with(struct guard *guard, uint64_t handle, uint64_t context)
{
	ck_ok(guard_init(guard, HWS_GUARD_MMIO_READ,
			 &(struct hws_guard_limit) { .handle = handle, .context = context }, NULL,
			 NULL));
}

static uint64_t spend(struct lease *lease, uint64_t most)
{
	uint64_t count = 0;

	while (count < most && lease_spend(lease))
		count++;
	return count;
}

static struct hws_guard_state state_of(const struct guard *guard)
{
	struct hws_guard_state state;

	guard_read(guard, &state);
	return state;
}

START_TEST(guard_defaults_are_those_promised)
{
	static const struct {
		const char *name;
		uint64_t limit;
	} wanted[HWS_GUARDS] = {
		{ "cpuid", 1024 },	 { "msr", 1024 },	 { "mmio-read", 10000 },
		{ "mmio-write", 10000 }, { "port-read", 10000 }, { "port-write", 10000 },
		{ "pci", 10000 },
	};

	for (int i = 0; i < HWS_GUARDS; i++) {
		struct hws_guard_limit limit = hws_guard_default((enum hws_guard_class)i);
		struct guard guard;
		struct lease lease;

		ck_assert_str_eq(hws_guard_name((enum hws_guard_class)i), wanted[i].name);
		ck_assert_uint_eq(limit.handle, wanted[i].limit);
		ck_assert_uint_eq(limit.context, wanted[i].limit);
		ck_ok(guard_init(&guard, (enum hws_guard_class)i, NULL, NULL, NULL));
		lease_init(&lease, &guard);
		ck_assert_uint_eq(spend(&lease, UINT64_MAX), wanted[i].limit);
		ck_assert_ptr_nonnull(strstr(hws_why(), wanted[i].name));
	}
	ck_assert_str_eq(hws_guard_name(HWS_GUARDS), "?");
	ck_assert_uint_eq(hws_guard_default(HWS_GUARDS).handle, 0);
	ck_assert_int_eq(guard_init(&(struct guard) { 0 }, HWS_GUARDS, NULL, NULL, NULL), -EINVAL);
}
END_TEST

START_TEST(guard_counts_handle_and_context_apart)
{
	struct lease one, other;
	struct guard guard;

	guard_with(&guard, 60, 100);
	lease_init(&one, &guard);
	lease_init(&other, &guard);
	ck_assert_uint_eq(spend(&one, UINT64_MAX), 60);
	ck_assert_ptr_nonnull(strstr(hws_why(), "handle"));
	ck_assert_uint_eq(spend(&other, UINT64_MAX), 40);
	ck_assert_ptr_nonnull(strstr(hws_why(), "context"));
	ck_assert_uint_eq(state_of(&guard).granted, 100);
	ck_assert_uint_eq(state_of(&guard).refused, 2);
}
END_TEST

START_TEST(guard_rearm_gives_the_limit_again_and_no_more)
{
	struct lease one, other;
	struct guard guard;

	guard_with(&guard, 1000, 1000);
	lease_init(&one, &guard);
	lease_init(&other, &guard);
	for (int i = 1; i < 50; i++) {
		/* the other's lease is of the old count: it may not add to the new one */
		ck_assert_uint_eq(spend(&other, 1), 1);
		ck_assert_uint_gt(other.left, 0);
		ck_ok(guard_rearm(&guard));
		ck_assert_uint_eq(state_of(&guard).granted, 0);
		lease_return(&other);
		ck_assert_uint_eq(state_of(&guard).granted, 0);
		ck_assert_uint_eq(spend(&one, UINT64_MAX), 1000);
		ck_assert_uint_eq(spend(&other, UINT64_MAX), 0);
		ck_ok(guard_rearm(&guard));
		ck_assert_uint_eq(state_of(&guard).rearmed, 2u * (unsigned int)i);
	}
}
END_TEST

START_TEST(guard_gets_back_what_was_not_used)
{
	struct lease lease;
	struct guard guard;

	guard_with(&guard, 1000, 1000);
	for (int i = 0; i < 10; i++) {
		lease_init(&lease, &guard);
		ck_assert_uint_eq(spend(&lease, 7), 7);
		ck_assert_uint_ge(state_of(&guard).granted, 7u * (unsigned int)(i + 1));
		lease_return(&lease);
		ck_assert_uint_eq(state_of(&guard).granted, 7u * (unsigned int)(i + 1));
	}
	ck_assert_uint_eq(spend(&lease, UINT64_MAX), 930);
}
END_TEST

START_TEST(guard_stays_closed_past_any_count)
{
	static const uint64_t edges[] = { (1ull << 32) - 5, UINT64_MAX - 5 };
	struct lease lease;
	struct guard guard;

	for (size_t i = 0; i < 2; i++) {
		guard_with(&guard, UINT64_MAX, UINT64_MAX);
		/* as after so many accesses */
		guard.state = edges[i];
		guard.limit.context = edges[i] + 3;
		guard.limit.handle = edges[i] + 3;
		lease_init(&lease, &guard);
		ck_assert_uint_eq(spend(&lease, UINT64_MAX), 3);
		guard.refused = edges[i];
		for (int k = 0; k < 20; k++)
			ck_assert(!lease_spend(&lease));
		ck_assert_uint_eq(state_of(&guard).granted, edges[i] + 3);
		ck_assert_uint_eq(state_of(&guard).refused,
				  edges[i] < UINT64_MAX - 20 ? edges[i] + 20 : UINT64_MAX);
	}
	/* the last epoch has room for one value of the word: it closes for good */
	ck_assert_int_eq(guard_rearm(&guard), 0);
	ck_assert(spend(&lease, UINT64_MAX) <= 2);
	ck_assert_int_eq(guard_rearm(&guard), -EDQUOT);
	for (int k = 0; k < 20; k++)
		ck_assert(!lease_spend(&lease));
}
END_TEST

START_TEST(guard_without_limit_saturates)
{
	struct lease lease;
	struct guard guard;

	guard_with(&guard, UINT64_MAX, UINT64_MAX);
	guard.state = UINT64_MAX - 3;
	lease_init(&lease, &guard);
	ck_assert_uint_eq(spend(&lease, UINT64_MAX), 2);
	ck_assert_uint_eq(state_of(&guard).granted, UINT64_MAX - 1);
}
END_TEST

START_TEST(guard_window_rearms_when_it_is_over)
{
	struct hws_guard_limit limit = { .handle = 20, .context = 30, .window_ns = 1000 };
	uint64_t now = 5000;
	struct lease one, other;
	struct guard guard;

	ck_ok(guard_init(&guard, HWS_GUARD_PCI, &limit, &(struct clock_source) { fake_now, &now },
			 NULL));
	lease_init(&one, &guard);
	lease_init(&other, &guard);
	for (int i = 0; i < 10; i++) {
		ck_assert_uint_eq(spend(&one, UINT64_MAX), 20);
		ck_assert_uint_eq(spend(&other, UINT64_MAX), 10);
		now += 999;
		ck_assert_uint_eq(spend(&one, UINT64_MAX) + spend(&other, UINT64_MAX), 0);
		now += 1;
	}
	/* no clock, no window */
	now = 0;
	ck_assert_uint_eq(spend(&one, UINT64_MAX) + spend(&other, UINT64_MAX), 0);
	now = 1;
	ck_assert_uint_eq(spend(&one, UINT64_MAX) + spend(&other, UINT64_MAX), 0);
	ck_ok(guard_rearm(&guard));
	ck_assert_uint_eq(spend(&other, UINT64_MAX), 20);
}
END_TEST

START_TEST(guard_shares_an_era)
{
	_Atomic uint64_t era = 7;
	struct guard guard;
	struct lease lease;

	ck_ok(guard_init(&guard, HWS_GUARD_MSR, NULL, NULL, &era));
	lease_init(&lease, &guard);
	ck_assert_uint_eq(spend(&lease, 100), 100);
	/* somebody else's change: the lease goes on */
	era++;
	ck_assert_uint_eq(spend(&lease, UINT64_MAX), 924);
	ck_ok(guard_rearm(&guard));
	ck_assert_uint_eq(era, 9);
}
END_TEST

struct crowd {
	struct guard guard;
	_Atomic uint64_t spent;
	_Atomic bool rearming;
};

static void *crowd_spend(void *context)
{
	struct crowd *crowd = context;
	struct lease lease;
	uint64_t spent = 0;

	lease_init(&lease, &crowd->guard);
	for (;;) {
		uint64_t some = spend(&lease, 100);

		spent += some;
		if (spent % 700 < 100)
			lease_return(&lease);
		if (some == 0 && !crowd->rearming)
			break;
		if (some == 0)
			sys_yield();
	}
	lease_return(&lease);
	crowd->spent += spent;
	return NULL;
}

static void crowd_run(struct crowd *crowd, int rearms)
{
	pthread_t threads[THREADS];

	crowd->rearming = rearms > 0;
	for (int i = 0; i < THREADS; i++)
		ck_assert_int_eq(pthread_create(&threads[i], NULL, crowd_spend, crowd), 0);
	for (int i = 0; i < rearms; i++) {
		ck_ok(guard_rearm(&crowd->guard));
		sys_yield();
	}
	crowd->rearming = false;
	for (int i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
}

START_TEST(guard_is_exact_under_threads)
{
	static const uint64_t limits[] = { 1, 7, 1024, 10000, 1000003 };

	for (size_t i = 0; i < sizeof(limits) / sizeof(limits[0]); i++) {
		static struct crowd crowd;

		memset(&crowd, 0, sizeof(crowd));
		guard_with(&crowd.guard, limits[i], limits[i]);
		crowd_run(&crowd, 0);
		ck_assert_uint_eq(state_of(&crowd.guard).granted, crowd.spent);
		ck_assert_uint_le(crowd.spent, limits[i]);
		/* what was refused while others held it ready can still be had */
		crowd_run(&crowd, 0);
		ck_assert_uint_eq(crowd.spent, limits[i]);
	}
}
END_TEST

START_TEST(guard_is_never_over_while_it_is_rearmed)
{
	static struct crowd crowd;

	guard_with(&crowd.guard, 500, 500);
	crowd_run(&crowd, 500);
	ck_assert_uint_eq(state_of(&crowd.guard).rearmed, 500);
	ck_assert_uint_le(crowd.spent, 500ull * 501);
	ck_assert_uint_le(state_of(&crowd.guard).granted, 500);
}
END_TEST

int main(void)
{
	return suite_run(
		"guardian/guard",
		(const TTest *[]) {
			guard_defaults_are_those_promised, guard_counts_handle_and_context_apart,
			guard_rearm_gives_the_limit_again_and_no_more,
			guard_gets_back_what_was_not_used, guard_stays_closed_past_any_count,
			guard_without_limit_saturates, guard_window_rearms_when_it_is_over,
			guard_shares_an_era, guard_is_exact_under_threads,
			guard_is_never_over_while_it_is_rearmed, NULL });
}
