/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <string.h>
#include <unistd.h>

#include "hw/hwsafe.h"
#include "tests/guardian/test-snapshot.h"
#include "tests/suite.h"

START_TEST(take_tells_what_happened)
{
	struct hws *hw = snapshot_context();
	struct hws_snapshot before = snapshot_of(hw);
	struct hws_snapshot after;
	struct hws_mmio *mmio = snapshot_map(hw);
	struct hws_token token;
	uint32_t value;

	ck_assert_int_eq(hws_mmio_read32(mmio, 0x100, &value), -ERANGE);
	ck_assert_int_eq(hws_mmio_read32(mmio, 1, &value), -EINVAL);
	ck_ok(hws_mmio_read32(mmio, 0, &value));
	ck_ok(hws_guardian_reserve(hw, HWS_IRQ, 6, &token));
	ck_assert_int_eq(hws_guardian_reserve(hw, HWS_IRQ, 6, &token), -EDQUOT);
	ck_ok(hws_guardian_release(hw, token));
	ck_assert_int_eq(hws_guardian_release(hw, token), -ESTALE);
	after = snapshot_of(hw);
	ck_assert_str_eq(after.backend, "sim");
	ck_assert_int_eq(after.pid, getpid());
	ck_assert_uint_eq(after.denied[HWS_REASON_RANGE], 1);
	ck_assert_uint_eq(after.denied[HWS_REASON_ALIGN], 1);
	ck_assert_uint_eq(after.denied[HWS_REASON_CAP], 1);
	ck_assert_uint_eq(after.denied[HWS_REASON_HANDLE], 1);
	ck_assert_uint_eq(after.stale_tokens, 1);
	ck_assert_uint_eq(after.kinds[HWS_KIND_BAR].handles_given, 1);
	ck_assert_uint_eq(after.kinds[HWS_KIND_BAR].handles_open, 1);
	ck_assert_uint_eq(after.kinds[HWS_KIND_BAR].slow_accesses, 1);
	ck_assert_uint_eq(after.caps[HWS_IRQ].used, 0);
	ck_assert_uint_eq(after.caps[HWS_IRQ].peak, 6);
	ck_assert_uint_eq(after.caps[HWS_IRQ].ceiling, 10);
	ck_assert_uint_gt(after.guards[HWS_GUARD_MMIO_READ].granted, 0);
	ck_assert_uint_gt(after.audit.recorded, before.audit.recorded);
	ck_assert_uint_gt(after.last_event, 0);
	ck_assert_uint_ge(after.time, after.last_event);
	ck_assert_uint_ge(after.clock, before.clock);
	ck_assert_uint_gt(after.rules, 0);
	ck_assert_uint_gt(after.metadata, after.audit.memory);
	hws_mmio_unmap(mmio);
	after = snapshot_of(hw);
	ck_assert_uint_eq(after.kinds[HWS_KIND_BAR].handles_given, 1);
	ck_assert_uint_eq(after.kinds[HWS_KIND_BAR].handles_open, 0);
	hws_close(hw);
}
END_TEST

START_TEST(take_follows_reload_and_rearming)
{
	struct hws *hw = snapshot_context();
	struct hws_snapshot before = snapshot_of(hw);
	struct hws_snapshot after;

	ck_ok(hws_guard_rearm(hw, HWS_GUARD_PCI));
	ck_ok(hws_reload(hw));
	after = snapshot_of(hw);
	ck_assert_uint_gt(after.era, before.era);
	ck_assert_uint_gt(after.generation, before.generation);
	ck_assert_uint_eq(after.guards[HWS_GUARD_PCI].rearmed, 1);
	hws_close(hw);
}
END_TEST

START_TEST(take_and_texts_refuse_what_they_do_not_know)
{
	struct hws *hw = snapshot_context();
	struct hws_snapshot good = snapshot_of(hw);
	struct hws_snapshot bad = { .size = sizeof(bad) - 1, .time = 4711 };
	char *text = NULL;

	ck_assert_int_eq(hws_snapshot_take(hw, &bad), -EINVAL);
	ck_assert_uint_eq(bad.time, 4711);
	ck_assert_int_eq(hws_snapshot_json(&bad, &text), -EINVAL);
	ck_assert_int_eq(hws_snapshot_openmetrics(&bad, 0, &text), -EINVAL);
	bad = good;
	bad.version++;
	ck_assert_int_eq(hws_snapshot_json(&bad, &text), -EINVAL);
	ck_assert_int_eq(hws_snapshot_openmetrics(&good, 2, &text), -EINVAL);
	ck_assert_ptr_null(text);
	hws_close(hw);
}
END_TEST

/* Eight threads do all that counts; whoever looks must never see a contradiction. */
enum { THREADS = 8, ROUNDS = 200 };

struct hammer {
	struct hws *hw;
	_Atomic bool stop;
};

static void *hammer(void *context)
{
	struct hammer *shared = context;
	uint64_t seed = (uintptr_t)&seed;

	while (!atomic_load(&shared->stop)) {
		struct hws_mmio *mmio = snapshot_map(shared->hw);
		struct hws_token token = { 0 };
		enum hws_resource resource;
		uint32_t value;

		seed = seed * 6364136223846793005u + 1442695040888963407u;
		resource = (enum hws_resource)((seed >> 60) % HWS_RESOURCES);
		if (hws_guardian_reserve(shared->hw, resource, 1 + (seed >> 40) % 5, &token) == 0)
			hws_guardian_release(shared->hw, token);
		hws_guardian_release(shared->hw, token);
		for (uint32_t i = 0; i < 32; i++)
			if (hws_mmio_read32(mmio, i * 16, &value) == -EDQUOT)
				ck_ok(hws_guard_rearm(shared->hw, HWS_GUARD_MMIO_READ));
		hws_mmio_unmap(mmio);
	}
	return NULL;
}

static void check_alone(const struct hws_snapshot *now)
{
	for (int i = 0; i < HWS_RESOURCES; i++) {
		const struct hws_cap_state *cap = &now->caps[i];

		ck_assert_uint_le(cap->used, cap->ceiling);
		ck_assert_uint_le(cap->used, cap->peak);
		ck_assert_uint_le(cap->peak, cap->ceiling);
		ck_assert_uint_le(cap->surge_used, cap->surge_budget);
	}
	for (int i = 0; i < HWS_GUARDS; i++)
		ck_assert_uint_le(now->guards[i].granted, now->guards[i].limit);
	for (int i = 0; i < HWS_KINDS; i++)
		ck_assert_uint_le(now->kinds[i].handles_open, now->kinds[i].handles_given);
	ck_assert_uint_le(now->kinds[HWS_KIND_BAR].handles_open, THREADS);
}

/* Whatever only counts up. */
static void check_since(const struct hws_snapshot *before, const struct hws_snapshot *now)
{
	for (int i = 0; i < HWS_RESOURCES; i++) {
		ck_assert_uint_ge(now->caps[i].peak, before->caps[i].peak);
		ck_assert_uint_ge(now->caps[i].denied_cap, before->caps[i].denied_cap);
		ck_assert_uint_ge(now->caps[i].denied_surge, before->caps[i].denied_surge);
	}
	for (int i = 0; i < HWS_GUARDS; i++) {
		ck_assert_uint_ge(now->guards[i].refused, before->guards[i].refused);
		ck_assert_uint_ge(now->guards[i].rearmed, before->guards[i].rearmed);
	}
	for (int i = 0; i < HWS_REASONS; i++)
		ck_assert_uint_ge(now->denied[i], before->denied[i]);
	for (int i = 0; i < HWS_KINDS; i++) {
		ck_assert_uint_ge(now->kinds[i].handles_given, before->kinds[i].handles_given);
		ck_assert_uint_ge(now->kinds[i].slow_accesses, before->kinds[i].slow_accesses);
	}
	ck_assert_uint_ge(now->stale_tokens, before->stale_tokens);
	ck_assert_uint_ge(now->audit.recorded, before->audit.recorded);
	ck_assert_uint_ge(now->era, before->era);
	ck_assert_uint_ge(now->clock, before->clock);
}

START_TEST(take_is_consistent_while_threads_hammer)
{
	struct hammer shared = { .hw = snapshot_context() };
	struct hws_snapshot before = snapshot_of(shared.hw);
	pthread_t threads[THREADS];

	for (int i = 0; i < THREADS; i++)
		ck_assert_int_eq(pthread_create(&threads[i], NULL, hammer, &shared), 0);
	for (int i = 0; i < ROUNDS; i++) {
		struct hws_snapshot now = snapshot_of(shared.hw);

		check_alone(&now);
		check_since(&before, &now);
		before = now;
		sched_yield();
	}
	atomic_store(&shared.stop, true);
	for (int i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
	before = snapshot_of(shared.hw);
	check_alone(&before);
	ck_assert_uint_gt(before.stale_tokens, 0);
	ck_assert_uint_eq(before.kinds[HWS_KIND_BAR].handles_open, 0);
	for (int i = 0; i < HWS_RESOURCES; i++)
		ck_assert_uint_eq(before.caps[i].used, 0);
	hws_close(shared.hw);
}
END_TEST

enum { REFUSALS = 5000 };

static void *be_refused(void *context)
{
	struct hws_mmio *mmio = snapshot_map(context);
	uint32_t value;

	for (int i = 0; i < REFUSALS; i++)
		ck_assert_int_eq(hws_mmio_read32(mmio, 0x100, &value), -ERANGE);
	hws_mmio_unmap(mmio);
	return NULL;
}

START_TEST(no_thread_s_count_is_lost)
{
	struct hws *hw = snapshot_context();
	struct hws_snapshot now;
	pthread_t threads[THREADS];

	for (int i = 0; i < THREADS; i++)
		ck_assert_int_eq(pthread_create(&threads[i], NULL, be_refused, hw), 0);
	for (int i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
	now = snapshot_of(hw);
	ck_assert_uint_eq(now.denied[HWS_REASON_RANGE], THREADS * REFUSALS);
	for (int i = 0; i < HWS_REASONS; i++)
		ck_assert(i == HWS_REASON_RANGE || now.denied[i] == 0);
	hws_close(hw);
}
END_TEST

int main(void)
{
	return suite_run("guardian/snapshot", (const TTest *[]) {
						      take_tells_what_happened,
						      take_follows_reload_and_rearming,
						      take_and_texts_refuse_what_they_do_not_know,
						      take_is_consistent_while_threads_hammer,
						      no_thread_s_count_is_lost,
						      NULL,
					      });
}
