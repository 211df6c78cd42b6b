/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef HWSAFE_HW_TOPOLOGY_INTERNAL_H
#define HWSAFE_HW_TOPOLOGY_INTERNAL_H

#include "hw/cpuid.h"

/* 1: the processor has the leaf; 0: it hasn't; or why it can't be asked. */
HWS_MUST int cpuid_has_leaf(struct hws_cpuid *cpuid, uint32_t leaf);
/* From leaves 0x1f or 0x0b, for so many processors; -EOPNOTSUPP when they say nothing. */
HWS_MUST int cpuid_topology(struct hws_cpuid *cpuid, uint32_t threads,
			    struct hws_topology *ret_topology);

#endif
