/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>

#include "raw-internal.h"
#include "shim/once.h"
#include "shim/why-internal.h"
#include "tests/bench/bench.h"

/* As a back end's table: reached through a cell that is written once. */
struct ops {
	uint64_t (*step)(uint64_t value);
};

static HWS_ONCE(struct ops) slot;
static volatile uint64_t result; /* what is stored here can't be optimised away */

__attribute__((noinline)) static uint64_t step(uint64_t value)
{
	__asm__ volatile("" : "+r"(value)); /* nothing is known of what it gives */
	return value + 1;
}

static int once_setup(const struct bench_case *of, void **ret_context)
{
	static const struct ops ops = { .step = step };
	int r = hws_once_set(&slot, &ops);

	*ret_context = NULL;
	(void)of;
	return r == -EALREADY ? 0 : r;
}

static int once_ours(void *context, uint64_t n)
{
	uint64_t value = 0;

	(void)context;
	for (; n; n = bench_next(n)) {
		const struct ops *ops = hws_once_get(&slot);

		value = ops ? ops->step(value) : 0;
	}
	result = value;
	return 0;
}

static int once_base(void *context, uint64_t n)
{
	uint64_t value = 0;

	(void)context;
	for (; n; n = bench_next(n))
		value = step(value);
	result = value;
	return 0;
}

static uint32_t device_register = 0x1234;

static int load_setup(const struct bench_case *of, void **ret_context)
{
	uint32_t value;
	/* SAFETY: a variable of this program, aligned as one */
	int r = raw_load32(&device_register, &value);

	(void)of;
	if (r < 0)
		return why(r, "no load of this architecture is known: " RAW_ARCH_NAME);
	*ret_context = &device_register;
	return 0;
}

static int load_ours(void *context, uint64_t n)
{
	uint32_t value = 0;

	for (; n; n = bench_next(n)) {
		/* SAFETY: a variable of this program, aligned as one */
		if (raw_load32(context, &value) < 0)
			return -EIO;
	}
	result = value;
	return 0;
}

static int load_base(void *context, uint64_t n)
{
	uint32_t value = 0;

	for (; n; n = bench_next(n))
		value = *(const volatile uint32_t *)context;
	result = value;
	return 0;
}

static const struct bench_case cases[] = {
	{ .name = "once-call",
	  .baseline = "direct call",
	  .what = "a call through a table in a write-once cell",
	  .setup = once_setup,
	  .ours = once_ours,
	  .base = once_base,
	  .limits = { { BENCH_EXTRA_INSTRUCTIONS, 6 }, { BENCH_NS, 3 } } },
	{ .name = "mmio-load",
	  .baseline = "bare volatile load",
	  .what = "a load that survives the loss of its mapping",
	  .setup = load_setup,
	  .ours = load_ours,
	  .base = load_base,
	  .limits = { { BENCH_EXTRA_INSTRUCTIONS, RAW_BARRIERS } } },
	{ 0 },
};

int main(int argc, char **argv)
{
	return bench_main("shim", cases, argc, argv);
}
