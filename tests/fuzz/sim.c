/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Descriptions of simulated machines: whatever was checked opens, what was
 * refused doesn't, and a machine that opened takes every access.
 */
#include <stdlib.h>
#include <string.h>

#include "shim/sim-internal.h"
#include "shim/sim.h"
#include "tests/fuzz/fuzz.h"

enum { ACCESSES = 200 };

static void told(const char *message, void *context)
{
	fuzz_must(message[0]);
	++*(int *)context;
}

static uint64_t ones(uint32_t width)
{
	return width < 8 ? (UINT64_C(1) << 8 * width) - 1 : UINT64_MAX;
}

static uint32_t some_width(struct fuzz *input)
{
	uint64_t how = fuzz_number(input, 1);

	return how < 240 ? 1u << how % 4 : (uint32_t)how * 0x1111111;
}

/* The function that comes behind the one that the input names; without one, that itself. */
static struct hws_bdf some_function(void *sim, struct fuzz *input)
{
	struct hws_bdf named = { .bus = (uint8_t)(fuzz_number(input, 1) & 1),
				 .device = (uint8_t)fuzz_number(input, 1) };
	struct hws_bdf found;

	return sim_ops.pci_next(sim, &named, &found) == 0 ? found : named;
}

static void access_port(void *sim, struct fuzz *input)
{
	struct hws_window ports;
	uint32_t width = some_width(input);
	uint16_t port = (uint16_t)fuzz_odd_number(input);
	uint32_t value = 1;
	int r = sim_ops.port_open(sim, port, (uint32_t)fuzz_odd_number(input),
				  (enum hws_rights)fuzz_number(input, 1), &ports);

	if (r < 0)
		return;
	port = (uint16_t)(port + fuzz_number(input, 1) % 8);
	r = sim_ops.port_read(sim, &ports, port, width, &value);
	fuzz_must(r == 0 || value == (uint32_t)ones(width));
	(void)sim_ops.port_write(sim, &ports, port, width, (uint32_t)fuzz_odd_number(input));
	sim_ops.port_close(sim, &ports);
}

static void access_msr(void *sim, struct fuzz *input)
{
	uint32_t cpu = (uint32_t)fuzz_odd_number(input);
	uint32_t reg = (uint32_t)fuzz_odd_number(input);
	uint64_t value = 1;
	int r = sim_ops.msr_read(sim, cpu, reg, &value);

	fuzz_must(r == 0 || value == UINT64_MAX);
	(void)sim_ops.msr_write(sim, cpu, reg, fuzz_odd_number(input));
}

static void access_pci(void *sim, struct fuzz *input)
{
	struct hws_bdf bdf = some_function(sim, input);
	uint32_t width = some_width(input);
	uint32_t offset = (uint32_t)fuzz_odd_number(input);
	uint32_t value = 1;
	int r = sim_ops.pci_read(sim, bdf, offset, width, &value);

	fuzz_must(r == 0 || value == (uint32_t)ones(width));
	(void)sim_ops.pci_write(sim, bdf, offset, width, (uint32_t)fuzz_odd_number(input));
}

static void access_bar(void *sim, struct fuzz *input)
{
	struct hws_bdf bdf = some_function(sim, input);
	uint32_t bar = (uint32_t)fuzz_number(input, 1) % 8;
	uint64_t offset = fuzz_odd_number(input);
	struct hws_window window;
	uint64_t value = 1;
	int r = sim_ops.bar_map(sim, bdf, bar, offset, fuzz_odd_number(input), HWS_RW, &window);

	if (r < 0)
		return;
	for (uint64_t n = fuzz_number(input, 1) % 8; n; n--) {
		uint32_t width = some_width(input);

		offset = fuzz_odd_number(input);
		r = sim_ops.mmio_read(sim, &window, offset, width, &value);
		fuzz_must(r == 0 || value == ones(width));
		fuzz_must(r < 0 || hws_range_ok(offset, width, window.size));
		(void)sim_ops.mmio_write(sim, &window, offset, width, fuzz_odd_number(input));
	}
	sim_ops.bar_unmap(sim, &window);
}

static void access_cpu(void *sim, struct fuzz *input)
{
	uint32_t regs[4];
	struct hws_cpu cpu;

	fuzz_must(sim_ops.identify(sim, &cpu) == 0);
	(void)sim_ops.cpuid(sim, (uint32_t)fuzz_odd_number(input), (uint32_t)fuzz_odd_number(input),
			    regs);
	(void)sim_ops.timestamp(sim);
}

static void use(void *sim, struct fuzz *input)
{
	static void (*const any[])(void *, struct fuzz *) = { access_port, access_msr, access_pci,
							      access_bar, access_cpu };
	struct sim_stats stats;

	for (int i = 0; i < ACCESSES && input->left; i++)
		any[fuzz_number(input, 1) % (sizeof(any) / sizeof(any[0]))](sim, input);
	sim_get_stats(sim, &stats);
	fuzz_must(stats.windows == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fuzz input = { data, size };
	size_t length;
	char *text = fuzz_text(&input, &length);
	struct hws_shim_options options = { .size = sizeof(options), .sim = text };
	int count = 0;
	int errors = hws_sim_check(text, "fuzz", told, &count);
	void *sim;

	fuzz_must(errors == count);
	/* a latency is waited for: such a machine would only take its time */
	if (!strstr(text, "latency")) {
		int r = sim_ops.open(&options, &sim);

		fuzz_must((r == 0) == (errors == 0));
		if (r == 0) {
			use(sim, &input);
			sim_ops.close(sim);
		}
	}
	free(text);
	return 0;
}
