/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Taking may fail: not to look is an error. expect: warn_unused_result */
#include "uring/pool.h"

void bad(struct hws_pool *pool);
void bad(struct hws_pool *pool)
{
	struct hws_buf buf;

	hws_buf_take(pool, 4096, &buf);
}
