/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * hwprobe pci ls, pci tree: PCI functions, in lspci's own formats.
 *
 * The document of both: functions[]: address; error (or null), and without one
 * vendor device class revision (hex), their names (null with -n),
 * subsystem_vendor subsystem_device (hex), driver power (or null), numa_node
 * iommu_group (or null), enabled (null of a dump); with -x config, the bytes,
 * or null. Of tree: bridge, the address of the one that it is behind, or null.
 */
#include <errno.h>
#include <string.h>

#include "hw/hwprobe/document.h"
#include "hw/hwprobe/pci-list.h"
#include "hw/hwprobe/sanitize.h"
#include "hw/hwprobe/verbs.h"

enum { SLOT, ID, NUMERIC, VERBOSE, FILE_NAME, KERNEL, MACHINE, DOMAINS, PATHS, HEX, EMPTY, CLEAN };

#define SELECTORS                                                                           \
	[SLOT] = { "slot", 's', "SLOT", "only these: [[DOMAIN:]BUS:][DEVICE][.FUNCTION]" }, \
	[ID] = { "id", 'd', "ID", "only these: [VENDOR]:[DEVICE][:CLASS[:INTERFACE]]" },    \
	[NUMERIC] = { "numeric", 'n', NULL, "numbers, no names; twice: both" }

static const struct args_option ls_options[] = {
	SELECTORS,
	[VERBOSE] = { "verbose", 'v', NULL, "details; with -mm: a line for each field" },
	[FILE_NAME] = { "file", 'F', "FILE", "what lspci -x printed, not a machine" },
	[KERNEL] = { "kernel", 'k', NULL, "subsystems, kernel drivers and modules too" },
	[MACHINE] = { "machine", 'm', NULL, "lspci's lines for programs" },
	[DOMAINS] = { "domains", 'D', NULL, "always write the domain" },
	[PATHS] = { "path", 'P', NULL, "through bridges; twice: with buses" },
	[HEX] = { "hex", 'x', NULL, "configuration space: 64 bytes; -xxx 256; -xxxx 4096" },
	[EMPTY] = { "allow-empty", 0, NULL, "no match is no failure" },
	[CLEAN] = ARGS_SANITIZE,
	{ 0 },
};

static const struct args_option tree_options[] = {
	SELECTORS,
	[VERBOSE] = { "verbose", 'v', NULL, "with their names" },
	[FILE_NAME] = { "file", 'F', "FILE", "what lspci -x printed, not a machine" },
	{ 0 },
};

static uint32_t hex_size(const struct list *list)
{
	unsigned int count = list->look->hex;

	return count < 3 ? 64 : count == 3 ? 256 : CONFIG_SIZE;
}

static struct json_object *config_of(const struct list *list, const struct entry *entry)
{
	static const char digits[] = "0123456789abcdef";
	uint8_t bytes[CONFIG_SIZE];
	char text[2 * sizeof(bytes)];
	int n = list_config(list, entry, hex_size(list), bytes);

	for (int i = 0; i < n; i++) {
		text[2 * i] = digits[bytes[i] >> 4];
		text[2 * i + 1] = digits[bytes[i] & 0xf];
	}
	return n < 0 ? NULL : json_object_new_string_len(text, 2 * n);
}

static void put_name(struct json_object *o, const char *key, const struct list *list,
		     enum name_of what, const struct hws_pci_info *info)
{
	char text[NAME_TEXT];

	put_text(o, key,
		 list->look->naming == NAMING_NUMBERS ? NULL
						      : name_of(list->names, what, info, text));
}

static struct json_object *number_or_null(int32_t number)
{
	return number < 0 ? NULL : json_object_new_int(number);
}

static struct json_object *object_of(const struct list *list, const struct entry *entry)
{
	struct json_object *o = json_object_new_object();
	const struct hws_pci_info *info = &entry->info;
	char text[HWS_BDF_TEXT];

	put_text(o, "address", hws_bdf_format(entry->bdf, text));
	put_error(o, entry->code);
	if (entry->code < 0)
		return o;
	put_hex(o, "vendor", 4, info->vendor);
	put_hex(o, "device", 4, info->device);
	put_hex(o, "class", 6, info->class_code);
	put_hex(o, "revision", 2, info->revision);
	put_name(o, "vendor_name", list, NAME_VENDOR, info);
	put_name(o, "device_name", list, NAME_DEVICE, info);
	put_name(o, "class_name", list, NAME_CLASS, info);
	put_hex(o, "subsystem_vendor", 4, info->subsystem_vendor);
	put_hex(o, "subsystem_device", 4, info->subsystem_device);
	put_text(o, "driver", info->driver[0] ? info->driver : NULL);
	put_text(o, "power", info->power[0] ? info->power : NULL);
	put(o, "numa_node", number_or_null(info->numa_node));
	put(o, "iommu_group", number_or_null(info->iommu_group));
	put(o, "enabled", entry->dumped ? NULL : json_object_new_boolean(info->enabled));
	if (list->look->tree)
		put_text(o, "bridge",
			 entry->above ? hws_bdf_format(entry->above->bdf, text) : NULL);
	if (list->look->hex)
		put(o, "config", config_of(list, entry));
	return o;
}

static int print_document(const struct list *list, const struct settings *settings)
{
	struct json_object *o = document(settings);
	struct json_object *array = json_object_new_array();

	for (size_t i = 0; i < list->count; i++)
		if (list->at[i].chosen)
			json_object_array_add(array, object_of(list, &list->at[i]));
	put(o, "functions", array);
	return document_print(o);
}

static enum result print_list(const struct call *call, struct list *list)
{
	/* a file may be no dump at all: lspci says nothing of that, either */
	bool chosen = list->look->slot || list->look->id || list->look->file;

	if (call->settings.json) {
		struct tree *tree = NULL;
		int r = list->look->tree ? tree_grow(list, &tree) : 0;

		if (r == 0)
			r = print_document(list, &call->settings);
		tree_free(tree);
		if (r < 0)
			return call_fail("pci", r);
	} else if (!chosen || list->chosen) {
		enum result result = list_show(list);

		if (result != RESULT_OK)
			return result;
	}
	if (chosen && !list->chosen && !call->given[EMPTY].count) {
		say("no PCI function is selected");
		return RESULT_NOT_FOUND;
	}
	return RESULT_OK;
}

static enum result show(const struct call *call, bool tree)
{
	const struct args_given *given = call->given;
	unsigned int numeric = given[NUMERIC].count;
	const struct look look = {
		.slot = given[SLOT].value,
		.id = given[ID].value,
		.file = given[FILE_NAME].value,
		.naming = numeric > 1 ? NAMING_BOTH
			  : numeric   ? NAMING_NUMBERS
				      : NAMING_NAMES,
		.kernel = given[KERNEL].count,
		.tree = tree,
		.paths = given[PATHS].count,
		.buses = given[PATHS].count > 1,
		.domains = given[DOMAINS].count,
		.machine = given[MACHINE].count,
		.verbose = given[VERBOSE].count,
		.hex = given[HEX].count,
		.sanitize = given[CLEAN].count,
	};
	struct list list;
	enum result result = list_open(&call->settings, &look, &list);

	if (result == RESULT_OK)
		result = print_list(call, &list);
	list_close(&list);
	return result;
}

static enum result pci_ls(const struct call *call)
{
	return show(call, false);
}

static enum result pci_tree(const struct call *call)
{
	return show(call, true);
}

const struct verb verb_pci_ls = {
	.area = "pci",
	.name = "ls",
	.words = "",
	.help = "PCI functions, as lspci lists them",
	.options = ls_options,
	.run = pci_ls,
};

const struct verb verb_pci_tree = {
	.area = "pci",
	.name = "tree",
	.words = "",
	.help = "PCI functions behind their bridges, as lspci -t",
	.options = tree_options,
	.run = pci_tree,
};
