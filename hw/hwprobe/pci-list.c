/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "hw/hwprobe/pci-list.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "hw/hwprobe/args.h"
#include "hw/hwprobe/modules.h"
#include "hw/hwprobe/sanitize.h"

static int append(struct list *list, const struct entry *entry)
{
	/* room doubles at each power of two */
	if ((list->count & (list->count - 1)) == 0) {
		size_t room = list->count ? 2 * list->count : 1;
		struct entry *at = realloc(list->at, room * sizeof(*at));

		if (!at)
			return -ENOMEM;
		list->at = at;
	}
	list->domains |= entry->bdf.domain != 0;
	list->chosen += entry->chosen;
	list->at[list->count++] = *entry;
	return 0;
}

/* Trees and paths need what isn't chosen too. */
static bool is_wanted(const struct list *list, const struct entry *entry)
{
	return entry->chosen || list->look->tree || list->look->paths;
}

static int gather_machine(struct list *list, const struct selection *selection)
{
	struct entry entry = { 0 };
	char text[HWS_BDF_TEXT];
	int r;

	for (r = hws_pci_next(list->hw, NULL, &entry.bdf); r == 0;
	     r = hws_pci_next(list->hw, &entry.bdf, &entry.bdf)) {
		entry.info = (struct hws_pci_info) { .size = sizeof(entry.info) };
		entry.chosen = select_slot(selection, &entry.bdf);
		list->domains |= entry.bdf.domain != 0;
		if (!is_wanted(list, &entry))
			continue;
		entry.code =
			hws_pci_get_info(list->hw, hws_bdf_format(entry.bdf, text), &entry.info);
		/* what can't be read is listed all the same, unless it was asked for by number */
		if (entry.code == 0 ? !select_id(selection, &entry.info) : list->look->id != NULL)
			entry.chosen = false;
		r = is_wanted(list, &entry) ? append(list, &entry) : 0;
		if (r < 0)
			return r;
	}
	return r == -ENOENT ? 0 : r;
}

static int gather_dump(struct list *list, const struct selection *selection)
{
	int r = 0;

	for (size_t i = 0; i < list->dump.count && r == 0; i++) {
		const struct dump_function *f = &list->dump.at[i];
		struct entry entry = { .bdf = f->bdf, .info = f->info, .dumped = f };

		entry.chosen = select_slot(selection, &f->bdf) && select_id(selection, &f->info);
		list->domains |= f->bdf.domain != 0;
		if (is_wanted(list, &entry))
			r = append(list, &entry);
	}
	return r;
}

static enum result open_source(const struct settings *settings, struct list *list)
{
	const struct call call = { .settings = *settings };

	if (!list->look->file)
		return call_open(&call, &list->hw);
	if (settings->sim || settings->sysroot)
		return args_refuse("-F and --%s are two machines: give one of them",
				   settings->sim ? "sim" : "sysroot");
	return dump_read(list->look->file, &list->dump);
}

enum result list_open(const struct settings *settings, const struct look *look, struct list *list)
{
	struct selection selection;
	enum result result;
	int r;

	*list = (struct list) { .look = look };
	if (!select_parse(look->slot, look->id, &selection))
		return RESULT_USAGE;
	result = open_source(settings, list);
	if (result != RESULT_OK)
		return result;
	/* what the kernel says of real functions is not for others */
	list->kernel = !look->file && !settings->sim;
	if (list->kernel && (look->kernel || (look->verbose && !look->machine)))
		list->modules = modules_read(settings->sysroot);
	list->names = names_open(look->naming, settings->sysroot);
	r = !list->names ? -ENOMEM
	    : list->hw	 ? gather_machine(list, &selection)
			 : gather_dump(list, &selection);
	return r < 0 ? call_fail("pci", r) : RESULT_OK;
}

void list_close(struct list *list)
{
	names_close(list->names);
	free(list->modules);
	free(list->at);
	dump_fini(&list->dump);
	hws_close(list->hw);
}

static int read_dumped(const struct dump_function *f, uint32_t size, uint8_t bytes[CONFIG_SIZE])
{
	uint32_t n = size < f->size ? size : f->size;

	memcpy(bytes, f->bytes, n);
	return (int)n;
}

static int read_asked(const struct list *list, const struct entry *entry, uint32_t size,
		      uint8_t bytes[CONFIG_SIZE])
{
	struct hws_pci *pci;
	char text[HWS_BDF_TEXT];
	uint32_t n = 0;
	int r;

	/*
	 * The guard is for what never ends. Of each function so much is read and
	 * no more, however many there are: each has the whole count.
	 */
	r = hws_guard_rearm(list->hw, HWS_GUARD_PCI);
	r = r < 0 ? r
		  : hws_pci_open(list->hw, hws_bdf_format(entry->bdf, text), 0, size, HWS_R, &pci);
	if (r < 0)
		return r;
	for (; n < size && r == 0; n += r == 0 ? 4 : 0) {
		uint32_t value;

		r = hws_pci_read32(pci, n, &value);
		for (unsigned int i = 0; r == 0 && i < 4; i++)
			bytes[n + i] = (uint8_t)(value >> 8 * i);
	}
	/* a limit of the library's own, or the helper's, looks like no end of the space */
	if (r == -EDQUOT)
		call_fail(text, r);
	hws_pci_close(pci);
	return n ? (int)n : r;
}

int list_config(const struct list *list, const struct entry *entry, uint32_t size,
		uint8_t bytes[CONFIG_SIZE])
{
	int n = entry->dumped ? read_dumped(entry->dumped, size, bytes)
			      : read_asked(list, entry, size, bytes);

	if (n > 0 && list->look->sanitize)
		sanitize_config(bytes, (uint32_t)n);
	return n;
}

enum result list_show(struct list *list)
{
	struct tree *tree = NULL;
	int r = 0;

	if (list->look->tree || list->look->paths)
		r = tree_grow(list, &tree);
	if (r == 0 && list->look->tree)
		r = tree_print(list, tree);
	else if (r == 0)
		list_print(list);
	tree_free(tree);
	if (list->blind)
		say("what is behind bridges is not all known: %s", list->why);
	return r < 0 ? call_fail("pci", r) : RESULT_OK;
}
