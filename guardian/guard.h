/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Guards: a count of accesses for each class, there to stop a loop that runs
 * away. A guard that is used up stays closed until it is re-armed.
 */
#ifndef HWSAFE_GUARDIAN_GUARD_H
#define HWSAFE_GUARDIAN_GUARD_H

#include "../shim/base.h"

HWS_BEGIN_DECLS

/** enum hws_guard_class - what is counted apart. */
enum hws_guard_class {
	HWS_GUARD_CPUID = 0,
	HWS_GUARD_MSR,
	HWS_GUARD_MMIO_READ,
	HWS_GUARD_MMIO_WRITE,
	HWS_GUARD_PORT_READ,
	HWS_GUARD_PORT_WRITE,
	HWS_GUARD_PCI, /* configuration space, reads and writes */
	HWS_GUARDS     /* how many */
};

/**
 * hws_guard_name() - the class's word in reports: "cpuid", "mmio-read" …
 * @guard: the class
 *
 * Return: a constant string; "?" for a value that is no class.
 */
HWS_API const char *hws_guard_name(enum hws_guard_class guard);

/**
 * struct hws_guard_limit - how much one class allows; all zero is the default.
 *
 * A handle and its context are counted apart: an access needs room in both.
 * Re-arming the context's guard gives each of its handles its count anew.
 * With @window_ns, a guard that is used up re-arms itself once that much time
 * has passed since it was last armed; without, only an explicit call does.
 */
struct hws_guard_limit {
	uint64_t handle;    /* accesses by one handle; 0: the class's default */
	uint64_t context;   /* accesses by all handles together; 0: the class's default */
	uint64_t window_ns; /* 0: never by itself */
};

/**
 * hws_guard_default() - the limits of a class that are not set otherwise.
 * @guard: the class
 *
 * 1,024 for cpuid and msr, 10,000 for the rest; the same for handle and context.
 *
 * Return: the limits; all zero for a value that is no class.
 */
HWS_API struct hws_guard_limit hws_guard_default(enum hws_guard_class guard);

/**
 * struct hws_guard_state - one guard's numbers.
 *
 * @granted counts what handles hold ready in advance as if it were used; it is
 * exact once they are closed. It never exceeds @limit.
 */
struct hws_guard_state {
	uint64_t limit;
	uint64_t window_ns;
	uint64_t granted; /* since it was last armed */
	uint64_t refused; /* in all; stays at its greatest value once it gets there */
	uint64_t rearmed; /* how often */
};

HWS_END_DECLS

#endif
