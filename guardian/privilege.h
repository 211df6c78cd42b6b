/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Privilege: ports that the kernel opened to a thread. It is no flag: nobody
 * can set it, it is had by getting it from the kernel, within the policy.
 *
 * A handle of ports (hws_port_open()) gets it and gives it back by itself.
 * This is for all else: a thread that is to use another one's handle asks for
 * its own; a program that is about to exec gives all of it up.
 *
 * The kernel copies such a permission into new threads, into forked children,
 * and over an exec. Here
 *
 *   a new thread   has none until it asks, and accesses are refused;
 *   a forked child has lost all of them when fork() returns to it;
 *   an exec        must be preceded by hws_privilege_drop_all(), or the new
 *                  program can use the ports whatever the policy says of it;
 *                  so must posix_spawn(), system() and popen(), which fork
 *                  without telling anybody.
 *
 * Other kinds of access are open files. Those are shared by threads, stay
 * open in a forked child, and are closed by an exec.
 */
#ifndef HWSAFE_GUARDIAN_PRIVILEGE_H
#define HWSAFE_GUARDIAN_PRIVILEGE_H

#include "context.h"

HWS_BEGIN_DECLS

/** struct hws_privilege - a range of ports that was got; it belongs to the thread that got it. */
struct hws_privilege;

/** enum hws_privilege_state - who holds it. */
enum hws_privilege_state {
	HWS_PRIVILEGE_HELD = 0, /* this thread */
	HWS_PRIVILEGE_FOREIGN,	/* another thread of this process */
	HWS_PRIVILEGE_FORKED,	/* the process that this one was forked from */
	HWS_PRIVILEGE_DROPPED,	/* nobody: it was given up by hws_privilege_drop_all() */
	HWS_PRIVILEGE_STATES	/* how many */
};

/** struct hws_privilege_status - what there is to know of one. */
struct hws_privilege_status {
	enum hws_privilege_state state;
	const char *why; /* the state in a sentence; a constant */
	const char *way; /* how it was got: "ioperm", "resource1", "sim" …; as long as it is held */
	int thread;	 /* who got it, as the kernel counts threads */
	int process;
	uint32_t first;
	uint32_t count;
	uint32_t rights;
};

/**
 * hws_privilege_acquire() - get the kernel's permission for ports, for this thread.
 * @hw: borrowed
 * @first: the first port
 * @count: how many, from 1
 * @rights: HWS_R, HWS_W or both, and more of enum hws_access_rights
 * @ret_privilege: out; for hws_privilege_drop(); untouched on failure
 *
 * Context: the thread that is to use the ports.
 * Return: 0; -EACCES the policy; -EPERM the kernel; -ERANGE no such ports; -EINVAL; -EOPNOTSUPP
 * this machine has no ports; -ENOMEM.
 */
HWS_API HWS_MUST int hws_privilege_acquire(struct hws *hw, uint32_t first, uint32_t count,
					   uint32_t rights, struct hws_privilege **ret_privilege);

/**
 * hws_privilege_drop() - give it back to the kernel.
 * @privilege: taken; NULL does nothing
 *
 * Ports that another handle of this thread still holds stay open to it.
 *
 * Context: the thread that got it. Another one can't: the permission then stays
 * with its thread until that thread ends or drops all.
 */
HWS_API void hws_privilege_drop(struct hws_privilege *privilege);

/**
 * hws_privilege_drop_all() - give up every port of this thread, whoever got it: before an exec.
 *
 * Also what was inherited from the program that started this one. Handles of
 * ports stay open; their accesses are refused, and closing them is as ever.
 *
 * Context: any thread, for itself. A thread that calls exec() needs nothing
 * of the others: they end with it.
 * Return: 0, also where the kernel has no such permission; -EPERM when it refuses.
 */
HWS_API HWS_MUST int hws_privilege_drop_all(void);

/**
 * hws_privilege_query() - does this thread hold it, and if not, why not?
 * @privilege: borrowed
 * @ret_status: out; NULL: only the state is wanted
 *
 * Context: any thread.
 * Return: the state.
 */
HWS_API enum hws_privilege_state hws_privilege_query(const struct hws_privilege *privilege,
						     struct hws_privilege_status *ret_status);

/**
 * hws_privilege_state_name() - the state's word in reports: "held", "foreign" …
 * @state: the state
 *
 * Return: a constant string; "?" for a value that is no state.
 */
HWS_API const char *hws_privilege_state_name(enum hws_privilege_state state);

HWS_END_DECLS

#endif
