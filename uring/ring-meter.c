/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A ring's numbers for the context's snapshots. The ring's thread counts without
 * any locked instruction, so others can't look: it copies what it has counted
 * whenever it waits, and whoever looks gets a whole copy.
 */
#include <stdatomic.h>
#include <stdlib.h>

#include "guardian/context-internal.h"
#include "shim/why-internal.h"
#include "uring/ring-internal.h"

enum {
	WORDS = sizeof(struct hws_rings_state) / sizeof(uint64_t),
	LOOKS = 10000, /* copying takes nanoseconds; but its thread may be stopped in the midst */
	PATIENT = 100, /* so many before the processor is left to that thread */
};

_Static_assert(sizeof(struct hws_rings_state) % sizeof(uint64_t) == 0, "it is words and no more");

struct ring_meter {
	struct meter meter;
	struct hws *hw;
	uint32_t backend;
	_Atomic uint32_t sequence; /* odd while it is being written */
	_Atomic uint64_t words[WORDS];
};

static struct hws_rings_state state_of(const struct hws_ring *ring)
{
	const struct ring_stats *of = &ring->stats;

	return (struct hws_rings_state) {
		.opened = 1,
		.submitted = of->submitted,
		.delivered = of->delivered,
		.reclaimed = of->reclaimed,
		.lost = of->lost,
		.retried = of->retried,
		.resumed = of->resumed,
		.cancels = of->cancels,
		.overflows = of->overflows,
		.bounced = of->bounced,
		.enters = of->enters,
		.enter_errors = of->enter_errors,
		.open = 1,
		.deferring = ring->defers,
		.registered = ring->registered,
		.guarded = ring->guarded,
		.reduced = ring->reduced[0] != '\0',
		.broken = ring->broken != 0,
		.in_flight = ring_used(ring),
		.orphans = of->orphans,
		.orphan_bytes = of->orphan_bytes,
	};
}

void ring_publish(struct hws_ring *ring)
{
	struct ring_meter *to = ring->meter;
	struct hws_rings_state now = state_of(ring);
	const uint64_t *from = (const uint64_t *)&now;
	uint32_t sequence = atomic_load_explicit(&to->sequence, memory_order_relaxed);

	/* release, all of them: pairs with look(); none is seen before the ones above it */
	atomic_store_explicit(&to->sequence, sequence + 1, memory_order_release);
	for (int i = 0; i < WORDS; i++)
		atomic_store_explicit(&to->words[i], from[i], memory_order_release);
	atomic_store_explicit(&to->sequence, sequence + 2, memory_order_release);
}

/* Is what was copied of one moment? */
static bool look(struct ring_meter *from, uint64_t *to)
{
	/* acquire, but the last: pairs with ring_publish(); none is older than the ones above it */
	uint32_t sequence = atomic_load_explicit(&from->sequence, memory_order_acquire);

	for (int i = 0; i < WORDS; i++)
		to[i] = atomic_load_explicit(&from->words[i], memory_order_acquire);
	return sequence % 2 == 0 &&
	       atomic_load_explicit(&from->sequence, memory_order_relaxed) == sequence;
}

static void add(struct meter *meter, struct meters_state *into, bool open)
{
	struct ring_meter *from = (struct ring_meter *)meter;
	struct hws_rings_state now;
	int looks = 0;

	while (!look(from, (uint64_t *)&now) && looks++ < LOOKS)
		if (looks > PATIENT)
			sys_yield();
	meters_sum(&into->rings[from->backend], &now,
		   open ? sizeof(now) : offsetof(struct hws_rings_state, open));
}

int ring_meter_open(struct hws_ring *ring, struct hws *hw)
{
	struct ring_meter *meter = calloc(1, sizeof(*meter));

	if (!meter)
		return why(-ENOMEM, "no memory for a ring");
	meter->meter.add = add;
	meter->hw = context_ref(hw);
	meter->backend = ring->backend->number;
	ring->meter = meter;
	ring_publish(ring);
	meters_add(&hw->meters, &meter->meter);
	return 0;
}

void ring_meter_close(struct hws_ring *ring)
{
	struct ring_meter *meter = ring->meter;

	if (!meter)
		return;
	ring_publish(ring);
	meters_remove(&meter->hw->meters, &meter->meter);
	context_unref(meter->hw);
	free(meter);
}
