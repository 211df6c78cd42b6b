/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the system knows of PCI functions, without asking them. */
#include <errno.h>

#include "guardian/context-internal.h"
#include "hw/device-internal.h"
#include "hw/pci.h"
#include "shim/why-internal.h"

int hws_pci_next(struct hws *hw, const struct hws_bdf *after, struct hws_bdf *ret_bdf)
{
	struct hws_bdf bdf;
	int r = shim_ops(&hw->shim)->pci_next(hw->shim.self, after, &bdf);

	if (r == 0)
		*ret_bdf = bdf;
	return r;
}

int hws_pci_get_info(struct hws *hw, const char *bdf, struct hws_pci_info *ret_info)
{
	struct hws_access access = { 0 };
	struct hws_pci_info info = { .size = sizeof(info) };
	int r = device_parse(bdf, &access);

	if (r < 0)
		return r;
	if (!ret_info || ret_info->size != sizeof(info))
		return why(-EINVAL, "the size is not set: sizeof(struct hws_pci_info)");
	r = shim_ops(&hw->shim)->pci_info(hw->shim.self, access.bdf, &info);
	if (r == 0)
		*ret_info = info;
	return r;
}

int hws_pci_in_use(struct hws *hw, const char *bdf)
{
	struct hws_access access = { 0 };
	int r = device_parse(bdf, &access);

	return r < 0 ? r
		     : shim_ops(&hw->shim)->pci_claimed(hw->shim.self, access.bdf,
							HWS_CONFIG_SPACE);
}

int hws_pci_group_next(struct hws *hw, int32_t group, const struct hws_bdf *after,
		       struct hws_bdf *ret_bdf)
{
	const struct hws_shim_ops *ops = shim_ops(&hw->shim);
	struct hws_bdf bdf;
	int r;

	for (r = hws_pci_next(hw, after, &bdf); r == 0; r = hws_pci_next(hw, &bdf, &bdf)) {
		struct hws_pci_info info = { .size = sizeof(info) };

		/* one that is gone meanwhile is in no group */
		if (ops->pci_info(hw->shim.self, bdf, &info) < 0 || info.iommu_group != group)
			continue;
		*ret_bdf = bdf;
		return 0;
	}
	return r;
}
