/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A buffer comes as a handle, not as bytes. expect: hws_buf */
#include "uring/pool.h"

int bad(struct hws_pool *pool, char *bytes);
int bad(struct hws_pool *pool, char *bytes)
{
	return hws_buf_take(pool, 4096, bytes);
}
