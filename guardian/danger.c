/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "guardian/danger-internal.h"

#include <stdio.h>

const struct danger dangers[DANGERS] = {
	{ HWS_DANGER_RESET, "reset", "resets the machine" },
	{ HWS_DANGER_PCI, "pci", "reaches every device's configuration space" },
	{ HWS_DANGER_BAR, "bar", "moves the device in memory" },
	{ HWS_DANGER_BRIDGE, "bridge", "moves what lies behind the bridge" },
	{ HWS_DANGER_SMM, "smm", "reaches system management mode" },
	{ HWS_DANGER_MODE, "mode", "changes the processor's mode" },
	{ HWS_DANGER_APIC, "apic", "stops or redirects interrupts" },
	{ HWS_DANGER_FEATURES, "features", "switches features of the processor" },
	{ HWS_DANGER_MICROCODE, "microcode", "loads microcode" },
	{ HWS_DANGER_ENTRY, "entry", "moves the kernel's entry points" },
	{ HWS_DANGER_MEMORY, "memory", "changes what memory is, and whose" },
	{ HWS_DANGER_CLOCK, "clock", "sets the clock that the kernel counts on" },
	{ HWS_DANGER_VOLTAGE, "voltage", "changes voltages" },
};

/* Configuration space is laid out by the header's type: bridges have one of their own. */
enum header { ANY_HEADER = 0, DEVICE, BRIDGE };

/* Where a write is dangerous. */
static const struct place {
	enum hws_kind kind;
	uint32_t right;
	uint32_t first;
	uint32_t last;
	enum header header;
	uint32_t widths; /* only accesses of these; 0: of any */
	uint32_t mask;	 /* only when these bits of the byte at @first … */
	uint32_t value;	 /* … are these */
} places[] = {
	/* the keyboard controller: commands 0xf0 to 0xff pulse its lines, line 0 is the reset */
	{ HWS_KIND_PORT, HWS_DANGER_RESET, 0x64, 0x64, .mask = 0xf1, .value = 0xf0 },
	/* and command 0xd1 has the next byte to port 0x60 set them all */
	{ HWS_KIND_PORT, HWS_DANGER_RESET, 0x64, 0x64, .mask = 0xff, .value = 0xd1 },
	{ HWS_KIND_PORT, HWS_DANGER_RESET, 0x92, 0x92 }, /* system control: reset, A20 */
	{ HWS_KIND_PORT, HWS_DANGER_RESET, 0xcf9, 0xcf9, .widths = 1 | 2 },
	{ HWS_KIND_PORT, HWS_DANGER_SMM, 0xb2, 0xb3 }, /* calls the firmware */
	/* configuration mechanism 1 (PCI 3.0 §3.2.2.3.2) */
	{ HWS_KIND_PORT, HWS_DANGER_PCI, 0xcf8, 0xcf8 },
	{ HWS_KIND_PORT, HWS_DANGER_PCI, 0xcfa, 0xcff },

	/* PCI 3.0 §6.1, PCI-to-PCI bridge 1.2 §3.2 */
	{ HWS_KIND_PCI, HWS_DANGER_BAR, 0x10, 0x27, DEVICE },
	{ HWS_KIND_PCI, HWS_DANGER_BAR, 0x30, 0x33, DEVICE },
	{ HWS_KIND_PCI, HWS_DANGER_BAR, 0x10, 0x17, BRIDGE },
	{ HWS_KIND_PCI, HWS_DANGER_BAR, 0x38, 0x3b, BRIDGE },
	{ HWS_KIND_PCI, HWS_DANGER_BRIDGE, 0x18, 0x33, BRIDGE },
	{ HWS_KIND_PCI, HWS_DANGER_BRIDGE, 0x3e, 0x3f, BRIDGE },

	/* Intel SDM vol. 4; AMD64 APM vol. 2, appendix A */
	{ HWS_KIND_MSR, HWS_DANGER_CLOCK, 0x10, 0x10 },	     /* the time-stamp counter */
	{ HWS_KIND_MSR, HWS_DANGER_APIC, 0x1b, 0x1b },	     /* APIC_BASE */
	{ HWS_KIND_MSR, HWS_DANGER_MODE, 0x3a, 0x3a },	     /* FEATURE_CONTROL: VMX, SGX */
	{ HWS_KIND_MSR, HWS_DANGER_CLOCK, 0x3b, 0x3b },	     /* TSC_ADJUST */
	{ HWS_KIND_MSR, HWS_DANGER_FEATURES, 0x48, 0x48 },   /* SPEC_CTRL */
	{ HWS_KIND_MSR, HWS_DANGER_MICROCODE, 0x79, 0x79 },  /* BIOS_UPDT_TRIG */
	{ HWS_KIND_MSR, HWS_DANGER_SMM, 0x9b, 0x9b },	     /* SMM_MONITOR_CTL */
	{ HWS_KIND_MSR, HWS_DANGER_FEATURES, 0x122, 0x122 }, /* TSX_CTRL */
	{ HWS_KIND_MSR, HWS_DANGER_FEATURES, 0x140, 0x140 }, /* MISC_FEATURES_ENABLES */
	{ HWS_KIND_MSR, HWS_DANGER_VOLTAGE, 0x150, 0x150 },
	{ HWS_KIND_MSR, HWS_DANGER_ENTRY, 0x174, 0x176 },    /* SYSENTER */
	{ HWS_KIND_MSR, HWS_DANGER_FEATURES, 0x1a0, 0x1a0 }, /* MISC_ENABLE */
	{ HWS_KIND_MSR, HWS_DANGER_MEMORY, 0x1d9, 0x1d9 },   /* DEBUGCTL: traces to memory */
	{ HWS_KIND_MSR, HWS_DANGER_SMM, 0x1f2, 0x1f3 },	     /* SMRR */
	{ HWS_KIND_MSR, HWS_DANGER_MEMORY, 0x200, 0x2ff },   /* MTRRs, PAT */
	{ HWS_KIND_MSR, HWS_DANGER_MEMORY, 0x560, 0x570 },   /* processor trace: its output */
	{ HWS_KIND_MSR, HWS_DANGER_MEMORY, 0x600, 0x600 },   /* DS_AREA: written by the processor */
	{ HWS_KIND_MSR, HWS_DANGER_ENTRY, 0x6a2, 0x6a8 },    /* shadow stacks of the kernel */
	{ HWS_KIND_MSR, HWS_DANGER_CLOCK, 0x6e0, 0x6e0 },    /* TSC_DEADLINE */
	{ HWS_KIND_MSR, HWS_DANGER_APIC, 0x800, 0x8ff },     /* x2APIC */
	{ HWS_KIND_MSR, HWS_DANGER_MODE, 0xc0000080, 0xc0000080 },     /* EFER */
	{ HWS_KIND_MSR, HWS_DANGER_ENTRY, 0xc0000081, 0xc0000084 },    /* SYSCALL */
	{ HWS_KIND_MSR, HWS_DANGER_ENTRY, 0xc0000100, 0xc0000102 },    /* FS, GS, kernel GS */
	{ HWS_KIND_MSR, HWS_DANGER_MEMORY, 0xc0010010, 0xc0010010 },   /* SYSCFG */
	{ HWS_KIND_MSR, HWS_DANGER_FEATURES, 0xc0010015, 0xc0010015 }, /* HWCR */
	{ HWS_KIND_MSR, HWS_DANGER_MEMORY, 0xc0010016, 0xc001001d },   /* IORR, TOP_MEM */
	{ HWS_KIND_MSR, HWS_DANGER_MICROCODE, 0xc0010020, 0xc0010020 },
	{ HWS_KIND_MSR, HWS_DANGER_VOLTAGE, 0xc0010064, 0xc001006b }, /* P-state definitions */
	{ HWS_KIND_MSR, HWS_DANGER_SMM, 0xc0010111, 0xc0010113 }, /* SMM_BASE, SMM_ADDR, SMM_MASK */
	{ HWS_KIND_MSR, HWS_DANGER_MODE, 0xc0010114, 0xc0010117 },     /* VM_CR … VM_HSAVE_PA */
	{ HWS_KIND_MSR, HWS_DANGER_FEATURES, 0xc001011f, 0xc001011f }, /* VIRT_SPEC_CTRL */
};

/* Base class 6, subclasses 4 (PCI-to-PCI) and 7 (CardBus) have a header of their own. */
static enum header header_of(const struct hws_access *access)
{
	uint32_t class_code = access->class_code >> 8;

	return class_code == 0x0604 || class_code == 0x0607 ? BRIDGE : DEVICE;
}

/* Is what would be written to the place, as far as it is known, harmless? */
static bool is_harmless(const struct place *place, const struct hws_access *access)
{
	uint64_t offset = place->first - access->first;

	/* such a place is one byte; an access that has a value has that byte, or is no access */
	return place->mask && access->has & HWS_HAS_VALUE && offset < sizeof(access->value) &&
	       (access->value >> 8 * offset & place->mask) != place->value;
}

static bool is_dangerous(const struct place *place, const struct hws_access *access)
{
	if (place->kind != access->kind || access->first > place->last ||
	    access->last < place->first)
		return false;
	if (place->header && place->header != header_of(access))
		return false;
	if (place->widths && access->width && !(place->widths & access->width))
		return false;
	return !is_harmless(place, access);
}

uint32_t danger_of(const struct hws_access *access)
{
	uint32_t rights = 0;

	if (!(access->rights & HWS_W) || access->kind > HWS_KIND_PCI)
		return 0;
	for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
		if (is_dangerous(&places[i], access))
			rights |= places[i].right;
	}
	return rights;
}

const char *danger_text(uint32_t rights, char *text, size_t size)
{
	size_t n = 0;

	for (size_t i = 0; i < DANGERS; i++) {
		if (rights & dangers[i].right && n < size)
			n += (size_t)snprintf(text + n, size - n, "%s%s", n ? " and " : "it ",
					      dangers[i].does);
	}
	if (n < size)
		n += (size_t)snprintf(text + n, size - n, ": the rule must have 'danger");
	for (size_t i = 0; i < DANGERS; i++) {
		if (rights & dangers[i].right && n < size)
			n += (size_t)snprintf(text + n, size - n, " %s", dangers[i].name);
	}
	if (n < size)
		snprintf(text + n, size - n, "'");
	return text;
}

uint32_t hws_access_danger(const struct hws_access *access)
{
	return danger_of(access);
}

static const struct danger *find(uint32_t right)
{
	static const struct danger none = { 0, "?", "?" };

	for (size_t i = 0; i < DANGERS; i++)
		if (dangers[i].right == right)
			return &dangers[i];
	return &none;
}

const char *hws_danger_name(uint32_t right)
{
	return find(right)->name;
}

const char *hws_danger_does(uint32_t right)
{
	return find(right)->does;
}
