/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "hw/hwprobe/pci-name.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "hw/hwprobe/near.h"
#include "hw/hwprobe/pci-regs.h"
#include "hw/hwprobe/verbs.h"

static enum result capability_at(const struct space *space, const char *name, bool extended,
				 uint16_t id, uint32_t *ret_offset)
{
	int r = extended ? hws_pci_find_ext_cap(space->pci, id, ret_offset)
			 : hws_pci_find_cap(space->pci, (uint8_t)id, ret_offset);

	return r < 0 ? call_fail(name, r) : RESULT_OK;
}

/* Has the function's header such a register? */
static enum result check_layout(const struct space *space, const char *name,
				const struct pci_reg *reg)
{
	uint8_t type;
	int r;

	if (reg->layouts == PCI_REGS_ANY)
		return RESULT_OK;
	r = hws_pci_read8(space->pci, 0x0e, &type);
	if (r < 0)
		return call_fail(name, r);
	if (pci_reg_fits(reg, type))
		return RESULT_OK;
	say("%s: a header of type %u has no such register", name, type & 0x7fu);
	return RESULT_NOT_FOUND;
}

/* Where the register's space begins. */
static enum result base_of(const struct space *space, const char *name,
			   const struct hws_register *reg, uint32_t *ret_base)
{
	struct pci_reg of_layout = { .layouts = PCI_REGS_ANY };

	if (reg->space != HWS_SPACE_CONFIG)
		return capability_at(space, name, reg->space == HWS_SPACE_EXTENDED,
				     (uint16_t)reg->which, ret_base);
	*ret_base = 0;
	if (reg->which != HWS_REGISTERS_ANY)
		of_layout.layouts = (uint8_t)(1u << reg->which);
	return check_layout(space, name, &of_layout);
}

/* The field that is nearest, or all of them. */
static enum result no_field(const struct space *space, const struct hws_register *reg,
			    uint32_t index, const char *name, const char *wanted)
{
	struct near near = { .word = wanted };
	struct hws_field field;
	char list[512] = "";
	size_t n = 0;

	for (uint32_t i = 0; hws_registers_field_at(space->registers, index, i, &field) == 0; i++) {
		near_try(&near, field.name);
		if (n < sizeof(list))
			n += (size_t)snprintf(list + n, sizeof(list) - n, " %s", field.name);
	}
	if (near.best)
		say("%s: %s has no field '%s'; did you mean %s.%s?", name, reg->name, wanted,
		    reg->name, near.best);
	else
		say("%s: %s has no field '%s'; it has%s%s", name, reg->name, wanted,
		    *list ? ":" : " none", list);
	return RESULT_NOT_FOUND;
}

/* The register or capability that is nearest. */
static enum result no_register(const struct space *space, const char *whole, const char *name)
{
	struct near near = { .word = name };
	const struct pci_cap_name *cap;
	const struct pci_reg *header;
	struct hws_register reg;

	for (uint32_t i = 0; hws_registers_at(space->registers, i, &reg) == 0; i++)
		near_try(&near, reg.name);
	for (size_t i = 0; (header = pci_reg_at(i)); i++)
		near_try(&near, header->name);
	for (size_t i = 0; (cap = pci_cap_name_at(i)); i++)
		near_try(&near, cap->name);
	if (near.best)
		args_refuse("'%s' is no register; did you mean %s?", whole, near.best);
	else
		args_refuse("'%s' is no register: neither of the description (Command, "
			    "DevCtl.MaxPayload) nor setpci's (COMMAND, CAP_EXP+8.w), nor an "
			    "offset (0x10.l)",
			    whole);
	return RESULT_NOT_FOUND;
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
	if (!spot_field(space->registers, &reg, field, spot))
		return no_field(space, &reg, spot->index, name, field);
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
	const struct pci_reg *reg = pci_reg_find(name);
	const struct pci_cap_name *cap = pci_cap_name_find(name);
	uint32_t offset = 0;

	if (reg) {
		*ret_base = reg->offset;
		*ret_width = reg->width;
		return check_layout(space, whole, reg);
	}
	if (cap) {
		enum result result = capability_at(space, whole, cap->extended, cap->id, &offset);

		*ret_base = offset;
		return result;
	}
	if (name[0] >= '0' && name[0] <= '9')
		return take_offset(name, ret_base) ? RESULT_OK : RESULT_USAGE;
	return no_register(space, whole, name);
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
	if (width_name && !spot_width(width_name, &width))
		return RESULT_USAGE;
	if (width > 4)
		return args_refuse("%s: registers have at most 32 bits", whole);
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
