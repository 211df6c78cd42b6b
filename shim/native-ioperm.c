/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Ports that the kernel opened to this thread. It keeps them per thread, and so do we; it copies
 * them into new threads, into forked children and over an exec, and we don't: a new thread has
 * none until it asks, a forked child loses them at once, and before an exec they are given up.
 */
#include <errno.h>
#include <pthread.h>
#include <string.h>

#include "shim/native-internal.h"
#include "shim/sys-internal.h"

/* A range that was opened so many times; 0: a free place. */
struct range {
	uint32_t first;
	uint32_t count;
	uint32_t opens;
};
enum { RANGES = 64 }; /* as many as a helper has open for all its clients: serve.h */

/* Values, no pointers: what another thread closes leaves nothing behind that points nowhere. */
static _Thread_local struct range ranges[RANGES];
static _Thread_local uint32_t drops; /* how often all of them were given up */

bool ioperm_held(uint32_t first, uint32_t count)
{
	for (const struct range *range = ranges; range < ranges + RANGES; range++) {
		if (range->opens && first >= range->first &&
		    hws_range_ok(first - range->first, count, range->count))
			return true;
	}
	return false;
}

/* Takes what no range needs any more from the thread, run by run. */
static void forbid(uint32_t first, uint32_t count)
{
	uint32_t end = first + count;

	for (uint32_t port = first; port < end; port++) {
		uint32_t run = port;

		while (port < end && !ioperm_held(port, 1))
			port++;
		if (port > run && sys_ioperm((uint16_t)run, port - run, false) < 0)
			return;
	}
}

/* Has any thread of this process ever got a port? Relaxed: a thread has them from its maker. */
static _Atomic bool got_any;

/* Also of a thread that never asked: the kernel gave it what its maker had. */
static void forked(void)
{
	if (atomic_load_explicit(&got_any, memory_order_relaxed)) /* as above */
		(void)!shim_ports_drop();
}

static _Atomic int watch_failed;

static void watch(void)
{
	watch_failed = pthread_atfork(NULL, NULL, forked);
}

static int watch_forks(void)
{
	static pthread_once_t watched = PTHREAD_ONCE_INIT;

	pthread_once(&watched, watch);
	return watch_failed ? -ENOMEM : 0;
}

static struct range *place(uint32_t first, uint32_t count)
{
	struct range *unused = NULL;

	/* the first that is free: accesses look at them in this order */
	for (struct range *range = ranges; range < ranges + RANGES; range++) {
		if (!range->opens)
			unused = unused ? unused : range;
		else if (range->first == first && range->count == count)
			return range;
	}
	return unused;
}

int ioperm_acquire(uint32_t first, uint32_t count, struct ioperm_grant *ret_grant)
{
	struct range *range = place(first, count);
	int r = range ? watch_forks() : -EMFILE;

	r = r < 0 ? r : sys_ioperm((uint16_t)first, count, true);
	if (r < 0)
		return r;
	atomic_store_explicit(&got_any, true, memory_order_relaxed); /* as forked() has it */
	*range = (struct range) { first, count, range->opens + 1 };
	*ret_grant = (struct ioperm_grant) { first, count, sys_tid(), drops };
	return 0;
}

void ioperm_release(const struct ioperm_grant *grant)
{
	struct range *range = place(grant->first, grant->count);

	if (grant->tid != sys_tid() || grant->drops != drops)
		return;
	/* a thread that has ended may have left its number to this one, but not its ranges */
	if (range && range->opens && --range->opens == 0)
		forbid(grant->first, grant->count);
}

bool shim_ports_held(const struct hws_window *ports)
{
	return strcmp(ports->way, IOPERM) != 0 ||
	       ioperm_held((uint32_t)ports->first, (uint32_t)ports->size);
}

int shim_ports_drop(void)
{
	int r = sys_ioperm(0, UINT16_MAX + 1, false);

	memset(ranges, 0, sizeof(ranges));
	drops++;
	return r == -ENOSYS ? 0 : r;
}
