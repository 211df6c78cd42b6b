/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "shim/claim-internal.h"

#include <errno.h>
#include <string.h>

#include "shim/why-internal.h"

/* The last words of every refusal. */
#define OR_CLAIMED "or give the rule the right 'claimed'"

static const char *const holders[] = { "vfio-pci", "pci-stub", "uio_pci_generic", "igb_uio" };

static bool only_holds(const char *driver)
{
	for (size_t i = 0; i < sizeof(holders) / sizeof(holders[0]); i++) {
		if (!strcmp(driver, holders[i]))
			return true;
	}
	return false;
}

int claim_of_function(struct hws_bdf bdf, const char *driver, const char *users)
{
	char text[HWS_BDF_TEXT];

	hws_bdf_format(bdf, text);
	if (only_holds(driver) || (!*driver && !*users))
		return 0;
	if (!*driver)
		return why(-EBUSY, "%s leads to what is in use, %s: stop that, " OR_CLAIMED, text,
			   users);
	if (!*users)
		return why(-EBUSY, "%s is used by driver %s: unbind it, " OR_CLAIMED, text, driver);
	return why(-EBUSY, "%s is used by driver %s, %s: stop that and unbind it, " OR_CLAIMED,
		   text, driver, users);
}

int claim_of_vfio(struct hws_bdf bdf, struct hws_bdf open)
{
	char text[HWS_BDF_TEXT];
	char other[HWS_BDF_TEXT];

	return why(-EBUSY,
		   "%s is in use: another program, a virtual machine say, has %s open by VFIO: end "
		   "that, " OR_CLAIMED,
		   hws_bdf_format(bdf, text), hws_bdf_format(open, other));
}

int claim_of_ports(uint64_t first, uint64_t last, const char *owner)
{
	return why(-EBUSY, "ports 0x%llx-0x%llx are claimed by %s: unload that driver, " OR_CLAIMED,
		   (unsigned long long)first, (unsigned long long)last, owner);
}
