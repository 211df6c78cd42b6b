/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Registers by their names: read, written, verified, waited for, dumped. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "hw/bank-private-internal.h"
#include "shim/shim-internal.h"
#include "shim/why-internal.h"

/* What a name stands for in a bank. */
struct target {
	const struct reg *reg;
	const struct field *field; /* NULL: the whole register */
	uint64_t mask;		   /* its bits */
	uint32_t low;
	uint64_t at;
};

static uint64_t at_of(const struct hws_bank *bank, const struct reg *reg)
{
	return bank->at[reg - bank->registers->regs];
}

static const char *absent(const struct hws_register *reg)
{
	switch (reg->space) {
	case HWS_SPACE_CAPABILITY:
	case HWS_SPACE_EXTENDED:
		return "the function has no such capability, or none that can be read here";
	case HWS_SPACE_CONFIG:
		return "the function's header is of another type, or it lies outside the window";
	case HWS_SPACE_BAR:
	case HWS_SPACE_PORTS:
	case HWS_SPACE_INDEXED:
	case HWS_SPACE_MSR:
	case HWS_SPACES:
		break;
	}
	return "it lies outside the handle's window";
}

static int find(const struct hws_bank *bank, const char *name, struct target *ret)
{
	struct target target = { 0 };
	int r;

	if (!name)
		return why(-EINVAL, "a register has a name");
	r = registers_resolve(bank->registers, name, &target.reg, &target.field);
	if (r < 0)
		return r;
	target.at = at_of(bank, target.reg);
	if (target.at == BANK_NOWHERE)
		return why(-ENOENT, "%s: %s", name, absent(&target.reg->is));
	target.mask = target.field ? field_mask(&target.field->is)
				   : shim_ones(target.reg->is.width);
	target.low = target.field ? target.field->is.low : 0;
	*ret = target;
	return 0;
}

static struct gate_access access_to(const struct hws_bank *bank, const struct reg *reg)
{
	return (struct gate_access) {
		.offset = at_of(bank, reg),
		.width = reg->is.width,
		.cpu = bank->gate->window.cpu,
	};
}

/* Has the index port point at the register; then *one is an access to the data port. */
static int point_at(struct hws_bank *bank, const struct reg *reg, struct gate_access *one)
{
	int r;

	if (reg->is.space != HWS_SPACE_INDEXED)
		return 0;
	one->value = reg->is.offset;
	r = face_ask_write(bank->gate, bank->face, one);
	one->offset++;
	return r;
}

static int read_whole(struct hws_bank *bank, const struct reg *reg, uint64_t *ret_value)
{
	struct gate_access one = access_to(bank, reg);
	uint64_t value;
	int r = point_at(bank, reg, &one);

	r = r < 0 ? r : face_ask_read(bank->gate, bank->face, &one, &value);
	if (r >= 0)
		*ret_value = value;
	return r;
}

static int write_whole(struct hws_bank *bank, const struct reg *reg, uint64_t value)
{
	struct gate_access one = access_to(bank, reg);
	int r = point_at(bank, reg, &one);

	one.value = value;
	return r < 0 ? r : face_ask_write(bank->gate, bank->face, &one);
}

int hws_register_read(struct hws_bank *bank, const char *name, uint64_t *ret_value)
{
	struct target target;
	uint64_t whole;
	int r = find(bank, name, &target);

	r = r < 0 ? r : read_whole(bank, target.reg, &whole);
	if (r == 0)
		*ret_value = (whole & target.mask) >> target.low;
	return r;
}

/* The bits of a register that have an attribute: its fields', and the rest if it is its own. */
static uint64_t bits_of(const struct hws_bank *bank, const struct reg *reg,
			enum hws_attribute attribute)
{
	uint64_t bits = reg->is.attribute == attribute ? shim_ones(reg->is.width) & ~reg->given : 0;

	for (uint32_t i = 0; i < reg->is.fields; i++) {
		const struct hws_field *field = &bank->registers->fields[reg->first_field + i].is;

		bits |= field->attribute == attribute ? field_mask(field) : 0;
	}
	return bits;
}

static int refuse(struct hws_bank *bank, const struct reg *reg, enum gate_use use, const char *name,
		  const char *cause)
{
	struct gate_access one = access_to(bank, reg);
	char said[160];

	snprintf(said, sizeof(said), "%.64s %s", name, cause);
	return gate_refuse(bank->gate, use, &one, HWS_REASON_REGISTER, said);
}

/* Before anything is done: may the target be written, and verified where that is asked? */
static int check_write(struct hws_bank *bank, const char *name, const struct target *target,
		       uint64_t value, uint32_t flags)
{
	enum hws_attribute attribute = target->reg->is.attribute;
	bool hidden = hws_attribute_side(attribute);

	if (flags & ~(uint32_t)HWS_VERIFY)
		return why(-EINVAL, "0x%x: the only flag is HWS_VERIFY", flags);
	if (value > target->mask >> target->low)
		return why(-EINVAL, "0x%llx does not fit %s: it has %d bits",
			   (unsigned long long)value, name, __builtin_popcountll(target->mask));
	if (target->field && target->field->is.attribute == HWS_ATTRIBUTE_RO)
		return refuse(bank, target->reg, GATE_WRITE, name, bank_says(HWS_ATTRIBUTE_RO));
	if (target->field && hidden)
		return refuse(bank, target->reg, GATE_WRITE, name,
			      "can't be written alone: the rest of its register can't be read");
	if (flags & HWS_VERIFY && hidden)
		return refuse(bank, target->reg, GATE_READ, name,
			      "can't be verified: it does not read as it was written");
	if (flags & HWS_VERIFY && !(bank->gate->window.rights & HWS_R))
		return refuse(bank, target->reg, GATE_READ, name,
			      "can't be verified: the handle may not read");
	return 0;
}

/* The whole register that a field is written with: the rest stays, and nothing else is cleared. */
static int compose(struct hws_bank *bank, const struct target *target, uint64_t value,
		   uint64_t *ret_whole)
{
	uint64_t kept = bits_of(bank, target->reg, HWS_ATTRIBUTE_RW) & ~target->mask;
	uint64_t old = 0;
	int r = target->field && kept ? read_whole(bank, target->reg, &old) : 0;

	if (r == 0)
		*ret_whole = (old & kept) | value << target->low;
	return r;
}

static int verify(struct hws_bank *bank, const char *name, const struct target *target,
		  uint64_t whole)
{
	const struct reg *reg = target->reg;
	uint64_t bits = target->field || !reg->is.fields ? target->mask : reg->given;
	uint64_t same = bits_of(bank, reg, HWS_ATTRIBUTE_RW) & bits;
	uint64_t cleared = bits_of(bank, reg, HWS_ATTRIBUTE_W1C) & bits & whole;
	struct gate_access one = access_to(bank, reg);
	uint64_t now;
	int r = read_whole(bank, reg, &now);

	if (r < 0 || !((now ^ whole) & same || now & cleared))
		return r;
	why(-EIO, "%s did not take it: 0x%llx was written, 0x%llx is read; bits 0x%llx differ",
	    name, (unsigned long long)whole, (unsigned long long)now,
	    (unsigned long long)(((now ^ whole) & same) | (now & cleared)));
	one.value = whole;
	return gate_failed(bank->gate, GATE_WRITE, &one, -EIO);
}

int hws_register_write(struct hws_bank *bank, const char *name, uint64_t value, uint32_t flags)
{
	struct target target;
	uint64_t whole = 0;
	int r = find(bank, name, &target);

	r = r < 0 ? r : check_write(bank, name, &target, value, flags);
	r = r < 0 ? r : compose(bank, &target, value, &whole);
	r = r < 0 ? r : write_whole(bank, target.reg, whole);
	return r == 0 && flags & HWS_VERIFY ? verify(bank, name, &target, whole) : r;
}

int hws_register_wait(struct hws_bank *bank, const char *name, uint64_t value, uint64_t deadline_ns,
		      uint64_t *ret_value)
{
	struct target target;
	struct gate_access one;
	struct face_wait wait = { .deadline_ns = deadline_ns };
	uint64_t last;
	int r = find(bank, name, &target);

	if (r == 0 && value > target.mask >> target.low)
		r = why(-EINVAL, "%s can't have the value 0x%llx", name, (unsigned long long)value);
	if (r < 0)
		return r;
	one = access_to(bank, target.reg);
	r = point_at(bank, target.reg, &one);
	wait.mask = target.mask;
	wait.value = value << target.low;
	r = r < 0 ? r : face_wait_for(bank->gate, bank->face, &one, &wait, &last);
	if (r == 0 && ret_value)
		*ret_value = last;
	return r;
}

static void dump_one(struct hws_bank *bank, struct hws_register_state *state)
{
	const struct reg *reg = &bank->registers->regs[state->index];

	state->reg = reg->is;
	if (bank->at[state->index] == BANK_NOWHERE) {
		state->code = -ENOENT;
		state->why = absent(&reg->is);
	} else if (hws_attribute_side(reg->is.attribute)) {
		state->code = -EACCES;
		state->why = bank_says(reg->is.attribute);
	} else {
		state->code = read_whole(bank, reg, &state->value);
		state->why = state->code < 0 ? hws_why() : NULL;
	}
}

int hws_bank_dump(struct hws_bank *bank,
		  int (*each)(const struct hws_register_state *state, void *context), void *context)
{
	int r = 0;

	for (uint32_t i = 0; r == 0 && i < bank->registers->reg_count; i++) {
		struct hws_register_state state = { .index = i };

		dump_one(bank, &state);
		r = each(&state, context);
	}
	return r;
}
