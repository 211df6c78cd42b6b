/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "helper/group.h"

#include <errno.h>

#include "shim/why-internal.h"

static int ask(struct hws_shim *shim, struct hws_bdf bdf, struct hws_pci_info *ret_info)
{
	*ret_info = (struct hws_pci_info) { .size = sizeof(*ret_info) };
	return shim_ops(shim)->pci_info(shim->self, bdf, ret_info);
}

int group_find(struct hws_shim *shim, struct hws_bdf bdf, int32_t *ret_group)
{
	struct hws_pci_info info;
	int r = ask(shim, bdf, &info);

	if (r == 0)
		*ret_group = info.iommu_group;
	return r;
}

/* Without any limit that only who asks each time could keep. */
static bool is_allowed(const struct hws_policy_view *view, struct hws_bdf bdf,
		       const struct hws_pci_info *info, struct hws_access *ret_access,
		       struct hws_decision *ret_decision)
{
	*ret_access = (struct hws_access) { .kind = HWS_KIND_DMA,
					    .rights = HWS_RW,
					    .bdf = bdf,
					    .vendor = info->vendor,
					    .device = info->device,
					    .class_code = info->class_code };
	return hws_policy_check(view, ret_access, ret_decision) == 0 && !ret_decision->rate &&
	       !ret_decision->per_access;
}

int group_check(struct hws_shim *shim, const struct hws_policy_view *view, struct hws_bdf bdf,
		struct hws_access *ret_access, struct hws_decision *ret_decision)
{
	char text[HWS_BDF_TEXT], other[HWS_BDF_TEXT];
	const struct hws_bdf *after = NULL;
	struct hws_pci_info own, info;
	struct hws_decision decision;
	struct hws_bdf at;
	int r = ask(shim, bdf, &own);

	if (r < 0)
		return r;
	while ((r = shim_ops(shim)->pci_next(shim->self, after, &at)) == 0) {
		after = &at;
		r = ask(shim, at, &info);
		if (r < 0 && r != -ENODEV) /* unplugged in this moment */
			return r;
		if (own.iommu_group < 0 || r < 0 || info.iommu_group != own.iommu_group ||
		    GROUP_IS_BRIDGE(info.class_code) ||
		    is_allowed(view, at, &info, ret_access, &decision))
			continue;
		*ret_decision = decision;
		return why(-EACCES,
			   "%s is in IOMMU group %d together with %s, which no dma rule allows",
			   hws_bdf_format(bdf, text), own.iommu_group, hws_bdf_format(at, other));
	}
	if (r != -ENOENT) /* not all were seen */
		return r;
	if (is_allowed(view, bdf, &own, ret_access, ret_decision))
		return 0;
	return why(-EACCES, "no dma rule without a rate allows %s", hws_bdf_format(bdf, text));
}
