/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Waiting for values, blocks, and devices that go away. */
#include <time.h>

#include "guardian/context-internal.h"
#include "shim/fault-internal.h"
#include "shim/sim-internal.h"
#include "tests/hw/hw-kit.h"

#define KINDS "00:05.0" /* the built-in machine's device with a register of every kind */
#define EVERY "bar = * * rw\nport = * rw"

enum { COUNTER = 0x024, SCRATCH = 0x004, QUEUE = 0x020, PLAIN = 2 };

static struct hws_mmio *mapped(struct hws *hw, uint32_t bar, uint32_t rights)
{
	struct hws_mmio *mmio;

	ck_works(hws_mmio_map(hw, KINDS, bar, 0, 0, rights, &mmio));
	return mmio;
}

static struct sim_stats stats_of_machine(struct hws *hw)
{
	struct sim_stats stats;

	sim_get_stats(hw->shim.self, &stats);
	return stats;
}

static uint64_t in_ns(uint64_t ns)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec + ns;
}

START_TEST(wait_ends_when_the_value_is_there)
{
	struct hws *hw = open_with(EVERY);
	struct hws_mmio *mmio = mapped(hw, 0, HWS_RW);
	uint64_t value = 4711;

	ck_works(hws_mmio_wait_for(mmio, COUNTER, 4, 0xff, 7, HWS_FOREVER, &value));
	ck_assert_uint_eq(value, 7);
	ck_assert_uint_eq(stats_of_machine(hw).reads[SIM_MMIO], 8);
	ck_works(hws_mmio_wait_for(mmio, SCRATCH, 4, 0xff00, 0x5600, 0, &value));
	ck_assert_uint_eq(value, 0x12345678);
	ck_works(hws_mmio_wait_for(mmio, SCRATCH, 4, 0, 0, 0, NULL));
	hws_mmio_unmap(mmio);
	hws_close(hw);
}
END_TEST

START_TEST(wait_ends_at_its_deadline)
{
	struct hws *hw = open_with(EVERY);
	struct hws_mmio *mmio = mapped(hw, 0, HWS_RW);
	uint64_t value = 4711;
	uint64_t deadline = in_ns(200000000);
	uint64_t reads;

	ck_assert_int_eq(hws_mmio_wait_for(mmio, SCRATCH, 4, 1, 1, 0, &value), -ETIME);
	ck_assert_uint_eq(stats_of_machine(hw).reads[SIM_MMIO],
			  1); /* looked at once all the same */
	ck_assert_ptr_nonnull(strstr(hws_why(), "0x4 is 0x12345678, and its bits 0x1"));
	ck_assert_int_eq(hws_mmio_wait_for(mmio, SCRATCH, 4, 1, 1, deadline, &value), -ETIME);
	ck_assert_uint_ge(in_ns(0), deadline);
	reads = stats_of_machine(hw).reads[SIM_MMIO];
	ck_assert_uint_gt(reads, 3);
	ck_assert_uint_lt(reads, 4000); /* it sleeps: the guard allows 10,000 */
	ck_assert_uint_eq(value, 4711);
	hws_mmio_unmap(mmio);
	hws_close(hw);
}
END_TEST

START_TEST(wait_is_judged_and_charged)
{
	struct hws_options options = sim_with(EVERY);
	struct hws_mmio *mmio;
	struct hws *hw;
	uint64_t value = 4711;

	options.guards[HWS_GUARD_MMIO_READ].handle = 5;
	ck_works(hws_open(&options, &hw));
	mmio = mapped(hw, 0, HWS_RW);
	ck_denied(hws_mmio_wait_for(mmio, 0x1000, 4, 0, 0, 0, &value), HWS_REASON_RANGE);
	ck_denied(hws_mmio_wait_for(mmio, 2, 4, 0, 0, 0, &value), HWS_REASON_ALIGN);
	ck_denied(hws_mmio_wait_for(mmio, 0, 3, 0, 0, 0, &value), HWS_REASON_ARGUMENT);
	ck_assert_int_eq(hws_mmio_wait_for(mmio, 0, 4, 1, 2, 0, &value), -EINVAL);
	ck_denied(hws_mmio_wait_for(mmio, SCRATCH, 4, 1, 1, HWS_FOREVER, &value), HWS_REASON_GUARD);
	ck_assert_uint_eq(stats_of_machine(hw).reads[SIM_MMIO], 5);
	hws_mmio_unmap(mmio);
	mmio = mapped(hw, 0, HWS_W);
	ck_denied(hws_mmio_wait_for(mmio, SCRATCH, 4, 1, 1, HWS_FOREVER, &value),
		  HWS_REASON_NO_RULE);
	ck_assert_uint_eq(value, 4711);
	hws_mmio_unmap(mmio);
	hws_close(hw);
}
END_TEST

START_TEST(wait_ends_when_the_device_goes)
{
	struct hws_options options = sim_with(EVERY);
	struct hws_mmio *mmio;
	struct hws *hw;

	options.sim = "pci 00:05.0 1234:0001 class 0 unplug 20\nbar 0 mem 4K\nreg 0 4 rw\n";
	ck_works(hws_open(&options, &hw));
	mmio = mapped(hw, 0, HWS_RW);
	ck_assert_int_eq(hws_mmio_wait_for(mmio, 0, 4, 1, 1, HWS_FOREVER, NULL), -ENODEV);
	check_denial(HWS_REASON_DEVICE, -ENODEV);
	hws_mmio_unmap(mmio);
	hws_close(hw);
}
END_TEST

START_TEST(port_is_waited_for)
{
	struct hws *hw = open_with(EVERY);
	struct hws_port *port;
	uint32_t value = 4711;

	ck_works(hws_port_open(hw, 0x3f8, 8, HWS_RW, &port));
	ck_works(hws_port_wait_for(port, 0x3fd, 1, 0x20, 0x20, HWS_FOREVER, &value));
	ck_assert_uint_eq(value, 0x60);
	ck_assert_int_eq(hws_port_wait_for(port, 0x3fd, 1, 1, 1, 0, &value), -ETIME);
	ck_denied(hws_port_wait_for(port, 0x3f7, 1, 1, 1, 0, &value), HWS_REASON_RANGE);
	ck_denied(hws_port_wait_for(port, 0x3fd, 8, 1, 1, 0, &value), HWS_REASON_RANGE);
	ck_assert_uint_eq(value, 0x60);
	hws_port_close(port);
	hws_close(hw);
}
END_TEST

/* What the machine sees: accesses of one width, one behind the other, or all at one place. */
struct trace {
	uint32_t width;
	uint64_t next;
	uint64_t step;
	uint64_t count;
};

static void follow(const struct sim_access *access, void *context)
{
	struct trace *trace = context;

	if (access->kind != SIM_MMIO)
		return;
	ck_assert_uint_eq(access->width, trace->width);
	ck_assert_uint_eq(access->offset, trace->next);
	trace->next += trace->step;
	trace->count++;
}

START_TEST(block_keeps_the_width)
{
	struct hws *hw = open_with(EVERY);
	struct hws_mmio *mmio = mapped(hw, PLAIN, HWS_RW);
	uint8_t out[64];
	uint8_t in[66];
	uint64_t last; /* as it was written, as one word */

	for (size_t i = 0; i < sizeof(out); i++)
		out[i] = (uint8_t)(3 * i + 1);
	for (uint32_t width = 1; width <= 8; width *= 2) {
		struct trace trace = { .width = width, .next = 0x100, .step = width };

		memset(in, 0xaa, sizeof(in));
		sim_set_log(hw->shim.self, follow, &trace);
		ck_assert_int_eq(hws_mmio_write_block(mmio, 0x100, width, out, 64 / width, 0),
				 (int)(64 / width));
		trace.next = 0x100;
		ck_assert_int_eq(hws_mmio_read_block(mmio, 0x100, width, in + 1, 64 / width, 0),
				 (int)(64 / width));
		sim_set_log(hw->shim.self, NULL, NULL);
		ck_assert_uint_eq(trace.count, 2 * 64 / width);
		ck_assert_mem_eq(in + 1, out, 64);
		ck_assert_uint_eq(in[0], 0xaa);
		ck_assert_uint_eq(in[65], 0xaa);
	}
	memcpy(&last, out, sizeof(last));
	ck_assert_uint_eq(hws_mmio_get32(mmio, 0x100), (uint32_t)last);
	hws_mmio_unmap(mmio);
	hws_close(hw);
}
END_TEST

START_TEST(queue_is_one_place)
{
	struct hws *hw = open_with(EVERY);
	struct hws_mmio *mmio = mapped(hw, 0, HWS_RW);
	struct hws_port *port;
	uint32_t out[5] = { 1, 2, 3, 4, 5 };
	uint32_t in[5] = { 0 };
	char text[6] = "";

	ck_assert_int_eq(hws_mmio_write_block(mmio, QUEUE, 4, out, 5, HWS_BLOCK_FIFO), 5);
	ck_assert_int_eq(hws_mmio_read_block(mmio, QUEUE, 4, in, 5, HWS_BLOCK_FIFO), 5);
	ck_assert_mem_eq(in, out, sizeof(in));
	hws_mmio_unmap(mmio);
	ck_works(hws_port_open(hw, 0x3f8, 8, HWS_RW, &port));
	ck_assert_int_eq(hws_port_write_block(port, 0x3f8, 1, "hello", 5), 5);
	ck_assert_int_eq(hws_port_read_block(port, 0x3f8, 1, text, 5), 5);
	ck_assert_str_eq(text, "hello");
	ck_denied(hws_port_read_block(port, 0x3f7, 1, text, 5), HWS_REASON_RANGE);
	ck_denied(hws_port_write_block(port, 0x3ff, 2, text, 1), HWS_REASON_RANGE);
	hws_port_close(port);
	hws_close(hw);
}
END_TEST

START_TEST(block_that_ends_outside_touches_nothing)
{
	struct hws *hw = open_with(EVERY);
	struct hws_mmio *mmio = mapped(hw, PLAIN, HWS_RW);
	uint64_t size = hws_mmio_size(mmio);
	uint64_t word = 4711;

	ck_denied(hws_mmio_read_block(mmio, size - 8, 8, &word, 2, 0), HWS_REASON_RANGE);
	ck_denied(hws_mmio_write_block(mmio, size - 8, 8, &word, 2, 0), HWS_REASON_RANGE);
	ck_denied(hws_mmio_read_block(mmio, UINT64_MAX - 7, 8, &word, 1, 0), HWS_REASON_RANGE);
	ck_denied(hws_mmio_read_block(mmio, 0, 8, &word, INT32_MAX, 0), HWS_REASON_RANGE);
	ck_denied(hws_mmio_read_block(mmio, 0, 8, &word, UINT32_MAX, 0), HWS_REASON_ARGUMENT);
	ck_denied(hws_mmio_read_block(mmio, 0, 3, &word, 1, 0), HWS_REASON_ARGUMENT);
	ck_denied(hws_mmio_read_block(mmio, 0, 0, &word, 1, 0), HWS_REASON_ARGUMENT);
	ck_denied(hws_mmio_read_block(mmio, 0, 16, &word, 1, 0), HWS_REASON_ARGUMENT);
	ck_denied(hws_mmio_read_block(mmio, 0, 8, &word, 1, 2), HWS_REASON_ARGUMENT);
	ck_denied(hws_mmio_read_block(mmio, 4, 8, &word, 1, 0), HWS_REASON_ALIGN);
	ck_assert_int_eq(hws_mmio_read_block(mmio, 0, 8, &word, 0, 0), 0);
	ck_assert_uint_eq(stats_of_machine(hw).reads[SIM_MMIO], 0);
	ck_assert_uint_eq(stats_of_machine(hw).writes[SIM_MMIO], 0);
	ck_assert_uint_eq(word, 4711);
	hws_mmio_unmap(mmio);
	hws_close(hw);
}
END_TEST

START_TEST(block_that_is_stopped_says_how_far_it_came)
{
	struct hws_options options = sim_with(EVERY);
	struct hws_mmio *mmio;
	struct hws *hw;
	uint32_t words[8] = { 0 };

	options.guards[HWS_GUARD_MMIO_READ].handle = 5;
	options.guards[HWS_GUARD_MMIO_WRITE].handle = 3;
	ck_works(hws_open(&options, &hw));
	mmio = mapped(hw, PLAIN, HWS_RW);
	ck_assert_int_eq(hws_mmio_read_block(mmio, 0, 4, words, 8, 0), 5);
	check_denial(HWS_REASON_GUARD, -EDQUOT);
	ck_denied(hws_mmio_read_block(mmio, 20, 4, words, 3, 0), HWS_REASON_GUARD);
	ck_assert_int_eq(hws_mmio_write_block(mmio, 0, 4, words, 8, 0), 3);
	ck_denied(hws_mmio_write_block(mmio, 12, 4, words, 3, 0), HWS_REASON_GUARD);
	hws_mmio_unmap(mmio);
	hws_close(hw);
}
END_TEST

/*
 * A back end like the native one: a BAR is memory of this process, reached by plain loads. When
 * the device goes it becomes all-ones, as a bus that nobody answers on; and so does configuration
 * space, or its file is no longer there.
 */
static uint64_t bar[16];
static bool gone;
static int config_code;

static int direct_map(void *self, struct hws_bdf bdf, uint32_t number, uint64_t offset,
		      uint64_t size, enum hws_rights rights, struct hws_window *ret_window)
{
	(void)self, (void)bdf, (void)number, (void)offset, (void)size, (void)rights;
	*ret_window = (struct hws_window) { .direct = bar, .size = sizeof(bar), .way = "memory" };
	return 0;
}

static int slow_map(void *self, struct hws_bdf bdf, uint32_t number, uint64_t offset, uint64_t size,
		    enum hws_rights rights, struct hws_window *ret_window)
{
	int r = direct_map(self, bdf, number, offset, size, rights, ret_window);

	ret_window->direct = NULL;
	return r;
}

static void direct_unmap(void *self, struct hws_window *window)
{
	(void)self, (void)window;
}

static int slow_load(void *self, const struct hws_window *window, uint64_t offset, uint32_t width,
		     uint64_t *ret_value)
{
	(void)self, (void)window;
	*ret_value = bar[offset / 8] & shim_ones(width);
	return 0;
}

static int config_read(void *self, struct hws_bdf bdf, uint32_t offset, uint32_t width,
		       uint32_t *ret_value)
{
	(void)self, (void)bdf, (void)offset;
	*ret_value = gone ? (uint32_t)shim_ones(width) : 0x0001;
	return gone ? config_code : 0;
}

static struct hws *open_memory(bool direct)
{
	static struct hws_shim_ops ops[2];
	struct hws *hw = open_with(EVERY);
	int slot;

	ops[direct] = sim_ops;
	ops[direct].bar_map = direct ? direct_map : slow_map;
	ops[direct].bar_unmap = direct_unmap;
	ops[direct].pci_read = config_read;
	ops[direct].mmio_read = slow_load;
	slot = shim_install(&ops[direct]);
	ck_assert_int_ge(slot, 0);
	hw->shim.slot = (uint32_t)slot;
	gone = false;
	config_code = 0;
	memset(bar, 0, sizeof(bar));
	return hw;
}

/* Reads of every width, and the calls that are made of them. */
static void check_gone(struct hws_mmio *mmio, int code)
{
	uint8_t v8 = 1;
	uint16_t v16 = 2;
	uint32_t v32 = 3;
	uint64_t v64 = 4;

	ck_assert_int_eq(hws_mmio_read8(mmio, 8, &v8), code);
	ck_assert_int_eq(hws_mmio_read16(mmio, 8, &v16), code);
	ck_assert_int_eq(hws_mmio_read32(mmio, 8, &v32), code);
	ck_assert_int_eq(hws_mmio_read64(mmio, 8, &v64), code);
	ck_assert_uint_eq(hws_mmio_get32(mmio, 8), UINT32_MAX);
	if (code < 0) {
		check_denial(HWS_REASON_DEVICE, -ENODEV);
		ck_assert_ptr_nonnull(strstr(hws_why(), "is gone"));
		ck_assert_uint_eq(v8 + v16 + v32 + v64, 10);
		ck_assert_int_eq(hws_mmio_wait_for(mmio, 8, 4, 1, 1, HWS_FOREVER, NULL), code);
		ck_assert_int_eq(hws_mmio_read_block(mmio, 8, 4, &v64, 2, 0), code);
	} else {
		ck_assert_uint_eq(v8, UINT8_MAX);
		ck_assert_uint_eq(v16, UINT16_MAX);
		ck_assert_uint_eq(v32, UINT32_MAX);
		ck_assert_uint_eq(v64, UINT64_MAX);
	}
}

START_TEST(all_ones_of_a_device_that_is_gone_are_none)
{
	/* nothing is loaded directly where its faults can't be told */
	for (int direct = 0; direct < (fault_arm() == 0 ? 2 : 1); direct++) {
		struct hws *hw = open_memory(direct);
		struct hws_mmio *mmio = mapped(hw, 0, HWS_RW);

		bar[1] = UINT64_MAX; /* a value like any other: the device is there */
		check_gone(mmio, 0);
		gone = true;
		check_gone(mmio, -ENODEV);
		config_code = -ENODEV;
		check_gone(mmio, -ENODEV);
		config_code = -EPERM; /* nothing is known: what was read stands */
		check_gone(mmio, 0);
		hws_mmio_unmap(mmio);
		hws_close(hw);
	}
}
END_TEST

int main(void)
{
	return suite_run("hw/block", (const TTest *[]) {
					     wait_ends_when_the_value_is_there,
					     wait_ends_at_its_deadline,
					     wait_is_judged_and_charged,
					     wait_ends_when_the_device_goes,
					     port_is_waited_for,
					     block_keeps_the_width,
					     queue_is_one_place,
					     block_that_ends_outside_touches_nothing,
					     block_that_is_stopped_says_how_far_it_came,
					     all_ones_of_a_device_that_is_gone_are_none,
					     NULL,
				     });
}
