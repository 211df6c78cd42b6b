/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Buffers: memory that has one owner at a time, the user, the kernel or a device.
 *
 *	struct hws_buf buf;
 *	HWS_VIEW(view);
 *
 *	r = hws_buf_take(pool, 4096, &buf);            yours
 *	r = hws_view_open(pool, buf, HWS_RW, &view);   view.bytes may be touched …
 *	hws_view_close(&view);                         … until here, or the end of the block
 *	r = hws_read(ring, fd, buf, …);                the kernel's: a view is -EBUSY, a stray touch faults
 *	…
 *	r = hws_buf_give(pool, buf);                   back to the pool: this handle is -ESTALE for ever
 *
 * A handle is a value: copies are free, and an old one can do no harm.
 */
#ifndef HWSAFE_URING_BUF_H
#define HWSAFE_URING_BUF_H

#include "../shim/base.h"

HWS_BEGIN_DECLS

struct hws_pool;

/** struct hws_buf - a buffer's handle. All zero: none. */
struct hws_buf {
	uint32_t slot;
	uint32_t generation;
};

/**
 * enum hws_owner - who owns a buffer.
 * @HWS_OWNER_FREE: the pool
 * @HWS_OWNER_USER: the program: only now it can be viewed, submitted and given back
 * @HWS_OWNER_KERNEL: an operation
 * @HWS_OWNER_DEVICE: a DMA domain
 * @HWS_OWNER_RETURNING: an operation whose result is known, but whose memory is still in use
 * @HWS_OWNER_QUARANTINED: nobody knows when the kernel or a device will be done: nobody's, for ever
 * @HWS_OWNER_RETIRED: all of its handles have been used up
 */
enum hws_owner {
	HWS_OWNER_FREE = 0,
	HWS_OWNER_USER,
	HWS_OWNER_KERNEL,
	HWS_OWNER_DEVICE,
	HWS_OWNER_RETURNING,
	HWS_OWNER_QUARANTINED,
	HWS_OWNER_RETIRED,
	HWS_OWNERS /* how many */
};

HWS_END_DECLS

#endif
