/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * From notes to pieces: what was touched of one device, on one processor, is
 * cut into blocks that no access crosses; what handles asked for beyond them
 * becomes pieces of its own.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "hw/hwprobe/learn.h"

/* Which thing a note is about: the same for all notes of a group. */
static int same_thing(const struct hws_learned *x, const struct hws_learned *y)
{
	const struct hws_access *a = &x->access;
	const struct hws_access *b = &y->access;
	int order = LEARN_ORDER(a->kind, b->kind);

	order = order ? order : LEARN_ORDER(a->vendor, b->vendor);
	order = order ? order : LEARN_ORDER(a->device, b->device);
	order = order ? order : learn_bdf_order(a->bdf, b->bdf);
	order = order ? order : LEARN_ORDER(a->bar, b->bar);
	order = order ? order : LEARN_ORDER(a->cpu, b->cpu);
	return order ? order : strcmp(learn_text(a->path), learn_text(b->path));
}

static int by_thing(const void *x, const void *y)
{
	const struct hws_learned *a = x;
	const struct hws_learned *b = y;
	int order = LEARN_ORDER(a->what == HWS_LEARNED_CONTEXT, b->what == HWS_LEARNED_CONTEXT);

	order = order ? order : same_thing(a, b);
	order = order ? order : LEARN_ORDER(a->what, b->what);
	order = order ? order : LEARN_ORDER(a->access.first, b->access.first);
	return order ? order : LEARN_ORDER(a->access.last, b->access.last);
}

/* The dangers of the writes of a note, as the guardian sees them. */
static uint32_t dangers_of(const struct hws_policy_view *all, const struct hws_learned *note)
{
	struct hws_access access = note->access;
	struct hws_decision decision;
	uint32_t danger = 0;

	access.rights &= HWS_RW;
	if (!(access.rights & HWS_W) || !access.width)
		return 0;
	access.has = note->more_values || !note->value_count ? 0 : HWS_HAS_VALUE;
	for (uint32_t i = 0; i < (access.has ? note->value_count : 1); i++) {
		access.value = note->values[i];
		if (hws_policy_check(all, &access, &decision) != -EINVAL)
			danger |= decision.danger;
	}
	return danger;
}

static void piece_value(struct piece *piece, uint64_t value)
{
	for (uint32_t i = 0; i < piece->value_count && i < LEARN_VALUES_MOST; i++)
		if (piece->values[i] == value)
			return;
	if (piece->value_count < LEARN_VALUES_MOST)
		piece->values[piece->value_count++] = value;
	else
		piece->value_count = LEARN_VALUES_MOST + 1;
}

static void piece_values(struct piece *piece, const struct hws_learned *note)
{
	if (!note->value_count)
		return;
	if (!piece->value_count || note->least < piece->least)
		piece->least = note->least;
	if (!piece->value_count || note->greatest > piece->greatest)
		piece->greatest = note->greatest;
	for (uint32_t i = 0; i < note->value_count; i++)
		piece_value(piece, note->values[i]);
	if (note->more_values)
		piece->value_count = LEARN_VALUES_MOST + 1;
}

static void piece_count(struct piece *piece, const struct hws_learned *note)
{
	if (note->reason != HWS_REASON_NONE) {
		piece->denied += note->count;
		piece->reason = note->reason;
	} else if (note->what == HWS_LEARNED_WINDOW) {
		piece->opened += note->count;
	} else if (note->access.rights & HWS_W) {
		piece->writes += note->count;
	} else {
		piece->reads += note->count;
	}
}

/* A new piece about the thing of a note; NULL: no memory. */
static struct piece *piece_new(struct pieces *pieces, const struct hws_learned *note,
			       uint64_t first, uint64_t last)
{
	const struct hws_access *a = &note->access;
	struct piece *more = reallocarray(pieces->at, pieces->count + 1, sizeof(*more));
	struct piece *piece;

	if (!more)
		return NULL;
	pieces->at = more;
	piece = &more[pieces->count++];
	*piece = (struct piece) {
		.kind = a->kind,
		.vendor = a->vendor,
		.device = a->device,
		.bdf = a->bdf,
		.bar = a->bar,
		.path = a->path ? strdup(a->path) : NULL,
	};
	if (!spans_add(&piece->where, first, last) || (a->path && !piece->path) ||
	    (a->kind == HWS_KIND_MSR && !spans_add(&piece->cpus, a->cpu, a->cpu)))
		return NULL;
	return piece;
}

/* The notes of one thing, in order. */
struct group {
	const struct hws_learned *notes;
	size_t count;
	size_t first_piece; /* its pieces begin there */
	const struct hws_policy_view *all;
};

static uint32_t rights_of(const struct hws_learned *note)
{
	return note->access.rights | (note->reason == HWS_REASON_CLAIMED ? HWS_CLAIMED : 0);
}

static int by_number(const void *a, const void *b)
{
	return LEARN_ORDER(*(const uint64_t *)a, *(const uint64_t *)b);
}

/* So that pieces with the same ones are found to be alike. */
static void sort_values(struct piece *block)
{
	if (block->value_count <= LEARN_VALUES_MOST)
		qsort(block->values, block->value_count, sizeof(block->values[0]), by_number);
	else
		memset(block->values, 0, sizeof(block->values));
}

static int add_blocks(const struct group *group, struct pieces *pieces)
{
	struct piece *block = NULL;

	for (size_t i = 0; i < group->count; i++) {
		const struct hws_learned *note = &group->notes[i];
		const struct hws_access *a = &note->access;

		if (note->what != HWS_LEARNED_ACCESS)
			continue;
		if (!block || a->first > block->where.at[0].last)
			block = piece_new(pieces, note, a->first, a->last);
		if (!block || !spans_add(&block->where, a->first, a->last))
			return -ENOMEM;
		block->used = true;
		block->rights |= rights_of(note) | dangers_of(group->all, note);
		block->widths |= a->width;
		piece_values(block, note);
		piece_count(block, note);
	}
	for (size_t i = group->first_piece; i < pieces->count; i++)
		sort_values(&pieces->at[i]);
	return 0;
}

static uint64_t behind(uint64_t last)
{
	return last == UINT64_MAX ? last : last + 1;
}

/* Where windows and blocks begin and end: between two of these all is alike. */
static int find_edges(const struct group *group, const struct pieces *pieces, uint64_t **ret_edges,
		      size_t *ret_count)
{
	size_t most = 2 * (group->count + pieces->count - group->first_piece);
	uint64_t *edges = calloc(most + 1, sizeof(*edges));
	size_t count = 0;

	if (!edges)
		return -ENOMEM;
	for (size_t i = 0; i < group->count; i++) {
		if (group->notes[i].what != HWS_LEARNED_WINDOW)
			continue;
		edges[count++] = group->notes[i].access.first;
		edges[count++] = behind(group->notes[i].access.last);
	}
	for (size_t i = group->first_piece; i < pieces->count; i++) {
		edges[count++] = pieces->at[i].where.at[0].first;
		edges[count++] = behind(pieces->at[i].where.at[0].last);
	}
	*ret_edges = edges;
	*ret_count = count;
	return 0;
}

/* What the windows that hold @at ask for; counted into @piece when there is one. */
static uint32_t asked_at(const struct group *group, uint64_t at, struct piece *piece)
{
	uint32_t rights = 0;

	for (size_t i = 0; i < group->count; i++) {
		const struct hws_learned *note = &group->notes[i];

		if (note->what != HWS_LEARNED_WINDOW || note->access.first > at ||
		    note->access.last < at)
			continue;
		rights |= rights_of(note);
		if (piece)
			piece_count(piece, note);
	}
	return rights;
}

/* Windows of these are all the use there is. */
static bool is_whole(enum hws_kind kind)
{
	return kind == HWS_KIND_IRQ || kind == HWS_KIND_DMA || kind == HWS_KIND_RING;
}

static int add_rest(const struct group *group, struct pieces *pieces)
{
	size_t block = group->first_piece;
	size_t end = pieces->count;
	uint64_t *edges;
	size_t count;
	int r = find_edges(group, pieces, &edges, &count);

	if (r < 0)
		return r;
	qsort(edges, count, sizeof(*edges), by_number);
	for (size_t i = 0; r == 0 && i + 1 < count; i++) {
		uint32_t asked = edges[i] < edges[i + 1] ? asked_at(group, edges[i], NULL) : 0;
		struct piece *piece;

		while (block < end && pieces->at[block].where.at[0].last < edges[i])
			block++;
		if (block < end && pieces->at[block].where.at[0].first <= edges[i])
			asked &= ~pieces->at[block].rights;
		if (!asked)
			continue;
		piece = piece_new(pieces, &group->notes[0], edges[i], edges[i + 1] - 1);
		if (!piece) {
			r = -ENOMEM;
			break;
		}
		piece->rights = asked;
		piece->used = is_whole(piece->kind);
		asked_at(group, edges[i], piece);
	}
	free(edges);
	return r;
}

/* Of kinds without numbers: one piece, with the amounts. */
static int add_amounts(const struct group *group, struct pieces *pieces)
{
	struct piece *piece = piece_new(pieces, &group->notes[0], 0, 0);

	if (!piece)
		return -ENOMEM;
	piece->used = true;
	for (size_t i = 0; i < group->count; i++) {
		const struct hws_learned *note = &group->notes[i];
		uint64_t *amount = note->access.first ? &piece->maps : &piece->bytes;
		uint64_t most = note->what == HWS_LEARNED_HELD	     ? note->greatest
				: note->access.kind == HWS_KIND_RING ? note->access.last + 1
								     : 0;

		*amount = most > *amount ? most : *amount;
		if (note->what == HWS_LEARNED_WINDOW)
			piece->rights |= rights_of(note);
		if (note->what == HWS_LEARNED_WINDOW || note->reason != HWS_REASON_NONE)
			piece_count(piece, note);
	}
	return 0;
}

static int add_group(struct group *group, struct pieces *pieces)
{
	enum hws_kind kind = group->notes[0].access.kind;
	int r;

	if (kind == HWS_KIND_DMA || kind == HWS_KIND_RING || kind == HWS_KIND_PLUGIN)
		return add_amounts(group, pieces);
	group->first_piece = pieces->count;
	r = add_blocks(group, pieces);
	return r < 0 ? r : add_rest(group, pieces);
}

/* All kinds of access, without a right to any danger: what it says of a write is its danger. */
static const char yardstick[] = "[all]\nport = * rw side claimed\nmsr = * rw side claimed\n"
				"pci = * rw side claimed\nbar = * * rw side claimed\n";

static int open_yardstick(struct hws_policy_view **ret_view)
{
	static const struct hws_principal root = { 0 };
	struct hws_policy *policy;
	int r = hws_policy_parse(NULL, "learn", yardstick, sizeof(yardstick) - 1, &policy);

	if (r < 0)
		return r;
	r = hws_policy_view_open(policy, &root, ret_view);
	hws_policy_unref(policy);
	return r;
}

/* What rules are to be about: devices by one of their two names. */
static void settle(struct hws_learned *note, const struct learn_style *style)
{
	struct hws_access *a = &note->access;
	bool known = a->vendor && a->vendor != UINT16_MAX;

	if (known && !style->by_address)
		a->bdf = (struct hws_bdf) { 0 };
	else
		a->vendor = a->device = 0;
	if (a->kind != HWS_KIND_MSR)
		a->cpu = 0;
	if (style->any_value && note->what == HWS_LEARNED_ACCESS)
		note->value_count = 0;
}

int pieces_make(struct learned *learned, const struct learn_style *style, struct pieces *pieces)
{
	struct hws_policy_view *all;
	struct group group = { 0 };
	size_t i = 0;
	int r = open_yardstick(&all);

	*pieces = (struct pieces) { 0 };
	if (r < 0)
		return r;
	group.all = all;
	for (size_t k = 0; k < learned->count; k++)
		settle(&learned->notes[k], style);
	if (learned->count)
		qsort(learned->notes, learned->count, sizeof(*learned->notes), by_thing);
	while (r == 0 && i < learned->count && learned->notes[i].what != HWS_LEARNED_CONTEXT) {
		group.notes = &learned->notes[i];
		for (group.count = 1; i + group.count < learned->count &&
				      group.notes[group.count].what != HWS_LEARNED_CONTEXT &&
				      !same_thing(group.notes, &group.notes[group.count]);)
			group.count++;
		r = add_group(&group, pieces);
		i += group.count;
	}
	hws_policy_view_unref(all);
	return r < 0 ? r : pieces_join(pieces);
}
