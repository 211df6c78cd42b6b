/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "hw/hwprobe/pci-name.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "hw/hwprobe/verbs.h"

/* Layouts of headers, by their types as bits. */
enum { DEVICE = 1, BRIDGE = 2, ANY = 0xff };

/* The header (PCI 3.0 §6.1; bridges: PCI-to-PCI Bridge 1.2 §3.2), as setpci calls its registers. */
static const struct {
	const char *name;
	uint8_t offset;
	uint8_t width;
	uint8_t layouts; /* that have it */
} header[] = {
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
};

/* Capabilities (PCI 3.0 appendix H; PCIe 6.0 §7.6) that have setpci's names. */
static const struct {
	const char *name;
	uint16_t id;
} capabilities[] = {
	{ "CAP_PM", 0x01 },	 { "CAP_AGP", 0x02 },	   { "CAP_VPD", 0x03 },
	{ "CAP_SLOTID", 0x04 },	 { "CAP_MSI", 0x05 },	   { "CAP_CHSWP", 0x06 },
	{ "CAP_PCIX", 0x07 },	 { "CAP_HT", 0x08 },	   { "CAP_VNDR", 0x09 },
	{ "CAP_DBG", 0x0a },	 { "CAP_CCRC", 0x0b },	   { "CAP_HOTPLUG", 0x0c },
	{ "CAP_SSVID", 0x0d },	 { "CAP_AGP3", 0x0e },	   { "CAP_SECURE", 0x0f },
	{ "CAP_EXP", 0x10 },	 { "CAP_MSIX", 0x11 },	   { "CAP_SATA", 0x12 },
	{ "CAP_AF", 0x13 },	 { "CAP_EA", 0x14 },	   { "ECAP_AER", 0x01 },
	{ "ECAP_VC", 0x02 },	 { "ECAP_DSN", 0x03 },	   { "ECAP_PB", 0x04 },
	{ "ECAP_RCLINK", 0x05 }, { "ECAP_RCILINK", 0x06 }, { "ECAP_RCEC", 0x07 },
	{ "ECAP_MFVC", 0x08 },	 { "ECAP_VC2", 0x09 },	   { "ECAP_RCRB", 0x0a },
	{ "ECAP_VNDR", 0x0b },	 { "ECAP_ACS", 0x0d },	   { "ECAP_ARI", 0x0e },
	{ "ECAP_ATS", 0x0f },	 { "ECAP_SRIOV", 0x10 },   { "ECAP_LTR", 0x18 },
	{ "ECAP_DPC", 0x1d },	 { "ECAP_L1PM", 0x1e },	   { "ECAP_PTM", 0x1f },
};

static enum result capability_at(const struct space *space, const char *name, bool extended,
				 uint16_t id, uint32_t *ret_offset)
{
	int r = extended ? hws_pci_find_ext_cap(space->pci, id, ret_offset)
			 : hws_pci_find_cap(space->pci, (uint8_t)id, ret_offset);

	return r < 0 ? call_fail(name, r) : RESULT_OK;
}

/* Has the function's header such a register? */
static enum result check_layout(const struct space *space, const char *name, unsigned int layouts)
{
	uint8_t type;
	int r;

	if (layouts == ANY)
		return RESULT_OK;
	r = hws_pci_read8(space->pci, 0x0e, &type);
	if (r < 0)
		return call_fail(name, r);
	type &= 0x7f;
	if (type < 8 && layouts >> type & 1)
		return RESULT_OK;
	fprintf(stderr, "hwprobe: %s: a header of type %u has no such register\n", name, type);
	return RESULT_NOT_FOUND;
}

/* Where the register's space begins. */
static enum result base_of(const struct space *space, const char *name,
			   const struct hws_register *reg, uint32_t *ret_base)
{
	if (reg->space != HWS_SPACE_CONFIG)
		return capability_at(space, name, reg->space == HWS_SPACE_EXTENDED,
				     (uint16_t)reg->which, ret_base);
	*ret_base = 0;
	return reg->which == HWS_REGISTERS_ANY ? RESULT_OK
					       : check_layout(space, name, 1u << reg->which);
}

static enum result described(const struct space *space, const char *name, const char *field,
			     struct spot *spot)
{
	struct hws_register reg;
	uint32_t base;
	enum result result;
	int r = hws_registers_at(space->registers, spot->index, &reg);

	if (r < 0)
		return call_fail(name, r);
	if (!spot_field(space->registers, &reg, field, spot)) {
		fprintf(stderr, "hwprobe: %s: %s has no field '%s'; it has:", name, reg.name,
			field);
		for (uint32_t i = 0; i < reg.fields; i++) {
			struct hws_field one;

			if (hws_registers_field_at(space->registers, spot->index, i, &one) == 0)
				fprintf(stderr, " %s", one.name);
		}
		fputc('\n', stderr);
		return RESULT_NOT_FOUND;
	}
	result = base_of(space, name, &reg, &base);
	if (result == RESULT_OK)
		spot->place = hws_in_pci(space->pci, base + (uint32_t)reg.offset, reg.width);
	return result;
}

/* setpci's numbers are hexadecimal, ours decimal: only what is the same in both, or has 0x. */
static bool take_offset(const char *text, uint64_t *ret_offset)
{
	if (text[0] && text[1] && strncasecmp(text, "0x", 2) != 0 &&
	    strspn(text, "0123456789") == strlen(text)) {
		args_refuse("offset '%s': hexadecimal needs 0x: 0x%s", text, text);
		return false;
	}
	return args_number("offset", text, 0xfff, ret_offset);
}

/* The part before '+' and width: a register, a capability, or an offset. */
static enum result take_base(const struct space *space, const char *whole, const char *name,
			     uint64_t *ret_base, uint32_t *ret_width)
{
	uint32_t offset;

	for (size_t i = 0; i < COUNT(header); i++)
		if (!strcasecmp(header[i].name, name)) {
			*ret_base = header[i].offset;
			*ret_width = header[i].width;
			return check_layout(space, whole, header[i].layouts);
		}
	for (size_t i = 0; i < COUNT(capabilities); i++)
		if (!strcasecmp(capabilities[i].name, name)) {
			enum result result = capability_at(space, whole,
							   name[0] == 'E' || name[0] == 'e',
							   capabilities[i].id, &offset);

			*ret_base = result == RESULT_OK ? offset : 0;
			return result;
		}
	if (name[0] >= '0' && name[0] <= '9')
		return take_offset(name, ret_base) ? RESULT_OK : RESULT_USAGE;
	args_refuse(
		"'%s' is no register: neither of the description (Command, DevCtl.MaxPayload) nor "
		"setpci's (COMMAND, CAP_EXP+8.w), nor an offset (0x10.l)",
		whole);
	return RESULT_NOT_FOUND;
}

static enum result familiar(const struct space *space, const char *whole, char *name,
			    const char *width_name, struct spot *spot)
{
	char *plus = strchr(name, '+');
	uint64_t base = 0;
	uint64_t add = 0;
	uint32_t width = 0;
	enum result result;

	if (plus)
		*plus = '\0';
	result = take_base(space, whole, name, &base, &width);
	if (result != RESULT_OK)
		return result;
	if (plus && !take_offset(plus + 1, &add))
		return RESULT_USAGE;
	if (width_name && (!spot_width(width_name, &width) || width > 4))
		return RESULT_USAGE;
	if (!width)
		return args_refuse("%s: say how wide it is: %s.b, .w or .l", whole, whole);
	if ((base + add) % width)
		return args_refuse("%s: the offset is no multiple of %u", whole, width);
	spot->place = hws_in_pci(space->pci, (uint32_t)(base + add), width);
	return RESULT_OK;
}

enum result pci_name_find(const struct space *space, const char *name, struct spot *ret_spot)
{
	struct spot spot = { 0 };
	char first[SPOT_NAME];
	enum result result;
	char *dot;

	if (strlen(name) >= sizeof(first))
		return args_refuse("'%.40s...' is no register", name);
	strcpy(first, name);
	strcpy(spot.name, name);
	dot = strchr(first, '.');
	if (dot)
		*dot++ = '\0';
	if (hws_registers_find(space->registers, first, &spot.index) == 0)
		result = described(space, name, dot, &spot);
	else
		result = familiar(space, name, first, dot, &spot);
	if (result == RESULT_OK)
		*ret_spot = spot;
	return result;
}
