/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The ring of events: any thread puts, any thread looks, nobody waits.
 *
 * A slot's state is a sequence and two bits: BUSY while somebody writes into
 * it, LOST when that sequence's event will never be there. Who finds the slot
 * busy (its writer was stopped for a whole lap) only leaves its sequence and
 * LOST there, so that readers needn't wait for it.
 */
#ifndef HWSAFE_GUARDIAN_AUDIT_RING_INTERNAL_H
#define HWSAFE_GUARDIAN_AUDIT_RING_INTERNAL_H

#include "guardian/audit.h"

enum { RING_WORDS = sizeof(struct hws_event) / sizeof(uint64_t) };

struct ring_slot {
	uint64_t state;
	uint64_t words[RING_WORDS];
} __attribute__((aligned(64)));

struct audit_ring {
	struct ring_slot *slots;
	uint64_t size;				    /* a power of two */
	uint64_t head __attribute__((aligned(64))); /* the last sequence that was taken */
};

enum ring_look {
	RING_HERE = 0,
	RING_PENDING, /* its writer isn't done yet */
	RING_GONE,    /* overwritten, or never written */
};

/* @size is a power of two. */
HWS_MUST int ring_init(struct audit_ring *ring, uint64_t size);
void ring_fini(struct audit_ring *ring);
/* Gives the event the next sequence and puts it there; the sequence. */
uint64_t ring_put(struct audit_ring *ring, struct hws_event *event);
/* The event of a sequence that was taken. */
enum ring_look ring_get(const struct audit_ring *ring, uint64_t sequence,
			struct hws_event *ret_event);
uint64_t ring_head(const struct audit_ring *ring);
/* The oldest sequence that may still be there. */
uint64_t ring_tail(const struct audit_ring *ring, uint64_t head);

#endif
