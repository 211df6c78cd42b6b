/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The pool inside is nobody's business. expect: hws_pool */
#include "uring/pool.h"

void *bad(struct hws_pool *pool);
void *bad(struct hws_pool *pool)
{
	return pool->base;
}
