/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What lspci -v says below a function's first lines (PCI 3.0 §6, PCI-to-PCI
 * Bridge 1.2 §3.2, PC Card 8.0 §4.5.2). Addresses are the system's where it
 * knows them, else the device's own.
 */
#include <inttypes.h>
#include <string.h>

#include "hw/hwprobe/args.h"
#include "hw/hwprobe/pci-verbose.h"

enum {
	HEADER = 64,
	CARDBUS_HEADER = 128,
	IO = 1,
	MEMORY = 2,
	MASTER = 4,
	BRIDGES = 0x06,
	CLASS_BRIDGE = 0x0604
};

uint32_t view_get(const struct view *view, uint32_t offset, uint32_t width)
{
	uint32_t value = 0;

	for (uint32_t i = 0; i < width && offset + i < view->size; i++)
		value |= (uint32_t)view->bytes[offset + i] << 8 * i;
	return value;
}

static void print_size(uint64_t size)
{
	static const char *const units[] = { "", "K", "M", "G", "T" };
	size_t unit = 0;

	if (!size)
		return;
	for (; unit < COUNT(units) - 1 && size % 1024 == 0; unit++)
		size /= 1024;
	printf(" [size=%u%s]", (unsigned int)size, units[unit]);
}

struct flag {
	uint32_t bit;
	const char *text;
};

static void print_bits(uint32_t value, const struct flag *flags, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (value & flags[i].bit)
			fputs(flags[i].text, stdout);
}

static void print_flags(const struct view *view)
{
	static const struct flag commands[] = { { MASTER, "bus master, " },
						{ 0x20, "VGA palette snoop, " },
						{ 0x80, "stepping, " },
						{ 0x200, "fast Back2Back, " } };
	static const struct flag states[] = { { 0x20, "66MHz, " },
					      { 0x40, "user-definable features, " } };
	static const char *const selects[] = { "fast", "medium", "slow", "??" };
	uint32_t command = view_get(view, 0x04, 2);
	uint32_t status = view_get(view, 0x06, 2);

	fputs("\tFlags: ", stdout);
	print_bits(command, commands, COUNT(commands));
	print_bits(status, states, COUNT(states));
	printf("%s devsel", selects[status >> 9 & 3]);
	if (command & MASTER)
		printf(", latency %u", view_get(view, 0x0d, 1));
	if (view->irq)
		printf(", IRQ %u", view->irq);
	if (view->info->numa_node >= 0)
		printf(", NUMA node %d", view->info->numa_node);
	if (view->info->iommu_group >= 0)
		printf(", IOMMU group %d", view->info->iommu_group);
	putchar('\n');
}

static void print_bist(const struct view *view)
{
	uint32_t bist = view_get(view, 0x0f, 1);

	if (bist & 0x80 && bist & 0x40)
		puts("\tBIST is running");
	else if (bist & 0x80)
		printf("\tBIST result: %02x\n", bist & 0xf);
}

/* One BAR: its register, and what is known of where it is. */
struct bar {
	uint32_t flags;
	uint64_t base;
	uint64_t size;
	bool virtual; /* the system has it, the device hasn't */
	bool ignored; /* the device has something, whatever the system knows */
	bool broken;  /* wide, with no register left for the upper half */
};

static bool is_wide(uint32_t flags)
{
	return (flags & (IO | 6)) == 4;
}

/* As its register would have them. */
static uint32_t system_flags(const struct hws_pci_bar *known)
{
	return (known->flags & HWS_BAR_IO ? IO : 0u) | (known->flags & HWS_BAR_64 ? 4u : 0u) |
	       (known->flags & HWS_BAR_PREFETCH ? 8u : 0u);
}

/* False: there is none. Of one byte, as the second port of an old disk, lspci tells no size. */
static bool system_bar(const struct view *view, uint32_t index, uint32_t count, struct bar *bar)
{
	const struct hws_pci_bar *known = &view->info->bars[index];
	uint32_t flags = system_flags(known);
	bool wide = is_wide(bar->flags);

	bar->base = known->base & (flags & IO ? ~UINT64_C(3) : ~UINT64_C(15));
	bar->size = known->size > 1 ? known->size : 0;
	bar->broken = wide && index + 1 == count;
	bar->ignored = bar->flags || (wide && view_get(view, 0x14 + 4 * index, 4));
	bar->virtual = !bar->ignored && (known->base || flags);
	if (!bar->ignored)
		bar->flags = flags;
	return known->base || known->size;
}

/* The upper half of a wide one isn't asked for twice: it says nothing of its own. */
static void device_bar(const struct view *view, uint32_t index, uint32_t count, bool upper,
		       struct bar *bar)
{
	if (upper)
		return;
	bar->base = bar->flags & (bar->flags & IO ? ~3u : ~15u);
	if (is_wide(bar->flags) && index + 1 < count)
		bar->base |= (uint64_t)view_get(view, 0x14 + 4 * index, 4) << 32;
	else if (is_wide(bar->flags))
		bar->base = 0;
}

static void print_bar(const struct view *view, const struct bar *bar)
{
	static const char *const kinds[] = { "32-bit", "low-1M", "64-bit", "type 3" };
	uint32_t command = view_get(view, 0x04, 2);
	bool io = bar->flags & IO;
	bool enabled = command & (io ? IO : MEMORY);

	fputs(io ? "\tI/O ports at " : "\tMemory at ", stdout);
	if (bar->broken)
		fputs("<broken-64-bit-slot>", stdout);
	else if (bar->base || (io && enabled))
		printf("%0*" PRIx64, io ? 4 : 8, bar->base);
	else
		fputs(bar->ignored ? "<ignored>" : "<unassigned>", stdout);
	if (!io)
		printf(" (%s, %sprefetchable)", kinds[bar->flags >> 1 & 3],
		       bar->flags & 8 ? "" : "non-");
	if (bar->virtual && !io)
		fputs(" [virtual]", stdout);
	else if (!enabled)
		fputs(" [disabled]", stdout);
	print_size(bar->size);
	putchar('\n');
}

static void print_bars(const struct view *view, uint32_t count)
{
	bool upper = false; /* the one before was wide */

	for (uint32_t i = 0; i < count; i++) {
		struct bar bar = { .flags = view_get(view, 0x10 + 4 * i, 4) };
		bool there;

		if (bar.flags == UINT32_MAX)
			bar.flags = 0;
		there = view->by_system ? system_bar(view, i, count, &bar) : bar.flags != 0;
		if (!view->by_system)
			device_bar(view, i, count, upper, &bar);
		upper = !upper && is_wide(bar.flags) && i + 1 < count;
		if (there)
			print_bar(view, &bar);
	}
}

static void print_rom(const struct view *view, uint32_t offset)
{
	uint32_t flags = view_get(view, offset, 4);
	uint64_t own = flags == UINT32_MAX ? 0 : flags & ~0x7ffu;
	uint64_t base = view->by_system ? view->rom.base : own;
	bool virtual = base && !(flags & ~0x7ffu);

	if (view->by_system ? !base && !view->rom.size && !flags : !flags)
		return;
	fputs("\tExpansion ROM at ", stdout);
	if (base)
		printf("%08" PRIx64, base);
	else
		fputs(flags & ~0x7ffu ? "<ignored>" : "<unassigned>", stdout);
	if (virtual)
		fputs(" [virtual]", stdout);
	if (!(flags & 1))
		fputs(" [disabled]", stdout);
	else if (!virtual && !(view_get(view, 0x04, 2) & MEMORY))
		fputs(" [disabled by cmd]", stdout);
	print_size(view->rom.size);
	putchar('\n');
}

static void print_buses(const struct view *view)
{
	printf("\tBus: primary=%02x, secondary=%02x, subordinate=%02x, sec-latency=%u\n",
	       view_get(view, 0x18, 1), view_get(view, 0x19, 1), view_get(view, 0x1a, 1),
	       view_get(view, 0x1b, 1));
}

/* What a bridge lets through: two registers, more of them above 16 or 32 bits. */
struct window {
	const char *name;
	const char *type_name;
	uint32_t base;
	uint32_t limit;
	uint32_t width;
	uint32_t upper; /* 0: there is none */
	uint32_t upper_limit;
	uint32_t upper_width;
	uint32_t shift;	      /* of what the registers have */
	unsigned int bits[2]; /* as their type says */
};

static void print_window(const struct view *view, const struct window *w)
{
	uint32_t low = view_get(view, w->base, w->width);
	uint32_t high = view_get(view, w->limit, w->width);
	uint32_t type = low & 0xf;
	unsigned int bits = w->bits[type & 1];
	int digits = (int)bits / 4;
	uint32_t up = w->width == 1 ? 16 : 32; /* where the upper parts go */
	uint64_t base = (uint64_t)(low & ~0xfu) << w->shift;
	uint64_t limit = (uint64_t)(high & ~0xfu) << w->shift;

	if (type != (high & 0xf) || type > (w->upper ? 1 : 0)) {
		printf("\t!!! Unknown %s range types %x/%x\n", w->type_name, low, high);
		return;
	}
	if (type) {
		base |= (uint64_t)view_get(view, w->upper, w->upper_width) << up;
		limit |= (uint64_t)view_get(view, w->upper_limit, w->upper_width) << up;
	}
	limit |= ((uint64_t)0x10 << w->shift) - 1;
	printf("\t%s behind bridge: ", w->name);
	if (base <= limit)
		printf("%0*" PRIx64 "-%0*" PRIx64, digits, base, digits, limit);
	else
		fputs("[disabled]", stdout);
	if (base <= limit)
		print_size(limit - base + 1);
	printf(" [%u-bit]\n", bits);
}

static void print_bridge(const struct view *view)
{
	static const struct window windows[] = {
		{ "I/O", "I/O", 0x1c, 0x1d, 1, 0x30, 0x32, 2, 8, { 16, 32 } },
		{ "Memory", "memory", 0x20, 0x22, 2, 0, 0, 0, 16, { 32, 32 } },
		{ "Prefetchable memory",
		  "prefetchable memory",
		  0x24,
		  0x26,
		  2,
		  0x28,
		  0x2c,
		  4,
		  16,
		  { 32, 64 } },
	};

	print_bars(view, 2);
	print_buses(view);
	for (size_t i = 0; i < COUNT(windows); i++)
		print_window(view, &windows[i]);
	print_rom(view, 0x38);
}

/* What comes behind the windows lies in the longer half of its header. */
static void print_cardbus_rest(const struct view *view)
{
	uint32_t legacy = view_get(view, 0x44, 2);

	if (view->size < CARDBUS_HEADER) {
		puts("\t<access denied to the rest>");
		return;
	}
	if (legacy)
		printf("\t16-bit legacy interface ports at %04x\n", legacy);
	view_print_caps(view, 2);
}

static void print_cardbus(const struct view *view)
{
	uint32_t command = view_get(view, 0x04, 2);
	uint32_t control = view_get(view, 0x3e, 2);

	print_bars(view, 1);
	print_buses(view);
	for (uint32_t i = 0; i < 2; i++) {
		uint32_t base = view_get(view, 0x1c + 8 * i, 4);
		uint32_t limit = view_get(view, 0x20 + 8 * i, 4) + 0xfff;

		if (base <= limit)
			printf("\tMemory window %u: %08x-%08x%s%s\n", i, base, limit,
			       command & MEMORY ? "" : " [disabled]",
			       control & 0x100u << i ? " (prefetchable)" : "");
	}
	for (uint32_t i = 0; i < 2; i++) {
		uint32_t base = view_get(view, 0x2c + 8 * i, 4);
		uint32_t limit = view_get(view, 0x30 + 8 * i, 4);

		if (!(base & 1)) {
			base &= 0xffff;
			limit &= 0xffff;
		}
		base &= ~3u;
		limit = (limit & ~3u) + 3;
		if (base <= limit)
			printf("\tI/O window %u: %08x-%08x%s\n", i, base, limit,
			       command & IO ? "" : " [disabled]");
	}
	if (view_get(view, 0x16, 2) & 0x4000)
		puts("\tSecondary status: SERR");
	print_cardbus_rest(view);
}

/* A header that doesn't go with the class is told; false: it is none at all. */
static bool check_header(const struct view *view, uint32_t layout)
{
	uint32_t class_code = view->info->class_code >> 8;

	if (layout > 2) {
		printf("\t!!! Unknown header type %02x\n", layout);
		return false;
	}
	if (layout == 0 ? class_code == CLASS_BRIDGE : class_code >> 8 != BRIDGES)
		printf("\t!!! Invalid class %04x for header type %02x\n", class_code, layout);
	return true;
}

static void print_view(const struct view *view, const char *slot)
{
	uint32_t layout = view_get(view, 0x0e, 1) & 0x7f;

	if (!check_header(view, layout))
		return;
	if (slot[0])
		printf("\tPhysical Slot: %s\n", slot);
	print_flags(view);
	print_bist(view);
	if (layout == 0) {
		print_bars(view, HWS_PCI_BARS);
		print_rom(view, 0x30);
	} else if (layout == 1) {
		print_bridge(view);
	} else {
		print_cardbus(view);
		return;
	}
	view_print_caps(view, layout);
}

void list_print_details(const struct list *list, const struct entry *entry,
			const struct facts *facts)
{
	uint8_t bytes[CONFIG_SIZE];
	int n = list_config(list, entry, CONFIG_SIZE, bytes);
	struct view view = {
		.bytes = bytes,
		.size = n < 0 ? 0 : (uint32_t)n,
		.info = &entry->info,
		.names = list->names,
		.by_system = list->kernel,
		.irq = facts->irq,
		.rom = facts->rom,
	};

	if (n < 0)
		printf("\tConfiguration: %s\n", list_denied(n));
	if (n < HEADER)
		return;
	if (!list->kernel)
		view.irq = view_get(&view, 0x3c, 1);
	print_view(&view, facts->slot);
}
