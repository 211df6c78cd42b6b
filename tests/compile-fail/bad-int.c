/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Nor a number. expect: hws_buf */
#include "uring/pool.h"

int bad(struct hws_pool *pool);
int bad(struct hws_pool *pool)
{
	return hws_buf_give(pool, 3);
}
