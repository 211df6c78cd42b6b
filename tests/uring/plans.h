/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the tests of plans share. */
#ifndef HWSAFE_TESTS_URING_PLANS_H
#define HWSAFE_TESTS_URING_PLANS_H

#include "tests/uring/rig.h"
#include "uring/plan.h"

static inline struct hws_plan *open_plan(struct hws_ring *ring, uint32_t flags)
{
	struct hws_plan *plan;

	ck_ok(hws_plan_open(ring, flags, &plan));
	return plan;
}

static inline uint32_t add(struct hws_plan *plan, const struct hws_request *request)
{
	uint32_t step;
	int r = hws_plan_add(plan, request, &step);

	ck_assert_msg(r == 0, "%s", hws_why());
	return step;
}

static inline uint32_t add_nop(struct hws_plan *plan)
{
	return add(plan, &(struct hws_request) { .kind = HWS_OP_NOP });
}

/* It fails. */
static inline uint32_t add_bad(struct hws_plan *plan)
{
	return add(plan, &(struct hws_request) { .kind = HWS_OP_FSYNC, .fd = 9999 });
}

/* It ends when somebody writes to the other end, or never. */
static inline uint32_t add_read(struct hws_plan *plan, int fd, struct hws_buf buf)
{
	return add(plan, &(struct hws_request) {
				 .kind = HWS_OP_READ, .fd = fd, .buf = buf, .length = 1 });
}

static inline int64_t result_of(struct hws_plan *plan, uint32_t step)
{
	struct hws_done done;

	ck_ok(hws_plan_result(plan, step, &done));
	return done.result;
}

static inline int run(struct hws_plan *plan)
{
	return hws_plan_run(plan, rig_after_ms(20000));
}

#endif
