/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The right way, so that the others fail for their own reasons. */
#include "uring/pool.h"

int good(struct hws_pool *pool);
int good(struct hws_pool *pool)
{
	struct hws_buf buf;
	HWS_VIEW(view);
	int r = hws_buf_take(pool, 4096, &buf);

	r = r < 0 ? r : hws_view_open(pool, buf, HWS_RW, &view);
	return r < 0 ? r : hws_buf_give(pool, buf);
}
