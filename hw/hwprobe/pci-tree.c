/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Functions as a tree, as lspci -t draws it: buses hang on bridges, functions
 * on buses. What a bridge says of its buses may be nonsense: every function is
 * on exactly one bus, every bus on one bridge, so there is an end to it.
 */
#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "hw/hwprobe/args.h"
#include "hw/hwprobe/pci-list.h"

enum { CLASS_BRIDGES = 0x06, HEADER = 64 };

struct bus {
	uint32_t domain;
	uint32_t number;
	struct entry *first;
	struct entry *last;
	struct bus *next; /* on the same bridge */
};

struct bridge {
	struct entry *entry; /* NULL: of the root */
	uint32_t domain;
	uint32_t secondary;
	uint32_t subordinate;
	struct bus *first;
	struct bus *last;
};

struct tree {
	struct bridge *bridges; /* the root is the first */
	size_t bridge_count;
	struct bus *buses;
	size_t bus_count;
};

/* Its numbers (PCI-to-PCI Bridge 1.2 §3.2.5; the same of CardBus); false: it is no bridge. */
static bool read_bridge(struct list *list, struct entry *entry, struct bridge *bridge)
{
	uint8_t bytes[CONFIG_SIZE];
	int n;

	if (entry->code < 0 || entry->info.class_code >> 16 != CLASS_BRIDGES)
		return false;
	n = list_config(list, entry, HEADER, bytes);
	if (n < 0 && !list->blind) {
		list->blind = n;
		snprintf(list->why, sizeof(list->why), "%s", hws_why());
	}
	if (n < HEADER || ((bytes[0x0e] & 0x7f) != 1 && (bytes[0x0e] & 0x7f) != 2))
		return false;
	*bridge = (struct bridge) { .entry = entry,
				    .domain = entry->bdf.domain,
				    .secondary = bytes[0x19],
				    .subordinate = bytes[0x1a] };
	return true;
}

static struct bus *find_bus(const struct bridge *bridge, uint32_t domain, uint32_t number)
{
	struct bus *bus = bridge->first;

	while (bus && (bus->domain != domain || bus->number != number))
		bus = bus->next;
	return bus;
}

static struct bus *add_bus(struct tree *tree, struct bridge *bridge, uint32_t domain,
			   uint32_t number)
{
	struct bus *bus = &tree->buses[tree->bus_count++];

	*bus = (struct bus) { .domain = domain, .number = number };
	if (bridge->last)
		bridge->last->next = bus;
	else
		bridge->first = bus;
	bridge->last = bus;
	return bus;
}

/* Of bridges to the same bus the one that comes last; the root where none leads there. */
static struct bridge *bridge_to(const struct tree *tree, uint32_t domain, uint32_t number)
{
	for (size_t i = tree->bridge_count - 1; i > 0; i--) {
		struct bridge *bridge = &tree->bridges[i];

		if (bridge->domain == domain && bridge->secondary <= number &&
		    bridge->subordinate >= number)
			return bridge;
	}
	return &tree->bridges[0];
}

static void hang_entry(struct tree *tree, struct entry *entry)
{
	struct bridge *bridge = &tree->bridges[0];
	struct bus *bus = find_bus(bridge, entry->bdf.domain, entry->bdf.bus);

	if (!bus) {
		bridge = bridge_to(tree, entry->bdf.domain, entry->bdf.bus);
		bus = find_bus(bridge, entry->bdf.domain, entry->bdf.bus);
	}
	if (!bus)
		bus = add_bus(tree, bridge, entry->bdf.domain, entry->bdf.bus);
	entry->above = bridge->entry;
	if (bus->last)
		bus->last->beside = entry;
	else
		bus->first = entry;
	bus->last = entry;
}

static void find_bridges(struct list *list, struct tree *tree)
{
	struct bridge *root = &tree->bridges[0];

	*root = (struct bridge) { .subordinate = UINT32_MAX };
	tree->bridge_count = 1;
	for (size_t i = 0; i < list->count; i++) {
		struct bridge *bridge = &tree->bridges[tree->bridge_count];

		if (!read_bridge(list, &list->at[i], bridge))
			continue;
		list->at[i].bridge = bridge;
		tree->bridge_count++;
	}
}

int tree_grow(struct list *list, struct tree **ret_tree)
{
	struct tree *tree = calloc(1, sizeof(*tree));

	*ret_tree = tree;
	if (!tree)
		return -ENOMEM;
	tree->bridges = calloc(list->count + 1, sizeof(*tree->bridges));
	/* a bus of each bridge, and one more for each function at most */
	tree->buses = calloc(2 * list->count + 1, sizeof(*tree->buses));
	if (!tree->bridges || !tree->buses)
		return -ENOMEM;
	find_bridges(list, tree);
	for (size_t i = 0; i < tree->bridge_count; i++)
		add_bus(tree, &tree->bridges[i], tree->bridges[i].domain,
			tree->bridges[i].secondary);
	for (size_t i = 0; i < list->count; i++)
		hang_entry(tree, &list->at[i]);
	return 0;
}

void tree_free(struct tree *tree)
{
	if (!tree)
		return;
	free(tree->bridges);
	free(tree->buses);
	free(tree);
}

/* The line so far; what was printed of it stands above the next one as blanks and bars. */
struct pen {
	const struct list *list;
	char *line;
	size_t length;
	size_t room;
	bool failed;
};

static void put_text(struct pen *pen, const char *text)
{
	size_t length = strlen(text);

	if (!pen->line || pen->length + length >= pen->room) {
		size_t room = 2 * (pen->room + length + 1);
		char *line = realloc(pen->line, room);

		if (!line) {
			pen->failed = true;
			return;
		}
		pen->line = line;
		pen->room = room;
	}
	memcpy(pen->line + pen->length, text, length);
	pen->length += length;
}

static void put(struct pen *pen, const char *format, ...) __attribute__((format(printf, 2, 3)));
static void put(struct pen *pen, const char *format, ...)
{
	char text[NAME_TEXT + 16];
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(text, sizeof(text), format, arguments);
	va_end(arguments);
	put_text(pen, text);
}

static void end_line(struct pen *pen)
{
	if (pen->length)
		fwrite(pen->line, 1, pen->length, stdout);
	putchar('\n');
	for (size_t i = 0; i < pen->length; i++)
		pen->line[i] = pen->line[i] == '+' || pen->line[i] == '|' ? '|' : ' ';
}

static bool entry_shows(const struct entry *entry);

static bool bus_shows(const struct bus *bus)
{
	for (const struct entry *entry = bus->first; entry; entry = entry->beside)
		if (entry_shows(entry))
			return true;
	return false;
}

static bool bridge_shows(const struct bridge *bridge)
{
	for (const struct bus *bus = bridge->first; bus; bus = bus->next)
		if (bus_shows(bus))
			return true;
	return false;
}

/* It was chosen, or something behind it. */
static bool entry_shows(const struct entry *entry)
{
	if (entry->chosen)
		return true;
	return entry->bridge && bridge_shows(entry->bridge);
}

static void draw_bridge(struct pen *pen, const struct bridge *bridge);

static void draw_entry(struct pen *pen, const struct entry *entry)
{
	const struct bridge *bridge = entry->bridge;
	char name[NAME_TEXT];

	put(pen, "%02x.%x", entry->bdf.device, entry->bdf.function);
	if (bridge) {
		if (bridge->secondary == 0) /* nobody set it up */
			put(pen, "-");
		else if (bridge->secondary == bridge->subordinate)
			put(pen, "-[%02x]-", bridge->secondary);
		else
			put(pen, "-[%02x-%02x]-", bridge->secondary, bridge->subordinate);
		draw_bridge(pen, bridge);
		return;
	}
	if (pen->list->look->verbose)
		put(pen, "  %s",
		    entry->code < 0 ? list_denied(entry->code)
				    : name_of(pen->list->names, NAME_BOTH, &entry->info, name));
	end_line(pen);
}

static void draw_bus(struct pen *pen, const struct bus *bus)
{
	bool alone = bus->first && !bus->first->beside;
	size_t begin = pen->length;

	if (!bus_shows(bus)) {
		end_line(pen);
		return;
	}
	for (const struct entry *entry = bus->first; entry; entry = entry->beside) {
		if (!entry_shows(entry))
			continue;
		pen->length = begin;
		put(pen, alone ? "--" : entry->beside ? "+-" : "\\-");
		draw_entry(pen, entry);
	}
	pen->length = begin;
}

/* A bus without functions is drawn too, unless it's only a selection that leaves none. */
static bool is_hidden(const struct pen *pen, const struct bus *bus)
{
	return (pen->list->look->slot || pen->list->look->id) && !bus_shows(bus);
}

static void draw_bridge(struct pen *pen, const struct bridge *bridge)
{
	const struct bus *shown = bridge->first;
	size_t begin;

	put(pen, "-");
	while (shown && is_hidden(pen, shown))
		shown = shown->next;
	if (!shown) {
		end_line(pen);
		return;
	}
	if (!bridge->first->next) {
		if (!bridge->entry)
			put(pen, "[%04x:%02x]-", shown->domain, shown->number);
		draw_bus(pen, shown);
		return;
	}
	begin = pen->length;
	for (const struct bus *bus = shown; bus; bus = bus->next) {
		if (is_hidden(pen, bus))
			continue;
		pen->length = begin;
		put(pen, "%s[%04x:%02x]-", bus->next ? "+-" : "\\-", bus->domain, bus->number);
		draw_bus(pen, bus);
	}
	pen->length = begin;
}

int tree_print(const struct list *list, const struct tree *tree)
{
	struct pen pen = { .list = list };

	draw_bridge(&pen, &tree->bridges[0]);
	free(pen.line);
	return pen.failed ? -ENOMEM : 0;
}
