/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Many registers at once: the whole is checked, then it is done. */
#include <errno.h>
#include <string.h>

#include "hw/msr-internal.h"
#include "shim/why-internal.h"

/* How many of the operations from @i on are the same processor's, and lie in the gate's window. */
static size_t run_length(const struct gate *gate, const struct hws_msr_op *ops, size_t count)
{
	uint64_t first = gate->window.first;
	uint64_t size = gate->window.last - first + 1;
	size_t n = 1;

	while (n < count && ops[n].cpu == ops[0].cpu && ops[n].write == ops[0].write &&
	       ops[n].reg - first < size)
		n++;
	return n;
}

/* Asks for one operation, as if it stood alone. */
static int ask(struct gate *gate, struct gate_access *one, const struct hws_msr_op *op)
{
	if (!op->write)
		return gate_pass(gate, GATE_READ, one->offset, 0) ? 0 : face_admit_read(gate, one);
	one->value = op->value;
	return gate_pass(gate, GATE_WRITE, one->offset, 0) ? 0
							   : face_admit_write(gate, &msr_face, one);
}

static int check(struct hws_msr *msr, const struct hws_msr_op *ops, size_t count)
{
	for (size_t i = 0; i < count;) {
		enum gate_use use = ops[i].write ? GATE_WRITE : GATE_READ;
		struct gate_access one;
		struct gate *gate = msr_gate(msr, ops[i].cpu, ops[i].reg, &one);
		size_t n;
		int r;

		if (!gate)
			return msr_no_cpu(msr, ops[i].cpu, ops[i].reg,
					  ops[i].write ? HWS_W : HWS_R);
		n = run_length(gate, ops + i, count - i);
		if (n > 1 && one.offset <= gate->window.last - gate->window.first &&
		    gate_pass_many(gate, use, n)) {
			i += n;
			continue;
		}
		r = ask(gate, &one, &ops[i]);
		if (r < 0)
			return r;
		i++;
	}
	return 0;
}

/* Back ends without batches of their own. */
static int one_by_one(const struct hws_shim *shim, struct hws_msr_op *ops, size_t count)
{
	const struct hws_shim_ops *back = shim_ops(shim);
	bool ended = false;
	int failed = 0;

	for (size_t i = 0; i < count; i++) {
		struct hws_msr_op *op = &ops[i];

		if (ended) {
			op->status = -ECANCELED;
			continue;
		}
		op->status = op->write ? back->msr_write(shim->self, op->cpu, op->reg, op->value)
				       : back->msr_read(shim->self, op->cpu, op->reg, &op->value);
		failed = failed ? failed : op->status;
		ended = op->write && op->status < 0;
	}
	return failed;
}

/* Each failure is told and counted like one that stands alone; the last words are the first's. */
static int tell(struct hws_msr *msr, const struct hws_msr_op *ops, size_t count, int failed)
{
	for (size_t i = count; i-- > 0;) {
		struct gate_access one;
		struct gate *gate = msr_gate(msr, ops[i].cpu, ops[i].reg, &one);

		if (ops[i].status < 0 && ops[i].status != -ECANCELED) {
			why(ops[i].status,
			    "MSR 0x%x of processor %u, %zu in the batch, can't be %s: %s",
			    ops[i].reg, ops[i].cpu, i, ops[i].write ? "written" : "read",
			    strerror(-ops[i].status));
			gate_failed(gate, ops[i].write ? GATE_WRITE : GATE_READ, &one,
				    ops[i].status);
		}
	}
	return failed;
}

/* Where each access has its last words, each is made by itself, once all may be. */
static int one_after_another(struct hws_msr *msr, struct hws_msr_op *ops, size_t count)
{
	bool ended = false;
	int failed = 0;

	for (size_t i = 0; i < count; i++) {
		struct gate_access one;
		struct gate *gate = msr_gate(msr, ops[i].cpu, ops[i].reg, &one);
		int r;

		one.value = ops[i].value;
		r = gate ? face_check(gate, &msr_face, ops[i].write ? GATE_WRITE : GATE_READ, &one)
			 : msr_no_cpu(msr, ops[i].cpu, ops[i].reg, ops[i].write ? HWS_W : HWS_R);
		if (r < 0)
			return r;
	}
	for (size_t i = 0; i < count; i++) {
		struct hws_msr_op *op = &ops[i];

		if (ended)
			op->status = -ECANCELED;
		else
			op->status = op->write ? hws_msr_write(msr, op->cpu, op->reg, op->value)
					       : hws_msr_read(msr, op->cpu, op->reg, &op->value);
		failed = failed ? failed : op->status;
		ended |= op->write && op->status < 0;
	}
	return failed;
}

int hws_msr_batch(struct hws_msr *msr, struct hws_msr_op *ops, size_t count)
{
	struct hws_shim *shim = &msr->hw->shim;
	int r;

	if (count && !ops)
		return why(-EINVAL, "the batch has no registers");
	if (msr->hw->last_words)
		return one_after_another(msr, ops, count);
	r = check(msr, ops, count);
	if (r < 0)
		return r;
	r = shim_ops(shim)->msr_batch(shim->self, ops, count);
	if (r == -EOPNOTSUPP)
		r = one_by_one(shim, ops, count);
	return r < 0 ? tell(msr, ops, count, r) : 0;
}
