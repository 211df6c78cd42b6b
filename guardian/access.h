/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The words in which every decision is asked and answered: what kind of
 * access, to what, and for which reason it was refused.
 */
#ifndef HWSAFE_GUARDIAN_ACCESS_H
#define HWSAFE_GUARDIAN_ACCESS_H

#include "../shim/shim.h"

HWS_BEGIN_DECLS

/** enum hws_kind - the kinds of access that policy knows. */
enum hws_kind {
	HWS_KIND_PORT = 0,
	HWS_KIND_MSR,
	HWS_KIND_PCI, /* configuration space */
	HWS_KIND_BAR,
	HWS_KIND_DMA,
	HWS_KIND_IRQ,
	HWS_KIND_RING,
	HWS_KIND_CPUID,
	HWS_KIND_PLUGIN,
	HWS_KINDS /* how many */
};

/**
 * hws_kind_name() - the kind's word in policies, events and reports: "port", "msr" …
 * @kind: the kind
 *
 * Return: a constant string; "?" for a value that is no kind.
 */
HWS_API const char *hws_kind_name(enum hws_kind kind);

/** enum hws_access_rights - rights beyond HWS_R and HWS_W, each its own word in a policy. */
enum hws_access_rights {
	HWS_SIDE = 4,	 /* "side": read a register whose reading changes something */
	HWS_CLAIMED = 8, /* "claimed": write what a kernel driver claims */
	/* "danger NAME …": write what can take the machine down, or get past the policy */
	HWS_DANGER_RESET = 0x10,
	HWS_DANGER_PCI = 0x20,	  /* any device's configuration space, by ports */
	HWS_DANGER_BAR = 0x40,	  /* where a device's memory is */
	HWS_DANGER_BRIDGE = 0x80, /* what a bridge lets through */
	HWS_DANGER_SMM = 0x100,	  /* system management mode */
	HWS_DANGER_MODE = 0x200,  /* the processor's mode: EFER, virtualization */
	HWS_DANGER_APIC = 0x400,  /* interrupts */
	HWS_DANGER_FEATURES = 0x800,
	HWS_DANGER_MICROCODE = 0x1000,
	HWS_DANGER_ENTRY = 0x2000,  /* where the kernel is entered */
	HWS_DANGER_MEMORY = 0x4000, /* kinds of memory; what the processor writes by itself */
	HWS_DANGER_CLOCK = 0x8000,
	HWS_DANGER_VOLTAGE = 0x10000,
	HWS_DANGER = 0x1fff0, /* "danger": all of them */
};

/** enum hws_access_has - which optional fields of an access are filled. */
enum hws_access_has {
	HWS_HAS_VALUE = 1, /* value: what is to be written */
	HWS_HAS_OLD = 2,   /* old: what stands there now */
};

/**
 * struct hws_access - one access, or a window of them, that somebody asks for.
 *
 * All zero but for what the kind needs:
 *
 *   port    first, last (ports)                              width value
 *   msr     first, last (register numbers), cpu              value old
 *   pci     bdf vendor device class, first, last (offsets)   width value old
 *   bar     bdf vendor device class, bar, first, last        width value old
 *   dma     bdf vendor device class, first 0, last (bytes - 1)
 *   irq     bdf vendor device class, first, last (vectors)
 *   ring    path (the file or device), last (buffer bytes - 1)
 *   cpuid   first, last (leaves)
 *   plugin  path (the shared object)
 */
struct hws_access {
	enum hws_kind kind;
	uint32_t rights; /* HWS_R | HWS_W | HWS_SIDE | … */
	uint64_t first;
	uint64_t last; /* inclusive */
	struct hws_bdf bdf;
	uint16_t vendor;
	uint16_t device;
	uint32_t class_code; /* 24 bits: base, sub, interface */
	uint32_t bar;
	uint32_t cpu;
	uint32_t width; /* bytes; 0: a window, no single access */
	uint32_t has;	/* enum hws_access_has */
	uint64_t value;
	uint64_t old;
	const char *path; /* borrowed */
};

/** enum hws_reason - why an access was refused; each has a counter and a sentence. */
enum hws_reason {
	HWS_REASON_NONE = 0,	/* it was allowed */
	HWS_REASON_NO_RULE,	/* no rule allows it */
	HWS_REASON_DENY_RULE,	/* a deny rule forbids it */
	HWS_REASON_WIDTH,	/* the rule allows other widths */
	HWS_REASON_MASK,	/* the write would change bits outside the rule's mask */
	HWS_REASON_VALUE,	/* the value is none that the rule allows */
	HWS_REASON_LIMIT,	/* over the rule's limit of bytes, maps or buffers */
	HWS_REASON_RATE,	/* over the rule's rate */
	HWS_REASON_STALE,	/* the policy changed and no longer allows it */
	HWS_REASON_GUARD,	/* the guard's count is used up */
	HWS_REASON_CAP,		/* over the capacity ceiling */
	HWS_REASON_NO_CAPACITY, /* the resource's capacity is not known or zero */
	HWS_REASON_SURGE,	/* over the resource's rate */
	HWS_REASON_CLOCK,	/* the clock failed */
	HWS_REASON_RANGE,	/* outside the handle's window */
	HWS_REASON_ALIGN,	/* not aligned to its width */
	HWS_REASON_ARGUMENT,	/* no such width, a NULL pointer, an unknown name */
	HWS_REASON_HANDLE,	/* a stale or foreign handle */
	HWS_REASON_PRIVILEGE,	/* this thread does not hold the privilege */
	HWS_REASON_KERNEL,	/* the kernel refused */
	HWS_REASON_DEVICE,	/* the device failed or is gone */
	HWS_REASON_UNSUPPORTED, /* this back end has no such access */
	HWS_REASON_DANGER,	/* the write needs a right of its own: "danger NAME" */
	HWS_REASON_CLAIMED,	/* a kernel driver, or what stands on it, uses it */
	HWS_REASON_REGISTER,	/* the register's description says that it is not for that */
	HWS_REASON_LAST_WORDS,	/* its last words could not be written */
	HWS_REASONS		/* how many */
};

/**
 * hws_danger_name() - a danger's word in policies: "reset", "smm" …
 * @right: one of HWS_DANGER_RESET and its like
 *
 * Return: a constant string; "?" for a value that is none.
 */
HWS_API const char *hws_danger_name(uint32_t right);

/**
 * hws_danger_does() - what such a write does: "resets the machine" …
 * @right: one of HWS_DANGER_RESET and its like
 *
 * Return: a constant string; "?" for a value that is none.
 */
HWS_API const char *hws_danger_does(uint32_t right);

/**
 * hws_access_danger() - the dangers of a write.
 * @access: borrowed; a single write, or a window of them
 *
 * Return: the rights, HWS_DANGER_…, that it takes beside HWS_W; 0 for a harmless one and for reads.
 */
HWS_API uint32_t hws_access_danger(const struct hws_access *access);

/**
 * hws_reason_name() - the reason's word in events, counters and reports: "no-rule", "guard" …
 * @reason: the reason
 *
 * Return: a constant string; "?" for a value that is no reason.
 */
HWS_API const char *hws_reason_name(enum hws_reason reason);

/**
 * hws_reason_code() - the error that goes with a reason.
 * @reason: the reason
 *
 * Return: 0 for HWS_REASON_NONE, else -EACCES, -EDQUOT, -ERANGE … as base.h says.
 */
HWS_API int hws_reason_code(enum hws_reason reason);

HWS_END_DECLS

#endif
