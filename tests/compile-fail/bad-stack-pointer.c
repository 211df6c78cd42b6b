/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Nor is a pointer into the stack. expect: hws_buf */
#include "uring/pool.h"

int bad(struct hws_pool *pool);
int bad(struct hws_pool *pool)
{
	char byte = 0;
	void *bytes = &byte;
	size_t size;

	return hws_buf_view(pool, &byte, HWS_RW, &bytes, &size);
}
