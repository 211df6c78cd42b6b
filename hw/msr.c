/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "hw/msr.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "hw/bank-internal.h"
#include "hw/face-internal.h"
#include "hw/place-internal.h"
#include "shim/why-internal.h"

enum { CPUS_MAX = 8192 }; /* the most that Linux is built for */

/* A gate for each processor; NULL where the handle has none. */
struct hws_msr {
	struct hws *hw;
	uint32_t cpus;
	struct gate *gates[];
};

static bool read_cpu(const char **at, uint32_t *ret_cpu)
{
	char *end;
	unsigned long cpu;

	if (**at < '0' || **at > '9')
		return false;
	cpu = strtoul(*at, &end, 10);
	*at = end;
	*ret_cpu = (uint32_t)cpu;
	return cpu < CPUS_MAX;
}

/* The next piece of a list, "4" or "0-3"; moves *at to the next one, or to the end. */
static bool read_piece(const char **at, uint32_t *ret_first, uint32_t *ret_last)
{
	if (!read_cpu(at, ret_first))
		return false;
	*ret_last = *ret_first;
	if (**at == '-') {
		(*at)++;
		if (!read_cpu(at, ret_last) || *ret_last < *ret_first)
			return false;
	}
	if (**at == ',')
		return *++*at != '\0';
	return **at == '\0';
}

/* Sets which processors the list names: how many gates are needed, or -EINVAL. */
static int read_list(const char *list, bool named[CPUS_MAX])
{
	uint32_t first;
	uint32_t last;
	uint32_t end = 0;

	for (const char *at = list; *at || at == list;) {
		if (!read_piece(&at, &first, &last))
			return why(-EINVAL,
				   "'%s' is no list of processors: '0-3,8' is one, or 'all'", list);
		memset(named + first, true, last - first + 1);
		end = last >= end ? last + 1 : end;
	}
	return (int)end;
}

static int choose_cpus(struct hws *hw, const char *list, bool named[CPUS_MAX])
{
	struct hws_cpu cpu;
	int r;

	if (list && strcmp(list, "all") != 0)
		return read_list(list, named);
	r = shim_ops(&hw->shim)->identify(hw->shim.self, &cpu);
	if (r < 0)
		return r;
	if (cpu.cpus > CPUS_MAX)
		cpu.cpus = CPUS_MAX;
	memset(named, true, cpu.cpus);
	return (int)cpu.cpus;
}

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

int hws_msr_open(struct hws *hw, const char *cpus, uint32_t first, uint32_t last, uint32_t rights,
		 struct hws_msr **ret_msr)
{
	struct hws_access access = {
		.kind = HWS_KIND_MSR, .rights = rights, .first = first, .last = last
	};
	bool named[CPUS_MAX] = { false };
	int count = choose_cpus(hw, cpus, named);
	struct hws_msr *msr;
	int r = 0;

	if (count < 0)
		return count;
	msr = calloc(1, sizeof(*msr) + (size_t)count * sizeof(msr->gates[0]));
	if (!msr)
		return why(-ENOMEM, "no memory for registers");
	msr->hw = context_ref(hw);
	msr->cpus = (uint32_t)count;
	for (access.cpu = 0; r == 0 && access.cpu < msr->cpus; access.cpu++) {
		if (named[access.cpu])
			r = open_gate(hw, &access, &msr->gates[access.cpu]);
	}
	if (r < 0) {
		hws_msr_close(msr);
		return r;
	}
	*ret_msr = msr;
	return 0;
}

void hws_msr_close(struct hws_msr *msr)
{
	if (!msr)
		return;
	for (uint32_t cpu = 0; cpu < msr->cpus; cpu++) {
		if (msr->gates[cpu]) {
			bank_close(msr->gates[cpu]);
			gate_close(msr->gates[cpu]);
		}
		free(msr->gates[cpu]);
	}
	context_unref(msr->hw);
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

struct gate *msr_gate(struct hws_msr *msr, uint32_t cpu)
{
	return cpu < msr->cpus ? msr->gates[cpu] : NULL;
}

/* The processor's gate, and the access as it is seen from there. NULL: it has none. */
static struct gate *gate_of(struct hws_msr *msr, uint32_t cpu, uint32_t reg,
			    struct gate_access *ret_one)
{
	struct gate *gate = msr_gate(msr, cpu);

	if (gate)
		*ret_one = (struct gate_access) { .offset = reg - gate->window.first,
						  .width = 8,
						  .cpu = cpu };
	return gate;
}

int hws_msr_read(struct hws_msr *msr, uint32_t cpu, uint32_t reg, uint64_t *ret_value)
{
	struct gate_access one;
	struct gate *gate = gate_of(msr, cpu, reg, &one);
	uint64_t value;
	int r = gate ? face_read(gate, &msr_face, &one, 0, &value)
		     : msr_no_cpu(msr, cpu, reg, HWS_R);

	if (r == 0)
		*ret_value = value;
	return r;
}

uint64_t hws_msr_get(struct hws_msr *msr, uint32_t cpu, uint32_t reg)
{
	uint64_t value;

	return hws_msr_read(msr, cpu, reg, &value) < 0 ? UINT64_MAX : value;
}

int hws_msr_write(struct hws_msr *msr, uint32_t cpu, uint32_t reg, uint64_t value)
{
	struct gate_access one;
	struct gate *gate = gate_of(msr, cpu, reg, &one);

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
	struct gate *gate = gate_of(msr, cpu, reg, &one);
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
	struct gate *gate = msr_gate(msr, cpu);

	if (!gate)
		return msr_no_cpu(msr, cpu, 0, HWS_R);
	return bank_open(gate, &msr_face, registers, ret_bank);
}
