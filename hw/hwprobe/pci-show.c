/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * hwprobe pci show, pci dump: all of one function.
 *
 * The document of show: address vendor device class revision (hex), name
 * class_name, driver power (or null), numa_node iommu_group (or null),
 * bars[]: bar kind address size (hex); capabilities[]: id offset (hex)
 * extended, or null with error. Of dump: address, registers[]: name value (hex,
 * or null with error) fields[]: name value (hex) word (or null).
 */
#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "hw/hwprobe/document.h"
#include "hw/hwprobe/names.h"
#include "hw/hwprobe/pci-name.h"
#include "hw/hwprobe/sanitize.h"
#include "hw/hwprobe/verbs.h"

enum { CAPS = 528 }; /* as many as fit: 48, and 480 extended ones */

enum { SANITIZE = PCI_FILE + 1 };
static const struct args_option options[] = { ARGS_PCI_FILE, { 0 } };
static const struct args_option dump_options[] = {
	ARGS_PCI_FILE, [SANITIZE] = ARGS_SANITIZE, { 0 }
};

struct shown {
	char bdf[HWS_BDF_TEXT];
	struct hws_pci_info info;
	char name[NAME_TEXT];
	char class_name[NAME_TEXT];
	struct hws_pci_cap caps[CAPS];
	int cap_count; /* -errno: they can't be read */
};

static const char *bar_kind(const struct hws_pci_bar *bar)
{
	if (bar->flags & HWS_BAR_IO)
		return "ports";
	if (bar->flags & HWS_BAR_PREFETCH)
		return "memory, prefetchable";
	return "memory";
}

static int gather(struct hws *hw, const char *bdf, struct shown *shown)
{
	struct names *names;
	struct hws_pci *pci;
	char text[NAME_TEXT];
	int r;

	shown->info.size = sizeof(shown->info);
	r = hws_pci_get_info(hw, bdf, &shown->info);
	if (r < 0)
		return r;
	names = names_open(NAMING_BOTH, NULL);
	if (!names)
		return -ENOMEM;
	strcpy(shown->name, name_of(names, NAME_BOTH, &shown->info, text));
	strcpy(shown->class_name, name_of(names, NAME_CLASS, &shown->info, text));
	names_close(names);
	/* without leave to read it, the rest is shown all the same */
	r = hws_pci_open(hw, bdf, 0, 0, HWS_R, &pci);
	shown->cap_count = r < 0 ? r : hws_pci_list_caps(pci, shown->caps, CAPS);
	if (r == 0)
		hws_pci_close(pci);
	return 0;
}

static void print_number(const struct page *page, const char *name, int32_t number)
{
	char text[16];

	snprintf(text, sizeof(text), "%d", number);
	if (number >= 0)
		page_row(page, name, TONE_PLAIN, "", text);
}

static void print_caps(const struct page *page, const struct shown *shown)
{
	char text[64];

	if (shown->cap_count < 0)
		page_row(page, "capabilities", TONE_BAD, "", "<access denied>");
	for (int i = 0; i < shown->cap_count; i++) {
		snprintf(text, sizeof(text), "0x%02x at 0x%03x%s", shown->caps[i].id,
			 shown->caps[i].offset, shown->caps[i].extended ? ", extended" : "");
		page_row(page, i ? "" : "capabilities", TONE_PLAIN, "", text);
	}
}

static void print_shown(const struct call *call, const struct shown *shown)
{
	const struct hws_pci_info *info = &shown->info;
	struct page page;
	char name[16];
	char text[128];

	page_init(&page, call->settings.color);
	page_heading(&page, shown->bdf);
	page_row(&page, "what it is", TONE_PLAIN, "", shown->name);
	page_row(&page, "class", TONE_PLAIN, "", shown->class_name);
	snprintf(text, sizeof(text), "0x%02x", info->revision);
	page_row(&page, "revision", TONE_PLAIN, "", text);
	page_row(&page, "driver", TONE_PLAIN, "", info->driver[0] ? info->driver : "none");
	if (info->power[0])
		page_row(&page, "power", TONE_PLAIN, "", info->power);
	print_number(&page, "NUMA node", info->numa_node);
	print_number(&page, "IOMMU group", info->iommu_group);
	for (int i = 0; i < HWS_PCI_BARS; i++) {
		const struct hws_pci_bar *bar = &info->bars[i];

		snprintf(name, sizeof(name), "BAR %d", i);
		snprintf(text, sizeof(text), "0x%" PRIx64 " bytes at 0x%" PRIx64 ", %s", bar->size,
			 bar->base, bar_kind(bar));
		if (bar->size)
			page_row(&page, name, TONE_PLAIN, "", text);
	}
	print_caps(&page, shown);
}

static struct json_object *bars_of(const struct hws_pci_info *info)
{
	struct json_object *array = json_object_new_array();

	for (int i = 0; i < HWS_PCI_BARS; i++) {
		struct json_object *o;

		if (!info->bars[i].size)
			continue;
		o = json_object_new_object();
		put_number(o, "bar", (uint64_t)i);
		put_text(o, "kind", bar_kind(&info->bars[i]));
		put_hex(o, "address", 1, info->bars[i].base);
		put_hex(o, "size", 1, info->bars[i].size);
		json_object_array_add(array, o);
	}
	return array;
}

static struct json_object *caps_of(const struct shown *shown)
{
	struct json_object *array = shown->cap_count < 0 ? NULL : json_object_new_array();

	for (int i = 0; i < shown->cap_count; i++) {
		struct json_object *o = json_object_new_object();

		put_hex(o, "id", 2, shown->caps[i].id);
		put_hex(o, "offset", 2, shown->caps[i].offset);
		put(o, "extended", json_object_new_boolean(shown->caps[i].extended));
		json_object_array_add(array, o);
	}
	return array;
}

static int print_document(const struct call *call, const struct shown *shown)
{
	const struct hws_pci_info *info = &shown->info;
	struct json_object *o = document(&call->settings);

	put_text(o, "address", shown->bdf);
	put_hex(o, "vendor", 4, info->vendor);
	put_hex(o, "device", 4, info->device);
	put_hex(o, "class", 6, info->class_code);
	put_hex(o, "revision", 2, info->revision);
	put_text(o, "name", shown->name);
	put_text(o, "class_name", shown->class_name);
	put_text(o, "driver", info->driver[0] ? info->driver : NULL);
	put_text(o, "power", info->power[0] ? info->power : NULL);
	put(o, "numa_node", info->numa_node < 0 ? NULL : json_object_new_int(info->numa_node));
	put(o, "iommu_group",
	    info->iommu_group < 0 ? NULL : json_object_new_int(info->iommu_group));
	put(o, "bars", bars_of(info));
	put(o, "capabilities", caps_of(shown));
	put_error(o, shown->cap_count);
	return document_print(o);
}

static enum result pci_show(const struct call *call)
{
	const char *word = call->words[0];
	struct shown shown = { 0 };
	struct hws_bdf bdf;
	struct hws *hw = NULL;
	enum result result;
	int r;

	if (hws_bdf_parse(word, &bdf) < 0)
		return args_refuse("'%s' is no PCI function: expected BDF, as in 00:03.0", word);
	result = pci_open_machine(call, call->given[PCI_FILE].value, bdf, &hw);
	if (result != RESULT_OK)
		return result;
	hws_bdf_format(bdf, shown.bdf);
	r = gather(hw, shown.bdf, &shown);
	if (r < 0)
		result = call_fail(shown.bdf, r);
	else if (call->settings.json)
		result = print_document(call, &shown) < 0 ? RESULT_FAILURE : RESULT_OK;
	else
		print_shown(call, &shown);
	hws_close(hw);
	return result;
}

struct printer {
	const struct space *space;
	bool sanitize;
	struct json_object *array; /* NULL: text */
	struct hws_pci_cap caps[CAPS];
	int cap_count;
};

/*
 * Does the register lie in its capability? Those of one id aren't all as long:
 * what is behind the beginning of the next one is no part of it.
 */
static bool is_inside(const struct printer *printer, const struct hws_register *reg)
{
	const struct hws_pci_cap *own = NULL;
	uint64_t end;

	if (reg->space != HWS_SPACE_CAPABILITY && reg->space != HWS_SPACE_EXTENDED)
		return true;
	for (int i = 0; i < printer->cap_count && !own; i++)
		if (printer->caps[i].id == reg->which &&
		    printer->caps[i].extended == (reg->space == HWS_SPACE_EXTENDED))
			own = &printer->caps[i];
	if (!own)
		return true;
	end = own->offset + reg->offset + reg->width;
	for (int i = 0; i < printer->cap_count; i++)
		if (printer->caps[i].offset > own->offset && printer->caps[i].offset < end)
			return false;
	return true;
}

/* In text under its register; in the document in its array. */
static void dump_fields(const struct printer *dump, const struct hws_register_state *state,
			struct json_object *array)
{
	struct hws_field field;

	for (uint32_t i = 0; i < state->reg.fields; i++) {
		struct json_object *o;
		const char *word;
		uint64_t value;

		if (hws_registers_field_at(dump->space->registers, state->index, i, &field) < 0)
			return;
		value = state->value >> field.low & UINT64_MAX >> (63 - (field.high - field.low));
		word = hws_registers_word(dump->space->registers, state->index, i, value);
		if (!array) {
			printf("  %s 0x%" PRIx64 "%s%s\n", field.name, value, word ? " " : "",
			       word ? word : "");
			continue;
		}
		o = json_object_new_object();
		put_text(o, "name", field.name);
		put_hex(o, "value", 1, value);
		put_text(o, "word", word);
		json_object_array_add(array, o);
	}
}

static int dump_one(const struct hws_register_state *given, void *context)
{
	const struct printer *dump = context;
	struct hws_register_state shown = *given;
	const struct hws_register_state *state = &shown;
	struct json_object *fields;
	struct json_object *o;
	unsigned int digits = 2 * state->reg.width;

	if (state->code == -ENOENT || !is_inside(dump, &state->reg))
		return 0;
	if (dump->sanitize && sanitize_register(&state->reg))
		shown.value = 0;
	if (!dump->array) {
		if (state->code < 0) {
			printf("%s <access denied>\n", state->reg.name);
			return 0;
		}
		printf("%s 0x%0*" PRIx64 "\n", state->reg.name, (int)digits, state->value);
		dump_fields(dump, state, NULL);
		return 0;
	}
	o = json_object_new_object();
	fields = json_object_new_array();
	put_text(o, "name", state->reg.name);
	put(o, "value", NULL);
	if (state->code == 0) {
		put_hex(o, "value", digits, state->value);
		dump_fields(dump, state, fields);
	}
	put_error(o, state->code);
	put(o, "fields", fields);
	json_object_array_add(dump->array, o);
	return 0;
}

static enum result pci_dump(const struct call *call)
{
	struct space space = { 0 };
	struct printer dump = { .space = &space, .sanitize = call->given[SANITIZE].count };
	struct hws *hw = NULL;
	struct json_object *o;
	enum result result = pci_space_open(call, call->given[PCI_FILE].value, HWS_R, &hw, &space);

	if (result == RESULT_OK) {
		dump.array = call->settings.json ? json_object_new_array() : NULL;
		dump.cap_count = hws_pci_list_caps(space.pci, dump.caps, CAPS);
		hws_bank_dump(space.bank, dump_one, &dump);
	}
	if (dump.array) {
		o = document(&call->settings);
		put_text(o, "address", call->words[0]);
		put(o, "registers", dump.array);
		result = document_print(o) < 0 ? RESULT_FAILURE : RESULT_OK;
	}
	pci_space_close(hw, &space);
	return result;
}

const struct verb verb_pci_show = {
	.area = "pci",
	.name = "show",
	.words = "BDF",
	.help = "what is known of one function",
	.options = options,
	.least = 1,
	.most = 1,
	.run = pci_show,
};

const struct verb verb_pci_dump = {
	.area = "pci",
	.name = "dump",
	.words = "BDF",
	.help = "its registers and their fields, decoded",
	.options = dump_options,
	.least = 1,
	.most = 1,
	.run = pci_dump,
};
