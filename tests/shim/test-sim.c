/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <time.h>

#include "tests/shim/sim-kit.h"

static const char edu_bdf[] = "0000:00:03.0";
static const char every_bdf[] = "0000:00:05.0"; /* a register of every kind */

static uint32_t in(void *sim, uint16_t port, uint32_t width)
{
	struct hws_window ports;
	uint32_t value = 0;

	ck_ok(sim_ops.port_open(sim, port, width, HWS_RW, &ports));
	ck_ok(sim_ops.port_read(sim, &ports, port, width, &value));
	sim_ops.port_close(sim, &ports);
	return value;
}

static void out(void *sim, uint16_t port, uint32_t value)
{
	struct hws_window ports;

	ck_ok(sim_ops.port_open(sim, port, 1, HWS_RW, &ports));
	ck_ok(sim_ops.port_write(sim, &ports, port, 1, value));
	sim_ops.port_close(sim, &ports);
}

static uint32_t config(void *sim, const char *bdf, uint32_t offset, uint32_t width)
{
	uint32_t value = 0;

	ck_ok(sim_ops.pci_read(sim, bdf_of(bdf), offset, width, &value));
	return value;
}

static void set_config(void *sim, const char *bdf, uint32_t offset, uint32_t width, uint32_t value)
{
	ck_ok(sim_ops.pci_write(sim, bdf_of(bdf), offset, width, value));
}

START_TEST(sim_ops_are_all_there)
{
	const char *entry = (const char *)&sim_ops.open;
	const char *end = (const char *)(&sim_ops + 1);

	for (; entry < end; entry += sizeof(void *)) {
		void *function;

		memcpy(&function, entry, sizeof(function));
		ck_assert_ptr_nonnull(function);
	}
	ck_assert_uint_eq(sim_ops.struct_size, sizeof(sim_ops));
	ck_assert_uint_eq(sim_ops.flags, HWS_SHIM_THREAD_SAFE);
}
END_TEST

START_TEST(sim_identify_tells_what_is_described)
{
	void *sim = machine(NULL);
	struct hws_cpu cpu;
	uint32_t regs[4];

	ck_ok(sim_ops.identify(sim, &cpu));
	ck_assert_int_eq(cpu.arch, HWS_ARCH_X86_64);
	ck_assert_uint_eq(cpu.cpus, 4);
	ck_assert_uint_eq(cpu.id, 0x806ec);
	ck_assert_str_eq(cpu.vendor, "GenuineIntel");
	ck_assert_str_eq(cpu.model, "Simulated processor");
	ck_ok(sim_ops.cpuid(sim, 0, 7, regs));
	ck_assert_mem_eq(&regs[1], "Genu", 4);
	ck_assert_mem_eq(&regs[3], "ineI", 4);
	ck_ok(sim_ops.cpuid(sim, 0xb, 1, regs));
	ck_assert_uint_eq(regs[1], 4);
	ck_assert_uint_eq(stats_of(sim).outside, 0);
	ck_ok(sim_ops.cpuid(sim, 0xb, 2, regs));
	ck_assert_uint_eq(regs[0] | regs[1] | regs[2] | regs[3], 0);
	ck_assert_uint_eq(stats_of(sim).outside, 1);
	sim_ops.barrier(sim, HWS_BARRIER_FULL);
	ck_assert_uint_lt(sim_ops.timestamp(sim), sim_ops.timestamp(sim));
	sim_ops.close(sim);
}
END_TEST

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

START_TEST(port_of_nothing_reads_all_ones)
{
	void *sim = machine(NULL);
	struct hws_window ports;
	uint32_t value = 0;

	ck_assert_uint_eq(in(sim, 0x300, 1), 0xff);
	ck_assert_uint_eq(in(sim, 0x300, 2), 0xffff);
	ck_assert_uint_eq(in(sim, 0x300, 4), UINT32_MAX);
	ck_assert_uint_eq(in(sim, 0x3f9, 1), 0xff); /* inside the serial port, no register */
	out(sim, 0x300, 1);
	ck_assert_uint_eq(stats_of(sim).outside, 5);
	ck_assert_uint_eq(stats_of(sim).reads[SIM_PORT], 4);
	ck_assert_uint_eq(stats_of(sim).writes[SIM_PORT], 1);
	ck_assert_int_eq(sim_ops.port_open(sim, 0xffff, 2, HWS_R, &ports), -ERANGE);
	ck_assert_int_eq(sim_ops.port_open(sim, 0, 0, HWS_R, &ports), -ERANGE);
	ck_ok(sim_ops.port_open(sim, 0x80, 2, HWS_R, &ports));
	ck_assert_int_eq(sim_ops.port_write(sim, &ports, 0x80, 1, 1), -EPERM);
	ck_assert_int_eq(sim_ops.port_read(sim, &ports, 0x82, 1, &value), -ERANGE);
	ck_assert_int_eq(sim_ops.port_read(sim, &ports, 0x7f, 1, &value), -ERANGE);
	ck_assert_int_eq(sim_ops.port_read(sim, &ports, 0x80, 8, &value), -EINVAL);
	ck_assert_uint_eq(value, UINT32_MAX);
	ck_assert_int_eq(sim_ops.port_read(sim, &ports, 0x80, 2, &value), -EINVAL);
	ck_assert_uint_eq(value, 0xffff);
	sim_ops.close(sim);
}
END_TEST

START_TEST(port_registers_and_io_bars_answer)
{
	void *sim = machine(NULL);
	uint32_t base = config(sim, "00:02.0", 0x14, 4);

	out(sim, 0x80, 0x5a);
	ck_assert_uint_eq(in(sim, 0x80, 1), 0x5a);
	out(sim, 0x3f8, 'a');
	out(sim, 0x3f8, 'b');
	ck_assert_uint_eq(in(sim, 0x3f8, 1), 'a');
	ck_assert_uint_eq(in(sim, 0x3f8, 1), 'b');
	ck_assert_uint_eq(base & 3, 1);
	base &= ~3u;
	ck_assert_uint_eq(in(sim, (uint16_t)(base + 1), 1), 1);
	set_config(sim, "00:02.0", 0x14, 4, 0xd000); /* moved */
	ck_assert_uint_eq(in(sim, (uint16_t)(base + 1), 1), 0xff);
	ck_assert_uint_eq(in(sim, 0xd001, 1), 1);
	set_config(sim, "00:02.0", 0x04, 2, 0); /* switched off */
	ck_assert_uint_eq(in(sim, 0xd001, 1), 0xff);
	sim_ops.close(sim);
}
END_TEST

static uint8_t cmos(void *sim, uint8_t index)
{
	out(sim, 0x70, index);
	return (uint8_t)in(sim, 0x71, 1);
}

START_TEST(cmos_tells_the_fixed_time)
{
	static const uint8_t wanted[][2] = {
		{ 0x00, 0x56 }, { 0x02, 0x34 }, { 0x04, 0x12 }, { 0x06, 0x05 }, /* Thursday */
		{ 0x07, 0x29 }, { 0x08, 0x02 }, { 0x09, 0x24 }, { 0x32, 0x20 },
		{ 0x0a, 0x26 }, { 0x0b, 0x02 }, { 0x0c, 0x00 }, { 0x0d, 0x80 },
	};
	void *sim = machine(NULL);
	struct hws_window ports;
	uint32_t value;

	for (size_t i = 0; i < COUNT(wanted); i++)
		ck_assert_uint_eq(cmos(sim, wanted[i][0] | 0x80), wanted[i][1]);
	ck_assert_uint_eq(in(sim, 0x70, 1), 0xff);
	out(sim, 0x71, 0x11); /* the century is the chip's own */
	ck_assert_uint_eq(cmos(sim, 0x32), 0x20);
	ck_assert_uint_eq(cmos(sim, 0x40), 0);
	out(sim, 0x71, 0x99);
	ck_assert_uint_eq(cmos(sim, 0x40), 0x99);
	ck_ok(sim_ops.port_open(sim, 0x70, 2, HWS_R, &ports));
	ck_assert_int_eq(sim_ops.port_read(sim, &ports, 0x70, 2, &value), -EINVAL);
	sim_ops.close(sim);
}
END_TEST

START_TEST(cmos_tells_the_real_time)
{
	void *sim = machine("clock real\nports 0x70 2 is cmos\n");
	time_t before = time(NULL);
	unsigned int year = cmos(sim, 0x09);
	struct tm then;
	struct tm now;
	time_t after = time(NULL);

	gmtime_r(&before, &then);
	gmtime_r(&after, &now);
	year = year / 16 * 10 + year % 16;
	ck_assert(year == (unsigned)then.tm_year % 100 || year == (unsigned)now.tm_year % 100);
	sim_ops.close(sim);
}
END_TEST

START_TEST(msr_has_holes_masks_and_processors)
{
	void *sim = machine("cpu count 4\nmsr 0x10 counter value 5 step 3\n"
			    "msr 0x1b rw value 0xf00 mask 0xff cpus 0,2-3\nmsr 0x8b ro value 7\n"
			    "msr 0x79 wo\nmsr 0x1b ro value 9 cpus 1\n");
	uint64_t value = 0;

	ck_ok(sim_ops.msr_read(sim, 0, 0x10, &value));
	ck_assert_uint_eq(value, 5);
	ck_ok(sim_ops.msr_read(sim, 0, 0x10, &value));
	ck_assert_uint_eq(value, 8);
	ck_ok(sim_ops.msr_read(sim, 1, 0x10, &value)); /* each processor has its own */
	ck_assert_uint_eq(value, 5);
	ck_assert_int_eq(sim_ops.msr_write(sim, 0, 0x10, 0), -EIO);
	ck_ok(sim_ops.msr_write(sim, 2, 0x1b, 0xf42));
	ck_ok(sim_ops.msr_read(sim, 2, 0x1b, &value));
	ck_assert_uint_eq(value, 0xf42);
	ck_assert_int_eq(sim_ops.msr_write(sim, 2, 0x1b, 0x42), -EIO); /* reserved bits */
	ck_ok(sim_ops.msr_read(sim, 1, 0x1b, &value));
	ck_assert_uint_eq(value, 9);
	ck_assert_int_eq(sim_ops.msr_write(sim, 1, 0x8b, 7), -EIO);
	ck_assert_int_eq(sim_ops.msr_read(sim, 0, 0x79, &value), -EIO);
	ck_ok(sim_ops.msr_write(sim, 0, 0x79, 1));
	ck_assert_uint_eq(stats_of(sim).outside, 0);
	ck_assert_int_eq(sim_ops.msr_read(sim, 0, 0x11, &value), -EIO); /* a hole */
	ck_assert_uint_eq(value, UINT64_MAX);
	ck_assert_int_eq(sim_ops.msr_write(sim, 0, 0x12, 0), -EIO);
	ck_assert_int_eq(sim_ops.msr_read(sim, 4, 0x10, &value), -ENODEV);
	ck_assert_uint_eq(stats_of(sim).outside, 3);
	sim_ops.close(sim);
}
END_TEST

START_TEST(default_machine_has_its_msrs)
{
	static const uint32_t msrs[] = { 0x10, 0x1b, 0x19c, 0x1a2, 0x610, 0xc0000080 };
	void *sim = machine(NULL);
	uint64_t value;

	for (uint32_t cpu = 0; cpu < 4; cpu++)
		for (size_t i = 0; i < COUNT(msrs); i++)
			ck_ok(sim_ops.msr_read(sim, cpu, msrs[i], &value));
	sim_ops.close(sim);
}
END_TEST

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

START_TEST(edu_computes)
{
	void *sim = machine(NULL);
	struct hws_window edu = bar_of(sim, edu_bdf, 0);
	uint64_t value;

	ck_assert_uint_eq(get(sim, &edu, 0x00, 4), 0x010000ed);
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

START_TEST(latency_is_waited_and_counted)
{
	void *sim = machine("ports 0x80 1 latency 2us\nreg 0 1 rw\n"
			    "pci 00:01.0 1234:0001 class 0\nbar 0 mem 16 memory latency 500ns\n");
	struct hws_window bar = bar_of(sim, "00:01.0", 0);

	put(sim, &bar, 0, 4, 1);
	get(sim, &bar, 0, 4);
	out(sim, 0x80, 1);
	in(sim, 0x81, 1);
	ck_assert_uint_eq(stats_of(sim).waits, 3);
	ck_assert_uint_eq(stats_of(sim).waited_ns, 3000);
	sim_ops.close(sim);
}
END_TEST

struct seen {
	int count;
	struct sim_access last;
};

static void note(const struct sim_access *access, void *context)
{
	struct seen *seen = context;

	seen->count++;
	seen->last = *access;
}

START_TEST(log_sees_every_access)
{
	void *sim = machine(NULL);
	struct hws_window bar;
	struct seen seen = { 0 };
	uint64_t value;

	ck_ok(sim_ops.bar_map(sim, bdf_of(every_bdf), 2, 0x100, 0x100, HWS_RW, &bar));
	sim_set_log(sim, note, &seen);
	put(sim, &bar, 8, 2, 77);
	ck_assert_int_eq(seen.count, 1);
	ck_assert(seen.last.write && !seen.last.outside && seen.last.kind == SIM_MMIO);
	ck_assert_uint_eq(seen.last.offset, 0x108); /* inside the BAR, not the window */
	ck_assert_uint_eq(seen.last.bar, 2);
	ck_assert_uint_eq(seen.last.bdf.device, 5);
	ck_assert_uint_eq(seen.last.value, 77);
	ck_assert_int_eq(sim_ops.mmio_read(sim, &bar, 0x100, 2, &value), -ERANGE);
	ck_assert(seen.count == 2 && seen.last.outside && seen.last.result == -ERANGE);
	ck_assert_int_eq(sim_ops.msr_read(sim, 1, 0x7777, &value), -EIO);
	ck_assert(seen.last.kind == SIM_MSR && seen.last.cpu == 1 && seen.last.outside);
	sim_set_log(sim, NULL, NULL);
	put(sim, &bar, 8, 2, 77);
	ck_assert_int_eq(seen.count, 3);
	sim_ops.close(sim);
}
END_TEST

START_TEST(open_says_what_is_wrong)
{
	struct hws_shim_options options = { .size = sizeof(options),
					    .sim = "cpu count 1\nmsr\nports 1\n",
					    .sim_name = "my.sim" };
	int nothing;
	void *sim = &nothing;

	ck_assert_int_eq(sim_ops.open(&options, &sim), -EINVAL);
	ck_assert_ptr_eq(sim, &nothing);
	ck_assert_str_eq(hws_why(), "my.sim:2:4: found 'end of line', expected a number of up to "
				    "32 bits (and 1 more)");
	options.sim = "msr\n";
	options.sim_name = NULL;
	ck_assert_int_eq(sim_ops.open(&options, &sim), -EINVAL);
	ck_assert_str_eq(hws_why(), "sim:1:4: found 'end of line', expected a number of up to 32 "
				    "bits");
	ck_ok(sim_ops.open(NULL, &sim));
	sim_ops.close(sim);
	sim_ops.close(NULL);
}
END_TEST

int main(void)
{
	return suite_run("shim/sim", (const TTest *[]) {
					     sim_ops_are_all_there,
					     sim_identify_tells_what_is_described,
					     register_does_what_its_attribute_says,
					     register_links_reach_their_targets,
					     fifo_keeps_order_and_drops_when_full,
					     split_register_takes_its_parts,
					     mmio_refuses_what_hardware_would_not_take,
					     window_bounds_and_rights_hold,
					     memory_is_little_endian_and_keeps,
					     port_of_nothing_reads_all_ones,
					     port_registers_and_io_bars_answer,
					     cmos_tells_the_fixed_time,
					     cmos_tells_the_real_time,
					     msr_has_holes_masks_and_processors,
					     default_machine_has_its_msrs,
					     pci_lists_functions_in_order,
					     pci_config_is_consistent,
					     pci_capabilities_are_a_chain,
					     pci_status_is_cleared_by_ones,
					     bar_that_is_switched_off_reads_all_ones,
					     nvme_gets_ready_when_enabled,
					     edu_computes,
					     edu_moves_memory,
					     edu_dma_is_refused_and_counted,
					     unplugged_function_is_gone_everywhere,
					     latency_is_waited_and_counted,
					     log_sees_every_access,
					     open_says_what_is_wrong,
					     NULL,
				     });
}
