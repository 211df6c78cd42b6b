/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * hwprobe pci ls: PCI functions, in lspci's own formats.
 *
 * The document: functions[]: address; error (or null), and without one vendor
 * device class revision (hex), their names (null with -n), subsystem_vendor
 * subsystem_device (hex), driver power (or null), numa_node iommu_group (or
 * null), enabled; with -x config, the bytes, or null.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "hw/hwprobe/document.h"
#include "hw/hwprobe/names.h"
#include "hw/hwprobe/select.h"
#include "hw/hwprobe/verbs.h"

enum { SLOT, ID, NUMERIC, KERNEL, MACHINE, VERBOSE, DOMAINS, HEX, EMPTY };

static const struct args_option options[] = {
	[SLOT] = { "slot", 's', "SLOT", "only these: [[DOMAIN:]BUS:][DEVICE][.FUNCTION]" },
	[ID] = { "id", 'd', "ID", "only these: [VENDOR]:[DEVICE][:CLASS[:INTERFACE]]" },
	[NUMERIC] = { "numeric", 'n', NULL, "numbers, no names; twice: both" },
	[KERNEL] = { "kernel", 'k', NULL, "subsystems and kernel drivers too" },
	[MACHINE] = { "machine", 'm', NULL, "lspci's lines for programs" },
	[VERBOSE] = { "verbose", 'v', NULL, "with -mm: a line for each field" },
	[DOMAINS] = { "domains", 'D', NULL, "always write the domain" },
	[HEX] = { "hex", 'x', NULL, "configuration space: 64 bytes; -xxx 256; -xxxx 4096" },
	[EMPTY] = { "allow-empty", 0, NULL, "no match is no failure" },
	{ 0 },
};

/* One line of the list. */
struct entry {
	struct hws_bdf bdf;
	struct hws_pci_info info;
	int code; /* what asking for it gave */
};

struct list {
	const struct call *call;
	struct hws *hw;
	struct names *names;
	struct entry *at;
	size_t count;
	bool domains; /* one isn't 0 */
};

static bool given(const struct list *list, int option)
{
	return list->call->given[option].count > 0;
}

static int append(struct list *list, const struct entry *entry)
{
	/* room doubles at each power of two */
	if ((list->count & (list->count - 1)) == 0) {
		size_t room = list->count ? 2 * list->count : 1;
		struct entry *at = realloc(list->at, room * sizeof(*at));

		if (!at)
			return -ENOMEM;
		list->at = at;
	}
	list->at[list->count++] = *entry;
	return 0;
}

static int gather(struct list *list, const struct selection *selection)
{
	struct entry entry = { .info = { .size = sizeof(entry.info) } };
	char text[HWS_BDF_TEXT];
	int r;

	for (r = hws_pci_next(list->hw, NULL, &entry.bdf); r == 0;
	     r = hws_pci_next(list->hw, &entry.bdf, &entry.bdf)) {
		list->domains |= entry.bdf.domain != 0;
		if (!select_slot(selection, &entry.bdf))
			continue;
		entry.code =
			hws_pci_get_info(list->hw, hws_bdf_format(entry.bdf, text), &entry.info);
		/* what can't be read is listed all the same, unless it was asked for by number */
		if (entry.code == 0 ? !select_id(selection, &entry.info) : given(list, ID))
			continue;
		r = append(list, &entry);
		if (r < 0)
			return r;
	}
	return r == -ENOENT ? 0 : r;
}

static const char *denied(int code)
{
	return code == -EPERM || code == -EACCES ? "<access denied>" : "<unreadable>";
}

static const char *slot_of(const struct list *list, const struct entry *entry,
			   char text[HWS_BDF_TEXT])
{
	bool domain = given(list, DOMAINS) ||
		      (given(list, MACHINE) ? entry->bdf.domain != 0 : list->domains);

	hws_bdf_format(entry->bdf, text);
	return domain ? text : strchr(text, ':') + 1;
}

static bool has_subsystem(const struct hws_pci_info *info)
{
	return info->subsystem_vendor && info->subsystem_vendor != 0xffff;
}

static void print_plain(const struct list *list, const struct entry *entry)
{
	const struct hws_pci_info *info = &entry->info;
	char class_name[NAME_TEXT];
	char name[NAME_TEXT];

	printf(" %s: %s", name_of(list->names, NAME_CLASS, info, class_name),
	       name_of(list->names, NAME_BOTH, info, name));
	if (info->revision)
		printf(" (rev %02x)", info->revision);
	putchar('\n');
	if (!given(list, KERNEL))
		return;
	if (has_subsystem(info))
		printf("\tSubsystem: %s\n", name_of(list->names, NAME_SUBSYSTEM, info, name));
	if (info->driver[0])
		printf("\tKernel driver in use: %s\n", info->driver);
}

static void print_quoted(const struct list *list, enum name_of what,
			 const struct hws_pci_info *info)
{
	char text[NAME_TEXT];

	fputs(" \"", stdout);
	for (const char *at = name_of(list->names, what, info, text); *at; at++) {
		if (*at == '"' || *at == '\\')
			putchar('\\');
		putchar(*at);
	}
	putchar('"');
}

static void print_machine(const struct list *list, const struct entry *entry)
{
	const struct hws_pci_info *info = &entry->info;

	print_quoted(list, NAME_CLASS, info);
	print_quoted(list, NAME_VENDOR, info);
	print_quoted(list, NAME_DEVICE, info);
	if (info->revision)
		printf(" -r%02x", info->revision);
	printf(" -p%02x", info->class_code & 0xff);
	if (has_subsystem(info)) {
		print_quoted(list, NAME_SUBVENDOR, info);
		print_quoted(list, NAME_SUBDEVICE, info);
	} else {
		fputs(" \"\" \"\"", stdout);
	}
	putchar('\n');
}

static void print_fields(const struct list *list, const struct entry *entry)
{
	static const struct {
		const char *key;
		enum name_of what;
		bool subsystem;
	} fields[] = {
		{ "Class", NAME_CLASS, false },	     { "Vendor", NAME_VENDOR, false },
		{ "Device", NAME_DEVICE, false },    { "SVendor", NAME_SUBVENDOR, true },
		{ "SDevice", NAME_SUBDEVICE, true },
	};
	const struct hws_pci_info *info = &entry->info;
	char text[NAME_TEXT];

	for (size_t i = 0; i < COUNT(fields); i++)
		if (!fields[i].subsystem || has_subsystem(info))
			printf("%s:\t%s\n", fields[i].key,
			       name_of(list->names, fields[i].what, info, text));
	if (info->revision)
		printf("Rev:\t%02x\n", info->revision);
	printf("ProgIf:\t%02x\n", info->class_code & 0xff);
	if (given(list, KERNEL) && info->driver[0])
		printf("Driver:\t%s\n", info->driver);
	if (info->numa_node >= 0)
		printf("NUMANode:\t%d\n", info->numa_node);
	if (info->iommu_group >= 0)
		printf("IOMMUGroup:\t%d\n", info->iommu_group);
}

static uint32_t hex_size(const struct list *list)
{
	unsigned int count = list->call->given[HEX].count;

	return count == 0 ? 0 : count < 3 ? 64 : count == 3 ? 256 : 4096;
}

/* How many bytes of configuration space were read, or why none. */
static int read_config(const struct list *list, const struct entry *entry, uint8_t bytes[4096])
{
	uint32_t size = hex_size(list);
	struct hws_pci *pci;
	char text[HWS_BDF_TEXT];
	uint32_t n = 0;
	int r = hws_pci_open(list->hw, hws_bdf_format(entry->bdf, text), 0, size, HWS_R, &pci);

	if (r < 0)
		return r;
	for (; n < size && r == 0; n += r == 0 ? 4 : 0) {
		uint32_t value;

		r = hws_pci_read32(pci, n, &value);
		for (unsigned int i = 0; r == 0 && i < 4; i++)
			bytes[n + i] = (uint8_t)(value >> 8 * i);
	}
	hws_pci_close(pci);
	return n ? (int)n : r;
}

static void print_hex(const struct list *list, const struct entry *entry)
{
	uint8_t bytes[4096];
	int n = read_config(list, entry, bytes);

	if (n < 0)
		printf("\tConfiguration: %s\n", denied(n));
	for (int i = 0; i < n; i++)
		printf(i % 16 ? " %02x"
		       : i    ? "\n%02x: %02x"
			      : "%02x: %02x",
		       i % 16 ? bytes[i] : i, bytes[i]);
	if (n > 0)
		putchar('\n');
}

static void print_entry(const struct list *list, const struct entry *entry)
{
	bool fields = given(list, MACHINE) && given(list, VERBOSE);
	char text[HWS_BDF_TEXT];

	printf("%s%s%s", fields ? "Slot:\t" : "", slot_of(list, entry, text), fields ? "\n" : "");
	if (entry->code < 0)
		printf("%s%s\n", fields ? "Device:\t" : " ", denied(entry->code));
	else
		(fields			? print_fields
		 : given(list, MACHINE) ? print_machine
					: print_plain)(list, entry);
	if (given(list, HEX))
		print_hex(list, entry);
	if (fields || given(list, HEX))
		putchar('\n');
}

static struct json_object *config_of(const struct list *list, const struct entry *entry)
{
	static const char digits[] = "0123456789abcdef";
	uint8_t bytes[4096];
	char text[2 * sizeof(bytes)];
	int n = read_config(list, entry, bytes);

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

	put_text(o, key, given(list, NUMERIC) ? NULL : name_of(list->names, what, info, text));
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
	put(o, "enabled", json_object_new_boolean(info->enabled));
	if (given(list, HEX))
		put(o, "config", config_of(list, entry));
	return o;
}

static int print_document(const struct list *list)
{
	struct json_object *o = document(&list->call->settings);
	struct json_object *array = json_object_new_array();

	for (size_t i = 0; i < list->count; i++)
		json_object_array_add(array, object_of(list, &list->at[i]));
	put(o, "functions", array);
	return document_print(o);
}

static enum result print_list(const struct list *list)
{
	bool chosen = given(list, SLOT) || given(list, ID);
	int r = 0;

	if (list->call->settings.json)
		r = print_document(list);
	else
		for (size_t i = 0; i < list->count; i++)
			print_entry(list, &list->at[i]);
	if (r < 0)
		return call_fail("pci ls", r);
	if (chosen && !list->count && !given(list, EMPTY)) {
		fprintf(stderr, "hwprobe: no PCI function is selected\n");
		return RESULT_NOT_FOUND;
	}
	return RESULT_OK;
}

static enum result pci_ls(const struct call *call)
{
	unsigned int numeric = call->given[NUMERIC].count;
	struct list list = { .call = call };
	struct selection selection;
	enum result result;
	int r;

	if (!select_parse(call->given[SLOT].value, call->given[ID].value, &selection))
		return RESULT_USAGE;
	if (given(&list, VERBOSE) && !given(&list, MACHINE))
		return args_refuse("-v goes with -mm; hwprobe pci show tells all of a function");
	result = call_open(call, &list.hw);
	if (result != RESULT_OK)
		return result;
	list.names = names_open(numeric > 1 ? NAMING_BOTH
				: numeric   ? NAMING_NUMBERS
					    : NAMING_NAMES);
	r = list.names ? gather(&list, &selection) : -ENOMEM;
	result = r < 0 ? call_fail("pci ls", r) : print_list(&list);
	names_close(list.names);
	free(list.at);
	hws_close(list.hw);
	return result;
}

const struct verb verb_pci_ls = {
	.area = "pci",
	.name = "ls",
	.words = "",
	.help = "PCI functions, as lspci lists them",
	.options = options,
	.run = pci_ls,
};
