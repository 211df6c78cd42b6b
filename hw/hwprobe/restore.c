/* SPDX-License-Identifier: GPL-2.0-or-later */
/* hwprobe restore: undoes what a program wrote and died over. */
#include <errno.h>
#include <stdlib.h>

#include "hw/hwprobe/document.h"
#include "hw/hwprobe/policy.h"
#include "hw/hwprobe/verbs.h"

enum { FORCE = WRITE_VERIFY };
static const struct args_option options[] = {
	[WRITE_YES] = { "yes", 'y', NULL, "write without asking" },
	[WRITE_DRY] = { "dry-run", 'n', NULL, "only show what would be written" },
	[FORCE] = { "force", 0, NULL, "also what was changed since; policy still decides" },
	{ 0 },
};

struct report_to {
	struct json_object *array; /* NULL: text */
	bool dry;
};

static const char *const words[HWS_RESTORES] = {
	[HWS_RESTORED] = "restored",
	[HWS_RESTORED_ALREADY] = "already",
	[HWS_RESTORE_CHANGED] = "changed",
	[HWS_RESTORE_FAILED] = "failed",
};

static const char *word_of(const struct hws_restore *one, bool dry)
{
	return dry && one->end == HWS_RESTORED ? "would-restore" : words[one->end];
}

static void print_one(const struct hws_restore *one, bool dry)
{
	const struct hws_access *a = &one->access;
	char bdf[HWS_BDF_TEXT];

	printf("%-13s %s", word_of(one, dry), hws_kind_name(a->kind));
	if (a->kind == HWS_KIND_PCI || a->kind == HWS_KIND_BAR)
		printf(" %s", hws_bdf_format(a->bdf, bdf));
	if (a->kind == HWS_KIND_BAR)
		printf(" BAR %u", a->bar);
	if (a->kind == HWS_KIND_MSR)
		printf(" CPU %u", a->cpu);
	printf(" 0x%llx 0x%llx->0x%llx", (unsigned long long)a->first,
	       (unsigned long long)(one->end == HWS_RESTORE_FAILED ? a->value : one->now),
	       (unsigned long long)a->old);
	printf("%s%s\n", one->code ? " " : "", one->code ? strerrorname_np(-one->code) : "");
}

static struct json_object *object_of(const struct hws_restore *one, bool dry)
{
	struct json_object *o = json_object_new_object();
	const struct hws_access *a = &one->access;
	char bdf[HWS_BDF_TEXT];

	put_text(o, "end", word_of(one, dry));
	put_error(o, one->code);
	put_text(o, "kind", hws_kind_name(a->kind));
	put_text(o, "address", hws_bdf_format(a->bdf, bdf));
	put_number(o, "bar", a->bar);
	put_number(o, "cpu", a->cpu);
	put_hex(o, "first", 1, a->first);
	put_number(o, "width", a->width);
	put_hex(o, "written", 1, a->value);
	put_hex(o, "old", 1, a->old);
	put_hex(o, "now", 1, one->now);
	return o;
}

static void take_one(const struct hws_restore *one, void *context)
{
	struct report_to *to = context;

	if (to->array)
		json_object_array_add(to->array, object_of(one, to->dry));
	else
		print_one(one, to->dry);
}

/* Some were not restored: that is done in part. */
static enum result run(const struct call *call, struct hws *hw, const char *journal, uint32_t flags)
{
	struct report_to to = { .dry = flags & HWS_RESTORE_DRY };
	struct json_object *o;
	int r;

	if (call->settings.json)
		to.array = json_object_new_array();
	r = hws_txn_restore(hw, journal, flags, take_one, &to);
	if (r < 0) {
		json_object_put(to.array);
		return call_fail(call->words[0], r);
	}
	if (to.array) {
		o = document(&call->settings);
		put(o, "dry_run", json_object_new_boolean(to.dry));
		put_number(o, "not_restored", (uint64_t)r);
		put(o, "registers", to.array);
		if (document_print(o) < 0)
			return RESULT_FAILURE;
	}
	return r ? RESULT_PARTIAL : RESULT_OK;
}

/* Without --yes it is shown first what would be written, and then asked. */
static enum result ask_and_run(const struct call *call, struct hws *hw, const char *journal,
			       uint32_t flags)
{
	enum result result;

	if (!call->given[WRITE_YES].count) {
		if (!call->settings.json) {
			result = run(call, hw, journal, flags | HWS_RESTORE_DRY);
			if (result != RESULT_OK && result != RESULT_PARTIAL)
				return result;
			fflush(stdout);
		}
		result = call_confirm(call, "write these old values");
		if (result != RESULT_OK)
			return result;
	}
	return run(call, hw, journal, flags);
}

static enum result restore(const struct call *call)
{
	char *journal = path_below(&call->settings, call->words[0]);
	uint32_t flags = call->given[FORCE].count ? HWS_RESTORE_FORCE : 0;
	struct hws *hw;
	enum result result = journal ? call_open(call, &hw) : call_fail("restore", -ENOMEM);

	if (result == RESULT_OK) {
		if (call->given[WRITE_DRY].count)
			result = run(call, hw, journal, flags | HWS_RESTORE_DRY);
		else
			result = ask_and_run(call, hw, journal, flags);
		hws_close(hw);
	}
	free(journal);
	return result;
}

const struct verb verb_restore = {
	.area = "restore",
	.words = "JOURNAL",
	.help = "undo what a program wrote and died over",
	.options = options,
	.least = 1,
	.most = 1,
	.run = restore,
};
