/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What is odd about the rules of a policy. */
#include "guardian/lint.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "guardian/danger-internal.h"
#include "guardian/policy-relate-internal.h"
#include "shim/sys-internal.h"
#include "shim/why-internal.h"

static const struct {
	const char *name;
	const char *text;
} lints[HWS_LINTS] = {
	[HWS_LINT_DEAD] = { "dead", "all that it allows is denied" },
	[HWS_LINT_SHADOWED] = { "shadowed", "it says nothing that is not said" },
	[HWS_LINT_LOOSENED] = { "loosened", "its limits are lifted" },
	[HWS_LINT_OVERLAP] = { "overlap", "a part of it is allowed twice" },
	[HWS_LINT_DANGER] = { "danger", "" },
	[HWS_LINT_WIDE] = { "wide", "it opens all there is for writing" },
	[HWS_LINT_ANYBODY] = { "anybody", "it lets everybody write" },
};

const char *hws_lint_name(enum hws_lint lint)
{
	return (unsigned int)lint < HWS_LINTS ? lints[lint].name : "?";
}

struct linter {
	const struct hws_policy *policy;
	struct hws_policy_finding *found;
	size_t count;
	bool no_memory;
};

static void find(struct linter *l, enum hws_lint lint, const struct policy_rule *rule,
		 const struct policy_rule *other, uint32_t danger)
{
	if (!policy_grow(&l->found, l->count, sizeof(*l->found))) {
		l->no_memory = true;
		return;
	}
	l->found[l->count++] = (struct hws_policy_finding) {
		.lint = lint,
		.rule = (uint32_t)(rule - l->policy->rules),
		.other = other ? (uint32_t)(other - l->policy->rules) : HWS_POLICY_NO_RULE,
		.danger = danger,
	};
}

/* Does @a cover @b, and give or take all of its rights? */
static bool swallows(const struct linter *l, const struct policy_rule *a,
		     const struct policy_rule *b)
{
	return !(b->rights & ~a->rights) && policy_rule_covers(l->policy, a, b);
}

/* Its rate or its last words make a rule worth having before a wider one. */
static bool counts_for_itself(const struct policy_rule *a, const struct policy_rule *b)
{
	return a->rate != b->rate || a->rate_ns != b->rate_ns || a->last_words != b->last_words;
}

/* Two rules that allow; @a is the first of them. */
static void relate_allows(struct linter *l, const struct policy_rule *a,
			  const struct policy_rule *b)
{
	bool a_permits = policy_rule_permits(a, b);
	bool b_permits = policy_rule_permits(b, a);

	if (a_permits && swallows(l, a, b))
		find(l, HWS_LINT_SHADOWED, b, a, 0);
	else if (a_permits && b_permits && swallows(l, b, a) && !counts_for_itself(a, b))
		find(l, HWS_LINT_SHADOWED, a, b, 0);
	else if (!(a->rights & b->rights))
		return;
	else if (b_permits && !a_permits)
		find(l, HWS_LINT_LOOSENED, a, b, 0);
	else if (a_permits && !b_permits)
		find(l, HWS_LINT_LOOSENED, b, a, 0);
	else
		find(l, HWS_LINT_OVERLAP, b, a, 0);
}

static void relate(struct linter *l, const struct policy_rule *a, const struct policy_rule *b)
{
	if (a > b) {
		relate(l, b, a);
		return;
	}
	if (!policy_rules_touch(l->policy, a, b))
		return;
	if (!a->deny && !b->deny)
		relate_allows(l, a, b);
	else if (a->deny && swallows(l, a, b))
		find(l, b->deny ? HWS_LINT_SHADOWED : HWS_LINT_DEAD, b, a, 0);
	else if (b->deny && swallows(l, b, a))
		find(l, a->deny ? HWS_LINT_SHADOWED : HWS_LINT_DEAD, a, b, 0);
}

/* Dangerous places depend on the header's type: a rule for any class may mean both. */
static uint32_t dangers_of(const struct policy_rule *rule)
{
	bool has_class = rule->device.shape >= SHAPE_CLASS && rule->device.shape < SHAPE_BDF;
	uint32_t classes[] = { (uint32_t)rule->device.value, 0x060400 };
	uint32_t danger = 0;

	if (!has_class)
		classes[0] = 0;
	for (size_t i = 0; i < rule->where.count; i++) {
		for (size_t k = 0; k < (has_class ? 1 : 2); k++)
			danger |= danger_of(&(struct hws_access) {
				.kind = rule->kind,
				.rights = HWS_W,
				.first = rule->where.at[i].first,
				.last = rule->where.at[i].last,
				.class_code = classes[k],
			});
	}
	return danger;
}

static bool is_wide(const struct policy_rule *rule)
{
	const struct policy_kind *kind = &policy_kinds[rule->kind];

	if (kind->object & OBJECT_DEVICE)
		return rule->device.shape == SHAPE_ANY;
	if (kind->object & OBJECT_PATH)
		return !rule->path;
	return rule->where.at[0].first == 0 && rule->where.at[0].last == kind->max;
}

static void look_at(struct linter *l, const struct policy_rule *rule)
{
	const struct policy_section *section = &l->policy->sections[rule->section];
	uint32_t danger;

	if (rule->deny || !(rule->rights & HWS_W))
		return;
	danger = dangers_of(rule) & rule->rights;
	if (danger)
		find(l, HWS_LINT_DANGER, rule, NULL, danger);
	if (is_wide(rule))
		find(l, HWS_LINT_WIDE, rule, NULL, 0);
	if (!rule->inline_rule && !section->users.count && !section->groups.count &&
	    !section->exe_count)
		find(l, HWS_LINT_ANYBODY, rule, NULL, 0);
}

static int by_numbers(const void *a, const void *b)
{
	const struct policy_rule *x = *(const struct policy_rule *const *)a;
	const struct policy_rule *y = *(const struct policy_rule *const *)b;

	if (x->kind != y->kind)
		return x->kind < y->kind ? -1 : 1;
	if (x->where.at[0].first != y->where.at[0].first)
		return x->where.at[0].first < y->where.at[0].first ? -1 : 1;
	return (x > y) - (x < y);
}

static bool reaches(const struct policy_rule *rule, const struct policy_rule *next)
{
	return rule->kind == next->kind &&
	       rule->where.at[rule->where.count - 1].last >= next->where.at[0].first;
}

/* In the order of their numbers; those that reach the next are kept at the front. */
static void sweep(struct linter *l, const struct policy_rule **rules, size_t count)
{
	size_t open = 0;

	qsort(rules, count, sizeof(*rules), by_numbers);
	for (size_t i = 0; i < count; i++) {
		const struct policy_rule *next = rules[i];
		size_t kept = 0;

		for (size_t k = 0; k < open; k++) {
			if (!reaches(rules[k], next))
				continue;
			relate(l, rules[k], next);
			rules[kept++] = rules[k];
		}
		rules[kept] = next;
		open = kept + 1;
	}
}

static int by_rule(const void *a, const void *b)
{
	const struct hws_policy_finding *x = a;
	const struct hws_policy_finding *y = b;

	if (x->rule != y->rule)
		return x->rule < y->rule ? -1 : 1;
	if (x->lint != y->lint)
		return x->lint < y->lint ? -1 : 1;
	return (x->other > y->other) - (x->other < y->other);
}

static void tell_danger(char *text, size_t size, uint32_t danger)
{
	size_t n = (size_t)snprintf(text, size, "it opens what");

	for (size_t i = 0; i < DANGERS; i++) {
		if (danger & dangers[i].right && n < size)
			n += (size_t)snprintf(text + n, size - n, "%s %s", n > 13 ? "," : "",
					      dangers[i].does);
	}
}

static void tell(struct linter *l, hws_policy_finding_fn *call, void *context)
{
	char text[512];

	if (l->count)
		qsort(l->found, l->count, sizeof(*l->found), by_rule);
	for (size_t i = 0; i < l->count; i++) {
		l->found[i].text = lints[l->found[i].lint].text;
		if (l->found[i].danger) {
			tell_danger(text, sizeof(text), l->found[i].danger);
			l->found[i].text = text;
		}
		call(&l->found[i], context);
	}
}

int hws_policy_lint(const struct hws_policy *policy, hws_policy_finding_fn *call, void *context)
{
	size_t count = policy->rule_count;
	const struct policy_rule **rules = calloc(count ? count : 1, sizeof(*rules));
	struct linter l = { .policy = policy };

	for (size_t i = 0; rules && i < count; i++) {
		rules[i] = &policy->rules[i];
		look_at(&l, rules[i]);
	}
	if (rules)
		sweep(&l, rules, count);
	if (rules && !l.no_memory)
		tell(&l, call, context);
	free(l.found);
	free(rules);
	return rules && !l.no_memory ? 0 : why(-ENOMEM, "not enough memory to look at the policy");
}
