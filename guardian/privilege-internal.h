/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef HWSAFE_GUARDIAN_PRIVILEGE_INTERNAL_H
#define HWSAFE_GUARDIAN_PRIVILEGE_INTERNAL_H

#include "guardian/gate-internal.h"
#include "guardian/privilege.h"

struct hws_privilege {
	struct gate gate; /* first: one leads to the other */
	struct hws_window window;
	int thread;
	int process;
};

/*
 * Asks the policy, then the kernel, for a range of ports; all or nothing. What it fills must not
 * move until privilege_close(). Errors as hws_privilege_acquire().
 */
HWS_MUST int privilege_open(struct hws *hw, uint32_t first, uint32_t count, uint32_t rights,
			    struct hws_privilege *privilege);
void privilege_close(struct hws_privilege *privilege);

#endif
