/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Is there an order in which the steps of a plan can be done? If not, who waits for whom? */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "shim/sys-internal.h"
#include "shim/why-internal.h"
#include "uring/plan-internal.h"

enum { SAID = 200 };

/*
 * Takes away, again and again, what waits for nothing that is left; gives how many are left. Of
 * these each waits for another, so that walking back from any of them ends in a circle.
 */
static uint32_t take_away(const struct hws_plan *plan, uint32_t *waits, uint32_t *ready)
{
	uint32_t taken = 0;
	uint32_t count = 0;

	for (uint32_t i = 0; i < plan->count; i++) {
		waits[i] = plan->steps[i].waits;
		if (waits[i] == 0)
			ready[count++] = i;
	}
	for (; taken < count; taken++) {
		uint32_t edge = plan->steps[ready[taken]].edges;

		for (; edge != PLAN_NONE; edge = plan->edges[edge].next)
			if (--waits[plan->edges[edge].to] == 0)
				ready[count++] = plan->edges[edge].to;
	}
	return plan->count - count;
}

/* For each step that is left, one that is left and that it waits for. */
static void find_earlier(const struct hws_plan *plan, const uint32_t *waits, uint32_t *ret_earlier)
{
	for (uint32_t i = 0; i < plan->count; i++) {
		uint32_t edge = waits[i] ? plan->steps[i].edges : PLAN_NONE;

		for (; edge != PLAN_NONE; edge = plan->edges[edge].next)
			ret_earlier[plan->edges[edge].to] = i;
	}
}

/* A step of the circle. */
static uint32_t walk_back(const struct hws_plan *plan, const uint32_t *waits,
			  const uint32_t *earlier)
{
	uint32_t at = 0;

	while (waits[at] == 0)
		at++;
	for (uint32_t i = 0; i < plan->count; i++)
		at = earlier[at];
	return at;
}

static int name_circle(const uint32_t *earlier, uint32_t first)
{
	char text[SAID];
	uint32_t at = first;
	size_t length = (size_t)snprintf(text, sizeof(text), "%u", first);

	do {
		at = earlier[at];
		if (length < sizeof(text))
			length += (size_t)snprintf(text + length, sizeof(text) - length,
						   " after %u", at);
	} while (at != first);
	return why(-ELOOP, "the plan's steps wait for one another: %s%s", text,
		   length < sizeof(text) ? "" : " …");
}

int plan_check_order(const struct hws_plan *plan)
{
	size_t room = plan->count + (size_t)1;
	HWS_CLEANUP_FREE uint32_t *waits = calloc(room, sizeof(*waits));
	HWS_CLEANUP_FREE uint32_t *other = calloc(room, sizeof(*other));

	if (!waits || !other)
		return why(-ENOMEM, "no memory to order a plan");
	if (take_away(plan, waits, other) == 0)
		return 0;
	find_earlier(plan, waits, other);
	return name_circle(other, walk_back(plan, waits, other));
}
