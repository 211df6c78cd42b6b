/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* How plans end: failures, deadlines, closing, forked children. */
#include <errno.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/uring/plans.h"

/* 0 fails; 1 and 2 come after it, 3 after 2; 4 on its own. */
static struct hws_plan *failing(struct hws_ring *ring, uint32_t flags)
{
	struct hws_plan *plan = open_plan(ring, flags);

	add_bad(plan);
	for (int i = 0; i < 4; i++)
		add_nop(plan);
	ck_ok(hws_plan_after(plan, 1, 0));
	ck_ok(hws_plan_after(plan, 2, 0));
	ck_ok(hws_plan_after(plan, 3, 2));
	return plan;
}

START_TEST(what_comes_after_a_failure_is_cancelled)
{
	struct hws_ring *ring;
	struct hws_plan *plan;

	need_uring();
	ring = rig_open(NULL);
	plan = failing(ring, 0);
	ck_assert_int_eq(run(plan), 4);
	ck_assert_int_eq(result_of(plan, 0), -EBADF);
	for (uint32_t step = 1; step < 4; step++)
		ck_assert_int_eq(result_of(plan, step), -ECANCELED);
	ck_assert_int_eq(result_of(plan, 4), 0);
	hws_plan_close(plan);
	plan = failing(ring, HWS_PLAN_KEEP_GOING);
	ck_assert_int_eq(run(plan), 1);
	for (uint32_t step = 1; step < 5; step++)
		ck_assert_int_eq(result_of(plan, step), 0);
	hws_plan_close(plan);
	rig_close(ring);
}
END_TEST

START_TEST(a_failure_stops_all_that_has_not_started)
{
	struct hws_ring *ring;
	struct hws_plan *plan;
	uint32_t last;

	need_uring();
	ring = rig_open(NULL);
	plan = failing(ring, HWS_PLAN_STOP | HWS_PLAN_KEEP_GOING);
	last = add(plan, &(struct hws_request) { .kind = HWS_OP_TIMEOUT, .offset = 1 });
	ck_ok(hws_plan_after(plan, last, 4));
	ck_assert_int_eq(run(plan), 5);
	ck_assert_int_eq(result_of(plan, 4), 0);
	ck_assert_int_eq(result_of(plan, 1), -ECANCELED);
	hws_plan_close(plan);
	rig_close(ring);
}
END_TEST

START_TEST(a_short_read_is_a_failure_unless_it_may_be)
{
	struct hws_ring *ring;
	int fd;

	need_uring();
	ring = rig_open(NULL);
	fd = rig_file("short", 5, 0);
	for (uint32_t way = 0; way < 3; way++) {
		struct hws_plan *plan = open_plan(ring, way == 1 ? HWS_PLAN_SHORT : 0);
		struct hws_buf buf = rig_buf(ring, 4096, 0);
		struct hws_request list = {
			.kind = HWS_OP_READV, .fd = fd, .bufs = &buf, .count = 1
		};
		struct hws_request one = { .kind = HWS_OP_READ, .fd = fd, .buf = buf, .length = 6 };
		uint32_t step = add(plan, way == 2 ? &list : &one);

		ck_ok(hws_plan_after(plan, add_nop(plan), step));
		ck_assert_int_eq(run(plan), way == 1 ? 0 : 2);
		ck_assert_int_eq(result_of(plan, step), 5);
		ck_assert_int_eq(result_of(plan, step + 1), way == 1 ? 0 : -ECANCELED);
		hws_plan_close(plan);
		rig_give(ring, buf);
	}
	rig_close(ring);
	close(fd);
}
END_TEST

/* The buffer is viewed, or an old one: the step never gets into flight. */
START_TEST(a_step_that_is_refused_has_failed)
{
	struct hws_ring *ring;
	struct hws_plan *plan;
	struct hws_buf viewed;
	struct hws_buf old;
	struct hws_done done;
	void *bytes;
	size_t size;
	int fd;

	need_uring();
	ring = rig_open(NULL);
	plan = open_plan(ring, 0);
	fd = rig_file("x", 1, 0);
	viewed = rig_buf(ring, 4096, 0);
	old = rig_buf(ring, 4096, 0);
	rig_give(ring, old);
	ck_ok(hws_buf_view(hws_ring_pool(ring), viewed, HWS_R, &bytes, &size));
	add_read(plan, fd, viewed);
	add_read(plan, fd, old);
	ck_ok(hws_plan_after(plan, add_nop(plan), 0));
	ck_assert_int_eq(run(plan), 3);
	ck_ok(hws_plan_result(plan, 0, &done));
	ck_assert_int_eq(done.result, -EBUSY);
	ck_assert_uint_eq(done.buf.slot, viewed.slot);
	ck_assert_int_eq(result_of(plan, 1), -ESTALE);
	ck_assert_int_eq(result_of(plan, 2), -ECANCELED);
	hws_plan_close(plan);
	ck_ok(hws_buf_unview(hws_ring_pool(ring), viewed));
	rig_give(ring, viewed);
	rig_close(ring);
	close(fd);
}
END_TEST

START_TEST(the_deadline_cancels_the_rest)
{
	struct hws_ring *ring;
	struct hws_plan *plan;
	struct hws_buf buf;
	struct hws_done done;
	int ends[2];

	need_uring();
	ring = rig_open(NULL);
	plan = open_plan(ring, 0);
	buf = rig_buf(ring, 4096, 0);
	ck_assert_int_eq(pipe(ends), 0);
	add_nop(plan);
	add_read(plan, ends[0], buf);
	ck_ok(hws_plan_after(plan, add_nop(plan), 1));
	ck_assert_int_eq(hws_plan_run(plan, rig_after_ms(20)), -ETIME);
	/* on a slow machine the last one may take another moment */
	ck_assert_int_eq(run(plan), 2);
	ck_assert_int_eq(result_of(plan, 0), 0);
	ck_ok(hws_plan_result(plan, 1, &done));
	ck_assert_int_eq(done.result, -ECANCELED);
	ck_assert_int_eq(result_of(plan, 2), -ECANCELED);
	hws_plan_close(plan);
	rig_give(ring, done.buf);
	rig_close(ring);
	close(ends[0]);
	close(ends[1]);
}
END_TEST

START_TEST(closing_forgets_what_is_in_flight)
{
	struct hws_ring *ring;
	struct hws_ring_stats of;
	struct hws_plan *plan;
	struct hws_buf waits;
	int ends[2];

	need_uring();
	ring = rig_open(NULL);
	plan = open_plan(ring, 0);
	waits = rig_buf(ring, 4096, 0);
	ck_assert_int_eq(pipe(ends), 0);
	add_read(plan, ends[0], rig_buf(ring, 4096, 0));
	add_read(plan, ends[0], waits);
	ck_ok(hws_plan_after(plan, 1, 0));
	ck_ok(hws_plan_start(plan));
	ck_ok(hws_submit(ring));
	hws_plan_close(plan);
	hws_ring_get_stats(ring, &of);
	ck_assert_uint_eq(of.orphans, 1);
	ck_assert_int_eq(write(ends[1], "x", 1), 1);
	for (int i = 0; i < 1000 && of.reclaimed == 0; i++) {
		ck_assert_int_eq(hws_wait(ring, &(struct hws_done) { 0 }, 1, rig_after_ms(1)), 0);
		hws_ring_get_stats(ring, &of);
		usleep(1000);
	}
	ck_assert_uint_eq(of.reclaimed, 1);
	/* this one was never the kernel's */
	rig_give(ring, waits);
	rig_close(ring);
	close(ends[0]);
	close(ends[1]);
}
END_TEST

static void use_in_child(void *context)
{
	struct hws_plan *plan = context;
	struct hws_done done = { 0 };

	if (hws_plan_start(plan) != -ECHILD || hws_plan_done(plan, &done) != -ECHILD ||
	    hws_plan_run(plan, 0) != -ECHILD || hws_plan_cancel(plan) != -ECHILD)
		_exit(1);
	hws_plan_close(plan);
	_exit(0);
}

START_TEST(a_child_only_frees_it)
{
	struct hws_ring *ring;
	struct hws_plan *plan;
	int ends[2];
	int status;

	need_kernel("MADV_WIPEONFORK");
	need_uring();
	ring = rig_open(NULL);
	plan = open_plan(ring, 0);
	ck_assert_int_eq(pipe(ends), 0);
	add_read(plan, ends[0], rig_buf(ring, 4096, 0));
	ck_ok(hws_plan_start(plan));
	status = suite_child(use_in_child, plan);
	ck_assert(WIFEXITED(status) && WEXITSTATUS(status) == 0);
	ck_assert_int_eq(write(ends[1], "x", 1), 1);
	ck_assert_int_eq(run(plan), 0);
	ck_assert_int_eq(result_of(plan, 0), 1);
	{
		struct hws_done done;

		ck_ok(hws_plan_result(plan, 0, &done));
		rig_give(ring, done.buf);
	}
	hws_plan_close(plan);
	rig_close(ring);
	close(ends[0]);
	close(ends[1]);
}
END_TEST

int main(void)
{
	return suite_run("uring/plan-end", (const TTest *[]) {
						   what_comes_after_a_failure_is_cancelled,
						   a_failure_stops_all_that_has_not_started,
						   a_short_read_is_a_failure_unless_it_may_be,
						   a_step_that_is_refused_has_failed,
						   the_deadline_cancels_the_rest,
						   closing_forgets_what_is_in_flight,
						   a_child_only_frees_it,
						   NULL,
					   });
}
