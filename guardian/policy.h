/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The policy: who may do what to which hardware. docs/policy.md describes the
 * format of its files.
 *
 *	struct hws_policy *policy;
 *	struct hws_policy_view *view;
 *
 *	r = hws_policy_load(NULL, &policy);                    /etc/hwsafe/policy.d, or built in
 *	r = hws_policy_view_open(policy, &principal, &view);   what of it applies to this principal
 *	r = hws_policy_check(view, &access, &decision);        0, or why not
 *
 * Deny by default; a deny rule wins over any allow rule; the first allow rule
 * that permits the access is the one recorded. A policy never changes: a
 * reload makes a new one with a generation of its own.
 */
#ifndef HWSAFE_GUARDIAN_POLICY_H
#define HWSAFE_GUARDIAN_POLICY_H

#include "access.h"

HWS_BEGIN_DECLS

/** struct hws_policy - a whole policy, immutable; shared by reference. */
struct hws_policy;
/** struct hws_policy_view - what of a policy applies to one principal, made for fast look-up. */
struct hws_policy_view;

/** HWS_POLICY_DIRECTORY - where policy files are, unless the options say otherwise. */
#define HWS_POLICY_DIRECTORY "/etc/hwsafe/policy.d"
/** HWS_POLICY_INLINE - the file name that errors and decisions give to rules given in line. */
#define HWS_POLICY_INLINE "inline"
/** HWS_POLICY_NO_RULE - struct hws_decision.rule when no rule decided. */
#define HWS_POLICY_NO_RULE UINT32_MAX

/** struct hws_policy_error - one error of a policy; its strings are gone after the call. */
struct hws_policy_error {
	const char *file;
	uint32_t line;	 /* 0: the file as a whole */
	uint32_t column; /* in characters, from 1; 0: the line as a whole */
	const char *message;
};

/** struct hws_policy_options - how a policy is loaded; all zero but the size is the default. */
struct hws_policy_options {
	size_t size;	       /* sizeof(struct hws_policy_options) */
	const char *sysroot;   /* borrowed; every path is opened below it; NULL: the real root */
	const char *directory; /* borrowed; NULL: HWS_POLICY_DIRECTORY */
	const char *text;      /* borrowed; rules given in line; NULL: none */
	uint32_t owner_uid;    /* who must own the files and their directories */
	/* called for each error, up to 100 of them; NULL: only hws_why() tells the first */
	void (*error)(void *context, const struct hws_policy_error *error);
	void *context; /* handed to @error */
};

/**
 * hws_policy_load() - read every *.conf file of the policy directory, in the order of their names.
 * @options: borrowed; NULL: the defaults
 * @ret_policy: out; to be given up by hws_policy_unref(); untouched on failure
 *
 * Directory and files must belong to the owner and not be writable by group or
 * others, and no link is followed. Without the directory, or without a file in
 * it, the built-in policy holds. A single error anywhere gives no policy at all.
 *
 * Return: 0; -EBADMSG when a file or the text has errors; -EACCES when a file or
 * its directory can't be trusted; -EFBIG when they are too large; -EINVAL for
 * options of an unknown size; -ENOMEM; -EAGAIN when one changed meanwhile; or what
 * opening or reading gave. hws_why() has the first error.
 */
HWS_API HWS_MUST int hws_policy_load(const struct hws_policy_options *options,
				     struct hws_policy **ret_policy);

/**
 * hws_policy_parse() - make a policy of one text, as if it were the only file.
 * @options: borrowed; only sysroot (for names of users and groups) and error; NULL: defaults
 * @file: borrowed; what errors and decisions call the text
 * @text: borrowed; @length bytes
 * @length: how long it is
 * @ret_policy: out; to be given up by hws_policy_unref(); untouched on failure
 *
 * Return: 0, -EBADMSG, -EINVAL or -ENOMEM as hws_policy_load().
 */
HWS_API HWS_MUST int hws_policy_parse(const struct hws_policy_options *options, const char *file,
				      const char *text, size_t length,
				      struct hws_policy **ret_policy);

/**
 * hws_policy_builtin() - the text of the policy that holds where there is no file.
 *
 * Return: a constant string.
 */
HWS_API const char *hws_policy_builtin(void);

/**
 * hws_policy_ref() - one more holder of a policy.
 * @policy: shared
 *
 * Context: any thread.
 * Return: @policy.
 */
HWS_API struct hws_policy *hws_policy_ref(struct hws_policy *policy);

/**
 * hws_policy_unref() - one holder less; the last one frees it.
 * @policy: taken; NULL is left alone
 *
 * Context: any thread.
 */
HWS_API void hws_policy_unref(struct hws_policy *policy);

/**
 * hws_policy_generation() - the policy's own number: no two policies of a process share one.
 * @policy: borrowed
 *
 * Return: the number, above 0.
 */
HWS_API uint64_t hws_policy_generation(const struct hws_policy *policy);

/** enum hws_rule_limits - what a rule's options limit. Values combine. */
enum hws_rule_limits {
	HWS_LIMITS_CPUS = 1,	    /* "cpus" */
	HWS_LIMITS_WIDTH = 2,	    /* "width" */
	HWS_LIMITS_MASK = 4,	    /* "mask" */
	HWS_LIMITS_VALUE = 8,	    /* "value" */
	HWS_LIMITS_RATE = 16,	    /* "rate" */
	HWS_LIMITS_LAST_WORDS = 32, /* "last-words" */
};

/** struct hws_policy_rule - one rule, for reports; its strings live as long as the policy. */
struct hws_policy_rule {
	enum hws_kind kind;
	uint32_t rights; /* HWS_R | … */
	bool deny;
	bool inline_rule;
	const char *file;
	uint32_t line;
	const char *section;
	const char *text;
	/* how many ports, registers, bytes … it names; UINT64_MAX: no number holds it */
	uint64_t addresses;
	const char *path; /* of kinds that have one; NULL: any */
	uint64_t buffers; /* bytes of buffers; 0: no limit told */
	uint64_t mask;	  /* the bits that a write may change; all ones: any */
	uint32_t limits;  /* enum hws_rule_limits */
};

/**
 * hws_policy_rules() - how many rules a policy has.
 * @policy: borrowed
 *
 * Return: the number.
 */
HWS_API uint32_t hws_policy_rules(const struct hws_policy *policy);

/**
 * hws_policy_rule_at() - one of them.
 * @policy: borrowed
 * @index: which, as in struct hws_decision
 * @ret_rule: out; untouched on failure
 *
 * Return: 0, or -ERANGE when there is no such rule.
 */
HWS_API HWS_MUST int hws_policy_rule_at(const struct hws_policy *policy, uint32_t index,
					struct hws_policy_rule *ret_rule);

/**
 * hws_policy_rule_span() - one of the runs of numbers that a rule names, in order and disjoint.
 * @policy: borrowed
 * @index: which rule
 * @span: which run, from 0
 * @ret_first: out; untouched on failure
 * @ret_last: out; inclusive; untouched on failure
 *
 * Return: 0, or -ERANGE when there is no such rule or run.
 */
HWS_API HWS_MUST int hws_policy_rule_span(const struct hws_policy *policy, uint32_t index,
					  uint32_t span, uint64_t *ret_first, uint64_t *ret_last);

/** struct hws_principal - somebody who asks. */
struct hws_principal {
	uint32_t uid;
	uint32_t gid;
	const uint32_t *groups; /* borrowed; supplementary groups */
	size_t group_count;
	const char *exe; /* borrowed; the program's path; NULL: not known */
};

/**
 * hws_policy_view_open() - choose the rules that apply to a principal and prepare them for look-up.
 * @policy: shared; the view keeps it alive
 * @principal: borrowed
 * @ret_view: out; to be given up by hws_policy_view_unref(); untouched on failure
 *
 * The overflow ids (65534: somebody that this user namespace can't name) match
 * no user and no group of any section.
 *
 * Return: 0; -EINVAL for the uid or gid -1; -E2BIG when the rules overlap so
 * much that the look-up won't fit into memory; -ENOMEM.
 */
HWS_API HWS_MUST int hws_policy_view_open(struct hws_policy *policy,
					  const struct hws_principal *principal,
					  struct hws_policy_view **ret_view);

/**
 * hws_policy_view_ref() - one more holder of a view.
 * @view: shared
 *
 * Context: any thread.
 * Return: @view.
 */
HWS_API struct hws_policy_view *hws_policy_view_ref(struct hws_policy_view *view);

/**
 * hws_policy_view_unref() - one holder less; the last one frees it.
 * @view: taken; NULL is left alone
 *
 * Context: any thread.
 */
HWS_API void hws_policy_view_unref(struct hws_policy_view *view);

/**
 * hws_policy_view_policy() - the policy that a view was made of.
 * @view: borrowed
 *
 * Return: the policy; it lives as long as the view.
 */
HWS_API const struct hws_policy *hws_policy_view_policy(const struct hws_policy_view *view);

/**
 * hws_policy_view_has() - does a rule hold for the principal of a view?
 * @view: borrowed
 * @index: which rule of the view's policy
 *
 * Return: true when it does.
 */
HWS_API bool hws_policy_view_has(const struct hws_policy_view *view, uint32_t index);

/**
 * hws_policy_view_rights() - what do the rules give to the principal of a view?
 * @view: borrowed
 * @ret_rights: out; of each kind, HWS_R and HWS_W as far as some rule gives them somewhere
 */
HWS_API void hws_policy_view_rights(const struct hws_policy_view *view,
				    uint32_t ret_rights[HWS_KINDS]);

/** struct hws_decision - the answer to an access; its strings live as long as the view. */
struct hws_decision {
	enum hws_reason reason;
	int code; /* hws_reason_code() of it */

	/* the rule that decided */
	uint32_t rule;	     /* its index; HWS_POLICY_NO_RULE: none did */
	uint32_t line;	     /* where it stands; 0: nowhere */
	const char *file;    /* "" without a rule, as the next two */
	const char *section; /* its name */
	const char *text;    /* the rule itself */
	bool inline_rule;    /* it was given in line, not by a file */
	bool per_access;     /* a window: each access in it must be checked again */
	/* HWS_DANGER_…: what the write may do; of a window, each write must be checked again */
	uint32_t danger;
	bool last_words; /* a record of it must be on disk before it begins */
	bool wants_old;	 /* refused by a rule with a mask that lacks HWS_HAS_OLD */

	/* what the rules allow, where they say so */
	uint32_t widths;    /* the sum of the allowed widths; 0: any */
	uint64_t mask;	    /* the bits that a write may change; all ones: any */
	uint64_t max;	    /* bytes of DMA at a time; 0: no limit, as the next ones */
	uint64_t maps;	    /* DMA mappings at a time */
	uint64_t buffers;   /* bytes of buffers */
	uint64_t rate;	    /* accesses … */
	uint64_t rate_ns;   /* … in each window of so many nanoseconds */
	const char *sha256; /* of a plug-in: 64 hexadecimal digits; NULL: not pinned */
	const char *key;    /* of a plug-in: who must have signed it; NULL: not asked for */
	bool unsigned_ok;   /* of a plug-in: neither is needed */
};

/**
 * hws_policy_check() - may it be?
 * @view: borrowed
 * @access: borrowed; a window (width 0 and no value) or a single access
 * @ret_decision: out; filled whatever the answer, but untouched for -EINVAL
 *
 * A window is allowed when one rule gives every asked right at every address of
 * it, or several do together, and no deny rule touches it. A single access is allowed when
 * one rule covers it whole, gives every asked right and permits its width and
 * value, and no deny rule touches it. The rate is told, not counted, here.
 *
 * Rights asked for by kinds that have none of their own (irq, dma, plugin): HWS_R or HWS_RW.
 *
 * Context: any thread, any number at once.
 * Return: 0; -EACCES or -EDQUOT as the reason says; -EINVAL for an access that is none: no
 * right asked for, first above last, no path where one is needed.
 */
HWS_API HWS_MUST int hws_policy_check(const struct hws_policy_view *view,
				      const struct hws_access *access,
				      struct hws_decision *ret_decision);

/**
 * hws_policy_explain() - the same decision in words, a line or two.
 * @view: borrowed
 * @access: borrowed
 * @text: out; the lines with a NUL, cut to @size
 * @size: bytes at @text
 *
 * Return: 0 when the text was written, whatever the decision; -EINVAL as hws_policy_check().
 */
HWS_API int hws_policy_explain(const struct hws_policy_view *view, const struct hws_access *access,
			       char *text, size_t size);

HWS_END_DECLS

#endif
