/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What a confined process may not call here, beside what no architecture's may. */
#ifndef HWSAFE_ARCH_CONFINE_INTERNAL_H
#define HWSAFE_ARCH_CONFINE_INTERNAL_H

#include <linux/audit.h>

#define CONFINE_MACHINE AUDIT_ARCH_AARCH64
#define CONFINE_OPEN	(-1)
#define CONFINE_DENIED	SYS_renameat,

#endif
