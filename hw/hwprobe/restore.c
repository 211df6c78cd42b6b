/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * hwprobe restore: undoes what a program wrote and died over.
 *
 * The document: changes[], as every verb that writes has them, each with its
 * end and error.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "hw/hwprobe/document.h"
#include "hw/hwprobe/policy.h"
#include "hw/hwprobe/spot.h"
#include "hw/hwprobe/verbs.h"

enum { FORCE = WRITE_OPTIONS };
static const struct args_option options[] = {
	ARGS_WRITE_OPTIONS,
	[FORCE] = { "force", 0, NULL, "also what was changed since; policy still decides" },
	{ 0 },
};

/* A register of the journal, and what became of it or would. */
struct one {
	struct hws_restore restore;
	char why[200]; /* of a failure */
};

struct ones {
	struct one *at;
	size_t count;
	bool lost; /* no memory for one of them */
};

static void take_one(const struct hws_restore *restore, void *context)
{
	struct ones *ones = context;
	struct one *more = reallocarray(ones->at, ones->count + 1, sizeof(*more));

	if (!more) {
		ones->lost = true;
		return;
	}
	ones->at = more;
	more[ones->count] = (struct one) { .restore = *restore };
	if (restore->code)
		snprintf(more[ones->count].why, sizeof(more->why), "%s",
			 *hws_why() ? hws_why() : strerror(-restore->code));
	ones->count++;
}

static enum result walk(const struct call *call, struct hws *hw, const char *journal,
			uint32_t flags, struct ones *ones)
{
	int r;

	free(ones->at);
	*ones = (struct ones) { 0 };
	r = hws_txn_restore(hw, journal, flags, take_one, ones);
	return r < 0 || ones->lost ? call_fail_file(call->words[0], r < 0 ? r : -ENOMEM)
				   : RESULT_OK;
}

static struct spot spot_of(const struct hws_restore *restore)
{
	const struct hws_access *a = &restore->access;
	unsigned long long first = a->first;
	struct spot spot = { .place = { .kind = a->kind, .cpu = a->cpu, .width = a->width } };
	char bdf[HWS_BDF_TEXT];

	hws_bdf_format(a->bdf, bdf);
	if (a->kind == HWS_KIND_MSR)
		snprintf(spot.name, sizeof(spot.name), "cpu%u 0x%llx", a->cpu, first);
	else if (a->kind == HWS_KIND_BAR)
		snprintf(spot.name, sizeof(spot.name), "%s:%u+0x%llx", bdf, a->bar, first);
	else
		snprintf(spot.name, sizeof(spot.name), "%s 0x%llx",
			 a->kind == HWS_KIND_PCI ? bdf : hws_kind_name(a->kind), first);
	return spot;
}

static void show_one(const struct one *one, bool dry, struct json_object *array)
{
	static const char *const words[HWS_RESTORES] = {
		[HWS_RESTORED] = "restored",	   [HWS_RESTORED_ALREADY] = "already",
		[HWS_RESTORE_CHANGED] = "changed", [HWS_RESTORE_FAILED] = "failed",
		[HWS_RESTORE_DIFFERS] = "differs",
	};
	const struct hws_restore *restore = &one->restore;
	struct spot spot = spot_of(restore);
	struct effect effect = {
		.has_old = restore->end != HWS_RESTORE_FAILED,
		.old = restore->now,
		.value = restore->access.old,
		.mask = spot_ones(restore->access.width),
		.new = restore->access.old,
		.written = !dry &&
			   (restore->end == HWS_RESTORED || restore->end == HWS_RESTORE_DIFFERS),
	};
	struct json_object *o;

	if (!array && restore->end != HWS_RESTORED)
		return;
	spot_show(&spot, &effect, array);
	if (!array)
		return;
	o = json_object_array_get_idx(array, json_object_array_length(array) - 1);
	put_text(o, "end",
		 dry && restore->end == HWS_RESTORED ? "would-restore" : words[restore->end]);
	put_error(o, restore->code);
}

static void show_all(const struct ones *ones, bool dry, struct json_object *array)
{
	for (size_t i = 0; i < ones->count; i++)
		show_one(&ones->at[i], dry, array);
}

/* Why a register isn't as it was; nothing of one that is. */
static enum result tell_one(const struct one *one)
{
	const struct hws_restore *restore = &one->restore;
	struct spot spot = spot_of(restore);
	unsigned long long now = restore->now;

	if (restore->end == HWS_RESTORE_FAILED) {
		say("%s: %s", spot.name, one->why);
		return (enum result)hws_explain(restore->code, NULL);
	}
	if (restore->end == HWS_RESTORE_CHANGED) {
		say("%s: left alone: somebody else wrote 0x%llx; --force writes it all the same",
		    spot.name, now);
		return RESULT_PARTIAL;
	}
	if (restore->end == HWS_RESTORE_DIFFERS) {
		say("%s: 0x%llx stands there, not 0x%llx", spot.name, now,
		    (unsigned long long)restore->access.old);
		return RESULT_MISMATCH;
	}
	return RESULT_OK;
}

/* One result for all: their common one, or that it is done in part. */
static enum result tell_all(const struct ones *ones)
{
	enum result result = RESULT_OK;

	for (size_t i = 0; i < ones->count; i++) {
		enum result mine = tell_one(&ones->at[i]);

		result = i == 0 || mine == result ? mine : RESULT_PARTIAL;
	}
	return result;
}

static enum result report(const struct call *call, const struct ones *ones, bool dry)
{
	struct json_object *array = call->settings.json ? json_object_new_array() : NULL;

	show_all(ones, dry, array);
	return spots_finish(call, "changes", array, tell_all(ones));
}

static uint32_t danger_of(struct hws *hw, const struct hws_restore *restore)
{
	struct hws_access access = restore->access;
	struct hws_pci_info info = { .size = sizeof(info) };
	char bdf[HWS_BDF_TEXT];

	access.value = access.old;
	access.last = access.first + (access.kind == HWS_KIND_MSR ? 0 : access.width - 1);
	if (access.kind == HWS_KIND_PCI &&
	    hws_pci_get_info(hw, hws_bdf_format(access.bdf, bdf), &info) == 0)
		access.class_code = info.class_code;
	return hws_access_danger(&access);
}

/* On a terminal it is shown first what would be written. */
static enum result ask(const struct call *call, struct hws *hw, const struct ones *ones)
{
	uint32_t dangers = 0;
	size_t count = 0;
	char what[64];

	for (size_t i = 0; i < ones->count; i++)
		if (ones->at[i].restore.end == HWS_RESTORED) {
			dangers |= danger_of(hw, &ones->at[i].restore);
			count++;
		}
	if (!count)
		return RESULT_OK;
	if (!call->given[WRITE_YES].count && !call->settings.json) {
		show_all(ones, true, NULL);
		fflush(stdout);
	}
	snprintf(what, sizeof(what), "write %zu old value%s back", count, count == 1 ? "" : "s");
	return call_may_write(call, what, dangers);
}

static enum result run(const struct call *call, struct hws *hw, const char *journal)
{
	uint32_t flags = call->given[FORCE].count ? HWS_RESTORE_FORCE : 0;
	bool dry = call->given[WRITE_DRY].count;
	struct ones ones = { 0 };
	enum result result = walk(call, hw, journal, flags | HWS_RESTORE_DRY, &ones);

	if (call->given[WRITE_VERIFY].count)
		flags |= HWS_RESTORE_VERIFY;
	if (result == RESULT_OK && !dry)
		result = ask(call, hw, &ones);
	if (result == RESULT_OK && !dry)
		result = walk(call, hw, journal, flags, &ones);
	if (result == RESULT_OK)
		result = report(call, &ones, dry);
	free(ones.at);
	return result;
}

static enum result restore(const struct call *call)
{
	char *journal = path_below(&call->settings, call->words[0]);
	enum result result;
	struct hws *hw;

	if (!journal)
		return call_fail("restore", -ENOMEM);
	result = call_open(call, &hw);
	if (result == RESULT_OK) {
		result = run(call, hw, journal);
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
