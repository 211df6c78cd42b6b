/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Restoring what a dead process wrote: each register through a handle of its own. */
#include <errno.h>
#include <stdlib.h>

#include "guardian/context-internal.h"
#include "hw/journal-internal.h"
#include "hw/txn.h"
#include "hw/batch-internal.h"
#include "shim/why-internal.h"

static int open_port(struct hws *hw, const struct hws_access *access, struct hws_place *ret_place)
{
	struct hws_port *port;
	int r = hws_port_open(hw, (uint32_t)access->first, access->width, HWS_RW, &port);

	if (r == 0)
		*ret_place = hws_in_port(port, (uint32_t)access->first, access->width);
	return r;
}

static int open_msr(struct hws *hw, const struct hws_access *access, struct hws_place *ret_place)
{
	uint32_t reg = (uint32_t)access->first;
	struct hws_msr *msr;
	char cpu[16];
	int r;

	snprintf(cpu, sizeof(cpu), "%u", access->cpu);
	r = hws_msr_open(hw, cpu, reg, reg, HWS_RW, &msr);
	if (r == 0)
		*ret_place = hws_in_msr(msr, access->cpu, reg);
	return r;
}

static int open_pci(struct hws *hw, const struct hws_access *access, struct hws_place *ret_place)
{
	uint32_t at = (uint32_t)access->first;
	char bdf[HWS_BDF_TEXT];
	struct hws_pci *pci;
	/* a handle begins at a multiple of 4 */
	int r = hws_pci_open(hw, hws_bdf_format(access->bdf, bdf), at & ~3u, 4, HWS_RW, &pci);

	if (r == 0)
		*ret_place = hws_in_pci(pci, at, access->width);
	return r;
}

static int open_bar(struct hws *hw, const struct hws_access *access, struct hws_place *ret_place)
{
	char bdf[HWS_BDF_TEXT];
	struct hws_mmio *mmio;
	int r = hws_mmio_map(hw, hws_bdf_format(access->bdf, bdf), access->bar, access->first,
			     access->width, HWS_RW, &mmio);

	if (r == 0)
		*ret_place = hws_in_mmio(mmio, 0, access->width);
	return r;
}

static void close_port(void *handle)
{
	hws_port_close(handle);
}

static void close_msr(void *handle)
{
	hws_msr_close(handle);
}

static void close_pci(void *handle)
{
	hws_pci_close(handle);
}

static void close_bar(void *handle)
{
	hws_mmio_unmap(handle);
}

static const struct {
	int (*open)(struct hws *hw, const struct hws_access *access, struct hws_place *ret_place);
	void (*close)(void *handle);
} kinds[HWS_KINDS] = {
	[HWS_KIND_PORT] = { open_port, close_port },
	[HWS_KIND_MSR] = { open_msr, close_msr },
	[HWS_KIND_PCI] = { open_pci, close_pci },
	[HWS_KIND_BAR] = { open_bar, close_bar },
};

static int put_back(const struct place *place, uint32_t flags, struct hws_restore *one)
{
	uint64_t value;
	int r = flags & HWS_RESTORE_DRY ? 0 : place_write(place, one->access.old);

	if (r < 0 || !(flags & HWS_RESTORE_VERIFY) || flags & HWS_RESTORE_DRY)
		return r;
	r = place_read(place, &value);
	if (r == 0 && value != one->access.old) {
		one->now = value;
		one->end = HWS_RESTORE_DIFFERS;
	}
	return r;
}

static bool same_place(const struct hws_access *a, const struct hws_access *b)
{
	return a->kind == b->kind && a->first == b->first && a->width == b->width &&
	       a->cpu == b->cpu && a->bar == b->bar && a->bdf.domain == b->bdf.domain &&
	       a->bdf.bus == b->bdf.bus && a->bdf.device == b->bdf.device &&
	       a->bdf.function == b->bdf.function;
}

/*
 * Where nothing is written, a register that was written twice still holds the last value: what it
 * would hold by now, had the later write been undone, is in that one's entry. NULL: there is none.
 */
static const struct hws_access *foresee(const struct hws_access *entry,
					const struct hws_access *end)
{
	for (const struct hws_access *later = entry + 1; later < end; later++)
		if (later->rights && same_place(later, entry))
			return later;
	return NULL;
}

/* Afterwards the entry says what the register would hold; without rights: nothing new. */
static void leave(struct hws_access *entry, const struct hws_restore *one)
{
	entry->rights = one->end == HWS_RESTORE_FAILED ? 0 : HWS_RW;
	entry->value = one->end == HWS_RESTORE_CHANGED ? one->now : entry->old;
}

static int restore_at(const struct hws_place *at, const struct hws_access *later, uint32_t flags,
		      struct hws_restore *one)
{
	struct place place;
	int r = place_find(at, &place);

	if (r == 0)
		r = place_read(&place, &one->now);
	if (r < 0)
		return r;
	if (later)
		one->now = later->value;
	if (one->now == one->access.old)
		one->end = HWS_RESTORED_ALREADY;
	else if (one->now != one->access.value && !(flags & HWS_RESTORE_FORCE))
		one->end = HWS_RESTORE_CHANGED;
	else
		r = put_back(&place, flags, one);
	return r;
}

/* Is it restored? */
static bool restore(struct hws *hw, uint32_t flags, const struct hws_access *later,
		    struct hws_restore *one)
{
	struct hws_place at;
	int r = kinds[one->access.kind].open(hw, &one->access, &at);

	if (r == 0) {
		r = restore_at(&at, later, flags, one);
		kinds[one->access.kind].close(at.handle);
	}
	if (r < 0) {
		one->code = r;
		one->end = HWS_RESTORE_FAILED;
	}
	return one->end == HWS_RESTORED || one->end == HWS_RESTORED_ALREADY;
}

int hws_txn_restore(struct hws *hw, const char *journal, uint32_t flags, hws_restore_fn *report,
		    void *context)
{
	bool dry = flags & HWS_RESTORE_DRY;
	struct hws_access *registers;
	struct journal file;
	uint32_t all;
	uint32_t count;
	int left = 0;
	int r;

	if (flags & ~(uint32_t)(HWS_RESTORE_DRY | HWS_RESTORE_FORCE | HWS_RESTORE_VERIFY))
		return why(-EINVAL, "there are no such flags: %#x", flags);
	r = journal_open(&file, journal, &registers, &count);
	if (r < 0)
		return r;
	all = count;
	while (count-- > 0) {
		struct hws_access *entry = &registers[count];
		struct hws_restore one = { .access = *entry };

		left += !restore(hw, flags, dry ? foresee(entry, registers + all) : NULL, &one);
		if (report)
			report(&one, context);
		leave(entry, &one);
	}
	free(registers);
	if (left == 0 && !dry)
		r = journal_remove(&file);
	journal_close(&file);
	return r < 0 ? r : left;
}
