/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef HWSAFE_SHIM_WHY_INTERNAL_H
#define HWSAFE_SHIM_WHY_INTERNAL_H

#include "shim/base.h"

/* Notes, for hws_why(), why a call is refused. */
void note_why(const char *format, ...) HWS_PRINTF(1, 2) __attribute__((cold));
/* The same, and gives @code back, for compilers to see: return why(-EPERM, …). */
#define why(code, ...)                                               \
	({                                                           \
		const int why_code __attribute__((unused)) = (code); \
		note_why(__VA_ARGS__);                               \
		why_code;                                            \
	})
/* How often this thread noted one: did somebody say why, in between? */
unsigned int why_times(void);

#endif
