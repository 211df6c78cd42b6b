/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The edges that lend a buffer to the kernel or a device and bring it back. */
#include <errno.h>
#include <sys/mman.h>

#include "shim/pkey-internal.h"
#include "shim/sys-internal.h"
#include "shim/why-internal.h"
#include "uring/pool-internal.h"

/* It is @by's already; what can't be closed goes back to the user. */
static int shut_lent(struct hws_pool *pool, struct hws_buf buf, struct buf_slot *slot)
{
	int r = pool_shut(pool, slot);

	if (r < 0)
		atomic_store_explicit(&slot->state, buf_word(buf.generation, HWS_OWNER_USER, 0),
				      memory_order_release);
	return r;
}

int buf_lend_slowly(struct hws_pool *pool, struct hws_buf buf, enum hws_owner to, uint32_t by,
		    struct buf_memory *ret_memory)
{
	struct buf_slot *slot = buf_slot(pool, buf);
	int r;

	if (by > BUF_BY_MAX)
		return why(-EINVAL, "%s %u: no such number", hws_owner_name(to), by);
	if (!buf_step(slot, buf, buf_word(buf.generation, HWS_OWNER_USER, 0),
		      buf_word(buf.generation, to, by)))
		return buf_refuse(pool, buf);
	if (pool->head.shuts && !slot->shut) {
		r = shut_lent(pool, buf, slot);
		if (r < 0)
			return r;
	}
	ret_memory->address = slot->address;
	ret_memory->size = (size_t)slot->size;
	ret_memory->index = slot->region;
	return 0;
}

/* Why it isn't @by's to bring back. */
int buf_refuse_return(struct hws_pool *pool, struct hws_buf buf)
{
	int owner = hws_buf_owner(pool, buf);

	if (owner == HWS_OWNER_USER)
		return why(-EINVAL, "buffer %u.%u is the user's already", buf.slot, buf.generation);
	return owner < 0 ? owner : buf_refuse(pool, buf);
}

int buf_to_user_slowly(struct hws_pool *pool, struct hws_buf buf, uint32_t op)
{
	struct buf_slot *slot = buf_slot(pool, buf);

	if (op <= BUF_BY_MAX &&
	    buf_step(slot, buf, buf_word(buf.generation, HWS_OWNER_RETURNING, op),
		     buf_word(buf.generation, HWS_OWNER_USER, 0)))
		return 0;
	return buf_refuse_return(pool, buf);
}

int buf_reclaim(struct hws_pool *pool, struct hws_buf buf, uint32_t op)
{
	if (op <= BUF_BY_MAX &&
	    (buf_free(pool, buf, buf_word(buf.generation, HWS_OWNER_KERNEL, op)) ||
	     buf_free(pool, buf, buf_word(buf.generation, HWS_OWNER_RETURNING, op))))
		return 0;
	return buf_refuse_return(pool, buf);
}

int buf_returning(struct hws_pool *pool, struct hws_buf buf, uint32_t op)
{
	if (op <= BUF_BY_MAX &&
	    buf_step(buf_slot(pool, buf), buf, buf_word(buf.generation, HWS_OWNER_KERNEL, op),
		     buf_word(buf.generation, HWS_OWNER_RETURNING, op)))
		return 0;
	return buf_refuse_return(pool, buf);
}

static bool quarantine(struct hws_pool *pool, struct hws_buf buf, enum hws_owner from, uint32_t by)
{
	struct buf_slot *slot = buf_slot(pool, buf);

	if (by > BUF_BY_MAX || !buf_step(slot, buf, buf_word(buf.generation, from, by),
					 buf_word(buf.generation, HWS_OWNER_QUARANTINED, by)))
		return false;
	pool_forbid(slot);
	return true;
}

int buf_quarantine(struct hws_pool *pool, struct hws_buf buf, uint32_t op)
{
	if (quarantine(pool, buf, HWS_OWNER_KERNEL, op) ||
	    quarantine(pool, buf, HWS_OWNER_RETURNING, op))
		return 0;
	return buf_refuse_return(pool, buf);
}

int buf_quarantine_device(struct hws_pool *pool, struct hws_buf buf, uint32_t domain)
{
	return quarantine(pool, buf, HWS_OWNER_DEVICE, domain) ? 0 : buf_refuse_return(pool, buf);
}

bool buf_keep(struct hws_pool *pool, struct hws_buf buf)
{
	struct buf_slot *slot = buf_slot(pool, buf);

	/* relaxed: it is the device's; who frees it later sees this by the state's own order */
	if (atomic_load_explicit(&slot->next, memory_order_relaxed) == BUF_KEPT)
		return false;
	atomic_store_explicit(&slot->next, BUF_KEPT, memory_order_relaxed);
	return true;
}

void buf_let_go(struct hws_pool *pool, struct hws_buf buf)
{
	struct buf_slot *slot = buf_slot(pool, buf);

	/* acq_rel: pairs with pool_push(): one of us puts it on the list */
	if (atomic_exchange_explicit(&slot->next, 0, memory_order_acq_rel) == BUF_PARKED)
		pool_push(pool, slot);
}

int buf_open_for_kernel(struct hws_pool *pool, struct hws_buf buf)
{
	struct buf_slot *slot = buf_slot(pool, buf);

	if (pool->keys)
		pkey_open(slot->shut ? pool->keys->locked : slot->key, true);
	else if (slot->shut)
		return sys_mprotect(slot->address, slot->size, PROT_READ | PROT_WRITE);
	return 0;
}

void buf_close_for_kernel(struct hws_pool *pool, struct hws_buf buf)
{
	struct buf_slot *slot = buf_slot(pool, buf);

	if (pool->keys)
		pkey_close(slot->shut ? pool->keys->locked : slot->key, true);
	else if (slot->shut)
		pool_forbid(slot);
}

/* One step of opening or closing all of a pool's keys. */
static void for_all_keys(const struct hws_pool *pool, void (*step)(uint32_t key, bool write))
{
	if (!pool->keys)
		return;
	for (uint32_t i = 0; i < pool->keys->count; i++)
		step(pool->keys->keys[i], true);
	step(pool->keys->locked, true);
}

void pool_open_for_kernel(struct hws_pool *pool)
{
	for_all_keys(pool, pkey_open);
}

void pool_close_for_kernel(struct hws_pool *pool)
{
	for_all_keys(pool, pkey_close);
}
