/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The decision. */
#include "guardian/policy-view-internal.h"

#include <errno.h>
#include <string.h>

#include "guardian/danger-internal.h"

/* The rules at one number, of one group. */
struct cursor {
	const uint32_t *denies;
	const uint32_t *allows;
	const uint32_t *end;
};

struct query {
	const struct hws_policy_view *view;
	const struct hws_access *access;
	bool single;
	bool alone; /* one rule must allow the whole of it */
	struct policy_span span;
	uint64_t at;  /* the number that is looked at */
	uint64_t end; /* up to here the same rules apply */
	const struct policy_group *groups[SHAPES];
	struct cursor cursors[SHAPES];
	size_t group_count;
	/* what is found */
	uint32_t deny;		/* the first rule that forbids it */
	uint32_t allow;		/* the first that allows it */
	uint32_t miss;		/* the first that would, but for … */
	enum hws_reason reason; /* … this */
	bool limited;		/* by rules that allow it */
	bool several;		/* rules allow it together */
	bool last_words;	/* one of them wants them */
	bool wants_old;		/* a rule with a mask misses it */
	uint64_t max;		/* the least of their limits */
	uint64_t maps;
	uint64_t buffers;
};

uint64_t policy_shape_mask(uint32_t shape)
{
	static const uint64_t masks[SHAPE_BDF] = {
		0, 0xffff, 0xffff0000, 0xffffffff, 0xff0000, 0xffff00, 0xffffff,
	};

	if (shape < SHAPE_BDF)
		return masks[shape];
	return (shape & 8 ? 0xffffffff0000 : 0) | (shape & 4 ? 0xff00 : 0) |
	       (shape & 2 ? 0xf8u : 0) | (shape & 1 ? 7u : 0);
}

uint64_t policy_identity(const struct hws_access *access, uint32_t shape)
{
	const struct hws_bdf *bdf = &access->bdf;
	uint64_t whole;

	if (shape >= SHAPE_BDF)
		whole = (uint64_t)bdf->domain << 16 | (uint64_t)bdf->bus << 8 |
			(uint64_t)bdf->device << 3 | bdf->function;
	else if (shape >= SHAPE_CLASS)
		whole = access->class_code;
	else
		whole = (uint64_t)access->vendor << 16 | access->device;
	return whole & policy_shape_mask(shape);
}

static const struct policy_group *find_group(const struct hws_policy_view *view, uint64_t key)
{
	uint64_t last = UINT64_MAX >> view->table_shift;

	for (uint64_t at = policy_hash(key, view->table_shift);; at = (at + 1) & last) {
		if (view->table[at].key == key)
			return &view->table[at];
		if (!view->table[at].key)
			return NULL;
	}
}

static void find_groups(struct query *q)
{
	const struct hws_access *a = q->access;
	uint32_t bar = policy_kinds[a->kind].object & OBJECT_BAR ? a->bar : 0;
	uint32_t bits = q->view->shapes[a->kind];

	for (; bits; bits &= bits - 1) {
		uint32_t shape = (uint32_t)__builtin_ctz(bits);
		uint64_t value = 0;

		if (policy_kinds[a->kind].object & OBJECT_DEVICE)
			value = policy_identity(a, shape);
		else if (shape)
			value = policy_path_value(a->path);
		q->groups[q->group_count] =
			find_group(q->view, policy_key(a->kind, bar, shape, value));
		q->group_count += q->groups[q->group_count] != NULL;
	}
}

/* Stands at a number: its rules in every group, and how far they reach. */
static void stand_at(struct query *q, uint64_t number)
{
	q->at = number;
	q->end = UINT64_MAX;
	for (size_t i = 0; i < q->group_count; i++) {
		const struct policy_segment *s = policy_index_find(q->view, q->groups[i], number);
		const uint32_t *list = q->view->lists + s->list;
		uint64_t last = policy_segment_last(q->view, q->groups[i], s);

		q->cursors[i] = (struct cursor) {
			.denies = list,
			.allows = list + s->denies,
			.end = list + s->denies + s->allows,
		};
		q->end = last < q->end ? last : q->end;
	}
}

/* Does a rule of the right group and number speak of this access? */
static bool is_about(const struct policy_rule *rule, const struct hws_access *access)
{
	return (!rule->cpus.count || policy_spans_have(&rule->cpus, access->cpu)) &&
	       (!rule->path || !strcmp(rule->path, access->path));
}

static void find_deny(struct query *q)
{
	for (size_t i = 0; i < q->group_count; i++) {
		const struct cursor *c = &q->cursors[i];

		for (const uint32_t *at = c->denies; at < c->allows && *at < q->deny; at++) {
			const struct policy_rule *rule = &q->view->policy->rules[*at];

			if (rule->rights & q->access->rights && is_about(rule, q->access))
				q->deny = *at;
		}
	}
}

/* The next allow rule at this number in the policy's order, whatever its group; NULL: no more. */
static const struct policy_rule *next_allow(struct query *q)
{
	struct cursor *first = NULL;

	for (size_t i = 0; i < q->group_count; i++) {
		struct cursor *c = &q->cursors[i];

		if (c->allows < c->end && (!first || *c->allows < *first->allows))
			first = c;
	}
	return first ? &q->view->policy->rules[*first->allows++] : NULL;
}

static enum hws_reason check_write(const struct policy_rule *rule, const struct hws_access *a)
{
	if (rule->mask != UINT64_MAX) {
		/* what isn't known can't be shown to stay inside the mask */
		if (~a->has & (HWS_HAS_VALUE | HWS_HAS_OLD) || (a->value ^ a->old) & ~rule->mask)
			return HWS_REASON_MASK;
	}
	if (rule->values.count &&
	    (!(a->has & HWS_HAS_VALUE) || !policy_spans_have(&rule->values, a->value & rule->mask)))
		return HWS_REASON_VALUE;
	return HWS_REASON_NONE;
}

/* Why a rule that gives the rights does not permit the access after all. */
static enum hws_reason check_limits(const struct query *q, const struct policy_rule *rule)
{
	const struct hws_access *a = q->access;

	if ((rule->max && a->last >= rule->max) || (rule->buffers && a->last >= rule->buffers))
		return HWS_REASON_LIMIT;
	if (!q->single || !rule->limited)
		return HWS_REASON_NONE;
	if (rule->widths && a->width && !(rule->widths & a->width))
		return HWS_REASON_WIDTH;
	return a->rights & HWS_W ? check_write(rule, a) : HWS_REASON_NONE;
}

static uint64_t least(uint64_t a, uint64_t b)
{
	/* 0 is no limit, so less one it is the largest number */
	return a - 1 < b - 1 ? a : b;
}

/* Takes note of a rule that allows it, or a part of it. */
static void note_allow(struct query *q, const struct policy_rule *rule)
{
	uint32_t index = (uint32_t)(rule - q->view->policy->rules);

	if (q->allow == HWS_POLICY_NO_RULE)
		q->allow = index;
	q->several |= q->allow != index;
	q->limited |= rule->limited;
	q->last_words |= rule->last_words;
	q->max = least(q->max, rule->max);
	q->maps = least(q->maps, rule->maps);
	q->buffers = least(q->buffers, rule->buffers);
}

static void note_miss(struct query *q, const struct policy_rule *rule, enum hws_reason reason)
{
	if (q->miss != HWS_POLICY_NO_RULE)
		return;
	q->miss = (uint32_t)(rule - q->view->policy->rules);
	q->reason = reason;
}

/* Is the whole of the access the rule's? Where the same rules reach to its end, it is. */
static bool is_whole(const struct query *q, const struct policy_rule *rule)
{
	return q->span.last <= q->end ||
	       policy_spans_cover(&rule->where, q->span.first, q->span.last);
}

/* Do the rules at this number give the asked rights: one rule alone, or together? */
static bool find_allow(struct query *q)
{
	uint32_t missing = q->access->rights;
	const struct policy_rule *rule;

	while (missing && (rule = next_allow(q))) {
		enum hws_reason reason;
		bool gives = q->alone ? !(missing & ~rule->rights) && is_whole(q, rule)
				      : missing & rule->rights;

		if (!gives || !is_about(rule, q->access))
			continue;
		reason = check_limits(q, rule);
		if (reason) {
			q->wants_old |= reason == HWS_REASON_MASK &&
					!(q->access->has & HWS_HAS_OLD);
			note_miss(q, rule, reason);
			continue;
		}
		note_allow(q, rule);
		missing &= ~rule->rights;
	}
	return !missing;
}

/* From the first number to the last, over the runs to which the same rules apply. */
static bool walk(struct query *q)
{
	bool allowed = true;

	stand_at(q, q->span.first);
	for (;;) {
		find_deny(q);
		if (allowed && (!q->alone || q->at == q->span.first))
			allowed = find_allow(q);
		if (q->end >= q->span.last)
			return allowed;
		stand_at(q, q->end + 1);
	}
}

/* What the rule says, and where it stands. */
static void tell_rule(const struct query *q, uint32_t index, struct hws_decision *d)
{
	const struct hws_policy *policy = q->view->policy;
	const struct policy_rule *rule = &policy->rules[index];

	d->rule = index;
	d->line = rule->line;
	d->file = policy->sections[rule->section].file;
	d->section = policy->sections[rule->section].name;
	d->text = rule->text;
	d->inline_rule = rule->inline_rule;
	d->widths = rule->widths;
	d->mask = rule->mask;
	d->max = rule->max;
	d->maps = rule->maps;
	d->buffers = rule->buffers;
	d->rate = rule->rate;
	d->rate_ns = rule->rate_ns;
	d->sha256 = rule->sha256;
	d->key = rule->key;
	d->unsigned_ok = rule->unsigned_ok;
}

static void decide(const struct query *q, bool allowed, struct hws_decision *d)
{
	uint32_t rule = q->miss;

	d->reason = rule == HWS_POLICY_NO_RULE ? HWS_REASON_NO_RULE : q->reason;
	if (q->deny != HWS_POLICY_NO_RULE) {
		d->reason = HWS_REASON_DENY_RULE;
		rule = q->deny;
	} else if (allowed) {
		d->reason = HWS_REASON_NONE;
		rule = q->allow;
	}
	d->code = hws_reason_code(d->reason);
	d->wants_old = q->wants_old;
	if (rule != HWS_POLICY_NO_RULE)
		tell_rule(q, rule, d);
	if (d->reason)
		return;
	d->max = q->max;
	d->maps = q->maps;
	d->buffers = q->buffers;
	d->last_words = q->last_words;
	d->per_access = !q->single && (q->limited || q->several);
}

static void forget_findings(struct query *q)
{
	q->deny = q->allow = q->miss = HWS_POLICY_NO_RULE;
	q->reason = HWS_REASON_NONE;
	q->limited = q->several = q->last_words = q->wants_old = false;
	q->max = q->maps = q->buffers = 0;
}

static bool is_single(const struct hws_access *access)
{
	return access->width || access->has & HWS_HAS_VALUE;
}

/* What isn't set here is set where it is found: most of it is seldom used. */
static void start(struct query *q, const struct hws_policy_view *view,
		  const struct hws_access *access)
{
	q->view = view;
	q->access = access;
	q->single = is_single(access);
	q->alone = true;
	q->span = policy_access_span(access);
	q->group_count = 0;
	forget_findings(q);
}

/* One rule alone, or, for a window, several together. */
static bool ask(struct query *q, const struct hws_policy_view *view,
		const struct hws_access *access)
{
	bool allowed;

	start(q, view, access);
	find_groups(q);
	allowed = walk(q);
	if (!allowed && !q->single && q->deny == HWS_POLICY_NO_RULE) {
		forget_findings(q);
		q->alone = false;
		allowed = walk(q);
	}
	return allowed;
}

/*
 * A dangerous write needs its danger's right in the rule. Where a rule gives it all but that, the
 * danger is the reason.
 */
static bool ask_of_danger(struct query *q, const struct hws_policy_view *view,
			  const struct hws_access *access, uint32_t danger)
{
	struct hws_access dangerous = *access;
	bool allowed;

	dangerous.rights |= danger;
	allowed = ask(q, view, &dangerous);
	q->access = access; /* it outlives this call */
	if (allowed || q->deny != HWS_POLICY_NO_RULE || q->miss != HWS_POLICY_NO_RULE)
		return allowed;
	if (ask(q, view, access)) {
		q->miss = q->allow;
		q->reason = HWS_REASON_DANGER;
	}
	return false;
}

int hws_policy_check(const struct hws_policy_view *view, const struct hws_access *access,
		     struct hws_decision *ret_decision)
{
	struct hws_decision decision = {
		.rule = HWS_POLICY_NO_RULE,
		.file = "",
		.section = "",
		.text = "",
		.mask = UINT64_MAX,
	};
	struct query q;
	int r = policy_access_check(access);
	bool allowed;

	if (r < 0)
		return r;
	decision.danger = danger_of(access);
	allowed = decision.danger & ~access->rights && is_single(access)
			  ? ask_of_danger(&q, view, access, decision.danger)
			  : ask(&q, view, access);
	decide(&q, allowed, &decision);
	*ret_decision = decision;
	return decision.code;
}
