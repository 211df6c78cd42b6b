/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Many registers in one call, on the simulated machine. */
#include <errno.h>
#include <stdlib.h>

#include "tests/bench/hw.h"

enum { BATCH = 64, REGISTER = 0x198 };

struct registers {
	struct hws *hw;
	struct hws_msr *msr;
	struct hws_msr_op ops[BATCH];
};

static void teardown(void *context)
{
	struct registers *registers = context;

	hws_msr_close(registers->msr);
	hws_close(registers->hw);
	free(registers);
}

static int setup(const struct bench_case *of, void **ret_context)
{
	struct registers *registers = calloc(1, sizeof(*registers));
	int r;

	(void)of;
	if (!registers)
		return -ENOMEM;
	r = hw_open_context("sim", NULL, &registers->hw);
	if (r == 0)
		r = hws_msr_open(registers->hw, "0-3", REGISTER, REGISTER, HWS_R, &registers->msr);
	for (uint32_t i = 0; i < BATCH; i++)
		registers->ops[i] = (struct hws_msr_op) { .cpu = i / 16, .reg = REGISTER };
	if (r < 0)
		teardown(registers);
	else
		*ret_context = registers;
	return r;
}

static int batch(void *context, uint64_t n)
{
	struct registers *registers = context;
	int r = 0;

	for (; n && r == 0; n = bench_next(n))
		r = hws_msr_batch(registers->msr, registers->ops, BATCH);
	return r;
}

static int singles(void *context, uint64_t n)
{
	struct registers *registers = context;
	int r = 0;

	for (; n && r == 0; n = bench_next(n)) {
		for (uint32_t i = 0; i < BATCH && r == 0; i++)
			r = hws_msr_read(registers->msr, registers->ops[i].cpu, REGISTER,
					 &registers->ops[i].value);
	}
	return r;
}

const struct bench_case hw_batch_cases[] = {
	{ .name = "msr-batch64",
	  .baseline = "64 single reads (sim)",
	  .what = "16 registers on each of 4 processors, in one batch",
	  .setup = setup,
	  .teardown = teardown,
	  .ours = batch,
	  .base = singles,
	  .ours_ops = BATCH,
	  .flags = BENCH_CPU_TIME,
	  .limits = { { BENCH_RATIO, 0.5 } } },
	{ 0 },
};
