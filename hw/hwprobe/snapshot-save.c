/* SPDX-License-Identifier: GPL-2.0-or-later */
/* hwprobe snapshot save: what registers hold, as far as policy lets them be read. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "hw/hwprobe/sanitize.h"
#include "hw/hwprobe/snapshot.h"
#include "hw/hwprobe/verbs.h"

enum { CPUS, ALL, REGISTERS, SANITIZE };
static const struct args_option options[] = {
	[CPUS] = { "processor", 'p', "CPUS", "MSRs of these: 2, 0-3,8; 0 when not given" },
	[ALL] = { "all", 'a', NULL, "MSRs of all that are online" },
	[REGISTERS] = { "registers", 'R', "NAME", "the description of BARs: a name or a path" },
	[SANITIZE] = ARGS_SANITIZE,
	{ 0 },
};

/* SOURCE_DATE_EPOCH makes documents that can be built again, bit by bit. */
static void put_time(struct json_object *o)
{
	const char *epoch = getenv("SOURCE_DATE_EPOCH");
	time_t seconds = epoch ? (time_t)strtoll(epoch, NULL, 10) : time(NULL);
	struct tm parts;
	char text[32];

	if (gmtime_r(&seconds, &parts) &&
	    strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%SZ", &parts))
		put_text(o, "time", text);
}

static enum result print(const struct call *call, const struct items *items,
			 struct json_object *failed)
{
	struct json_object *o = document(&call->settings);

	put_time(o);
	put(o, "registers", items_json(items));
	put(o, "failed", json_object_get(failed));
	return document_print(o) < 0 ? RESULT_FAILURE : RESULT_OK;
}

/* What could be read is kept, and the rest was told. */
static enum result take_all(const struct call *call, struct taking *taking)
{
	enum result result = RESULT_OK;

	if (call->count == 0)
		result = take_what(taking, "pci=all");
	for (int i = 0; i < call->count && result == RESULT_OK; i++)
		result = take_what(taking, call->words[i]);
	if (result == RESULT_OK && taking->code && !taking->items->count)
		return (enum result)hws_explain(taking->code, NULL);
	if (result == RESULT_OK)
		result = print(call, taking->items, taking->failed);
	return result == RESULT_OK && taking->code ? RESULT_PARTIAL : result;
}

static bool takes_msrs(const struct call *call)
{
	for (int i = 0; i < call->count; i++)
		if (!strncmp(call->words[i], "msr=", 4))
			return true;
	return false;
}

static enum result save(const struct call *call)
{
	struct items items = { 0 };
	struct taking taking = {
		.items = &items,
		.cpus = call->given[ALL].count ? "all" : call->given[CPUS].value,
		.registers = call->given[REGISTERS].value,
		.sanitize = call->given[SANITIZE].count,
	};
	enum result result;

	if (taking.cpus && !takes_msrs(call))
		return args_refuse("--%s: goes with msr=LIST",
				   options[call->given[ALL].count ? ALL : CPUS].name);
	result = call_open(call, &taking.hw);
	if (result != RESULT_OK)
		return result;
	taking.cpus = taking.cpus ? taking.cpus : "0";
	taking.failed = json_object_new_array();
	result = take_all(call, &taking);
	json_object_put(taking.failed);
	items_fini(&items);
	hws_close(taking.hw);
	return result;
}

const struct verb verb_snapshot_save = {
	.area = "snapshot",
	.name = "save",
	.words = "[WHAT...]",
	.help = "registers as JSON: pci=BDF|all bar=BDF:N msr=LIST",
	.options = options,
	.most = ARGS_ANY,
	.run = save,
};
