/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <pthread.h>
#include <string.h>

#include "guardian/handles-internal.h"
#include "tests/suite.h"

static struct handle make(struct handles *handles, uint64_t kind, uint64_t value)
{
	struct handle_slot *slot = handles_claim(handles);

	ck_assert_ptr_nonnull(slot);
	return handles_publish(handles, slot, (struct handle_value) { kind, value });
}

START_TEST(handle_finds_its_value_until_it_ends_once)
{
	struct handles handles;
	struct handle_value value = { 1, 2 };
	struct handle handle;

	ck_ok(handles_init(&handles, 4));
	handle = make(&handles, 7, 4711);
	ck_ok(handles_find(&handles, handle, &value));
	ck_assert_uint_eq(value.kind, 7);
	ck_assert_uint_eq(value.value, 4711);
	value = (struct handle_value) { 0 };
	ck_ok(handles_end(&handles, handle, &value));
	ck_assert_uint_eq(value.value, 4711);
	value.value = 1;
	ck_assert_int_eq(handles_end(&handles, handle, &value), -ESTALE);
	ck_assert_int_eq(handles_find(&handles, handle, &value), -ESTALE);
	ck_assert_uint_eq(value.value, 1);
	ck_assert_uint_eq(handles_stale(&handles), 2);
	handles_fini(&handles);
}
END_TEST

START_TEST(slot_used_again_does_not_revive_old_handles)
{
	struct handles handles;
	struct handle_value value;
	struct handle old;

	ck_ok(handles_init(&handles, 1));
	old = make(&handles, 0, 1);
	for (uint64_t i = 2; i < 100; i++) {
		struct handle handle;

		ck_assert_ptr_null(handles_claim(&handles));
		ck_ok(handles_end(&handles, old, &value));
		handle = make(&handles, 0, i);
		ck_assert_uint_ne(handle.generation, old.generation);
		ck_assert_int_eq(handles_find(&handles, old, &value), -ESTALE);
		ck_ok(handles_find(&handles, handle, &value));
		ck_assert_uint_eq(value.value, i);
		old = handle;
	}
	handles_fini(&handles);
}
END_TEST

START_TEST(what_never_was_a_handle_is_stale)
{
	struct handles handles;
	struct handles other;
	struct handle_value value;
	struct handle good;
	struct handle bad[6];

	ck_ok(handles_init(&handles, 2));
	ck_ok(handles_init(&other, 2));
	good = make(&handles, 0, 1);
	for (size_t i = 0; i < 6; i++)
		bad[i] = good;
	bad[0] = (struct handle) { 0 };
	bad[1].id += 2; /* no such slot */
	bad[2].generation += 4;
	bad[3].generation--; /* claimed, not live */
	bad[4] = make(&other, 0, 1);
	bad[5].id = UINT64_MAX;
	for (size_t i = 0; i < 6; i++) {
		ck_assert_int_eq(handles_find(&handles, bad[i], &value), -ESTALE);
		ck_assert_int_eq(handles_end(&handles, bad[i], &value), -ESTALE);
	}
	ck_assert_uint_eq(handles_stale(&handles), 12);
	ck_ok(handles_end(&handles, good, &value));
	handles_fini(&handles);
	handles_fini(&other);
}
END_TEST

START_TEST(dropped_slot_is_free_and_no_handle)
{
	struct handles handles;
	struct handle_slot *slot;
	struct handle_value value;

	ck_ok(handles_init(&handles, 1));
	slot = handles_claim(&handles);
	ck_assert_ptr_nonnull(slot);
	ck_assert_ptr_null(handles_claim(&handles));
	handles_drop(slot);
	ck_ok(handles_end(&handles, make(&handles, 1, 2), &value));
	handles_fini(&handles);
}
END_TEST

START_TEST(slot_is_retired_when_its_generations_are_used_up)
{
	struct handles handles;
	struct handle_value value;
	struct handle last;

	ck_ok(handles_init(&handles, 2));
	handles.slots[0].word = UINT64_MAX - 7; /* free, the last but one */
	handles.slots[1].word = UINT64_MAX - 7;
	for (int i = 0; i < 4; i++) {
		last = make(&handles, 0, 1);
		ck_ok(handles_find(&handles, last, &value));
		ck_ok(handles_end(&handles, last, &value));
		ck_assert_int_eq(handles_end(&handles, last, &value), -ESTALE);
	}
	ck_assert_ptr_null(handles_claim(&handles));
	ck_assert_int_eq(handles_find(&handles, last, &value), -ESTALE);
	handles_fini(&handles);
}
END_TEST

START_TEST(table_needs_slots)
{
	struct handles handles = { 0 };

	ck_assert_int_eq(handles_init(&handles, 0), -EINVAL);
	handles_fini(&handles);
}
END_TEST

enum { THREADS = 4, ROUNDS = 20000, SHARED = 8 };

/* What the threads pass around: whoever ends a handle first, wins it. */
struct shelf {
	struct handles handles;
	pthread_mutex_t lock;
	struct handle shared[SHARED];
	_Atomic uint64_t made;
	_Atomic uint64_t ended;
	_Atomic uint64_t wrong;
};

static struct handle swap(struct shelf *shelf, unsigned int at, const struct handle *with)
{
	struct handle old;

	pthread_mutex_lock(&shelf->lock);
	old = shelf->shared[at];
	if (with)
		shelf->shared[at] = *with;
	pthread_mutex_unlock(&shelf->lock);
	return old;
}

static void end(struct shelf *shelf, struct handle handle)
{
	struct handle_value value;

	if (handles_end(&shelf->handles, handle, &value) < 0)
		return;
	shelf->ended++;
	if (value.value != ~value.kind)
		shelf->wrong++;
}

static void *juggle(void *context)
{
	struct shelf *shelf = context;
	uint64_t seed = (uintptr_t)&shelf | 1;

	for (int i = 0, rounds = suite_rounds(ROUNDS); i < rounds; i++) {
		struct handle_slot *slot = handles_claim(&shelf->handles);
		struct handle_value value;
		unsigned int at;

		seed = seed * 6364136223846793005u + 1442695040888963407u;
		at = (unsigned int)(seed >> 60) % SHARED;
		if (slot) {
			struct handle handle = handles_publish(
				&shelf->handles, slot, (struct handle_value) { seed, ~seed });

			shelf->made++;
			end(shelf, swap(shelf, at, &handle));
		}
		/* seen by all, ended by any */
		if (handles_find(&shelf->handles, swap(shelf, at, NULL), &value) == 0 &&
		    value.value != ~value.kind)
			shelf->wrong++;
		end(shelf, swap(shelf, (unsigned int)(seed >> 50) % SHARED, NULL));
	}
	return NULL;
}

START_TEST(threads_end_each_handle_exactly_once)
{
	struct shelf shelf = { .lock = PTHREAD_MUTEX_INITIALIZER };
	pthread_t threads[THREADS];

	ck_ok(handles_init(&shelf.handles, THREADS + 2));
	for (int i = 0; i < THREADS; i++)
		ck_assert_int_eq(pthread_create(&threads[i], NULL, juggle, &shelf), 0);
	for (int i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
	for (unsigned int i = 0; i < SHARED; i++)
		end(&shelf, shelf.shared[i]);
	ck_assert_uint_eq(shelf.wrong, 0);
	ck_assert_uint_eq(shelf.made, shelf.ended);
	ck_assert_uint_gt(shelf.made, (uint64_t)suite_rounds(ROUNDS));
	handles_fini(&shelf.handles);
}
END_TEST

int main(void)
{
	return suite_run("guardian/handles",
			 (const TTest *[]) {
				 handle_finds_its_value_until_it_ends_once,
				 slot_used_again_does_not_revive_old_handles,
				 what_never_was_a_handle_is_stale,
				 dropped_slot_is_free_and_no_handle,
				 slot_is_retired_when_its_generations_are_used_up,
				 table_needs_slots,
				 threads_end_each_handle_exactly_once,
				 NULL,
			 });
}
