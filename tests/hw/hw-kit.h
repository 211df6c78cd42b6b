/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the tests of the access kinds share. */
#ifndef HWSAFE_TESTS_HW_HW_KIT_H
#define HWSAFE_TESTS_HW_HW_KIT_H

#include <errno.h>

#include "tests/guardian/sim-context.h"

#define COUNT(table) (sizeof(table) / sizeof((table)[0]))

/* The access was refused, for that reason. */
#define ck_denied(call, reason)                                                     \
	do {                                                                        \
		int code_ = hws_reason_code(reason);                                \
		int r_ = (call);                                                    \
		ck_assert_msg(r_ == code_, "%s gave %d: %s", #call, r_, hws_why()); \
		check_denial(reason, code_);                                        \
	} while (0)

/* It worked, or here is why not. */
#define ck_works(call) ck_assert_msg((call) == 0, "%s: %s", #call, hws_why())

/* Refused because the kernel uses it; says so with @words, and how it would be let through. */
static inline void check_busy(int r, const char *words)
{
	ck_assert_msg(r == -EBUSY, "%d: %s", r, hws_why());
	check_denial(HWS_REASON_CLAIMED, -EBUSY);
	ck_assert_msg(strstr(hws_why(), words), "%s", hws_why());
	ck_assert_msg(strstr(hws_why(), "'claimed'"), "%s", hws_why());
}

#endif
