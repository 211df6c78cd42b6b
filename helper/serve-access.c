/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Accesses: all of a request judged before the first is done; what is written is judged again as it
 * is done, for what stands there by then may matter. Reads are not: nothing can have changed.
 */
#include <errno.h>
#include <stdlib.h>

#include "guardian/last-words-internal.h"
#include "helper/needs.h"
#include "helper/serve.h"
#include "shim/why-internal.h"

_Static_assert((int)HWS_KIND_PORT == 0 && (int)HWS_KIND_MSR == 1 && (int)HWS_KIND_PCI == 2 &&
		       (int)HWS_KIND_BAR == 3,
	       "the wire's kinds are the policy's");

struct hws_access access_of_step(const struct server *server, const struct hws_wire_step *step)
{
	struct hws_access access = {
		.kind = (enum hws_kind)step->kind,
		.first = step->at,
		.last = step->at + (step->kind == HWS_KIND_MSR ? 0 : step->width - 1u),
		.bdf = wire_get_bdf(step->bdf),
		.bar = step->bar,
		.cpu = step->cpu,
		.width = step->width,
	};

	/* one that is not there has ids that no device has: the policy is asked all the same */
	machine_identify(server, &access);
	return access;
}

/* The rule is named only where that says nothing of what the machine has. */
static void explain(const struct hws_access *access, const struct peer *peer,
		    const struct hws_decision *decision)
{
	bool device = access->kind == HWS_KIND_PCI || access->kind == HWS_KIND_BAR ||
		      access->kind == HWS_KIND_DMA;

	if (!device && decision->line)
		why(-EACCES, "the helper's policy forbids it to uid %u: %s:%u", peer->uid,
		    decision->file, decision->line);
	else
		why(-EACCES,
		    "the helper's policy has nothing for uid %u there, or nothing is there",
		    peer->uid);
}

/* -EACCES. */
static int note_refusal(struct server *server, struct peer *peer, const struct hws_access *access,
			const struct hws_decision *decision)
{
	struct hws_event event = audit_access_event(
		access, HWS_EVENT_ACCESS, decision->reason ? decision->reason : HWS_REASON_NO_RULE);

	event.level = HWS_LEVEL_ERROR;
	event.code = -EACCES;
	event.rule = decision->rule + 1; /* none is the greatest: 0 */
	serve_note(server, peer, event);
	return -EACCES;
}

int access_refuse(struct server *server, struct peer *peer, const struct hws_access *access,
		  const struct hws_decision *decision)
{
	explain(access, peer, decision);
	return note_refusal(server, peer, access, decision);
}

static int limited(struct server *server, struct peer *peer, const struct hws_access *access,
		   enum hws_reason reason, const struct hws_decision *decision)
{
	struct hws_event event = audit_access_event(access, HWS_EVENT_ACCESS, reason);

	event.rule = decision ? decision->rule + 1 : 0;
	serve_note(server, peer, event);
	return reason == HWS_REASON_LAST_WORDS
		       ? why(hws_reason_code(reason), "the rule wants last words, and the helper "
						      "has no room for them: --last-words")
		       : why(hws_reason_code(reason), "uid %u has had its rate of accesses",
			     peer->uid);
}

/* 0 or -EACCES, unrecorded. */
static int judge(const struct peer *peer, struct hws_access *access, uint32_t right,
		 struct hws_decision *ret_decision)
{
	access->rights = right;
	return hws_policy_check(peer->view, access, ret_decision) == 0 ? 0 : -EACCES;
}

/* Does the kernel use it, or another user hold it? Then a write needs the right "claimed". */
static bool is_claimed(struct server *server, const struct peer *peer,
		       const struct hws_access *access)
{
	struct hws_shim *shim = &server->hw->shim;
	const struct hws_shim_ops *ops = shim_ops(shim);

	if (hold_keeps_out(server, peer, access))
		return true;
	if (access->kind == HWS_KIND_PORT)
		return ops->ports_claimed(shim->self, (uint16_t)access->first,
					  (uint32_t)(access->last - access->first + 1)) < 0;
	if (access->kind == HWS_KIND_MSR)
		return false;
	return ops->pci_claimed(shim->self, access->bdf,
				access->kind == HWS_KIND_PCI ? HWS_CONFIG_SPACE : access->bar) < 0;
}

int access_judge_writing(struct server *server, const struct peer *peer, struct hws_access *access,
			 struct hws_decision *ret_decision)
{
	int r = hws_policy_check(peer->view, access, ret_decision);

	if (r < 0 || !(access->rights & HWS_W) || !is_claimed(server, peer, access))
		return r < 0 ? -EACCES : 0;
	access->rights |= HWS_CLAIMED;
	r = hws_policy_check(peer->view, access, ret_decision);
	if (r < 0)
		ret_decision->reason = HWS_REASON_CLAIMED;
	return r < 0 ? -EACCES : 0;
}

/* At the machine; where the rule wants it, the record is on disk before it begins. */
static int do_told(struct server *server, struct peer *peer, const struct hws_access *access,
		   const struct hws_decision *decision, uint64_t *value)
{
	struct last_words *words = server->hw->last_words;
	uint32_t slot;
	int r;

	if (!decision->last_words)
		return machine_do(server, access, value);
	if (!words || last_words_say(words, access, &slot) < 0)
		return limited(server, peer, access, HWS_REASON_LAST_WORDS, decision);
	r = machine_do(server, access, value);
	last_words_over(words, slot);
	return r;
}

/*
 * A rule about bits that change asks what stands there. Only where it may be read, and never of a
 * port: reading one is seldom harmless.
 */
static int judge_write(struct server *server, struct peer *peer, struct hws_access *access,
		       uint64_t value, struct hws_decision *ret_decision)
{
	struct hws_decision reading;
	int r;

	access->has |= HWS_HAS_VALUE;
	access->value = value;
	access->rights = HWS_W;
	r = access_judge_writing(server, peer, access, ret_decision);
	if (r == 0 || access->has & HWS_HAS_OLD || ret_decision->reason != HWS_REASON_MASK ||
	    access->kind == HWS_KIND_PORT)
		return r;
	if (judge(peer, access, HWS_R, &reading) == 0 &&
	    do_told(server, peer, access, &reading, &access->old) == 0)
		access->has |= HWS_HAS_OLD;
	access->rights = HWS_W;
	return access_judge_writing(server, peer, access, ret_decision);
}

static uint64_t changed(const struct hws_wire_step *step, uint64_t old)
{
	return step->verb == HWS_WIRE_WRITE ? step->value : (old & ~step->mask) | step->value;
}

/* In a transaction what is written is read first: that must be allowed, too. */
static bool reads(const struct peer *peer, const struct hws_wire_step *step)
{
	return step->verb != HWS_WIRE_WRITE || peer->in_txn;
}

/* A step as the policy saw it, and what it said. */
struct judged {
	struct hws_access access;
	struct hws_decision decision;
};

/* Would it be allowed? What an update of a port will write only shows when it is done. */
static int check(struct server *server, struct peer *peer, const struct hws_wire_step *step,
		 struct judged *judged)
{
	struct hws_access *access = &judged->access;
	int r = 0;

	*access = access_of_step(server, step);
	if (reads(peer, step))
		r = judge(peer, access, HWS_R, &judged->decision);
	if (r == 0 && step->verb == HWS_WIRE_WRITE)
		r = judge_write(server, peer, access, step->value, &judged->decision);
	if (r == 0 && step->verb == HWS_WIRE_UPDATE && access->kind != HWS_KIND_PORT) {
		/* what can't be read is told when it is done */
		if (do_told(server, peer, access, &judged->decision, &access->old) == 0)
			access->has |= HWS_HAS_OLD;
		r = judge_write(server, peer, access, changed(step, access->old),
				&judged->decision);
	}
	return r < 0 ? note_refusal(server, peer, access, &judged->decision) : 0;
}

static struct rules *rates_of(struct server *server, struct peer *peer)
{
	uint32_t count = hws_policy_rules(server->policy);
	struct rules *rules = peer->account->rates;

	if (rules)
		return rules;
	rules = calloc(1, sizeof(*rules) + count * sizeof(rules->counts[0]));
	if (!rules)
		return NULL;
	rules->refs = 1;
	rules->count = count;
	rules->view = hws_policy_view_ref(peer->view);
	peer->account->rates = rules;
	return rules;
}

static enum hws_reason take_rate(struct server *server, struct peer *peer,
				 const struct hws_decision *decision)
{
	struct surge_grant grant; /* what is taken stays taken */
	struct rules *rules;

	if (!decision->rate)
		return HWS_REASON_NONE;
	rules = rates_of(server, peer);
	return rules ? rules_take_rate(rules, decision, &grant) : HWS_REASON_RATE;
}

static int read_judged(struct server *server, struct peer *peer, const struct judged *judged,
		       uint64_t *value)
{
	enum hws_reason reason = take_rate(server, peer, &judged->decision);

	if (reason != HWS_REASON_NONE)
		return limited(server, peer, &judged->access, reason, &judged->decision);
	return do_told(server, peer, &judged->access, &judged->decision, value);
}

static int do_read(struct server *server, struct peer *peer, struct hws_access *access,
		   uint64_t *value)
{
	struct judged judged;

	if (judge(peer, access, HWS_R, &judged.decision) < 0)
		return access_refuse(server, peer, access, &judged.decision);
	judged.access = *access;
	return read_judged(server, peer, &judged, value);
}

static int do_write(struct server *server, struct peer *peer, struct hws_access *access,
		    uint64_t value)
{
	struct hws_decision decision;
	struct hws_event event;
	enum hws_reason reason;
	int r;

	if (judge_write(server, peer, access, value, &decision) < 0)
		return access_refuse(server, peer, access, &decision);
	reason = take_rate(server, peer, &decision);
	if (reason != HWS_REASON_NONE)
		return limited(server, peer, access, reason, &decision);
	r = txn_keep(server, peer, access);
	if (r == 0)
		r = do_told(server, peer, access, &decision, &value);
	event = audit_access_event(access, HWS_EVENT_ACCESS, HWS_REASON_NONE);
	event.code = r;
	event.rule = decision.rule + 1;
	serve_note(server, peer, event);
	return r;
}

/* A write, or an update. */
static int do_step(struct server *server, struct peer *peer, const struct hws_wire_step *step,
		   uint64_t *ret_result)
{
	struct hws_access access = access_of_step(server, step);
	uint64_t old = 0;
	int r = 0;

	if (reads(peer, step)) {
		r = do_read(server, peer, &access, &old);
		access.old = old;
		access.has |= HWS_HAS_OLD;
	}
	*ret_result = old;
	return r == 0 ? do_write(server, peer, &access, changed(step, old)) : r;
}

/* One event for all that was read. */
static void note_reads(struct server *server, struct peer *peer, const struct hws_wire_step *steps,
		       const struct hws_wire_end *ends, uint32_t count)
{
	struct hws_access access;
	struct hws_event event;
	const struct hws_wire_step *first = NULL;
	char text[HWS_EVENT_TEXT];
	uint32_t done = 0;

	for (uint32_t i = 0; i < count; i++) {
		if (steps[i].verb == HWS_WIRE_READ && ends[i].status != -ECANCELED) {
			first = first ? first : &steps[i];
			done++;
		}
	}
	if (!first)
		return;
	access = access_of_step(server, first);
	access.rights = HWS_R;
	event = audit_access_event(&access, HWS_EVENT_ACCESS, HWS_REASON_NONE);
	if (done > 1) {
		snprintf(text, sizeof(text), "and %u more reads", done - 1);
		audit_event_text(&event, text);
	}
	serve_note(server, peer, event);
}

static const struct hws_wire_step *steps_of(const struct hws_wire_run *run)
{
	return (const void *)(run + 1);
}

static int do_all(struct server *server, struct peer *peer, const struct hws_wire_run *run,
		  const struct judged *judged, struct hws_wire_end *ends)
{
	const struct hws_wire_step *steps = steps_of(run);
	int first = 0;

	for (uint32_t i = 0; i < run->count; i++)
		ends[i].status = -ECANCELED;
	for (uint32_t i = 0; i < run->count; i++) {
		int r = steps[i].verb == HWS_WIRE_READ
				? read_judged(server, peer, &judged[i], &ends[i].result)
				: do_step(server, peer, &steps[i], &ends[i].result);

		ends[i].status = r;
		server->kinds[steps[i].kind].slow_accesses += r == 0;
		first = first ? first : r;
		if (r < 0)
			ends[i].result = 0;
		if (r < 0 && !(run->flags & HWS_WIRE_GO_ON))
			break;
	}
	note_reads(server, peer, steps, ends, run->count);
	return first;
}

/* None was begun. */
static int refuse_all(const struct peer *peer, const struct judged *wrong,
		      struct hws_wire_end *ends, uint32_t count)
{
	for (uint32_t i = 0; i < count; i++)
		ends[i].status = ends[i].status ? ends[i].status : -ECANCELED;
	explain(&wrong->access, peer, &wrong->decision);
	return -EACCES;
}

static uint32_t kinds_of(const struct hws_wire_step *steps, uint32_t count)
{
	uint32_t kinds = 0;

	for (uint32_t i = 0; i < count; i++)
		kinds |= NEEDS_OF(steps[i].kind);
	return kinds;
}

int access_run(struct server *server, struct peer *peer, const struct hws_wire_run *run,
	       struct hws_wire_end *ends)
{
	const struct hws_wire_step *steps = steps_of(run);
	struct judged judged[HWS_WIRE_STEPS];
	const struct judged *wrong = NULL;
	int first;

	if (!account_take(server, peer->account, run->count)) {
		struct hws_access access = access_of_step(server, steps);

		for (uint32_t i = 0; i < run->count; i++)
			ends[i].status = -EDQUOT;
		return limited(server, peer, &access, HWS_REASON_SURGE, NULL);
	}
	machine_raise(server, kinds_of(steps, run->count));
	for (uint32_t i = 0; i < run->count; i++) {
		ends[i].status = check(server, peer, &steps[i], &judged[i]);
		if (ends[i].status < 0 && !wrong)
			wrong = &judged[i];
	}
	if (wrong) /* now: what came later may have said why, too */
		first = refuse_all(peer, wrong, ends, run->count);
	else
		first = do_all(server, peer, run, judged, ends);
	machine_lower(server);
	return first;
}
