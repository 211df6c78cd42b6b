/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "hw/hwprobe/pci-regs.h"

#include <strings.h>

#include "hw/hwprobe/args.h"

enum { DEVICE = 1, BRIDGE = 2, CARDBUS = 4, ANY = PCI_REGS_ANY };

/*
 * The headers (PCI 3.0 §6.1; bridges: PCI-to-PCI Bridge 1.2 §3.2; CardBus: PC Card 8.0 §4.5.2), as
 * setpci calls their registers.
 */
static const struct pci_reg regs[] = {
	{ "VENDOR_ID", 0x00, 2, ANY },
	{ "DEVICE_ID", 0x02, 2, ANY },
	{ "COMMAND", 0x04, 2, ANY },
	{ "STATUS", 0x06, 2, ANY },
	{ "REVISION", 0x08, 1, ANY },
	{ "CLASS_PROG", 0x09, 1, ANY },
	{ "CLASS_DEVICE", 0x0a, 2, ANY },
	{ "CACHE_LINE_SIZE", 0x0c, 1, ANY },
	{ "LATENCY_TIMER", 0x0d, 1, ANY },
	{ "HEADER_TYPE", 0x0e, 1, ANY },
	{ "BIST", 0x0f, 1, ANY },
	{ "BASE_ADDRESS_0", 0x10, 4, DEVICE | BRIDGE },
	{ "BASE_ADDRESS_1", 0x14, 4, DEVICE | BRIDGE },
	{ "BASE_ADDRESS_2", 0x18, 4, DEVICE },
	{ "BASE_ADDRESS_3", 0x1c, 4, DEVICE },
	{ "BASE_ADDRESS_4", 0x20, 4, DEVICE },
	{ "BASE_ADDRESS_5", 0x24, 4, DEVICE },
	{ "CARDBUS_CIS", 0x28, 4, DEVICE },
	{ "SUBSYSTEM_VENDOR_ID", 0x2c, 2, DEVICE },
	{ "SUBSYSTEM_ID", 0x2e, 2, DEVICE },
	{ "ROM_ADDRESS", 0x30, 4, DEVICE },
	{ "CAPABILITIES", 0x34, 1, ANY },
	{ "INTERRUPT_LINE", 0x3c, 1, ANY },
	{ "INTERRUPT_PIN", 0x3d, 1, ANY },
	{ "MIN_GNT", 0x3e, 1, DEVICE },
	{ "MAX_LAT", 0x3f, 1, DEVICE },
	{ "PRIMARY_BUS", 0x18, 1, BRIDGE },
	{ "SECONDARY_BUS", 0x19, 1, BRIDGE },
	{ "SUBORDINATE_BUS", 0x1a, 1, BRIDGE },
	{ "SEC_LATENCY_TIMER", 0x1b, 1, BRIDGE },
	{ "IO_BASE", 0x1c, 1, BRIDGE },
	{ "IO_LIMIT", 0x1d, 1, BRIDGE },
	{ "SEC_STATUS", 0x1e, 2, BRIDGE },
	{ "MEMORY_BASE", 0x20, 2, BRIDGE },
	{ "MEMORY_LIMIT", 0x22, 2, BRIDGE },
	{ "PREF_MEMORY_BASE", 0x24, 2, BRIDGE },
	{ "PREF_MEMORY_LIMIT", 0x26, 2, BRIDGE },
	{ "PREF_BASE_UPPER32", 0x28, 4, BRIDGE },
	{ "PREF_LIMIT_UPPER32", 0x2c, 4, BRIDGE },
	{ "IO_BASE_UPPER16", 0x30, 2, BRIDGE },
	{ "IO_LIMIT_UPPER16", 0x32, 2, BRIDGE },
	{ "BRIDGE_ROM_ADDRESS", 0x38, 4, BRIDGE },
	{ "BRIDGE_CONTROL", 0x3e, 2, BRIDGE },
	{ "CB_CARDBUS_BASE", 0x10, 4, CARDBUS },
	{ "CB_CAPABILITIES", 0x14, 2, CARDBUS },
	{ "CB_SEC_STATUS", 0x16, 2, CARDBUS },
	{ "CB_BUS_NUMBER", 0x18, 1, CARDBUS },
	{ "CB_CARDBUS_NUMBER", 0x19, 1, CARDBUS },
	{ "CB_SUBORDINATE_BUS", 0x1a, 1, CARDBUS },
	{ "CB_CARDBUS_LATENCY", 0x1b, 1, CARDBUS },
	{ "CB_MEMORY_BASE_0", 0x1c, 4, CARDBUS },
	{ "CB_MEMORY_LIMIT_0", 0x20, 4, CARDBUS },
	{ "CB_MEMORY_BASE_1", 0x24, 4, CARDBUS },
	{ "CB_MEMORY_LIMIT_1", 0x28, 4, CARDBUS },
	{ "CB_IO_BASE_0", 0x2c, 2, CARDBUS },
	{ "CB_IO_BASE_0_HI", 0x2e, 2, CARDBUS },
	{ "CB_IO_LIMIT_0", 0x30, 2, CARDBUS },
	{ "CB_IO_LIMIT_0_HI", 0x32, 2, CARDBUS },
	{ "CB_IO_BASE_1", 0x34, 2, CARDBUS },
	{ "CB_IO_BASE_1_HI", 0x36, 2, CARDBUS },
	{ "CB_IO_LIMIT_1", 0x38, 2, CARDBUS },
	{ "CB_IO_LIMIT_1_HI", 0x3a, 2, CARDBUS },
	{ "CB_SUBSYSTEM_VENDOR_ID", 0x40, 2, CARDBUS },
	{ "CB_SUBSYSTEM_ID", 0x42, 2, CARDBUS },
	{ "CB_LEGACY_MODE_BASE", 0x44, 4, CARDBUS },
};

/* Capabilities (PCI 3.0 appendix H; PCIe 6.0 §7.6) that have setpci's names. */
static const struct pci_cap_name caps[] = {
	{ "CAP_PM", 0x01, false },     { "CAP_AGP", 0x02, false },
	{ "CAP_VPD", 0x03, false },    { "CAP_SLOTID", 0x04, false },
	{ "CAP_MSI", 0x05, false },    { "CAP_CHSWP", 0x06, false },
	{ "CAP_PCIX", 0x07, false },   { "CAP_HT", 0x08, false },
	{ "CAP_VNDR", 0x09, false },   { "CAP_DBG", 0x0a, false },
	{ "CAP_CCRC", 0x0b, false },   { "CAP_HOTPLUG", 0x0c, false },
	{ "CAP_SSVID", 0x0d, false },  { "CAP_AGP3", 0x0e, false },
	{ "CAP_SECURE", 0x0f, false }, { "CAP_EXP", 0x10, false },
	{ "CAP_MSIX", 0x11, false },   { "CAP_SATA", 0x12, false },
	{ "CAP_AF", 0x13, false },     { "CAP_EA", 0x14, false },
	{ "ECAP_AER", 0x01, true },    { "ECAP_VC", 0x02, true },
	{ "ECAP_DSN", 0x03, true },    { "ECAP_PB", 0x04, true },
	{ "ECAP_RCLINK", 0x05, true }, { "ECAP_RCILINK", 0x06, true },
	{ "ECAP_RCEC", 0x07, true },   { "ECAP_MFVC", 0x08, true },
	{ "ECAP_VC2", 0x09, true },    { "ECAP_RBCB", 0x0a, true },
	{ "ECAP_VNDR", 0x0b, true },   { "ECAP_ACS", 0x0d, true },
	{ "ECAP_ARI", 0x0e, true },    { "ECAP_ATS", 0x0f, true },
	{ "ECAP_SRIOV", 0x10, true },  { "ECAP_MRIOV", 0x11, true },
	{ "ECAP_MCAST", 0x12, true },  { "ECAP_PRI", 0x13, true },
	{ "ECAP_REBAR", 0x15, true },  { "ECAP_DPA", 0x16, true },
	{ "ECAP_TPH", 0x17, true },    { "ECAP_LTR", 0x18, true },
	{ "ECAP_SECPCI", 0x19, true }, { "ECAP_PMUX", 0x1a, true },
	{ "ECAP_PASID", 0x1b, true },  { "ECAP_LNR", 0x1c, true },
	{ "ECAP_DPC", 0x1d, true },    { "ECAP_L1PM", 0x1e, true },
	{ "ECAP_PTM", 0x1f, true },    { "ECAP_M_PCIE", 0x20, true },
	{ "ECAP_FRS", 0x21, true },    { "ECAP_RTR", 0x22, true },
	{ "ECAP_DVSEC", 0x23, true },  { "ECAP_VF_REBAR", 0x24, true },
	{ "ECAP_DLNK", 0x25, true },   { "ECAP_16GT", 0x26, true },
	{ "ECAP_LMR", 0x27, true },    { "ECAP_HIER_ID", 0x28, true },
	{ "ECAP_NPEM", 0x29, true },
};

const struct pci_reg *pci_reg_at(size_t index)
{
	return index < COUNT(regs) ? &regs[index] : NULL;
}

const struct pci_cap_name *pci_cap_name_at(size_t index)
{
	return index < COUNT(caps) ? &caps[index] : NULL;
}

const struct pci_reg *pci_reg_find(const char *name)
{
	for (size_t i = 0; i < COUNT(regs); i++)
		if (!strcasecmp(regs[i].name, name))
			return &regs[i];
	return NULL;
}

const struct pci_cap_name *pci_cap_name_find(const char *name)
{
	for (size_t i = 0; i < COUNT(caps); i++)
		if (!strcasecmp(caps[i].name, name))
			return &caps[i];
	return NULL;
}

bool pci_reg_fits(const struct pci_reg *reg, uint8_t header_type)
{
	unsigned int layout = header_type & 0x7f;

	return reg->layouts == ANY || (layout < 8 && reg->layouts >> layout & 1);
}
