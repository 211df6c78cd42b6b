/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Snapshots of registers as files. What is taken can be written and taken again, and is the same;
 * compared with itself it doesn't differ; and what is shown of it is text that no terminal obeys.
 */
#include <json-c/json.h>
#include <stdlib.h>
#include <string.h>

#include "hw/hwprobe/snapshot.h"
#include "tests/fuzz/fuzz.h"
#include "tests/fuzz/probe.h"

static bool load(const char *name, struct items *items)
{
	enum result result;

	probe_begin();
	result = items_load(probe_file(name), items);
	free(probe_end());
	return result == RESULT_OK;
}

static void check_item(const struct item *item)
{
	const struct hws_access *where = &item->where;
	uint64_t ones = where->width == 8 ? UINT64_MAX : (UINT64_C(1) << 8 * where->width) - 1;

	fuzz_must(where->kind == HWS_KIND_PCI || where->kind == HWS_KIND_BAR ||
		  where->kind == HWS_KIND_MSR);
	fuzz_must(where->kind != HWS_KIND_PCI || hws_range_ok(where->first, where->width, 4096));
	fuzz_must(where->kind != HWS_KIND_BAR || where->bar < 6);
	fuzz_must(where->width == 1 || where->width == 2 || where->width == 4 || where->width == 8);
	fuzz_must(!((item->value | item->writable | item->clears) & ~ones));
	fuzz_must(item->name[0] && probe_is_plain(item->name) && !strchr(item->name, '\n'));
}

static bool are_distinct(const struct items *items)
{
	for (size_t i = 0; i < items->count; i++)
		for (size_t k = 0; k < i; k++)
			if (item_same_place(&items->at[i], &items->at[k]))
				return false;
	return true;
}

static void round_trip(const struct items *items)
{
	struct json_object *o = json_object_new_object();
	struct items again = { 0 };
	const char *text;

	json_object_object_add(o, "schema_version", json_object_new_int(1));
	json_object_object_add(o, "registers", items_json(items));
	text = json_object_to_json_string(o);
	fuzz_write("again", text, strlen(text));
	fuzz_must(load("again", &again) && again.count == items->count);
	for (size_t i = 0; i < items->count; i++) {
		const struct item *a = &items->at[i];
		const struct item *b = &again.at[i];

		fuzz_must(item_same_place(a, b) && !strcmp(a->name, b->name));
		fuzz_must(a->value == b->value && a->writable == b->writable &&
			  a->clears == b->clears && a->where.vendor == b->where.vendor &&
			  a->where.device == b->where.device);
	}
	items_fini(&again);
	json_object_put(o);
}

/* A verb of snapshot, on one file or two. */
static char *run(const char *verb, const char *option, const char *second, bool json,
		 enum result *ret_result)
{
	struct probe probe = { .count = 0 };
	char *text;

	probe_add(&probe, "--sim");
	probe_add(&probe, "--grant");
	probe_add(&probe, "pci = *, config rw danger claimed");
	probe_add(&probe, "--grant");
	probe_add(&probe, "bar = * * rw danger claimed");
	probe_add(&probe, "snapshot");
	probe_add(&probe, verb);
	if (option)
		probe_add(&probe, option);
	if (json)
		probe_add(&probe, "--json");
	probe_add(&probe, probe_file("snapshot"));
	if (second)
		probe_add(&probe, probe_file(second));
	*ret_result = probe_run(&probe, &text);
	fuzz_must(probe_is_plain(text));
	return text;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fuzz input = { data, size };
	uint64_t how = fuzz_number(&input, 1);
	struct items items = { 0 };
	bool distinct;
	size_t length;
	char *first = fuzz_text(&input, &length);
	enum result result;
	char *text;

	fuzz_write("snapshot", first, length);
	free(first);
	first = fuzz_text(&input, &length);
	fuzz_write("other", first, length);
	free(first);
	if (!load("snapshot", &items)) {
		items_fini(&items);
		return 0;
	}
	for (size_t i = 0; i < items.count; i++)
		check_item(&items.at[i]);
	round_trip(&items);
	distinct = are_distinct(&items);
	items_fini(&items);
	text = run("diff", NULL, "snapshot", false, &result);
	fuzz_must(!distinct || (result == RESULT_OK && !*text));
	free(text);
	free(run("diff", NULL, how & 1 ? "other" : NULL, how & 2, &result));
	free(run("restore", how & 4 ? "--yes" : "--dry-run", NULL, how & 2, &result));
	return 0;
}
