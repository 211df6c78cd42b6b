/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The operations in flight. Each has a slot; what the kernel is given as
 * user_data is the slot's number and its generation, so that a completion that
 * comes twice, late or from nowhere finds nothing. The number is how far into
 * the slab the slot lies, in bytes: so finding it takes an addition.
 */
#ifndef HWSAFE_URING_SLAB_INTERNAL_H
#define HWSAFE_URING_SLAB_INTERNAL_H

#include "uring/buf-state-internal.h"
#include "uring/op.h"

struct op_extra;

/* What is special about an operation. */
enum op_state {
	OP_ORPHAN = 1,	   /* forgotten */
	OP_SLOW = 2,	   /* more is to be done when it completes than handing a buffer back */
	OP_UNFILED = 4,	   /* the registered file it names is forgotten: it isn't begun again */
	OP_OPENS = 8,	   /* goes by address into a guarded pool */
	OP_RETURNING = 16, /* has its result, the kernel still its memory */
	OP_CANCELLING = 32,
	OP_HAS_BUF = 64, /* one buffer, in buf */
	OP_FREE = 128,	 /* the slot is nobody's */
};

/* Beside enum hws_op_flags. */
enum op_way {
	OP_FIXED = 32, /* goes by registered memory */
};

/* Beside enum hws_op_flags: the library's own operations, which make no done of the program's. */
enum op_inner {
	OP_INNER = 64,
	OP_SETTLED = 128, /* the result is in, and kept here until it is collected */
};

/* The same four bytes as one, to be set at once. */
struct op_nature {
	uint8_t kind;
	uint8_t state; /* enum op_state */
	uint8_t retries;
	uint8_t flags; /* enum hws_op_flags, enum op_way, enum op_inner */
};

/*
 * The order is of use: what most operations need when they complete is one cache
 * line, and words that are written together don't lie side by side, so that no
 * compiler takes the trouble of packing them first.
 */
struct op {
	union {
		uint64_t id; /* while free, the one it will have */
		struct {
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
			uint32_t number;
			uint32_t generation;
#else
			uint32_t generation;
			uint32_t number;
#endif
		};
	};
	union {
		uint64_t address; /* of the memory */
		struct op *next;  /* free: the next free one */
	};
	uint64_t tag;
	union {
		struct op_nature nature;
		struct {
			uint8_t kind;
			uint8_t state;
			uint8_t retries;
			uint8_t flags;
		};
	};
	uint32_t moved; /* of HWS_EXACT: bytes done so far; free: 0 */
	struct hws_buf buf;
	uint64_t lent; /* between back and the state while lent to this slot; never changes */
	struct buf_slot *slot; /* of OP_HAS_BUF: the buffer's, and its state when it is back */
	uint64_t back;

	struct op_extra *extra; /* free: NULL */
	uint32_t length;
	int32_t fd;
	union {
		uint64_t offset; /* in the file; of sends and receives: their flags */
		int64_t result;	 /* when OP_RETURNING or OP_SETTLED */
	};
	uint64_t since; /* when it was queued or forgotten; for those who ask only */
} __attribute__((aligned(128)));

struct slab {
	struct op *ops;
	uint32_t size;
	uint32_t numbers; /* a mask of them */
	struct op *free;  /* the first free one, or NULL */
};

/* @size is a power of two. */
HWS_MUST int slab_init(struct slab *slab, uint32_t size);
void slab_fini(struct slab *slab);

static inline uint32_t op_number(const struct op *op)
{
	return op->number;
}

/* NULL when all are in use. Its id is set; the rest, state above all, is the caller's to set. */
static inline struct op *slab_take(struct slab *slab)
{
	struct op *op = slab->free;

	if (op)
		slab->free = op->next;
	return op;
}

/* Frees it to a list of free ones, and gives the new list. */
HWS_MUST static inline struct op *slab_put(struct op *list, struct op *op)
{
	op->next = list;
	op->generation++;
	op->state = OP_FREE;
	return op;
}

static inline void slab_free(struct slab *slab, struct op *op)
{
	slab->free = slab_put(slab->free, op);
}

/* The only slot that @id can stand for. */
static inline struct op *slab_at(const struct slab *slab, uint64_t id)
{
	return (struct op *)((char *)slab->ops + (id & slab->numbers));
}

/* The slot that @id stands for, or NULL; it may be OP_FREE, for one who guessed the next id. */
static inline struct op *slab_find(const struct slab *slab, uint64_t id)
{
	struct op *op = slab_at(slab, id);

	return op->id == id ? op : NULL;
}

/* The first in flight from number @from on, or NULL. */
struct op *slab_next(const struct slab *slab, uint32_t from);

#endif
