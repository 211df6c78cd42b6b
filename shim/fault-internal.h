/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The exception table: a SIGSEGV or SIGBUS at a labelled raw instruction goes
 * on at its fix-up. Any other fault is handed to whoever handled it before.
 */
#ifndef HWSAFE_SHIM_FAULT_INTERNAL_H
#define HWSAFE_SHIM_FAULT_INTERNAL_H

#include <signal.h>

#include "shim/base.h"

/*
 * Puts our handler in front, if it isn't already; every opening of hardware calls it, so that a
 * program's own handler, installed later, is chained to and not lost. From then on this thread
 * blocks neither signal. 0; -EMFILE after a program has replaced handlers FAULT_ARMS times;
 * -EOPNOTSUPP where the architecture isn't known.
 */
enum { FAULT_ARMS = 8 };
HWS_MUST int fault_arm(void);

/*
 * @observer sees each fault that has no fix-up, before it goes to whoever handled it before; it
 * changes nothing of what happens then. It runs in the signal's handler: async-signal-safe
 * functions only. 0, also when it was set before; -EALREADY: another one is; -EBUSY.
 */
typedef void (*fault_observer)(int signal, const siginfo_t *info);
HWS_MUST int fault_observe(fault_observer observer);

/* How many faults went on at a fix-up, in all threads. */
uint64_t fault_count(void);

#endif
