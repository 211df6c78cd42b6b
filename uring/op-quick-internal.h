/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The two edges of a buffer's life that come by the million, as buf_to_kernel()
 * and buf_to_user() have them, inlined: for pools that shut nothing.
 */
#ifndef HWSAFE_URING_OP_QUICK_INTERNAL_H
#define HWSAFE_URING_OP_QUICK_INTERNAL_H

#include "uring/pool-internal.h"

static inline bool quick_lend(struct buf_slot *slot, struct hws_buf buf, uint32_t op)
{
	return buf_step(slot, buf, buf_word(buf.generation, HWS_OWNER_USER, 0),
			buf_word(buf.generation, HWS_OWNER_KERNEL, op));
}

static inline bool quick_return(struct hws_pool *pool, struct hws_buf buf, uint32_t op)
{
	return buf_step(buf_slot(pool, buf), buf, buf_word(buf.generation, HWS_OWNER_KERNEL, op),
			buf_word(buf.generation, HWS_OWNER_USER, 0));
}

#endif
