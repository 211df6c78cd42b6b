/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A decision in words, and the rule that would change it. */
#include "guardian/policy-view-internal.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>

#include "guardian/danger-internal.h"

struct lines {
	char *text;
	size_t size;
	size_t length;
};

static void add(struct lines *lines, const char *format, ...) HWS_PRINTF(2, 3);
static void add(struct lines *lines, const char *format, ...)
{
	size_t left = lines->size - lines->length;
	va_list arguments;
	int n;

	va_start(arguments, format);
	n = vsnprintf(lines->text + lines->length, left, format, arguments);
	va_end(arguments);
	if (n > 0)
		lines->length += (size_t)n < left ? (size_t)n : left - 1;
}

static void add_rights(struct lines *lines, uint32_t rights)
{
	static const char *const words[] = { "", " r", " w", " rw" };

	add(lines, "%s%s%s%s", words[rights & HWS_RW], rights & HWS_SIDE ? " side" : "",
	    rights & HWS_CLAIMED ? " claimed" : "", rights & HWS_DANGER ? " danger" : "");
	for (size_t i = 0; i < DANGERS; i++) {
		if (rights & dangers[i].right && (rights & HWS_DANGER) != HWS_DANGER)
			add(lines, " %s", dangers[i].name);
	}
}

/* The line that would allow the access, as a policy has it. */
static void add_line(struct lines *lines, const struct hws_access *a)
{
	uint32_t object = policy_kinds[a->kind].object;
	char bdf[HWS_BDF_TEXT];

	add(lines, "%s =", hws_kind_name(a->kind));
	if (object & OBJECT_DEVICE)
		add(lines, " %s", hws_bdf_format(a->bdf, bdf));
	if (object & OBJECT_BAR)
		add(lines, " %u", a->bar);
	if (a->kind == HWS_KIND_PCI)
		add(lines, ", config");
	if (policy_kinds[a->kind].max && a->first == a->last)
		add(lines, " 0x%llx", (unsigned long long)a->first);
	else if (policy_kinds[a->kind].max)
		add(lines, " 0x%llx-0x%llx", (unsigned long long)a->first,
		    (unsigned long long)a->last);
	if (object & OBJECT_PATH)
		add(lines, " \"%s\"", a->path);
	add_rights(lines, a->rights);
	if (a->kind == HWS_KIND_PLUGIN)
		add(lines, ", sha256 ...");
}

void policy_line(const struct hws_access *access, char *text, size_t size)
{
	struct lines lines = { text, size, 0 };

	text[0] = '\0';
	add_line(&lines, access);
}

/* How far the rule's numbers are from the access. */
static uint64_t distance(const struct policy_rule *rule, const struct hws_access *access)
{
	struct policy_span span = policy_access_span(access);
	uint64_t least = UINT64_MAX;

	for (size_t i = 0; i < rule->where.count; i++) {
		const struct policy_span *at = &rule->where.at[i];
		uint64_t gap = 0;

		if (at->first > span.last)
			gap = at->first - span.last;
		else if (at->last < span.first)
			gap = span.first - at->last;
		least = gap < least ? gap : least;
	}
	return least;
}

/* The allow rule of that kind whose numbers are nearest; NULL: the principal has none. */
static const struct policy_rule *nearest(const struct hws_policy_view *view,
					 const struct hws_access *access)
{
	const struct hws_policy *policy = view->policy;
	const struct policy_rule *best = NULL;
	uint64_t least = UINT64_MAX;

	for (size_t i = 0; i < policy->rule_count; i++) {
		const struct policy_rule *rule = &policy->rules[i];
		uint64_t far;

		if (rule->kind != access->kind || rule->deny || !view->sections[rule->section])
			continue;
		far = distance(rule, access);
		if (!best || far < least) {
			best = rule;
			least = far;
		}
	}
	return best;
}

static void explain_none(struct lines *lines, const struct hws_policy_view *view,
			 const struct hws_access *access, uint32_t danger)
{
	const struct policy_rule *rule = nearest(view, access);
	struct hws_access whole = *access;

	whole.rights |= access->width ? danger : 0;
	add(lines, "denied (%s): no rule allows it; add: ", hws_reason_name(HWS_REASON_NO_RULE));
	add_line(lines, &whole);
	if (rule)
		add(lines, "\nnearest: %s:%u: %s", view->policy->sections[rule->section].file,
		    rule->line, rule->text);
}

static void cause_width(struct lines *lines, const struct hws_access *a,
			const struct hws_decision *d)
{
	(void)d;
	add(lines, "\nits widths do not have %u", a->width);
}

static void cause_mask(struct lines *lines, const struct hws_access *a,
		       const struct hws_decision *d)
{
	if (~a->has & (HWS_HAS_OLD | HWS_HAS_VALUE))
		add(lines, "\nits mask can't be checked: the old or the new value is not known");
	else
		add(lines, "\nthe write would change the bits 0x%llx, outside its mask",
		    (unsigned long long)((a->value ^ a->old) & ~d->mask));
}

static void cause_value(struct lines *lines, const struct hws_access *a,
			const struct hws_decision *d)
{
	if (a->has & HWS_HAS_VALUE)
		add(lines, "\nits values do not have 0x%llx",
		    (unsigned long long)(a->value & d->mask));
	else
		add(lines, "\nits values can't be checked: the value is not known");
}

static void cause_limit(struct lines *lines, const struct hws_access *a,
			const struct hws_decision *d)
{
	add(lines, "\nthe last byte, 0x%llx, is over its limit of %llu bytes",
	    (unsigned long long)a->last, (unsigned long long)(d->max ? d->max : d->buffers));
}

static void cause_danger(struct lines *lines, const struct hws_access *a,
			 const struct hws_decision *d)
{
	char text[192];

	add(lines, "\n%s", danger_text(d->danger & ~a->rights, text, sizeof(text)));
}

/* Why a rule that was found does not permit the access. */
static void (*const causes[HWS_REASONS])(struct lines *lines, const struct hws_access *access,
					 const struct hws_decision *decision) = {
	[HWS_REASON_WIDTH] = cause_width,   [HWS_REASON_MASK] = cause_mask,
	[HWS_REASON_VALUE] = cause_value,   [HWS_REASON_LIMIT] = cause_limit,
	[HWS_REASON_DANGER] = cause_danger,
};

int hws_policy_explain(const struct hws_policy_view *view, const struct hws_access *access,
		       char *text, size_t size)
{
	struct lines lines = { text, size, 0 };
	struct hws_decision d = { .rule = HWS_POLICY_NO_RULE };
	int r;

	if (size == 0)
		return -EINVAL;
	r = hws_policy_check(view, access, &d);
	if (r == -EINVAL)
		return r;
	text[0] = '\0';
	if (d.reason == HWS_REASON_NO_RULE) {
		explain_none(&lines, view, access, d.danger);
		return 0;
	}
	if (d.reason)
		add(&lines, "denied (%s) by ", hws_reason_name(d.reason));
	else
		add(&lines, "allowed by ");
	add(&lines, "%s:%u [%s]: %s", d.file, d.line, d.section, d.text);
	if (causes[d.reason])
		causes[d.reason](&lines, access, &d);
	if (d.per_access)
		add(&lines, "\neach access is checked again");
	else if (d.danger && !access->width)
		add(&lines, "\neach write is checked again: some are dangerous");
	return 0;
}
