/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What of the policy holds: the rules of the profile that are for this user and program, and every
 * deny rule that is. Written down as a policy of their own, which the program gets to see too; all
 * that is granted is decided by that one.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "helper/run.h"

struct selection {
	FILE *out;
	bool known;		      /* there is a profile of that name */
	bool meant;		      /* and it is for this user and program */
	struct hws_policy_rule first; /* of the profile */
	char names[RUN_TEXT];	      /* of other profiles */
};

static void note_name(struct selection *of, const char *name)
{
	size_t used = strlen(of->names);
	size_t length = strlen(name);

	/* sections come one after another: what stands at the end is the one before */
	if (used >= length && !strcmp(of->names + used - length, name))
		return;
	if (used + length + 2 < sizeof(of->names))
		snprintf(of->names + used, sizeof(of->names) - used, " %s", name);
}

static void select_rule(const struct run *run, const struct hws_policy_view *view, uint32_t index,
			struct selection *of)
{
	bool holds = hws_policy_view_has(view, index);
	struct hws_policy_rule rule;
	bool mine;

	if (hws_policy_rule_at(hws_policy_view_policy(view), index, &rule) < 0)
		return;
	mine = !strcmp(rule.section, run->profile);
	if (!mine)
		note_name(of, rule.section);
	if (mine && !of->known)
		of->first = rule;
	of->known |= mine;
	of->meant |= mine && holds;
	if (holds && (mine || rule.deny))
		fprintf(of->out, "%s\n", rule.text);
}

static enum result judge(const struct run *run, const struct selection *of)
{
	if (!of->known)
		return run_refuse(RESULT_NOT_FOUND,
				  "run: no profile '%s' in the policy; there "
				  "are:%s",
				  run->profile, of->names[0] ? of->names : " none");
	if (!of->meant)
		return run_refuse(RESULT_DENIED,
				  "run: profile '%s' (%s:%u) is not for user %s with program %s: "
				  "its user, group and exe lines say for whom it is",
				  run->profile, of->first.file, of->first.line, run->name,
				  run->exe);
	if (run->text_size > HWS_GRANTS_TEXT)
		return run_refuse(RESULT_FAILURE, "run: profile '%s' has too many rules",
				  run->profile);
	return RESULT_OK;
}

static enum result select_rules(struct run *run, const struct hws_policy_view *view)
{
	uint32_t count = hws_policy_rules(hws_policy_view_policy(view));
	struct selection of = { .out = open_memstream(&run->text, &run->text_size) };

	if (!of.out)
		return run_refuse(RESULT_FAILURE, "run: no memory for the policy");
	fprintf(of.out, "[%s]\n", run->profile);
	for (uint32_t i = 0; i < count; i++)
		select_rule(run, view, i, &of);
	if (fclose(of.out) != 0)
		return run_refuse(RESULT_FAILURE, "run: no memory for the policy");
	run->text_size++; /* its NUL */
	return judge(run, &of);
}

static struct hws_principal principal_of(const struct run *run)
{
	return (struct hws_principal) {
		.uid = run->uid,
		.gid = run->gid,
		.groups = run->groups,
		.group_count = run->group_count,
		.exe = run->exe,
	};
}

/* Takes nothing; the policy stays the caller's. */
static enum result reduce(struct run *run, struct hws_policy *whole)
{
	const struct hws_principal principal = principal_of(run);
	struct hws_policy_view *view;
	enum result result;
	int r = hws_policy_view_open(whole, &principal, &view);

	if (r < 0)
		return run_refuse(run_result(r), "run: %s", hws_why());
	result = select_rules(run, view);
	hws_policy_view_unref(view);
	if (result != RESULT_OK)
		return result;
	r = hws_policy_parse(NULL, "granted", run->text, run->text_size - 1, &run->policy);
	if (r == 0)
		r = hws_policy_view_open(run->policy, &principal, &run->view);
	return r < 0 ? run_refuse(run_result(r), "run: %s", hws_why()) : RESULT_OK;
}

enum result run_load_policy(struct run *run)
{
	const struct hws_policy_options options = {
		.size = sizeof(options),
		.directory = run->directory,
	};
	struct hws_policy *whole;
	enum result result;
	int r = hws_policy_load(&options, &whole);

	if (r < 0)
		return run_refuse(run_result(r), "run: the policy can't be used: %s", hws_why());
	result = reduce(run, whole);
	hws_policy_unref(whole);
	return result;
}

bool run_allows(const struct run *run, const struct hws_access *access)
{
	struct hws_access whole = *access;
	struct hws_decision decision;

	/* what is granted is never asked about again: whatever may be written there is */
	whole.rights |= hws_access_danger(access);
	return hws_policy_check(run->view, &whole, &decision) == 0 && !decision.per_access &&
	       !decision.rate;
}

bool run_next_rule(const struct run *run, enum hws_kind kind, uint32_t *index,
		   struct hws_policy_rule *ret_rule)
{
	while (hws_policy_rule_at(run->policy, (*index)++, ret_rule) == 0)
		if (ret_rule->kind == kind && !ret_rule->deny)
			return true;
	return false;
}

int run_open_machine(struct run *run)
{
	const struct hws_options options = {
		.size = sizeof(options),
		.backend = "native",
		.policy_directory = "/proc/self/none",
		.policy_text = "bar = * * rw",
	};

	return run->machine ? 0 : hws_open(&options, &run->machine);
}
