/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Random policies and random accesses: the compiled look-up must agree with
 * a plain evaluator that is written from the manual and asks every rule about
 * every address.
 */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "guardian/danger-internal.h"
#include "guardian/policy.h"
#include "tests/suite.h"

enum { MAX_RULES = 2500, MAX_SPANS = 3, ANYTHING = -1, SECTIONS = 6, TEXT = 1 << 20 };

struct span {
	uint64_t first, last;
};

struct spans {
	unsigned int count; /* 0: all */
	struct span at[MAX_SPANS];
};

struct device {
	enum { DEVICE_ANY, DEVICE_BDF, DEVICE_ID, DEVICE_CLASS } sort;
	int part[4]; /* of a BDF or of vendor and device */
	unsigned int bytes;
	uint32_t class_code;
};

struct rule {
	enum hws_kind kind;
	bool deny;
	unsigned int section;
	uint32_t rights;
	struct device device;
	unsigned int bar_first, bar_last;
	struct spans where, cpus, values;
	const char *path; /* NULL: any */
	uint32_t widths;  /* 0: any */
	uint64_t mask, max, buffers, rate;
};

struct section {
	int user, group; /* ANYTHING: for all */
	const char *exe;
};

struct model {
	struct section sections[SECTIONS];
	struct rule rules[MAX_RULES];
	unsigned int count;
};

/* What the plain evaluator says. */
struct answer {
	enum hws_reason reason;
	uint32_t rule;
	bool per_access;
};

static const uint64_t largest[HWS_KINDS] = {
	[HWS_KIND_PORT] = 0xffff,    [HWS_KIND_MSR] = 0xffffffff, [HWS_KIND_PCI] = 0xfff,
	[HWS_KIND_BAR] = UINT64_MAX, [HWS_KIND_IRQ] = 2047,	  [HWS_KIND_CPUID] = 0xffffffff,
};
static const char *const paths[] = { "/dev/a", "/dev/b", "/dev/a/b" };
static const char *const exes[] = { "/bin/x", "/bin/y" };

static uint64_t state = 0x2545f4914f6cdd1du;

static uint32_t below(uint32_t limit)
{
	state ^= state << 13;
	state ^= state >> 7;
	state ^= state << 17;
	return (uint32_t)(state >> 33) % limit;
}

static bool chance(uint32_t of)
{
	return below(of) == 0;
}

/* ---- a random policy ---- */

/* Mostly where others are too; now and then at a power of two or at the end. */
static uint64_t random_number(uint64_t max)
{
	uint64_t number = below(48);

	if (chance(4))
		number += (uint64_t)1 << below(64);
	else if (chance(4))
		number = max - number;
	return number > max ? number % (max + 1) : number;
}

static struct spans random_spans(uint64_t max, uint32_t length)
{
	struct spans spans = { .count = 1 + (chance(3) ? below(MAX_SPANS) : 0) };

	for (unsigned int i = 0; i < spans.count; i++) {
		struct span *at = &spans.at[i];

		at->first = random_number(max);
		at->last = at->first + below(length);
		if (at->last > max || at->last < at->first)
			at->last = max;
	}
	return spans;
}

static int random_part(uint32_t limit)
{
	return chance(3) ? ANYTHING : (int)below(limit);
}

static struct device random_device(void)
{
	static const uint32_t classes[] = { 0x0c0500, 0x0c0330, 0x020000 };
	struct device d = { .sort = below(4), .bytes = 1 + below(3) };

	for (unsigned int i = 0; i < 4; i++)
		d.part[i] = random_part(2);
	d.class_code = classes[below(3)];
	return d;
}

static struct rule random_rule(void)
{
	struct rule r = {
		.kind = below(HWS_KINDS),
		.deny = chance(5),
		.section = below(SECTIONS),
		.rights = 1 + below(3),
		.device = random_device(),
		.mask = UINT64_MAX,
		.path = chance(4) ? NULL : paths[below(3)],
	};
	bool registers = r.kind <= HWS_KIND_BAR;
	bool writes = !r.deny && r.rights & HWS_W && registers;

	r.bar_first = below(6);
	r.bar_last = r.bar_first + below(6 - r.bar_first);
	if (registers && chance(4))
		r.rights |= (const uint32_t[]) { HWS_SIDE, HWS_CLAIMED, HWS_DANGER }[below(3)];
	if (r.kind == HWS_KIND_CPUID)
		r.rights = HWS_R;
	if (largest[r.kind])
		r.where = random_spans(largest[r.kind], chance(4) ? 1000 : 20);
	if (r.kind == HWS_KIND_MSR && chance(2))
		r.cpus = random_spans(7, 4);
	if (!r.deny && registers && r.kind != HWS_KIND_MSR && chance(3))
		r.widths = 1 + below(7);
	if (writes && r.kind != HWS_KIND_PORT && chance(3))
		r.mask = 1 + below(255);
	if (writes && chance(3))
		r.values = random_spans(255, 100);
	if (!r.deny && r.kind == HWS_KIND_DMA && chance(2))
		r.max = 1 + below(64);
	if (!r.deny && r.kind == HWS_KIND_RING && chance(2))
		r.buffers = 1 + below(64);
	if (!r.deny && r.kind != HWS_KIND_PLUGIN && chance(6))
		r.rate = 1 + below(9);
	return r;
}

static int compare_sections(const void *a, const void *b)
{
	const struct rule *x = a;
	const struct rule *y = b;

	return (x->section > y->section) - (x->section < y->section);
}

static void random_model(struct model *m, unsigned int count)
{
	m->count = count;
	for (unsigned int i = 0; i < SECTIONS; i++) {
		m->sections[i] = (struct section) {
			.user = chance(2) ? ANYTHING : (int)below(3),
			.group = chance(2) ? ANYTHING : (int)below(3),
			.exe = chance(3) ? exes[below(2)] : NULL,
		};
	}
	for (unsigned int i = 0; i < count; i++)
		m->rules[i] = random_rule();
	qsort(m->rules, count, sizeof(m->rules[0]), compare_sections);
}

/* ---- its text ---- */

static char text[TEXT];
static size_t length;

static void put(const char *format, ...) HWS_PRINTF(1, 2);
static void put(const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	length += (size_t)vsnprintf(text + length, TEXT - length, format, arguments);
	va_end(arguments);
	ck_assert_uint_lt(length, TEXT);
}

static void put_spans(const char *before, const struct spans *spans)
{
	if (spans->count)
		put("%s", before);
	for (unsigned int i = 0; i < spans->count; i++)
		put(" 0x%llx-0x%llx", (unsigned long long)spans->at[i].first,
		    (unsigned long long)spans->at[i].last);
}

static void put_part(int part, int digits, const char *behind)
{
	if (part == ANYTHING)
		put("*%s", behind);
	else
		put("%0*x%s", digits, (unsigned int)part, behind);
}

static void put_device(const struct device *d)
{
	if (d->sort == DEVICE_ANY) {
		put(" *");
	} else if (d->sort == DEVICE_CLASS) {
		put(" class 0x%0*x", (int)d->bytes * 2, d->class_code >> (24 - 8 * d->bytes));
	} else if (d->sort == DEVICE_ID) {
		put(" ");
		put_part(d->part[0], 4, ":");
		put_part(d->part[1], 4, "");
	} else {
		put(" ");
		put_part(d->part[0], 4, ":");
		put_part(d->part[1], 2, ":");
		put_part(d->part[2], 2, ".");
		put_part(d->part[3], 1, "");
	}
}

static bool has_device(enum hws_kind kind)
{
	return kind == HWS_KIND_PCI || kind == HWS_KIND_BAR || kind == HWS_KIND_DMA ||
	       kind == HWS_KIND_IRQ;
}

static bool has_path(enum hws_kind kind)
{
	return kind == HWS_KIND_RING || kind == HWS_KIND_PLUGIN;
}

static void put_options(const struct rule *r)
{
	put_spans(", cpus", &r->cpus);
	if (r->widths)
		put(", width%s%s%s", r->widths & 1 ? " 1" : "", r->widths & 2 ? " 2" : "",
		    r->widths & 4 ? " 4" : "");
	if (r->mask != UINT64_MAX)
		put(", mask 0x%llx", (unsigned long long)r->mask);
	put_spans(", value", &r->values);
	if (r->max)
		put(", max %llu", (unsigned long long)r->max);
	if (r->buffers)
		put(", buffers %llu", (unsigned long long)r->buffers);
	if (r->rate)
		put(", rate %llu/s", (unsigned long long)r->rate);
	if (r->kind == HWS_KIND_PLUGIN && !r->deny)
		put(", sha256 %064d", 0);
}

static void put_rule(const struct rule *r)
{
	put("%s%s =", r->deny ? "deny " : "", hws_kind_name(r->kind));
	if (has_device(r->kind))
		put_device(&r->device);
	if (has_path(r->kind))
		put(" %s", r->path ? r->path : "*");
	if (r->kind == HWS_KIND_BAR)
		put(" %u-%u", r->bar_first, r->bar_last);
	put_spans(r->kind == HWS_KIND_PCI ? " config" : "", &r->where);
	put("%s%s%s%s%s", r->rights & 1 ? " r" : "", r->rights & 2 ? " w" : "",
	    r->rights & 4 ? " side" : "", r->rights & 8 ? " claimed" : "",
	    r->rights & HWS_DANGER ? " danger" : "");
	put_options(r);
	put("\n");
}

static void put_model(const struct model *m)
{
	length = 0;
	for (unsigned int i = 0; i < m->count; i++) {
		unsigned int section = m->rules[i].section;
		const struct section *s = &m->sections[section];

		if (i == 0 || section != m->rules[i - 1].section) {
			put("[s%u]\n", section);
			if (s->user != ANYTHING)
				put("user = %d\n", s->user);
			if (s->group != ANYTHING)
				put("group = %d, 77\n", s->group);
			if (s->exe)
				put("exe = %s\nexe = /nowhere\n", s->exe);
		}
		put_rule(&m->rules[i]);
	}
}

/* ---- the plain evaluator ---- */

static bool in_spans(const struct spans *spans, uint64_t number)
{
	for (unsigned int i = 0; i < spans->count; i++) {
		if (number >= spans->at[i].first && number <= spans->at[i].last)
			return true;
	}
	return spans->count == 0;
}

static bool is_part(int part, uint32_t value)
{
	return part == ANYTHING || (uint32_t)part == value;
}

static bool is_device(const struct device *d, const struct hws_access *a)
{
	if (d->sort == DEVICE_BDF)
		return is_part(d->part[0], a->bdf.domain) && is_part(d->part[1], a->bdf.bus) &&
		       is_part(d->part[2], a->bdf.device) && is_part(d->part[3], a->bdf.function);
	if (d->sort == DEVICE_ID)
		return is_part(d->part[0], a->vendor) && is_part(d->part[1], a->device);
	if (d->sort == DEVICE_CLASS)
		return (d->class_code ^ a->class_code) >> (24 - 8 * d->bytes) == 0;
	return true;
}

static bool is_for(const struct section *s, const struct hws_principal *p)
{
	bool group = s->group == ANYTHING || (uint32_t)s->group == p->gid;

	for (size_t i = 0; i < p->group_count; i++)
		group |= (uint32_t)s->group == p->groups[i];
	return group && (s->user == ANYTHING || (uint32_t)s->user == p->uid) &&
	       (!s->exe || (p->exe && !strcmp(s->exe, p->exe)));
}

/* Of this object, CPU and principal; the address is another question. */
static bool is_about(const struct model *m, const struct rule *r, const struct hws_access *a,
		     const struct hws_principal *p)
{
	return r->kind == a->kind && is_for(&m->sections[r->section], p) &&
	       (!has_device(r->kind) || is_device(&r->device, a)) &&
	       (r->kind != HWS_KIND_BAR || (a->bar >= r->bar_first && a->bar <= r->bar_last)) &&
	       (!has_path(r->kind) || !r->path || !strcmp(r->path, a->path)) &&
	       in_spans(&r->cpus, a->cpu);
}

static enum hws_reason limits(const struct rule *r, const struct hws_access *a, bool single)
{
	uint64_t bytes = a->last + 1;

	if ((r->max && bytes > r->max) || (r->buffers && bytes > r->buffers))
		return HWS_REASON_LIMIT;
	if (!single)
		return HWS_REASON_NONE;
	if (r->widths && a->width && !(r->widths & a->width))
		return HWS_REASON_WIDTH;
	if (!(a->rights & HWS_W))
		return HWS_REASON_NONE;
	if (r->mask != UINT64_MAX &&
	    (a->has != (HWS_HAS_VALUE | HWS_HAS_OLD) || ((a->value ^ a->old) | r->mask) != r->mask))
		return HWS_REASON_MASK;
	if (r->values.count &&
	    (!(a->has & HWS_HAS_VALUE) || !in_spans(&r->values, a->value & r->mask)))
		return HWS_REASON_VALUE;
	return HWS_REASON_NONE;
}

/* The rules that speak of the access, by index, and the access's addresses. */
struct asked {
	const struct model *m;
	const struct hws_access *a;
	unsigned int rules[MAX_RULES];
	unsigned int count;
	uint64_t first, last;
	bool single;
};

static bool covers(const struct rule *r, uint64_t first, uint64_t last)
{
	for (uint64_t at = first;; at++) {
		if (!in_spans(&r->where, at))
			return false;
		if (at == last)
			return true;
	}
}

static bool forbidden(const struct asked *q, struct answer *answer)
{
	for (unsigned int i = 0; i < q->count; i++) {
		const struct rule *r = &q->m->rules[q->rules[i]];

		for (uint64_t at = q->first; r->deny && r->rights & q->a->rights; at++) {
			if (in_spans(&r->where, at)) {
				*answer = (struct answer) { HWS_REASON_DENY_RULE, q->rules[i], 0 };
				return true;
			}
			if (at == q->last)
				break;
		}
	}
	return false;
}

static void single_access(const struct asked *q, struct answer *answer)
{
	for (unsigned int i = 0; i < q->count; i++) {
		const struct rule *r = &q->m->rules[q->rules[i]];
		enum hws_reason reason;

		if (r->deny || (q->a->rights & ~r->rights) || !covers(r, q->first, q->last))
			continue;
		reason = limits(r, q->a, true);
		if (!reason || answer->reason == HWS_REASON_NO_RULE)
			*answer = (struct answer) { reason, q->rules[i], false };
		if (!reason)
			return;
	}
}

static bool is_limited(const struct rule *r)
{
	return r->widths || r->mask != UINT64_MAX || r->values.count || r->rate;
}

/* One address of a window: the rights that rules give together; false when some are missing. */
static bool window_address(const struct asked *q, uint64_t at, uint64_t *rules, bool *limited,
			   struct answer *answer)
{
	uint32_t missing = q->a->rights;
	struct answer miss = { HWS_REASON_NO_RULE, HWS_POLICY_NO_RULE, false };

	for (unsigned int i = 0; i < q->count && missing; i++) {
		const struct rule *r = &q->m->rules[q->rules[i]];
		enum hws_reason reason;

		if (r->deny || !(r->rights & missing) || !in_spans(&r->where, at))
			continue;
		reason = limits(r, q->a, false);
		if (reason) {
			if (miss.reason == HWS_REASON_NO_RULE)
				miss = (struct answer) { reason, q->rules[i], false };
			continue;
		}
		if (answer->rule == HWS_POLICY_NO_RULE)
			answer->rule = q->rules[i];
		if (answer->rule != q->rules[i])
			*rules = 2;
		*limited |= is_limited(r);
		missing &= ~r->rights;
	}
	if (missing)
		*answer = miss;
	return !missing;
}

/* One rule that gives the whole window by itself: the first. */
static bool window_of_one(const struct asked *q, struct answer *answer)
{
	for (unsigned int i = 0; i < q->count; i++) {
		const struct rule *r = &q->m->rules[q->rules[i]];

		if (r->deny || (q->a->rights & ~r->rights) || !covers(r, q->first, q->last) ||
		    limits(r, q->a, false))
			continue;
		*answer = (struct answer) { HWS_REASON_NONE, q->rules[i], is_limited(r) };
		return true;
	}
	return false;
}

static void window(const struct asked *q, struct answer *answer)
{
	uint64_t rules = 1;
	bool limited = false;

	if (window_of_one(q, answer))
		return;

	for (uint64_t at = q->first;; at++) {
		if (!window_address(q, at, &rules, &limited, answer))
			return;
		if (at == q->last)
			break;
	}
	answer->reason = HWS_REASON_NONE;
	answer->per_access = limited || rules > 1;
}

static struct answer answer_to(const struct model *m, const struct hws_access *a,
			       const struct hws_principal *p)
{
	static struct asked q;
	struct answer answer = { HWS_REASON_NO_RULE, HWS_POLICY_NO_RULE, false };

	q.m = m;
	q.a = a;
	q.count = 0;
	q.first = largest[a->kind] ? a->first : 0;
	q.last = largest[a->kind] ? a->last : 0;
	q.single = a->width || a->has & HWS_HAS_VALUE;
	for (unsigned int i = 0; i < m->count; i++) {
		if (is_about(m, &m->rules[i], a, p))
			q.rules[q.count++] = i;
	}
	if (forbidden(&q, &answer))
		return answer;
	if (q.single)
		single_access(&q, &answer);
	else
		window(&q, &answer);
	return answer;
}

/* A dangerous write asks for its danger too; what fails by that alone is refused for it. */
static struct answer evaluate(const struct model *m, const struct hws_access *a,
			      const struct hws_principal *p)
{
	struct hws_access dangerous = *a;
	struct answer answer;

	if (a->width || a->has & HWS_HAS_VALUE)
		dangerous.rights |= danger_of(a);
	answer = answer_to(m, &dangerous, p);
	if (dangerous.rights == a->rights || answer.reason != HWS_REASON_NO_RULE)
		return answer;
	answer = answer_to(m, a, p);
	if (answer.reason == HWS_REASON_NONE)
		answer = (struct answer) { HWS_REASON_DANGER, answer.rule, false };
	return answer;
}

/* ---- random accesses ---- */

static struct hws_access random_access(void)
{
	static const uint32_t classes[] = { 0x0c0500, 0x0c0330, 0x020000 };
	static const uint32_t widths[] = { 1, 2, 4, 8 };
	struct hws_access a = {
		.kind = below(HWS_KINDS),
		.rights = chance(8) ? 1 + below(31) : 1 + below(3),
		.bdf = { below(2), (uint8_t)below(2), (uint8_t)below(2), (uint8_t)below(2) },
		.vendor = (uint16_t)below(2),
		.device = (uint16_t)below(2),
		.class_code = classes[below(3)],
		.bar = below(6),
		.cpu = below(8),
		.path = paths[below(3)],
	};

	if (a.kind == HWS_KIND_CPUID && !chance(4))
		a.rights = HWS_R;
	a.first = random_number(largest[a.kind] ? largest[a.kind] : 40);
	if (chance(2)) {
		a.width = widths[below(4)];
		a.last = a.first + a.width - 1;
	} else {
		a.last = a.first + below(chance(4) ? 40 : 4);
	}
	if (a.last < a.first)
		a.last = UINT64_MAX;
	if (!largest[a.kind])
		a.first = 0;
	a.has = chance(2) ? below(4) : HWS_HAS_VALUE | HWS_HAS_OLD;
	if (!a.width)
		a.has = 0;
	a.value = below(256);
	a.old = chance(2) ? a.value ^ (1u << below(8)) : below(256);
	return a;
}

/* How often each answer came: a test in which all is denied would prove little. */
static unsigned int seen[HWS_REASONS];
static unsigned int seen_per_access;

static void compare(const struct model *m, const struct hws_policy_view *view,
		    const struct hws_principal *p)
{
	struct hws_access a = random_access();
	struct answer wanted = evaluate(m, &a, p);
	struct hws_decision d;
	int r = hws_policy_check(view, &a, &d);

	seen[wanted.reason]++;
	seen_per_access += wanted.per_access;
	ck_assert_msg(d.reason == wanted.reason && d.rule == wanted.rule &&
			      d.per_access == wanted.per_access && d.code == r &&
			      r == hws_reason_code(wanted.reason),
		      "%s 0x%llx-0x%llx rights %u width %u uid %u: %s by rule %d, expected %s by "
		      "rule %d (per access %d, %d), in\n%.2000s",
		      hws_kind_name(a.kind), (unsigned long long)a.first,
		      (unsigned long long)a.last, a.rights, a.width, p->uid,
		      hws_reason_name(d.reason), (int)d.rule, hws_reason_name(wanted.reason),
		      (int)wanted.rule, d.per_access, wanted.per_access, text);
}

static void try_policy(struct model *m, unsigned int rules, unsigned int accesses)
{
	enum { PRINCIPALS = 4 };
	struct hws_policy *policy;

	random_model(m, rules);
	put_model(m);
	ck_assert_msg(!hws_policy_parse(NULL, "random", text, length, &policy), "%s\n%.2000s",
		      hws_why(), text);
	ck_assert_uint_eq(hws_policy_rules(policy), rules);
	for (unsigned int i = 0; i < PRINCIPALS; i++) {
		const uint32_t groups[] = { below(4), 1000 };
		struct hws_principal principal = {
			.uid = below(3),
			.gid = below(3),
			.groups = groups,
			.group_count = below(3),
			.exe = chance(3) ? NULL : exes[below(2)],
		};
		struct hws_policy_view *view;

		ck_ok(hws_policy_view_open(policy, &principal, &view));
		for (unsigned int k = 0; k < accesses / PRINCIPALS; k++)
			compare(m, view, &principal);
		hws_policy_view_unref(view);
	}
	hws_policy_unref(policy);
}

START_TEST(check_agrees_with_the_plain_evaluator)
{
	static struct model model;
	unsigned int rounds = (unsigned int)suite_rounds(1000);

	for (unsigned int i = 0; i < rounds; i++)
		try_policy(&model, 1 + below(60), 1000);
	for (enum hws_reason reason = HWS_REASON_NONE; reason <= HWS_REASON_LIMIT; reason++)
		ck_assert_msg(seen[reason] > rounds / 2, "%s: only %u", hws_reason_name(reason),
			      seen[reason]);
	ck_assert_uint_gt(seen[HWS_REASON_DANGER], rounds / 10);
	ck_assert_uint_gt(seen_per_access, rounds);
}
END_TEST

START_TEST(check_agrees_with_the_plain_evaluator_in_large_policies)
{
	enum { POLICIES = 10 };
	static struct model model;

	for (int i = 0; i < suite_rounds(POLICIES); i++)
		try_policy(&model, MAX_RULES, 2000);
}
END_TEST

int main(void)
{
	return suite_run_for(
		"guardian/policy-random",
		(const TTest *[]) { check_agrees_with_the_plain_evaluator,
				    check_agrees_with_the_plain_evaluator_in_large_policies, NULL },
		300);
}
