/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A handle goes by value. expect: hws_buf */
#include "uring/pool.h"

int bad(struct hws_pool *pool, struct hws_buf *buf);
int bad(struct hws_pool *pool, struct hws_buf *buf)
{
	return hws_buf_give(pool, buf);
}
