/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef HWSAFE_SHIM_WHY_INTERNAL_H
#define HWSAFE_SHIM_WHY_INTERNAL_H

#include "shim/base.h"

/* Notes, for hws_why(), why a call is refused; gives @code back: return why(-EPERM, …). */
int why(int code, const char *format, ...) HWS_PRINTF(2, 3);
/* How often this thread noted one: did somebody say why, in between? */
unsigned int why_times(void);

#endif
