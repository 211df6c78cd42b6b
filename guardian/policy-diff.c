/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Two policies, asked the same questions: what their rules speak of, run by run of numbers. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "guardian/lint.h"
#include "guardian/policy-probe-internal.h"
#include "guardian/policy-relate-internal.h"
#include "guardian/policy-view-internal.h"
#include "shim/why-internal.h"

static const char *const names[HWS_CHANGES] = {
	[HWS_CHANGE_POSSIBLE] = "possible",
	[HWS_CHANGE_IMPOSSIBLE] = "impossible",
	[HWS_CHANGE_LIMITS] = "limits",
};

const char *hws_change_name(enum hws_change change)
{
	return (unsigned int)change < HWS_CHANGES ? names[change] : "?";
}

enum { BEFORE, AFTER, SIDES };

struct differ {
	struct hws_policy *policies[SIDES];
	struct hws_policy_view *views[SIDES]; /* of … */
	struct policy_probe of;		      /* … this one's principal */
	uint64_t *cuts[HWS_KINDS]; /* where a run of numbers of that kind begins, in order */
	size_t cut_count[HWS_KINDS];
	struct hws_policy_change *found;
	size_t count;
	int error;
};

static void close_views(struct differ *d)
{
	for (int i = 0; i < SIDES; i++) {
		hws_policy_view_unref(d->views[i]);
		d->views[i] = NULL;
	}
}

static struct hws_principal principal_of(const struct policy_probe *probe)
{
	return (struct hws_principal) {
		.uid = probe->uid,
		.gid = probe->gid,
		.groups = &probe->group,
		.group_count = probe->group != HWS_POLICY_ANYBODY,
		.exe = probe->exe,
	};
}

/* Views of the probe's principal: often that of the probe before. */
static bool open_views(struct differ *d, const struct policy_probe *probe)
{
	struct hws_principal who = principal_of(probe);

	if (d->views[AFTER] && d->of.uid == probe->uid && d->of.gid == probe->gid &&
	    d->of.group == probe->group && d->of.exe == probe->exe)
		return true;
	close_views(d);
	d->of = *probe;
	for (int i = 0; i < SIDES && !d->error; i++)
		d->error = hws_policy_view_open(d->policies[i], &who, &d->views[i]);
	return !d->error;
}

static void find(struct differ *d, const struct policy_probe *probe, enum hws_change change,
		 uint32_t rights, uint32_t rule)
{
	struct hws_policy_change *found;

	if (!policy_grow(&d->found, d->count, sizeof(*d->found))) {
		d->error = why(-ENOMEM, "not enough memory to compare the policies");
		return;
	}
	found = &d->found[d->count++];
	*found = (struct hws_policy_change) {
		.change = change,
		.uid = probe->uid,
		.gid = probe->gid,
		.group = probe->group == probe->gid ? HWS_POLICY_ANYBODY : probe->group,
		.exe = probe->exe,
		.access = probe->access,
	};
	found->access.rights = rights;
	found->has_rule = hws_policy_rule_at(d->policies[change != HWS_CHANGE_IMPOSSIBLE], rule,
					     &found->rule) == 0;
}

/* Asks both for one right after the other, at one run of numbers. */
static void ask(struct differ *d, const struct policy_probe *probe, uint32_t rights)
{
	uint32_t changed[HWS_CHANGES] = { 0 };
	uint32_t rules[HWS_CHANGES] = { 0 };

	for (; rights; rights &= rights - 1) {
		struct hws_access access = probe->access;
		struct hws_decision now[SIDES];
		enum hws_change change;
		int codes[SIDES];

		access.rights = rights & -rights;
		for (int i = 0; i < SIDES; i++)
			codes[i] = hws_policy_check(d->views[i], &access, &now[i]);
		if (codes[BEFORE] == -EINVAL || (codes[BEFORE] && codes[AFTER]))
			continue;
		change = codes[BEFORE] ? HWS_CHANGE_POSSIBLE : HWS_CHANGE_IMPOSSIBLE;
		if (!codes[BEFORE] && !codes[AFTER]) {
			if (policy_limits_equal(&d->policies[BEFORE]->rules[now[BEFORE].rule],
						&d->policies[AFTER]->rules[now[AFTER].rule]))
				continue;
			change = HWS_CHANGE_LIMITS;
		}
		changed[change] |= access.rights;
		rules[change] = now[change != HWS_CHANGE_IMPOSSIBLE].rule;
	}
	for (int i = 0; i < HWS_CHANGES; i++) {
		if (changed[i])
			find(d, probe, (enum hws_change)i, changed[i], rules[i]);
	}
}

/* The last number of the run in which @first lies. */
static uint64_t run_end(const struct differ *d, enum hws_kind kind, uint64_t first, uint64_t last)
{
	size_t low = 0;
	size_t high = d->cut_count[kind];

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (d->cuts[kind][middle] <= first)
			low = middle + 1;
		else
			high = middle;
	}
	return low < d->cut_count[kind] && d->cuts[kind][low] <= last ? d->cuts[kind][low] - 1
								      : last;
}

/* Over all numbers of the rule, where @with has them too; NULL: everywhere. */
static void ask_all(struct differ *d, struct policy_probe *probe, const struct policy_rule *rule,
		    const struct policy_rule *with)
{
	struct hws_access *a = &probe->access;

	if (!open_views(d, probe))
		return;
	for (size_t i = 0; i < rule->where.count && !d->error; i++) {
		const struct policy_span *span = &rule->where.at[i];

		for (a->first = span->first;; a->first = a->last + 1) {
			a->last = run_end(d, rule->kind, a->first, span->last);
			if (!with || policy_spans_have(&with->where, a->first))
				ask(d, probe, rule->rights);
			if (a->last == span->last)
				break;
		}
	}
}

static void ask_of_pair(struct differ *d, const struct hws_policy *policy,
			const struct policy_rule *rule, const struct hws_policy *other,
			const struct policy_rule *deny)
{
	struct policy_probe probe;
	struct policy_probe with;

	for (size_t i = 0; !d->error && policy_probe_of(policy, rule, i, &probe); i++) {
		for (size_t k = 0; policy_probe_of(other, deny, k, &with); k++) {
			struct policy_probe both = probe;

			if (policy_probe_join(&both, &with))
				ask_all(d, &both, rule, deny);
		}
	}
}

static void ask_of_rule(struct differ *d, const struct hws_policy *policy,
			const struct policy_rule *rule)
{
	struct policy_probe probe;

	for (size_t i = 0; !d->error && policy_probe_of(policy, rule, i, &probe); i++)
		ask_all(d, &probe, rule, NULL);
	for (int side = 0; side < SIDES && !rule->deny; side++) {
		const struct hws_policy *other = d->policies[side];

		for (size_t i = 0; i < other->rule_count && !d->error; i++) {
			const struct policy_rule *deny = &other->rules[i];

			if (deny->deny && deny->kind == rule->kind && deny->rights & rule->rights)
				ask_of_pair(d, policy, rule, other, deny);
		}
	}
}

static bool add_cut(struct differ *d, enum hws_kind kind, uint64_t at)
{
	if (!policy_grow(&d->cuts[kind], d->cut_count[kind], sizeof(at)))
		return false;
	d->cuts[kind][d->cut_count[kind]++] = at;
	return true;
}

static bool add_cuts(struct differ *d, const struct policy_rule *rule)
{
	for (size_t i = 0; i < rule->where.count; i++) {
		const struct policy_span *span = &rule->where.at[i];

		if (!add_cut(d, rule->kind, span->first) ||
		    (span->last != UINT64_MAX && !add_cut(d, rule->kind, span->last + 1)))
			return false;
	}
	return true;
}

static int by_number(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a;
	uint64_t y = *(const uint64_t *)b;

	return (x > y) - (x < y);
}

static bool cut(struct differ *d)
{
	for (int side = 0; side < SIDES; side++) {
		for (size_t i = 0; i < d->policies[side]->rule_count; i++) {
			if (!add_cuts(d, &d->policies[side]->rules[i]))
				return false;
		}
	}
	for (int kind = 0; kind < HWS_KINDS; kind++) {
		if (d->cut_count[kind])
			qsort(d->cuts[kind], d->cut_count[kind], sizeof(uint64_t), by_number);
	}
	return true;
}

static int compare_text(const char *a, const char *b)
{
	return a == b ? 0 : strcmp(a ? a : "", b ? b : "");
}

static uint64_t bdf_key(const struct hws_bdf *bdf)
{
	return (uint64_t)bdf->domain << 16 | (uint64_t)bdf->bus << 8 | (uint64_t)bdf->device << 3 |
	       bdf->function;
}

/* All but the numbers: whom it is about, what, and how it changed. */
static int compare_subjects(const struct hws_policy_change *x, const struct hws_policy_change *y)
{
	const struct hws_access *a = &x->access;
	const struct hws_access *b = &y->access;
	const uint64_t keys[][2] = {
		{ x->change, y->change },
		{ a->kind, b->kind },
		{ x->uid, y->uid },
		{ x->gid, y->gid },
		{ x->group, y->group },
		{ bdf_key(&a->bdf), bdf_key(&b->bdf) },
		{ a->vendor, b->vendor },
		{ a->device, b->device },
		{ a->class_code, b->class_code },
		{ a->bar, b->bar },
		{ a->cpu, b->cpu },
		{ a->rights, b->rights },
	};
	int r = compare_text(x->exe, y->exe);

	for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
		if (keys[i][0] != keys[i][1])
			return keys[i][0] < keys[i][1] ? -1 : 1;
	}
	return r ? r : compare_text(a->path, b->path);
}

static int compare_changes(const void *a, const void *b)
{
	const struct hws_policy_change *x = a;
	const struct hws_policy_change *y = b;
	int r = compare_subjects(x, y);

	return r ? r : by_number(&x->access.first, &y->access.first);
}

/* Runs side by side are one change; the same change found twice, too. */
static void tell(struct differ *d, hws_policy_change_fn *call, void *context)
{
	if (d->count)
		qsort(d->found, d->count, sizeof(*d->found), compare_changes);
	for (size_t i = 0; i < d->count; i++) {
		struct hws_policy_change *change = &d->found[i];

		for (; i + 1 < d->count; i++) {
			const struct hws_access *next = &d->found[i + 1].access;

			if (compare_subjects(change, &d->found[i + 1]) ||
			    (change->access.last != UINT64_MAX &&
			     next->first > change->access.last + 1))
				break;
			if (next->last > change->access.last)
				change->access.last = next->last;
		}
		call(change, context);
	}
}

int hws_policy_diff(struct hws_policy *before, struct hws_policy *after, hws_policy_change_fn *call,
		    void *context)
{
	struct differ d = { .policies = { before, after } };

	if (!cut(&d))
		d.error = why(-ENOMEM, "not enough memory to compare the policies");
	for (int side = 0; side < SIDES; side++) {
		for (size_t i = 0; i < d.policies[side]->rule_count && !d.error; i++)
			ask_of_rule(&d, d.policies[side], &d.policies[side]->rules[i]);
	}
	if (!d.error)
		tell(&d, call, context);
	close_views(&d);
	for (int kind = 0; kind < HWS_KINDS; kind++)
		free(d.cuts[kind]);
	free(d.found);
	return d.error;
}
