/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the gate costs: an access through it against the bare one, on a machine made of files. */
#include <errno.h>
#include <stdlib.h>

#include "hw/hwsafe.h"
#include "shim/shim-internal.h"
#include "tests/bench/guardian.h"
#include "tests/bench/machine.h"

enum { REGISTER = 0x10 };

struct machine {
	struct machine_root root;
	struct hws *hw;
	struct hws_mmio *input; /* one for each right: a rule alone then gives it */
	struct hws_mmio *output;
	struct hws_port *port;
	struct hws_msr *msr;
	struct hws_shim bare;
	struct hws_window ports;
	volatile uint32_t *memory;
};

static int open_handles(struct machine *machine)
{
	struct hws_options options = { .size = sizeof(options),
				       .sysroot = machine->root.path,
				       .backend = "native",
				       .policy_text =
					       "bar = 1234:11e8 0 rw\nport = * r\nmsr = * r" };
	struct hws_shim_options bare = { .size = sizeof(bare), .sysroot = machine->root.path };
	int r;

	for (int i = 0; i < HWS_GUARDS; i++)
		options.guards[i] =
			(struct hws_guard_limit) { .handle = 1ull << 60, .context = 1ull << 60 };
	r = hws_open(&options, &machine->hw);
	r = r < 0 ? r : hws_mmio_map(machine->hw, MACHINE_BDF, 0, 0, 0, HWS_R, &machine->input);
	r = r < 0 ? r : hws_mmio_map(machine->hw, MACHINE_BDF, 0, 0, 0, HWS_W, &machine->output);
	r = r < 0 ? r
		  : hws_port_open(machine->hw, MACHINE_FIRST_PORT, MACHINE_PORT_COUNT, HWS_R,
				  &machine->port);
	r = r < 0 ? r : hws_msr_open(machine->hw, "0", REGISTER, REGISTER, HWS_R, &machine->msr);
	r = r < 0 ? r : shim_open(&native_ops, &bare, &machine->bare);
	return r < 0 ? r
		     : shim_ops(&machine->bare)
			       ->port_open(machine->bare.self, MACHINE_FIRST_PORT,
					   MACHINE_PORT_COUNT, HWS_R, &machine->ports);
}

static void teardown(void *context)
{
	struct machine *machine = context;

	hws_mmio_unmap(machine->input);
	hws_mmio_unmap(machine->output);
	hws_port_close(machine->port);
	hws_msr_close(machine->msr);
	hws_close(machine->hw);
	if (machine->ports.size)
		shim_ops(&machine->bare)->port_close(machine->bare.self, &machine->ports);
	shim_close(&machine->bare);
	machine_unmap(machine->memory);
	machine_remove(&machine->root);
	free(machine);
}

static int setup(const struct bench_case *of, void **ret_context)
{
	struct machine *machine = calloc(1, sizeof(*machine));
	int r = machine ? 0 : -ENOMEM;

	(void)of;
	if (r < 0)
		return r;
	r = machine_make(&machine->root);
	if (r == 0) {
		machine->memory = machine_map(&machine->root, true);
		r = machine->memory ? 0 : -EIO;
	}
	r = r < 0 ? r : open_handles(machine);
	if (r < 0)
		teardown(machine);
	else
		*ret_context = machine;
	return r;
}

static uint32_t v32;
static uint64_t v64;

/* Each work is a loop around one access of @handle; its status is kept, as a value would be. */
#define WORK(name, type, from, access)                                 \
	static int name(void *context, uint64_t n)                     \
	{                                                              \
		type handle = ((const struct machine *)context)->from; \
		uint32_t u32 = 0;                                      \
		uint64_t u64 = 0;                                      \
		int r = 0;                                             \
		for (; n; n = bench_next(n))                           \
			r = access;                                    \
		v32 = u32;                                             \
		v64 = u64;                                             \
		return r;                                              \
	}
WORK(mmio_read, struct hws_mmio *, input, hws_mmio_read32(handle, 8, &u32))
WORK(mmio_write, struct hws_mmio *, output, hws_mmio_write32(handle, 8, 1))
WORK(port_read, struct hws_port *, port, hws_port_read32(handle, MACHINE_FIRST_PORT + 4, &u32))
WORK(msr_read, struct hws_msr *, msr, hws_msr_read(handle, 0, REGISTER, &u64))

static int port_bare(void *context, uint64_t n)
{
	struct machine *machine = context;
	int r = 0;

	for (; n; n = bench_next(n))
		r = shim_ops(&machine->bare)
			    ->port_read(machine->bare.self, &machine->ports, MACHINE_FIRST_PORT + 4,
					4, &v32);
	return r;
}

static int msr_bare(void *context, uint64_t n)
{
	struct machine *machine = context;
	int r = 0;

	for (; n; n = bench_next(n))
		r = shim_ops(&machine->bare)->msr_read(machine->bare.self, 0, REGISTER, &v64);
	return r;
}

static int mmio_get(void *context, uint64_t n)
{
	struct hws_mmio *handle = ((const struct machine *)context)->input;
	uint32_t value = 0;

	for (; n; n = bench_next(n))
		value = hws_mmio_get32(handle, 8);
	v32 = value;
	return 0;
}

static int load_bare(void *context, uint64_t n)
{
	const struct machine *machine = context;
	const volatile uint32_t *from = machine->memory + 2;
	uint32_t value = 0;

	for (; n; n = bench_next(n))
		value = *from;
	v32 = value;
	return 0;
}

static int store_bare(void *context, uint64_t n)
{
	const struct machine *machine = context;
	volatile uint32_t *to = machine->memory + 2;

	for (; n; n = bench_next(n))
		*to = 1;
	return 0;
}

const struct bench_case guardian_gate_cases[] = {
	{ .name = "mmio-gated",
	  .baseline = "bare volatile load",
	  .what = "a 32-bit read of a window, with a status",
	  .setup = setup,
	  .teardown = teardown,
	  .ours = mmio_read,
	  .base = load_bare,
	  .limits = { { BENCH_EXTRA_INSTRUCTIONS, 15 } } },
	{ .name = "mmio-gated-get",
	  .baseline = "bare volatile load",
	  .what = "a 32-bit read of a window that never fails",
	  .setup = setup,
	  .teardown = teardown,
	  .ours = mmio_get,
	  .base = load_bare,
	  .limits = { { BENCH_EXTRA_INSTRUCTIONS, 15 } } },
	{ .name = "mmio-gated-write",
	  .baseline = "bare volatile store",
	  .what = "a 32-bit write to a window, with a status",
	  .setup = setup,
	  .teardown = teardown,
	  .ours = mmio_write,
	  .base = store_bare,
	  .limits = { { BENCH_EXTRA_INSTRUCTIONS, 15 } } },
	{ .name = "port-gated",
	  .baseline = "the back end's read",
	  .what = "a 32-bit read of a port through a PCI I/O window",
	  .setup = setup,
	  .teardown = teardown,
	  .ours = port_read,
	  .base = port_bare },
	{ .name = "msr-gated",
	  .baseline = "the back end's read",
	  .what = "a read of a model-specific register",
	  .setup = setup,
	  .teardown = teardown,
	  .ours = msr_read,
	  .base = msr_bare },
	{ 0 },
};
