/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "guardian/policy-internal.h"

/*
 * Reads without side effects, for root alone. No port is among them: the
 * meaning of a port is the machine's own, and even CMOS is read by a write to
 * its index. CPUID is no secret: any program can execute the instruction.
 */
const char policy_builtin_text[] = "version = 1\n"
				   "[everybody]\n"
				   "cpuid = * r\n"
				   "[root]\n"
				   "user = 0\n"
				   "msr = * r\n"
				   "pci = *, config r\n"
				   "bar = * * r\n";

const char *hws_policy_builtin(void)
{
	return policy_builtin_text;
}
