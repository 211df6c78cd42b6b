/* SPDX-License-Identifier: GPL-2.0-or-later */
/* lspci's lists, in its own formats. */
#include <errno.h>
#include <string.h>

#include "hw/hwprobe/args.h"
#include "hw/hwprobe/modules.h"
#include "hw/hwprobe/pci-list.h"

enum { HEADER = 64, CARDBUS_HEADER = 128, SPACE = 256, BUSES = 256 };

const char *list_denied(int code)
{
	return code == -EPERM || code == -EACCES ? "<access denied>" : "<unreadable>";
}

bool list_has_subsystem(const struct hws_pci_info *info)
{
	return info->subsystem_vendor && info->subsystem_vendor != 0xffff;
}

static bool has_domain(const struct list *list, const struct entry *entry)
{
	return list->look->domains ||
	       (list->look->machine ? entry->bdf.domain != 0 : list->domains);
}

static void print_slot(const struct list *list, const struct entry *entry)
{
	char text[HWS_BDF_TEXT];

	hws_bdf_format(entry->bdf, text);
	fputs(has_domain(list, entry) ? text : strchr(text, ':') + 1, stdout);
}

/* What bridges say may be nonsense, and lead in circles: no more of them than buses. */
static void print_path(const struct list *list, const struct entry *entry, int bridges)
{
	char text[HWS_BDF_TEXT];

	if (!list->look->paths || !entry->above || bridges == 0) {
		print_slot(list, entry);
		return;
	}
	print_path(list, entry->above, bridges - 1);
	hws_bdf_format(entry->bdf, text);
	putchar('/');
	fputs(list->look->buses ? strrchr(text, ':') - 2 : strrchr(text, ':') + 1, stdout);
}

static void facts_for(const struct list *list, const struct entry *entry, struct facts *ret_facts)
{
	memset(ret_facts, 0, sizeof(*ret_facts));
	if (list->kernel)
		facts_of(list->names, entry->bdf, ret_facts);
}

static void print_modules(const struct list *list, const struct facts *facts, const char *first,
			  const char *next)
{
	const char *at = list->modules ? list->modules : "";
	const char *before = first;
	char name[MODULE_NAME] = "";

	while (modules_next(facts->alias, &at, name)) {
		printf("%s%s", before, name);
		before = next;
	}
	if (before == next)
		putchar('\n');
}

static void print_kernel(const struct list *list, const struct entry *entry,
			 const struct facts *facts)
{
	if (entry->info.driver[0])
		printf("\tKernel driver in use: %s\n", entry->info.driver);
	print_modules(list, facts, "\tKernel modules: ", ", ");
}

static void print_interface(const struct list *list, const struct hws_pci_info *info)
{
	char text[NAME_TEXT];
	const char *name = name_of(list->names, NAME_INTERFACE, info, text);

	if (!name && !(info->class_code & 0xff))
		return;
	printf(" (prog-if %02x", info->class_code & 0xff);
	if (name)
		printf(" [%s]", name);
	putchar(')');
}

static void print_plain(const struct list *list, const struct entry *entry)
{
	const struct look *look = list->look;
	const struct hws_pci_info *info = &entry->info;
	struct facts facts;
	char class_name[NAME_TEXT];
	char name[NAME_TEXT];

	printf(" %s: %s", name_of(list->names, NAME_CLASS, info, class_name),
	       name_of(list->names, NAME_BOTH, info, name));
	if (info->revision)
		printf(" (rev %02x)", info->revision);
	if (look->verbose)
		print_interface(list, info);
	putchar('\n');
	if (!look->kernel && !look->verbose)
		return;
	facts_for(list, entry, &facts);
	if (facts.label[0])
		printf("\tDeviceName: %s\n", facts.label);
	if (list_has_subsystem(info))
		printf("\tSubsystem: %s\n", name_of(list->names, NAME_SUBSYSTEM, info, name));
	if (look->verbose)
		list_print_details(list, entry, &facts);
	print_kernel(list, entry, &facts);
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
	if (list_has_subsystem(info)) {
		print_quoted(list, NAME_SUBVENDOR, info);
		print_quoted(list, NAME_SUBDEVICE, info);
	} else {
		fputs(" \"\" \"\"", stdout);
	}
	putchar('\n');
}

static const struct {
	const char *key;
	enum name_of what;
	bool subsystem;
} fields[] = {
	{ "Class", NAME_CLASS, false },	     { "Vendor", NAME_VENDOR, false },
	{ "Device", NAME_DEVICE, false },    { "SVendor", NAME_SUBVENDOR, true },
	{ "SDevice", NAME_SUBDEVICE, true },
};

static void print_fields(const struct list *list, const struct entry *entry)
{
	const struct hws_pci_info *info = &entry->info;
	struct facts facts;
	char text[NAME_TEXT];

	facts_for(list, entry, &facts);
	for (size_t i = 0; i < COUNT(fields); i++)
		if (!fields[i].subsystem || list_has_subsystem(info))
			printf("%s:\t%s\n", fields[i].key,
			       name_of(list->names, fields[i].what, info, text));
	if (facts.slot[0])
		printf("PhySlot:\t%s\n", facts.slot);
	if (info->revision)
		printf("Rev:\t%02x\n", info->revision);
	printf("ProgIf:\t%02x\n", info->class_code & 0xff);
	if (list->look->kernel && info->driver[0])
		printf("Driver:\t%s\n", info->driver);
	if (list->look->kernel)
		print_modules(list, &facts, "Module:\t", "\nModule:\t");
	if (info->numa_node >= 0)
		printf("NUMANode:\t%d\n", info->numa_node);
	if (info->iommu_group >= 0)
		printf("IOMMUGroup:\t%d\n", info->iommu_group);
}

/* A header of type 2 is longer (PC Card 8.0 §4.5.2). */
static bool is_cardbus(const uint8_t *bytes, int n)
{
	return n > 0x0e && (bytes[0x0e] & 0x7f) == 2;
}

/* As lspci does it: parts are there whole or not at all. */
static int whole_parts(const uint8_t *bytes, int n)
{
	if (n < HEADER)
		return n < 0 ? n : 0;
	if (n < SPACE)
		return n >= CARDBUS_HEADER && is_cardbus(bytes, n) ? CARDBUS_HEADER : HEADER;
	return n < CONFIG_SIZE ? SPACE : CONFIG_SIZE;
}

static void print_hex(const struct list *list, const struct entry *entry)
{
	static const uint32_t sizes[] = { 0, HEADER, HEADER, SPACE, CONFIG_SIZE };
	uint32_t size = sizes[list->look->hex < COUNT(sizes) ? list->look->hex : COUNT(sizes) - 1];
	uint8_t bytes[CONFIG_SIZE];
	int n = list_config(list, entry, size, bytes);

	if (size == HEADER && is_cardbus(bytes, n))
		n = list_config(list, entry, CARDBUS_HEADER, bytes);
	n = whole_parts(bytes, n);
	if (n < 0)
		printf("\tConfiguration: %s\n", list_denied(n));
	if (n == 0)
		puts("WARNING: Cannot show hex-dump of the config space");
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
	const struct look *look = list->look;
	bool by_fields = look->machine && look->verbose;

	if (by_fields)
		fputs(look->machine > 1 ? "Slot:\t" : "Device:\t", stdout);
	print_path(list, entry, BUSES);
	if (by_fields)
		putchar('\n');
	if (entry->code < 0)
		printf("%s%s\n", by_fields ? "Device:\t" : " ", list_denied(entry->code));
	else
		(by_fields	 ? print_fields
		 : look->machine ? print_machine
				 : print_plain)(list, entry);
	if (look->hex)
		print_hex(list, entry);
	if (look->verbose || look->hex)
		putchar('\n');
}

void list_print(const struct list *list)
{
	for (size_t i = 0; i < list->count; i++)
		if (list->at[i].chosen)
			print_entry(list, &list->at[i]);
}
