/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Operations of the library's own on a program's ring. They share it with the
 * program's without a trace: hws_wait() doesn't wait for them nor give their
 * dones, and waiting for one of them leaves the program's dones where they are.
 */
#ifndef HWSAFE_URING_OP_INNER_INTERNAL_H
#define HWSAFE_URING_OP_INNER_INTERNAL_H

#include "uring/op.h"

/* As hws_queue(); its tag means nothing. */
HWS_MUST int inner_queue(struct hws_ring *ring, const struct hws_request *request,
			 struct hws_op *ret_op);
/*
 * Submits what is queued and waits for this one. 0: it is over; -ETIME: not yet; -ESTALE: the ring
 * lost it; -ENOSPC: the program's dones fill the ring; else as hws_submit().
 */
HWS_MUST int inner_collect(struct hws_ring *ring, struct hws_op handle, uint64_t deadline_ns,
			   struct hws_done *ret_done);
/* Its buffer returns to the pool: now, or when the kernel is done with it. From any state. */
void inner_forget(struct hws_ring *ring, struct hws_op handle);

#endif
