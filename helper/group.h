/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Who may hold a function whole. */
#ifndef HWSAFE_HELPER_GROUP_H
#define HWSAFE_HELPER_GROUP_H

#include "guardian/policy.h"
#include "shim/shim-internal.h"

/* PCI bridges can't be held by anybody, and do no DMA of their own. */
#define GROUP_IS_BRIDGE(class_code) ((class_code) >> 8 == 0x0604)

/*
 * What the IOMMU can't tell apart reaches each other's memory: whoever holds one function of a
 * group has to be allowed all of them. 0, with the decision about @bdf itself; -EACCES, and
 * hws_why() names the function that is not allowed, as *ret_access does; -ENODEV.
 */
int group_check(struct hws_shim *shim, const struct hws_policy_view *view, struct hws_bdf bdf,
		struct hws_access *ret_access, struct hws_decision *ret_decision);

/* The group that it is in, or -1; -errno where that can't be told. */
int group_find(struct hws_shim *shim, struct hws_bdf bdf, int32_t *ret_group);

#endif
