/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <time.h>

#include "tests/shim/sim-kit.h"

static const char every_bdf[] = "0000:00:05.0"; /* a register of every kind */

START_TEST(sim_ops_are_all_there)
{
	const char *entry = (const char *)&sim_ops.open;
	/* what comes then only a back end far away has */
	const char *end = (const char *)&sim_ops.batch;

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
	ck_assert_uint_eq(regs[1], 0x756e6547); /* "Genu", as x86 has it in memory */
	ck_assert_uint_eq(regs[3], 0x49656e69);
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
					     port_of_nothing_reads_all_ones,
					     port_registers_and_io_bars_answer,
					     cmos_tells_the_fixed_time,
					     cmos_tells_the_real_time,
					     msr_has_holes_masks_and_processors,
					     default_machine_has_its_msrs,
					     latency_is_waited_and_counted,
					     log_sees_every_access,
					     open_says_what_is_wrong,
					     NULL,
				     });
}
