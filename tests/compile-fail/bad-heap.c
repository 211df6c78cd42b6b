/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Nor what malloc() gives. expect: hws_buf */
#include "uring/pool.h"

int bad(struct hws_pool *pool, void *heap);
int bad(struct hws_pool *pool, void *heap)
{
	return hws_buf_give(pool, heap);
}
