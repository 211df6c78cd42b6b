/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "guardian/gate-internal.h"

#include <errno.h>

#include "guardian/danger-internal.h"
#include "guardian/learn-internal.h"
#include "guardian/policy-internal.h"

static const uint32_t right_of[GATE_USES] = { [GATE_READ] = HWS_R, [GATE_WRITE] = HWS_W };

/* Does each access by itself need the policy's word? */
static bool is_judged(const struct gate *gate, enum gate_use use)
{
	return gate->decision.per_access || (use == GATE_WRITE && gate->decision.danger);
}

/* Which uses of the window need no second look. */
static bool passes(const struct gate *gate, enum gate_use use)
{
	return gate->window.rights & right_of[use] && !gate->revoked && !gate->slow &&
	       !is_judged(gate, use) && !gate->decision.rate && !gate->hw->last_words_always &&
	       !gate->hw->learn;
}

static void set_words(struct gate *gate, enum gate_use use, uint64_t size)
{
	for (unsigned int shift = 0; shift < GATE_WIDTHS; shift++)
		/* relaxed: as in gate_pass() */
		atomic_store_explicit(&gate->use[use].words[shift], size >> shift,
				      memory_order_relaxed);
}

static uint64_t window_size(const struct gate *gate)
{
	return gate->window.last - gate->window.first + 1;
}

void gates_stop(struct hws *hw)
{
	/* seq_cst by default: rare, and never before what it announces */
	hw->era++;
	for (struct gate *gate = hw->gates; gate; gate = gate->next) {
		for (enum gate_use use = 0; use < GATE_USES; use++)
			set_words(gate, use, 0);
	}
}

/* Brings the gate to the context's era: under another policy the window is judged anew. */
static void refresh(struct gate *gate)
{
	struct hws *hw = gate->hw;

	pthread_mutex_lock(&hw->lock);
	if (gate->rules != hw->rules) {
		rules_unref(gate->rules);
		gate->rules = rules_ref(hw->rules);
		gate->revoked =
			hws_policy_check(gate->rules->view, &gate->window, &gate->decision) < 0;
	}
	gate->era = hw->era;
	for (enum gate_use use = 0; use < GATE_USES; use++) {
		/* what it held of before a re-arming must not pass with the new count */
		lease_look(&gate->use[use].lease);
		set_words(gate, use, passes(gate, use) ? window_size(gate) : 0);
	}
	pthread_mutex_unlock(&hw->lock);
}

void gate_slow(struct gate *gate)
{
	gate->slow = true;
	refresh(gate);
}

static void link_gate(struct gate *gate)
{
	struct hws *hw = gate->hw;

	pthread_mutex_lock(&hw->lock);
	gate->next = hw->gates;
	gate->link = &hw->gates;
	if (gate->next)
		gate->next->link = &gate->next;
	hw->gates = gate;
	pthread_mutex_unlock(&hw->lock);
}

static void unlink_gate(struct gate *gate)
{
	struct hws *hw = gate->hw;

	pthread_mutex_lock(&hw->lock);
	*gate->link = gate->next;
	if (gate->next)
		gate->next->link = gate->link;
	pthread_mutex_unlock(&hw->lock);
}

static void record_grant(const struct gate *gate)
{
	struct hws_event event =
		audit_access_event(&gate->window, HWS_EVENT_GRANT, HWS_REASON_NONE);

	event.rule = gate->decision.rule + 1; /* none is the greatest: 0 */
	event.generation = (uint32_t)gate->rules->generation;
	audit_record(gate->hw->audit, &event);
	learn_note(gate->hw->learn, HWS_LEARNED_WINDOW, &gate->window, HWS_REASON_NONE);
	stats_add(&stats_mine(&gate->hw->stats)->given[gate->window.kind]);
	stats_add(&gate->hw->stats.open[gate->window.kind]);
}

int gate_open(struct hws *hw, const struct gate_options *options, struct gate *gate)
{
	struct hws_access window = *options->window;
	struct hws_decision decision;
	struct rules *rules = context_rules(hw);
	int r = gate_check_window(hw, rules->view, &window, &decision);

	if (r < 0) {
		rules_unref(rules);
		return r;
	}
	*gate = (struct gate) {
		.hw = context_ref(hw),
		.rules = rules,
		.window = window,
		.decision = decision,
		.slow = options->slow,
	};
	for (enum gate_use use = 0; use < GATE_USES; use++)
		lease_init(&gate->use[use].lease, &hw->guards[options->guard[use]]);
	link_gate(gate);
	record_grant(gate);
	gate->window.path = NULL;
	refresh(gate);
	return 0;
}

void gate_close(struct gate *gate)
{
	if (!gate->hw)
		return;
	/* relaxed: a count orders nothing */
	atomic_fetch_sub_explicit(&gate->hw->stats.open[gate->window.kind], 1,
				  memory_order_relaxed);
	unlink_gate(gate);
	for (enum gate_use use = 0; use < GATE_USES; use++)
		lease_return(&gate->use[use].lease);
	rules_unref(gate->rules);
	context_unref(gate->hw);
	*gate = (struct gate) { 0 };
}

/* The access in full, as policy and trail want it. */
static struct hws_access describe(const struct gate *gate, enum gate_use use,
				  const struct gate_access *one)
{
	/* what the other use alone is asked for */
	static const uint32_t foreign[GATE_USES] = {
		[GATE_READ] = HWS_W | HWS_CLAIMED | HWS_DANGER,
		[GATE_WRITE] = HWS_R | HWS_SIDE,
	};
	struct hws_access access = gate->window;
	uint64_t step = access.kind == HWS_KIND_MSR || access.kind == HWS_KIND_CPUID ? 1
										     : one->width;

	access.rights = (gate->window.rights & ~foreign[use]) | right_of[use];
	access.first += one->offset;
	access.last = access.first + step - 1;
	access.width = one->width;
	access.cpu = one->cpu;
	access.has = one->has;
	access.value = one->value;
	access.old = one->old;
	return access;
}

static enum hws_reason check_shape(const struct gate *gate, enum gate_use use,
				   const struct gate_access *one)
{
	bool numbered = gate->window.kind == HWS_KIND_MSR || gate->window.kind == HWS_KIND_CPUID;
	uint64_t step = numbered ? 1 : one->width;

	if (one->width != 1 && one->width != 2 && one->width != 4 && one->width != 8)
		return HWS_REASON_ARGUMENT;
	if (!hws_range_ok(one->offset, step, window_size(gate)))
		return HWS_REASON_RANGE;
	/* ports may lie anywhere (the bus splits nothing on x86), everything else on its width */
	if (gate->window.kind != HWS_KIND_PORT && one->offset % step)
		return HWS_REASON_ALIGN;
	return gate->window.rights & right_of[use] ? HWS_REASON_NONE : HWS_REASON_NO_RULE;
}

/* The policy's word on this one access; NONE where the window's own says it all. */
static enum hws_reason judge(const struct gate *gate, enum gate_use use,
			     const struct hws_access *access, struct hws_decision *ret_decision)
{
	*ret_decision = gate->decision;
	if (gate->revoked)
		return HWS_REASON_STALE;
	if (!is_judged(gate, use))
		return HWS_REASON_NONE;
	if (hws_policy_check(gate->rules->view, access, ret_decision) == -EINVAL)
		return HWS_REASON_ARGUMENT;
	return ret_decision->reason;
}

/* A guard's window ended and it began anew by itself: what others hold of before is void. */
static void guard_went_on(struct hws *hw)
{
	pthread_mutex_lock(&hw->lock);
	gates_stop(hw);
	pthread_mutex_unlock(&hw->lock);
}

/* Takes the access from its rule's rate and from the guard: from both or from none. */
static enum hws_reason charge(struct gate *gate, enum gate_use use,
			      const struct hws_decision *decision)
{
	uint64_t era = gate->hw->era;
	struct surge_grant grant;
	enum hws_reason reason = rules_take_rate(gate->rules, decision, &grant);
	bool spent;

	if (reason != HWS_REASON_NONE)
		return reason;
	spent = lease_spend(&gate->use[use].lease);
	if (era != gate->hw->era)
		guard_went_on(gate->hw);
	if (spent)
		return HWS_REASON_NONE;
	rules_undo_rate(gate->rules, decision, &grant);
	return HWS_REASON_GUARD;
}

static int refuse_access(struct hws *hw, const struct hws_access *access, enum hws_reason reason,
			 const struct hws_decision *decision)
{
	char said[192];

	if (reason == HWS_REASON_DANGER)
		danger_text(decision->danger & ~access->rights, said, sizeof(said));
	return context_deny(hw, HWS_EVENT_ACCESS, access, reason, decision,
			    reason == HWS_REASON_DANGER ? said : NULL);
}

static int say(struct gate *gate, const struct hws_access *access,
	       const struct hws_decision *decision)
{
	struct last_words *words = gate->hw->last_words;
	char said[160] = "the rule wants last words, and the context has no file for them: give it "
			 "one (hws_options.last_words)";
	uint32_t slot;

	if (!decision->last_words && !gate->hw->last_words_always)
		return 0;
	if (words && last_words_say(words, access, &slot) == 0) {
		gate->said = slot + 1;
		return 0;
	}
	if (words)
		snprintf(said, sizeof(said), "%s", hws_why());
	return context_deny(gate->hw, HWS_EVENT_ACCESS, access, HWS_REASON_LAST_WORDS, decision,
			    said);
}

bool gate_wants_old(struct gate *gate, const struct gate_access *one)
{
	struct hws_access access = describe(gate, GATE_WRITE, one);
	struct hws_decision decision;

	if (gate->era != gate->hw->era)
		refresh(gate);
	return gate->decision.per_access && check_shape(gate, GATE_WRITE, one) == HWS_REASON_NONE &&
	       judge(gate, GATE_WRITE, &access, &decision) != HWS_REASON_NONE && decision.wants_old;
}

int gate_peek(struct gate *gate, const struct gate_access *one)
{
	struct hws_access access = describe(gate, GATE_READ, one);
	struct hws_decision decision;

	if (check_shape(gate, GATE_READ, one) != HWS_REASON_NONE ||
	    judge(gate, GATE_READ, &access, &decision) != HWS_REASON_NONE)
		return -EACCES;
	return say(gate, &access, &decision);
}

void gate_over(struct gate *gate)
{
	if (gate->said)
		last_words_over(gate->hw->last_words, gate->said - 1);
	gate->said = 0;
}

/* What the handle itself doesn't allow, no rule could. */
static void learn_access(struct gate *gate, enum gate_use use, const struct gate_access *one,
			 const struct hws_access *access, enum hws_reason reason)
{
	if (check_shape(gate, use, one) != HWS_REASON_NONE)
		return;
	if (reason == HWS_REASON_NONE)
		learn_note(gate->hw->learn, HWS_LEARNED_ACCESS, access, reason);
	else
		learn_refusal(gate->hw->learn, HWS_LEARNED_ACCESS, access, reason);
}

int gate_check(struct gate *gate, enum gate_use use, const struct gate_access *one)
{
	struct hws_access access = describe(gate, use, one);
	enum hws_reason reason = check_shape(gate, use, one);
	struct hws_decision decision;

	if (gate->era != gate->hw->era)
		refresh(gate);
	decision = gate->decision; /* now: its strings are those of the policy in force */
	if (reason == HWS_REASON_NONE)
		reason = judge(gate, use, &access, &decision);
	if (reason == HWS_REASON_NONE)
		return 0;
	if (gate->hw->learn)
		learn_access(gate, use, one, &access, reason);
	return refuse_access(gate->hw, &access, reason, &decision);
}

int gate_ask(struct gate *gate, enum gate_use use, const struct gate_access *one)
{
	struct lease *lease = &gate->use[use].lease;
	enum hws_reason reason = check_shape(gate, use, one);
	struct hws_access access = describe(gate, use, one);
	struct hws_decision decision;

	if (lease->left == UINT64_MAX)
		lease->left = 0; /* gate_pass() went below */
	if (gate->era != gate->hw->era)
		refresh(gate);
	decision = gate->decision; /* as in gate_check() */
	if (reason == HWS_REASON_NONE)
		reason = judge(gate, use, &access, &decision);
	if (reason == HWS_REASON_NONE)
		reason = charge(gate, use, &decision);
	if (gate->hw->learn)
		learn_access(gate, use, one, &access, reason);
	if (reason != HWS_REASON_NONE)
		return refuse_access(gate->hw, &access, reason, &decision);
	if (is_judged(gate, use) || gate->slow) {
		stats_add(&stats_mine(&gate->hw->stats)->slow[access.kind]);
		audit_observe(gate->hw->audit, access.kind, 1, 0);
	}
	if (use == GATE_WRITE && is_judged(gate, use)) {
		struct hws_event event = audit_access_event(&access, HWS_EVENT_ACCESS, reason);

		event.rule = decision.rule + 1;
		event.generation = (uint32_t)gate->rules->generation;
		audit_record(gate->hw->audit, &event);
	}
	return say(gate, &access, &decision);
}

int gate_refuse(struct gate *gate, enum gate_use use, const struct gate_access *one,
		enum hws_reason reason, const char *said)
{
	struct hws_access access = describe(gate, use, one);

	return context_deny(gate->hw, HWS_EVENT_ACCESS, &access, reason, NULL, said);
}

int gate_deny_whole(struct gate *gate, uint32_t rights, enum hws_reason reason)
{
	struct hws_access access = gate->window;

	access.rights = rights;
	return context_deny(gate->hw, HWS_EVENT_ACCESS, &access, reason, &gate->decision, NULL);
}

int gate_ask_whole_slowly(struct gate *gate, uint32_t rights)
{
	enum hws_reason reason = HWS_REASON_NONE;
	struct surge_grant grant; /* what is taken stays taken */

	if (gate->era != gate->hw->era)
		refresh(gate);
	if (gate->revoked)
		reason = HWS_REASON_STALE;
	else if (rights & ~gate->window.rights)
		reason = HWS_REASON_NO_RULE;
	else
		reason = rules_take_rate(gate->rules, &gate->decision, &grant);
	return reason == HWS_REASON_NONE ? 0 : gate_deny_whole(gate, rights, reason);
}

int gate_failed(struct gate *gate, enum gate_use use, const struct gate_access *one, int code)
{
	struct hws_access access = describe(gate, use, one);

	return context_fail(gate->hw, HWS_EVENT_ACCESS, &access, code);
}
