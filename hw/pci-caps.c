/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The two chains of capabilities (PCI 3.0 §6.7, PCIe 6.0 §7.6): links that a device made up. */
#include <errno.h>

#include "hw/pci.h"
#include "shim/sys-internal.h"
#include "shim/why-internal.h"

enum {
	STATUS = 0x06,
	STATUS_CAPABILITIES = 0x10,
	FIRST_LINK = 0x34,
	HEADER_END = 0x40,
	SPACE_END = 0x100,
	EXTENDED_END = 0x1000,
};

/* One chain: where it lies, and how its entries read. */
struct chain {
	uint16_t begin;
	uint16_t end;
	bool extended;
};
static const struct chain plain = { HEADER_END, SPACE_END, false };
static const struct chain extended = { SPACE_END, EXTENDED_END, true };

/* Where the chain begins; 0: there is none. */
static int first_link(struct hws_pci *pci, const struct chain *chain, uint16_t *ret_link)
{
	uint16_t status;
	uint8_t link;
	int r;

	if (chain->extended) {
		*ret_link = SPACE_END;
		return 0;
	}
	r = hws_pci_read16(pci, STATUS, &status);
	if (r == 0)
		r = hws_pci_read8(pci, FIRST_LINK, &link);
	if (r == 0)
		*ret_link = status & STATUS_CAPABILITIES ? link & 0xfc : 0;
	return r;
}

/* The entry at @offset, and the link to the next. An extended id of 0 or all-ones is the end. */
static int read_entry(struct hws_pci *pci, const struct chain *chain, uint16_t offset,
		      struct hws_pci_cap *ret_cap, uint16_t *ret_link)
{
	uint32_t entry;
	int r = hws_pci_read32(pci, offset, &entry);

	if (r < 0)
		return r;
	*ret_cap = (struct hws_pci_cap) { .offset = offset, .extended = chain->extended };
	if (chain->extended) {
		ret_cap->id = (uint16_t)entry;
		ret_cap->version = entry >> 16 & 15;
		*ret_link = entry >> 20 & 0xffc;
		return ret_cap->id == 0 || entry == UINT32_MAX ? -ENOENT : 0;
	}
	ret_cap->id = (uint8_t)entry;
	*ret_link = entry >> 8 & 0xfc;
	return 0;
}

/* Calls @each with each entry, until it says 1; each place is met once, so it comes to an end. */
static int walk(struct hws_pci *pci, const struct chain *chain,
		bool (*each)(const struct hws_pci_cap *cap, void *context), void *context)
{
	uint8_t met[EXTENDED_END / 4 / 8] = { 0 };
	struct hws_pci_cap cap;
	uint16_t link;
	int r = first_link(pci, chain, &link);

	while (r == 0 && link) {
		if (link < chain->begin || link >= chain->end)
			return why(-EBADMSG, "the chain of capabilities leads to 0x%x", link);
		if (met[link / 32] & 1 << link / 4 % 8)
			return why(-EBADMSG, "the chain of capabilities comes back to 0x%x", link);
		met[link / 32] |= (uint8_t)(1 << link / 4 % 8);
		r = read_entry(pci, chain, link, &cap, &link);
		if (r == 0 && each(&cap, context))
			break;
	}
	return r == -ENOENT ? 0 : r;
}

struct search {
	uint16_t id;
	uint16_t found; /* 0: not yet */
};

static bool is_it(const struct hws_pci_cap *cap, void *context)
{
	struct search *search = context;

	if (cap->id == search->id)
		search->found = cap->offset;
	return search->found;
}

static int find(struct hws_pci *pci, const struct chain *chain, uint16_t id, uint32_t *ret_offset)
{
	struct search search = { .id = id };
	int r = walk(pci, chain, is_it, &search);

	if (r < 0)
		return r;
	if (!search.found)
		return why(-ENOENT, "the function has no %scapability 0x%x",
			   chain->extended ? "extended " : "", id);
	*ret_offset = search.found;
	return 0;
}

int hws_pci_find_cap(struct hws_pci *pci, uint8_t id, uint32_t *ret_offset)
{
	return find(pci, &plain, id, ret_offset);
}

int hws_pci_find_ext_cap(struct hws_pci *pci, uint16_t id, uint32_t *ret_offset)
{
	return find(pci, &extended, id, ret_offset);
}

struct list {
	struct hws_pci_cap *caps;
	size_t size;
	size_t count;
};

static bool keep(const struct hws_pci_cap *cap, void *context)
{
	struct list *list = context;

	if (list->count < list->size)
		list->caps[list->count] = *cap;
	list->count++;
	return false;
}

int hws_pci_list_caps(struct hws_pci *pci, struct hws_pci_cap *ret_caps, size_t size)
{
	struct list list = { ret_caps, size, 0 };
	int r = walk(pci, &plain, keep, &list);

	/* who may not see the rest, or has none, has no extended ones */
	if (r == 0)
		r = walk(pci, &extended, keep, &list);
	return r < 0 && r != -ERANGE && r != -EPERM ? r : (int)list.count;
}
