/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Views: the user's buffer opened to one thread. The state says which thread,
 * whether it may write, and how many views; as long as there is one only that
 * thread changes the state.
 */
#include <errno.h>
#include <pthread.h>

#include "shim/pkey-internal.h"
#include "shim/sys-internal.h"
#include "shim/why-internal.h"
#include "uring/pool-internal.h"

/* initial-exec: no call into the linker on the way */
static _Thread_local uint32_t me __attribute__((tls_model("initial-exec")));

static void forget_me(void)
{
	me = 0;
}

static void watch_forks(void)
{
	/* fails only for want of memory; then a child's first thread goes by its parent's number */
	(void)pthread_atfork(NULL, NULL, forget_me);
}

__attribute__((noinline, cold)) static uint32_t first_time(void)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;

	pthread_once(&once, watch_forks);
	me = (uint32_t)sys_tid();
	pkey_start();
	return me;
}

uint32_t buf_thread(void)
{
	return me ? me : first_time();
}

static inline uint32_t views_of(uint64_t word)
{
	return (uint32_t)word & BUF_VIEWS;
}

static inline uint32_t thread_of(uint64_t word)
{
	return buf_by(word) >> BUF_THREAD_SHIFT;
}

static inline uint64_t viewed(struct hws_buf buf, bool write, uint32_t views)
{
	return buf_word(buf.generation, HWS_OWNER_USER,
			buf_thread() << BUF_THREAD_SHIFT | (write ? (uint32_t)BUF_WRITES : 0) |
				views);
}

/* The state, if this thread has a view of it. */
static bool is_mine(struct buf_slot *slot, struct hws_buf buf, uint64_t *ret_word)
{
	uint64_t word = atomic_load_explicit(&slot->state, memory_order_relaxed);

	*ret_word = word;
	return atomic_load_explicit(&slot->name, memory_order_relaxed) == buf.slot &&
	       buf_generation(word) == buf.generation && buf_owner(word) == HWS_OWNER_USER &&
	       views_of(word) > 0 && thread_of(word) == buf_thread();
}

/* One more of a buffer that this thread views already. */
static int view_again(struct hws_pool *pool, struct hws_buf buf, bool write)
{
	struct buf_slot *slot = buf_slot(pool, buf);
	uint64_t word;

	if (!is_mine(slot, buf, &word))
		return buf_refuse(pool, buf);
	if (views_of(word) == BUF_VIEWS)
		return why(-EBUSY, "buffer %u.%u: %d views are open", buf.slot, buf.generation,
			   (int)BUF_VIEWS);
	if (write && !(word & BUF_WRITES) && pool->keys) {
		pkey_open(slot->key, true);
		pkey_close(slot->key, false);
	}
	/* relaxed, and no exchange: nobody else changes it while we view it */
	atomic_store_explicit(&slot->state, (word + 1) | (write ? (uint64_t)BUF_WRITES : 0),
			      memory_order_relaxed);
	return 0;
}

static int view_first(struct hws_pool *pool, struct hws_buf buf, struct buf_slot *slot, bool write)
{
	int r = slot->shut ? pool_unshut(pool, slot) : 0;

	if (r < 0) {
		atomic_store_explicit(&slot->state, buf_word(buf.generation, HWS_OWNER_USER, 0),
				      memory_order_release);
		return r;
	}
	if (pool->keys)
		pkey_open(slot->key, write);
	return 0;
}

int hws_buf_view(struct hws_pool *pool, struct hws_buf buf, enum hws_rights rights,
		 void **ret_bytes, size_t *ret_size)
{
	struct buf_slot *slot = buf_slot(pool, buf);
	bool write = rights & HWS_W;
	int r;

	if (rights < HWS_R || rights > HWS_RW)
		return why(-EINVAL, "a view is for reading or for writing, not for %d", rights);
	if (buf_step(slot, buf, buf_word(buf.generation, HWS_OWNER_USER, 0), viewed(buf, write, 1)))
		r = view_first(pool, buf, slot, write);
	else
		r = view_again(pool, buf, write);
	if (r < 0)
		return r;
	*ret_bytes = slot->address;
	*ret_size = slot->size;
	return 0;
}

/* The view of a thread that has ended without closing it is anybody's to close. */
static int unview_other(struct hws_pool *pool, struct hws_buf buf)
{
	struct buf_slot *slot = buf_slot(pool, buf);
	int r = buf_refuse(pool, buf);
	uint64_t word = atomic_load_explicit(&slot->state, memory_order_relaxed);

	if (r == -ESTALE || buf_owner(word) != HWS_OWNER_USER)
		return r;
	if (views_of(word) == 0)
		return why(-EINVAL, "buffer %u.%u is not viewed", buf.slot, buf.generation);
	if (sys_thread_alive((int)thread_of(word)))
		return why(-EBUSY, "the view of buffer %u.%u is thread %u's", buf.slot,
			   buf.generation, thread_of(word));
	if (!buf_step(slot, buf, word, buf_word(buf.generation, HWS_OWNER_USER, 0)))
		return buf_refuse(pool, buf);
	return 0;
}

int hws_buf_unview(struct hws_pool *pool, struct hws_buf buf)
{
	struct buf_slot *slot = buf_slot(pool, buf);
	uint64_t word;

	if (!is_mine(slot, buf, &word))
		return unview_other(pool, buf);
	if (views_of(word) > 1) {
		atomic_store_explicit(&slot->state, word - 1, memory_order_relaxed);
		return 0;
	}
	if (pool->keys)
		pkey_close(slot->key, word & BUF_WRITES);
	/* release: pairs with buf_step()'s acquire; what we did to the memory comes before */
	atomic_store_explicit(&slot->state, buf_word(buf.generation, HWS_OWNER_USER, 0),
			      memory_order_release);
	return 0;
}

int hws_view_open(struct hws_pool *pool, struct hws_buf buf, enum hws_rights rights,
		  struct hws_view *ret_view)
{
	struct hws_view view = { .pool = pool, .buf = buf };
	int r = hws_buf_view(pool, buf, rights, &view.bytes, &view.size);

	if (r == 0)
		*ret_view = view;
	return r;
}

void hws_view_close(struct hws_view *view)
{
	if (view->pool)
		(void)hws_buf_unview(view->pool, view->buf);
	*view = (struct hws_view) { 0 };
}
