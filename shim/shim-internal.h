/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The slots: each holds one back end's table, checked, completed with safe
 * defaults, written once and then read-only for good. An opened back end names
 * its slot by number, so that no stray write can point an access elsewhere.
 */
#ifndef HWSAFE_SHIM_SHIM_INTERNAL_H
#define HWSAFE_SHIM_SHIM_INTERNAL_H

#include "raw-internal.h"
#include "shim/once.h"
#include "shim/shim.h"

enum { SHIM_SLOTS = 16 };

struct slot {
	const struct hws_shim_ops *source; /* the table it was made from */
	struct hws_shim_ops ops;
};

/* A slot has its pages for itself: they are made read-only, and sealed where the kernel can. */
struct slot_page {
	HWS_ONCE(struct slot) cell;
} __attribute__((aligned(RAW_PAGE_MAX)));

extern struct slot_page shim_slots[SHIM_SLOTS];
extern const struct hws_shim_ops shim_defaults;

/* One opened back end. All zero: none; every access gives the safe default. */
struct hws_shim {
	uint32_t slot;
	void *self;
};

/*
 * Puts the back end's table into a slot; the same table gets the same slot each time. Returns the
 * slot's number; -EINVAL for a table that breaks the rules of shim.h, -ENOSPC when all are taken.
 */
HWS_MUST int shim_install(const struct hws_shim_ops *ops);

/* Does a table of so many bytes, from open to close at least, end with a whole entry? */
static inline bool shim_whole(size_t size)
{
	return (size - offsetof(struct hws_shim_ops, open)) % sizeof(void (*)(void)) == 0;
}

/* Entries that are NULL become the safe default. */
void shim_complete(struct hws_shim_ops *ops);
/* Installs @ops and opens it. *ret_shim is the caller's, for shim_close(). */
HWS_MUST int shim_open(const struct hws_shim_ops *ops, const struct hws_shim_options *options,
		       struct hws_shim *ret_shim);
/* Takes what is closed already, or never was open. */
void shim_close(struct hws_shim *shim);

/* The built-in back ends. */
extern const struct hws_shim_ops native_ops;
extern const struct hws_shim_ops generic_ops;
extern const struct hws_shim_ops broker_ops;
extern const struct hws_shim_ops plugin_ops;

/* The table to call through: never NULL, no entry NULL. */
static inline const struct hws_shim_ops *shim_ops(const struct hws_shim *shim)
{
	const struct slot_page *page = &shim_slots[shim->slot % SHIM_SLOTS];

	return hws_once_ready(&page->cell.once) ? &page->cell.value.ops : &shim_defaults;
}

/*
 * The compiler forgets what it was computed from: it won't keep that beside it. Safety: touches
 * nothing.
 */
static inline uint64_t raw_forget(uint64_t value)
{
	__asm__("" : "+r"(value));
	return value;
}

/* What a refused read of so many bytes gives. */
static inline uint64_t shim_ones(uint32_t width)
{
	return width < 8 ? (UINT64_C(1) << 8 * width) - 1 : UINT64_MAX;
}

/*
 * Permissions that the kernel keeps per thread. Does this thread hold those of an open range, as
 * far as its way needs any? And: gives up all that it has, whoever got them; 0 or -errno.
 */
bool shim_ports_held(const struct hws_window *ports);
HWS_MUST int shim_ports_drop(void);

static inline bool shim_is_native(const struct hws_shim *shim)
{
	const struct slot_page *page = &shim_slots[shim->slot % SHIM_SLOTS];

	return hws_once_ready(&page->cell.once) && page->cell.value.source == &native_ops;
}

/* Of the native back end: has it the function open as a whole, by VFIO? */
bool native_has_open(void *self, struct hws_bdf bdf);
/* It need not stay open for what was written to its configuration space. */
void native_let_go(void *self, struct hws_bdf bdf);
/*
 * And: may a descriptor of this BAR, 0 to 5, be handed over? Whoever has it maps whole pages. 0;
 * -EOPNOTSUPP: the BAR does not begin with a page, or another one lies in the same.
 */
HWS_MUST int native_bar_alone(void *self, struct hws_bdf bdf, uint32_t bar);

#endif
