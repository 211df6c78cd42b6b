/* SPDX-License-Identifier: GPL-2.0-or-later */
/* hwprobe policy lint: what is odd about rules, and how much each opens. */
#include "hw/hwprobe/policy.h"
#include "hw/hwprobe/verbs.h"

enum { RULES };
static const struct args_option options[] = {
	[RULES] = { "rules", 0, NULL, "first all rules: how many addresses each is about" },
	{ 0 },
};

struct linted {
	const struct hws_policy *policy;
	struct json_object *array; /* NULL: text */
	uint32_t count;
};

static struct hws_policy_rule rule_at(const struct hws_policy *policy, uint32_t index)
{
	struct hws_policy_rule rule;

	if (hws_policy_rule_at(policy, index, &rule) < 0)
		rule = (struct hws_policy_rule) { .file = "", .text = "" };
	return rule;
}

static struct json_object *rule_of(const struct hws_policy *policy, uint32_t index)
{
	struct hws_policy_rule rule;
	struct json_object *o;

	if (hws_policy_rule_at(policy, index, &rule) < 0)
		return NULL;
	o = json_object_new_object();
	put_text(o, "file", rule.file);
	put_number(o, "line", rule.line);
	put_text(o, "section", rule.section);
	put_text(o, "kind", hws_kind_name(rule.kind));
	put(o, "deny", json_object_new_boolean(rule.deny));
	put_text(o, "text", rule.text);
	put_hex(o, "addresses", 1, rule.addresses);
	return o;
}

static void take_finding(const struct hws_policy_finding *finding, void *context)
{
	struct linted *linted = context;
	struct hws_policy_rule rule = rule_at(linted->policy, finding->rule);
	struct hws_policy_rule other;
	struct json_object *o;

	linted->count++;
	if (linted->array) {
		o = json_object_new_object();
		put_text(o, "finding", hws_lint_name(finding->lint));
		put_text(o, "text", finding->text);
		put(o, "rule", rule_of(linted->policy, finding->rule));
		put(o, "other", rule_of(linted->policy, finding->other));
		put_hex(o, "danger", 1, finding->danger);
		json_object_array_add(linted->array, o);
		return;
	}
	printf("%s:%u: %s: %s", rule.file, rule.line, hws_lint_name(finding->lint), finding->text);
	if (finding->other != HWS_POLICY_NO_RULE) {
		other = rule_at(linted->policy, finding->other);
		printf(": see %s:%u: %s", other.file, other.line, other.text);
	}
	putchar('\n');
}

static void print_rules(const struct hws_policy *policy)
{
	for (uint32_t i = 0; i < hws_policy_rules(policy); i++) {
		struct hws_policy_rule rule = rule_at(policy, i);
		char addresses[24];

		snprintf(addresses, sizeof(addresses), "%llu", (unsigned long long)rule.addresses);
		printf("%10s  %s:%u: %s\n", rule.addresses == UINT64_MAX ? "all" : addresses,
		       rule.file, rule.line, rule.text);
	}
}

static int lint_json(const struct call *call, struct linted *linted)
{
	struct json_object *o = document(&call->settings);
	struct json_object *rules = json_object_new_array();
	int r;

	linted->array = json_object_new_array();
	for (uint32_t i = 0; i < hws_policy_rules(linted->policy); i++)
		json_object_array_add(rules, rule_of(linted->policy, i));
	put(o, "rules", rules);
	put(o, "findings", linted->array);
	r = hws_policy_lint(linted->policy, take_finding, linted);
	if (r == 0)
		return document_print(o);
	json_object_put(o);
	return r;
}

static enum result lint(const struct call *call)
{
	struct policy_errors errors = { NULL, 0 };
	struct hws_policy *policy;
	struct linted linted = { 0 };
	int r = policy_read(&call->settings, call->count ? call->words[0] : NULL, &errors, &policy);

	if (r < 0)
		return policy_result(r);
	linted.policy = policy;
	if (call->settings.json) {
		r = lint_json(call, &linted);
	} else {
		if (call->given[RULES].count)
			print_rules(policy);
		r = hws_policy_lint(policy, take_finding, &linted);
	}
	hws_policy_unref(policy);
	if (r < 0)
		return call_fail("policy lint", r);
	return linted.count ? RESULT_FAILURE : RESULT_OK;
}

const struct verb verb_policy_lint = {
	.area = "policy",
	.name = "lint",
	.words = "[FILE|DIR]",
	.help = "rules that are dead, shadowed, dangerous ...; then 1",
	.options = options,
	.most = 1,
	.run = lint,
};
