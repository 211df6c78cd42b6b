/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The context: what every call starts from. It knows the way to the hardware
 * (the back end), the rules (the policy), the limits (caps and guards) and
 * keeps the trail (audit).
 *
 *	struct hws *hw;
 *	int r = hws_open(NULL, &hw);
 *
 *	if (r < 0)
 *		return hws_explain(r, stderr);
 *	…
 *	hws_close(hw);
 *
 * A context may be shared by threads; a program may hold several. A handle
 * made from it belongs to one thread at a time.
 */
#ifndef HWSAFE_GUARDIAN_CONTEXT_H
#define HWSAFE_GUARDIAN_CONTEXT_H

#include <stdio.h>

#include "audit.h"
#include "caps.h"
#include "guard.h"
#include "policy.h"

HWS_BEGIN_DECLS

/** struct hws - a context. */
struct hws;

/** hws_log_fn - takes one line, without newline, which is gone after the call. */
typedef void hws_log_fn(enum hws_level level, const char *line, void *context);

/** struct hws_options - what a context is opened with; all zero but the size is the default. */
struct hws_options {
	size_t size;	      /* sizeof(struct hws_options) */
	const char *sysroot;  /* borrowed; every path is opened below it; NULL: the real root */
	const char *backend;  /* borrowed; "native", "sim" …; NULL: the best that works */
	const char *sim;      /* borrowed; the simulated machine; NULL: the built-in one */
	const char *sim_name; /* borrowed; what errors call it; NULL: "sim" */
	const char *socket;   /* borrowed; the helper's; NULL: see hws_open() */
	const char *plugin;   /* borrowed; the file that brings the back end "plugin", which is */
	/* taken then; NULL: none. The policy says whether it may be loaded */
	const char *policy_directory; /* borrowed; NULL: HWS_POLICY_DIRECTORY */
	const char *policy_text;      /* borrowed; rules given in line; NULL: none */
	uint32_t policy_owner;	      /* the uid who must own the policy's files */
	struct hws_cap_limit caps[HWS_RESOURCES];
	struct hws_guard_limit guards[HWS_GUARDS];
	const struct hws_audit_options *audit; /* borrowed; NULL: a trail in memory */
	hws_log_fn *log;		       /* NULL: nothing is said */
	void *log_context;		       /* borrowed */
	const char *last_words; /* borrowed; the file that last-words.h describes; NULL: none */
	bool last_words_always; /* of every access, not only where a rule says so */
};

/**
 * hws_open() - open a context: choose the back end, load the policy, set the limits.
 * @options: borrowed; NULL: the defaults
 * @ret_hw: out; for hws_close(); untouched on failure
 *
 * Back ends are tried in the order in which hws_backend_tried() lists them; a
 * simulated machine is taken only when it is asked for by name. The helper is asked ("broker") by
 * that name, when @options or, unless privileges came by an exec, HWSAFE_SOCKET name its socket, or
 * when no other works and it listens at HWS_WIRE_SOCKET. Its policy holds then, not this one's.
 *
 * Return: 0; -EINVAL for options that make no sense; -EBADMSG or -EACCES when the
 * policy has errors or can't be trusted; -ENODEV when no back end works;
 * -ENOMEM; or as hws_policy_load() and hws_audit_open(). hws_why() has the reason.
 */
HWS_API HWS_MUST int hws_open(const struct hws_options *options, struct hws **ret_hw);

/**
 * hws_close() - give up a context.
 * @hw: taken; NULL does nothing
 *
 * Handles that are still open keep what they need and refuse nothing; the
 * last of them releases it.
 */
HWS_API void hws_close(struct hws *hw);

/**
 * hws_backend() - the name of the back end that was chosen.
 * @hw: borrowed
 *
 * Return: a string that lives as long as the context.
 */
HWS_API const char *hws_backend(const struct hws *hw);

/** struct hws_backend_try - one back end that was considered. */
struct hws_backend_try {
	const char *name;
	int code;      /* 0: chosen; else why it was passed over */
	char why[160]; /* the same in words */
};

/**
 * hws_backend_tried() - the back ends in the order in which they were considered.
 * @hw: borrowed
 * @index: which, from 0
 *
 * Return: one of them, which lives as long as the context; NULL: there are no more.
 */
HWS_API const struct hws_backend_try *hws_backend_tried(const struct hws *hw, unsigned int index);

/**
 * hws_explain() - say what an error means, why it came, what cures it and what still works.
 * @code: what a call gave
 * @file: borrowed; where to write; NULL: nowhere
 *
 * Return: an exit status for main: 0 ok, 2 wrong use, 3 not found, 4 denied by
 * policy, 5 denied by the system, 6 not supported here, 7 busy or used up,
 * 1 any other failure.
 */
HWS_API int hws_explain(int code, FILE *file);

/**
 * hws_reload() - load the policy anew.
 * @hw: borrowed
 *
 * All or nothing: with any error the old policy stays. Handles are checked
 * again at their next access, and refuse it when they may no longer.
 *
 * Call it when the process has become somebody else: by whom it is used, which
 * sections are his and whom records name, is looked up at the opening and here.
 *
 * Context: any thread.
 * Return: 0, or as hws_policy_load(); -EDEADLK from a log function that a reload calls.
 */
HWS_API HWS_MUST int hws_reload(struct hws *hw);

/**
 * hws_check() - would it be allowed? Asks the policy only, and leaves no trace.
 * @hw: borrowed
 * @access: borrowed
 * @text: out; the decision in words, cut to @size; may be NULL
 * @size: bytes at @text
 *
 * Return: 0, or as hws_policy_check().
 */
HWS_API int hws_check(struct hws *hw, const struct hws_access *access, char *text, size_t size);

/**
 * hws_guardian_reserve() - take some of a resource.
 * @hw: borrowed
 * @resource: which
 * @amount: how much, in the resource's unit
 * @ret_token: out; for hws_guardian_release(); untouched on failure
 *
 * Context: any thread.
 * Return: 0; -EDQUOT over the ceiling or too fast; -EINVAL.
 */
HWS_API HWS_MUST int hws_guardian_reserve(struct hws *hw, enum hws_resource resource,
					  uint64_t amount, struct hws_token *ret_token);

/**
 * hws_guardian_release() - give it back.
 * @hw: borrowed
 * @token: from hws_guardian_reserve() of the same context
 *
 * Context: any thread.
 * Return: 0; -ESTALE for a token that stands for nothing: released before, or foreign.
 */
HWS_API int hws_guardian_release(struct hws *hw, struct hws_token token);

/**
 * hws_guardian_set_reader() - say where the numbers of a resource come from, once.
 * @hw: borrowed
 * @resource: which
 * @reader: borrowed; copied
 *
 * Return: 0; -EALREADY when it was set before; -EBUSY when another thread is setting it; -EINVAL.
 */
HWS_API HWS_MUST int hws_guardian_set_reader(struct hws *hw, enum hws_resource resource,
					     const struct hws_reader *reader);

/**
 * hws_guard_rearm() - begin the count of a class anew, in the context and in all its handles.
 * @hw: borrowed
 * @guard: which class
 *
 * Context: any thread.
 * Return: 0; -EINVAL for no class; -EDQUOT when the guard was re-armed too often to open again.
 */
HWS_API HWS_MUST int hws_guard_rearm(struct hws *hw, enum hws_guard_class guard);

/**
 * hws_trail() - the context's audit trail, to be queried and flushed.
 * @hw: borrowed
 *
 * Return: the trail; the context's, as long as it is open.
 */
HWS_API struct hws_audit *hws_trail(struct hws *hw);

/** struct hws_denial - the last access of a thread that was refused. */
struct hws_denial {
	enum hws_reason reason;
	int code;		  /* what the call gave, or would have given */
	struct hws_access access; /* what was asked; its path is NULL */
	char place[96];		  /* file:line of the rule that refused it; "" when none did */
	char text[384];		  /* the same in a sentence: the cause, the cure */
};

/**
 * hws_last_denial() - what this thread was refused last.
 *
 * The faces of an access that give no status (get and put) tell their refusals here.
 *
 * Context: any thread; each has its own.
 * Return: the denial, until the thread's next; NULL: there was none.
 */
HWS_API const struct hws_denial *hws_last_denial(void);

HWS_END_DECLS

#endif
