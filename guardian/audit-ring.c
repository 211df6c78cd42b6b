/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "guardian/audit-ring-internal.h"

#include <string.h>
#include <sys/mman.h>

#include "shim/sys-internal.h"

enum {
	BUSY = 1,
	LOST = 2,
	STATE_BITS = 2,
};

_Static_assert(sizeof(struct hws_event) == 176, "a new size is a new HWS_EVENT_VERSION");
_Static_assert(sizeof(struct ring_slot) == 192, "three cache lines");

int ring_init(struct audit_ring *ring, uint64_t size)
{
	void *slots;
	int r = sys_mmap(NULL, size * sizeof(struct ring_slot), PROT_READ | PROT_WRITE,
			 MAP_PRIVATE | MAP_ANONYMOUS, -1, 0, &slots);

	if (r < 0)
		return r;
	ring->slots = slots;
	ring->size = size;
	ring->head = 0;
	return 0;
}

void ring_fini(struct audit_ring *ring)
{
	if (ring->slots)
		sys_munmap(ring->slots, ring->size * sizeof(struct ring_slot));
	ring->slots = NULL;
}

/* May the holder of @sequence write into the slot? */
static bool slot_enter(struct ring_slot *slot, uint64_t sequence)
{
	uint64_t state = __atomic_load_n(&slot->state, __ATOMIC_RELAXED);
	uint64_t mine;

	do {
		if (state >> STATE_BITS > sequence)
			return false; /* a lap behind: it would be overwritten anyway */
		mine = sequence << STATE_BITS | BUSY | (state & BUSY ? LOST : 0);
		/* acquire: pairs with slot_leave(); our words come after those of the one before */
	} while (!__atomic_compare_exchange_n(&slot->state, &state, mine, true, __ATOMIC_ACQUIRE,
					      __ATOMIC_RELAXED));
	return !(mine & LOST);
}

/* Leaves LOST there if somebody put it there meanwhile. */
static void slot_leave(struct ring_slot *slot)
{
	/* release: pairs with slot_enter() and ring_get(); the words come first */
	__atomic_fetch_and(&slot->state, ~(uint64_t)BUSY, __ATOMIC_RELEASE);
}

static struct ring_slot *slot_of(const struct audit_ring *ring, uint64_t sequence)
{
	return &ring->slots[sequence & (ring->size - 1)];
}

uint64_t ring_put(struct audit_ring *ring, struct hws_event *event)
{
	/* relaxed: only hands out numbers; the slot's state orders what is written */
	uint64_t sequence = __atomic_add_fetch(&ring->head, 1, __ATOMIC_RELAXED);
	struct ring_slot *slot = slot_of(ring, sequence);
	uint64_t words[RING_WORDS];

	event->sequence = sequence;
	if (!slot_enter(slot, sequence))
		return sequence;
	memcpy(words, event, sizeof(words));
	for (unsigned int i = 0; i < RING_WORDS; i++)
		/* release: who reads this word then also sees that the slot was BUSY */
		__atomic_store_n(&slot->words[i], words[i], __ATOMIC_RELEASE);
	slot_leave(slot);
	return sequence;
}

enum ring_look ring_get(const struct audit_ring *ring, uint64_t sequence,
			struct hws_event *ret_event)
{
	const struct ring_slot *slot = slot_of(ring, sequence);
	/* acquire: pairs with slot_leave(); the words are there */
	uint64_t state = __atomic_load_n(&slot->state, __ATOMIC_ACQUIRE);
	uint64_t words[RING_WORDS];

	if (state >> STATE_BITS < sequence || state == (sequence << STATE_BITS | BUSY))
		return RING_PENDING;
	if (state != sequence << STATE_BITS)
		return RING_GONE;
	for (unsigned int i = 0; i < RING_WORDS; i++)
		/* acquire: pairs with ring_put(); a newer word makes the check below fail */
		words[i] = __atomic_load_n(&slot->words[i], __ATOMIC_ACQUIRE);
	if (__atomic_load_n(&slot->state, __ATOMIC_RELAXED) != state)
		return RING_GONE;
	memcpy(ret_event, words, sizeof(words));
	return RING_HERE;
}

uint64_t ring_head(const struct audit_ring *ring)
{
	/* acquire: who counts on "recorded before I asked" gets at least that */
	return __atomic_load_n(&ring->head, __ATOMIC_ACQUIRE);
}

uint64_t ring_tail(const struct audit_ring *ring, uint64_t head)
{
	return head > ring->size ? head - ring->size + 1 : 1;
}
