/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <pthread.h>
#include <string.h>

#include "guardian/caps-internal.h"
#include "tests/suite.h"

#ifndef __has_feature
#define __has_feature(x) 0
#endif
#if defined(__SANITIZE_THREAD__) || __has_feature(thread_sanitizer) || \
	defined(__SANITIZE_ADDRESS__) || __has_feature(address_sanitizer)
enum { RESERVES = 20000 };
#else
enum { RESERVES = 1000000 };
#endif
enum { THREADS = 8 };

struct fake {
	uint64_t now;
	int clock_error;
	struct hws_usage usage;
	int error;
	_Atomic int reads;
};

static int fake_now(void *self, uint64_t *ret_ns)
{
	const struct fake *fake = self;

	*ret_ns = fake->now;
	return fake->clock_error;
}

static int fake_read(void *self, struct hws_usage *ret_usage)
{
	struct fake *fake = self;

	fake->reads++;
	if (fake->error)
		return fake->error;
	*ret_usage = fake->usage;
	return 0;
}

static void caps_with(struct caps *caps, struct fake *fake, struct caps_options options,
		      enum hws_resource resource)
{
	options.clock = (struct clock_source) { fake_now, fake };
	ck_ok(caps_init(caps, SYS_REAL_ROOT, &options));
	ck_ok(caps_set_reader(caps, resource, &(struct hws_reader) { fake_read, fake }));
}

static struct hws_cap_state state_of(struct caps *caps, enum hws_resource resource)
{
	struct hws_cap_state states[HWS_RESOURCES];

	caps_read(caps, states);
	return states[resource];
}

START_TEST(caps_defaults_are_those_promised)
{
	static const char *const names[] = { "ram", "swap", "cpu", "irq", "dma", "heap" };
	static const uint32_t percent[] = { 80, 50, 80, 100, 100, 80 };

	for (int i = 0; i < HWS_RESOURCES; i++) {
		ck_assert_str_eq(hws_resource_name((enum hws_resource)i), names[i]);
		ck_assert_uint_eq(hws_resource_default((enum hws_resource)i).percent, percent[i]);
	}
	ck_assert_uint_eq(hws_resource_default(HWS_IRQ).absolute, 256);
	ck_assert_str_eq(hws_resource_name(HWS_RESOURCES), "?");
	ck_assert_uint_eq(hws_resource_default(HWS_RESOURCES).percent, 0);
}
END_TEST

START_TEST(caps_grant_up_to_the_ceiling)
{
	static const struct {
		enum hws_resource resource;
		uint64_t capacity, ceiling;
	} wanted[] = {
		{ HWS_RAM, 1000, 800 },	 { HWS_SWAP, 1001, 500 },
		{ HWS_CPU, 4000, 3200 }, { HWS_DMA, 4096, 4096 },
		{ HWS_HEAP, 199, 159 },	 { HWS_RAM, UINT64_MAX, UINT64_MAX / 100 * 80 + 12 },
		{ HWS_RAM, 1, 0 },
	};

	for (size_t i = 0; i < sizeof(wanted) / sizeof(wanted[0]); i++) {
		enum hws_resource resource = wanted[i].resource;
		struct fake fake = { .now = 1, .usage.capacity = wanted[i].capacity };
		struct hws_token one, rest;
		struct caps caps;

		caps_with(&caps, &fake, (struct caps_options) { 0 }, resource);
		ck_assert_uint_eq(state_of(&caps, resource).ceiling, wanted[i].ceiling);
		if (wanted[i].ceiling == 0) {
			ck_assert_int_eq(caps_reserve(&caps, resource, 1, &one),
					 HWS_REASON_NO_CAPACITY);
			caps_fini(&caps);
			continue;
		}
		ck_assert_int_eq(caps_reserve(&caps, resource, UINT64_MAX, &one), HWS_REASON_CAP);
		ck_assert_int_eq(caps_reserve(&caps, resource, wanted[i].ceiling + 1, &one),
				 HWS_REASON_CAP);
		ck_assert_int_eq(caps_reserve(&caps, resource, 1, &one), HWS_REASON_NONE);
		ck_assert_int_eq(caps_reserve(&caps, resource, wanted[i].ceiling - 1, &rest),
				 HWS_REASON_NONE);
		ck_assert_int_eq(caps_reserve(&caps, resource, 1, &rest), HWS_REASON_CAP);
		ck_assert_ptr_nonnull(strstr(hws_why(), hws_resource_name(resource)));
		ck_assert_int_eq(caps_release(&caps, one), HWS_REASON_NONE);
		ck_assert_int_eq(caps_release(&caps, rest), HWS_REASON_NONE);
		ck_assert_uint_eq(state_of(&caps, resource).used, 0);
		ck_assert_uint_eq(state_of(&caps, resource).peak, wanted[i].ceiling);
		ck_assert_uint_eq(state_of(&caps, resource).denied_cap, 3);
		caps_fini(&caps);
	}
}
END_TEST

START_TEST(caps_count_double_and_foreign_releases)
{
	struct hws_token token, again, bad;
	struct caps caps, other;

	ck_ok(caps_init(&caps, SYS_REAL_ROOT, NULL));
	ck_ok(caps_init(&other, SYS_REAL_ROOT, NULL));
	ck_assert_int_eq(caps_reserve(&caps, HWS_IRQ, 100, &token), HWS_REASON_NONE);
	ck_assert_int_eq(caps_release(&other, token), HWS_REASON_HANDLE);
	ck_assert_int_eq(caps_release(&caps, (struct hws_token) { 0 }), HWS_REASON_HANDLE);
	for (int bit = 0; bit < 64; bit++) {
		bad = token;
		bad.id ^= 1ull << bit;
		ck_assert_int_eq(caps_release(&caps, bad), HWS_REASON_HANDLE);
		bad = token;
		bad.generation ^= 1ull << bit;
		ck_assert_int_eq(caps_release(&caps, bad), HWS_REASON_HANDLE);
	}
	ck_assert_uint_eq(state_of(&caps, HWS_IRQ).used, 100);
	ck_assert_int_eq(caps_release(&caps, token), HWS_REASON_NONE);
	ck_assert_int_eq(caps_release(&caps, token), HWS_REASON_HANDLE);
	/* the slot is used again: the old token still stands for nothing */
	ck_assert_int_eq(caps_reserve(&caps, HWS_IRQ, 7, &again), HWS_REASON_NONE);
	ck_assert_int_eq(caps_release(&caps, token), HWS_REASON_HANDLE);
	ck_assert_uint_eq(state_of(&caps, HWS_IRQ).used, 7);
	ck_assert_uint_eq(caps_stale_releases(&caps), 131);
	ck_assert_uint_eq(caps_stale_releases(&other), 1);
	caps_fini(&caps);
	caps_fini(&other);
}
END_TEST

START_TEST(caps_refuse_what_makes_no_sense)
{
	struct caps_options bad = { .limits[HWS_CPU].percent = 101 };
	struct hws_token token = { 5, 6 };
	struct caps caps;

	ck_assert_int_eq(caps_init(&caps, SYS_REAL_ROOT, &bad), -EINVAL);
	ck_ok(caps_init(&caps, SYS_REAL_ROOT, NULL));
	ck_assert_int_eq(caps_reserve(&caps, HWS_IRQ, 0, &token), HWS_REASON_ARGUMENT);
	ck_assert_int_eq(caps_reserve(&caps, HWS_RESOURCES, 1, &token), HWS_REASON_ARGUMENT);
	ck_assert_int_eq(caps_reserve(&caps, HWS_IRQ, 257, &token), HWS_REASON_CAP);
	ck_assert_uint_eq(token.id, 5);
	ck_assert_int_eq(caps_set_reader(&caps, HWS_RESOURCES, NULL), -EINVAL);
	ck_assert_int_eq(caps_set_reader(&caps, HWS_RAM, NULL), -EINVAL);
	ck_assert_int_eq(caps_set_reader(&caps, HWS_RAM, &(struct hws_reader) { 0 }), -EINVAL);
	caps_fini(&caps);
}
END_TEST

START_TEST(caps_run_out_of_tokens)
{
	struct caps_options options = { .tokens = 3 };
	struct hws_token tokens[4];
	struct caps caps;

	ck_ok(caps_init(&caps, SYS_REAL_ROOT, &options));
	for (int i = 0; i < 3; i++)
		ck_assert_int_eq(caps_reserve(&caps, HWS_IRQ, 1, &tokens[i]), HWS_REASON_NONE);
	ck_assert_int_eq(caps_reserve(&caps, HWS_IRQ, 1, &tokens[3]), HWS_REASON_CAP);
	ck_assert_ptr_nonnull(strstr(hws_why(), "tokens"));
	ck_assert_int_eq(caps_release(&caps, tokens[1]), HWS_REASON_NONE);
	ck_assert_int_eq(caps_reserve(&caps, HWS_IRQ, 1, &tokens[3]), HWS_REASON_NONE);
	ck_assert_uint_eq(state_of(&caps, HWS_IRQ).used, 3);
	caps_fini(&caps);
}
END_TEST

START_TEST(caps_refund_when_the_surge_refuses)
{
	struct caps_options options = {
		.limits[HWS_HEAP] = { .absolute = 100, .surge_budget = 10, .surge_window_ns = 1000 }
	};
	struct fake fake = { .now = 1 };
	struct hws_token token;
	struct caps caps;

	caps_with(&caps, &fake, options, HWS_HEAP);
	ck_assert_int_eq(caps_reserve(&caps, HWS_HEAP, 8, &token), HWS_REASON_NONE);
	for (int i = 0; i < 50; i++)
		ck_assert_int_eq(caps_reserve(&caps, HWS_HEAP, 8, &token), HWS_REASON_SURGE);
	fake.clock_error = -EIO;
	ck_assert_int_eq(caps_reserve(&caps, HWS_HEAP, 1, &token), HWS_REASON_CLOCK);
	fake.clock_error = 0;
	ck_assert_uint_eq(state_of(&caps, HWS_HEAP).used, 8);
	ck_assert_uint_eq(state_of(&caps, HWS_HEAP).denied_surge, 50);
	ck_assert_uint_eq(state_of(&caps, HWS_HEAP).denied_clock, 1);
	ck_assert_uint_eq(state_of(&caps, HWS_HEAP).surge_used, 8);
	fake.now += 1100;
	ck_assert_int_eq(caps_reserve(&caps, HWS_HEAP, 10, &token), HWS_REASON_NONE);
	caps_fini(&caps);
}
END_TEST

START_TEST(caps_ask_the_reader_now_and_then)
{
	struct caps_options options = { .refresh_ns = 1000 };
	struct fake fake = { .now = 1, .usage = { .capacity = 1000 } };
	struct hws_token token;
	struct caps caps;

	caps_with(&caps, &fake, options, HWS_RAM);
	ck_assert_int_eq(caps_set_reader(&caps, HWS_RAM, &(struct hws_reader) { fake_read, &fake }),
			 -EALREADY);
	for (int i = 0; i < 100; i++) {
		ck_assert_int_eq(caps_reserve(&caps, HWS_RAM, 800, &token), HWS_REASON_NONE);
		ck_assert_int_eq(caps_release(&caps, token), HWS_REASON_NONE);
	}
	ck_assert_int_eq(fake.reads, 1);
	/* others use more: what is free counts, at the next look */
	fake.usage.usage = 500;
	fake.now += 1000;
	ck_assert_int_eq(caps_reserve(&caps, HWS_RAM, 301, &token), HWS_REASON_CAP);
	ck_assert_int_eq(caps_reserve(&caps, HWS_RAM, 200, &token), HWS_REASON_NONE);
	ck_assert_int_eq(caps_reserve(&caps, HWS_RAM, 101, &token), HWS_REASON_CAP);
	ck_assert_int_eq(caps_reserve(&caps, HWS_RAM, 100, &token), HWS_REASON_NONE);
	ck_assert_int_eq(fake.reads, 2);
	/* it fails, and works again */
	fake.error = -EIO;
	fake.now += 1000;
	ck_assert_int_eq(caps_reserve(&caps, HWS_RAM, 1, &token), HWS_REASON_NO_CAPACITY);
	ck_assert_int_eq(state_of(&caps, HWS_RAM).error, -EIO);
	fake.error = 0;
	fake.usage.usage = 0;
	fake.now += 1000;
	ck_assert_int_eq(caps_reserve(&caps, HWS_RAM, 1, &token), HWS_REASON_NONE);
	/* all stall for memory */
	fake.usage.pressure = 9000;
	fake.now += 1000;
	ck_assert_int_eq(caps_reserve(&caps, HWS_RAM, 1, &token), HWS_REASON_CAP);
	/* the clock fails, then runs backwards */
	fake.usage.pressure = 0;
	fake.clock_error = -EIO;
	ck_assert_int_eq(caps_reserve(&caps, HWS_RAM, 1, &token), HWS_REASON_CLOCK);
	fake.clock_error = 0;
	fake.now = 5;
	ck_assert_int_eq(caps_reserve(&caps, HWS_RAM, 1, &token), HWS_REASON_NONE);
	caps_fini(&caps);
}
END_TEST

struct crowd {
	struct caps caps;
	uint64_t ceiling;
	_Atomic bool done;
	_Atomic uint64_t over;
	_Atomic uint64_t granted;
};

static void *crowd_reserve(void *context)
{
	enum { HELD = 4 };
	struct crowd *crowd = context;
	struct hws_token held[HELD] = { { 0 } };
	uint64_t random = (uint64_t)(uintptr_t)&random | 1;
	uint64_t granted = 0;

	for (int i = 0, rounds = suite_rounds(RESERVES); i < rounds; i++) {
		struct hws_token *token = &held[i % HELD];

		random = random * 6364136223846793005u + 1442695040888963407u;
		if (token->id && caps_release(&crowd->caps, *token) != HWS_REASON_NONE)
			crowd->over++;
		*token = (struct hws_token) { 0 };
		granted += caps_reserve(&crowd->caps, HWS_HEAP, 1 + (random >> 60), token) ==
			   HWS_REASON_NONE;
	}
	for (int i = 0; i < HELD; i++)
		if (held[i].id && caps_release(&crowd->caps, held[i]) != HWS_REASON_NONE)
			crowd->over++;
	crowd->granted += granted;
	return NULL;
}

static void *crowd_watch(void *context)
{
	struct crowd *crowd = context;

	while (!crowd->done) {
		for (int i = 0; i < 100; i++)
			crowd->over += crowd->caps.ledgers[HWS_HEAP].used > crowd->ceiling;
		sys_yield();
	}
	return NULL;
}

START_TEST(caps_never_overshoot_under_threads)
{
	static struct crowd crowd = { .ceiling = 30 };
	struct caps_options options = { .limits[HWS_HEAP].absolute = 30 };
	pthread_t threads[THREADS], watcher;
	struct hws_cap_state state;

	ck_ok(caps_init(&crowd.caps, SYS_REAL_ROOT, &options));
	ck_assert_int_eq(pthread_create(&watcher, NULL, crowd_watch, &crowd), 0);
	for (int i = 0; i < THREADS; i++)
		ck_assert_int_eq(pthread_create(&threads[i], NULL, crowd_reserve, &crowd), 0);
	for (int i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
	crowd.done = true;
	pthread_join(watcher, NULL);
	state = state_of(&crowd.caps, HWS_HEAP);
	ck_assert_uint_eq(crowd.over, 0);
	ck_assert_uint_eq(state.used, 0);
	ck_assert_uint_le(state.peak, 30);
	ck_assert_uint_eq(crowd.granted + state.denied_cap,
			  (uint64_t)THREADS * (uint64_t)suite_rounds(RESERVES));
	ck_assert_uint_gt(state.denied_cap, 0);
	caps_fini(&crowd.caps);
}
END_TEST

int main(void)
{
	return suite_run(
		"guardian/caps",
		(const TTest *[]) { caps_defaults_are_those_promised, caps_grant_up_to_the_ceiling,
				    caps_count_double_and_foreign_releases,
				    caps_refuse_what_makes_no_sense, caps_run_out_of_tokens,
				    caps_refund_when_the_surge_refuses,
				    caps_ask_the_reader_now_and_then,
				    caps_never_overshoot_under_threads, NULL });
}
