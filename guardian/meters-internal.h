/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What floors above count, for snapshots: each ring and pool that is opened with a context tells
 * it how its numbers are added up. What counts up stays counted when its owner is gone.
 */
#ifndef HWSAFE_GUARDIAN_METERS_INTERNAL_H
#define HWSAFE_GUARDIAN_METERS_INTERNAL_H

#include <pthread.h>

#include "guardian/snapshot.h"

struct meters_state {
	struct hws_rings_state rings[HWS_RING_BACKENDS];
	struct hws_pools_state pools;
};

/* Part of what it measures. */
struct meter {
	struct meter *next;
	struct meter **from; /* what points to it; NULL: nothing does */
	/*
	 * Adds what it counts, from any thread; of what isn't @open any more only what counts up.
	 * Called with the meters' lock held.
	 */
	void (*add)(struct meter *meter, struct meters_state *into, bool open);
};

struct meters {
	pthread_mutex_t lock;
	struct meter *first;
	struct meters_state ended;
};

void meters_init(struct meters *meters);
/* All were removed. */
void meters_fini(struct meters *meters);
void meters_add(struct meters *meters, struct meter *meter);
/* Afterwards nobody calls it. One that was never added is fine. */
void meters_remove(struct meters *meters, struct meter *meter);
void meters_read(struct meters *meters, struct hws_snapshot *snapshot);

/* Adds the words of one struct of numbers to another's: the first @size bytes. */
void meters_sum(void *to, const void *from, size_t size);

#endif
