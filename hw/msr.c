/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "hw/msr.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "hw/bank-internal.h"
#include "hw/msr-internal.h"
#include "shim/sys-internal.h"
#include "shim/why-internal.h"

static int open_gate(struct hws *hw, const struct hws_access *window, struct gate **ret_gate)
{
	struct gate_options options = { .window = window,
					.guard = { HWS_GUARD_MSR, HWS_GUARD_MSR } };
	struct gate *gate = calloc(1, sizeof(*gate));
	int r = gate ? gate_open(hw, &options, gate) : why(-ENOMEM, "no memory for a gate");

	if (r < 0)
		free(gate);
	else
		*ret_gate = gate;
	return r;
}

/* Every range on every processor that is named: all of the gates, or an error. */
static int open_gates(struct hws_msr *msr, const struct msr_cpus *cpus, uint32_t rights)
{
	struct hws_access access = { .kind = HWS_KIND_MSR, .rights = rights };
	int r = 0;

	for (uint32_t i = 0; i < msr->spans; i++) {
		access.first = msr->span[i].first;
		access.last = msr->span[i].last;
		for (access.cpu = 0; r == 0 && access.cpu < msr->cpus; access.cpu++) {
			if (cpus->named[access.cpu])
				r = open_gate(msr->hw, &access,
					      &msr->gates[i * msr->cpus + access.cpu]);
		}
	}
	return r;
}

static int open_spans(struct hws *hw, const char *list, const struct msr_span *spans,
		      uint32_t count, uint32_t rights, struct hws_msr **ret_msr)
{
	struct msr_cpus cpus = { 0 };
	struct hws_msr *msr;
	int r = msr_choose_cpus(hw, list, &cpus);

	if (r < 0)
		return r;
	msr = calloc(1, sizeof(*msr));
	if (!msr)
		return why(-ENOMEM, "no memory for registers");
	msr->hw = context_ref(hw);
	msr->cpus = cpus.end;
	msr->spans = count;
	msr->span = calloc(count, sizeof(*msr->span));
	msr->gates = calloc((size_t)count * cpus.end, sizeof(*msr->gates));
	r = msr->span && msr->gates ? 0 : why(-ENOMEM, "no memory for registers");
	if (r == 0) {
		memcpy(msr->span, spans, count * sizeof(*spans));
		r = open_gates(msr, &cpus, rights);
	}
	if (r < 0) {
		hws_msr_close(msr);
		return r;
	}
	*ret_msr = msr;
	return 0;
}

int hws_msr_open(struct hws *hw, const char *cpus, uint32_t first, uint32_t last, uint32_t rights,
		 struct hws_msr **ret_msr)
{
	struct msr_span span = { first, last };

	return open_spans(hw, cpus, &span, 1, rights, ret_msr);
}

int hws_msr_open_set(struct hws *hw, const char *cpus, const char *registers, uint32_t rights,
		     struct hws_msr **ret_msr)
{
	struct msr_span spans[MSR_SPANS];
	int count = msr_read_spans(registers, spans);

	return count < 0 ? count : open_spans(hw, cpus, spans, (uint32_t)count, rights, ret_msr);
}

void hws_msr_close(struct hws_msr *msr)
{
	if (!msr)
		return;
	for (uint32_t i = 0; msr->gates && i < msr->spans * msr->cpus; i++) {
		if (msr->gates[i]) {
			bank_close(msr->gates[i]);
			gate_close(msr->gates[i]);
		}
		free(msr->gates[i]);
	}
	context_unref(msr->hw);
	free(msr->gates);
	free(msr->span);
	free(msr);
}

int hws_msr_next_cpu(const struct hws_msr *msr, uint32_t from, uint32_t *ret_cpu)
{
	while (from < msr->cpus && !msr->gates[from])
		from++;
	if (from >= msr->cpus)
		return -ENOENT;
	*ret_cpu = from;
	return 0;
}

static int do_read(struct gate *gate, const struct gate_access *one, uint64_t *ret_value)
{
	struct hws_shim *shim = &gate->hw->shim;

	return shim_ops(shim)->msr_read(shim->self, one->cpu,
					(uint32_t)(gate->window.first + one->offset), ret_value);
}

static int do_write(struct gate *gate, const struct gate_access *one)
{
	struct hws_shim *shim = &gate->hw->shim;

	return shim_ops(shim)->msr_write(shim->self, one->cpu,
					 (uint32_t)(gate->window.first + one->offset), one->value);
}

const struct face msr_face = { do_read, do_write, .has_old = true };

int msr_no_cpu(struct hws_msr *msr, uint32_t cpu, uint32_t reg, enum hws_rights right)
{
	struct hws_access access = { .kind = HWS_KIND_MSR,
				     .rights = right,
				     .first = reg,
				     .last = reg,
				     .cpu = cpu,
				     .width = 8 };

	return context_deny(msr->hw, HWS_EVENT_ACCESS, &access, HWS_REASON_RANGE, NULL,
			    "the handle was not opened for that processor");
}

int hws_msr_read(struct hws_msr *msr, uint32_t cpu, uint32_t reg, uint64_t *ret_value)
{
	struct gate_access one;
	struct gate *gate = msr_gate(msr, cpu, reg, &one);
	uint64_t value;
	int r;

	if (!gate)
		return msr_no_cpu(msr, cpu, reg, HWS_R);
	r = face_read(gate, &msr_face, &one, 0, &value);
	if (r >= 0)
		*ret_value = value;
	return r;
}

uint64_t hws_msr_get(struct hws_msr *msr, uint32_t cpu, uint32_t reg)
{
	uint64_t value = UINT64_MAX;
	int r = hws_msr_read(msr, cpu, reg, &value); /* leaves it as it is where it fails */

	(void)r;
	return value;
}

int hws_msr_write(struct hws_msr *msr, uint32_t cpu, uint32_t reg, uint64_t value)
{
	struct gate_access one;
	struct gate *gate = msr_gate(msr, cpu, reg, &one);

	if (!gate)
		return msr_no_cpu(msr, cpu, reg, HWS_W);
	one.value = value;
	return face_write(gate, &msr_face, &one, 0);
}

void hws_msr_put(struct hws_msr *msr, uint32_t cpu, uint32_t reg, uint64_t value)
{
	/* a refusal is counted, recorded and kept for hws_last_denial() */
	int r = hws_msr_write(msr, cpu, reg, value);

	(void)r;
}

int hws_msr_update(struct hws_msr *msr, uint32_t cpu, uint32_t reg, uint64_t mask, uint64_t value)
{
	struct gate_access one;
	struct gate *gate = msr_gate(msr, cpu, reg, &one);
	int r;

	if (value & ~mask)
		return why(-EINVAL, "the value 0x%llx has bits outside the mask 0x%llx",
			   (unsigned long long)value, (unsigned long long)mask);
	if (!gate)
		return msr_no_cpu(msr, cpu, reg, HWS_RW);
	r = face_read(gate, &msr_face, &one, 0, &one.old);
	if (r < 0)
		return r;
	one.has = HWS_HAS_OLD;
	one.value = (one.old & ~mask) | value;
	return face_write(gate, &msr_face, &one, 0);
}

int hws_msr_describe(struct hws_msr *msr, uint32_t cpu, struct hws_registers *registers,
		     struct hws_bank **ret_bank)
{
	struct gate_access first;
	struct gate *gate = msr_gate(msr, cpu, msr->span[0].first, &first);

	if (msr->spans > 1)
		return why(-EINVAL,
			   "a set of several ranges can't be described: open one for each range");
	if (!gate)
		return msr_no_cpu(msr, cpu, msr->span[0].first, HWS_R);
	return bank_open(gate, &msr_face, registers, ret_bank);
}
