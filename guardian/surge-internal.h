/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A strict sliding window: no half-open interval of length @window, at any
 * phase, ever sees more than @budget granted. Lock-free, of fixed size.
 *
 * It is a ledger whose entries release themselves. @used counts what was
 * charged and has not been released; a charge is a compare-and-swap that keeps
 * used <= budget. A grant is of what is charged; it is then stamped with the
 * time and written down in the slot of that time's quantum. Once the youngest
 * stamp that a quantum can hold is @window old, whoever comes by moves the
 * slot's count out of @used.
 *
 * Why no window ever sees more than the budget: suppose the grants stamped in
 * some [a, a + W) add up to more. Take the one that was charged last, G. Since
 * used <= budget right after that charge, another one of them, H, had been
 * released by then, so somebody had read a time >= stamp(H) + W >= a + W. G
 * read its stamp after its charge, hence after that: stamp(G) >= a + W, and G
 * is not in the interval. What is late (a thread that sleeps between charge
 * and stamp, or between stamp and slot) stays in @used meanwhile: late is
 * strict, too.
 *
 * What strictness costs: a grant counts for W and at most one quantum more. A
 * quantum is between W/62 and W/124 (1 ns where W is less), so that a dense
 * train gets at least 62/63 of what an exact log of all grants would give.
 *
 * Time that runs backwards is taken to stand still until the clock has caught
 * up with what was already acted upon: grants end with the budget and come
 * again. A clock that fails denies; nothing stays charged.
 */
#ifndef HWSAFE_GUARDIAN_SURGE_INTERNAL_H
#define HWSAFE_GUARDIAN_SURGE_INTERNAL_H

#include <stdatomic.h>

#include "guardian/access.h"
#include "guardian/clock-internal.h"

enum { SURGE_SLOTS = 128, SURGE_STRIPES = 4 };

/*
 * Threads are spread over stripes, so that two rarely write the same line. A
 * stripe holds grains ready that are charged already; what it holds while
 * others need it is gathered before anything is denied.
 */
struct surge_stripe {
	_Atomic uint64_t ready;
	_Atomic uint64_t denied;
	_Atomic uint64_t clock_failures;
	_Atomic uint64_t slots[SURGE_SLOTS]; /* upper half: which lap of the ring; lower: grains */
	char apart[64];
};

struct surge {
	uint64_t budget; /* in grains, as @used */
	uint32_t grain;	 /* a grain is 2^grain; amounts round up to grains, the budget down */
	uint64_t window; /* nanoseconds */
	uint32_t shift;	 /* a quantum is 2^shift nanoseconds */
	struct clock_source clock;
	char apart[64]; /* what is written by all keeps off the lines that are only read */
	_Atomic uint64_t used;
	char apart_used[64];
	_Atomic uint64_t front;	 /* the first quantum that has not been released */
	_Atomic uint64_t latest; /* the latest time by which anything was released */
	char apart_front[64];
	struct surge_stripe stripes[SURGE_STRIPES];
};

/* A grant, as surge_undo() wants it back; all zero is none. */
struct surge_grant {
	struct surge_stripe *stripe;
	uint64_t quantum;
	uint64_t grains;
};

struct surge_numbers {
	uint64_t budget;
	uint64_t window;
	uint64_t used; /* granted and still in the window; an upper bound */
	uint64_t denied;
	uint64_t clock_failures;
};

/* -EINVAL when @budget or @window is 0. There is nothing to release in the end. */
HWS_MUST int surge_init(struct surge *surge, uint64_t budget, uint64_t window,
			const struct clock_source *clock);
/* NONE: granted; SURGE: over the budget; CLOCK: the clock failed; ARGUMENT: @amount is 0. */
HWS_MUST enum hws_reason surge_take(struct surge *surge, uint64_t amount,
				    struct surge_grant *ret_grant);
/* Takes back, once, a grant that was not used because another check refused. */
void surge_undo(struct surge *surge, const struct surge_grant *grant);
void surge_read(struct surge *surge, struct surge_numbers *ret_numbers);

#endif
