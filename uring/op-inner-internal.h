/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Operations of the library's own on a program's ring. They share it with the
 * program's without a trace: hws_wait() doesn't wait for them nor give their
 * dones. Collecting one leaves all other completions where they are, so that
 * hws_ring_fd() goes on telling of them.
 */
#ifndef HWSAFE_URING_OP_INNER_INTERNAL_H
#define HWSAFE_URING_OP_INNER_INTERNAL_H

#include "uring/op.h"

/* As hws_queue(). Its tag means nothing, and -EAGAIN and -EINTR are results like others. */
HWS_MUST int inner_queue(struct hws_ring *ring, const struct hws_request *request,
			 struct hws_op *ret_op);
/*
 * Submits what is queued and waits for this one if asked to. 0: it is over; -EAGAIN: not yet, or
 * the program's dones fill the ring; -EBUSY: a chain is half queued; -ESTALE: the ring lost it;
 * else as hws_submit().
 */
HWS_MUST int inner_collect(struct hws_ring *ring, struct hws_op handle, bool wait,
			   struct hws_done *ret_done);
/* Cancels it and waits for nothing: its buffer returns when the kernel is done with it. */
void inner_forget(struct hws_ring *ring, struct hws_op handle);

#endif
