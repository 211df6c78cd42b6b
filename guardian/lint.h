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

/** enum hws_change - how an access is decided differently. */
enum hws_change {
	HWS_CHANGE_POSSIBLE = 0, /* it was denied, and is allowed */
	HWS_CHANGE_IMPOSSIBLE,	 /* it was allowed, and is denied */
	HWS_CHANGE_LIMITS,	 /* it is allowed by a rule with other limits */
	HWS_CHANGES		 /* how many */
};

/**
 * hws_change_name() - the word of it in reports: "possible" …
 * @change: which
 *
 * Return: a constant string; "?" for a value that is none.
 */
HWS_API const char *hws_change_name(enum hws_change change);

/** HWS_POLICY_ANYBODY - in a change: the uid or gid of somebody whom neither policy names. */
#define HWS_POLICY_ANYBODY (UINT32_MAX - 1)
/** HWS_POLICY_ANY - in a change: a vendor, device, bus or processor that neither policy names. */
#define HWS_POLICY_ANY UINT16_MAX

/** struct hws_policy_change - one change; it and its strings are gone after the call. */
struct hws_policy_change {
	enum hws_change change;
	uint32_t uid;		     /* who: perhaps HWS_POLICY_ANYBODY, as the next two */
	uint32_t gid;		     /* in this group … */
	uint32_t group;		     /* … and this one */
	const char *exe;	     /* through this program; NULL: any that neither policy names */
	struct hws_access access;    /* a window, with all the rights that changed there */
	struct hws_policy_rule rule; /* of the policy that it is about: the new one's, but for … */
	bool has_rule;		     /* … IMPOSSIBLE, the old one's; false: there is none */
};

/** hws_policy_change_fn - takes one change. */
typedef void hws_policy_change_fn(const struct hws_policy_change *change, void *context);

/**
 * hws_policy_diff() - what two policies decide differently.
 * @before: shared; held while the call lasts
 * @after: shared; as @before
 * @call: called for each change
 * @context: borrowed; handed to @call
 *
 * Both are asked the same: for every rule of either, whether whom it names may do what it is about;
 * and for every rule that allows with every one that denies, whether somebody, or a device, that
 * both of them mean may. Wherever neither names any, somebody or something that is named nowhere
 * stands for all the others. What is the same side by side is told at once.
 *
 * Return: 0; -ENOMEM; -E2BIG as hws_policy_view_open().
 */
HWS_API HWS_MUST int hws_policy_diff(struct hws_policy *before, struct hws_policy *after,
				     hws_policy_change_fn *call, void *context);

HWS_END_DECLS

#endif
