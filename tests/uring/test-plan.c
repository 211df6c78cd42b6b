/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Plans: their order, circles, and other operations on the same ring. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "tests/uring/plans.h"

START_TEST(a_copy_is_written_after_it_was_read)
{
	struct hws_ring *ring;
	struct hws_plan *plan;
	struct hws_buf buf;
	struct hws_done done;
	uint32_t steps[4];
	int from;
	int to;
	char name[] = "/tmp/hwsafe-plan-XXXXXX";
	char got[9] = "";

	need_uring();
	ring = rig_open(NULL);
	plan = open_plan(ring, 0);
	buf = rig_buf(ring, 4096, 0);
	from = rig_file("the words", 9, 0);
	to = mkstemp(name);
	/* in no order at all: the edges say it */
	steps[0] = add(plan, &(struct hws_request) { .kind = HWS_OP_FSYNC, .fd = to, .tag = 70 });
	steps[1] = add(
		plan, &(struct hws_request) {
			      .kind = HWS_OP_WRITE, .fd = to, .buf = buf, .length = 9, .tag = 71 });
	steps[2] =
		add(plan,
		    &(struct hws_request) {
			    .kind = HWS_OP_READ, .fd = from, .buf = buf, .length = 9, .tag = 72 });
	/* the path is copied */
	steps[3] = add(plan, &(struct hws_request) { .kind = HWS_OP_OPENAT,
						     .fd = AT_FDCWD,
						     .data = strcpy((char[32]) { 0 }, name),
						     .how = O_RDONLY });
	ck_ok(hws_plan_after(plan, steps[0], steps[1]));
	ck_ok(hws_plan_after(plan, steps[1], steps[2]));
	ck_ok(hws_plan_after(plan, steps[3], steps[0]));
	ck_assert_int_eq(hws_plan_result(plan, steps[1], &done), -EINPROGRESS);
	ck_assert_int_eq(hws_plan_result(plan, 4, &done), -EINVAL);
	ck_assert_uint_eq(hws_plan_left(plan), 4);
	ck_assert_int_eq(run(plan), 0);
	ck_assert_uint_eq(hws_plan_left(plan), 0);
	ck_ok(hws_plan_result(plan, steps[1], &done));
	ck_assert_int_eq(done.result, 9);
	ck_assert_uint_eq(done.tag, 71);
	ck_assert_uint_eq(done.kind, HWS_OP_WRITE);
	ck_assert_int_eq(pread((int)result_of(plan, steps[3]), got, 9, 0), 9);
	ck_assert_mem_eq(got, "the words", 9);
	/* over is over */
	ck_assert_int_eq(run(plan), 0);
	close((int)result_of(plan, steps[3]));
	hws_plan_close(plan);
	rig_give(ring, done.buf);
	rig_close(ring);
	unlink(name);
	close(from);
	close(to);
}
END_TEST

START_TEST(an_empty_plan_is_done)
{
	struct hws_ring *ring;
	struct hws_plan *plan;

	need_uring();
	ring = rig_open(NULL);
	plan = open_plan(ring, 0);
	ck_assert_int_eq(run(plan), 0);
	hws_plan_close(plan);
	hws_plan_close(NULL);
	rig_close(ring);
}
END_TEST

START_TEST(a_circle_is_named)
{
	struct hws_ring *ring;
	struct hws_plan *plan;
	uint32_t step[6];

	need_uring();
	ring = rig_open(NULL);
	plan = open_plan(ring, 0);
	for (int i = 0; i < 6; i++)
		step[i] = add_nop(plan);
	ck_assert_int_eq(hws_plan_after(plan, step[2], step[2]), -ELOOP);
	/* 0 and 1 lead to the circle of 2, 3, 4; 5 comes after it */
	ck_ok(hws_plan_after(plan, step[1], step[0]));
	ck_ok(hws_plan_after(plan, step[2], step[1]));
	ck_ok(hws_plan_after(plan, step[3], step[2]));
	ck_ok(hws_plan_after(plan, step[4], step[3]));
	ck_ok(hws_plan_after(plan, step[2], step[4]));
	ck_ok(hws_plan_after(plan, step[5], step[4]));
	ck_assert_int_eq(run(plan), -ELOOP);
	ck_assert_msg(strstr(hws_why(), "2 after 4 after 3 after 2") ||
			      strstr(hws_why(), "3 after 2 after 4 after 3") ||
			      strstr(hws_why(), "4 after 3 after 2 after 4"),
		      "%s", hws_why());
	ck_assert_uint_eq(hws_plan_left(plan), 6);
	hws_plan_close(plan);
	rig_close(ring);
}
END_TEST

START_TEST(a_circle_of_all_steps_is_found)
{
	struct hws_ring *ring;
	struct hws_plan *plan;

	need_uring();
	ring = rig_open(NULL);
	plan = open_plan(ring, 0);
	for (uint32_t i = 0; i < HWS_PLAN_STEPS; i++)
		add_nop(plan);
	for (uint32_t i = 0; i < HWS_PLAN_STEPS; i++)
		ck_ok(hws_plan_after(plan, (i + 1) % HWS_PLAN_STEPS, i));
	ck_assert_int_eq(run(plan), -ELOOP);
	ck_assert_ptr_nonnull(strstr(hws_why(), "…"));
	hws_plan_close(plan);
	rig_close(ring);
}
END_TEST

START_TEST(what_makes_no_sense_is_refused)
{
	const struct hws_request bad[] = {
		{ .kind = HWS_OP_KINDS },
		{ .kind = HWS_OP_ACCEPT_MANY },
		{ .kind = HWS_OP_RECV_MANY },
		{ .kind = HWS_OP_LINK_TIMEOUT },
		{ .kind = HWS_OP_NOP, .flags = HWS_LINK },
		{ .kind = HWS_OP_NOP, .flags = HWS_AFTER },
		{ .kind = HWS_OP_OPENAT },
		{ .kind = HWS_OP_READV },
		{ .kind = HWS_OP_READV, .bufs = &(struct hws_buf) { 0 }, .count = 4000 },
	};
	struct hws_ring *ring;
	struct hws_plan *plan = NULL;
	uint32_t step = 77;

	need_uring();
	ring = rig_open(NULL);
	ck_assert_int_eq(hws_plan_open(ring, 64, &plan), -EINVAL);
	ck_assert_ptr_null(plan);
	plan = open_plan(ring, 0);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		ck_assert_int_eq(hws_plan_add(plan, &bad[i], &step), -EINVAL);
	ck_assert_uint_eq(step, 77);
	ck_assert_int_eq(hws_plan_after(plan, 0, 1), -EINVAL);
	for (uint32_t i = 0; i < HWS_PLAN_STEPS; i++)
		add_nop(plan);
	ck_assert_int_eq(hws_plan_add(plan, &(struct hws_request) { 0 }, &step), -ENOSPC);
	for (uint32_t i = 0; i < HWS_PLAN_EDGES; i++)
		ck_ok(hws_plan_after(plan, i % 1023 + 1, 0));
	ck_assert_int_eq(hws_plan_after(plan, 1, 0), -ENOSPC);
	ck_assert_int_eq(run(plan), 0);
	ck_assert_int_eq(hws_plan_add(plan, &(struct hws_request) { 0 }, &step), -EALREADY);
	ck_assert_int_eq(hws_plan_after(plan, 1, 0), -EALREADY);
	ck_assert_uint_eq(step, 77);
	hws_plan_close(plan);
	rig_close(ring);
}
END_TEST

START_TEST(what_is_independent_goes_together)
{
	struct hws_ring *ring;
	struct hws_ring_stats of;
	struct hws_plan *plan;

	need_uring();
	ring = rig_open(NULL);
	plan = open_plan(ring, 0);
	for (int i = 0; i < 200; i++)
		add_nop(plan);
	/* two waves of a hundred, one of which waits for all of the other */
	for (uint32_t i = 0; i < 100; i++)
		for (uint32_t j = 100; j < 200; j++)
			ck_ok(hws_plan_after(plan, j, i));
	ck_assert_int_eq(run(plan), 0);
	hws_ring_get_stats(ring, &of);
	ck_assert_uint_eq(of.submitted, 200);
	ck_assert_uint_eq(of.peak, 100);
	ck_assert_uint_le(of.enters, 8);
	hws_plan_close(plan);
	rig_close(ring);
}
END_TEST

START_TEST(a_small_ring_carries_a_large_plan)
{
	struct hws_ring_options options = { .depth = 4 };
	struct hws_ring *ring;
	struct hws_plan *plan;

	need_uring();
	ring = rig_open(&options);
	plan = open_plan(ring, 0);
	for (int i = 0; i < 1000; i++)
		add_nop(plan);
	for (uint32_t i = 500; i < 1000; i++)
		ck_ok(hws_plan_after(plan, i, i - 500));
	ck_assert_int_eq(run(plan), 0);
	hws_plan_close(plan);
	rig_close(ring);
}
END_TEST

START_TEST(others_keep_their_dones)
{
	struct hws_ring *ring;
	struct hws_plan *plan;
	struct hws_plan *other;
	uint32_t mine = 0;

	need_uring();
	ring = rig_open(NULL);
	plan = open_plan(ring, 0);
	other = open_plan(ring, 0);
	for (uint32_t i = 0; i < 50; i++) {
		add_nop(plan);
		add_nop(other);
		if (i)
			ck_ok(hws_plan_after(plan, i, i - 1));
	}
	ck_ok(hws_nop(ring, 5));
	/* not while there are dones that it would have to swallow */
	ck_assert_int_eq(run(plan), -EBUSY);
	ck_assert_uint_eq(hws_plan_left(plan), 50);
	ck_ok(hws_plan_start(plan));
	ck_ok(hws_plan_start(other));
	while (hws_plan_left(plan) || hws_plan_left(other) || mine < 20) {
		struct hws_done done = rig_one(ring);
		int of_plan = hws_plan_done(plan, &done);
		int of_other = hws_plan_done(other, &done);

		ck_assert_int_le(of_plan + of_other, 1);
		if (of_plan + of_other)
			continue;
		ck_assert_uint_eq(done.tag, 5);
		if (++mine < 20)
			ck_ok(hws_nop(ring, 5));
	}
	/* one that was shown before is the plan's no more */
	ck_assert_int_eq(hws_plan_done(plan, &(struct hws_done) { 0 }), 0);
	ck_assert_int_eq(run(plan), 0);
	hws_plan_close(plan);
	hws_plan_close(other);
	rig_close(ring);
}
END_TEST

/* Random plans: no step is done before one that it waits for; and circles are found. */
static bool random_plan(struct hws_ring *ring, uint64_t *seed, bool circles)
{
	struct hws_plan *plan = open_plan(ring, 0);
	uint32_t count = rig_next(seed) % 60 + 2;
	uint32_t edges[200][2];
	uint32_t edge_count = rig_next(seed) % 200;
	uint32_t order[64] = { 0 };
	uint32_t now = 0;
	int r;

	for (uint32_t i = 0; i < count; i++)
		add_nop(plan);
	for (uint32_t i = 0; i < edge_count; i++) {
		uint32_t a = rig_next(seed) % count;
		uint32_t b = (a + 1 + rig_next(seed) % (count - 1)) % count;

		edges[i][0] = !circles && a > b ? b : a;
		edges[i][1] = !circles && a > b ? a : b;
		ck_ok(hws_plan_after(plan, edges[i][1], edges[i][0]));
	}
	r = hws_plan_start(plan);
	while (r == 0 && hws_plan_left(plan)) {
		struct hws_done done = rig_one(ring);

		ck_assert_int_eq(hws_plan_done(plan, &done), 1);
		now++;
		for (uint32_t i = 0; i < count; i++)
			if (!order[i] && hws_plan_result(plan, i, &done) == 0)
				order[i] = now;
	}
	for (uint32_t i = 0; r == 0 && i < edge_count; i++)
		ck_assert_uint_lt(order[edges[i][0]], order[edges[i][1]]);
	ck_assert(r == 0 || r == -ELOOP);
	hws_plan_close(plan);
	return r == -ELOOP;
}

START_TEST(no_step_is_done_before_what_it_waits_for)
{
	struct hws_ring *ring;
	uint64_t seed = 4;
	uint32_t circles = 0;

	need_uring();
	ring = rig_open(NULL);
	for (int i = 0; i < 200; i++) {
		ck_assert(!random_plan(ring, &seed, false));
		circles += random_plan(ring, &seed, true);
	}
	/* some had one, some had none */
	ck_assert_uint_gt(circles, 20);
	ck_assert_uint_lt(circles, 200);
	rig_close(ring);
}
END_TEST

int main(void)
{
	return suite_run("uring/plan", (const TTest *[]) {
					       a_copy_is_written_after_it_was_read,
					       an_empty_plan_is_done,
					       a_circle_is_named,
					       a_circle_of_all_steps_is_found,
					       what_makes_no_sense_is_refused,
					       what_is_independent_goes_together,
					       a_small_ring_carries_a_large_plan,
					       others_keep_their_dones,
					       no_step_is_done_before_what_it_waits_for,
					       NULL,
				       });
}
