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
 *	r = hws_read(ring, fd, buf, …);                the kernel's: no view, a stray touch faults
 *	…
 *	r = hws_buf_give(pool, buf);                   the pool's: this handle is -ESTALE for ever
 *
 * A handle is a value: copies are free, and an old one can do no harm. It names
 * one use of one buffer of its pool and is never used again; a buffer that has
 * been used so often that no handle is left (2^42 times or more) is retired.
 *
 * Everything here may be called from any thread, on any buffer; when two
 * threads want the same one at once, one gets it and the other an error. In a
 * child of fork() every handle is -ESTALE and the memory isn't there.
 */
#ifndef HWSAFE_URING_BUF_H
#define HWSAFE_URING_BUF_H

#include "../shim/base.h"

HWS_BEGIN_DECLS

struct hws_pool;

/** HWS_FOREVER - a deadline that never comes. */
#define HWS_FOREVER UINT64_MAX

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

/**
 * hws_owner_name() - the owner's word in reports: "user", "kernel" …
 * @owner: the owner
 *
 * Return: a constant string; "?" for a value that is no owner.
 */
HWS_API const char *hws_owner_name(enum hws_owner owner);

/**
 * hws_buf_take() - take a buffer of at least @size bytes.
 * @pool: shared
 * @size: bytes; the smallest class that holds them is asked, and no other
 * @ret_buf: out; the caller owns the buffer until it gives it back or submits it
 *
 * What it holds: zeros the first time; later what its last user left there, or
 * zeros again where the pool is opened with HWS_POOL_ZERO.
 *
 * Context: lock-free; never allocates.
 * Return: 0; -ENOBUFS when none of that class is free; -EINVAL when no class is
 * so large; -ESTALE in a child of fork(); -ENOMEM when it could not be opened to be cleared.
 */
HWS_API HWS_MUST int hws_buf_take(struct hws_pool *pool, size_t size, struct hws_buf *ret_buf);

/**
 * hws_buf_take_wait() - the same, waiting until there is one.
 * @pool: shared
 * @size: bytes
 * @deadline_ns: when to give up, in nanoseconds of CLOCK_MONOTONIC; HWS_FOREVER
 * @ret_buf: out
 *
 * Return: as hws_buf_take(), but -ETIMEDOUT instead of -ENOBUFS.
 */
HWS_API HWS_MUST int hws_buf_take_wait(struct hws_pool *pool, size_t size, uint64_t deadline_ns,
				       struct hws_buf *ret_buf);

/**
 * hws_buf_give() - give a buffer back to its pool.
 * @pool: shared
 * @buf: the handle; stale from now on
 *
 * Context: lock-free; wakes one that waits.
 * Return: 0; -ESTALE when it was given back before or was never a buffer of
 * this pool; -EBUSY while it is viewed, or while the kernel or a device owns it.
 */
HWS_API HWS_MUST int hws_buf_give(struct hws_pool *pool, struct hws_buf buf);

/**
 * hws_buf_size() - how many bytes a buffer really has.
 * @pool: shared
 * @buf: the handle
 *
 * Return: the size of its class, a multiple of the page; 0 for a stale handle.
 */
HWS_API size_t hws_buf_size(struct hws_pool *pool, struct hws_buf buf);

/**
 * hws_buf_owner() - who owns it now.
 * @pool: shared
 * @buf: the handle
 *
 * Return: a value of enum hws_owner, or -ESTALE.
 */
HWS_API int hws_buf_owner(struct hws_pool *pool, struct hws_buf buf);

/**
 * hws_buf_view() - open a buffer to this thread.
 * @pool: shared
 * @buf: the handle; the user's
 * @rights: HWS_R, or HWS_RW; HWS_W is taken as HWS_RW
 * @ret_bytes: out; the pool's; good until the matching hws_buf_unview()
 * @ret_size: out; as hws_buf_size()
 *
 * While it is open the buffer can't be submitted or given back. Views of one
 * thread nest, 63 deep; another thread can't view it at the same time. Where the
 * pool is guarded by protection keys, only the viewing thread can touch it, and
 * what it may touch besides are buffers of the same key (none in a strict pool
 * that the kernel or a device owns). Don't start threads while a view is open: Linux lets
 * them inherit it.
 *
 * Context: must be closed by the same thread; if that has ended, any may.
 * Return: 0; -ESTALE; -EBUSY when the kernel, a device or another thread's view
 * has it, or at the 64th view; -EINVAL for rights that are none; -ENOMEM when it
 * could not be opened (strict pools, and those guarded by pages).
 */
HWS_API HWS_MUST int hws_buf_view(struct hws_pool *pool, struct hws_buf buf, enum hws_rights rights,
				  void **ret_bytes, size_t *ret_size);

/**
 * hws_buf_unview() - close a view.
 * @pool: shared
 * @buf: the handle
 *
 * Return: 0; -ESTALE; -EINVAL when it isn't viewed; -EBUSY when the view is another thread's.
 */
HWS_API int hws_buf_unview(struct hws_pool *pool, struct hws_buf buf);

/** struct hws_view - an open view; all zero: none. */
struct hws_view {
	struct hws_pool *pool;
	struct hws_buf buf;
	void *bytes;
	size_t size;
};

/** HWS_VIEW() - declare a view that is closed at the end of the block. */
#define HWS_VIEW(name) __attribute__((cleanup(hws_view_close))) struct hws_view name = { 0 }

/**
 * hws_view_open() - hws_buf_view() into a struct.
 * @pool: shared
 * @buf: the handle
 * @rights: HWS_R or HWS_RW
 * @ret_view: out
 *
 * Return: as hws_buf_view().
 */
HWS_API HWS_MUST int hws_view_open(struct hws_pool *pool, struct hws_buf buf,
				   enum hws_rights rights, struct hws_view *ret_view);

/**
 * hws_view_close() - close it, if it is open.
 * @view: borrowed; all zero afterwards
 */
HWS_API void hws_view_close(struct hws_view *view);

HWS_END_DECLS

#endif
