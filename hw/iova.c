/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "hw/iova-internal.h"

#include <errno.h>

#include "shim/why-internal.h"

/*@ lemma next: \forall integer a, p; 0 <= a && 0 < p ==> (p * (a / p + 1)) % p == 0;
  @ lemma next_whole: \forall integer a, p; 0 <= a && 0 < p ==> (a - a % p + p) % p == 0; */

/* What of @span is whole pages, above the first page and up to @last. */
/*@ requires \valid(span) && page > 0;
  @ assigns *span;
  @ ensures !\result ==> *span == \old(*span);
  @ ensures \result ==> \old(span->first) <= span->first <= span->last <= \old(span->last);
  @ ensures \result ==> page <= span->first && span->last <= last;
  @ ensures \result ==> span->first % page == 0;
  @ ensures \result ==> (span->last - span->first + 1) % page == 0; */
static bool trim(struct hws_span *span, uint64_t page, uint64_t last)
{
	uint64_t first = span->first < page ? page : span->first;
	uint64_t rest = first % page;

	if (span->last < last)
		last = span->last;
	if (rest && __builtin_add_overflow(first, page - rest, &first))
		return false;
	/* counted less one: a span may end with the last address there is */
	if (first > last || last - first < page - 1)
		return false;
	last -= (last - first - (page - 1)) % page;
	*span = (struct hws_span) { first, last };
	return true;
}

/*@ requires \valid_read(hold) && hold->span_count <= HWS_HOLD_SPANS;
  @ assigns \nothing;
  @ ensures \result <==> \forall integer i; 1 <= i < hold->span_count ==>
  @	hold->spans[i - 1].last < hold->spans[i].first; */
static bool is_ascending(const struct hws_hold *hold)
{
	/*@ loop invariant 1 <= i;
	  @ loop invariant i <= hold->span_count || hold->span_count == 0;
	  @ loop invariant \forall integer j; 1 <= j < i && j < hold->span_count ==>
	  @	hold->spans[j - 1].last < hold->spans[j].first;
	  @ loop assigns i;
	  @ loop variant UINT32_MAX - i; */
	for (uint32_t i = 1; i < hold->span_count; i++) {
		if (hold->spans[i].first <= hold->spans[i - 1].last)
			return false;
	}
	return hold->span_count <= HWS_HOLD_SPANS;
}

int iova_init(struct iova_space *space, const struct hws_hold *hold, unsigned int bits)
{
	uint64_t last = bits && bits < 64 ? (UINT64_C(1) << bits) - 1 : UINT64_MAX;

	if (!hold->page || hold->page & (hold->page - 1) || !is_ascending(hold))
		return why(-EIO, "the back end's addresses for the device make no sense");
	*space = (struct iova_space) { .page = hold->page };
	for (uint32_t i = 0; i < hold->span_count; i++) {
		struct hws_span span = hold->spans[i];

		if (trim(&span, space->page, last))
			space->spans[space->span_count++] = span;
	}
	if (space->span_count == 0)
		return why(-ENOSPC,
			   "the IOMMU has no addresses that the device can reach with %u bits",
			   bits);
	space->ends.before = space->ends.after = space->near = &space->ends;
	space->next = space->spans[0].first;
	return 0;
}

/* What comes after @near in the current span; NULL: nothing. */
static struct iova_node *following(const struct iova_space *space)
{
	struct iova_node *node = space->near->after;

	return node != &space->ends && node->first <= space->spans[space->turn].last ? node : NULL;
}

static void next_span(struct iova_space *space)
{
	space->turn = (space->turn + 1) % space->span_count;
	if (space->turn == 0)
		space->near = &space->ends;
	space->next = space->spans[space->turn].first;
}

/* Behind @node and the page that is left free; false: that is beyond the span. */
/*@ requires \valid(space) && \valid(node) && \separated(space, node);
  @ requires space->turn < HWS_HOLD_SPANS && node->last <= space->spans[space->turn].last;
  @ assigns space->near, space->next;
  @ ensures space->near == node;
  @ ensures \result <==> node->last + space->page < space->spans[space->turn].last;
  @ ensures \result ==> space->next == node->last + 1 + space->page;
  @ ensures \result ==> space->next <= space->spans[space->turn].last;
  @ ensures !\result ==> space->next == \old(space->next); */
static bool move_behind(struct iova_space *space, struct iova_node *node)
{
	uint64_t left = space->spans[space->turn].last - node->last;

	space->near = node;
	if (left <= space->page)
		return false;
	space->next = node->last + 1 + space->page;
	return true;
}

/* How many bytes are free from where the search goes on, up to the page before @after. */
/*@ requires \valid_read(space) && space->turn < HWS_HOLD_SPANS;
  @ requires 0 < space->next <= space->spans[space->turn].last;
  @ requires after == \null ||
  @	(\valid_read(after) && space->page <= after->first <= space->spans[space->turn].last);
  @ assigns \nothing;
  @ ensures space->next + \result <= space->spans[space->turn].last + 1;
  @ ensures after != \null && \result > 0 ==> space->next + \result + space->page == after->first;
  @ ensures after == \null ==> space->next + \result == space->spans[space->turn].last + 1; */
static uint64_t room(const struct iova_space *space, const struct iova_node *after)
{
	uint64_t end;

	/* no span has all addresses: the first page is none's */
	if (!after)
		return space->spans[space->turn].last - space->next + 1;
	end = after->first - space->page;
	return end > space->next ? end - space->next : 0;
}

static void insert(struct iova_space *space, uint64_t size, struct iova_node *node)
{
	node->first = space->next;
	node->last = space->next + (size - 1);
	node->before = space->near;
	node->after = space->near->after;
	node->before->after = node;
	node->after->before = node;
	space->nodes++;
	if (!move_behind(space, node))
		next_span(space);
}

static int search(struct iova_space *space, uint64_t size, struct iova_node *node)
{
	/* once around: each node and each span's end, and the first gap twice */
	uint64_t steps = (uint64_t)space->nodes + space->span_count + 1;

	for (uint64_t i = 0; i <= steps; i++) {
		struct iova_node *after = following(space);

		if (size <= room(space, after)) {
			insert(space, size, node);
			return 0;
		}
		if (!after || !move_behind(space, after))
			next_span(space);
	}
	return why(-ENOSPC, "no %llu bytes of addresses are left for the device",
		   (unsigned long long)size);
}

int iova_take(struct iova_space *space, uint64_t size, struct iova_node *node)
{
	if (size == 0 || size & (space->page - 1))
		return why(-EINVAL, "%llu bytes are no whole pages of the IOMMU's %llu",
			   (unsigned long long)size, (unsigned long long)space->page);
	/* mostly there is room where the last search ended */
	if (size > room(space, following(space)))
		return search(space, size, node);
	insert(space, size, node);
	return 0;
}

void iova_give(struct iova_space *space, struct iova_node *node)
{
	node->before->after = node->after;
	node->after->before = node->before;
	if (space->near == node)
		space->near = node->before;
	space->nodes--;
	*node = (struct iova_node) { 0 };
}

struct iova_node *iova_find(const struct iova_space *space, uint64_t address,
			    struct iova_node **ret_before)
{
	struct iova_node *before = NULL;

	for (struct iova_node *node = space->ends.after; node != &space->ends; node = node->after) {
		if (address < node->first)
			break;
		if (address <= node->last)
			return node;
		before = node;
	}
	*ret_before = before;
	return NULL;
}
