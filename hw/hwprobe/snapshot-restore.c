/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * hwprobe snapshot restore: writes back what differs, all of it or nothing.
 *
 * The document: changes[], as every verb that writes has them.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "hw/hwprobe/snapshot.h"
#include "hw/hwprobe/spot.h"
#include "hw/hwprobe/verbs.h"

static const struct args_option options[] = { ARGS_WRITE_OPTIONS, { 0 } };

/* One register that is to be written. */
struct rewrite {
	const struct item *item;
	struct held held;
	uint64_t now;
	uint64_t new;
};

struct rewrites {
	struct rewrite *at;
	size_t count;
};

static bool differs(const struct item *item, uint64_t now)
{
	return (now ^ item->value) & item->writable;
}

/* The saved bits where they may be written; a one is not written where it would clear. */
static uint64_t merged(const struct item *item, uint64_t now)
{
	return ((now & ~item->writable) | (item->value & item->writable)) & ~item->clears;
}

static enum result fail(const struct item *item, int code)
{
	char label[ITEM_LABEL];

	return call_fail(item_label(item, label), code);
}

/* Only what differs is opened for writing, each register by itself: no more right is needed. */
static enum result find_all(struct hws *hw, const struct items *items, struct rewrites *rewrites,
			    uint32_t rights)
{
	rewrites->at = calloc(items->count + 1, sizeof(*rewrites->at));
	if (!rewrites->at)
		return call_fail("snapshot", -ENOMEM);
	for (size_t i = 0; i < items->count; i++) {
		struct rewrite *one = &rewrites->at[rewrites->count];
		int r = items->at[i].writable ? item_read(hw, &items->at[i], &one->now) : 0;

		if (r < 0)
			return fail(&items->at[i], r);
		if (!items->at[i].writable || !differs(&items->at[i], one->now))
			continue;
		one->item = &items->at[i];
		one->new = merged(one->item, one->now);
		r = held_open(hw, one->item, rights, &one->held);
		if (r < 0)
			return fail(one->item, r);
		rewrites->count++;
	}
	return RESULT_OK;
}

static void rewrites_fini(struct rewrites *rewrites)
{
	for (size_t i = 0; i < rewrites->count; i++)
		held_close(&rewrites->at[i].held);
	free(rewrites->at);
}

static void show_all(const struct rewrites *rewrites, bool written, struct json_object *array)
{
	for (size_t i = 0; i < rewrites->count; i++) {
		const struct rewrite *one = &rewrites->at[i];
		struct spot spot = { .place = one->held.place };
		struct effect effect = {
			.has_old = true,
			.old = one->now,
			.value = one->item->value & one->item->writable,
			.mask = one->item->writable,
			.new = one->new,
			.written = written,
		};
		char label[ITEM_LABEL];

		snprintf(spot.name, sizeof(spot.name), "%.79s", item_label(one->item, label));
		spot_show(&spot, &effect, array);
	}
}

static enum result verify(const struct rewrites *rewrites)
{
	for (size_t i = 0; i < rewrites->count; i++) {
		const struct rewrite *one = &rewrites->at[i];
		char label[ITEM_LABEL];
		uint64_t value;
		int r = held_read(&one->held, &value);

		if (r < 0)
			return fail(one->item, r);
		if (!differs(one->item, value))
			continue;
		say("%s: 0x%" PRIx64 " stands there, not 0x%" PRIx64, item_label(one->item, label),
		    value & one->item->writable, one->item->value & one->item->writable);
		return RESULT_MISMATCH;
	}
	return RESULT_OK;
}

/* Which step it was that the transaction ended with. */
static const struct item *guilty(const struct rewrites *rewrites, const struct hws_step *steps)
{
	for (size_t i = 0; i < rewrites->count; i++)
		if (steps[i].status < 0 && steps[i].status != -ECANCELED)
			return rewrites->at[i].item;
	return rewrites->at[0].item;
}

/* @ran: what running it gave, which may have been that it could not be undone. */
static enum result undo(struct hws_txn *txn, int ran, enum result result)
{
	int r = hws_txn_close(txn);

	if (r < 0)
		return call_fail("undoing what was written", r);
	say("%s", ran == -ENOTRECOVERABLE ? "not all could be undone" : "all is as it was before");
	return result;
}

static enum result write_steps(const struct call *call, struct hws *hw,
			       const struct rewrites *rewrites, struct hws_step *steps)
{
	enum result result = RESULT_OK;
	struct hws_txn *txn;
	int r = hws_txn_open(hw, NULL, &txn);

	if (r < 0)
		return call_fail("snapshot", r);
	for (size_t i = 0; i < rewrites->count; i++)
		steps[i] = hws_step_write(rewrites->at[i].held.place, rewrites->at[i].new);
	r = hws_txn_run(txn, steps, (uint32_t)rewrites->count);
	if (r < 0)
		return undo(txn, r, fail(guilty(rewrites, steps), r));
	if (call->given[WRITE_VERIFY].count)
		result = verify(rewrites);
	if (result != RESULT_OK)
		return undo(txn, 0, result);
	r = hws_txn_commit(txn);
	if (r < 0)
		return undo(txn, r, call_fail("snapshot", r));
	(void)!hws_txn_close(txn);
	return RESULT_OK;
}

static enum result write_all(const struct call *call, struct hws *hw,
			     const struct rewrites *rewrites)
{
	struct hws_step *steps;
	enum result result;
	sigset_t held;

	if (rewrites->count > HWS_BATCH_STEPS)
		return args_refuse("%zu registers differ: at most %d are restored at once",
				   rewrites->count, HWS_BATCH_STEPS);
	steps = calloc(rewrites->count + 1, sizeof(*steps));
	if (!steps)
		return call_fail("snapshot", -ENOMEM);
	call_hold_signals(&held);
	result = rewrites->count ? write_steps(call, hw, rewrites, steps) : RESULT_OK;
	call_release_signals(&held);
	free(steps);
	return result;
}

/* On a terminal what would be written is shown before it is asked for. */
static enum result ask(const struct call *call, const struct rewrites *rewrites)
{
	uint32_t dangers = 0;
	char what[64];

	if (!rewrites->count)
		return RESULT_OK;
	for (size_t i = 0; i < rewrites->count; i++)
		dangers |= spot_danger(&rewrites->at[i].held.place, true, rewrites->at[i].new);
	if (!call->given[WRITE_YES].count && !call->settings.json) {
		show_all(rewrites, false, NULL);
		fflush(stdout);
	}
	snprintf(what, sizeof(what), "write %zu register%s back", rewrites->count,
		 rewrites->count == 1 ? "" : "s");
	return call_may_write(call, what, dangers);
}

static enum result run(const struct call *call, struct hws *hw, const struct items *items)
{
	bool dry = call->given[WRITE_DRY].count;
	struct json_object *array = call->settings.json ? json_object_new_array() : NULL;
	struct rewrites rewrites = { 0 };
	enum result result = find_all(hw, items, &rewrites, dry ? HWS_R : HWS_RW);

	if (result == RESULT_OK && !dry)
		result = ask(call, &rewrites);
	if (result == RESULT_OK && !dry)
		result = write_all(call, hw, &rewrites);
	if (result == RESULT_OK) {
		show_all(&rewrites, !dry, array);
		result = spots_finish(call, "changes", array, result);
	} else {
		json_object_put(array);
	}
	rewrites_fini(&rewrites);
	return result;
}

static enum result restore(const struct call *call)
{
	struct items items = { 0 };
	struct hws *hw = NULL;
	enum result result = items_load(call->words[0], &items);

	if (result == RESULT_OK)
		result = call_open(call, &hw);
	if (result == RESULT_OK)
		result = items_same_devices(hw, &items);
	if (result == RESULT_OK)
		result = run(call, hw, &items);
	items_fini(&items);
	hws_close(hw);
	return result;
}

const struct verb verb_snapshot_restore = {
	.area = "snapshot",
	.name = "restore",
	.words = "FILE",
	.help = "write back what differs, all of it or nothing",
	.options = options,
	.least = 1,
	.most = 1,
	.run = restore,
};
