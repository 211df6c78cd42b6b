/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What all back ends say of hardware that the kernel uses. */
#ifndef HWSAFE_SHIM_CLAIM_INTERNAL_H
#define HWSAFE_SHIM_CLAIM_INTERNAL_H

#include "shim/shim.h"

/*
 * 0 or -EBUSY: does this driver use the function, or do these users of it? Both may be "". Drivers
 * that only hold a device for programs use nothing.
 */
HWS_MUST int claim_of_function(struct hws_bdf bdf, const char *driver, const char *users);
/* -EBUSY: another process has @open by VFIO: the function itself, or one of its IOMMU group. */
HWS_MUST int claim_of_vfio(struct hws_bdf bdf, struct hws_bdf open);
/* -EBUSY: the ports are somebody's. */
HWS_MUST int claim_of_ports(uint64_t first, uint64_t last, const char *owner);

#endif
