/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Stray touches: a fault inside a guarded pool is noted with the buffer, its
 * owner and the operation before the program dies of it, as it should.
 */
#include <errno.h>
#include <signal.h>

#include "shim/fault-internal.h"
#include "shim/sys-internal.h"
#include "shim/why-internal.h"
#include "uring/pool-internal.h"

#ifndef SEGV_PKUERR
#define SEGV_PKUERR 4
#endif

enum { POOLS_MOST = 256, PATIENCE = 1000 };

/* The guarded pools; found by a signal's handler, so there is no lock. */
static struct hws_pool *_Atomic watched[POOLS_MOST];
/* Handlers that are among them now. */
static _Atomic uint32_t looking;

static void note(struct hws_pool *pool, const struct hws_stray *stray)
{
	uint32_t busy = atomic_load(&pool->last.busy);

	/* two threads at once: the first is kept; both are counted */
	if (busy & 1 || !atomic_compare_exchange_strong(&pool->last.busy, &busy, busy + 1))
		return;
	pool->last.stray = *stray;
	atomic_store(&pool->last.busy, busy + 2);
}

static void report(struct hws_pool *pool, const siginfo_t *info)
{
	struct hws_stray stray = {
		.address = info->si_addr,
		.thread = sys_tid(),
		.key = info->si_code == SEGV_PKUERR,
	};
	struct buf_slot *slot = pool_slot_at(pool, info->si_addr, &stray.offset);
	uint64_t word = slot ? atomic_load(&slot->state) : 0;

	stray.owner = buf_owner(word);
	if (stray.owner != HWS_OWNER_FREE) {
		stray.by = stray.owner == HWS_OWNER_USER ? 0 : buf_by(word);
		stray.buf.slot = atomic_load(&slot->name);
		stray.buf.generation = buf_generation(word);
	}
	atomic_fetch_add(&pool->strays, 1);
	note(pool, &stray);
	if (pool->on_stray)
		pool->on_stray(pool->arg, &stray);
}

static void observe(int signal, const siginfo_t *info)
{
	if (signal != SIGSEGV)
		return;
	atomic_fetch_add(&looking, 1);
	for (int i = 0; i < POOLS_MOST; i++) {
		struct hws_pool *pool = atomic_load(&watched[i]);

		/* unsigned: what lies before the base is far behind the end */
		if (pool && (uintptr_t)info->si_addr - (uintptr_t)pool->base < pool->size)
			report(pool, info);
	}
	atomic_fetch_sub(&looking, 1);
}

int stray_watch(struct hws_pool *pool)
{
	int r = fault_observe(observe);

	if (r < 0)
		return why(r, "faults are observed by somebody else");
	for (int i = 0; i < POOLS_MOST; i++) {
		struct hws_pool *none = NULL;

		if (atomic_compare_exchange_strong(&watched[i], &none, pool))
			return 0;
	}
	return why(-EMFILE, "%d guarded pools are open", (int)POOLS_MOST);
}

void stray_unwatch(struct hws_pool *pool)
{
	for (int i = 0; i < POOLS_MOST; i++) {
		struct hws_pool *mine = pool;

		if (!atomic_compare_exchange_strong(&watched[i], &mine, NULL))
			continue;
		/* a handler may just look at it; one that never comes back isn't waited for */
		for (int n = 0; n < PATIENCE && atomic_load(&looking); n++)
			sys_yield();
		return;
	}
}

int hws_pool_last_stray(struct hws_pool *pool, struct hws_stray *ret_stray)
{
	uint32_t before = atomic_load(&pool->last.busy);
	struct hws_stray stray = pool->last.stray;

	if (before == 0)
		return -ENOENT;
	if (before & 1 || atomic_load(&pool->last.busy) != before)
		return -EBUSY;
	*ret_stray = stray;
	return 0;
}
