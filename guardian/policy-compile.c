/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Sorts the rules of a view into groups, and each group's numbers into segments. */
#include "guardian/policy-view-internal.h"
#include "shim/size-internal.h"

#include <errno.h>
#include <stdlib.h>

#include "shim/sys-internal.h"
#include "shim/why-internal.h"

/* Rules in the lists of all segments: a bound for those that overlap each other without end. */
#define LISTS_MAX (16u << 20)

/* One run of numbers of one rule, in the group where it belongs. */
struct item {
	uint64_t key;
	struct policy_span span;
	uint32_t rule;
	uint32_t group;
	bool deny;
};

struct items {
	struct item *at;
	size_t count;
};

uint64_t policy_key(enum hws_kind kind, uint32_t bar, uint32_t shape, uint64_t value)
{
	/* 4 + 3 + 5 + 48 bits; never 0 */
	return ((uint64_t)kind + 1) << 56 | (uint64_t)bar << 53 | (uint64_t)shape << 48 | value;
}

/* FNV-1a; two paths of one value share a group, and the rules themselves tell them apart. */
uint64_t policy_path_value(const char *path)
{
	uint64_t hash = 0xcbf29ce484222325u;

	for (; *path; path++)
		hash = (hash ^ (unsigned char)*path) * 0x100000001b3u;
	return hash >> 16;
}

static bool add_items(struct items *items, const struct policy_rule *rule, uint32_t index,
		      uint64_t key)
{
	for (size_t i = 0; i < rule->where.count; i++) {
		if (!policy_grow(&items->at, items->count, sizeof(*items->at)))
			return false;
		items->at[items->count++] = (struct item) {
			.key = key,
			.span = rule->where.at[i],
			.rule = index,
			.deny = rule->deny,
		};
	}
	return true;
}

static bool add_rule(struct hws_policy_view *view, struct items *items, uint32_t index)
{
	const struct policy_rule *rule = &view->policy->rules[index];
	uint32_t shape = rule->path ? 1 : rule->device.shape;
	uint64_t value = rule->path ? policy_path_value(rule->path) : rule->device.value;

	view->shapes[rule->kind] |= 1u << shape;
	for (uint64_t bar = rule->bars.first; bar <= rule->bars.last; bar++) {
		if (!add_items(items, rule, index,
			       policy_key(rule->kind, (uint32_t)bar, shape, value)))
			return false;
	}
	return true;
}

/* By group; in it deny rules first, then in the policy's order. */
static int compare_items(const void *a, const void *b)
{
	const struct item *x = a;
	const struct item *y = b;

	if (x->key != y->key)
		return x->key < y->key ? -1 : 1;
	if (x->deny != y->deny)
		return x->deny ? -1 : 1;
	return (x->rule > y->rule) - (x->rule < y->rule);
}

static int compare_segments(const void *a, const void *b)
{
	const struct policy_segment *x = a;
	const struct policy_segment *y = b;

	return (x->first > y->first) - (x->first < y->first);
}

static bool add_segment(struct hws_policy_view *view, uint64_t first)
{
	if (view->segment_count >= POLICY_NODE ||
	    !policy_grow(&view->segments, view->segment_count, sizeof(*view->segments)))
		return false;
	view->segments[view->segment_count++] = (struct policy_segment) { .first = first };
	return true;
}

/* A segment begins at 0, where a run begins, and behind its end. */
static bool cut(struct hws_policy_view *view, struct policy_group *group, const struct item *items,
		size_t count)
{
	struct policy_segment *segments;
	uint32_t kept = 0;

	if (!add_segment(view, 0))
		return false;
	for (size_t i = 0; i < count; i++) {
		const struct policy_span *span = &items[i].span;

		if (!add_segment(view, span->first) ||
		    (span->last != UINT64_MAX && !add_segment(view, span->last + 1)))
			return false;
	}
	segments = view->segments + group->segments;
	qsort(segments, view->segment_count - group->segments, sizeof(*segments), compare_segments);
	for (size_t i = 1; i < view->segment_count - group->segments; i++) {
		if (segments[i].first != segments[kept].first)
			segments[++kept] = segments[i];
	}
	group->count = kept + 1;
	view->segment_count = group->segments + group->count;
	return true;
}

/* The items from @begin on that belong together: cuts their numbers, gives them the group. */
static bool add_group(struct hws_policy_view *view, struct items *items, size_t begin,
		      size_t *ret_end)
{
	struct policy_group group = {
		.key = items->at[begin].key,
		.segments = (uint32_t)view->segment_count,
	};
	size_t end = begin;

	for (; end < items->count && items->at[end].key == group.key; end++)
		items->at[end].group = view->group_count;
	if (!cut(view, &group, items->at + begin, end - begin) ||
	    !policy_index_build(view, &group) ||
	    !policy_grow(&view->groups, view->group_count, sizeof(*view->groups)))
		return false;
	view->groups[view->group_count++] = group;
	*ret_end = end;
	return true;
}

/* At most half full, so that a search soon meets an empty place. */
static bool fill_table(struct hws_policy_view *view)
{
	unsigned int bits = 1;
	uint64_t size;

	while ((uint64_t)1 << bits < 2 * (uint64_t)view->group_count)
		bits++;
	size = (uint64_t)1 << bits;
	view->table_shift = 64 - bits;
	view->table = size_calloc(size, sizeof(*view->table));
	if (!view->table)
		return false;
	for (uint32_t i = 0; i < view->group_count; i++) {
		uint64_t at = policy_hash(view->groups[i].key, view->table_shift);

		while (view->table[at].key)
			at = (at + 1) & (size - 1);
		view->table[at] = view->groups[i];
	}
	return true;
}

/* The segments that an item covers: from *ret_begin to below *ret_end. */
static void covered(const struct hws_policy_view *view, const struct item *item,
		    struct policy_segment **ret_begin, struct policy_segment **ret_end)
{
	const struct policy_group *group = &view->groups[item->group];

	*ret_begin = view->segments +
		     (policy_index_find(view, group, item->span.first) - view->segments);
	*ret_end = view->segments +
		   (policy_index_find(view, group, item->span.last) - view->segments) + 1;
}

/* Counts the item in each segment that it covers; in a second pass @lists takes its rule there. */
static void count_item(const struct hws_policy_view *view, const struct item *item, uint32_t *lists)
{
	struct policy_segment *segment;
	struct policy_segment *end;

	for (covered(view, item, &segment, &end); segment < end; segment++) {
		if (lists)
			lists[segment->list + segment->denies + segment->allows] = item->rule;
		if (item->deny)
			segment->denies++;
		else
			segment->allows++;
	}
}

static int count_lists(struct hws_policy_view *view, const struct items *items, size_t *ret_total)
{
	size_t total = 0;

	for (size_t i = 0; i < items->count; i++) {
		struct policy_segment *begin;
		struct policy_segment *end;

		covered(view, &items->at[i], &begin, &end);
		total += (size_t)(end - begin);
		if (total > LISTS_MAX)
			return why(-E2BIG, "the policy's rules overlap too much, '%s' among them",
				   view->policy->rules[items->at[i].rule].text);
		count_item(view, &items->at[i], NULL);
	}
	*ret_total = total;
	return 0;
}

/* Each segment's rules, side by side: deny rules, then allow rules, both in the policy's order. */
static int fill_lists(struct hws_policy_view *view, const struct items *items)
{
	uint32_t next = 0;
	size_t total = 0;
	int r = count_lists(view, items, &total);

	if (r < 0)
		return r;
	view->lists = malloc((total ? total : 1) * sizeof(*view->lists));
	if (!view->lists)
		return -ENOMEM;
	for (size_t i = 0; i < view->segment_count; i++) {
		struct policy_segment *segment = &view->segments[i];

		segment->list = next;
		next += segment->denies + segment->allows;
		segment->denies = 0;
		segment->allows = 0;
	}
	for (size_t i = 0; i < items->count; i++)
		count_item(view, &items->at[i], view->lists);
	return 0;
}

static bool collect(struct hws_policy_view *view, struct items *items)
{
	const struct hws_policy *policy = view->policy;

	for (size_t i = 0; i < policy->rule_count; i++) {
		if (view->sections[policy->rules[i].section] && !add_rule(view, items, (uint32_t)i))
			return false;
	}
	if (items->count)
		qsort(items->at, items->count, sizeof(*items->at), compare_items);
	for (size_t i = 0; i < items->count;) {
		if (!add_group(view, items, i, &i))
			return false;
	}
	return fill_table(view);
}

int policy_compile(struct hws_policy_view *view)
{
	struct items items = { NULL, 0 };
	int r = collect(view, &items) ? fill_lists(view, &items) : -ENOMEM;

	free(items.at);
	return r == -ENOMEM ? why(r, "not enough memory for a view of the policy") : r;
}
