/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Attempts to cancel: only a call that a thread is in can't be stopped. */
#include <errno.h>

#include "uring/ring-emulate-internal.h"

int emu_stop(struct emu_op *op, int result)
{
	switch (op->place) {
	case EMU_READY:
	case EMU_WAITING:
	case EMU_TIMED:
		break;
	case EMU_CREW:
		if (!crew_take(op->emu->crew, op))
			return -EALREADY;
		break;
	case EMU_LINKED:
	case EMU_DONE:
	default:
		return -ENOENT;
	}
	emu_end(op, result, 0);
	return 0;
}

/* A limit ends with what it limits, an attempt by itself. */
static bool may_stop(const struct emu_op *op, const struct emu_op *by)
{
	bool any = by->sqe.cancel_flags & IORING_ASYNC_CANCEL_ANY;

	return op->place != EMU_DONE && op->place != EMU_LINKED && !op->limited &&
	       op->sqe.opcode != IORING_OP_ASYNC_CANCEL &&
	       (any || op->sqe.user_data == by->sqe.addr);
}

int64_t emu_cancel(struct emu_op *by, bool block)
{
	struct emu *emu = by->emu;
	bool all = by->sqe.cancel_flags & IORING_ASYNC_CANCEL_ALL;
	struct emu_node *node = emu->all.next;
	int64_t count = 0;
	int r = -ENOENT;

	(void)block;
	while (node != &emu->all) {
		struct emu_op *op = EMU_OP_ALL(node);
		int s;

		node = node->next;
		if (!may_stop(op, by))
			continue;
		s = emu_stop(op, -ECANCELED);
		if (s < 0) {
			r = s;
			continue;
		}
		count++;
		if (!all)
			return 0;
		/* others ended with it: from the start again */
		node = emu->all.next;
	}
	return count ? count : r;
}
