/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Groups: buffers that are provided to the kernel in advance. It takes one when
 * data is there, so that a thousand idle connections need no thousand buffers.
 *
 *	r = hws_group_open(ring, 64, 2048, &group);
 *	r = hws_recv_many(ring, fd, group, tag);
 *	n = hws_wait(ring, &done, 1, HWS_FOREVER);      done.buf has done.result bytes
 *	r = hws_group_give(group, done.buf);            may be taken again
 *
 * Each buffer of a group is the kernel's until a done hands it over. When all are
 * with the user the receive ends with -ENOBUFS: give some back, queue it again.
 */
#ifndef HWSAFE_URING_RING_GROUP_H
#define HWSAFE_URING_RING_GROUP_H

#include "ring.h"

HWS_BEGIN_DECLS

/**
 * hws_group_open() - provide buffers of the ring's pool to the kernel.
 * @ring: borrowed; ends the group when it is closed
 * @count: how many, up to 16384
 * @buffer_size: how large each one is at least
 * @ret_group: out; hws_group_close() it, or leave it to the ring
 *
 * Return: 0; -EINVAL; -ENOMEM, -ENOBUFS the pool hasn't as many; -ENOTSUP the ring can't: its pool
 * is guarded and it is not in mode "defer"; -EBUSY, -ECHILD, -EIO as hws_queue().
 */
HWS_API HWS_MUST int hws_group_open(struct hws_ring *ring, uint32_t count, uint64_t buffer_size,
				    struct hws_group **ret_group);

/**
 * hws_group_give() - provide a buffer: one that the group handed over, or another of the pool's.
 * @group: borrowed
 * @buf: yours now; the kernel's afterwards
 *
 * Return: 0; -ENOSPC the group is complete; -ERANGE it is smaller than the group's are; -ESTALE,
 * -EBUSY as hws_queue().
 */
HWS_API HWS_MUST int hws_group_give(struct hws_group *group, struct hws_buf buf);

/** struct hws_group_stats - where a group's buffers are. */
struct hws_group_stats {
	uint32_t count;	   /* places */
	uint32_t provided; /* buffers the kernel may take or has taken */
	uint64_t taken;	   /* handed over so far */
	uint64_t given;	   /* provided so far */
};

/**
 * hws_group_get_stats() - where the buffers are.
 * @group: borrowed
 * @ret_stats: out
 */
HWS_API void hws_group_get_stats(const struct hws_group *group, struct hws_group_stats *ret_stats);

/**
 * hws_group_close() - take back what the kernel has not used and end the group.
 * @group: taken; NULL is fine
 *
 * What is provided goes back to the pool; what was handed over stays yours.
 *
 * Return: 0; -EBUSY an operation that uses it is in flight, or the ring is another thread's;
 * -ECHILD, -EIO as hws_queue().
 */
HWS_API int hws_group_close(struct hws_group *group);

HWS_END_DECLS

#endif
