/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "hw/iova-internal.h"
#include "tests/suite.h"

enum { PAGE = 4096, NODES = 64 };

static struct hws_hold hold_of(const struct hws_span *spans, uint32_t count)
{
	struct hws_hold hold = { .page = PAGE, .span_count = count };

	memcpy(hold.spans, spans, count * sizeof(spans[0]));
	return hold;
}

#define HOLD(...)                                          \
	hold_of((const struct hws_span[]) { __VA_ARGS__ }, \
		sizeof((const struct hws_span[]) { __VA_ARGS__ }) / sizeof(struct hws_span))

START_TEST(iova_never_gives_the_first_page)
{
	struct hws_hold hold = HOLD({ 0, 3 * PAGE - 1 });
	struct iova_space space;
	struct iova_node node;

	ck_assert_int_eq(iova_init(&space, &hold, 0), 0);
	ck_assert_int_eq(iova_take(&space, PAGE, &node), 0);
	ck_assert_uint_eq(node.first, PAGE);
	ck_assert_uint_eq(node.last, 2 * PAGE - 1);
}
END_TEST

START_TEST(iova_init_takes_whole_pages_below_the_devices_lines)
{
	struct hws_hold hold = HOLD({ 100, 199 }, { 0x1001, 0x4ffe }, { 0xffff000, 0x1fffffff });
	struct iova_space space;

	ck_assert_int_eq(iova_init(&space, &hold, 28), 0);
	ck_assert_uint_eq(space.span_count, 2);
	ck_assert_uint_eq(space.spans[0].first, 0x2000);
	ck_assert_uint_eq(space.spans[0].last, 0x3fff);
	ck_assert_uint_eq(space.spans[1].first, 0xffff000);
	ck_assert_uint_eq(space.spans[1].last, 0xfffffff);
	ck_assert_int_eq(iova_init(&space, &hold, 12), -ENOSPC);
}
END_TEST

START_TEST(iova_init_refuses_what_makes_no_sense)
{
	struct hws_hold hold = HOLD({ 0x4000, 0x7fff }, { 0x7000, 0x8fff });
	struct hws_hold odd = HOLD({ 0x4000, 0x7fff });
	struct iova_space space;

	ck_assert_int_eq(iova_init(&space, &hold, 0), -EIO);
	odd.page = 0;
	ck_assert_int_eq(iova_init(&space, &odd, 0), -EIO);
	odd.page = 4097;
	ck_assert_int_eq(iova_init(&space, &odd, 0), -EIO);
}
END_TEST

START_TEST(iova_take_reaches_the_last_address_there_is)
{
	struct hws_hold hold = HOLD({ UINT64_MAX - 4 * PAGE + 1, UINT64_MAX });
	struct iova_space space;
	struct iova_node nodes[3];

	ck_assert_int_eq(iova_init(&space, &hold, 0), 0);
	ck_assert_int_eq(iova_take(&space, 2 * PAGE, &nodes[0]), 0);
	ck_assert_int_eq(iova_take(&space, PAGE, &nodes[1]), 0);
	ck_assert_uint_eq(nodes[1].last, UINT64_MAX);
	ck_assert_int_eq(iova_take(&space, PAGE, &nodes[2]), -ENOSPC);
}
END_TEST

START_TEST(iova_take_refuses_half_pages)
{
	struct hws_hold hold = HOLD({ 0, 0xffff });
	struct iova_space space;
	struct iova_node node;

	ck_assert_int_eq(iova_init(&space, &hold, 0), 0);
	ck_assert_int_eq(iova_take(&space, 0, &node), -EINVAL);
	ck_assert_int_eq(iova_take(&space, 100, &node), -EINVAL);
	ck_assert_int_eq(iova_take(&space, UINT64_MAX - PAGE + 1, &node), -ENOSPC);
}
END_TEST

START_TEST(iova_take_gives_an_address_again_only_after_all_others)
{
	/* 1,023 pages, every other one may be used: 511 before any comes again */
	struct hws_hold hold = HOLD({ 0, 1024 * PAGE - 1 });
	static uint64_t turn_of[1024];
	struct iova_space space;

	ck_assert_int_eq(iova_init(&space, &hold, 0), 0);
	for (uint64_t turn = 1; turn <= 10000; turn++) {
		struct iova_node node;

		ck_assert_int_eq(iova_take(&space, PAGE, &node), 0);
		ck_assert(!turn_of[node.first / PAGE] || turn - turn_of[node.first / PAGE] >= 511);
		turn_of[node.first / PAGE] = turn;
		iova_give(&space, &node);
	}
}
END_TEST

/* Apart from all others by a page, inside a span, whole. */
static void check_node(const struct iova_space *space, const struct iova_node *nodes,
		       const bool *used, int which)
{
	const struct iova_node *node = &nodes[which];
	bool inside = false;

	for (uint32_t i = 0; i < space->span_count; i++)
		inside |= node->first >= space->spans[i].first &&
			  node->last <= space->spans[i].last;
	ck_assert(inside && node->first % PAGE == 0 && node->last > node->first);
	for (int i = 0; i < NODES; i++) {
		if (i != which && used[i])
			ck_assert(node->first > nodes[i].last + PAGE ||
				  nodes[i].first > node->last + PAGE);
	}
}

static bool has_room(const struct iova_space *space, const struct iova_node *nodes,
		     const bool *used, uint64_t size)
{
	for (uint32_t s = 0; s < space->span_count; s++) {
		for (uint64_t at = space->spans[s].first; at + size - 1 <= space->spans[s].last;
		     at += PAGE) {
			bool is_free = true;

			for (int i = 0; i < NODES; i++)
				is_free &= !used[i] || at > nodes[i].last + PAGE ||
					   nodes[i].first > at + size - 1 + PAGE;
			if (is_free)
				return true;
		}
	}
	return false;
}

START_TEST(iova_agrees_with_a_search_through_everything)
{
	struct hws_hold hold =
		HOLD({ 0x1000, 0x1ffff }, { 0x30000, 0x30fff }, { 0x50000, 0x8ffff });
	static struct iova_node nodes[NODES];
	bool used[NODES] = { 0 };
	struct iova_space space;

	srand(4711);
	ck_assert_int_eq(iova_init(&space, &hold, 0), 0);
	for (int turn = 0, rounds = suite_rounds(20000); turn < rounds; turn++) {
		int which = rand() % NODES;
		uint64_t size = (uint64_t)(1 + rand() % 12) * PAGE;

		if (used[which]) {
			struct iova_node *before;

			ck_assert_ptr_eq(iova_find(&space, nodes[which].last, &before),
					 &nodes[which]);
			iova_give(&space, &nodes[which]);
			used[which] = false;
		} else if (has_room(&space, nodes, used, size)) {
			/* a gap may be passed over once, when the search stands in its middle */
			ck_assert_int_eq(iova_take(&space, size, &nodes[which]), 0);
			used[which] = true;
			check_node(&space, nodes, used, which);
		} else {
			ck_assert_int_eq(iova_take(&space, size, &nodes[which]), -ENOSPC);
		}
	}
}
END_TEST

START_TEST(iova_find_tells_what_lies_before)
{
	struct hws_hold hold = HOLD({ 0, 0xffff });
	struct iova_space space;
	struct iova_node nodes[2];
	struct iova_node *before = &nodes[1];

	ck_assert_int_eq(iova_init(&space, &hold, 0), 0);
	ck_assert_ptr_null(iova_find(&space, 0x2000, &before));
	ck_assert_ptr_null(before);
	ck_assert_int_eq(iova_take(&space, PAGE, &nodes[0]), 0);
	ck_assert_int_eq(iova_take(&space, PAGE, &nodes[1]), 0);
	ck_assert_ptr_eq(iova_find(&space, nodes[0].first + 5, &before), &nodes[0]);
	ck_assert_ptr_null(iova_find(&space, nodes[0].last + 1, &before));
	ck_assert_ptr_eq(before, &nodes[0]);
	ck_assert_ptr_null(iova_find(&space, UINT64_MAX, &before));
	ck_assert_ptr_eq(before, &nodes[1]);
}
END_TEST

int main(void)
{
	return suite_run("hw/iova", (const TTest *[]) {
					    iova_never_gives_the_first_page,
					    iova_init_takes_whole_pages_below_the_devices_lines,
					    iova_init_refuses_what_makes_no_sense,
					    iova_take_reaches_the_last_address_there_is,
					    iova_take_refuses_half_pages,
					    iova_take_gives_an_address_again_only_after_all_others,
					    iova_agrees_with_a_search_through_everything,
					    iova_find_tells_what_lies_before,
					    NULL,
				    });
}
