/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A guard counts all accesses of a class in a context; a lease, inside a
 * handle, is a piece of that count taken in advance, which its one thread uses
 * up without a locked instruction.
 *
 * Never more than the limit: @state is one word, epoch * (limit + 1) + used,
 * and used <= limit. Taking, giving back and re-arming each are one
 * compare-and-swap of it; an epoch's values are its own, and no epoch comes
 * again, so that no late swap can touch the next epoch. The word only ends:
 * with the last epoch that fits 64 bits the guard stays closed for good.
 *
 * Re-arming begins an epoch and then changes @era, which each access compares:
 * a lease of an earlier epoch is dropped at the next access, its rest charged
 * to nobody. An access that compared before the change belongs to the time
 * before it.
 *
 * While the rest is small it is handed out one by one. Idle handles may still
 * hold some of it: others are then refused early, never granted too much.
 */
#ifndef HWSAFE_GUARDIAN_GUARD_INTERNAL_H
#define HWSAFE_GUARDIAN_GUARD_INTERNAL_H

#include <stdatomic.h>

#include "guardian/access.h"
#include "guardian/clock-internal.h"
#include "guardian/guard.h"

/* The era in which every lease is stale, so that its first access takes the slow way. */
#define GUARD_NO_ERA UINT64_MAX

struct guard {
	struct hws_guard_limit limit;
	struct clock_source clock;
	const char *name;
	_Atomic uint64_t *era; /* shared; changed when a lease may no longer hold */
	_Atomic uint64_t own_era;
	_Atomic uint64_t armed_at; /* with a window: when this epoch began, or 0: not yet used */
	char apart[64];		   /* what refills write keeps off the line that accesses read */
	_Atomic uint64_t state;
	_Atomic uint64_t refused;
};

/*
 * A handle's share of a guard. Belongs to the handle's thread. One access:
 *
 *	if (!lease_spend(&lease))
 *		return refused by HWS_REASON_GUARD;
 */
struct lease {
	uint64_t left; /* accesses held ready */
	uint64_t era;  /* in which @left holds */
	const _Atomic uint64_t *era_now;
	struct guard *guard; /* shared */
	uint64_t allowance;  /* what the handle may still take from the guard, beyond @left */
	uint64_t epoch;	     /* of the guard, in which @left and @allowance hold */
};

/*
 * @era: shared; NULL: the guard's own. A context may give all its guards, and
 * whatever else revokes rights, the same one: it then costs an access a single
 * comparison; whoever changes it adds 1.
 */
HWS_MUST int guard_init(struct guard *guard, enum hws_guard_class class,
			const struct hws_guard_limit *limit, const struct clock_source *clock,
			_Atomic uint64_t *era);
/* Takes up to @most for @epoch's lease: how many; 0: closed. *epoch becomes the current one. */
HWS_MUST uint64_t guard_take(struct guard *guard, uint64_t most, uint64_t *epoch);
/* Gives back what was taken in @epoch and not used; nothing when that epoch is over. */
void guard_give(struct guard *guard, uint64_t count, uint64_t epoch);
/* The owner's call: all of the limit again. -EDQUOT once the guard's 64 bits are used up. */
HWS_MUST int guard_rearm(struct guard *guard);
void guard_read(const struct guard *guard, struct hws_guard_state *ret_state);

void lease_init(struct lease *lease, struct guard *guard);
/* Gives back what is held ready; the lease stays usable. For handles that close or pause. */
void lease_return(struct lease *lease);
/* Drops what it holds of an epoch that is over. */
void lease_look(struct lease *lease);
/* Is @left good in the current era? Refills it when it is used up; else refuses and counts that. */
HWS_MUST bool lease_refill(struct lease *lease);

/* May this access be? A few plain instructions when it may, none of them locked. */
HWS_MUST static inline bool lease_spend(struct lease *lease)
{
	/* relaxed: whoever must not miss a change has synchronized with its author */
	uint64_t era = atomic_load_explicit(lease->era_now, memory_order_relaxed);

	if (__builtin_expect(lease->era != era || lease->left == 0, 0) && !lease_refill(lease))
		return false;
	lease->left--;
	return true;
}

#endif
