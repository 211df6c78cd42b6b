/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Rings and pools in the context's snapshot. */
#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "hw/hwsafe.h"
#include "guardian/meters-internal.h"
#include "tests/uring/rig.h"

static struct hws *open_context(void)
{
	struct hws_options options = {
		.size = sizeof(options),
		.backend = "sim",
		.policy_directory = "/nowhere/policy.d",
	};
	struct hws *hw;

	ck_assert_msg(hws_open(&options, &hw) == 0, "%s", hws_why());
	return hw;
}

static struct hws_snapshot snapshot_of(struct hws *hw)
{
	struct hws_snapshot now = { .size = sizeof(now) };

	ck_ok(hws_snapshot_take(hw, &now));
	return now;
}

static struct hws_ring *open_ring(struct hws *hw, const char *backend)
{
	static const struct hws_pool_options pool = {
		.size = sizeof(pool),
		.classes = { { 4096, 16 } },
	};
	struct hws_ring_options options = { .pool_options = &pool, .backend = backend };
	struct hws_ring *ring;

	ck_assert_msg(hws_ring_open(hw, &options, &ring) == 0, "%s", hws_why());
	return ring;
}

START_TEST(back_ends_have_the_same_names_everywhere)
{
	for (int i = 0; i < HWS_RING_BACKENDS; i++) {
		const char *name = hws_ring_backend_name((enum hws_ring_backend)i);
		struct hws_ring_options options = { .backend = name };
		struct hws_ring *ring;
		struct hws_ring_info info;
		int r = hws_ring_open(NULL, &options, &ring);

		ck_assert_int_ne(r, -EINVAL);
		if (r < 0)
			continue;
		hws_ring_get_info(ring, &info);
		ck_assert_str_eq(info.backend, name);
		hws_ring_close(ring, HWS_FOREVER);
	}
	ck_assert_str_eq(hws_ring_backend_name(HWS_RING_BACKENDS), "?");
}
END_TEST

START_TEST(a_context_without_rings_counts_none)
{
	static const struct hws_rings_state none[HWS_RING_BACKENDS];
	static const struct hws_pools_state no_pools;
	struct hws *hw = open_context();
	struct hws_snapshot now = snapshot_of(hw);

	ck_assert_mem_eq(now.rings, none, sizeof(none));
	ck_assert_mem_eq(&now.pools, &no_pools, sizeof(no_pools));
	hws_close(hw);
}
END_TEST

/* Of the back end that is under test. */
static struct hws_rings_state rings_of(struct hws *hw, const struct hws_ring *ring)
{
	return snapshot_of(hw).rings[ring->backend->number];
}

START_TEST(what_a_ring_does_is_counted_and_stays_so)
{
	struct hws *hw;
	struct hws_ring *ring;
	struct hws_rings_state now;
	struct hws_op op;
	struct hws_buf buf;
	uint32_t number;
	int ends[2];

	need_uring();
	hw = open_context();
	ring = open_ring(hw, getenv("HWS_TEST_BACKEND"));
	number = ring->backend->number;
	ck_assert_int_eq(pipe(ends), 0);
	now = rings_of(hw, ring);
	ck_assert_uint_eq(now.open, 1);
	ck_assert_uint_eq(now.opened, 1);
	ck_assert_uint_eq(now.deferring, ring->defers);
	ck_assert_uint_eq(now.registered, ring->registered);
	ck_assert_uint_eq(now.reduced, ring->reduced[0] != '\0');
	for (int i = 0; i < 5; i++)
		ck_ok(hws_nop(ring, 0));
	for (int i = 0; i < 5; i++)
		rig_one(ring);
	buf = rig_buf(ring, 4096, 0);
	ck_ok(hws_read(ring, ends[0], buf, 0, 7, 0));
	op = hws_op_last(ring);
	ck_assert_int_eq(hws_wait(ring, &(struct hws_done) { 0 }, 1, 0), -ETIME);
	now = rings_of(hw, ring);
	ck_assert_uint_eq(now.submitted, 6);
	ck_assert_uint_eq(now.delivered, 5);
	ck_assert_uint_eq(now.in_flight, 1);
	ck_assert_uint_eq(now.orphans, 0);
	ck_ok(hws_op_forget(ring, op));
	ck_assert_int_eq(hws_wait(ring, &(struct hws_done) { 0 }, 1, 0), 0);
	now = rings_of(hw, ring);
	ck_assert_uint_eq(now.orphans, 1);
	ck_assert_uint_eq(now.orphan_bytes, 7);
	ck_assert_int_eq(hws_ring_close(ring, rig_after_ms(5000)), 0);
	now = snapshot_of(hw).rings[number];
	ck_assert_uint_eq(now.open, 0);
	ck_assert_uint_eq(now.opened, 1);
	ck_assert_uint_eq(now.submitted, 6);
	ck_assert_uint_eq(now.delivered, 5);
	ck_assert_uint_eq(now.reclaimed, 1);
	ck_assert_uint_eq(now.in_flight + now.orphans + now.orphan_bytes, 0);
	close(ends[0]);
	close(ends[1]);
	hws_close(hw);
}
END_TEST

START_TEST(what_pools_hold_is_counted)
{
	struct hws_pool_options options = { .size = sizeof(options), .classes = { { 4096, 4 } } };
	struct hws *hw = open_context();
	struct hws_pool *pools[2];
	struct hws_buf bufs[4];
	struct hws_buf none;
	struct hws_pools_state now;

	for (int i = 0; i < 2; i++)
		ck_ok(hws_pool_open(hw, &options, &pools[i]));
	for (int i = 0; i < 4; i++)
		ck_ok(hws_buf_take(pools[0], 1, &bufs[i]));
	ck_assert_int_eq(hws_buf_take(pools[0], 1, &none), -ENOBUFS);
	ck_ok(hws_buf_give(pools[0], bufs[0]));
	now = snapshot_of(hw).pools;
	ck_assert_uint_eq(now.open, 2);
	ck_assert_uint_eq(now.capacity, 8);
	ck_assert_uint_eq(now.bytes, 8 * 4096);
	ck_assert_uint_eq(now.in_use, 3);
	ck_assert_uint_eq(now.peak, 4);
	ck_assert_uint_eq(now.pressure, 75);
	ck_assert_uint_eq(now.failed, 1);
	for (int i = 0; i < 2; i++)
		ck_ok(hws_pool_close(pools[i], NULL));
	now = snapshot_of(hw).pools;
	ck_assert_uint_eq(now.open + now.capacity + now.bytes + now.in_use + now.pressure, 0);
	ck_assert_uint_eq(now.opened, 2);
	ck_assert_uint_eq(now.failed, 1);
	hws_close(hw);
}
END_TEST

/* A pool that the guardian refuses leaves nothing behind. */
START_TEST(what_did_not_open_is_not_counted)
{
	struct hws_options options = {
		.size = sizeof(options),
		.backend = "sim",
		.policy_directory = "/nowhere/policy.d",
		.caps = { [HWS_RAM] = { .absolute = 4096 } },
	};
	struct hws_snapshot now;
	struct hws_pool *pool;
	struct hws_ring *ring;
	struct hws *hw;

	ck_ok(hws_open(&options, &hw));
	ck_assert_int_eq(hws_pool_open(hw, NULL, &pool), -EDQUOT);
	ck_assert_int_eq(hws_ring_open(hw, NULL, &ring), -EDQUOT);
	now = snapshot_of(hw);
	ck_assert_uint_eq(now.pools.opened, 0);
	for (int i = 0; i < HWS_RING_BACKENDS; i++)
		ck_assert_uint_eq(now.rings[i].opened, 0);
	hws_close(hw);
}
END_TEST

struct worker {
	struct hws *hw;
	_Atomic bool *end;
};

static void *work(void *context)
{
	struct worker *worker = context;
	struct hws_ring *ring = open_ring(worker->hw, getenv("HWS_TEST_BACKEND"));

	while (!*worker->end)
		for (int i = 0; i < 8; i++) {
			ck_ok(hws_nop(ring, 0));
			rig_one(ring);
		}
	ck_assert_int_eq(hws_ring_close(ring, HWS_FOREVER), 0);
	return NULL;
}

/* Whole copies only: what is looked at while rings run balances, and never goes back. */
START_TEST(every_look_balances)
{
	struct hws_rings_state before = { 0 };
	_Atomic bool end = false;
	struct worker worker = { .end = &end };
	pthread_t threads[3];
	struct hws *hw;

	need_uring();
	worker.hw = hw = open_context();
	for (int i = 0; i < 3; i++)
		ck_assert_int_eq(pthread_create(&threads[i], NULL, work, &worker), 0);
	for (int i = 0; i < 2000; i++) {
		struct hws_snapshot now = snapshot_of(hw);
		struct hws_rings_state all = { 0 };

		for (int j = 0; j < HWS_RING_BACKENDS; j++)
			meters_sum(&all, &now.rings[j], sizeof(all));
		ck_assert_uint_eq(all.submitted,
				  all.delivered + all.reclaimed + all.lost + all.in_flight);
		ck_assert_uint_ge(all.submitted, before.submitted);
		ck_assert_uint_ge(all.delivered, before.delivered);
		before = all;
	}
	end = true;
	for (int i = 0; i < 3; i++)
		pthread_join(threads[i], NULL);
	hws_close(hw);
}
END_TEST

struct family {
	struct hws *hw;
	struct hws_ring *ring;
};

static void close_in_child(void *context)
{
	struct family *family = context;
	struct hws_snapshot now = { .size = sizeof(now) };

	if (hws_snapshot_take(family->hw, &now) < 0)
		_exit(1);
	hws_ring_close(family->ring, 0);
	_exit(hws_snapshot_take(family->hw, &now) < 0);
}

START_TEST(a_child_closes_its_copy)
{
	struct family family;
	int status;

	need_uring();
	family.hw = open_context();
	family.ring = open_ring(family.hw, getenv("HWS_TEST_BACKEND"));
	status = suite_child(close_in_child, &family);
	ck_assert(WIFEXITED(status) && WEXITSTATUS(status) == 0);
	ck_assert_uint_eq(rings_of(family.hw, family.ring).open, 1);
	hws_ring_close(family.ring, HWS_FOREVER);
	hws_close(family.hw);
}
END_TEST

START_TEST(texts_have_them)
{
	struct hws *hw;
	struct hws_ring *ring;
	struct hws_snapshot now;
	char *text;

	need_uring();
	hw = open_context();
	ring = open_ring(hw, "epoll");
	ck_ok(hws_nop(ring, 0));
	rig_one(ring);
	now = snapshot_of(hw);
	ck_ok(hws_snapshot_openmetrics(&now, 0, &text));
	ck_assert_ptr_nonnull(strstr(text, "\nhwsafe_ring_submitted_total{backend=\"epoll\"} 1\n"));
	ck_assert_ptr_nonnull(strstr(text, "\nhwsafe_ring_orphan_bytes{backend=\"uring\"} 0\n"));
	ck_assert_ptr_nonnull(strstr(text, "\nhwsafe_pool_capacity 16\n"));
	free(text);
	ck_ok(hws_snapshot_json(&now, &text));
	ck_assert_ptr_nonnull(strstr(text, "\"rings\":{\"uring\":{\"opened\":0,"));
	ck_assert_ptr_nonnull(strstr(text, "\"pools\":{\"opened\":1,"));
	free(text);
	hws_ring_close(ring, HWS_FOREVER);
	hws_close(hw);
}
END_TEST

int main(void)
{
	return suite_run("uring/snapshot", (const TTest *[]) {
						   back_ends_have_the_same_names_everywhere,
						   a_context_without_rings_counts_none,
						   what_a_ring_does_is_counted_and_stays_so,
						   what_pools_hold_is_counted,
						   what_did_not_open_is_not_counted,
						   every_look_balances,
						   a_child_closes_its_copy,
						   texts_have_them,
						   NULL,
					   });
}
