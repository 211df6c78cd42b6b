/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Plans: operations that wait for one another, with as many of them in flight as their order lets.
 *
 *	r = hws_plan_open(ring, 0, &plan);
 *	r = hws_plan_add(plan, &write_data, &data);
 *	r = hws_plan_add(plan, &write_index, &index);
 *	r = hws_plan_add(plan, &sync, &end);
 *	r = hws_plan_after(plan, end, data);               not before both are done
 *	r = hws_plan_after(plan, end, index);
 *	r = hws_plan_run(plan, HWS_FOREVER);               how many steps failed
 *	r = hws_plan_result(plan, end, &done);
 *	hws_plan_close(plan);
 *
 * That is for a ring that does nothing else meanwhile. On any other, show the plan every done:
 *
 *	r = hws_plan_start(plan);
 *	while (hws_plan_left(plan) && (n = hws_wait(ring, done, 8, HWS_FOREVER)) > 0)
 *		for (i = 0; i < n; i++)
 *			if (hws_plan_done(plan, &done[i]) == 0)
 *				use(&done[i]);                   not of the plan
 *
 * A step has failed when its result is negative, or when it reads or writes and moved fewer bytes
 * than it was to. What comes after it, and what comes after that, is then done with -ECANCELED.
 *
 * Context: a plan belongs to its ring's thread. Its ring is open for longer than the plan.
 */
#ifndef HWSAFE_URING_PLAN_H
#define HWSAFE_URING_PLAN_H

#include "op.h"

HWS_BEGIN_DECLS

/** HWS_PLAN_STEPS - the most steps that a plan has. */
#define HWS_PLAN_STEPS 1024
/** HWS_PLAN_EDGES - how often hws_plan_after() may be called for a plan. */
#define HWS_PLAN_EDGES 65536

struct hws_plan;

/** enum hws_plan_flags - what a failed step means for the others. Values combine. */
enum hws_plan_flags {
	HWS_PLAN_KEEP_GOING = 1, /* nothing: a step starts when those before it are done */
	HWS_PLAN_STOP = 2,	 /* no step starts any more, whether it comes after it or not */
	HWS_PLAN_SHORT = 4,	 /* a step that moved fewer bytes than it was to hasn't failed */
};

/**
 * hws_plan_open() - make an empty plan.
 * @ring: shared; open for longer than the plan
 * @flags: enum hws_plan_flags
 * @ret_plan: out; hws_plan_close() it
 *
 * Return: 0; -EINVAL no such flags; -ENOMEM; -EBUSY, -ECHILD, -EIO as hws_queue().
 */
HWS_API HWS_MUST int hws_plan_open(struct hws_ring *ring, uint32_t flags,
				   struct hws_plan **ret_plan);

/**
 * hws_plan_close() - end a plan.
 * @plan: taken; NULL is fine
 *
 * Steps in flight are forgotten as by hws_op_forget(); buffers of steps that were not started stay
 * yours.
 *
 * Context: another thread's than the ring's, or a forked child's, frees the plan and no more.
 */
HWS_API void hws_plan_close(struct hws_plan *plan);

/**
 * hws_plan_add() - add a step.
 * @plan: borrowed
 * @request: borrowed; copied, with all it points to but its group
 * @ret_step: out; the step's number: they count from 0
 *
 * Its buffer is yours until the step starts. Steps of which one comes after the other may name
 * the same buffer.
 *
 * Return: 0; -EINVAL as hws_queue(), or a kind with more than one done, or a flag but HWS_EXACT and
 * HWS_ASYNC; -ENAMETOOLONG; -ENOSPC: HWS_PLAN_STEPS are there; -EALREADY: the plan was started;
 * -ENOMEM.
 */
HWS_API HWS_MUST int hws_plan_add(struct hws_plan *plan, const struct hws_request *request,
				  uint32_t *ret_step);

/**
 * hws_plan_after() - one step waits for another.
 * @plan: borrowed
 * @step: which waits
 * @earlier: until this one is done
 *
 * Return: 0; -EINVAL: there is no such step; -ELOOP: they are the same; -ENOSPC: HWS_PLAN_EDGES
 * are there; -EALREADY: the plan was started; -ENOMEM.
 */
HWS_API HWS_MUST int hws_plan_after(struct hws_plan *plan, uint32_t step, uint32_t earlier);

/**
 * hws_plan_start() - queue the steps that wait for nothing.
 * @plan: borrowed
 *
 * The kernel starts them at the next hws_submit() or hws_wait(). When the ring is full, the others
 * follow as hws_plan_done() is called. Called again it does just that.
 *
 * Return: 0; -ELOOP: steps wait for one another in a circle, which hws_why() names, and nothing
 * was queued; -ENOMEM; -EBUSY, -ECHILD as hws_queue().
 */
HWS_API HWS_MUST int hws_plan_start(struct hws_plan *plan);

/**
 * hws_plan_done() - show the plan a done.
 * @plan: borrowed
 * @done: borrowed; as hws_wait() gave it
 *
 * Queues the steps that waited for it; the next hws_wait() submits them together.
 *
 * Return: 1: it was the plan's, and hws_plan_result() has it; 0: it wasn't; -EBUSY, -ECHILD as
 * hws_queue().
 */
HWS_API HWS_MUST int hws_plan_done(struct hws_plan *plan, const struct hws_done *done);

/**
 * hws_plan_cancel() - start no more steps, and try to cancel what is in flight.
 * @plan: borrowed
 *
 * Steps that were not started are done with -ECANCELED at once; those in flight end by their dones.
 *
 * Return: 0; -EBUSY, -ECHILD, -EIO, -ENOMEM, -EAGAIN as hws_op_cancel().
 */
HWS_API HWS_MUST int hws_plan_cancel(struct hws_plan *plan);

/**
 * hws_plan_run() - start the plan if it isn't, and wait until all its steps are done.
 * @plan: borrowed
 * @deadline_ns: CLOCK_MONOTONIC; then the rest is cancelled; HWS_FOREVER
 *
 * Return: how many steps failed or were cancelled; -ETIME: the deadline came; should some steps
 * still be in flight, which hws_plan_left() tells, run it again to wait for them, or close it;
 * -EBUSY: others than the plan's operations are in flight on the ring; -EAGAIN: orphans fill the
 * ring; else as hws_plan_start() and hws_submit().
 */
HWS_API HWS_MUST int hws_plan_run(struct hws_plan *plan, uint64_t deadline_ns);

/**
 * hws_plan_result() - how a step ended.
 * @plan: borrowed
 * @step: which
 * @ret_done: out; its tag is the request's; its buffer is yours
 *
 * Of a step that couldn't be queued the result is why.
 *
 * Return: 0; -EINPROGRESS: it isn't done; -EINVAL: there is no such step.
 */
HWS_API HWS_MUST int hws_plan_result(const struct hws_plan *plan, uint32_t step,
				     struct hws_done *ret_done);

/**
 * hws_plan_left() - how many steps are not done.
 * @plan: borrowed
 *
 * Return: the number.
 */
HWS_API uint32_t hws_plan_left(const struct hws_plan *plan);

HWS_END_DECLS

#endif
