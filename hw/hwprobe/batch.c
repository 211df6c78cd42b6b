/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * hwprobe batch, hwprobe txn: the steps of a file, checked whole before the
 * first; those of a transaction are undone when one fails. steps.h has the
 * file's format.
 *
 * The document: steps[]: line verb name (of a pause: null) value (read, or
 * written; hex; or null) old (of an update) error (or null); rolled_back, of
 * a transaction. Of a dry run: changes[], as writing verbs have them.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>

#include "hw/hwprobe/document.h"
#include "hw/hwprobe/policy.h"
#include "hw/hwprobe/steps.h"
#include "hw/hwprobe/verbs.h"

enum { GO_ON = WRITE_OPTIONS };
enum { JOURNAL = WRITE_OPTIONS };

static const struct args_option batch_options[] = {
	ARGS_WRITE_OPTIONS,
	[GO_ON] = { "keep-going", 'k', NULL, "also behind a step that fails" },
	{ 0 },
};
static const struct args_option txn_options[] = {
	ARGS_WRITE_OPTIONS,
	[JOURNAL] = { "journal", 0, "FILE", "for hwprobe restore, should this one die" },
	{ 0 },
};

static const char *const verb_names[HWS_STEP_VERBS] = { "rd", "wr", "update", "poll", "pause" };

static bool is_write(const struct hws_step *step)
{
	return step->verb == HWS_STEP_WRITE || step->verb == HWS_STEP_UPDATE;
}

static bool is_read(const struct hws_step *step)
{
	return step->verb == HWS_STEP_READ || step->verb == HWS_STEP_POLL;
}

/* What a step read or wrote, as its spot counts it. */
static uint64_t value_of(const struct stage *stage, const struct hws_step *step)
{
	const struct spot *spot = &stage->change.spot;
	uint64_t bits = spot->mask ? spot->mask : UINT64_MAX;

	return ((is_read(step) ? step->result : step->value) & bits) >> spot->low;
}

static struct json_object *object_of(const struct stage *stage, const struct hws_step *step)
{
	struct json_object *o = json_object_new_object();
	unsigned int digits = 2 * step->place.width;

	put_number(o, "line", stage->line->number);
	put_text(o, "verb", verb_names[step->verb]);
	put_text(o, "name", stage->line->kind ? stage->change.spot.name : NULL);
	put(o, "value", NULL);
	if (step->status == 0 && stage->line->kind)
		put_hex(o, "value", digits, value_of(stage, step));
	if (step->status == 0 && step->verb == HWS_STEP_UPDATE)
		put_hex(o, "old", digits, step->result);
	put_error(o, step->status);
	return o;
}

/* Tells of the first that failed; what it gave. */
static int tell_failure(const struct steps *steps, int code)
{
	for (size_t i = 0; i < steps->count; i++) {
		const struct stage *stage = &steps->stages[i];
		int status = steps->steps[i].status;

		if (status == 0 || status == -ECANCELED)
			continue;
		steps_place(steps, stage->line);
		call_fail(stage->line->kind ? stage->change.spot.name : "pause", status);
		say_place[0] = '\0';
		return status;
	}
	call_fail(steps->file, code);
	return code;
}

static void print_steps(const struct steps *steps)
{
	for (size_t i = 0; i < steps->count; i++)
		if (is_read(&steps->steps[i]) && steps->steps[i].status == 0)
			printf("%s 0x%0*" PRIx64 "\n", steps->stages[i].change.spot.name,
			       2 * (int)steps->steps[i].place.width,
			       value_of(&steps->stages[i], &steps->steps[i]));
}

static enum result report(const struct call *call, const struct steps *steps, bool rolled_back,
			  enum result result)
{
	struct json_object *array;
	struct json_object *o;

	if (!call->settings.json) {
		print_steps(steps);
		return result;
	}
	array = json_object_new_array();
	for (size_t i = 0; i < steps->count; i++)
		json_object_array_add(array, object_of(&steps->stages[i], &steps->steps[i]));
	o = document(&call->settings);
	put(o, "steps", array);
	put(o, "rolled_back", json_object_new_boolean(rolled_back));
	return document_print(o) < 0 ? RESULT_FAILURE : result;
}

/* What each write would change, as things are now. */
static enum result show(const struct call *call, const struct steps *steps)
{
	struct json_object *array = call->settings.json ? json_object_new_array() : NULL;
	enum result result = RESULT_OK;

	for (size_t i = 0; result == RESULT_OK && i < steps->count; i++)
		if (is_write(&steps->steps[i]))
			result = spot_write(call, &steps->stages[i].change, array);
		else if (!array && is_read(&steps->steps[i]))
			printf("%s %s\n", steps->stages[i].change.spot.name,
			       verb_names[steps->steps[i].verb]);
	return spots_finish(call, "changes", array, result);
}

static enum result verify(const struct call *call, const struct steps *steps)
{
	enum result result = RESULT_OK;

	for (size_t i = 0; i < steps->count && call->given[WRITE_VERIFY].count; i++) {
		const struct hws_step *step = &steps->steps[i];
		uint64_t written = step->verb == HWS_STEP_WRITE
					   ? step->value
					   : (step->result & ~step->mask) | step->value;

		if (is_write(step) && step->status == 0 &&
		    spot_verify(&steps->stages[i].change, step->result, written) != RESULT_OK)
			result = RESULT_MISMATCH;
	}
	return result;
}

static enum result run_batch(const struct call *call, struct hws *hw, struct steps *steps)
{
	uint32_t flags = call->given[GO_ON].count ? HWS_BATCH_GO_ON : 0;
	int r = hws_batch_run(steps->steps, (uint32_t)steps->count, flags);
	enum result result = RESULT_OK;
	size_t done = 0;

	(void)hw;
	for (size_t i = 0; i < steps->count; i++)
		done += steps->steps[i].status == 0;
	if (r < 0)
		r = tell_failure(steps, r);
	if (r < 0)
		result = done ? RESULT_PARTIAL : (enum result)hws_explain(r, NULL);
	else
		result = verify(call, steps);
	return report(call, steps, false, result);
}

/* What isn't committed is undone. */
static enum result do_txn(const struct call *call, struct hws_txn *txn, struct steps *steps,
			  bool *ret_undone)
{
	enum result result = RESULT_MISMATCH;
	int closed;
	int r = hws_txn_run(txn, steps->steps, (uint32_t)steps->count);

	if (r < 0)
		tell_failure(steps, r);
	else
		result = verify(call, steps);
	if (result == RESULT_OK) {
		r = hws_txn_commit(txn);
		result = r < 0 ? call_fail("txn", r) : RESULT_OK;
	}
	closed = hws_txn_close(txn);
	if (closed < 0)
		result = call_fail("txn", closed);
	*ret_undone = result != RESULT_OK && r != -ENOTRECOVERABLE && closed != -ENOTRECOVERABLE;
	if (result == RESULT_OK)
		return RESULT_OK;
	if (*ret_undone)
		say("all is as it was before");
	else
		say("not all could be undone%s",
		    call->given[JOURNAL].count ? ": the journal stays, for hwprobe restore" : "");
	return *ret_undone ? result : RESULT_FAILURE;
}

static enum result run_txn(const struct call *call, struct hws *hw, struct steps *steps)
{
	const char *name = call->given[JOURNAL].value;
	char *journal = name ? path_below(&call->settings, name) : NULL;
	bool undone = false;
	enum result result;
	struct hws_txn *txn;
	sigset_t held;
	int r;

	call_hold_signals(&held);
	r = name && !journal ? -ENOMEM : hws_txn_open(hw, journal, &txn);
	result = r < 0 ? call_fail_file("txn", r) : do_txn(call, txn, steps, &undone);
	call_release_signals(&held);
	free(journal);
	return r < 0 ? result : report(call, steps, undone, result);
}

/* Checked whole; then asked; then done. */
static enum result run(const struct call *call, struct hws *hw, struct steps *steps,
		       enum result (*go)(const struct call *, struct hws *, struct steps *))
{
	int r = hws_batch_check(steps->steps, (uint32_t)steps->count);
	enum result result = RESULT_OK;
	char what[SPOT_NAME + 80];

	if (r < 0)
		return (enum result)hws_explain(tell_failure(steps, r), NULL);
	if (call->given[WRITE_DRY].count)
		return show(call, steps);
	snprintf(what, sizeof(what), "run the %zu steps of %.60s, of which %zu write", steps->count,
		 steps->file, steps->writes);
	if (steps->writes)
		result = call_may_write(call, what, steps->dangers);
	return result == RESULT_OK ? go(call, hw, steps) : result;
}

static enum result read_and_run(const struct call *call, bool both,
				enum result (*go)(const struct call *, struct hws *,
						  struct steps *))
{
	struct reach reach = { .call = call };
	struct steps steps = { 0 };
	enum result result = steps_read(call->words[0], &steps);

	if (result == RESULT_OK)
		result = call_open(call, &reach.hw);
	if (result == RESULT_OK)
		result = steps_open(&steps, &reach, both);
	if (result == RESULT_OK)
		result = run(call, reach.hw, &steps, go);
	reach_end(&reach);
	steps_free(&steps);
	return result;
}

static enum result batch(const struct call *call)
{
	bool both = call->given[WRITE_DRY].count || call->given[WRITE_VERIFY].count;

	return read_and_run(call, both, run_batch);
}

/* What is to be undone must be read first. */
static enum result txn(const struct call *call)
{
	return read_and_run(call, true, run_txn);
}

const struct verb verb_batch = {
	.area = "batch",
	.words = "FILE",
	.help = "the steps of a file: rd wr update poll pause",
	.options = batch_options,
	.least = 1,
	.most = 1,
	.run = batch,
};

const struct verb verb_txn = {
	.area = "txn",
	.words = "FILE",
	.help = "the same, all or none: undone when one fails",
	.options = txn_options,
	.least = 1,
	.most = 1,
	.run = txn,
};
