/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The edges of a buffer's life that the ring and the DMA domains walk. Each is
 * one compare-and-swap on the slot's state: no lock, no allocation.
 *
 *	free → user            hws_buf_take()
 *	user → free            hws_buf_give()
 *	user → kernel(op)      buf_to_kernel()
 *	kernel(op) → user      buf_to_user()
 *	kernel(op) → free      buf_reclaim()       an orphan is done
 *	kernel(op) → returning buf_returning()     has its result, not yet done (send zero-copy)
 *	returning → user, free, quarantined        as from kernel, by the same op
 *	kernel(op) → nobody    buf_quarantine()    never again anybody's
 *	user → device(domain)  buf_to_device(); buf_from_device(), buf_quarantine_device()
 */
#ifndef HWSAFE_URING_BUF_INTERNAL_H
#define HWSAFE_URING_BUF_INTERNAL_H

#include "uring/buf-state-internal.h"

/* Where a buffer lies. */
struct buf_memory {
	void *address;	/* closed to the CPU where the pool is guarded */
	size_t size;	/* of the whole buffer */
	uint32_t index; /* of its region: the registered buffer, counted from the pool's first */
};

/* What is left to do, or to say, when the short way below isn't the whole. */
HWS_MUST int buf_lend_slowly(struct hws_pool *pool, struct hws_buf buf, enum hws_owner to,
			     uint32_t by, struct buf_memory *ret_memory);
HWS_MUST int buf_to_user_slowly(struct hws_pool *pool, struct hws_buf buf, uint32_t op);
HWS_MUST int buf_refuse_return(struct hws_pool *pool, struct hws_buf buf);

/* From the user to @to. */
HWS_MUST static inline int buf_lend(struct hws_pool *pool, struct hws_buf buf, enum hws_owner to,
				    uint32_t by, struct buf_memory *ret_memory)
{
	struct buf_slot *slot = buf_slot(pool, buf);

	if (by > BUF_BY_MAX || ((const struct pool_head *)pool)->shuts ||
	    !buf_step(slot, buf, buf_word(buf.generation, HWS_OWNER_USER, 0),
		      buf_word(buf.generation, to, by)))
		return buf_lend_slowly(pool, buf, to, by, ret_memory);
	ret_memory->address = slot->address;
	ret_memory->size = (size_t)slot->size;
	ret_memory->index = slot->region;
	return 0;
}

/*
 * The user's buffer becomes the kernel's, for operation @op. 0; -ESTALE: the handle is old;
 * -EBUSY: it is viewed or owned by somebody; -EINVAL: @op is over BUF_BY_MAX; -ENOMEM (strict
 * pools only): it could not be closed. On failure nothing has changed.
 */
HWS_MUST static inline int buf_to_kernel(struct hws_pool *pool, struct hws_buf buf, uint32_t op,
					 struct buf_memory *ret_memory)
{
	return buf_lend(pool, buf, HWS_OWNER_KERNEL, op, ret_memory);
}
/*
 * The operation is done: the same handle is the user's again. 0; -ESTALE; -EBUSY: it is another's;
 * -EINVAL: it is the user's already.
 */
HWS_MUST static inline int buf_to_user(struct hws_pool *pool, struct hws_buf buf, uint32_t op)
{
	if (op <= BUF_BY_MAX &&
	    buf_step(buf_slot(pool, buf), buf, buf_word(buf.generation, HWS_OWNER_KERNEL, op),
		     buf_word(buf.generation, HWS_OWNER_USER, 0)))
		return 0;
	return buf_to_user_slowly(pool, buf, op);
}
/* The same, but nobody waits for it: back to the free list, the handle is stale. */
HWS_MUST int buf_reclaim(struct hws_pool *pool, struct hws_buf buf, uint32_t op);
/* The operation has its result, the kernel still its memory. */
HWS_MUST int buf_returning(struct hws_pool *pool, struct hws_buf buf, uint32_t op);
/* The kernel may keep it for ever: PROT_NONE, counted, never freed, never reused. */
HWS_MUST int buf_quarantine(struct hws_pool *pool, struct hws_buf buf, uint32_t op);

/* The same for a device, by its domain's number. */
HWS_MUST static inline int buf_to_device(struct hws_pool *pool, struct hws_buf buf, uint32_t domain,
					 struct buf_memory *ret_memory)
{
	return buf_lend(pool, buf, HWS_OWNER_DEVICE, domain, ret_memory);
}
HWS_MUST static inline int buf_from_device(struct hws_pool *pool, struct hws_buf buf,
					   uint32_t domain)
{
	if (domain <= BUF_BY_MAX &&
	    buf_step(buf_slot(pool, buf), buf, buf_word(buf.generation, HWS_OWNER_DEVICE, domain),
		     buf_word(buf.generation, HWS_OWNER_USER, 0)))
		return 0;
	return buf_refuse_return(pool, buf);
}
HWS_MUST int buf_quarantine_device(struct hws_pool *pool, struct hws_buf buf, uint32_t domain);

/*
 * The device's buffer stays mapped for it when it is given back: it comes to the free list, but
 * isn't given out before buf_let_go(), which goes by the place, as its handle may be stale by then.
 * False: it is kept already.
 */
HWS_MUST bool buf_keep(struct hws_pool *pool, struct hws_buf buf);
void buf_let_go(struct hws_pool *pool, struct hws_buf buf);

/*
 * A system call of this thread is to reach the memory by its address (read(2) of a fallback
 * thread, IORING_REGISTER_BUFFERS; a plain READ of a ring: the kernel's own workers can't be opened
 * for): opens it around the call. 0; -ENOMEM. Pairs, may nest; close never fails.
 */
HWS_MUST int buf_open_for_kernel(struct hws_pool *pool, struct hws_buf buf);
void buf_close_for_kernel(struct hws_pool *pool, struct hws_buf buf);
/* The whole pool at once, for registering it; buffers shut by PROT_NONE stay so (-EFAULT then). */
void pool_open_for_kernel(struct hws_pool *pool);
void pool_close_for_kernel(struct hws_pool *pool);

/* The pieces to register, each at most 1 GiB; buf_memory.index is a piece's number. */
uint32_t pool_regions(const struct hws_pool *pool);
void pool_region(const struct hws_pool *pool, uint32_t index, void **ret_base, uint64_t *ret_size);

/* Is its memory closed to a system call that goes by address? Then plain READ gives -EFAULT. */
bool pool_guarded(const struct hws_pool *pool);

/* hws_pool_close() says -EBUSY while somebody holds one. */
void pool_ref(struct hws_pool *pool);
void pool_unref(struct hws_pool *pool);

#endif
