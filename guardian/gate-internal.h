/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The gate in every handle: what may pass was decided when the handle was
 * made, so that an access costs a comparison and a subtraction.
 *
 *	if (!gate_pass(&gate, GATE_READ, offset, 2)) {          4 bytes: 1 << 2
 *		r = gate_ask(&gate, GATE_READ, &one);           the slow way: decides, or refuses
 *		if (r < 0)
 *			return r;
 *	}
 *
 * @words is the whole of the fast decision: how many accesses of a width lie
 * in the window. It is 0 where there is no right, where each access must be
 * judged by itself, and as soon as anything changed (a reload, a re-arming):
 * then the slow way sorts it out and puts the number back.
 */
#ifndef HWSAFE_GUARDIAN_GATE_INTERNAL_H
#define HWSAFE_GUARDIAN_GATE_INTERNAL_H

#include "guardian/context-internal.h"

enum gate_use { GATE_READ = 0, GATE_WRITE, GATE_USES };
enum { GATE_WIDTHS = 4 }; /* 1, 2, 4, 8 bytes */

struct gate {
	struct {
		_Atomic uint64_t words[GATE_WIDTHS];
		struct lease lease;
	} use[GATE_USES];

	struct hws *hw;
	struct gate *next; /* in the context's list */
	struct gate **link;
	uint64_t era; /* in which what follows was decided */
	struct rules *rules;
	struct hws_access window; /* what was asked for; its path is gone */
	struct hws_decision decision;
	bool revoked;  /* the policy changed and says no */
	bool slow;     /* no access passes by itself: its owner needs more than a load */
	uint32_t said; /* 1 + where the last words of the access that is going on are; 0: none */
	struct hws_bank *bank; /* its owner's: what is known of registers in the window, or NULL */
};

/* What a gate is opened with. */
struct gate_options {
	const struct hws_access *window;
	enum hws_guard_class guard[GATE_USES];
	bool slow;
};

/* One access through a gate, counted from the window's first. */
struct gate_access {
	uint64_t offset;
	uint32_t width;
	uint32_t cpu;
	uint32_t has; /* enum hws_access_has */
	uint64_t value;
	uint64_t old;
};

/*
 * The policy's word on a window, told and counted when it is no. What the window is to claim by its
 * rule is added to its rights.
 */
HWS_MUST int gate_check_window(struct hws *hw, const struct hws_policy_view *view,
			       struct hws_access *window, struct hws_decision *decision);

/* The same before anything of it is there: only the rules are asked, not who uses it now. */
HWS_MUST int gate_may(struct hws *hw, const struct hws_access *window);

/* Asks the policy for the window and, if it may be, sets up the gate, which must not move. */
HWS_MUST int gate_open(struct hws *hw, const struct gate_options *options, struct gate *gate);
/* All zero is closed already. */
void gate_close(struct gate *gate);

/* Has all gates ask again at their next access. The caller holds the context's lock. */
void gates_stop(struct hws *hw);

/* Would gate_ask() let it in, as far as shape and policy go? Takes nothing from guard or rate. */
HWS_MUST int gate_check(struct gate *gate, enum gate_use use, const struct gate_access *one);

/* Judges one access: 0, or a refusal, told and counted. */
HWS_MUST int gate_ask(struct gate *gate, enum gate_use use, const struct gate_access *one);
/* Is there a rule with a mask, which must know what stands there, before this write is judged? */
HWS_MUST bool gate_wants_old(struct gate *gate, const struct gate_access *one);
/*
 * May it be read for that, uncounted? 0, or a refusal. As after gate_ask(), gate_over() follows
 * when the access is over.
 */
HWS_MUST int gate_peek(struct gate *gate, const struct gate_access *one);
void gate_over(struct gate *gate);
/* From now on no access passes by itself. */
void gate_slow(struct gate *gate);
/* Its owner refuses an access, for a reason that the gate can't know; told and counted. */
int gate_refuse(struct gate *gate, enum gate_use use, const struct gate_access *one,
		enum hws_reason reason, const char *said);
/*
 * The same for what has neither offset nor width, a mapping say: has the window been taken away
 * since, does it have these rights, and does its rule's rate allow one more?
 */
HWS_MUST int gate_ask_whole_slowly(struct gate *gate, uint32_t rights);
HWS_MUST static inline int gate_ask_whole(struct gate *gate, uint32_t rights)
{
	/* nothing changed, nothing is counted: what was decided for the window holds */
	if (gate->era == gate->hw->era && !gate->revoked && !(rights & ~gate->window.rights) &&
	    !gate->decision.rate)
		return 0;
	return gate_ask_whole_slowly(gate, rights);
}
/* A refusal of such a one for @reason; told and counted. Gives the reason's code. */
int gate_deny_whole(struct gate *gate, uint32_t rights, enum hws_reason reason);
/* An access that was let through failed with @code; told and counted. Gives @code. */
int gate_failed(struct gate *gate, enum gate_use use, const struct gate_access *one, int code);

/*
 * An offset as the gate counts it, in units of 1 << @shift bytes: rotated, so that what is not
 * aligned becomes too large for any window. And back.
 */
static inline uint64_t gate_word(uint64_t offset, unsigned int shift)
{
	return shift ? offset >> shift | offset << (64 - shift) : offset;
}

static inline uint64_t gate_offset(uint64_t word, unsigned int shift)
{
	return shift ? word << shift | word >> (64 - shift) : word;
}

/* May an access of 1 << @shift bytes at @word pass at once? */
HWS_MUST static inline bool gate_pass_word(struct gate *gate, enum gate_use use, uint64_t word,
					   unsigned int shift)
{
	uint64_t *left = &gate->use[use].lease.left;
	/*
	 * SAFETY: touches the gate alone. Who stops the gate orders nothing by it; the next access
	 * sees it.
	 */
	bool inside = raw_below(word, &gate->use[use].words[shift]);

	/* below zero shows in the sign: a lease is never that large */
	return __builtin_expect(inside, 1) && __builtin_expect((int64_t)-- * left >= 0, 1);
}

HWS_MUST static inline bool gate_pass(struct gate *gate, enum gate_use use, uint64_t offset,
				      unsigned int shift)
{
	return gate_pass_word(gate, use, gate_word(offset, shift), shift);
}

/*
 * The same for @count accesses of any place in the window at once, all or none; only where that is
 * decided by the gate alone.
 */
HWS_MUST static inline bool gate_pass_many(struct gate *gate, enum gate_use use, uint64_t count)
{
	/* relaxed: as in gate_pass_word() */
	uint64_t words = atomic_load_explicit(&gate->use[use].words[0], memory_order_relaxed);
	uint64_t *left = &gate->use[use].lease.left;

	if (!words || *left < count || *left == UINT64_MAX)
		return false;
	*left -= count;
	return true;
}

#endif
