/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The ledger of each resource: what is reserved, in one word that a single
 * compare-and-swap moves, so that it is never above the ceiling at any instant.
 *
 * A reservation must fit the ceiling together with all others, and fit by
 * itself into what is really free now, reservations made since the last look
 * included: it can't be known what of them is in use by now. The look (the
 * reader's) is kept for @refresh_ns and shared; nobody waits for it. A resource
 * with an absolute limit has no reader and needs no clock.
 */
#ifndef HWSAFE_GUARDIAN_CAPS_INTERNAL_H
#define HWSAFE_GUARDIAN_CAPS_INTERNAL_H

#include <stddef.h>

#include "guardian/access.h"
#include "guardian/caps.h"
#include "guardian/handles-internal.h"
#include "guardian/surge-internal.h"
#include "shim/once.h"

/* All zero is the default. */
struct caps_options {
	struct hws_cap_limit limits[HWS_RESOURCES];
	struct clock_source clock;
	uint64_t refresh_ns; /* how old a reading may get; 0: 100 ms */
	uint32_t tokens;     /* how many reservations at once; 0: 4096 */
};

/* What the last reading means for reservations. */
struct caps_look {
	uint64_t at;	  /* when it began */
	uint64_t ceiling; /* no more in all */
	uint64_t room;	  /* no more in one reservation */
	uint64_t
		edge; /* no more in all until the next look: what was reserved then, and the room */
	/* so far a reservation asks */
	uint64_t capacity;
	uint64_t usage;
	uint64_t pressure;
	uint64_t error; /* 0 or a positive errno */
};

enum { CAPS_LOOK_WORDS = sizeof(struct caps_look) / sizeof(uint64_t) };
enum { CAPS_BOUND_WORDS = offsetof(struct caps_look, capacity) / sizeof(uint64_t) };

struct ledger {
	struct hws_cap_limit limit;
	HWS_ONCE(struct hws_reader) reader; /* empty: the built-in one */
	char apart[64];
	_Atomic uint64_t used;
	_Atomic uint64_t peak;
	char apart_used[64];
	_Atomic uint64_t version; /* of @look: odd while it is written; 0: none yet */
	_Atomic uint64_t look[CAPS_LOOK_WORDS];
	_Atomic uint32_t looking; /* somebody is about to renew it */
	_Atomic uint64_t denied[HWS_REASONS];
	struct surge surge; /* only with a budget */
};

struct caps {
	int root; /* borrowed */
	struct clock_source clock;
	uint64_t refresh_ns;
	struct handles tokens;
	struct ledger ledgers[HWS_RESOURCES];
};

/*
 * @root: borrowed; as sys_root_open() gave it. Reads no file.
 * 0; -EINVAL: a percentage over 100; -ENOMEM.
 */
HWS_MUST int caps_init(struct caps *caps, int root, const struct caps_options *options);
/* Nobody may use it any more; what is still reserved is forgotten. */
void caps_fini(struct caps *caps);

/*
 * NONE: *ret_token stands for it until caps_release(). CAP: over the ceiling
 * or what is free, or no token is left; NO_CAPACITY; SURGE; CLOCK; ARGUMENT:
 * no such resource, or @amount is 0. Any refusal leaves nothing reserved.
 */
HWS_MUST enum hws_reason caps_reserve(struct caps *caps, enum hws_resource resource,
				      uint64_t amount, struct hws_token *ret_token);
/* HANDLE: no reservation's token, or released before; that is counted and changes nothing. */
HWS_MUST enum hws_reason caps_release(struct caps *caps, struct hws_token token);

/* The same for who keeps the account itself: no token, and what is taken is given back in parts. */
HWS_MUST enum hws_reason caps_charge(struct caps *caps, enum hws_resource resource,
				     uint64_t amount);

/*@ requires \valid(ledger) && amount <= ledger->used;
  @ assigns ledger->used;
  @ ensures ledger->used == \old(ledger->used) - amount; */
static inline void ledger_uncharge(struct ledger *ledger, uint64_t amount)
{
	/* release: pairs with ledger_charge() */
	atomic_fetch_sub_explicit(&ledger->used, amount, memory_order_release);
}

static inline void caps_uncharge(struct caps *caps, enum hws_resource resource, uint64_t amount)
{
	ledger_uncharge(&caps->ledgers[resource], amount);
}

/* 0; -EALREADY when it was set before; -EBUSY when it just is being set; -EINVAL. */
HWS_MUST int caps_set_reader(struct caps *caps, enum hws_resource resource,
			     const struct hws_reader *reader);

/* All resources' numbers; each one's belong together. */
void caps_read(struct caps *caps, struct hws_cap_state ret_states[HWS_RESOURCES]);
/* How often a token was released that stood for nothing. */
uint64_t caps_stale_releases(const struct caps *caps);

/* The part that keeps looks: guardian/looks.c. CLOCK or NONE; *ret_look may say error. */
HWS_MUST enum hws_reason caps_look(const struct caps *caps, struct ledger *ledger,
				   struct caps_look *ret_look);
/* The same of what a reservation asks for; the rest isn't set. */
HWS_MUST enum hws_reason caps_bounds(const struct caps *caps, struct ledger *ledger,
				     struct caps_look *ret_look);

#endif
