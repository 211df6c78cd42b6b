/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The simulated machine: a back end made of text. docs/sim.md tells how a
 * machine is described; the built-in one is an example of everything.
 */
#ifndef HWSAFE_SHIM_SIM_H
#define HWSAFE_SHIM_SIM_H

#include "base.h"

HWS_BEGIN_DECLS

/**
 * hws_sim_check() - does this text describe a machine?
 * @text: borrowed; the description
 * @name: borrowed; what messages call it, a file's name; NULL: "sim"
 * @report: borrowed; called for each error, in the order of lines; NULL: only count.
 *	The message is "name:line:column: found 'x', expected …" and good during the call
 * @context: borrowed; handed to @report
 *
 * Context: any thread.
 * Return: 0 when it does; the number of errors; -EINVAL when @text is NULL; -ENOMEM.
 */
HWS_API HWS_MUST int hws_sim_check(const char *text, const char *name,
				   void (*report)(const char *message, void *context),
				   void *context);

/**
 * hws_sim_default() - the description of the built-in machine.
 *
 * Return: a constant string.
 */
HWS_API const char *hws_sim_default(void);

HWS_END_DECLS

#endif
