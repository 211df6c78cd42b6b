/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "uring/slab-internal.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

_Static_assert((sizeof(struct op) & (sizeof(struct op) - 1)) == 0, "numbers are found by a mask");

int slab_init(struct slab *slab, uint32_t size)
{
	size_t bytes = size * sizeof(struct op);
	struct op *ops = aligned_alloc(_Alignof(struct op), bytes);

	if (!ops)
		return -ENOMEM;
	memset(ops, 0, bytes);
	for (uint32_t i = 0; i < size; i++) {
		/* generations begin at 1: zero is no handle */
		ops[i].number = (uint32_t)(i * sizeof(*ops));
		ops[i].generation = 1;
		ops[i].lent = buf_lent(ops[i].number);
		ops[i].next = i + 1 < size ? &ops[i + 1] : NULL;
		ops[i].state = OP_FREE;
	}
	*slab = (struct slab) {
		.ops = ops,
		.size = size,
		.numbers = (uint32_t)(bytes - sizeof(*ops)),
		.free = ops,
	};
	return 0;
}

void slab_fini(struct slab *slab)
{
	free(slab->ops);
	*slab = (struct slab) { 0 };
}

struct op *slab_next(const struct slab *slab, uint32_t from)
{
	size_t first = (from + sizeof(struct op) - 1) / sizeof(struct op);

	for (size_t i = first; i < slab->size; i++)
		if (!(slab->ops[i].state & OP_FREE))
			return &slab->ops[i];
	return NULL;
}
