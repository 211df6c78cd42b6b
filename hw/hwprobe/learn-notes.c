/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The notes of a sheet, kept; and sets of numbers. */
#include "hw/hwprobe/learn.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

bool spans_add(struct spans *spans, uint64_t first, uint64_t last)
{
	size_t i = 0;
	size_t end;
	struct span *more;

	while (i < spans->count && spans->at[i].last < first && first - spans->at[i].last > 1)
		i++;
	for (end = i; end < spans->count &&
		      (spans->at[end].first <= last || spans->at[end].first - last <= 1);
	     end++) {
		first = spans->at[end].first < first ? spans->at[end].first : first;
		last = spans->at[end].last > last ? spans->at[end].last : last;
	}
	if (end == i) {
		more = reallocarray(spans->at, spans->count + 1, sizeof(*more));
		if (!more)
			return false;
		spans->at = more;
	}
	memmove(spans->at + i + 1, spans->at + end, (spans->count - end) * sizeof(*spans->at));
	spans->count = spans->count - end + i + 1;
	spans->at[i] = (struct span) { first, last };
	return true;
}

int spans_order(const struct spans *a, const struct spans *b)
{
	size_t i = 0;
	int order;

	while (i < a->count && i < b->count && !memcmp(&a->at[i], &b->at[i], sizeof(*a->at)))
		i++;
	if (i == a->count || i == b->count)
		return LEARN_ORDER(a->count, b->count);
	order = LEARN_ORDER(a->at[i].first, b->at[i].first);
	return order ? order : LEARN_ORDER(a->at[i].last, b->at[i].last);
}

void learned_take(const struct hws_learned *note, void *context)
{
	struct learned *learned = context;
	struct hws_learned *more;

	if (note->what == HWS_LEARNED_CONTEXT)
		learned->contexts += note->count;
	more = reallocarray(learned->notes, learned->count + 1, sizeof(*more));
	if (!more) {
		learned->no_memory = true;
		return;
	}
	learned->notes = more;
	more[learned->count] = *note;
	if (note->access.path) {
		more[learned->count].access.path = strdup(note->access.path);
		learned->no_memory |= !more[learned->count].access.path;
	}
	learned->count++;
}

void learned_fini(struct learned *learned)
{
	for (size_t i = 0; i < learned->count; i++)
		free((char *)(uintptr_t)learned->notes[i].access.path);
	free(learned->notes);
	*learned = (struct learned) { 0 };
}
