/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Transactions: all steps, or as if there had been none.
 *
 *	struct hws_txn *txn;
 *
 *	r = hws_txn_open(hw, "/run/fan/journal", &txn);
 *	r = hws_txn_run(txn, steps, count);        all done, or what was done is undone
 *	r = hws_txn_commit(txn);                   that's how it stays
 *	hws_txn_close(txn);                        without the commit: undone, too
 *
 * Before a register is written it is read, so the handle needs both rights, and the register must
 * give back what was written. Undoing writes the old values back, last first, and touches no other
 * register. What the hardware did in between is not undone.
 *
 * With a journal, what a process wrote can be restored after its death: hws_txn_restore().
 */
#ifndef HWSAFE_HW_TXN_H
#define HWSAFE_HW_TXN_H

#include "batch.h"

HWS_BEGIN_DECLS

/** struct hws_txn - a transaction; it belongs to one thread at a time. */
struct hws_txn;

/**
 * hws_txn_open() - begin a transaction.
 * @hw: borrowed
 * @journal: borrowed; a file to make, which must not exist; NULL: none
 * @ret_txn: out; for hws_txn_close(); untouched on failure
 *
 * Return: 0; -EEXIST the journal is there: another transaction's, or a dead one's that waits to be
 * restored; -EACCES and whatever else the file system says; -ENOMEM.
 */
HWS_API HWS_MUST int hws_txn_open(struct hws *hw, const char *journal, struct hws_txn **ret_txn);

/**
 * hws_txn_run() - check all steps, then do them; when one fails, undo those before it.
 * @txn: borrowed
 * @steps: borrowed; filled with how each went; their handles stay open until the transaction ends
 * @count: how many
 *
 * Safety: WRITES. As the kinds' own functions do, and once more when it is undone.
 *
 * Return: 0; the status of the step that failed: all is as before this call;
 * -ENOTRECOVERABLE it is not, for undoing failed, too: hws_why() says where, and the journal
 * stays; -EINVAL; -ENOMEM; what writing the journal gave.
 */
HWS_API HWS_MUST int hws_txn_run(struct hws_txn *txn, struct hws_step *steps, uint32_t count);

/**
 * hws_txn_commit() - keep all that was written, and remove the journal.
 * @txn: borrowed; as if just opened, without a journal
 *
 * Return: 0, or why the journal could not be removed: then nothing is committed yet, and it can be
 * tried again.
 */
HWS_API HWS_MUST int hws_txn_commit(struct hws_txn *txn);

/**
 * hws_txn_undo() - undo all that was written, and remove the journal.
 * @txn: borrowed; as if just opened, without a journal
 *
 * Return: 0; -ENOTRECOVERABLE some could not be written back: they were passed over, and the
 * journal stays; or why the journal could not be removed, when all was written back.
 */
HWS_API HWS_MUST int hws_txn_undo(struct hws_txn *txn);

/**
 * hws_txn_close() - end a transaction; what isn't committed is undone.
 * @txn: taken; NULL is fine
 *
 * Return: 0, or as hws_txn_undo().
 */
HWS_API int hws_txn_close(struct hws_txn *txn);

/** enum hws_restored - what became of one register. */
enum hws_restored {
	HWS_RESTORED = 0,     /* the old value stands there again */
	HWS_RESTORED_ALREADY, /* it did all the time: the write never came */
	HWS_RESTORE_CHANGED,  /* something else was written since: left alone */
	HWS_RESTORE_FAILED,
	HWS_RESTORE_DIFFERS, /* it was written, and something else stands there now */
	HWS_RESTORES	     /* how many */
};

/** struct hws_restore - one register that a dead process wrote. */
struct hws_restore {
	struct hws_access
		access; /* which; its value is what was written, its old what was before */
	enum hws_restored end;
	int code; /* of a failure */
	uint64_t
		now; /* what stood there, if it could be read; with HWS_RESTORE_DIFFERS what does */
};

/** hws_restore_fn - takes the report of one register, which is gone after the call. */
typedef void hws_restore_fn(const struct hws_restore *one, void *context);

/** enum hws_restore_flags - how to restore. Values combine. */
enum hws_restore_flags {
	HWS_RESTORE_DRY = 1,	/* say what would be done, and do nothing */
	HWS_RESTORE_FORCE = 2,	/* also what something else was written to since */
	HWS_RESTORE_VERIFY = 4, /* read back what was written */
};

/**
 * hws_txn_restore() - undo what a process wrote and died over.
 * @hw: borrowed
 * @journal: borrowed; the file; removed when all is restored
 * @flags: enum hws_restore_flags
 * @report: called for each register, last one first; may be NULL
 * @context: borrowed; for @report
 *
 * The journal is read whole before anything is written; its last line may be cut off. It must
 * belong to this user or to root, and be writable by nobody else. Policy is asked as for any
 * other write.
 *
 * Safety: WRITES. Old values, to the registers that the journal names.
 *
 * Return: how many registers were not restored; -EBUSY its process is still alive; -EBADMSG it is
 * no journal, or damaged: hws_why() has the line; -ESTALE it is of another start of the machine;
 * -EACCES it isn't to be trusted; -ENOENT.
 */
HWS_API HWS_MUST int hws_txn_restore(struct hws *hw, const char *journal, uint32_t flags,
				     hws_restore_fn *report, void *context);

HWS_END_DECLS

#endif
