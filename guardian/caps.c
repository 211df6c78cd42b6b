/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "guardian/caps-internal.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "shim/why-internal.h"

#define REFRESH_NS 100000000u
#define SECOND_NS  1000000000u
enum { TOKENS = 4096, NEVER = 101 };

static const struct {
	const char *name;
	struct hws_cap_limit limit;
} resources[HWS_RESOURCES] = {
	[HWS_RAM] = { "ram", { .percent = 80, .pressure = 90 } },
	[HWS_SWAP] = { "swap", { .percent = 50, .pressure = 90 } },
	[HWS_CPU] = { "cpu", { .percent = 80, .pressure = NEVER } },
	[HWS_IRQ] = { "irq", { .absolute = 256, .percent = 100, .pressure = NEVER } },
	[HWS_DMA] = { "dma", { .percent = 100, .pressure = NEVER } },
	[HWS_HEAP] = { "heap", { .percent = 80, .pressure = NEVER } },
};

const char *hws_resource_name(enum hws_resource resource)
{
	return (unsigned int)resource < HWS_RESOURCES ? resources[resource].name : "?";
}

struct hws_cap_limit hws_resource_default(enum hws_resource resource)
{
	if ((unsigned int)resource >= HWS_RESOURCES)
		return (struct hws_cap_limit) { 0 };
	return resources[resource].limit;
}

/* Defaults where @asked says nothing; asking for a percentage lifts an absolute default. */
static int complete(struct hws_cap_limit *limit, const struct hws_cap_limit *asked)
{
	if (asked->percent > 100)
		return why(-EINVAL, "a ceiling of %" PRIu32 " %% of the capacity: at most 100 %%",
			   asked->percent);
	if (asked->absolute || asked->percent)
		limit->absolute = asked->absolute;
	if (asked->percent)
		limit->percent = asked->percent;
	if (asked->pressure)
		limit->pressure = asked->pressure;
	limit->surge_budget = asked->surge_budget;
	limit->surge_window_ns = asked->surge_window_ns ? asked->surge_window_ns : SECOND_NS;
	return 0;
}

static int ledger_init(struct ledger *ledger, enum hws_resource resource,
		       const struct caps_options *options)
{
	int r;

	ledger->limit = resources[resource].limit;
	r = complete(&ledger->limit, &options->limits[resource]);
	if (r < 0 || ledger->limit.surge_budget == 0)
		return r;
	return surge_init(&ledger->surge, ledger->limit.surge_budget, ledger->limit.surge_window_ns,
			  &options->clock);
}

int caps_init(struct caps *caps, int root, const struct caps_options *options)
{
	static const struct caps_options defaults;

	if (!options)
		options = &defaults;
	memset(caps, 0, sizeof(*caps));
	caps->root = root;
	caps->clock = options->clock;
	caps->refresh_ns = options->refresh_ns ? options->refresh_ns : REFRESH_NS;
	for (int i = 0; i < HWS_RESOURCES; i++) {
		int r = ledger_init(&caps->ledgers[i], (enum hws_resource)i, options);

		if (r < 0)
			return r;
	}
	return handles_init(&caps->tokens, options->tokens ? options->tokens : TOKENS);
}

void caps_fini(struct caps *caps)
{
	handles_fini(&caps->tokens);
}

/* The peak, @used included. */
/*@ requires \valid(ledger);
  @ assigns ledger->peak;
  @ ensures \result == \max(\old(ledger->peak), used) && ledger->peak == \result; */
static uint64_t note_peak(struct ledger *ledger, uint64_t used)
{
	uint64_t peak = atomic_load_explicit(&ledger->peak, memory_order_relaxed);

	/*@ loop invariant peak == ledger->peak == \at(ledger->peak, Pre);
	  @ loop assigns peak, ledger->peak;
	  @ loop variant used - peak; */
	while (peak < used)
		if (atomic_compare_exchange_weak_explicit(
			    &ledger->peak, &peak, used, memory_order_relaxed, memory_order_relaxed))
			return used;
	return peak;
}

/*@ requires \valid_read(look);
  @ assigns \nothing;
  @ ensures \result <==> amount <= look->room && used + amount <= look->edge; */
static bool has_room(const struct caps_look *look, uint64_t used, uint64_t amount)
{
	return amount <= look->room && hws_range_ok(used, amount, look->edge);
}

/*@ requires \valid(ledger) && \valid_read(look) && \separated(ledger, look);
  @ assigns ledger->used, ledger->peak;
  @ ensures \result <==> amount <= look->room && \old(ledger->used) + amount <= look->edge;
  @ ensures ledger->used == \old(ledger->used) + (\result ? amount : 0); */
static bool ledger_charge(struct ledger *ledger, const struct caps_look *look, uint64_t amount)
{
	uint64_t used = atomic_load_explicit(&ledger->used, memory_order_relaxed);

	/*@ loop invariant used == ledger->used == \at(ledger->used, Pre);
	  @ loop assigns used, ledger->used;
	  @ loop variant 1; */
	do {
		if (!has_room(look, used, amount))
			return false;
		/* acquire: what the releases before it freed is free */
	} while (!atomic_compare_exchange_weak_explicit(
		&ledger->used, &used, used + amount, memory_order_acquire, memory_order_relaxed));
	note_peak(ledger, used + amount);
	return true;
}

/* Both checks, cap first; what the second refuses is taken out of the first. */
static enum hws_reason ledger_reserve(struct ledger *ledger, const struct caps_look *look,
				      uint64_t amount)
{
	struct surge_grant grant;
	enum hws_reason reason;

	if (look->ceiling == 0)
		return HWS_REASON_NO_CAPACITY;
	if (!ledger_charge(ledger, look, amount))
		return HWS_REASON_CAP;
	if (ledger->limit.surge_budget == 0)
		return HWS_REASON_NONE;
	reason = surge_take(&ledger->surge, amount, &grant);
	if (reason != HWS_REASON_NONE)
		ledger_uncharge(ledger, amount);
	return reason;
}

static enum hws_reason deny(const struct caps *caps, struct ledger *ledger, uint64_t amount,
			    enum hws_reason reason)
{
	struct caps_look look = { 0 };
	const char *name = resources[ledger - caps->ledgers].name;
	uint64_t used = atomic_load_explicit(&ledger->used, memory_order_relaxed);

	atomic_fetch_add_explicit(&ledger->denied[reason], 1, memory_order_relaxed);
	if (caps_look(caps, ledger, &look) != HWS_REASON_NONE)
		look.error = EIO;
	if (reason == HWS_REASON_CLOCK)
		(void)why(-EDQUOT, "%s: the clock failed; nothing is granted until it works", name);
	else if (reason == HWS_REASON_SURGE)
		(void)why(-EDQUOT,
			  "%s: %" PRIu64 " more would exceed %" PRIu64 " in %" PRIu64
			  " ns: ask more slowly, or raise the surge budget",
			  name, amount, ledger->limit.surge_budget, ledger->limit.surge_window_ns);
	else if (look.error)
		(void)why(-EDQUOT,
			  "%s: its capacity can't be read (%s); set an absolute limit, or "
			  "another reader",
			  name, strerror((int)look.error));
	else if (reason == HWS_REASON_NO_CAPACITY)
		(void)why(-EDQUOT, "%s: there is none on this machine", name);
	else
		(void)why(-EDQUOT,
			  "%s: %" PRIu64 " more would exceed the ceiling of %" PRIu64 " (%" PRIu64
			  " reserved, %" PRIu64 " in use by all): release some, or raise the cap",
			  name, amount, look.ceiling, used, look.usage);
	return reason;
}

static __attribute__((noinline)) enum hws_reason charge(const struct caps *caps,
							struct ledger *ledger, uint64_t amount)
{
	struct caps_look look;
	enum hws_reason reason = caps_bounds(caps, ledger, &look);

	if (reason == HWS_REASON_NONE)
		reason = ledger_reserve(ledger, &look, amount);
	return reason == HWS_REASON_NONE ? reason : deny(caps, ledger, amount, reason);
}

enum hws_reason caps_charge(struct caps *caps, enum hws_resource resource, uint64_t amount)
{
	if ((unsigned int)resource < HWS_RESOURCES && amount > 0)
		return charge(caps, &caps->ledgers[resource], amount);
	(void)why(-EINVAL, "a reservation of nothing, or of an unknown resource");
	return HWS_REASON_ARGUMENT;
}

static enum hws_reason no_token(struct caps *caps, enum hws_resource resource)
{
	if ((unsigned int)resource < HWS_RESOURCES)
		/* relaxed: a count orders nothing */
		atomic_fetch_add_explicit(&caps->ledgers[resource].denied[HWS_REASON_CAP], 1,
					  memory_order_relaxed);
	(void)why(-EDQUOT,
		  "all %" PRIu32 " tokens are in use: release some, or reserve more at once",
		  caps->tokens.count);
	return HWS_REASON_CAP;
}

enum hws_reason caps_reserve(struct caps *caps, enum hws_resource resource, uint64_t amount,
			     struct hws_token *ret_token)
{
	struct handle_slot *slot = handles_claim(&caps->tokens);
	struct handle handle;
	enum hws_reason reason;

	if (!slot)
		return no_token(caps, resource);
	reason = caps_charge(caps, resource, amount);
	if (reason != HWS_REASON_NONE) {
		handles_drop(slot);
		return reason;
	}
	handle = handles_publish(&caps->tokens, slot,
				 (struct handle_value) { (uint64_t)resource, amount });
	*ret_token = (struct hws_token) { handle.id, handle.generation };
	return HWS_REASON_NONE;
}

enum hws_reason caps_release(struct caps *caps, struct hws_token token)
{
	struct handle handle = { token.id, token.generation };
	struct handle_value reserved;

	if (handles_end(&caps->tokens, handle, &reserved) < 0) {
		(void)why(-ESTALE, "this token stands for no reservation here: released before, or "
				   "another context's");
		return HWS_REASON_HANDLE;
	}
	ledger_uncharge(&caps->ledgers[reserved.kind], reserved.value);
	return HWS_REASON_NONE;
}

static uint64_t denied(const struct ledger *ledger, enum hws_reason reason)
{
	return atomic_load_explicit(&ledger->denied[reason], memory_order_relaxed);
}

static void read_one(struct caps *caps, enum hws_resource resource, struct hws_cap_state *ret_state)
{
	struct ledger *ledger = &caps->ledgers[resource];
	struct surge_numbers surge = { 0 };
	struct caps_look look = { 0 };

	if (caps_look(caps, ledger, &look) != HWS_REASON_NONE)
		look.error = EIO;
	if (ledger->limit.surge_budget)
		surge_read(&ledger->surge, &surge);
	*ret_state = (struct hws_cap_state) {
		.capacity = look.capacity,
		.ceiling = look.ceiling,
		.usage = look.usage,
		.pressure = (uint32_t)look.pressure,
		.error = -(int32_t)look.error,
		.used = atomic_load_explicit(&ledger->used, memory_order_relaxed),
		.denied_cap = denied(ledger, HWS_REASON_CAP),
		.denied_no_capacity = denied(ledger, HWS_REASON_NO_CAPACITY),
		.denied_surge = denied(ledger, HWS_REASON_SURGE),
		.denied_clock = denied(ledger, HWS_REASON_CLOCK),
		.surge_budget = surge.budget,
		.surge_window_ns = surge.window,
		.surge_used = surge.used,
	};
	/* who reached it notes it right after; this may be in between */
	ret_state->peak = note_peak(ledger, ret_state->used);
}

void caps_read(struct caps *caps, struct hws_cap_state ret_states[HWS_RESOURCES])
{
	for (int i = 0; i < HWS_RESOURCES; i++)
		read_one(caps, (enum hws_resource)i, &ret_states[i]);
}

uint64_t caps_stale_releases(const struct caps *caps)
{
	return handles_stale(&caps->tokens);
}
