/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Reads what a snapshot keeps, as far as policy lets it. */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "hw/hwprobe/pci-name.h"
#include "hw/hwprobe/sanitize.h"
#include "hw/hwprobe/snapshot.h"

enum {
	HEAD = 256,  /* of configuration space: what is kept though nobody describes it */
	MOST = 4096, /* MSRs of one list */
};

static void failed(struct taking *taking, const char *what, int code)
{
	struct json_object *o = json_object_new_object();

	put_text(o, "what", what);
	put_error(o, code);
	put_text(o, "why", *hws_why() ? hws_why() : strerror(-code));
	json_object_array_add(taking->failed, o);
	say("%s: %s", what, *hws_why() ? hws_why() : strerror(-code));
	taking->code = code;
}

struct json_object *fields_of(const struct hws_registers *registers, uint32_t index, uint64_t value)
{
	struct json_object *fields = json_object_new_object();
	struct hws_field field;

	for (uint32_t i = 0; hws_registers_field_at(registers, index, i, &field) == 0; i++) {
		struct json_object *o = json_object_new_object();
		uint64_t bits = value >> field.low & UINT64_MAX >> (63 - (field.high - field.low));
		char range[16];

		snprintf(range, sizeof(range), "%u:%u", field.high, field.low);
		put_text(o, "bits", range);
		put_hex(o, "value", 1, bits);
		put_text(o, "word", hws_registers_word(registers, index, i, bits));
		put(fields, field.name, o);
	}
	return fields;
}

/* Bits that restoring may write, and those that a one would clear. */
static void masks_of(const struct hws_registers *registers, const struct hws_register_state *state,
		     struct item *item)
{
	uint64_t ones = spot_ones(state->reg.width);
	struct hws_field field;

	item->writable = state->reg.attribute == HWS_ATTRIBUTE_RW ? ones : 0;
	item->clears = state->reg.attribute == HWS_ATTRIBUTE_W1C ? ones : 0;
	for (uint32_t i = 0; hws_registers_field_at(registers, state->index, i, &field) == 0; i++) {
		uint64_t bits = UINT64_MAX >> (63 - (field.high - field.low)) << field.low;

		item->writable &= ~bits;
		item->clears &= ~bits;
		if (field.attribute == HWS_ATTRIBUTE_RW)
			item->writable |= bits;
		if (field.attribute == HWS_ATTRIBUTE_W1C)
			item->clears |= bits;
	}
}

/* A dump under way. */
struct dump {
	struct taking *taking;
	struct hws_registers *registers;
	struct hws_access where;
	const struct space *space; /* of configuration space; NULL: offsets are the BAR's own */
	uint8_t covered[HEAD];
};

/* Whose registers these are: what is restored must be the same device. */
static int identify(struct dump *dump, const char *bdf)
{
	struct hws_pci_info info = { .size = sizeof(info) };
	int r = hws_bdf_parse(bdf, &dump->where.bdf);

	r = r < 0 ? r : hws_pci_get_info(dump->taking->hw, bdf, &info);
	dump->where.vendor = info.vendor;
	dump->where.device = info.device;
	return r;
}

/* A capability's registers count from where it is. */
static bool find_place(const struct dump *dump, const struct hws_register_state *state,
		       struct item *item)
{
	struct spot spot;

	item->where = dump->where;
	item->where.first = state->reg.offset;
	item->where.width = state->reg.width;
	if (!dump->space)
		return true;
	if (pci_name_find(dump->space, state->reg.name, &spot) != RESULT_OK)
		return false;
	item->where.first = spot.place.at;
	return true;
}

static int take_register(const struct hws_register_state *state, void *context)
{
	struct dump *dump = context;
	bool hidden = dump->taking->sanitize && sanitize_register(&state->reg);
	struct item item = { .value = hidden ? 0 : state->value };
	uint64_t at;

	if (state->code < 0 || !find_place(dump, state, &item))
		return 0; /* not here, or reading it would change something */
	at = item.where.first;
	if (hws_range_ok(at, state->reg.width, HEAD))
		memset(dump->covered + at, 1, state->reg.width);
	snprintf(item.name, sizeof(item.name), "%s", state->reg.name);
	masks_of(dump->registers, state, &item);
	item.fields = fields_of(dump->registers, state->index, item.value);
	return items_add(dump->taking->items, &item);
}

static int read_rest(struct hws_pci *pci, uint32_t at, uint32_t width, uint64_t *ret_value)
{
	uint8_t byte = 0;
	uint32_t word = 0;
	int r = width == 1 ? hws_pci_read8(pci, at, &byte) : hws_pci_read32(pci, at, &word);

	*ret_value = width == 1 ? byte : word;
	return r;
}

/* How much at this address nobody describes: 4 bytes, one, or none. */
static uint32_t rest_at(const struct dump *dump, uint32_t at)
{
	static const uint8_t none[4];

	return at % 4 == 0 && !memcmp(dump->covered + at, none, 4) ? 4 : !dump->covered[at];
}

/* What nobody describes is kept to be compared; it is never restored. */
static int take_rest(struct dump *dump)
{
	int r = 0;

	for (uint32_t at = 0; at < HEAD && r == 0;) {
		struct item item = { .where = dump->where };
		uint32_t width = rest_at(dump, at);

		if (width && read_rest(dump->space->pci, at, width, &item.value) < 0)
			return 0;
		item.where.first = at;
		item.where.width = width;
		snprintf(item.name, sizeof(item.name), "0x%02x.%c", at, width == 1 ? 'b' : 'l');
		r = width ? items_add(dump->taking->items, &item) : 0;
		at += width ? width : 1;
	}
	return r;
}

static int take_function(struct taking *taking, const char *bdf)
{
	struct space space = { 0 };
	struct dump dump = { .taking = taking, .space = &space };
	int r = identify(&dump, bdf);

	dump.where.kind = HWS_KIND_PCI;
	/* each function counts for itself: how many there are is no sign of a runaway */
	r = r < 0 ? r : hws_guard_rearm(taking->hw, HWS_GUARD_PCI);
	r = r < 0 ? r : hws_pci_open(taking->hw, bdf, 0, 0, HWS_R, &space.pci);
	r = r < 0 ? r : hws_registers_load(taking->hw, "pci", &space.registers);
	r = r < 0 ? r : hws_pci_describe(space.pci, space.registers, &space.bank);
	dump.registers = space.registers;
	r = r < 0 ? r : hws_bank_dump(space.bank, take_register, &dump);
	r = r < 0 ? r : take_rest(&dump);
	hws_pci_close(space.pci);
	hws_registers_unref(space.registers);
	if (r < 0)
		failed(taking, bdf, r);
	return r;
}

static enum result take_pci(struct taking *taking, const char *which)
{
	struct hws_bdf bdf;
	char text[HWS_BDF_TEXT];
	int r;

	if (strcmp(which, "all") != 0) {
		if (hws_bdf_parse(which, &bdf) < 0)
			return args_refuse("pci='%s': expected a function, as in 00:03.0, or all",
					   which);
		take_function(taking, which);
		return RESULT_OK;
	}
	for (r = hws_pci_next(taking->hw, NULL, &bdf); r == 0;
	     r = hws_pci_next(taking->hw, &bdf, &bdf))
		take_function(taking, hws_bdf_format(bdf, text));
	if (r != -ENOENT)
		failed(taking, "pci=all", r);
	return RESULT_OK;
}

/* The description that names this device; else -ENOENT. */
static int find_description(struct taking *taking, const char *bdf, struct hws_registers **ret)
{
	struct hws_pci_info info = { .size = sizeof(info) };
	const char *name;
	int r;

	if (taking->registers)
		return hws_registers_load(taking->hw, taking->registers, ret);
	r = hws_pci_get_info(taking->hw, bdf, &info);
	for (unsigned int i = 0; r == 0 && (name = hws_registers_shipped(i)); i++) {
		struct hws_registers *one;

		r = hws_registers_load(taking->hw, name, &one);
		if (r == 0 && hws_registers_match(one, info.vendor, info.device, info.class_code)) {
			*ret = one;
			return 0;
		}
		if (r == 0)
			hws_registers_unref(one);
	}
	return r < 0 ? r : -ENOENT;
}

static enum result take_bar(struct taking *taking, const char *which)
{
	struct dump dump = { .taking = taking };
	const char *colon = strrchr(which, ':');
	struct hws_mmio *mmio = NULL;
	struct hws_bank *bank;
	uint64_t bar;
	char bdf[32];
	int r;

	snprintf(bdf, sizeof(bdf), "%.*s", colon ? (int)(colon - which) : 0, which);
	if (!colon || hws_bdf_parse(bdf, &dump.where.bdf) < 0)
		return args_refuse("bar='%s': expected BDF:BAR, as in 00:03.0:0", which);
	if (!args_number("BAR", colon + 1, 5, &bar))
		return RESULT_USAGE;
	dump.where.kind = HWS_KIND_BAR;
	dump.where.bar = (uint32_t)bar;
	r = identify(&dump, bdf);
	r = r < 0 ? r : find_description(taking, bdf, &dump.registers);
	if (r == -ENOENT && !taking->registers)
		return args_refuse("bar='%s': no description knows it: give --registers", which);
	r = r < 0 ? r : hws_mmio_map(taking->hw, bdf, dump.where.bar, 0, 0, HWS_R, &mmio);
	r = r < 0 ? r : hws_mmio_describe(mmio, dump.registers, &bank);
	r = r < 0 ? r : hws_bank_dump(bank, take_register, &dump);
	hws_mmio_unmap(mmio);
	hws_registers_unref(dump.registers);
	if (r < 0)
		failed(taking, which, r);
	return RESULT_OK;
}

static int take_msr_of(struct taking *taking, struct hws_msr *msr, uint32_t cpu, uint32_t reg)
{
	struct item item = {
		.where = { .kind = HWS_KIND_MSR, .first = reg, .cpu = cpu, .width = 8 },
		.writable = UINT64_MAX
	};
	char label[ITEM_LABEL];
	int r = hws_msr_read(msr, cpu, reg, &item.value);

	snprintf(item.name, sizeof(item.name), "0x%" PRIx32, reg);
	if (r == 0)
		return items_add(taking->items, &item);
	failed(taking, item_label(&item, label), r);
	return 0;
}

/* One register after the other of "0x10,0x198-0x199": the library has checked how it is written. */
static enum result take_list(struct taking *taking, struct hws_msr *msr, const char *list)
{
	uint32_t cpu;
	uint64_t count = 0;

	while (*list) {
		char *end;
		uint64_t first = strtoull(list, &end, 0);
		uint64_t last = *end == '-' ? strtoull(end + 1, &end, 0) : first;

		count += last - first + 1;
		if (count > MOST)
			return args_refuse("msr: more than %d registers", MOST);
		for (uint64_t reg = first; reg <= last; reg++)
			for (uint32_t from = 0; hws_msr_next_cpu(msr, from, &cpu) == 0;
			     from = cpu + 1)
				if (take_msr_of(taking, msr, cpu, (uint32_t)reg) < 0)
					return call_fail("snapshot", -ENOMEM);
		list = *end == ',' ? end + 1 : end;
	}
	return RESULT_OK;
}

static enum result take_msr(struct taking *taking, const char *list)
{
	struct hws_msr *msr;
	enum result result;
	int r = hws_msr_open_set(taking->hw, taking->cpus, list, HWS_R, &msr);

	if (r == -EINVAL)
		return args_refuse("msr='%s': %s", list, hws_why());
	if (r < 0) {
		failed(taking, list, r);
		return RESULT_OK;
	}
	result = take_list(taking, msr, list);
	hws_msr_close(msr);
	return result;
}

enum result take_what(struct taking *taking, const char *what)
{
	static const struct {
		const char *prefix;
		enum result (*take)(struct taking *taking, const char *which);
	} takers[] = { { "pci=", take_pci }, { "bar=", take_bar }, { "msr=", take_msr } };

	for (size_t i = 0; i < COUNT(takers); i++)
		if (!strncmp(what, takers[i].prefix, 4))
			return takers[i].take(taking, what + 4);
	return args_refuse("'%s': expected pci=BDF, pci=all, bar=BDF:N or msr=LIST", what);
}
