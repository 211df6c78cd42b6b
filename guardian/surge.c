/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "guardian/surge-internal.h"

#include <errno.h>
#include <string.h>

/* Grains must fit the lower half of a slot, also when one slot holds the whole budget. */
#define GRAINS_MAX 0x7fffffffu
/* A stripe charges at most so many times a request ahead, and this part of the rest. */
enum { AHEAD = 64, PART = 8 };

/* A slot's word: the lap of the ring in which it was written, and the grains written then. */
static uint64_t slot_word(uint64_t quantum, uint64_t grains)
{
	return (quantum / SURGE_SLOTS) << 32 | grains;
}

static bool same_lap(uint64_t word, uint64_t quantum)
{
	return word >> 32 == (uint32_t)(quantum / SURGE_SLOTS);
}

static uint32_t slot_grains(uint64_t word)
{
	return (uint32_t)word;
}

static _Atomic uint64_t *slot_of(struct surge_stripe *stripe, uint64_t quantum)
{
	return &stripe->slots[quantum % SURGE_SLOTS];
}

/* This thread's stripe: threads take turns. */
static struct surge_stripe *own_stripe(struct surge *surge)
{
	static _Atomic uint32_t threads;
	static _Thread_local uint32_t own;

	/* relaxed: any number will do */
	if (own == 0)
		own = atomic_fetch_add_explicit(&threads, 1, memory_order_relaxed) | 1u << 31;
	return &surge->stripes[own % SURGE_STRIPES];
}

/*
 * The first quantum that still counts at @now: quantum k's youngest stamp,
 * (k + 1) * 2^shift - 1, is @window old iff (k + 1) * 2^shift <= now - window + 1.
 */
/*@ requires \valid_read(surge) && surge->window > 0 && surge->shift < 64;
  @ assigns \nothing;
  @ ensures now < surge->window - 1 ==> \result == 0;
  @ ensures now >= surge->window - 1 ==>
  @	\result == (now - (surge->window - 1)) >> surge->shift; */
static uint64_t first_live(const struct surge *surge, uint64_t now)
{
	return now < surge->window - 1 ? 0 : (now - (surge->window - 1)) >> surge->shift;
}

/* The time, but never before what was already acted upon. */
static int surge_now(struct surge *surge, uint64_t *ret_now)
{
	/* acquire: pairs with the release in raise_to() */
	uint64_t latest = atomic_load_explicit(&surge->latest, memory_order_acquire);
	uint64_t now;
	int r = clock_now(&surge->clock, &now);

	if (r < 0)
		return r;
	*ret_now = now > latest ? now : latest;
	return 0;
}

static void raise_to(_Atomic uint64_t *number, uint64_t to)
{
	uint64_t seen = atomic_load_explicit(number, memory_order_relaxed);

	/* release: pairs with the acquire in surge_now() */
	while (seen < to && !atomic_compare_exchange_weak_explicit(
				    number, &seen, to, memory_order_release, memory_order_relaxed))
		;
}

/*
 * What else a stripe charges ahead when it charges @grains: less and less as the budget nears its
 * end, and all of it stays within.
 */
/*@ requires used + grains <= budget && grains <= GRAINS_MAX;
  @ assigns \nothing;
  @ ensures used + grains + \result <= budget;
  @ ensures \result <= AHEAD * grains; */
static uint64_t charge_ahead(uint64_t budget, uint64_t used, uint64_t grains)
{
	uint64_t ahead = (budget - used - grains) / (SURGE_STRIPES * PART);

	return ahead < AHEAD * grains ? ahead : AHEAD * grains;
}

/* Charges @grains and, while plenty is left, some more for the stripe's next ones. */
/*@ requires \valid(surge) && \valid(stripe) && \separated(&surge->used, &stripe->ready);
  @ requires stripe->ready <= surge->used <= surge->budget <= GRAINS_MAX && grains <= GRAINS_MAX;
  @ assigns surge->used, stripe->ready;
  @ ensures \result <==> \old(surge->used) + grains <= surge->budget;
  @ ensures surge->used <= surge->budget;
  @ ensures surge->used - \old(surge->used) ==
  @	(\result ? grains : 0) + (stripe->ready - \old(stripe->ready)); */
static bool surge_charge(struct surge *surge, struct surge_stripe *stripe, uint64_t grains)
{
	uint64_t used = atomic_load_explicit(&surge->used, memory_order_relaxed);
	uint64_t ahead;

	/*@ loop invariant used == surge->used == \at(surge->used, Pre);
	  @ loop assigns used, surge->used, ahead;
	  @ loop variant 1; */
	do {
		if (!hws_range_ok(used, grains, surge->budget))
			return false;
		ahead = charge_ahead(surge->budget, used, grains);
		/* acq_rel: after the releases that made room, before the stamp is read */
	} while (!atomic_compare_exchange_weak_explicit(&surge->used, &used, used + grains + ahead,
							memory_order_acq_rel,
							memory_order_relaxed));
	if (ahead)
		/* release: pairs with take_ready() and gather() */
		atomic_fetch_add_explicit(&stripe->ready, ahead, memory_order_release);
	return true;
}

/* From what the stripe holds ready. */
/*@ requires \valid(stripe);
  @ assigns stripe->ready;
  @ ensures \result <==> \old(stripe->ready) >= grains;
  @ ensures stripe->ready == \old(stripe->ready) - (\result ? grains : 0); */
static bool take_ready(struct surge_stripe *stripe, uint64_t grains)
{
	uint64_t ready = atomic_load_explicit(&stripe->ready, memory_order_relaxed);

	/*@ loop invariant ready == stripe->ready == \at(stripe->ready, Pre);
	  @ loop assigns ready, stripe->ready;
	  @ loop variant 1; */
	while (ready >= grains)
		/* acquire: after the charge, which comes before the stamp */
		if (atomic_compare_exchange_weak_explicit(&stripe->ready, &ready, ready - grains,
							  memory_order_acquire,
							  memory_order_relaxed))
			return true;
	return false;
}

/*@ requires \valid(surge) && grains <= surge->used;
  @ assigns surge->used;
  @ ensures surge->used == \old(surge->used) - grains; */
static void surge_uncharge(struct surge *surge, uint64_t grains)
{
	/* release: pairs with surge_charge(); the time that allows this was read before */
	atomic_fetch_sub_explicit(&surge->used, grains, memory_order_release);
}

/*
 * Has what @word holds left the window? @word stands in the slot of @quantum,
 * which has. That may be old news by now, so a word of another lap is judged
 * by a time read after it: nothing was stamped past the quantum that follows
 * that time (a clock that ran backwards stands still less than a quantum back),
 * and so few quanta are live that the slot can hold but one of them.
 */
static bool expired(struct surge *surge, uint64_t word, uint64_t quantum)
{
	uint64_t now;
	uint64_t last;

	if (same_lap(word, quantum))
		return true;
	if (surge_now(surge, &now) < 0)
		return false;
	raise_to(&surge->latest, now);
	last = (now >> surge->shift) + 1;
	last -= (last - quantum) % SURGE_SLOTS;
	return last < first_live(surge, now) || !same_lap(word, last);
}

/* The swap moves exactly what was judged, once: an equal word is of an equal lap (mod 2^32). */
static void release_slot(struct surge *surge, struct surge_stripe *stripe, uint64_t quantum)
{
	_Atomic uint64_t *slot = slot_of(stripe, quantum);
	uint64_t word = atomic_load_explicit(slot, memory_order_acquire);

	/* acq_rel: after the charge of what is released, which came before it was written here */
	while (slot_grains(word) && expired(surge, word, quantum))
		if (atomic_compare_exchange_weak_explicit(slot, &word, word - slot_grains(word),
							  memory_order_acq_rel,
							  memory_order_acquire)) {
			surge_uncharge(surge, slot_grains(word));
			return;
		}
}

static void surge_expire(struct surge *surge, uint64_t now)
{
	uint64_t front = atomic_load_explicit(&surge->front, memory_order_relaxed);
	uint64_t live = first_live(surge, now);

	if (live <= front)
		return;
	/* before anything is released: who is let in by that may not read an earlier time */
	raise_to(&surge->latest, now);
	for (uint64_t k = live - front > SURGE_SLOTS ? live - SURGE_SLOTS : front; k < live; k++)
		for (int i = 0; i < SURGE_STRIPES; i++)
			release_slot(surge, &surge->stripes[i], k);
	raise_to(&surge->front, live);
}

/*
 * Writes a charged grant down in the slot of a time read after the charge. What
 * stands there of an earlier lap is replaced and released; of a later lap: this
 * thread has slept since it read the time, and reads it again.
 */
static int surge_stamp(struct surge *surge, struct surge_stripe *stripe, uint64_t grains,
		       uint64_t *ret_quantum)
{
	uint64_t now;

	for (;;) {
		_Atomic uint64_t *slot;
		uint64_t quantum;
		uint64_t word;
		uint64_t fresh;
		int r = surge_now(surge, &now);

		if (r < 0)
			return r;
		surge_expire(surge, now);
		quantum = now >> surge->shift;
		slot = slot_of(stripe, quantum);
		word = atomic_load_explicit(slot, memory_order_acquire);
		fresh = slot_word(quantum, grains);
		if (same_lap(word, quantum))
			fresh += slot_grains(word);
		else if (!expired(surge, word, quantum))
			continue;
		if (!atomic_compare_exchange_strong_explicit(
			    slot, &word, fresh, memory_order_acq_rel, memory_order_relaxed))
			continue;
		if (!same_lap(word, quantum) && slot_grains(word))
			surge_uncharge(surge, slot_grains(word));
		*ret_quantum = quantum;
		return 0;
	}
}

static enum hws_reason refused(_Atomic uint64_t *counter, enum hws_reason reason)
{
	atomic_fetch_add_explicit(counter, 1, memory_order_relaxed);
	return reason;
}

int surge_init(struct surge *surge, uint64_t budget, uint64_t window,
	       const struct clock_source *clock)
{
	if (budget == 0 || window == 0)
		return -EINVAL;
	memset(surge, 0, sizeof(*surge));
	while (budget >> surge->grain > GRAINS_MAX)
		surge->grain++;
	surge->budget = budget >> surge->grain;
	surge->window = window;
	surge->clock = clock ? *clock : (struct clock_source) { 0 };
	/* live quanta are at most (window >> shift) + 2; one lap holds them with room to spare */
	while (window >> surge->shift > SURGE_SLOTS - 4)
		surge->shift++;
	return 0;
}

static void gather(struct surge *surge)
{
	for (int i = 0; i < SURGE_STRIPES; i++) {
		_Atomic uint64_t *ready = &surge->stripes[i].ready;

		if (atomic_load_explicit(ready, memory_order_relaxed))
			/* acquire: after the charge that is taken back */
			surge_uncharge(surge,
				       atomic_exchange_explicit(ready, 0, memory_order_acquire));
	}
}

/* The slow way: what has left the window, or lies ready elsewhere, makes room. */
static enum hws_reason make_room(struct surge *surge, struct surge_stripe *stripe, uint64_t grains)
{
	uint64_t now;

	if (surge_now(surge, &now) < 0)
		return HWS_REASON_CLOCK;
	surge_expire(surge, now);
	if (surge_charge(surge, stripe, grains))
		return HWS_REASON_NONE;
	gather(surge);
	return surge_charge(surge, stripe, grains) ? HWS_REASON_NONE : HWS_REASON_SURGE;
}

enum hws_reason surge_take(struct surge *surge, uint64_t amount, struct surge_grant *ret_grant)
{
	struct surge_stripe *stripe = own_stripe(surge);
	uint64_t grains = amount ? ((amount - 1) >> surge->grain) + 1 : 0;
	enum hws_reason reason;
	uint64_t quantum;

	if (amount == 0)
		return HWS_REASON_ARGUMENT;
	if (!take_ready(stripe, grains) && !surge_charge(surge, stripe, grains)) {
		reason = make_room(surge, stripe, grains);
		if (reason != HWS_REASON_NONE)
			return refused(reason == HWS_REASON_CLOCK ? &stripe->clock_failures
								  : &stripe->denied,
				       reason);
	}
	if (surge_stamp(surge, stripe, grains, &quantum) < 0) {
		surge_uncharge(surge, grains);
		return refused(&stripe->clock_failures, HWS_REASON_CLOCK);
	}
	*ret_grant = (struct surge_grant) { stripe, quantum, grains };
	return HWS_REASON_NONE;
}

/*
 * What stands in the slot of the same lap was stamped in the same quantum: its
 * grains are worth the same, whosever they are. None there: already released.
 */
void surge_undo(struct surge *surge, const struct surge_grant *grant)
{
	_Atomic uint64_t *slot;
	uint64_t word;

	if (grant->grains == 0)
		return;
	slot = slot_of(grant->stripe, grant->quantum);
	word = atomic_load_explicit(slot, memory_order_relaxed);
	while (same_lap(word, grant->quantum) && slot_grains(word) >= grant->grains)
		if (atomic_compare_exchange_weak_explicit(slot, &word, word - grant->grains,
							  memory_order_acq_rel,
							  memory_order_relaxed)) {
			surge_uncharge(surge, grant->grains);
			return;
		}
}

void surge_read(struct surge *surge, struct surge_numbers *ret_numbers)
{
	struct surge_numbers numbers = { .budget = surge->budget << surge->grain,
					 .window = surge->window };
	uint64_t now;

	if (surge_now(surge, &now) == 0)
		surge_expire(surge, now);
	gather(surge);
	numbers.used = atomic_load_explicit(&surge->used, memory_order_relaxed) << surge->grain;
	for (int i = 0; i < SURGE_STRIPES; i++) {
		struct surge_stripe *stripe = &surge->stripes[i];

		numbers.denied += atomic_load_explicit(&stripe->denied, memory_order_relaxed);
		numbers.clock_failures +=
			atomic_load_explicit(&stripe->clock_failures, memory_order_relaxed);
	}
	*ret_numbers = numbers;
}
