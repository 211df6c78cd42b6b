/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What is an access, and which numbers it has. */
#include <errno.h>

#include "guardian/policy-view-internal.h"
#include "shim/why-internal.h"

static bool kind_has(const struct hws_access *access, uint32_t object)
{
	return policy_kinds[access->kind].object & object;
}

int policy_access_check(const struct hws_access *a)
{
	if ((unsigned int)a->kind >= HWS_KINDS)
		return why(-EINVAL, "%d is no kind of access", (int)a->kind);
	if (!a->rights || a->rights & ~(uint32_t)POLICY_RIGHTS)
		return why(-EINVAL,
			   "rights 0x%x: an access asks for some of r, w, side, claimed, "
			   "danger",
			   a->rights);
	if (a->first > a->last)
		return why(-EINVAL, "an access begins at 0x%llx, behind its end 0x%llx",
			   (unsigned long long)a->first, (unsigned long long)a->last);
	if (a->width > 8 || a->width & (a->width - 1))
		return why(-EINVAL, "%u is no width: 1, 2, 4 or 8 bytes", a->width);
	if (kind_has(a, OBJECT_PATH) && !a->path)
		return why(-EINVAL, "a %s needs a path", hws_kind_name(a->kind));
	if (kind_has(a, OBJECT_DEVICE) && (a->bdf.device > 31 || a->bdf.function > 7))
		return why(-EINVAL, "device %u function %u: there are 32 and 8", a->bdf.device,
			   a->bdf.function);
	if (kind_has(a, OBJECT_BAR) && a->bar >= POLICY_BARS)
		return why(-EINVAL, "BAR %u: there are %d", a->bar, POLICY_BARS);
	return 0;
}

struct policy_span policy_access_span(const struct hws_access *a)
{
	/* where rules have no numbers, first and last tell the amount */
	if (policy_kinds[a->kind].max == 0)
		return (struct policy_span) { 0, 0 };
	return (struct policy_span) { a->first, a->last };
}
