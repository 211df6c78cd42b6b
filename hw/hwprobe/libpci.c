/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The only file that calls libpci, which leaves by longjmp when it fails: no
 * frame between pci_run() and libpci owns anything, and what is to survive the
 * jump lives in the caller's struct.
 */
#include <errno.h>
#include <pci/pci.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "hw/hwprobe/dump.h"
#include "hw/hwprobe/names.h"

/* libpci's handlers have no context. */
static _Thread_local struct {
	jmp_buf out;
	char *why;
	size_t size;
} jump;

static void give_up(char *format, ...) __attribute__((noreturn, format(printf, 1, 2)));
static void give_up(char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(jump.why, jump.size, format, arguments);
	va_end(arguments);
	longjmp(jump.out, 1);
}

static void keep_quiet(char *format, ...) __attribute__((format(printf, 1, 2)));
static void keep_quiet(char *format, ...)
{
	(void)format;
}

static struct pci_access *tame(void)
{
	struct pci_access *pci = pci_alloc();

	pci->error = give_up;
	pci->warning = keep_quiet;
	pci->debug = keep_quiet;
	return pci;
}

/* NO_NUMBERS: the unknown gives NULL and an empty buffer; NO_HWDB: pci.ids knows what udev does. */
static void name_it(struct pci_access *pci, struct function *f)
{
	static const int how = PCI_LOOKUP_NO_NUMBERS | PCI_LOOKUP_NO_HWDB;

	(void)pci_lookup_name(pci, f->class_name, sizeof(f->class_name), PCI_LOOKUP_CLASS | how,
			      f->class_code);
	(void)pci_lookup_name(pci, f->name, sizeof(f->name),
			      PCI_LOOKUP_VENDOR | PCI_LOOKUP_DEVICE | how, f->vendor, f->device);
}

static void append(struct pci_access *pci, struct pci_dev *dev, struct functions *functions)
{
	struct function *at;

	pci_fill_info(dev, PCI_FILL_IDENT | PCI_FILL_CLASS);
	at = realloc(functions->at, (functions->count + 1) * sizeof(*at));
	if (!at)
		return;
	functions->at = at;
	at += functions->count++;
	*at = (struct function) {
		.bdf = { (uint32_t)dev->domain, dev->bus, dev->dev, dev->func },
		.vendor = dev->vendor_id,
		.device = dev->device_id,
		.class_code = dev->device_class,
	};
	name_it(pci, at);
}

static void pci_run(struct pci_access *pci, struct functions *functions)
{
	if (setjmp(jump.out))
		return;
	pci_init(pci);
	pci_scan_bus(pci);
	for (struct pci_dev *dev = pci->devices; dev; dev = dev->next)
		append(pci, dev, functions);
}

static int in_order(const void *left, const void *right)
{
	return address_order(&((const struct function *)left)->bdf,
			     &((const struct function *)right)->bdf);
}

static void look_below(struct pci_access *pci, const char *sysroot)
{
	char path[4096];

	snprintf(path, sizeof(path), "%s/sys/bus/pci", sysroot);
	pci->method = PCI_ACCESS_SYS_BUS_PCI;
	pci_set_param(pci, (char[]) { "sysfs.path" }, path);
}

void functions_read(const char *sysroot, struct functions *functions)
{
	struct pci_access *pci = tame();

	look_below(pci, sysroot ? sysroot : "");
	jump.why = functions->why;
	jump.size = sizeof(functions->why);
	pci_run(pci, functions);
	pci_cleanup(pci);
	if (functions->count)
		qsort(functions->at, functions->count, sizeof(*functions->at), in_order);
}

struct names {
	struct pci_access *pci;
	struct pci_access *kernel; /* for facts; opened when they are asked for */
	char *sysroot;
	char why[160];
};

struct names *names_open(enum naming naming, const char *sysroot)
{
	struct names *names = calloc(1, sizeof(*names));

	if (!names)
		return NULL;
	names->sysroot = strdup(sysroot ? sysroot : "");
	if (!names->sysroot) {
		free(names);
		return NULL;
	}
	names->pci = tame();
	names->pci->numeric_ids = (int)naming;
	return names;
}

void names_close(struct names *names)
{
	if (!names)
		return;
	pci_cleanup(names->pci);
	if (names->kernel)
		pci_cleanup(names->kernel);
	free(names->sysroot);
	free(names);
}

/* NO_HWDB: libpci leaks where there is none, and pci.ids knows what it does. */
static const char *look_up(struct names *names, enum name_of what, const struct hws_pci_info *info,
			   char *text, size_t size)
{
	static const int flags[] = {
		[NAME_CLASS] = PCI_LOOKUP_CLASS,
		[NAME_VENDOR] = PCI_LOOKUP_VENDOR,
		[NAME_DEVICE] = PCI_LOOKUP_DEVICE,
		[NAME_BOTH] = PCI_LOOKUP_VENDOR | PCI_LOOKUP_DEVICE,
		[NAME_SUBVENDOR] = PCI_LOOKUP_SUBSYSTEM | PCI_LOOKUP_VENDOR,
		[NAME_SUBDEVICE] = PCI_LOOKUP_SUBSYSTEM | PCI_LOOKUP_DEVICE,
		[NAME_SUBSYSTEM] = PCI_LOOKUP_SUBSYSTEM | PCI_LOOKUP_VENDOR | PCI_LOOKUP_DEVICE,
		[NAME_INTERFACE] = PCI_LOOKUP_PROGIF | PCI_LOOKUP_NO_NUMBERS,
	};
	int class_code = (int)(info->class_code >> 8);
	int how = flags[what] | PCI_LOOKUP_NO_HWDB;

	switch (what) {
	case NAME_CLASS:
		return pci_lookup_name(names->pci, text, (int)size, how, class_code);
	case NAME_VENDOR:
		return pci_lookup_name(names->pci, text, (int)size, how, info->vendor);
	case NAME_SUBVENDOR:
		return pci_lookup_name(names->pci, text, (int)size, how, info->subsystem_vendor);
	case NAME_DEVICE:
	case NAME_BOTH:
		return pci_lookup_name(names->pci, text, (int)size, how, info->vendor,
				       info->device);
	case NAME_INTERFACE:
		return pci_lookup_name(names->pci, text, (int)size, how, class_code,
				       info->class_code & 0xff);
	case NAME_SUBDEVICE:
	case NAME_SUBSYSTEM:
		break;
	}
	return pci_lookup_name(names->pci, text, (int)size, how, info->vendor, info->device,
			       info->subsystem_vendor, info->subsystem_device);
}

const char *name_of(struct names *names, enum name_of what, const struct hws_pci_info *info,
		    char text[NAME_TEXT])
{
	jump.why = names->why;
	jump.size = sizeof(names->why);
	if (setjmp(jump.out))
		return "?";
	return look_up(names, what, info, text, NAME_TEXT);
}

static void copy(char *text, size_t size, const char *from)
{
	snprintf(text, size, "%s", from ? from : "");
	text[strcspn(text, "\n")] = '\0';
}

/* What is listed has slots; what libpci gave up on has the rest all the same. */
static void look_at_kernel(struct names *names)
{
	names->kernel = tame();
	look_below(names->kernel, names->sysroot);
	if (setjmp(jump.out))
		return;
	pci_init(names->kernel);
	pci_scan_bus(names->kernel);
}

static bool is_at(const struct pci_dev *dev, const struct hws_bdf *bdf)
{
	return (uint32_t)dev->domain == bdf->domain && dev->bus == bdf->bus &&
	       dev->dev == bdf->device && dev->func == bdf->function;
}

static void ask_kernel(struct pci_access *pci, const struct hws_bdf *bdf, struct facts *facts)
{
	static const int all = PCI_FILL_LABEL | PCI_FILL_PHYS_SLOT | PCI_FILL_MODULE_ALIAS |
			       PCI_FILL_IRQ | PCI_FILL_ROM_BASE | PCI_FILL_SIZES;
	struct pci_dev *listed = pci->devices;
	struct pci_dev *dev;

	while (listed && !is_at(listed, bdf))
		listed = listed->next;
	dev = listed ? listed
		     : pci_get_dev(pci, (int)bdf->domain, bdf->bus, bdf->device, bdf->function);
	pci_fill_info(dev, all);
	copy(facts->label, sizeof(facts->label), dev->label);
	copy(facts->slot, sizeof(facts->slot), dev->phy_slot);
	copy(facts->alias, sizeof(facts->alias), dev->module_alias);
	facts->irq = (uint32_t)dev->irq;
	facts->rom.base = dev->rom_base_addr & PCI_ROM_ADDRESS_MASK;
	facts->rom.size = dev->rom_size;
	if (!listed)
		pci_free_dev(dev);
}

void facts_of(struct names *names, struct hws_bdf bdf, struct facts *ret_facts)
{
	memset(ret_facts, 0, sizeof(*ret_facts));
	jump.why = names->why;
	jump.size = sizeof(names->why);
	if (!names->kernel)
		look_at_kernel(names);
	if (!setjmp(jump.out))
		ask_kernel(names->kernel, &bdf, ret_facts);
}

/* What is dumped begins at 0 and has no holes: the greatest length that can be read. */
static uint32_t length_of(struct pci_dev *dev, uint8_t bytes[CONFIG_SIZE])
{
	uint32_t length = 0;

	for (uint32_t more = CONFIG_SIZE; more; more /= 2)
		if (length + more <= CONFIG_SIZE &&
		    pci_read_block(dev, 0, bytes, (int)(length + more)))
			length += more;
	(void)pci_read_block(dev, 0, bytes, (int)length);
	return length;
}

static void take_dumped(struct pci_dev *dev, struct dump_function *f)
{
	uint8_t bytes[CONFIG_SIZE];

	pci_fill_info(dev, PCI_FILL_IDENT | PCI_FILL_CLASS | PCI_FILL_CLASS_EXT | PCI_FILL_SUBSYS);
	*f = (struct dump_function) {
		.bdf = { (uint32_t)dev->domain, dev->bus, dev->dev, dev->func },
		.info = { .size = sizeof(f->info),
			  .vendor = dev->vendor_id,
			  .device = dev->device_id,
			  .subsystem_vendor = dev->subsys_vendor_id,
			  .subsystem_device = dev->subsys_id,
			  .class_code = (uint32_t)dev->device_class << 8 | dev->prog_if,
			  .revision = dev->rev_id,
			  .numa_node = -1,
			  .iommu_group = -1 },
		.size = length_of(dev, bytes),
	};
	f->bytes = malloc(f->size ? f->size : 1);
	if (f->bytes)
		memcpy(f->bytes, bytes, f->size);
	else
		f->size = 0;
}

static void take_all(struct pci_access *pci, struct dump *dump)
{
	size_t count = 0;

	pci_init(pci);
	pci_scan_bus(pci);
	for (struct pci_dev *dev = pci->devices; dev; dev = dev->next)
		count++;
	dump->at = calloc(count ? count : 1, sizeof(*dump->at));
	for (struct pci_dev *dev = pci->devices; dev && dump->at; dev = dev->next)
		take_dumped(dev, &dump->at[dump->count++]);
}

/* False: libpci gave up, and said why. */
static bool read_all(struct pci_access *pci, struct dump *dump)
{
	if (setjmp(jump.out))
		return false;
	take_all(pci, dump);
	return true;
}

int dump_read_all(const char *file, struct dump *dump, char *why, size_t size)
{
	struct pci_access *pci = tame();
	bool read;

	pci->method = PCI_ACCESS_DUMP;
	pci_set_param(pci, (char[]) { "dump.name" }, (char *)(uintptr_t)file);
	jump.why = why;
	jump.size = size;
	read = read_all(pci, dump);
	pci_cleanup(pci);
	return read ? dump->at ? 0 : -ENOMEM : -EBADMSG;
}
