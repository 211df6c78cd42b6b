/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The operations in flight. Each has a slot; what the kernel is given as
 * user_data is the slot's number and its generation, so that a completion that
 * comes twice, late or from nowhere finds nothing.
 */
#ifndef HWSAFE_URING_SLAB_INTERNAL_H
#define HWSAFE_URING_SLAB_INTERNAL_H

#include "uring/op.h"

struct op_extra;

/* What is special about an operation. */
enum op_state {
	OP_ORPHAN = 1,	   /* forgotten */
	OP_SLOW = 2,	   /* more is to be done when it completes than handing a buffer back */
	OP_FIXED = 4,	   /* goes by registered memory */
	OP_OPENS = 8,	   /* goes by address into a guarded pool */
	OP_RETURNING = 16, /* has its result, the kernel still its memory */
	OP_CANCELLING = 32,
	OP_HAS_BUF = 64, /* one buffer, in buf */
	OP_FREE = 128,	 /* the slot is nobody's */
};

/* The same four bytes as one, to be copied at once. */
struct op_nature {
	uint8_t kind;
	uint8_t state;
	uint8_t retries;
	uint8_t flags;
};

/* Beside enum hws_op_flags: the library's own operations, which make no done of the program's. */
enum op_inner {
	OP_INNER = 64,
	OP_SETTLED = 128, /* the result is in, and kept here until it is collected */
};

struct op {
	uint64_t id; /* generation and number; while free, those it will have */
	uint64_t tag;
	union {
		struct hws_buf buf;
		struct op *next; /* free: the next free one */
	};
	struct op_extra *extra; /* free: NULL */
	union {
		uint64_t offset; /* in the file; of sends and receives: their flags */
		int64_t result;	 /* when OP_RETURNING or OP_SETTLED */
	};
	uint64_t address; /* of the memory */
	uint32_t length;
	uint32_t moved; /* of HWS_EXACT: bytes done so far */
	int32_t fd;
	union {
		struct op_nature nature;
		struct {
			uint8_t kind;
			uint8_t state; /* enum op_state */
			uint8_t retries;
			uint8_t flags; /* enum hws_op_flags, enum op_inner */
		};
	};
};

struct slab {
	struct op *ops;
	uint64_t *since; /* for each: when it was queued or forgotten; for those who ask only */
	uint32_t mask;	 /* size - 1 */
	struct op *free; /* the first free one, or NULL */
};

/* @size is a power of two. */
HWS_MUST int slab_init(struct slab *slab, uint32_t size);
void slab_fini(struct slab *slab);

#define SLAB_GENERATION (UINT64_C(1) << 32)

static inline uint32_t op_number(const struct op *op)
{
	return (uint32_t)op->id;
}

/* NULL when all are in use. Its id is set; the rest, state above all, is the caller's to set. */
static inline struct op *slab_take(struct slab *slab)
{
	struct op *op = slab->free;

	if (op)
		slab->free = op->next;
	return op;
}

static inline void slab_free(struct slab *slab, struct op *op)
{
	op->next = slab->free;
	slab->free = op;
	op->id += SLAB_GENERATION;
	op->state = OP_FREE;
}

/* The slot that @id stands for, or NULL; it may be OP_FREE, for one who guessed the next id. */
static inline struct op *slab_find(const struct slab *slab, uint64_t id)
{
	struct op *op = &slab->ops[id & slab->mask];

	return op->id == id ? op : NULL;
}

/* The first in flight from number @from on, or NULL. */
struct op *slab_next(const struct slab *slab, uint32_t from);

#endif
