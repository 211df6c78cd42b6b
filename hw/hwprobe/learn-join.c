/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Pieces that say the same are joined, and put in the order in which people read. */
#include "hw/hwprobe/learn.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static void piece_fini(struct piece *piece)
{
	free(piece->path);
	free(piece->where.at);
	free(piece->cpus.at);
}

void pieces_fini(struct pieces *pieces)
{
	for (size_t i = 0; i < pieces->count; i++)
		piece_fini(&pieces->at[i]);
	free(pieces->at);
	*pieces = (struct pieces) { 0 };
}

/* Which pieces may be one rule: all but the numbers, or all but the processors. */
static int by_thing_and_use(const struct piece *a, const struct piece *b)
{
	int order = LEARN_ORDER(a->kind, b->kind);

	order = order ? order : LEARN_ORDER(a->vendor, b->vendor);
	order = order ? order : LEARN_ORDER(a->device, b->device);
	order = order ? order : learn_bdf_order(a->bdf, b->bdf);
	order = order ? order : LEARN_ORDER(a->bar, b->bar);
	order = order ? order : strcmp(learn_text(a->path), learn_text(b->path));
	order = order ? order : LEARN_ORDER(!a->used, !b->used);
	order = order ? order : LEARN_ORDER(a->rights, b->rights);
	order = order ? order : LEARN_ORDER(a->widths, b->widths);
	order = order ? order : LEARN_ORDER(a->value_count, b->value_count);
	order = order ? order : LEARN_ORDER(a->least, b->least);
	order = order ? order : LEARN_ORDER(a->greatest, b->greatest);
	return order ? order : memcmp(a->values, b->values, sizeof(a->values));
}

static int by_cpus(const void *x, const void *y)
{
	const struct piece *a = x;
	const struct piece *b = y;
	int order = by_thing_and_use(a, b);

	order = order ? order : spans_order(&a->cpus, &b->cpus);
	return order ? order : spans_order(&a->where, &b->where);
}

static int by_where(const void *x, const void *y)
{
	const struct piece *a = x;
	const struct piece *b = y;
	int order = by_thing_and_use(a, b);

	order = order ? order : spans_order(&a->where, &b->where);
	return order ? order : spans_order(&a->cpus, &b->cpus);
}

static int by_reading(const void *x, const void *y)
{
	const struct piece *a = x;
	const struct piece *b = y;
	int order = LEARN_ORDER(a->kind, b->kind);

	order = order ? order : LEARN_ORDER(a->vendor, b->vendor);
	order = order ? order : LEARN_ORDER(a->device, b->device);
	order = order ? order : learn_bdf_order(a->bdf, b->bdf);
	order = order ? order : LEARN_ORDER(a->bar, b->bar);
	order = order ? order : LEARN_ORDER(!a->used, !b->used);
	order = order ? order : spans_order(&a->where, &b->where);
	return order ? order : by_cpus(x, y);
}

static bool unite(struct spans *into, const struct spans *from)
{
	for (size_t i = 0; i < from->count; i++)
		if (!spans_add(into, from->at[i].first, from->at[i].last))
			return false;
	return true;
}

static bool join(struct piece *into, const struct piece *from)
{
	into->reads += from->reads;
	into->writes += from->writes;
	into->opened = from->opened > into->opened ? from->opened : into->opened;
	into->bytes += from->bytes;
	into->maps += from->maps;
	into->denied += from->denied;
	if (from->denied)
		into->reason = from->reason;
	return unite(&into->where, &from->where) && unite(&into->cpus, &from->cpus);
}

/* Neighbours that differ in one thing alone become one piece; values only in one rule's place. */
static int join_all(struct pieces *pieces, int (*order)(const void *, const void *),
		    bool (*alike)(const struct piece *, const struct piece *))
{
	size_t kept = 0;

	if (!pieces->count)
		return 0;
	qsort(pieces->at, pieces->count, sizeof(*pieces->at), order);
	for (size_t i = 1; i < pieces->count; i++) {
		struct piece *into = &pieces->at[kept];

		if (by_thing_and_use(into, &pieces->at[i]) || !alike(into, &pieces->at[i])) {
			pieces->at[++kept] = pieces->at[i];
			continue;
		}
		if (!join(into, &pieces->at[i])) {
			pieces->count = kept + 1; /* what is lost is lost with the memory */
			return -ENOMEM;
		}
		piece_fini(&pieces->at[i]);
	}
	pieces->count = kept + 1;
	return 0;
}

static bool same_cpus(const struct piece *a, const struct piece *b)
{
	return !spans_order(&a->cpus, &b->cpus);
}

static bool same_where(const struct piece *a, const struct piece *b)
{
	return !spans_order(&a->where, &b->where);
}

int pieces_join(struct pieces *pieces)
{
	int r = join_all(pieces, by_cpus, same_cpus);

	r = r < 0 ? r : join_all(pieces, by_where, same_where);
	if (pieces->count)
		qsort(pieces->at, pieces->count, sizeof(*pieces->at), by_reading);
	return r;
}
