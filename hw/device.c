/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "hw/device-internal.h"

#include <errno.h>

#include "shim/why-internal.h"

int device_parse(const char *bdf, struct hws_access *access)
{
	if (hws_bdf_parse(bdf, &access->bdf) < 0)
		return why(-EINVAL, "'%s' is no PCI address: 0000:00:03.0 is one", bdf ? bdf : "");
	return 0;
}

int device_identify(struct hws *hw, struct hws_access *access)
{
	const struct hws_shim_ops *ops = shim_ops(&hw->shim);
	uint32_t id;
	uint32_t class_code;
	int r = ops->pci_read(hw->shim.self, access->bdf, 0, 4, &id);

	if (r < 0)
		return r;
	access->vendor = (uint16_t)id;
	access->device = (uint16_t)(id >> 16);
	r = ops->pci_read(hw->shim.self, access->bdf, 8, 4, &class_code);
	if (r == 0)
		access->class_code = class_code >> 8;
	return r;
}
