/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * hwprobe policy export: an msr-safe list. It knows registers and the bits of them that may be
 * written; what it can't say is told and left out, so that it never allows more than the policy.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "hw/hwprobe/policy.h"
#include "hw/hwprobe/verbs.h"

enum { SECTION };
static const struct args_option options[] = {
	[SECTION] = { "section", 0, "NAME", "of this section alone" },
	{ 0 },
};

enum { MOST = 65536 }; /* lines */

struct line {
	uint32_t msr;
	uint64_t mask;
};

struct list {
	const struct hws_policy *policy;
	struct hws_policy_view *all; /* everything may be written, but nothing that is dangerous */
	const char *section;	     /* NULL: all */
	struct line *lines;
	size_t count;
	unsigned int unsaid;
	struct json_object *array; /* of what can't be said; NULL: it goes to stderr */
	bool no_memory;
};

static void tell(struct list *list, const struct hws_policy_rule *rule, const char *why)
{
	struct json_object *o;

	list->unsaid++;
	if (!list->array) {
		fprintf(stderr, "%s:%u: %s: %s\n", rule->file, rule->line, why, rule->text);
		return;
	}
	o = json_object_new_object();
	put_text(o, "file", rule->file);
	put_number(o, "line", rule->line);
	put_text(o, "why", why);
	put_text(o, "text", rule->text);
	json_object_array_add(list->array, o);
}

static bool is_chosen(const struct list *list, const struct hws_policy_rule *rule)
{
	return !list->section || !strcmp(rule->section, list->section);
}

/* Why a rule can't be in the list at all; NULL: it can. */
static const char *hindrance(const struct hws_policy_rule *rule)
{
	if (rule->kind != HWS_KIND_MSR)
		return "only MSRs can be in the list";
	if (!(rule->rights & HWS_R))
		return "whatever is in the list can be read";
	if (rule->limits & HWS_LIMITS_CPUS)
		return "the list is for all processors";
	if (rule->limits & (HWS_LIMITS_RATE | HWS_LIMITS_LAST_WORDS))
		return "the list knows no rates and no last words";
	return rule->addresses > MOST ? "too many registers" : NULL;
}

/* Writes to the register, that the rule has no right to the danger of. */
static bool is_dangerous(const struct list *list, const struct hws_policy_rule *rule, uint64_t msr)
{
	struct hws_access access = {
		.kind = HWS_KIND_MSR, .rights = HWS_W, .first = msr, .last = msr, .width = 8
	};
	struct hws_decision decision;

	return hws_policy_check(list->all, &access, &decision) != -EINVAL &&
	       decision.danger & ~rule->rights;
}

static void add_line(struct list *list, uint64_t msr, uint64_t mask)
{
	struct line *more = reallocarray(list->lines, list->count + 1, sizeof(*more));

	if (!more) {
		list->no_memory = true;
		return;
	}
	list->lines = more;
	more[list->count++] = (struct line) { (uint32_t)msr, mask };
}

static void add_rule(struct list *list, uint32_t index, const struct hws_policy_rule *rule)
{
	uint64_t mask = rule->rights & HWS_W ? rule->mask : 0;
	bool dangerous = false;
	uint64_t first;
	uint64_t last;

	if (mask && rule->limits & HWS_LIMITS_VALUE) {
		tell(list, rule, "the list knows no values: read-only there");
		mask = 0;
	}
	for (uint32_t i = 0; hws_policy_rule_span(list->policy, index, i, &first, &last) == 0; i++)
		for (uint64_t msr = first; msr <= last && !list->no_memory; msr++) {
			bool danger = mask && is_dangerous(list, rule, msr);

			dangerous |= danger;
			add_line(list, msr, danger ? 0 : mask);
		}
	if (dangerous)
		tell(list, rule, "the list knows no dangers: read-only there");
}

/* What a deny rule of any section touches is not in the list, or can't be written. */
static void take_away(struct list *list, uint32_t index, const struct hws_policy_rule *rule)
{
	uint64_t first;
	uint64_t last;
	size_t kept = 0;

	for (uint32_t i = 0; hws_policy_rule_span(list->policy, index, i, &first, &last) == 0;
	     i++) {
		kept = 0;
		for (size_t k = 0; k < list->count; k++) {
			struct line *line = &list->lines[k];
			bool touched = line->msr >= first && line->msr <= last;

			if (touched && rule->rights & HWS_R)
				continue;
			if (touched && rule->rights & HWS_W)
				line->mask = 0;
			list->lines[kept++] = *line;
		}
		list->count = kept;
	}
}

static void gather(struct list *list, bool deny)
{
	struct hws_policy_rule rule;

	for (uint32_t i = 0; hws_policy_rule_at(list->policy, i, &rule) == 0; i++) {
		if (deny && rule.deny && rule.kind == HWS_KIND_MSR)
			take_away(list, i, &rule);
		if (deny || rule.deny || !is_chosen(list, &rule))
			continue;
		if (hindrance(&rule))
			tell(list, &rule, hindrance(&rule));
		else
			add_rule(list, i, &rule);
	}
}

static int by_msr(const void *a, const void *b)
{
	const struct line *x = a;
	const struct line *y = b;

	return (x->msr > y->msr) - (x->msr < y->msr);
}

/* In order, and each register once. */
static void settle(struct list *list)
{
	size_t kept = 0;

	if (!list->count)
		return;
	qsort(list->lines, list->count, sizeof(*list->lines), by_msr);
	for (size_t i = 1; i < list->count; i++) {
		if (list->lines[i].msr == list->lines[kept].msr)
			list->lines[kept].mask |= list->lines[i].mask;
		else
			list->lines[++kept] = list->lines[i];
	}
	list->count = kept + 1;
}

static void print_list(const struct list *list)
{
	puts("# MSR      Write mask");
	for (size_t i = 0; i < list->count; i++)
		printf("0x%08x 0x%016llx\n", list->lines[i].msr,
		       (unsigned long long)list->lines[i].mask);
}

/* The document: list[] (msr and mask, hex), unsaid[] (file line why text). Takes the array. */
static int print_document(const struct call *call, struct list *list)
{
	struct json_object *o = document(&call->settings);
	struct json_object *lines = json_object_new_array();

	for (size_t i = 0; i < list->count; i++) {
		struct json_object *line = json_object_new_object();

		put_hex(line, "msr", 8, list->lines[i].msr);
		put_hex(line, "mask", 16, list->lines[i].mask);
		json_object_array_add(lines, line);
	}
	put(o, "list", lines);
	put(o, "unsaid", json_object_get(list->array));
	return document_print(o);
}

/* The list is one, for whoever may use it: rules for different people would be mixed. */
static enum result check_sections(const struct list *list)
{
	struct hws_policy_rule rule;
	char first[80] = "";
	bool found = false;

	for (uint32_t i = 0; hws_policy_rule_at(list->policy, i, &rule) == 0; i++) {
		found |= is_chosen(list, &rule);
		if (list->section || rule.deny || rule.kind != HWS_KIND_MSR)
			continue;
		if (first[0] && strcmp(first, rule.section) != 0)
			return args_refuse("policy export: msr-safe has one list for all: choose "
					   "one by --section: %s, %s ...",
					   first, rule.section);
		snprintf(first, sizeof(first), "%s", rule.section);
	}
	if (found)
		return RESULT_OK;
	say("policy export: no such section: %s",
	    list->section ? list->section : "the policy is empty");
	return RESULT_NOT_FOUND;
}

static const char everything[] = "[all]\nmsr = * rw\n";

static int open_all(struct hws_policy_view **ret_view)
{
	static const struct hws_principal root = { 0 };
	struct hws_policy *policy;
	int r = hws_policy_parse(NULL, "all", everything, sizeof(everything) - 1, &policy);

	if (r < 0)
		return r;
	r = hws_policy_view_open(policy, &root, ret_view);
	hws_policy_unref(policy);
	return r;
}

static enum result export_list(const struct call *call, struct list *list)
{
	enum result result = check_sections(list);

	if (result != RESULT_OK)
		return result;
	gather(list, false);
	gather(list, true);
	if (list->no_memory)
		return call_fail("policy export", -ENOMEM);
	settle(list);
	if (!list->array)
		print_list(list);
	else if (print_document(call, list) < 0)
		return RESULT_FAILURE;
	return list->unsaid ? RESULT_PARTIAL : RESULT_OK;
}

static enum result export_run(const struct call *call)
{
	struct policy_errors errors = { NULL, 0 };
	struct list list = { .section = call->given[SECTION].value };
	struct hws_policy *policy;
	enum result result;
	int r = policy_read(&call->settings, call->count ? call->words[0] : NULL, &errors, &policy);

	if (r < 0)
		return policy_result(r);
	list.policy = policy;
	if (call->settings.json)
		list.array = json_object_new_array();
	r = open_all(&list.all);
	result = r < 0 ? call_fail("policy export", r) : export_list(call, &list);
	json_object_put(list.array);
	free(list.lines);
	hws_policy_view_unref(list.all);
	hws_policy_unref(policy);
	return result;
}

const struct verb verb_policy_export = {
	.area = "policy",
	.name = "export",
	.words = "[FILE|DIR]",
	.help = "its MSRs as an msr-safe list; 9: not all can be said",
	.options = options,
	.most = 1,
	.run = export_run,
};
