/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>

#include "tests/shim/sim-kit.h"

static const char every_bdf[] = "0000:00:05.0"; /* a register of every kind */

START_TEST(register_does_what_its_attribute_says)
{
	void *sim = machine(NULL);
	struct hws_window bar = bar_of(sim, every_bdf, 0);

	put(sim, &bar, 0x000, 4, 7); /* ro */
	ck_assert_uint_eq(get(sim, &bar, 0x000, 4), 0x11ea0001);
	ck_assert_uint_eq(stats_of(sim).ignored, 1);
	ck_assert_uint_eq(get(sim, &bar, 0x004, 4), 0x12345678); /* rw */
	put(sim, &bar, 0x004, 4, 0xdeadbeef);
	ck_assert_uint_eq(get(sim, &bar, 0x004, 4), 0xdeadbeef);
	put(sim, &bar, 0x008, 4, 1); /* wo */
	ck_assert_uint_eq(get(sim, &bar, 0x008, 4), UINT32_MAX);
	put(sim, &bar, 0x00c, 4, 0x0f); /* w1c */
	ck_assert_uint_eq(get(sim, &bar, 0x00c, 4), 0xf0);
	ck_assert_uint_eq(get(sim, &bar, 0x010, 4), 0xff); /* read-clears */
	ck_assert_uint_eq(get(sim, &bar, 0x010, 4), 0);
	put(sim, &bar, 0x010, 4, 5);
	ck_assert_uint_eq(get(sim, &bar, 0x010, 4), 0);
	ck_assert_uint_eq(get(sim, &bar, 0x024, 4), 0); /* counter */
	ck_assert_uint_eq(get(sim, &bar, 0x024, 4), 1);
	put(sim, &bar, 0x02e, 2, 0xffff); /* masked */
	ck_assert_uint_eq(get(sim, &bar, 0x02e, 2), 0x0ff0);
	put(sim, &bar, 0x02c, 1, 0x42);
	ck_assert_uint_eq(get(sim, &bar, 0x02c, 1), 0x42);
	ck_assert_uint_eq(get(sim, &bar, 0x02d, 1), 0x5a);
	put(sim, &bar, 0x038, 8, UINT64_MAX - 1);
	ck_assert_uint_eq(get(sim, &bar, 0x038, 8), UINT64_MAX - 1);
	sim_ops.bar_unmap(sim, &bar);
	sim_ops.close(sim);
}
END_TEST

START_TEST(register_links_reach_their_targets)
{
	void *sim = machine(NULL);
	struct hws_window bar = bar_of(sim, every_bdf, 0);

	put(sim, &bar, 0x00c, 4, 0xff);
	put(sim, &bar, 0x014, 4, 0x30); /* raises */
	ck_assert_uint_eq(get(sim, &bar, 0x00c, 4), 0x30);
	put(sim, &bar, 0x01c, 4, 0x10); /* clears */
	ck_assert_uint_eq(get(sim, &bar, 0x00c, 4), 0x20);
	put(sim, &bar, 0x018, 4, 0x100);
	ck_assert_uint_eq(get(sim, &bar, 0x010, 4), 0x1ff);
	put(sim, &bar, 0x004, 4, 0x35); /* followed in the mask's bits */
	ck_assert_uint_eq(get(sim, &bar, 0x028, 4), 0xf5);
	sim_ops.close(sim);
}
END_TEST

START_TEST(fifo_keeps_order_and_drops_when_full)
{
	void *sim = machine(NULL);
	struct hws_window bar = bar_of(sim, every_bdf, 0);

	ck_assert_uint_eq(get(sim, &bar, 0x020, 4), 0);
	for (int round = 0; round < 3; round++) {
		for (uint32_t i = 0; i < 17; i++)
			put(sim, &bar, 0x020, 4, 100 + i);
		ck_assert_uint_eq(stats_of(sim).ignored, (unsigned)round + 1);
		for (uint32_t i = 0; i < 16; i++)
			ck_assert_uint_eq(get(sim, &bar, 0x020, 4), 100 + i);
		ck_assert_uint_eq(get(sim, &bar, 0x020, 4), 0);
		put(sim, &bar, 0x020, 4, 1);
		ck_assert_uint_eq(get(sim, &bar, 0x020, 4), 1);
	}
	sim_ops.close(sim);
}
END_TEST

START_TEST(split_register_takes_its_parts)
{
	void *sim = machine(NULL);
	struct hws_window bar = bar_of(sim, every_bdf, 0);

	put(sim, &bar, 0x030, 8, 0x1122334455667788);
	ck_assert_uint_eq(get(sim, &bar, 0x034, 4), 0x11223344);
	put(sim, &bar, 0x032, 2, 0xaaaa);
	put(sim, &bar, 0x037, 1, 0xbb);
	ck_assert_uint_eq(get(sim, &bar, 0x030, 8), 0xbb223344aaaa7788);
	sim_ops.close(sim);
}
END_TEST

START_TEST(mmio_refuses_what_hardware_would_not_take)
{
	static const struct {
		uint64_t offset;
		uint32_t width;
		int result;
		uint64_t value;
	} cases[] = {
		{ 0x001, 4, -EINVAL, UINT32_MAX }, { 0x000, 2, -EINVAL, 0xffff },
		{ 0x000, 8, -EINVAL, UINT64_MAX }, { 0x000, 3, -EINVAL, 0xffffff },
		{ 0x000, 0, -EINVAL, 0 },	   { 0x000, 16, -EINVAL, UINT64_MAX },
		{ 0x020, 1, -EINVAL, 0xff },	   { 0x1000, 4, -ERANGE, UINT32_MAX },
		{ 0xffc, 8, -EINVAL, UINT64_MAX }, { UINT64_MAX - 7, 8, -ERANGE, UINT64_MAX },
		{ 0x800, 4, 0, UINT32_MAX },	   { 0xfff, 1, 0, 0xff },
	};
	void *sim = machine(NULL);
	struct hws_window bar = bar_of(sim, every_bdf, 0);

	for (size_t i = 0; i < COUNT(cases); i++) {
		uint64_t value = 1;

		ck_assert_int_eq(
			sim_ops.mmio_read(sim, &bar, cases[i].offset, cases[i].width, &value),
			cases[i].result);
		ck_assert_uint_eq(value, cases[i].value);
		ck_assert_int_eq(sim_ops.mmio_write(sim, &bar, cases[i].offset, cases[i].width, 0),
				 cases[i].result);
		ck_assert(cases[i].result == 0 || *hws_why());
	}
	ck_assert_uint_eq(stats_of(sim).outside, 8); /* two beyond the window, two in nothing */
	ck_assert_uint_eq(stats_of(sim).failed, 20);
	sim_ops.close(sim);
}
END_TEST

START_TEST(window_bounds_and_rights_hold)
{
	void *sim = machine(NULL);
	struct hws_bdf bdf = bdf_of(every_bdf);
	struct hws_window window;
	uint64_t value;

	ck_assert_int_eq(sim_ops.bar_map(sim, bdf, 0, 0x1000, 0, HWS_R, &window), -ERANGE);
	ck_assert_int_eq(sim_ops.bar_map(sim, bdf, 0, 0xf00, 0x101, HWS_R, &window), -ERANGE);
	ck_assert_int_eq(sim_ops.bar_map(sim, bdf, 0, 8, UINT64_MAX, HWS_R, &window), -ERANGE);
	ck_assert_int_eq(sim_ops.bar_map(sim, bdf, 1, 0, 0, HWS_R, &window), -ENODEV);
	ck_assert_int_eq(sim_ops.bar_map(sim, bdf, 6, 0, 0, HWS_R, &window), -EINVAL);
	ck_assert_int_eq(sim_ops.bar_map(sim, bdf_of("00:1f.0"), 0, 0, 0, HWS_R, &window), -ENODEV);
	ck_assert_int_eq(sim_ops.bar_map(sim, bdf_of("00:02.0"), 1, 0, 0, HWS_R, &window), -EINVAL);
	ck_ok(sim_ops.bar_map(sim, bdf, 0, 4, 8, HWS_R, &window));
	ck_assert_ptr_null(window.direct);
	ck_assert_uint_eq(window.first, 4);
	ck_assert_uint_eq(get(sim, &window, 0, 4), 0x12345678);
	ck_assert_int_eq(sim_ops.mmio_read(sim, &window, 8, 4, &value), -ERANGE);
	ck_assert_int_eq(sim_ops.mmio_write(sim, &window, 0, 4, 1), -EPERM);
	ck_assert_uint_eq(get(sim, &window, 0, 4), 0x12345678);
	ck_assert_uint_eq(stats_of(sim).windows, 1);
	sim_ops.bar_unmap(sim, &window);
	ck_assert_uint_eq(stats_of(sim).windows, 0);
	sim_ops.close(sim);
}
END_TEST

START_TEST(forged_window_reaches_nothing)
{
	static const uint64_t cookies[] = { HWS_RW, UINT64_MAX, 5 << 11 | 5 << 4 | HWS_RW };
	void *sim = machine(NULL);
	struct hws_window window = { .first = UINT64_MAX - 7, .size = UINT64_MAX };
	uint64_t value;

	for (size_t i = 0; i < COUNT(cookies); i++) {
		window.cookie = cookies[i];
		value = 0;
		ck_assert_int_eq(sim_ops.mmio_read(sim, &window, 0, 8, &value), -ENODEV);
		ck_assert_uint_eq(value, UINT64_MAX);
	}
	window.cookie = 5 << 11 | HWS_RW; /* a BAR that is there, far beyond its end */
	ck_assert_int_eq(sim_ops.mmio_write(sim, &window, 0, 8, 0), -EINVAL);
	ck_assert_uint_eq(stats_of(sim).outside, COUNT(cookies) + 1);
	sim_ops.close(sim);
}
END_TEST

START_TEST(memory_is_little_endian_and_keeps)
{
	void *sim = machine(NULL);
	struct hws_window bar = bar_of(sim, every_bdf, 2);

	ck_assert_uint_eq(bar.size, 0x10000);
	put(sim, &bar, 0xfff8, 8, 0x0102030405060708);
	ck_assert_uint_eq(get(sim, &bar, 0xfff8, 1), 8);
	ck_assert_uint_eq(get(sim, &bar, 0xfffc, 4), 0x01020304);
	ck_assert_uint_eq(get(sim, &bar, 0, 8), 0);
	sim_ops.close(sim);
}
END_TEST

int main(void)
{
	return suite_run("shim/sim-bar", (const TTest *[]) {
						 register_does_what_its_attribute_says,
						 register_links_reach_their_targets,
						 fifo_keeps_order_and_drops_when_full,
						 split_register_takes_its_parts,
						 mmio_refuses_what_hardware_would_not_take,
						 window_bounds_and_rights_hold,
						 forged_window_reaches_nothing,
						 memory_is_little_endian_and_keeps,
						 NULL,
					 });
}
