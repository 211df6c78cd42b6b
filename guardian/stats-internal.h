/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Counters that every thread adds to on a line of its own, summed when somebody asks. */
#ifndef HWSAFE_GUARDIAN_STATS_INTERNAL_H
#define HWSAFE_GUARDIAN_STATS_INTERNAL_H

#include <stdatomic.h>

#include "guardian/access.h"

enum { STATS_STRIPES = 8 };

struct stats_stripe {
	_Atomic uint64_t denied[HWS_REASONS];
	_Atomic uint64_t handles[HWS_KINDS]; /* given */
	_Atomic uint64_t slow[HWS_KINDS];    /* accesses that were decided one by one */
} __attribute__((aligned(64)));

struct stats {
	struct stats_stripe stripes[STATS_STRIPES];
};

static inline struct stats_stripe *stats_mine(struct stats *stats)
{
	static _Thread_local char here;

	/* a thread's own storage tells it from others, cheaply; two on one stripe do no harm */
	return &stats->stripes[((uintptr_t)&here >> 12) % STATS_STRIPES];
}

static inline void stats_add(_Atomic uint64_t *counter)
{
	/* relaxed: a count orders nothing */
	atomic_fetch_add_explicit(counter, 1, memory_order_relaxed);
}

#endif
