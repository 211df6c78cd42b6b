/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What a confined process may not call here, beside what no architecture's may. */
#ifndef HWSAFE_ARCH_CONFINE_INTERNAL_H
#define HWSAFE_ARCH_CONFINE_INTERNAL_H

/* 0: its calls can't be told, and nothing is confined */
#define CONFINE_MACHINE 0
#define CONFINE_OPEN	(-1)
#define CONFINE_DENIED

#endif
