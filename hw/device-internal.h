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

#endif
