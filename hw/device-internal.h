/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The PCI function in an access: what policy knows a device by. */
#ifndef HWSAFE_HW_DEVICE_INTERNAL_H
#define HWSAFE_HW_DEVICE_INTERNAL_H

#include "guardian/context-internal.h"

/* Reads the address from its text into the access. 0, or -EINVAL, told by hws_why(). */
HWS_MUST int device_parse(const char *bdf, struct hws_access *access);

/*
 * Fills vendor, device and class from the function's configuration space; a field that can't be
 * read matches no rule that names it. 0, or what the first of them gave.
 */
int device_identify(struct hws *hw, struct hws_access *access);

/*
 * The same for what the policy is about to be asked. Behind the helper it may be hidden: that shows
 * nobody what no pci rule names, and decides itself whose the device is. Then it is 0, too.
 */
HWS_MUST int device_identify_unless_hidden(struct hws *hw, struct hws_access *access);

/* Does the function still answer in configuration space? When that can't be told, it does. */
HWS_MUST bool device_present(struct hws *hw, struct hws_bdf bdf);

/*
 * Where a capability, or an extended one, begins in configuration space. -ENOENT: it has none, or
 * the list can't be read. A list that goes in circles ends.
 */
HWS_MUST int device_capability(struct hws *hw, struct hws_bdf bdf, bool extended, uint32_t id,
			       uint32_t *ret_at);

#endif
