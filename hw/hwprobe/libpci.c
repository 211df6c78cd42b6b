/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The only file that calls libpci, which leaves by longjmp when it fails: no
 * frame between pci_run() and libpci owns anything, and what is to survive the
 * jump lives in the caller's struct.
 */
#include <pci/pci.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

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
	const struct hws_bdf *a = &((const struct function *)left)->bdf;
	const struct hws_bdf *b = &((const struct function *)right)->bdf;
	uint64_t x = (uint64_t)a->domain << 16 | (uint64_t)a->bus << 8 | (uint64_t)a->device << 3 |
		     a->function;
	uint64_t y = (uint64_t)b->domain << 16 | (uint64_t)b->bus << 8 | (uint64_t)b->device << 3 |
		     b->function;

	return (x > y) - (x < y);
}

void functions_read(const char *sysroot, struct functions *functions)
{
	struct pci_access *pci = tame();
	char path[4096];

	snprintf(path, sizeof(path), "%s/sys/bus/pci", sysroot ? sysroot : "");
	pci->method = PCI_ACCESS_SYS_BUS_PCI;
	pci_set_param(pci, (char[]) { "sysfs.path" }, path);
	jump.why = functions->why;
	jump.size = sizeof(functions->why);
	pci_run(pci, functions);
	pci_cleanup(pci);
	if (functions->count)
		qsort(functions->at, functions->count, sizeof(*functions->at), in_order);
}

struct names {
	struct pci_access *pci;
	char why[160];
};

struct names *names_open(enum naming naming)
{
	struct names *names = calloc(1, sizeof(*names));

	if (!names)
		return NULL;
	names->pci = tame();
	names->pci->numeric_ids = (int)naming;
	return names;
}

void names_close(struct names *names)
{
	if (!names)
		return;
	pci_cleanup(names->pci);
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
