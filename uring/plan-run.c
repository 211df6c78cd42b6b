/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Carrying a plan out. A step is ready when nothing before it is left, or when
 * it is to be cancelled; whatever is ready goes through one list, so that a
 * failure with a thousand steps behind it needs no recursion.
 */
#include <errno.h>

#include "shim/why-internal.h"
#include "uring/plan-internal.h"

enum { BATCH = 32 };

static void make_ready(struct hws_plan *plan, struct plan_step *step)
{
	uint32_t number = (uint32_t)(step - plan->steps);

	step->state = PLAN_READY;
	step->next = PLAN_NONE;
	if (plan->last == PLAN_NONE)
		plan->first = number;
	else
		plan->steps[plan->last].next = number;
	plan->last = number;
}

static struct plan_step *take_ready(struct hws_plan *plan)
{
	struct plan_step *step = &plan->steps[plan->first];

	plan->first = step->next;
	if (plan->first == PLAN_NONE)
		plan->last = PLAN_NONE;
	return step;
}

/* No step starts any more: all that wait are cancelled. */
static void stop(struct hws_plan *plan)
{
	plan->stopped = true;
	for (uint32_t i = 0; i < plan->count; i++)
		if (plan->steps[i].state == PLAN_WAITING)
			make_ready(plan, &plan->steps[i]);
}

/* Those that waited for it wait no longer. */
static void release(struct hws_plan *plan, const struct plan_step *step, bool failed)
{
	uint32_t edge = step->edges;

	for (; edge != PLAN_NONE; edge = plan->edges[edge].next) {
		struct plan_step *to = &plan->steps[plan->edges[edge].to];

		if (to->state != PLAN_WAITING)
			continue;
		to->doomed = failed && !(plan->flags & HWS_PLAN_KEEP_GOING);
		if (--to->waits == 0 || to->doomed)
			make_ready(plan, to);
	}
}

static void end_step(struct hws_plan *plan, struct plan_step *step, const struct hws_done *done)
{
	bool failed = done->result < 0 || (uint64_t)done->result < step->whole;

	step->state = PLAN_DONE;
	step->done = *done;
	step->done.tag = step->request.tag;
	plan->left--;
	plan->failed += failed;
	release(plan, step, failed);
	if (failed && plan->flags & HWS_PLAN_STOP && !plan->stopped)
		stop(plan);
}

/* It never got into flight: its buffer is where it was. */
static void refuse_step(struct hws_plan *plan, struct plan_step *step, int result)
{
	const struct hws_request *of = &step->request;
	bool list = op_kinds[of->kind].traits & OP_LIST;
	struct hws_done done = { .result = result, .kind = of->kind };

	done.buf = list ? of->bufs[0] : of->buf;
	end_step(plan, step, &done);
}

static int queue_step(struct hws_plan *plan, struct plan_step *step)
{
	struct hws_request request = step->request;

	request.tag = (uintptr_t)step;
	return hws_queue(plan->ring, &request, &step->op);
}

/* Queues what is ready, as long as the ring has room. */
static void advance(struct hws_plan *plan)
{
	while (plan->first != PLAN_NONE) {
		struct plan_step *step = &plan->steps[plan->first];
		bool cancelled = plan->stopped || step->doomed;
		int r = cancelled ? -ECANCELED : queue_step(plan, step);

		if (r == -EAGAIN)
			return;
		(void)take_ready(plan);
		if (r < 0) {
			refuse_step(plan, step, r);
			continue;
		}
		step->state = PLAN_RUNNING;
		plan->running++;
	}
}

int hws_plan_start(struct hws_plan *plan)
{
	int r = ring_mine(plan->ring);

	if (r == 0 && !plan->started)
		r = plan_check_order(plan);
	if (r < 0)
		return r;
	for (uint32_t i = 0; i < plan->count && !plan->started; i++)
		if (plan->steps[i].waits == 0)
			make_ready(plan, &plan->steps[i]);
	plan->started = true;
	advance(plan);
	return 0;
}

/* Whose done is it? NULL: none of the plan's. */
static struct plan_step *find(const struct hws_plan *plan, const struct hws_done *done)
{
	uint64_t at = done->tag - (uintptr_t)plan->steps;
	struct plan_step *step;

	if (at % sizeof(*step) || at / sizeof(*step) >= plan->count)
		return NULL;
	step = &plan->steps[at / sizeof(*step)];
	return step->state == PLAN_RUNNING && step->request.kind == done->kind ? step : NULL;
}

int hws_plan_done(struct hws_plan *plan, const struct hws_done *done)
{
	struct plan_step *step;
	int r = ring_mine(plan->ring);

	/* a broken ring's dones are taken as well */
	if (r < 0 && r != -EIO)
		return r;
	step = find(plan, done);
	if (step) {
		plan->running--;
		end_step(plan, step, done);
	}
	if (plan->started)
		advance(plan);
	return step != NULL;
}

int hws_plan_cancel(struct hws_plan *plan)
{
	int first = 0;
	int r = ring_mine(plan->ring);

	if (r < 0)
		return r;
	plan->started = true;
	stop(plan);
	advance(plan);
	for (uint32_t i = 0; i < plan->count; i++) {
		if (plan->steps[i].state != PLAN_RUNNING)
			continue;
		r = hws_op_cancel(plan->ring, plan->steps[i].op);
		/* done, or under way: that is what was wanted */
		if (r < 0 && r != -ESTALE && r != -EALREADY && first == 0)
			first = r;
	}
	return first;
}

/* Waits for one at least and shows the plan what there is. */
static int pump(struct hws_plan *plan, uint64_t deadline_ns)
{
	struct hws_done done[BATCH];
	int count = hws_wait(plan->ring, done, BATCH, deadline_ns);

	if (count == 0)
		return why(-EAGAIN, "the ring is full of orphans: wait until they are done");
	for (int i = 0; i < count; i++) {
		int r = hws_plan_done(plan, &done[i]);

		if (r < 0)
			return r;
	}
	return count < 0 ? count : 0;
}

/* The deadline came. What can be cancelled takes a moment only. */
static int give_up(struct hws_plan *plan)
{
	uint64_t until = ring_now() + RING_DRAIN_NS;
	int r = hws_plan_cancel(plan);

	while (plan->left && r == 0)
		r = pump(plan, until);
	if (r < 0 && r != -ETIME)
		return r;
	return why(-ETIME,
		   "the deadline came: of %u steps %u failed or were cancelled, %u are "
		   "still in flight",
		   plan->count, plan->failed, plan->left);
}

int hws_plan_run(struct hws_plan *plan, uint64_t deadline_ns)
{
	int r = ring_mine(plan->ring);

	if (r == 0 && ring_awaited(plan->ring) != plan->running)
		r = why(-EBUSY, "the ring has others than the plan's operations in flight: show "
				"their dones and all others to hws_plan_done()");
	if (r == 0)
		r = hws_plan_start(plan);
	while (r == 0 && plan->left)
		r = pump(plan, deadline_ns);
	if (r == -ETIME)
		r = give_up(plan);
	return r < 0 ? r : (int)plan->failed;
}
