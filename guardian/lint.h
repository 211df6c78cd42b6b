/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What is odd about a policy, though it has no error; and what two policies
 * allow differently.
 *
 *	r = hws_policy_lint(policy, tell, NULL);          tell() is called for each finding
 *	r = hws_policy_diff(old, new, tell_change, NULL);
 */
#ifndef HWSAFE_GUARDIAN_LINT_H
#define HWSAFE_GUARDIAN_LINT_H

#include "policy.h"

HWS_BEGIN_DECLS

/** enum hws_lint - what may be odd about a rule. */
enum hws_lint {
	HWS_LINT_DEAD = 0, /* another rule denies all that it allows */
	HWS_LINT_SHADOWED, /* another rule alone allows, or denies, all that it does */
	HWS_LINT_LOOSENED, /* where both apply, another rule lifts its limits */
	HWS_LINT_OVERLAP,  /* another rule allows a part of it */
	HWS_LINT_DANGER,   /* it opens dangerous writes */
	HWS_LINT_WIDE,	   /* it opens all there is of its kind for writing */
	HWS_LINT_ANYBODY,  /* it lets everybody write */
	HWS_LINTS	   /* how many */
};

/**
 * hws_lint_name() - the word of it in reports: "dead", "shadowed" …
 * @lint: which
 *
 * Return: a constant string; "?" for a value that is none.
 */
HWS_API const char *hws_lint_name(enum hws_lint lint);

/** struct hws_policy_finding - one finding; its strings are gone after the call. */
struct hws_policy_finding {
	enum hws_lint lint;
	uint32_t rule;	  /* its index */
	uint32_t other;	  /* the rule that makes it so; HWS_POLICY_NO_RULE: none */
	uint32_t danger;  /* HWS_DANGER_…, of HWS_LINT_DANGER */
	const char *text; /* the same in words, without the rules */
};

/** hws_policy_finding_fn - takes one finding, which is borrowed and gone after the call. */
typedef void hws_policy_finding_fn(const struct hws_policy_finding *finding, void *context);

/**
 * hws_policy_lint() - what is odd about a policy's rules, in their order.
 * @policy: borrowed
 * @call: called for each finding
 * @context: borrowed; handed to @call
 *
 * Only pairs of rules are looked at: a rule that several others deny together is not found dead.
 * The time grows with the square of the rules that are about the same numbers.
 *
 * Return: 0; -ENOMEM.
 */
HWS_API HWS_MUST int hws_policy_lint(const struct hws_policy *policy, hws_policy_finding_fn *call,
				     void *context);

HWS_END_DECLS

#endif
