/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The least policy that covers what a program touched. */
#ifndef HWPROBE_LEARN_H
#define HWPROBE_LEARN_H

#include "hw/hwprobe/document.h"

struct span {
	uint64_t first;
	uint64_t last;
};

/* In order, disjoint and not adjacent. */
struct spans {
	struct span *at;
	size_t count;
};

enum { LEARN_VALUES_MOST = 16 };

/* A rule in the making. Of every use it has the union. */
struct piece {
	enum hws_kind kind;
	uint32_t vendor;
	uint32_t device;
	struct hws_bdf bdf;
	uint32_t bar;
	char *path;
	struct spans where;
	struct spans cpus;
	uint32_t rights;
	uint32_t widths;
	bool used;	      /* false: it was only asked for, by who opened a handle */
	uint32_t value_count; /* more than fit: from the least to the greatest */
	uint64_t values[LEARN_VALUES_MOST];
	uint64_t least;
	uint64_t greatest;
	uint64_t bytes; /* that a device held, or a ring's buffers */
	uint64_t maps;
	uint64_t reads;
	uint64_t writes;
	uint64_t opened;
	uint64_t denied;
	enum hws_reason reason; /* of the last denial */
};

struct pieces {
	struct piece *at;
	size_t count;
};

/* What all notes say. */
struct learned {
	struct hws_learned *notes; /* with paths of their own */
	size_t count;
	uint64_t lost;
	uint64_t contexts;
	bool no_memory;
};

struct learn_style {
	bool by_address; /* devices by their bus addresses, not by vendor and device */
	bool any_value;	 /* whatever is written */
};

void learned_take(const struct hws_learned *note, void *learned);
void learned_fini(struct learned *learned);
/* 0 or -ENOMEM; pieces_fini() in any case. */
int pieces_make(struct learned *learned, const struct learn_style *style,
		struct pieces *ret_pieces);
void pieces_fini(struct pieces *pieces);

int pieces_join(struct pieces *pieces); /* 0 or -ENOMEM */

/* Can it stand in a policy, in quotes? The program that was watched has chosen it. */
bool learn_can_stand(const char *path);

/* Below, above or the same: as qsort() has it. */
#define LEARN_ORDER(a, b) ((a) != (b) ? ((a) < (b) ? -1 : 1) : 0)
static inline const char *learn_text(const char *text)
{
	return text ? text : "";
}

static inline int learn_bdf_order(struct hws_bdf a, struct hws_bdf b)
{
	uint64_t x = (uint64_t)a.domain << 16 | (uint64_t)a.bus << 8 | (uint64_t)a.device << 3 |
		     a.function;
	uint64_t y = (uint64_t)b.domain << 16 | (uint64_t)b.bus << 8 | (uint64_t)b.device << 3 |
		     b.function;

	return LEARN_ORDER(x, y);
}

/* False: no memory. */
bool spans_add(struct spans *spans, uint64_t first, uint64_t last);
int spans_order(const struct spans *a, const struct spans *b);

/* The rule's lines, and the comment above them. */
void piece_print(const struct piece *piece, FILE *out);
void piece_comment(const struct piece *piece, FILE *out);

#endif
