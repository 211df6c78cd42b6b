/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Making a plan: its steps, and which of them waits for which. */
#include "uring/plan.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "shim/why-internal.h"
#include "uring/plan-internal.h"

int hws_plan_open(struct hws_ring *ring, uint32_t flags, struct hws_plan **ret_plan)
{
	struct hws_plan *plan;
	int r = ring_mine(ring);

	if (r < 0)
		return r;
	if (flags & ~(uint32_t)(HWS_PLAN_KEEP_GOING | HWS_PLAN_STOP | HWS_PLAN_SHORT))
		return why(-EINVAL, "there are no such flags of a plan: %#x", flags);
	plan = calloc(1, sizeof(*plan));
	if (!plan)
		return why(-ENOMEM, "no memory for a plan");
	plan->ring = ring;
	plan->flags = flags;
	plan->first = plan->last = PLAN_NONE;
	*ret_plan = plan;
	return 0;
}

static void forget_step(struct hws_plan *plan, const struct plan_step *step)
{
	int r = step->state == PLAN_RUNNING ? hws_op_forget(plan->ring, step->op) : 0;

	(void)r; /* -ESTALE: whoever waited for it has its done, and its buffer */
}

void hws_plan_close(struct hws_plan *plan)
{
	if (!plan)
		return;
	for (uint32_t i = 0; i < plan->count; i++) {
		if (plan->running && ring_mine(plan->ring) == 0)
			forget_step(plan, &plan->steps[i]);
		free(plan->steps[i].copy);
	}
	free(plan->steps);
	free(plan->edges);
	free(plan);
}

/* The list has room for one more, of at most @most: 0; -ENOSPC; -ENOMEM. */
static int grow(void **list, uint32_t *room, uint32_t count, uint32_t most, size_t size)
{
	uint32_t wanted = *room ? *room * 2 : 16;
	void *grown;

	if (count == most)
		return why(-ENOSPC, "a plan has at most %u steps, and %u times one waits for one",
			   HWS_PLAN_STEPS, HWS_PLAN_EDGES);
	if (count < *room)
		return 0;
	grown = realloc(*list, wanted * size);
	if (!grown)
		return why(-ENOMEM, "no memory for a plan");
	*list = grown;
	*room = wanted;
	return 0;
}

static int check(const struct hws_plan *plan, const struct hws_request *request)
{
	if (plan->started)
		return why(-EALREADY, "the plan was started: it can't be changed any more");
	if (request->kind >= HWS_OP_KINDS)
		return why(-EINVAL, "there is no operation %u", request->kind);
	if (op_kinds[request->kind].traits & OP_MANY || request->kind == HWS_OP_LINK_TIMEOUT)
		return why(-EINVAL, "%s is no step of a plan", hws_op_name(request->kind));
	if (request->flags & ~(uint32_t)(HWS_EXACT | HWS_ASYNC))
		return why(-EINVAL, "a step's flags are HWS_EXACT and HWS_ASYNC: its order is "
				    "hws_plan_after()'s matter");
	return 0;
}

/* What the request points to becomes the step's own. */
static int copy_parts(struct plan_step *step)
{
	struct hws_request *request = &step->request;
	const struct op_kind *kind = &op_kinds[request->kind];
	struct extra_sizes sizes = { 0 };
	size_t list;
	int r = extra_measure(kind, request, &sizes);

	if (r < 0)
		return r;
	if (!(kind->traits & OP_DATA) || kind->traits & OP_TIME)
		sizes.data = 0;
	list = sizes.count * sizeof(*request->bufs);
	if (list + sizes.data == 0)
		return 0;
	step->copy = malloc(list + sizes.data);
	if (!step->copy)
		return why(-ENOMEM, "no memory for a step of a plan");
	if (list)
		request->bufs = memcpy(step->copy, request->bufs, list);
	if (sizes.data)
		request->data = memcpy((char *)step->copy + list, request->data, sizes.data);
	return 0;
}

/* What it moves when it succeeds in full; 0 for what has no such measure. */
static uint64_t whole_of(const struct hws_plan *plan, const struct hws_request *request)
{
	uint64_t bytes = 0;

	if (plan->flags & HWS_PLAN_SHORT)
		return 0;
	if (request->kind == HWS_OP_READ || request->kind == HWS_OP_WRITE)
		return request->length;
	if (op_kinds[request->kind].traits & OP_LIST)
		for (uint32_t i = 0; i < request->count; i++)
			bytes += hws_buf_size(plan->ring->pool, request->bufs[i]);
	return bytes;
}

int hws_plan_add(struct hws_plan *plan, const struct hws_request *request, uint32_t *ret_step)
{
	struct plan_step step = { .request = *request, .edges = PLAN_NONE };
	void *steps = plan->steps;
	int r = check(plan, request);

	if (r == 0)
		r = grow(&steps, &plan->room, plan->count, HWS_PLAN_STEPS, sizeof(step));
	plan->steps = steps;
	if (r == 0)
		r = copy_parts(&step);
	if (r < 0)
		return r;
	step.whole = whole_of(plan, request);
	*ret_step = plan->count;
	plan->steps[plan->count++] = step;
	plan->left++;
	return 0;
}

int hws_plan_after(struct hws_plan *plan, uint32_t step, uint32_t earlier)
{
	void *edges = plan->edges;
	int r;

	if (plan->started)
		return why(-EALREADY, "the plan was started: it can't be changed any more");
	if (step >= plan->count || earlier >= plan->count)
		return why(-EINVAL, "the plan has no step %u",
			   step >= plan->count ? step : earlier);
	if (step == earlier)
		return why(-ELOOP, "step %u can't wait for itself", step);
	r = grow(&edges, &plan->edge_room, plan->edge_count, HWS_PLAN_EDGES, sizeof(*plan->edges));
	plan->edges = edges;
	if (r < 0)
		return r;
	plan->edges[plan->edge_count] =
		(struct plan_edge) { .to = step, .next = plan->steps[earlier].edges };
	plan->steps[earlier].edges = plan->edge_count++;
	plan->steps[step].waits++;
	return 0;
}

int hws_plan_result(const struct hws_plan *plan, uint32_t step, struct hws_done *ret_done)
{
	if (step >= plan->count)
		return why(-EINVAL, "the plan has no step %u", step);
	if (plan->steps[step].state != PLAN_DONE)
		return why(-EINPROGRESS, "step %u is not done", step);
	*ret_done = plan->steps[step].done;
	return 0;
}

uint32_t hws_plan_left(const struct hws_plan *plan)
{
	return plan->left;
}
