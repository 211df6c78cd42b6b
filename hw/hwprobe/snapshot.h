/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Snapshots: values of registers, kept in a document. Its registers[] are objects:
 *
 *   kind address device bar cpu at (hex) width name
 *                                                where it is, and "1234:11e8"; null what it hasn't
 *   value writable clears (hex)                  bits that restoring may write; that a one clears
 *   fields                                       by name: bits ("7:5") value (hex) word (or null)
 *
 * and failed[] what could not be read: what error why.
 */
#ifndef HWPROBE_SNAPSHOT_H
#define HWPROBE_SNAPSHOT_H

#include "hw/hwprobe/args.h"
#include "hw/hwprobe/document.h"

enum { ITEM_NAME = 80, ITEM_LABEL = 128 };

struct item {
	struct hws_access where; /* kind, bdf, vendor, device, bar, cpu, first, width */
	char name[ITEM_NAME];
	uint64_t value;
	uint64_t writable;
	uint64_t clears;
	struct json_object *fields; /* the item's; may be NULL */
};

struct items {
	struct item *at;
	size_t count;
	size_t room;
};

/* Takes @item's fields. 0 or -ENOMEM. */
int items_add(struct items *items, const struct item *item);
/* Are the devices those that it was kept of? Else it was told. */
enum result items_same_devices(struct hws *hw, const struct items *items);
void items_fini(struct items *items);

/* "0000:00:04.0 DevCtl", "0000:00:05.0:0 CC", "cpu0 0x610" */
const char *item_label(const struct item *item, char label[ITEM_LABEL]);
bool item_same_place(const struct item *a, const struct item *b);

/* A handle for just this register, and its place. */
struct held {
	struct hws_place place;
};
int held_open(struct hws *hw, const struct item *item, uint32_t rights, struct held *ret_held);
void held_close(struct held *held);
int held_read(const struct held *held, uint64_t *ret_value);
/* What stands in the item's place now. */
int item_read(struct hws *hw, const struct item *item, uint64_t *ret_value);

struct taking {
	struct hws *hw;
	struct items *items;
	struct json_object *failed; /* the document's */
	const char *cpus;
	const char *registers; /* a description by name, for BARs; NULL: the one that fits */
	bool sanitize;	       /* serial numbers are 0 */
	int code;	       /* of the last failure; 0: there was none */
};
/* Adds what WHAT names: "pci=BDF", "pci=all", "bar=BDF:N", "msr=LIST". */
enum result take_what(struct taking *taking, const char *what);
/* The fields of a register that has this value. */
struct json_object *fields_of(const struct hws_registers *registers, uint32_t index,
			      uint64_t value);

/* To and from the document. Of a file that is none it was told. */
struct json_object *items_json(const struct items *items);
enum result items_load(const char *file, struct items *ret_items);

#endif
