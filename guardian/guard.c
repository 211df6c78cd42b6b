/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "guardian/guard-internal.h"

#include <errno.h>
#include <string.h>

#include "shim/why-internal.h"

/* A lease is at most this long, and at most this part of what is left. */
enum { LEASE_MOST = 1024, LEASE_PART = 16 };

static const struct {
	const char *name;
	uint64_t limit;
} classes[HWS_GUARDS] = {
	[HWS_GUARD_CPUID] = { "cpuid", 1024 },
	[HWS_GUARD_MSR] = { "msr", 1024 },
	[HWS_GUARD_MMIO_READ] = { "mmio-read", 10000 },
	[HWS_GUARD_MMIO_WRITE] = { "mmio-write", 10000 },
	[HWS_GUARD_PORT_READ] = { "port-read", 10000 },
	[HWS_GUARD_PORT_WRITE] = { "port-write", 10000 },
	[HWS_GUARD_PCI] = { "pci", 10000 },
};

const char *hws_guard_name(enum hws_guard_class guard)
{
	return (unsigned int)guard < HWS_GUARDS ? classes[guard].name : "?";
}

struct hws_guard_limit hws_guard_default(enum hws_guard_class guard)
{
	uint64_t limit = (unsigned int)guard < HWS_GUARDS ? classes[guard].limit : 0;

	return (struct hws_guard_limit) { .handle = limit, .context = limit };
}

/* The state at which @epoch begins; its values are this one and @limit more. */
/*@ requires \valid_read(guard) && guard->limit.context < UINT64_MAX;
  @ requires epoch * (guard->limit.context + 1) <= UINT64_MAX;
  @ assigns \nothing;
  @ ensures \result == epoch * (guard->limit.context + 1); */
static uint64_t epoch_base(const struct guard *guard, uint64_t epoch)
{
	return epoch * (guard->limit.context + 1);
}

/*@ requires \valid_read(guard) && guard->limit.context < UINT64_MAX;
  @ assigns \nothing;
  @ ensures \result == state / (guard->limit.context + 1); */
static uint64_t epoch_of(const struct guard *guard, uint64_t state)
{
	return state / (guard->limit.context + 1);
}

/*@ requires \valid_read(guard) && guard->limit.context < UINT64_MAX;
  @ assigns \nothing;
  @ ensures \result <= guard->limit.context;
  @ ensures \result == state % (guard->limit.context + 1); */
static uint64_t used_in(const struct guard *guard, uint64_t state)
{
	return state % (guard->limit.context + 1);
}

/* What the epoch of @state can still give; the last epoch may end before its limit does. */
/*@ requires \valid_read(guard) && guard->limit.context < UINT64_MAX;
  @ assigns \nothing;
  @ ensures state + \result <= UINT64_MAX;
  @ ensures state % (guard->limit.context + 1) + \result <= guard->limit.context; */
static uint64_t left_in(const struct guard *guard, uint64_t state)
{
	uint64_t left = guard->limit.context - used_in(guard, state);

	return left < UINT64_MAX - state ? left : UINT64_MAX - state;
}

int guard_init(struct guard *guard, enum hws_guard_class class, const struct hws_guard_limit *limit,
	       const struct clock_source *clock, _Atomic uint64_t *era)
{
	struct hws_guard_limit all = hws_guard_default(class);

	if (all.context == 0)
		return -EINVAL;
	if (limit && limit->handle)
		all.handle = limit->handle;
	if (limit && limit->context)
		all.context = limit->context;
	if (limit)
		all.window_ns = limit->window_ns;
	/* one value of the word is the epoch's beginning */
	if (all.context == UINT64_MAX)
		all.context--;
	memset(guard, 0, sizeof(*guard));
	guard->limit = all;
	guard->clock = clock ? *clock : (struct clock_source) { 0 };
	guard->name = hws_guard_name(class);
	guard->era = era ? era : &guard->own_era;
	return 0;
}

/* Ends @state's epoch, unless another thread just did. */
static int next_epoch(struct guard *guard, uint64_t state)
{
	uint64_t epoch = epoch_of(guard, state);

	if (epoch >= epoch_of(guard, UINT64_MAX))
		return -EDQUOT;
	while (epoch_of(guard, state) == epoch)
		if (atomic_compare_exchange_weak_explicit(
			    &guard->state, &state, epoch_base(guard, epoch + 1),
			    memory_order_acq_rel, memory_order_relaxed))
			break;
	/* release: who sees the change sees the new epoch; also when another thread began it */
	atomic_fetch_add_explicit(guard->era, 1, memory_order_release);
	return 0;
}

int guard_rearm(struct guard *guard)
{
	uint64_t state = atomic_load_explicit(&guard->state, memory_order_acquire);
	uint64_t now;

	if (guard->limit.window_ns && clock_now(&guard->clock, &now) == 0)
		atomic_store_explicit(&guard->armed_at, now, memory_order_relaxed);
	if (next_epoch(guard, state) == 0)
		return 0;
	return why(-EDQUOT,
		   "the %s guard has counted to its end and stays closed: open the "
		   "context anew",
		   guard->name);
}

/* With a window: re-arms when it is over. A clock that fails or runs backwards re-arms nothing. */
static bool window_over(struct guard *guard, uint64_t state)
{
	uint64_t armed = atomic_load_explicit(&guard->armed_at, memory_order_relaxed);
	uint64_t now;

	if (guard->limit.window_ns == 0 || clock_now(&guard->clock, &now) < 0)
		return false;
	if (now < armed || now - armed < guard->limit.window_ns)
		return false;
	/* one of the threads that see it over re-arms; the others find the new epoch */
	if (!atomic_compare_exchange_strong_explicit(&guard->armed_at, &armed, now,
						     memory_order_relaxed, memory_order_relaxed))
		return true;
	return next_epoch(guard, state) == 0;
}

/* The window of the first epoch begins with its first use. */
static void window_begin(struct guard *guard)
{
	uint64_t none = 0;
	uint64_t now;

	if (guard->limit.window_ns &&
	    atomic_load_explicit(&guard->armed_at, memory_order_relaxed) == 0 &&
	    clock_now(&guard->clock, &now) == 0)
		(void)atomic_compare_exchange_strong_explicit(
			&guard->armed_at, &none, now, memory_order_relaxed, memory_order_relaxed);
}

uint64_t guard_take(struct guard *guard, uint64_t most, uint64_t *epoch)
{
	uint64_t state = atomic_load_explicit(&guard->state, memory_order_acquire);
	uint64_t count;

	window_begin(guard);
	do {
		count = left_in(guard, state);
		if (count == 0 && window_over(guard, state)) {
			state = atomic_load_explicit(&guard->state, memory_order_acquire);
			count = left_in(guard, state);
		}
		if (count > most)
			count = most;
		/* acq_rel: the accesses this allows come after; those given back came before */
	} while (count && !atomic_compare_exchange_weak_explicit(
				  &guard->state, &state, state + count, memory_order_acq_rel,
				  memory_order_acquire));
	*epoch = epoch_of(guard, state);
	return count;
}

/*@ requires \valid(guard) && guard->limit.context < UINT64_MAX && count <= guard->state;
  @ assigns guard->state;
  @ ensures \old(guard->state) / (guard->limit.context + 1) == epoch ==>
  @	guard->state == \old(guard->state) - count;
  @ ensures \old(guard->state) / (guard->limit.context + 1) != epoch ==>
  @	guard->state == \old(guard->state); */
void guard_give(struct guard *guard, uint64_t count, uint64_t epoch)
{
	uint64_t state = atomic_load_explicit(&guard->state, memory_order_relaxed);

	/*@ loop invariant state == guard->state == \at(guard->state, Pre);
	  @ loop assigns state, guard->state;
	  @ loop variant 1; */
	while (count && epoch_of(guard, state) == epoch)
		if (atomic_compare_exchange_weak_explicit(&guard->state, &state, state - count,
							  memory_order_acq_rel,
							  memory_order_relaxed))
			return;
}

/*@ requires \valid(guard);
  @ assigns guard->refused;
  @ ensures guard->refused == \min(\old(guard->refused) + 1, UINT64_MAX); */
static void count_refusal(struct guard *guard)
{
	uint64_t refused = atomic_load_explicit(&guard->refused, memory_order_relaxed);

	/*@ loop invariant refused == guard->refused == \at(guard->refused, Pre);
	  @ loop assigns refused, guard->refused;
	  @ loop variant 1; */
	while (refused != UINT64_MAX &&
	       !atomic_compare_exchange_weak_explicit(&guard->refused, &refused, refused + 1,
						      memory_order_relaxed, memory_order_relaxed))
		;
}

void guard_read(const struct guard *guard, struct hws_guard_state *ret_state)
{
	uint64_t state = atomic_load_explicit(&guard->state, memory_order_relaxed);

	*ret_state = (struct hws_guard_state) {
		.limit = guard->limit.context,
		.window_ns = guard->limit.window_ns,
		.granted = used_in(guard, state),
		.refused = atomic_load_explicit(&guard->refused, memory_order_relaxed),
		.rearmed = epoch_of(guard, state),
	};
}

void lease_init(struct lease *lease, struct guard *guard)
{
	*lease = (struct lease) {
		.era = GUARD_NO_ERA,
		.era_now = guard->era,
		.guard = guard,
		.allowance = guard->limit.handle,
		.epoch = epoch_of(guard, atomic_load_explicit(&guard->state, memory_order_acquire)),
	};
}

/*@ requires \valid(lease) && \valid(lease->guard) && \separated(lease, lease->guard);
  @ requires lease->guard->limit.context < UINT64_MAX && lease->left <= lease->guard->state;
  @ requires lease->allowance + lease->left <= UINT64_MAX;
  @ assigns lease->left, lease->allowance, lease->guard->state;
  @ ensures lease->left == 0 && lease->allowance == \old(lease->allowance + lease->left); */
void lease_return(struct lease *lease)
{
	guard_give(lease->guard, lease->left, lease->epoch);
	lease->allowance += lease->left;
	lease->left = 0;
}

/* A lease of an epoch that is over holds nothing, and the handle's count begins anew. */
/*@ requires \valid(lease) && \valid_read(lease->guard) && \separated(lease, lease->guard);
  @ assigns lease->epoch, lease->left, lease->allowance;
  @ ensures lease->epoch == epoch;
  @ ensures \old(lease->epoch) == epoch ==>
  @	lease->left == \old(lease->left) && lease->allowance == \old(lease->allowance);
  @ ensures \old(lease->epoch) != epoch ==>
  @	lease->left == 0 && lease->allowance == lease->guard->limit.handle; */
static void lease_enter(struct lease *lease, uint64_t epoch)
{
	if (lease->epoch == epoch)
		return;
	lease->epoch = epoch;
	lease->left = 0;
	lease->allowance = lease->guard->limit.handle;
}

/*@ assigns \nothing;
  @ ensures \result == \min(a, b); */
static uint64_t at_most(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

/* How much to take ahead: less and less as the guard and the handle near their ends. */
/*@ requires \valid_read(lease) && \valid_read(lease->guard);
  @ requires lease->guard->limit.context < UINT64_MAX;
  @ assigns \nothing;
  @ ensures \result <= lease->allowance && \result <= LEASE_MOST;
  @ ensures lease->allowance > 0 ==> \result > 0; */
static uint64_t lease_length(const struct lease *lease, uint64_t state)
{
	uint64_t part = left_in(lease->guard, state) / LEASE_PART;

	return at_most(lease->allowance, part == 0 ? 1 : at_most(part, LEASE_MOST));
}

void lease_look(struct lease *lease)
{
	/* acquire: pairs with next_epoch() */
	lease_enter(lease, epoch_of(lease->guard, atomic_load_explicit(&lease->guard->state,
								       memory_order_acquire)));
}

static bool lease_refuse(struct lease *lease, const char *whose)
{
	count_refusal(lease->guard);
	(void)why(-EDQUOT,
		  "the %s guard of this %s is used up: re-arm it if so many accesses "
		  "are meant",
		  lease->guard->name, whose);
	return false;
}

bool lease_refill(struct lease *lease)
{
	struct guard *guard = lease->guard;
	uint64_t epoch;
	uint64_t state;
	uint64_t count;

	/* acquire: pairs with next_epoch(); the epoch comes after the era it may have changed */
	lease->era = atomic_load_explicit(lease->era_now, memory_order_acquire);
	state = atomic_load_explicit(&guard->state, memory_order_acquire);
	lease_enter(lease, epoch_of(guard, state));
	if (lease->left)
		return true;
	/* a handle at its end may be let on by the guard's window */
	if (lease->allowance == 0 && window_over(guard, state)) {
		state = atomic_load_explicit(&guard->state, memory_order_acquire);
		lease_enter(lease, epoch_of(guard, state));
	}
	if (lease->allowance == 0)
		return lease_refuse(lease, "handle");
	count = guard_take(guard, lease_length(lease, state), &epoch);
	lease_enter(lease, epoch);
	if (count == 0)
		return lease_refuse(lease, "context");
	lease->allowance -= count;
	lease->left = count;
	return true;
}
