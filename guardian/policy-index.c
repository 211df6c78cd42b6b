/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * From a number to its segment. A node divides the span of its segments'
 * beginnings into about two slots for each of them; a slot in which too many
 * begin has a node of its own. Each level leaves at least three bits less to
 * decide, so there are never more than 22, and in practice one or two: the
 * cost hangs on how the numbers lie, not on how many there are.
 */
#include "guardian/policy-view-internal.h"

#include <stdlib.h>

enum { SCAN = 4 }; /* segments to pass by one after another */

static bool add_node(struct hws_policy_view *view, uint32_t first, uint32_t end,
		     uint32_t *ret_slot);

/* What the slots of a node hold; segments from @first to below @end begin in it. */
static bool fill_slots(struct hws_policy_view *view, const struct policy_node *node, uint32_t end)
{
	uint32_t next = node->first;

	for (uint32_t i = 0; i < node->count; i++) {
		uint64_t begin = (uint64_t)i << node->shift;
		uint64_t last = begin + ((uint64_t)1 << node->shift) - 1;
		uint32_t first = next;
		uint32_t slot;

		while (next < end && view->segments[next].first - node->base <= last)
			next++;
		/* the segment that holds the slot's first number */
		slot = first < next && view->segments[first].first - node->base == begin
			       ? first
			       : first - 1;
		if (next - first > SCAN && !add_node(view, first, next, &slot))
			return false;
		view->slots[node->slots + i] = slot;
	}
	return true;
}

static bool grow_slots(struct hws_policy_view *view, uint32_t count)
{
	size_t room = view->slot_room ? view->slot_room : 64;
	uint32_t *more;

	while (room < view->slot_count + count)
		room *= 2;
	more = room > view->slot_room ? reallocarray(view->slots, room, sizeof(*more))
				      : view->slots;
	if (!more)
		return false;
	view->slots = more;
	view->slot_room = room;
	view->slot_count += count;
	return true;
}

static bool add_node(struct hws_policy_view *view, uint32_t first, uint32_t end, uint32_t *ret_slot)
{
	uint64_t base = view->segments[first].first;
	uint64_t span = view->segments[end - 1].first - base;
	struct policy_node node = {
		.base = base,
		.first = first,
		.slots = (uint32_t)view->slot_count,
	};

	while (span >> node.shift >= 2 * (uint64_t)(end - first))
		node.shift++;
	node.count = (uint32_t)(span >> node.shift) + 1;
	if (view->slot_count + node.count > UINT32_MAX / 2 || !grow_slots(view, node.count) ||
	    !policy_grow(&view->nodes, view->node_count, sizeof(*view->nodes)))
		return false;
	*ret_slot = (uint32_t)view->node_count | POLICY_NODE;
	view->nodes[view->node_count++] = node;
	return fill_slots(view, &node, end);
}

bool policy_index_build(struct hws_policy_view *view, struct policy_group *group)
{
	group->root = group->segments;
	return group->count <= SCAN ||
	       add_node(view, group->segments, group->segments + group->count, &group->root);
}

const struct policy_segment *policy_index_find(const struct hws_policy_view *view,
					       const struct policy_group *group, uint64_t number)
{
	const struct policy_segment *last = view->segments + group->segments + group->count - 1;
	const struct policy_segment *segment;
	uint32_t slot = group->root;

	while (slot & POLICY_NODE) {
		const struct policy_node *node = &view->nodes[slot & ~POLICY_NODE];
		uint64_t at = (number - node->base) >> node->shift;

		if (number < node->base)
			return view->segments + node->first - 1;
		slot = view->slots[node->slots + (at < node->count ? at : node->count - 1)];
	}
	segment = view->segments + slot;
	while (segment < last && segment[1].first <= number)
		segment++;
	return segment;
}
