/* SPDX-License-Identifier: GPL-2.0-or-later */
/* One register of a snapshot: its name, its place, a handle for it alone. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "hw/hwprobe/snapshot.h"

int items_add(struct items *items, const struct item *item)
{
	if (items->count == items->room) {
		size_t room = items->room ? 2 * items->room : 64;
		struct item *more = reallocarray(items->at, room, sizeof(*more));

		if (!more) {
			json_object_put(item->fields);
			return -ENOMEM;
		}
		items->at = more;
		items->room = room;
	}
	items->at[items->count++] = *item;
	return 0;
}

void items_fini(struct items *items)
{
	for (size_t i = 0; i < items->count; i++)
		json_object_put(items->at[i].fields);
	free(items->at);
	*items = (struct items) { 0 };
}

const char *item_label(const struct item *item, char label[ITEM_LABEL])
{
	const struct hws_access *where = &item->where;
	char bdf[HWS_BDF_TEXT];

	hws_bdf_format(where->bdf, bdf);
	if (where->kind == HWS_KIND_MSR)
		snprintf(label, ITEM_LABEL, "cpu%u %s", where->cpu, item->name);
	else if (where->kind == HWS_KIND_BAR)
		snprintf(label, ITEM_LABEL, "%s:%u %s", bdf, where->bar, item->name);
	else
		snprintf(label, ITEM_LABEL, "%s %s", bdf, item->name);
	return label;
}

/* Field by field: what lies between the fields is nobody's. */
static bool same_function(struct hws_bdf a, struct hws_bdf b)
{
	return a.domain == b.domain && a.bus == b.bus && a.device == b.device &&
	       a.function == b.function;
}

bool item_same_place(const struct item *a, const struct item *b)
{
	return a->where.kind == b->where.kind && same_function(a->where.bdf, b->where.bdf) &&
	       a->where.bar == b->where.bar && a->where.cpu == b->where.cpu &&
	       a->where.first == b->where.first && a->where.width == b->where.width;
}

static enum result same_device(struct hws *hw, const struct hws_access *where)
{
	struct hws_pci_info info = { .size = sizeof(info) };
	char bdf[HWS_BDF_TEXT];
	int r = hws_pci_get_info(hw, hws_bdf_format(where->bdf, bdf), &info);

	if (r < 0)
		return call_fail(bdf, r);
	if (info.vendor == where->vendor && info.device == where->device)
		return RESULT_OK;
	say("%s: %04x:%04x is there now, not %04x:%04x", bdf, info.vendor, info.device,
	    where->vendor, where->device);
	return RESULT_NOT_FOUND;
}

enum result items_same_devices(struct hws *hw, const struct items *items)
{
	const struct hws_access *last = NULL;
	enum result result = RESULT_OK;

	for (size_t i = 0; i < items->count && result == RESULT_OK; i++) {
		const struct hws_access *where = &items->at[i].where;

		if (where->kind == HWS_KIND_MSR ||
		    (last && same_function(last->bdf, where->bdf) &&
		     last->vendor == where->vendor && last->device == where->device))
			continue;
		result = same_device(hw, where);
		last = where;
	}
	return result;
}

static int open_pci(struct hws *hw, const struct hws_access *where, uint32_t rights,
		    struct hws_place *ret_place)
{
	uint32_t at = (uint32_t)where->first;
	uint32_t first = at & ~3u;
	char bdf[HWS_BDF_TEXT];
	struct hws_pci *pci;
	int r = hws_pci_open(hw, hws_bdf_format(where->bdf, bdf), first,
			     (at - first + where->width + 3) & ~3u, rights, &pci);

	if (r == 0)
		*ret_place = hws_in_pci(pci, at, where->width);
	return r;
}

static int open_bar(struct hws *hw, const struct hws_access *where, uint32_t rights,
		    struct hws_place *ret_place)
{
	char bdf[HWS_BDF_TEXT];
	struct hws_mmio *mmio;
	int r = hws_mmio_map(hw, hws_bdf_format(where->bdf, bdf), where->bar, where->first,
			     where->width, rights, &mmio);

	if (r == 0)
		*ret_place = hws_in_mmio(mmio, 0, where->width);
	return r;
}

static int open_msr(struct hws *hw, const struct hws_access *where, uint32_t rights,
		    struct hws_place *ret_place)
{
	uint32_t reg = (uint32_t)where->first;
	char cpu[16];
	struct hws_msr *msr;
	int r;

	snprintf(cpu, sizeof(cpu), "%u", where->cpu);
	r = hws_msr_open(hw, cpu, reg, reg, rights, &msr);
	if (r == 0)
		*ret_place = hws_in_msr(msr, where->cpu, reg);
	return r;
}

int held_open(struct hws *hw, const struct item *item, uint32_t rights, struct held *ret_held)
{
	const struct hws_access *where = &item->where;

	if (where->kind == HWS_KIND_MSR)
		return open_msr(hw, where, rights, &ret_held->place);
	return where->kind == HWS_KIND_BAR ? open_bar(hw, where, rights, &ret_held->place)
					   : open_pci(hw, where, rights, &ret_held->place);
}

void held_close(struct held *held)
{
	if (held->place.kind == HWS_KIND_MSR)
		hws_msr_close(held->place.handle);
	else if (held->place.kind == HWS_KIND_BAR)
		hws_mmio_unmap(held->place.handle);
	else
		hws_pci_close(held->place.handle);
	*held = (struct held) { 0 };
}

int held_read(const struct held *held, uint64_t *ret_value)
{
	struct hws_step step = hws_step_read(held->place);
	int r = hws_batch_run(&step, 1, 0);

	if (r == 0)
		*ret_value = step.result;
	return r;
}

int item_read(struct hws *hw, const struct item *item, uint64_t *ret_value)
{
	struct held held = { 0 };
	int r = held_open(hw, item, HWS_R, &held);

	if (r < 0)
		return r;
	r = held_read(&held, ret_value);
	held_close(&held);
	return r;
}
