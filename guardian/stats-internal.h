/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Counters that every thread adds to on a line of its own, summed when somebody asks. */
#ifndef HWSAFE_GUARDIAN_STATS_INTERNAL_H
#define HWSAFE_GUARDIAN_STATS_INTERNAL_H

#include <stdatomic.h>

#include "guardian/access.h"

enum { STATS_STRIPES = 8 };

struct stats_stripe {
	_Atomic uint64_t denied[HWS_REASONS];
	_Atomic uint64_t given[HWS_KINDS]; /* handles */
	_Atomic uint64_t slow[HWS_KINDS];  /* accesses that were decided one by one */
} __attribute__((aligned(64)));

struct stats {
	struct stats_stripe stripes[STATS_STRIPES];
	/* goes down as well: a sum of stripes, taken one after another, would be no instant's */
	_Atomic uint64_t open[HWS_KINDS]; /* handles */
};

static inline struct stats_stripe *stats_mine(struct stats *stats)
{
	static _Thread_local char here;

	/* a thread's own storage tells it from others, cheaply; two on one stripe do no harm */
	return &stats->stripes[((uintptr_t)&here >> 12) % STATS_STRIPES];
}

static inline void stats_add(_Atomic uint64_t *counter)
{
	/* release: pairs with stats_sum(); who sees this count sees those made before it */
	atomic_fetch_add_explicit(counter, 1, memory_order_release);
}

/* The sum over all threads of the counter at @offset in a stripe. */
static inline uint64_t stats_sum(const struct stats *stats, size_t offset)
{
	uint64_t sum = 0;

	for (int i = 0; i < STATS_STRIPES; i++) {
		const char *stripe = (const char *)&stats->stripes[i];

		/* acquire: counters that are summed later are no older */
		sum += atomic_load_explicit((const _Atomic uint64_t *)(stripe + offset),
					    memory_order_acquire);
	}
	return sum;
}

#endif
