/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "uring/slab-internal.h"

#include <errno.h>
#include <stdlib.h>

int slab_init(struct slab *slab, uint32_t size)
{
	struct op *ops = calloc(size, sizeof(*ops));
	uint64_t *since = calloc(size, sizeof(*since));

	if (!ops || !since) {
		free(ops);
		free(since);
		return -ENOMEM;
	}
	for (uint32_t i = 0; i < size; i++) {
		/* generations begin at 1: zero is no handle */
		ops[i].id = SLAB_GENERATION | i;
		ops[i].next = i + 1 < size ? &ops[i + 1] : NULL;
		ops[i].state = OP_FREE;
	}
	*slab = (struct slab) { .ops = ops, .since = since, .mask = size - 1, .free = ops };
	return 0;
}

void slab_fini(struct slab *slab)
{
	free(slab->ops);
	free(slab->since);
	*slab = (struct slab) { 0 };
}

struct op *slab_next(const struct slab *slab, uint32_t from)
{
	for (uint32_t i = from; slab->ops && i <= slab->mask; i++)
		if (!(slab->ops[i].state & OP_FREE))
			return &slab->ops[i];
	return NULL;
}
