/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>

#include "tests/shim/sim-kit.h"

static const char edu_bdf[] = "0000:00:03.0";

START_TEST(edu_computes)
{
	void *sim = machine(NULL);
	struct hws_window edu = bar_of(sim, edu_bdf, 0);
	uint64_t value;

	ck_assert_uint_eq(get(sim, &edu, 0x00, 4), 0x010000ed);
	put(sim, &edu, 0x00, 4, 0); /* read-only */
	ck_assert_uint_eq(get(sim, &edu, 0x00, 4), 0x010000ed);
	ck_assert_uint_eq(stats_of(sim).ignored, 1);
	put(sim, &edu, 0x04, 4, 0x12345678);
	ck_assert_uint_eq(get(sim, &edu, 0x04, 4), 0xedcba987);
	put(sim, &edu, 0x08, 4, 10);
	ck_assert_uint_eq(get(sim, &edu, 0x20, 4), 1); /* seen at work once */
	ck_assert_uint_eq(get(sim, &edu, 0x20, 4), 0);
	ck_assert_uint_eq(get(sim, &edu, 0x08, 4), 3628800);
	put(sim, &edu, 0x08, 4, UINT32_MAX);
	get(sim, &edu, 0x20, 4);
	ck_assert_uint_eq(get(sim, &edu, 0x08, 4), 0);
	put(sim, &edu, 0x20, 4, 0x80);
	put(sim, &edu, 0x08, 4, 0);
	put(sim, &edu, 0x08, 4, 5); /* ignored: at work */
	ck_assert_uint_eq(get(sim, &edu, 0x20, 4), 0x81);
	ck_assert_uint_eq(get(sim, &edu, 0x08, 4), 1);
	ck_assert_uint_eq(get(sim, &edu, 0x24, 4), 1);
	put(sim, &edu, 0x60, 4, 0x1000);
	ck_assert_uint_eq(get(sim, &edu, 0x24, 4), 0x1001);
	put(sim, &edu, 0x64, 4, 0x1);
	ck_assert_uint_eq(get(sim, &edu, 0x24, 4), 0x1000);
	ck_assert_uint_eq(stats_of(sim).interrupts, 2);
	ck_assert_uint_eq(get(sim, &edu, 0x60, 4), UINT32_MAX);
	ck_assert_int_eq(sim_ops.mmio_read(sim, &edu, 0x00, 8, &value), -EINVAL);
	ck_assert_int_eq(sim_ops.mmio_read(sim, &edu, 0x00, 1, &value), -EINVAL);
	ck_assert_int_eq(sim_ops.mmio_write(sim, &edu, 0x80, 2, 0), -EINVAL);
	ck_assert_uint_eq(stats_of(sim).outside, 0);
	ck_assert_uint_eq(get(sim, &edu, 0x100, 8), UINT64_MAX);
	ck_assert_uint_eq(stats_of(sim).outside, 1);
	sim_ops.close(sim);
}
END_TEST

/* Memory as devices see it: 256 bytes at 0x1000. */
struct memory {
	uint8_t bytes[256];
};

static int memory_read(uint64_t address, void *bytes, size_t size, void *context)
{
	struct memory *memory = context;

	if (!hws_range_ok(address - 0x1000, size, sizeof(memory->bytes)))
		return -EFAULT;
	memcpy(bytes, memory->bytes + (address - 0x1000), size);
	return 0;
}

static int memory_write(uint64_t address, const void *bytes, size_t size, void *context)
{
	struct memory *memory = context;

	if (!hws_range_ok(address - 0x1000, size, sizeof(memory->bytes)))
		return -EFAULT;
	memcpy(memory->bytes + (address - 0x1000), bytes, size);
	return 0;
}

static void dma(void *sim, const struct hws_window *edu, uint64_t from, uint64_t to, uint64_t count,
		uint64_t command)
{
	put(sim, edu, 0x80, 8, from);
	put(sim, edu, 0x88, 8, to);
	put(sim, edu, 0x90, 4, count);
	put(sim, edu, 0x98, 4, command | 1);
	ck_assert_uint_eq(get(sim, edu, 0x98, 4) & 1, 1);
	ck_assert_uint_eq(get(sim, edu, 0x98, 4) & 1, 0);
}

START_TEST(edu_moves_memory)
{
	void *sim = machine(NULL);
	struct hws_window edu = bar_of(sim, edu_bdf, 0);
	struct memory memory = { "hello, device" };

	sim_set_dma(sim, memory_read, memory_write, &memory);
	dma(sim, &edu, 0x1000, 0x40010, 13, 0);
	dma(sim, &edu, 0x40010, 0xf0001080, 13, 2 | 4); /* the upper address lines are not there */
	ck_assert_str_eq((char *)memory.bytes + 0x80, "hello, device");
	ck_assert_uint_eq(get(sim, &edu, 0x24, 4), 0x100);
	ck_assert_uint_eq(stats_of(sim).dma_read, 13);
	ck_assert_uint_eq(stats_of(sim).dma_written, 13);
	ck_assert_uint_eq(stats_of(sim).dma_faults, 0);
	put(sim, &edu, 0x98, 4, 2); /* without the start bit: nothing */
	ck_assert_uint_eq(get(sim, &edu, 0x98, 4), 6);
	sim_ops.close(sim);
}
END_TEST

START_TEST(edu_dma_is_refused_and_counted)
{
	void *sim = machine(NULL);
	struct hws_window edu = bar_of(sim, edu_bdf, 0);
	struct memory memory = { "" };

	dma(sim, &edu, 0x1000, 0x40000, 4, 0); /* no memory */
	dma(sim, &edu, 0x40000, 0x1000, 4, 2);
	ck_assert_uint_eq(stats_of(sim).dma_faults, 2);
	sim_set_dma(sim, memory_read, memory_write, &memory);
	dma(sim, &edu, 0x10f0, 0x40000, 17, 0); /* past its end */
	dma(sim, &edu, 0x40000, 0xfff, 4, 2);
	dma(sim, &edu, 0x1000, 0x40ffd, 4, 0); /* past the end of the buffer */
	dma(sim, &edu, 0x3ffff, 0x1000, 4, 2);
	dma(sim, &edu, 0x40000, 0x1000, UINT32_MAX, 2);
	ck_assert_uint_eq(stats_of(sim).dma_faults, 7);
	ck_assert_uint_eq(stats_of(sim).dma_read + stats_of(sim).dma_written, 0);
	sim_ops.close(sim);
}
END_TEST

int main(void)
{
	return suite_run("shim/sim-edu", (const TTest *[]) {
						 edu_computes,
						 edu_moves_memory,
						 edu_dma_is_refused_and_counted,
						 NULL,
					 });
}
