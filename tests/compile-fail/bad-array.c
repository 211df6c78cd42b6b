/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A char array is no buffer. expect: hws_buf */
#include "uring/pool.h"

int bad(struct hws_pool *pool);
int bad(struct hws_pool *pool)
{
	char bytes[4096];

	return hws_buf_give(pool, bytes);
}
