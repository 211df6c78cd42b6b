/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Files of steps, of batch and txn. They are run on a simulated machine whose registers keep what
 * is written: what a dry run shows changes none of them, and what is undone is as it was.
 */
#include <stdlib.h>
#include <string.h>

#include "hw/hwprobe/args.h"
#include "hw/hwprobe/steps.h"
#include "tests/fuzz/fuzz.h"
#include "tests/fuzz/probe.h"

enum { LONGEST = 2000 }; /* ns that a step may wait here */

static const char machine[] = "cpu count 2\nports 0x300 16\n reg 0 1 rw value 0x11\n"
			      " reg 4 4 rw value 5\n reg 8 2 rw\nmsr 0x610 rw value 5\n"
			      "msr 0x611 ro value 6\npci 00:01.0 1234:0001 class 0x00ff00\n"
			      " bar 0 mem 4K\n  reg 0x00 4 rw value 1\n"
			      "  reg 0x08 8 rw value 2\n  reg 0x10 4 rw\n";
static const char *const rules[] = {
	"port = * rw\nmsr = * rw danger\n",
	"pci = *, config rw danger claimed\nbar = * * rw danger claimed\n",
};

static struct call call = { .settings = { .sim = true, .grant_count = 2 } };

static void begin(void)
{
	fuzz_write("machine", machine, sizeof(machine) - 1);
	call.settings.sim_file = strdup(probe_file("machine"));
	call.settings.grants[0] = rules[0];
	call.settings.grants[1] = rules[1];
}

enum { PLACES = 9 };
struct state {
	uint64_t values[PLACES];
};

static void read_ports(struct hws *hw, uint64_t values[3])
{
	struct hws_port *port;
	uint8_t byte;
	uint16_t word;
	uint32_t value;

	fuzz_must(hws_port_open(hw, 0x300, 16, HWS_R, &port) == 0);
	fuzz_must(hws_port_read8(port, 0x300, &byte) == 0);
	values[0] = byte;
	fuzz_must(hws_port_read32(port, 0x304, &value) == 0);
	values[1] = value;
	fuzz_must(hws_port_read16(port, 0x308, &word) == 0);
	values[2] = word;
	hws_port_close(port);
}

static void read_memory(struct hws *hw, uint64_t values[3])
{
	uint32_t value;
	struct hws_mmio *mmio;

	fuzz_must(hws_mmio_map(hw, "00:01.0", 0, 0, 0x20, HWS_R, &mmio) == 0);
	fuzz_must(hws_mmio_read32(mmio, 0, &value) == 0);
	values[0] = value;
	fuzz_must(hws_mmio_read64(mmio, 8, &values[1]) == 0);
	fuzz_must(hws_mmio_read32(mmio, 0x10, &value) == 0);
	values[2] = value;
	hws_mmio_unmap(mmio);
}

static struct state state_of(struct hws *hw)
{
	struct state state = { { 0 } };
	struct hws_msr *msr;

	for (int i = 0; i < HWS_GUARDS; i++)
		fuzz_must(hws_guard_rearm(hw, (enum hws_guard_class)i) == 0);
	read_ports(hw, state.values);
	read_memory(hw, state.values + 3);
	fuzz_must(hws_msr_open(hw, "0-1", 0x610, 0x611, HWS_R, &msr) == 0);
	for (uint32_t i = 0; i < 2; i++)
		fuzz_must(hws_msr_read(msr, i, 0x610, &state.values[6 + i]) == 0);
	hws_msr_close(msr);
	return state;
}

/* Nobody waits here for long. */
static void hurry(struct steps *steps)
{
	for (size_t i = 0; i < steps->line_count; i++)
		if (steps->lines[i].limit_ns > LONGEST)
			steps->lines[i].limit_ns = LONGEST;
}

static void check_steps(const struct steps *steps)
{
	size_t writes = 0;

	fuzz_must(steps->count <= HWS_BATCH_STEPS);
	for (size_t i = 0; i < steps->count; i++) {
		const struct hws_step *step = &steps->steps[i];

		fuzz_must(step->verb == steps->stages[i].line->verb ||
			  (step->verb == HWS_STEP_UPDATE &&
			   steps->stages[i].line->verb == HWS_STEP_WRITE));
		writes += step->verb == HWS_STEP_WRITE || step->verb == HWS_STEP_UPDATE;
	}
	fuzz_must(writes == steps->writes);
}

/* Whatever becomes of the steps, undone they were never. */
static void run_and_undo(struct hws *hw, struct steps *steps)
{
	struct state before = state_of(hw);
	struct state after;
	struct hws_txn *txn;
	int r;

	fuzz_must(hws_txn_open(hw, NULL, &txn) == 0);
	r = hws_txn_run(txn, steps->steps, (uint32_t)steps->count);
	for (size_t i = 0; i < steps->count; i++)
		fuzz_must(r < 0 || steps->steps[i].status == 0);
	fuzz_must(hws_txn_close(txn) == 0);
	after = state_of(hw);
	fuzz_must(!memcmp(&before, &after, sizeof(before)));
}

static void try(const char *name)
{
	struct reach reach = { .call = &call };
	struct steps steps = { 0 };
	enum result result;

	probe_begin();
	result = steps_read(name, &steps);
	if (result == RESULT_OK) {
		fuzz_must(steps.line_count && steps.line_count <= HWS_BATCH_STEPS);
		hurry(&steps);
		fuzz_must(call_open(&call, &reach.hw) == RESULT_OK);
		result = steps_open(&steps, &reach, true);
	}
	if (result == RESULT_OK) {
		check_steps(&steps);
		run_and_undo(reach.hw, &steps);
	}
	fuzz_must(!say_place[0]);
	reach_end(&reach);
	steps_free(&steps);
	free(probe_end());
}

/* What would be done: text that a terminal can be given. */
static void run_dry(const char *name, const char *verb, bool json)
{
	struct probe probe = { .count = 0 };
	char *text;

	probe_add(&probe, "--sim");
	probe_add(&probe, verb);
	if (json)
		probe_add(&probe, "--json");
	probe_add(&probe, "-n");
	probe_add(&probe, name);
	probe_run(&probe, &text);
	fuzz_must(probe_is_plain(text));
	free(text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fuzz input = { data, size };
	uint64_t how = fuzz_number(&input, 1);
	const char *name = probe_file("steps");

	if (!call.settings.sim_file)
		begin();
	fuzz_write("steps", input.at, input.left);
	try(name);
	if (how & 1)
		run_dry(name, how & 2 ? "txn" : "batch", how & 4);
	return 0;
}
