/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Where a handle's registers are, and what each access through it may do to them. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "hw/bank-private-internal.h"
#include "hw/device-internal.h"
#include "shim/sys-internal.h"
#include "shim/why-internal.h"

static const enum hws_kind kind_of[HWS_SPACES] = {
	[HWS_SPACE_BAR] = HWS_KIND_BAR,	     [HWS_SPACE_PORTS] = HWS_KIND_PORT,
	[HWS_SPACE_INDEXED] = HWS_KIND_PORT, [HWS_SPACE_MSR] = HWS_KIND_MSR,
	[HWS_SPACE_CONFIG] = HWS_KIND_PCI,   [HWS_SPACE_CAPABILITY] = HWS_KIND_PCI,
	[HWS_SPACE_EXTENDED] = HWS_KIND_PCI,
};

static bool header_is(const struct gate *gate, uint32_t type)
{
	struct hws_shim *shim = &gate->hw->shim;
	uint32_t layout;

	if (type == HWS_REGISTERS_ANY)
		return true;
	return shim_ops(shim)->pci_read(shim->self, gate->window.bdf, 0x0e, 1, &layout) == 0 &&
	       (layout & 0x7f) == type;
}

/* Where the registers of a space begin, counted as the handle's window is. False: it has none. */
static bool find_base(const struct gate *gate, enum hws_register_space space, uint32_t which,
		      uint64_t *ret_base)
{
	uint32_t at = 0;

	if (kind_of[space] != gate->window.kind)
		return false;
	if (space == HWS_SPACE_BAR && which != gate->window.bar)
		return false;
	if (space == HWS_SPACE_CONFIG && !header_is(gate, which))
		return false;
	if ((space == HWS_SPACE_CAPABILITY || space == HWS_SPACE_EXTENDED) &&
	    device_capability(gate->hw, gate->window.bdf, space == HWS_SPACE_EXTENDED, which, &at))
		return false;
	*ret_base = space == HWS_SPACE_PORTS || space == HWS_SPACE_INDEXED ? which : at;
	return true;
}

/* What of the window an access to it covers. */
static uint64_t size_of(const struct hws_register *reg)
{
	if (reg->space == HWS_SPACE_MSR)
		return 1;
	return reg->space == HWS_SPACE_INDEXED ? 2 : reg->width; /* both ports */
}

static uint64_t place(const struct gate *gate, const struct hws_register *reg, uint64_t base)
{
	uint64_t at = base + (reg->space == HWS_SPACE_INDEXED ? 0 : reg->offset);
	uint64_t size = gate->window.last - gate->window.first + 1;

	if (at < base || at < gate->window.first ||
	    !hws_range_ok(at - gate->window.first, size_of(reg), size))
		return BANK_NOWHERE;
	return at - gate->window.first;
}

/* How many of the registers are in the window. Those of one space stand together, mostly. */
static uint32_t place_all(struct hws_bank *bank)
{
	const struct hws_register *before = NULL;
	uint64_t base = 0;
	bool has = false;
	uint32_t found = 0;

	for (uint32_t i = 0; i < bank->registers->reg_count; i++) {
		const struct hws_register *reg = &bank->registers->regs[i].is;

		if (!before || before->space != reg->space || before->which != reg->which)
			has = find_base(bank->gate, reg->space, reg->which, &base);
		before = reg;
		bank->at[i] = has ? place(bank->gate, reg, base) : BANK_NOWHERE;
		found += bank->at[i] != BANK_NOWHERE;
	}
	return found;
}

int bank_open(struct gate *gate, const struct face *face, struct hws_registers *registers,
	      struct hws_bank **ret_bank)
{
	size_t size = registers->reg_count * sizeof(uint64_t);
	HWS_CLEANUP_FREE struct hws_bank *bank = NULL;

	if (gate->bank)
		return why(-EALREADY, "the handle has a description of its registers already");
	bank = malloc(sizeof(*bank) + size);
	if (!bank)
		return why(-ENOMEM, "no memory for %u registers", registers->reg_count);
	*bank = (struct hws_bank) {
		.gate = gate, .face = face, .registers = registers, .index = BANK_NOWHERE
	};
	if (place_all(bank) == 0)
		return why(-ENOENT, "none of the registers described lies in this window");
	hws_registers_ref(registers);
	*ret_bank = gate->bank = HWS_TAKE_PTR(bank);
	gate_slow(gate);
	return 0;
}

void bank_close(struct gate *gate)
{
	if (!gate->bank)
		return;
	hws_registers_unref(gate->bank->registers);
	free(gate->bank);
	gate->bank = NULL;
}

struct hws_registers *hws_bank_registers(const struct hws_bank *bank)
{
	return bank->registers;
}

static bool overlap(uint64_t a, uint64_t a_size, uint64_t b, uint64_t b_size)
{
	return a < b ? b - a < a_size : a - b < b_size;
}

/*
 * Does the access meet this register? Behind a data port stands what the index says; when that
 * isn't known it may be any, to be read; what is written is then nobody's.
 */
static bool meets(const struct hws_bank *bank, uint32_t i, enum gate_use use,
		  const struct gate_access *one)
{
	const struct hws_register *reg = &bank->registers->regs[i].is;
	uint64_t at = bank->at[i];
	bool numbered = reg->space == HWS_SPACE_MSR;

	if (at == BANK_NOWHERE)
		return false;
	if (reg->space != HWS_SPACE_INDEXED)
		return overlap(at, size_of(reg), one->offset, numbered ? 1 : one->width);
	if (!overlap(at + 1, 1, one->offset, one->width))
		return false;
	return bank->index == reg->offset || (bank->index == BANK_NOWHERE && use == GATE_READ);
}

static bool forbidden(enum hws_attribute attribute, enum gate_use use)
{
	return use == GATE_READ ? hws_attribute_side(attribute) : attribute == HWS_ATTRIBUTE_RO;
}

/* The first register that the access meets and that is not for that use; NULL: there is none. */
static const struct hws_register *find_forbidden(const struct hws_bank *bank, enum gate_use use,
						 const struct gate_access *one)
{
	for (uint32_t i = 0; i < bank->registers->reg_count; i++) {
		const struct hws_register *reg = &bank->registers->regs[i].is;

		if (forbidden(reg->attribute, use) && meets(bank, i, use, one))
			return reg;
	}
	return NULL;
}

bool bank_hides(const struct hws_bank *bank, const struct gate_access *one)
{
	return find_forbidden(bank, GATE_READ, one);
}

const char *bank_says(enum hws_attribute attribute)
{
	static const char *const says[HWS_ATTRIBUTES] = {
		[HWS_ATTRIBUTE_RO] = "is read-only",
		[HWS_ATTRIBUTE_WO] = "is write-only: what a read gives means nothing",
		[HWS_ATTRIBUTE_RW] = "can be read and written",
		[HWS_ATTRIBUTE_W1C] = "is cleared by writing ones",
		[HWS_ATTRIBUTE_RCLR] = "is cleared by reading it",
		[HWS_ATTRIBUTE_FIFO] = "is a queue: reading takes an entry out",
	};

	return says[attribute];
}

int bank_ask(struct hws_bank *bank, enum gate_use use, const struct gate_access *one)
{
	const struct hws_register *reg;
	char said[160];

	if (use == GATE_READ && bank->gate->window.rights & HWS_SIDE)
		return 0;
	reg = find_forbidden(bank, use, one);
	if (!reg)
		return 0;
	snprintf(said, sizeof(said), "%s %s%s", reg->name, bank_says(reg->attribute),
		 use == GATE_READ ? "; the right 'side' reads it all the same" : "");
	return gate_refuse(bank->gate, use, one, HWS_REASON_REGISTER, said);
}

void bank_wrote(struct hws_bank *bank, const struct gate_access *one)
{
	for (uint32_t i = 0; i < bank->registers->reg_count; i++) {
		if (bank->registers->regs[i].is.space != HWS_SPACE_INDEXED ||
		    bank->at[i] == BANK_NOWHERE ||
		    !overlap(bank->at[i], 1, one->offset, one->width))
			continue;
		bank->index = BANK_NOWHERE; /* unless a register of that number is described */
		if (one->width == 1 && bank->registers->regs[i].is.offset == one->value) {
			bank->index = one->value;
			return;
		}
	}
}
