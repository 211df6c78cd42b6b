/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>

#include "tests/shim/sim-kit.h"

static const char edu_bdf[] = "0000:00:03.0";
static const char every_bdf[] = "0000:00:05.0"; /* a register of every kind */

START_TEST(pci_lists_functions_in_order)
{
	static const char *const wanted[] = { "0000:00:00.0", "0000:00:02.0", "0000:00:03.0",
					      "0000:00:04.0", "0000:00:05.0" };
	void *sim = machine(NULL);
	struct hws_bdf bdf;
	char text[HWS_BDF_TEXT];

	for (size_t i = 0; i < COUNT(wanted); i++) {
		ck_ok(sim_ops.pci_next(sim, i ? &bdf : NULL, &bdf));
		ck_assert_str_eq(hws_bdf_format(bdf, text), wanted[i]);
	}
	ck_assert_int_eq(sim_ops.pci_next(sim, &bdf, &bdf), -ENOENT);
	ck_assert_str_eq(hws_bdf_format(bdf, text), wanted[4]);
	sim_ops.close(sim);
}
END_TEST

START_TEST(pci_config_is_consistent)
{
	static const char nvme[] = "00:04.0";
	void *sim = machine(NULL);
	uint32_t value;
	uint32_t bar;

	ck_assert_uint_eq(config(sim, nvme, 0, 4), 0x00101b36);
	ck_assert_uint_eq(config(sim, nvme, 8, 4), 0x01080202);
	ck_assert_uint_eq(config(sim, nvme, 0x2c, 4), 0x11001af4);
	set_config(sim, nvme, 0, 4, 0); /* read-only */
	ck_assert_uint_eq(config(sim, nvme, 0, 4), 0x00101b36);
	ck_assert_uint_eq(stats_of(sim).ignored, 1);
	bar = config(sim, nvme, 0x10, 4);
	ck_assert_uint_eq(bar & 0xf, 4); /* 64 bits */
	ck_assert_uint_eq(bar & 0x3ff0, 0);
	set_config(sim, nvme, 0x10, 4, UINT32_MAX);
	set_config(sim, nvme, 0x14, 4, UINT32_MAX);
	ck_assert_uint_eq(config(sim, nvme, 0x10, 4), 0xffffc004); /* 16 KiB */
	ck_assert_uint_eq(config(sim, nvme, 0x14, 4), UINT32_MAX);
	ck_assert_int_eq(sim_ops.pci_read(sim, bdf_of(nvme), 0x1000, 4, &value), -ERANGE);
	ck_assert_int_eq(sim_ops.pci_read(sim, bdf_of(edu_bdf), 0x100, 4, &value), -ERANGE);
	ck_assert_int_eq(sim_ops.pci_read(sim, bdf_of(nvme), 2, 4, &value), -EINVAL);
	ck_assert_int_eq(sim_ops.pci_read(sim, bdf_of(nvme), 0, 8, &value), -EINVAL);
	ck_assert_int_eq(sim_ops.pci_read(sim, bdf_of("00:07.0"), 0, 2, &value), -ENODEV);
	ck_assert_uint_eq(value, 0xffff);
	ck_assert_int_eq(sim_ops.pci_write(sim, bdf_of("00:07.0"), 0, 2, 0), -ENODEV);
	sim_ops.close(sim);
}
END_TEST

START_TEST(pci_config_is_exactly_what_was_told)
{
	/* its chain of capabilities comes back to itself: no harm */
	static const char text[] = "cpu count 1\npci 00:01.0 0001:0002 class 3\n"
				   "config 0 0x34 0x12 0xe8 0x11 0xff 0xff\n"
				   "config 6 0x10 0 0 0 0 0 0 0 0 0\n";
	void *sim = machine(text);
	uint32_t value;

	ck_assert_uint_eq(config(sim, "00:01.0", 0, 4), 0x11e81234);
	set_config(sim, "00:01.0", 4, 2, 0);
	ck_assert_uint_eq(config(sim, "00:01.0", 4, 4), 0x0010ffff);
	ck_assert_uint_eq(config(sim, "00:01.0", 0xc, 4), 0);
	ck_assert_int_eq(sim_ops.pci_read(sim, bdf_of("00:01.0"), 0x10, 4, &value), -ERANGE);
	sim_ops.close(sim);
}
END_TEST

START_TEST(pci_capabilities_are_a_chain)
{
	static const uint8_t wanted[] = { 0x01, 0x05, 0x10 };
	void *sim = machine(NULL);
	uint32_t at = config(sim, "00:04.0", 0x34, 1);

	ck_assert_uint_eq(config(sim, "00:04.0", 0x06, 2) & 0x10, 0x10);
	for (size_t i = 0; i < COUNT(wanted); i++) {
		ck_assert_uint_eq(config(sim, "00:04.0", at, 1), wanted[i]);
		at = config(sim, "00:04.0", at + 1, 1);
	}
	ck_assert_uint_eq(at, 0);
	ck_assert_uint_eq(config(sim, "00:00.0", 0x34, 1), 0);
	at = config(sim, edu_bdf, 0x34, 1);
	set_config(sim, edu_bdf, at + 4, 4, 0xfee00003); /* the MSI address has dword steps */
	ck_assert_uint_eq(config(sim, edu_bdf, at + 4, 4), 0xfee00000);
	set_config(sim, edu_bdf, at + 2, 2, 0xffff);
	ck_assert_uint_eq(config(sim, edu_bdf, at + 2, 2), 0x00f1);
	sim_ops.close(sim);
}
END_TEST

START_TEST(pci_status_is_cleared_by_ones)
{
	void *sim = machine("pci 00:01.0 1234:0001 class 0\ncap pcie\nbytes 0x100 1 2 0xff\n");

	ck_assert_uint_eq(config(sim, "00:01.0", 0x100, 4), 0x00ff0201);
	ck_assert_uint_eq(config(sim, "00:01.0", 0x06, 2), 0x10);
	set_config(sim, "00:01.0", 0x06, 2, 0xffff);
	ck_assert_uint_eq(config(sim, "00:01.0", 0x06, 2), 0x10);
	sim_ops.close(sim);
}
END_TEST

START_TEST(bar_that_is_switched_off_reads_all_ones)
{
	void *sim = machine(NULL);
	struct hws_window bar = bar_of(sim, every_bdf, 0);

	set_config(sim, every_bdf, 0x04, 2, 0);
	ck_assert_uint_eq(get(sim, &bar, 0, 4), UINT32_MAX);
	put(sim, &bar, 4, 4, 1);
	set_config(sim, every_bdf, 0x04, 2, 2);
	ck_assert_uint_eq(get(sim, &bar, 4, 4), 0x12345678);
	sim_ops.close(sim);
}
END_TEST

START_TEST(nvme_gets_ready_when_enabled)
{
	void *sim = machine(NULL);
	struct hws_window bar = bar_of(sim, "00:04.0", 0);

	ck_assert_uint_eq(get(sim, &bar, 0x08, 4), 0x00010400);
	ck_assert_uint_eq(get(sim, &bar, 0x04, 4), 0x00400020); /* the upper half of CAP */
	ck_assert_uint_eq(get(sim, &bar, 0x1c, 4), 0);
	put(sim, &bar, 0x14, 4, 0x00460001);
	ck_assert_uint_eq(get(sim, &bar, 0x1c, 4), 1);
	put(sim, &bar, 0x14, 4, 0x00460000);
	ck_assert_uint_eq(get(sim, &bar, 0x1c, 4), 0);
	sim_ops.close(sim);
}
END_TEST

START_TEST(unplugged_function_is_gone_everywhere)
{
	static const char text[] = "pci 00:01.0 1234:0001 class 0 unplug 5\nbar 0 mem 16 memory\n"
				   "bar 1 io 4 memory\npci 00:02.0 1234:0002 class 0\n";
	struct hws_bdf bdf = bdf_of("00:01.0");
	void *sim = machine(text);
	struct hws_window bar = bar_of(sim, "00:01.0", 0);
	struct hws_window other;
	struct hws_bdf first;
	uint32_t base = config(sim, "00:01.0", 0x14, 4) & ~3u;
	uint64_t value = 0;
	uint32_t narrow = 0;

	put(sim, &bar, 0, 4, 1);
	put(sim, &bar, 4, 4, 2);
	ck_assert_uint_eq(get(sim, &bar, 0, 4), 1);
	ck_assert_uint_eq(in(sim, (uint16_t)base, 1), 0);
	ck_ok(sim_ops.pci_next(sim, NULL, &first));
	ck_assert_uint_eq(first.device, 1);
	ck_assert_int_eq(sim_ops.mmio_read(sim, &bar, 0, 4, &value), -ENODEV);
	ck_assert_uint_eq(value, UINT32_MAX);
	ck_assert_int_eq(sim_ops.mmio_write(sim, &bar, 0, 4, 0), -ENODEV);
	ck_assert_int_eq(sim_ops.pci_read(sim, bdf, 0, 2, &narrow), -ENODEV);
	ck_assert_uint_eq(narrow, 0xffff);
	ck_assert_int_eq(sim_ops.pci_write(sim, bdf, 4, 2, 0), -ENODEV);
	ck_assert_int_eq(sim_ops.bar_map(sim, bdf, 0, 0, 0, HWS_R, &other), -ENODEV);
	ck_assert_uint_eq(in(sim, (uint16_t)base, 1), 0xff);
	ck_ok(sim_ops.pci_next(sim, NULL, &first));
	ck_assert_uint_eq(first.device, 2);
	sim_ops.bar_unmap(sim, &bar);
	sim_ops.close(sim);
}
END_TEST

int main(void)
{
	return suite_run("shim/sim-pci", (const TTest *[]) {
						 pci_lists_functions_in_order,
						 pci_config_is_consistent,
						 pci_config_is_exactly_what_was_told,
						 pci_capabilities_are_a_chain,
						 pci_status_is_cleared_by_ones,
						 bar_that_is_switched_off_reads_all_ones,
						 nvme_gets_ready_when_enabled,
						 unplugged_function_is_gone_everywhere,
						 NULL,
					 });
}
