/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "hw/txn.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "hw/batch-internal.h"
#include "hw/journal-internal.h"
#include "shim/sys-internal.h"
#include "shim/why-internal.h"

/* What stood at a place before it was written. */
struct undo {
	struct hws_place place;
	uint64_t old;
};

struct hws_txn {
	struct hws *hw; /* referenced */
	int pid;	/* a child of fork() only frees it */
	struct journal journal;
	bool stays; /* the journal: it alone has what could not be undone */
	bool told;  /* the back end knows of it */
	struct undo *undos;
	uint32_t count;
	uint32_t room;
};

int hws_txn_open(struct hws *hw, const char *journal, struct hws_txn **ret_txn)
{
	struct hws_txn *txn = calloc(1, sizeof(*txn));
	int r = 0;

	if (!txn)
		return why(-ENOMEM, "no memory for a transaction");
	txn->journal = JOURNAL_NONE;
	if (journal)
		r = journal_make(&txn->journal, journal);
	if (r < 0) {
		free(txn);
		return r;
	}
	txn->hw = context_ref(hw);
	txn->pid = sys_pid();
	*ret_txn = txn;
	return 0;
}

static int mine(const struct hws_txn *txn)
{
	return txn->pid == sys_pid() ? 0
				     : why(-ECHILD, "the transaction is the parent's: a child of "
						    "fork() begins its own");
}

/* Room for @more undos, before anything is written. */
static int make_room(struct hws_txn *txn, uint32_t more)
{
	uint64_t wanted = (uint64_t)txn->count + more;
	struct undo *undos;

	if (wanted <= txn->room)
		return 0;
	undos = wanted > UINT32_MAX ? NULL
				    : reallocarray(txn->undos, (size_t)wanted, sizeof(*undos));
	if (!undos)
		return why(-ENOMEM, "no memory for what stood there before");
	txn->undos = undos;
	txn->room = (uint32_t)wanted;
	return 0;
}

/* The register as the journal names it. */
static int note(struct hws_txn *txn, const struct place *place, uint64_t old, uint64_t value)
{
	struct hws_access access = place->gate->window;

	access.first += place->one.offset;
	access.width = place->one.width;
	access.cpu = place->one.cpu;
	access.old = old;
	access.value = value;
	return journal_add(&txn->journal, &access);
}

/* Keeps what stands there; then the step is done. */
static int write_step(struct hws_txn *txn, struct hws_step *step)
{
	struct place place;
	uint64_t old;
	uint64_t value;
	int r = place_find(&step->place, &place);

	r = r < 0 ? r : place_read(&place, &old);
	if (r < 0)
		return r;
	value = step->verb == HWS_STEP_WRITE ? step->value : (old & ~step->mask) | step->value;
	r = note(txn, &place, old, value);
	if (r < 0)
		return r;
	txn->undos[txn->count++] = (struct undo) { step->place, old };
	return step_do(step);
}

static int do_step(struct hws_txn *txn, struct hws_step *step)
{
	int r = step_writes(step) ? write_step(txn, step) : step_do(step);

	step->status = r;
	return r;
}

static int write_back(const struct undo *undo)
{
	struct place place;
	uint64_t now;
	int r = place_find(&undo->place, &place);

	if (r < 0)
		return r;
	r = place_write(&place, undo->old);
	/* the write that is to be undone may have failed as this one does, and changed nothing */
	return r < 0 && place_read(&place, &now) == 0 && now == undo->old ? 0 : r;
}

/* Writes back all but the first @keep; how many could not be. */
static uint32_t undo_to(struct hws_txn *txn, uint32_t keep)
{
	uint32_t failed = 0;

	while (txn->count > keep) {
		if (write_back(&txn->undos[--txn->count]) < 0)
			failed++;
	}
	return failed;
}

/* What hws_why() said of the step is said again after undoing, which may have said else. */
static int fail(struct hws_txn *txn, uint32_t keep, int r)
{
	char said[256];
	uint32_t failed;

	snprintf(said, sizeof(said), "%s", hws_why());
	failed = undo_to(txn, keep);
	if (!failed)
		return why(r, "%s", said);
	txn->stays = true;
	return why(-ENOTRECOVERABLE,
		   "%u registers could not be written back (%s), after a step failed: %s", failed,
		   hws_why(), said);
}

/* A register that is written must be readable: its old value is kept. */
static int check(struct hws_step *steps, uint32_t count)
{
	int r = hws_batch_check(steps, count);

	for (uint32_t i = 0; i < count && r == 0; i++) {
		struct place place;

		if (!step_writes(&steps[i]))
			continue;
		r = place_find(&steps[i].place, &place);
		if (r == 0)
			r = face_check(place.gate, place.face, GATE_READ, &place.one);
		steps[i].status = r;
	}
	return r;
}

/* A back end that outlives this process undoes what it wrote, should it die. */
static int tell(struct hws_txn *txn, bool begin)
{
	struct hws_shim *shim = &txn->hw->shim;
	int r = txn->told == begin ? 0 : shim_ops(shim)->txn(shim->self, begin);

	if (r == 0)
		txn->told = begin;
	return r;
}

int hws_txn_run(struct hws_txn *txn, struct hws_step *steps, uint32_t count)
{
	uint32_t keep = txn->count;
	int r = mine(txn);

	if (r == 0)
		r = check(steps, count);
	if (r == 0)
		r = make_room(txn, count);
	if (r == 0)
		r = tell(txn, true);
	if (r < 0)
		return steps_refused(steps, count, r);
	for (uint32_t i = 0; i < count; i++)
		steps[i].status = -ECANCELED;
	for (uint32_t i = 0; i < count && r == 0; i++)
		r = do_step(txn, &steps[i]);
	return r < 0 ? fail(txn, keep, r) : 0;
}

/* Of a transaction that is over; where it can't be removed it is as before. */
static int end_journal(struct hws_txn *txn)
{
	if (!txn->stays)
		return journal_remove(&txn->journal);
	journal_close(&txn->journal);
	return 0;
}

int hws_txn_commit(struct hws_txn *txn)
{
	int r = mine(txn);

	if (r < 0)
		return r;
	r = tell(txn, false);
	/* as long as there is a journal it may all be undone: then nothing is committed */
	if (r == 0)
		r = end_journal(txn);
	if (r == 0)
		txn->count = 0;
	return r;
}

int hws_txn_undo(struct hws_txn *txn)
{
	uint32_t failed;
	int r = mine(txn);

	if (r < 0)
		return r;
	failed = undo_to(txn, 0);
	if (failed == 0) {
		r = tell(txn, false);
		return r < 0 ? r : end_journal(txn);
	}
	journal_close(&txn->journal);
	return why(-ENOTRECOVERABLE, "%u registers could not be written back: %s", failed,
		   hws_why());
}

int hws_txn_close(struct hws_txn *txn)
{
	int r;

	if (!txn)
		return 0;
	r = hws_txn_undo(txn);
	journal_close(&txn->journal);
	context_unref(txn->hw);
	free(txn->undos);
	free(txn);
	return r;
}
