/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "guardian/access.h"

#include <errno.h>

static const char *const kind_names[HWS_KINDS] = {
	[HWS_KIND_PORT] = "port", [HWS_KIND_MSR] = "msr",     [HWS_KIND_PCI] = "pci",
	[HWS_KIND_BAR] = "bar",	  [HWS_KIND_DMA] = "dma",     [HWS_KIND_IRQ] = "irq",
	[HWS_KIND_RING] = "ring", [HWS_KIND_CPUID] = "cpuid", [HWS_KIND_PLUGIN] = "plugin",
};

static const struct {
	const char *name;
	int code;
} reasons[HWS_REASONS] = {
	[HWS_REASON_NONE] = { "none", 0 },
	[HWS_REASON_NO_RULE] = { "no-rule", -EACCES },
	[HWS_REASON_DENY_RULE] = { "deny-rule", -EACCES },
	[HWS_REASON_WIDTH] = { "width", -EACCES },
	[HWS_REASON_MASK] = { "mask", -EACCES },
	[HWS_REASON_VALUE] = { "value", -EACCES },
	[HWS_REASON_LIMIT] = { "limit", -EDQUOT },
	[HWS_REASON_RATE] = { "rate", -EDQUOT },
	[HWS_REASON_STALE] = { "stale-policy", -EACCES },
	[HWS_REASON_GUARD] = { "guard", -EDQUOT },
	[HWS_REASON_CAP] = { "cap", -EDQUOT },
	[HWS_REASON_NO_CAPACITY] = { "no-capacity", -EDQUOT },
	[HWS_REASON_SURGE] = { "surge", -EDQUOT },
	[HWS_REASON_CLOCK] = { "clock", -EDQUOT },
	[HWS_REASON_RANGE] = { "range", -ERANGE },
	[HWS_REASON_ALIGN] = { "align", -EINVAL },
	[HWS_REASON_ARGUMENT] = { "argument", -EINVAL },
	[HWS_REASON_HANDLE] = { "handle", -ESTALE },
	[HWS_REASON_PRIVILEGE] = { "privilege", -EPERM },
	[HWS_REASON_KERNEL] = { "kernel", -EPERM },
	[HWS_REASON_DEVICE] = { "device", -EIO },
	[HWS_REASON_UNSUPPORTED] = { "unsupported", -EOPNOTSUPP },
	[HWS_REASON_DANGER] = { "danger", -EACCES },
	[HWS_REASON_CLAIMED] = { "claimed", -EBUSY },
	[HWS_REASON_REGISTER] = { "register", -EACCES },
	[HWS_REASON_LAST_WORDS] = { "last-words", -EACCES },
};

const char *hws_kind_name(enum hws_kind kind)
{
	return (unsigned int)kind < HWS_KINDS ? kind_names[kind] : "?";
}

const char *hws_reason_name(enum hws_reason reason)
{
	return (unsigned int)reason < HWS_REASONS ? reasons[reason].name : "?";
}

int hws_reason_code(enum hws_reason reason)
{
	return (unsigned int)reason < HWS_REASONS ? reasons[reason].code : -EINVAL;
}
