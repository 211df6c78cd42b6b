/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The native back end on the lab's machines: a real kernel, real registers. */
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "shim/fault-internal.h"
#include "shim/shim-internal.h"
#include "shim/sys-internal.h"
#include "tests/suite.h"

static struct hws_shim shim;
static const struct hws_shim_ops *ops;

static void open_native(void)
{
	ck_ok(shim_open(&native_ops, NULL, &shim));
	ops = shim_ops(&shim);
}

/* The first function with these identifiers. */
static bool find(uint16_t vendor, uint16_t device, struct hws_bdf *ret_bdf)
{
	int r = ops->pci_next(shim.self, NULL, ret_bdf);

	for (; r == 0; r = ops->pci_next(shim.self, ret_bdf, ret_bdf)) {
		uint32_t id;

		if (ops->pci_read(shim.self, *ret_bdf, 0, 4, &id) == 0 &&
		    id == ((uint32_t)device << 16 | vendor))
			return true;
	}
	return false;
}

static uint32_t cmos(const struct hws_window *ports, uint8_t reg)
{
	uint32_t value;

	ck_ok(ops->port_write(shim.self, ports, 0x70, 1, reg));
	ck_ok(ops->port_read(shim.self, ports, 0x71, 1, &value));
	return value;
}

START_TEST(cmos_clock_ticks_by_real_ports)
{
	struct hws_window ports;
	uint32_t second;
	bool ticked = false;

	need_lab("ioport");
	open_native();
	ck_ok(ops->port_open(shim.self, 0x70, 2, HWS_RW, &ports));
	ck_assert_str_eq(ports.way, "ioperm");
	second = cmos(&ports, 0x00);
	ck_assert_uint_lt(second & 0xf, 10); /* BCD */
	ck_assert_uint_lt(second >> 4, 6);
	for (int i = 0; i < 300 && !ticked; i++) {
		usleep(10000);
		ticked = cmos(&ports, 0x00) != second;
	}
	ck_assert(ticked);
	ops->port_close(shim.self, &ports);
}
END_TEST

static void *read_foreign_ports(void *ports)
{
	uint32_t value = 0;
	int r = ops->port_read(shim.self, ports, 0x71, 1, &value);

	return (void *)(intptr_t)(value == UINT8_MAX ? r : 1);
}

START_TEST(ports_belong_to_the_thread_that_opened_them)
{
	struct hws_window ports;
	struct hws_window inner;
	uint32_t value = 0;
	pthread_t thread;
	void *result;

	need_lab("ioport");
	open_native();
	ck_ok(ops->port_open(shim.self, 0x70, 2, HWS_RW, &ports));
	ck_ok(ops->port_open(shim.self, 0x71, 1, HWS_R, &inner));
	ops->port_close(shim.self, &inner);
	ck_ok(ops->port_read(shim.self, &ports, 0x71, 1, &value));
	/* a new thread starts with its maker's permission: give it a maker without */
	ck_ok(sys_ioperm(0x70, 2, false));
	ck_assert_int_eq(pthread_create(&thread, NULL, read_foreign_ports, &ports), 0);
	pthread_join(thread, &result);
	ck_assert_int_eq((int)(intptr_t)result, -EPERM);
	ops->port_close(shim.self, &ports);
}
END_TEST

START_TEST(ports_closed_are_ports_lost)
{
	struct hws_window ports;
	struct hws_window closed;
	uint32_t value = 0;

	need_lab("ioport");
	open_native();
	ck_ok(ops->port_open(shim.self, 0x70, 2, HWS_RW, &ports));
	closed = ports;
	ops->port_close(shim.self, &ports);
	/* SAFETY: the kernel no longer lets this thread at the port; that is the test */
	ck_assert_int_eq(raw_port_read((uint16_t)closed.first, 1, &value), -EPERM);
	ck_assert_uint_eq(value, UINT8_MAX);
}
END_TEST

START_TEST(ports_without_the_right_are_refused)
{
	struct hws_window ports;

	need_lab("no-ioport");
	open_native();
	ck_assert_int_eq(ops->port_open(shim.self, 0x70, 2, HWS_RW, &ports), -EPERM);
	ck_assert_ptr_nonnull(strstr(hws_why(), "ioperm"));
}
END_TEST

START_TEST(msr_is_read_from_every_processor)
{
	struct hws_cpu cpu;
	uint64_t value;

	need_lab("msr");
	open_native();
	ck_ok(ops->identify(shim.self, &cpu));
	for (uint32_t i = 0; i < cpu.cpus; i++) {
		ck_ok(ops->msr_read(shim.self, i, 0x1b, &value)); /* IA32_APIC_BASE */
		ck_assert_uint_eq(value & 0xfffff000, 0xfee00000);
		ck_assert_int_eq((value >> 8) & 1, i == 0); /* bootstrap processor */
	}
	ck_assert_int_eq(ops->msr_read(shim.self, cpu.cpus + 1000, 0x1b, &value), -ENODEV);
}
END_TEST

START_TEST(edu_is_alive_by_real_mmio)
{
	struct hws_bdf edu;
	struct hws_window window;
	uint64_t value;

	need_lab("edu");
	open_native();
	ck_assert(find(0x1234, 0x11e8, &edu));
	ck_ok(ops->pci_read(shim.self, edu, 4, 2, (uint32_t[]) { 0 }));
	ck_ok(ops->pci_write(shim.self, edu, 4, 2, 0x0002)); /* memory space on */
	ck_ok(ops->bar_map(shim.self, edu, 0, 0, 0x100, HWS_RW, &window));
	ck_ok(ops->mmio_read(shim.self, &window, 0, 4, &value));
	ck_assert_uint_eq(value, 0x010000ed);
	ck_ok(ops->mmio_write(shim.self, &window, 4, 4, 0x12345678));
	ck_ok(ops->mmio_read(shim.self, &window, 4, 4, &value));
	ck_assert_uint_eq(value, (uint32_t)~0x12345678u);
	ops->bar_unmap(shim.self, &window);
}
END_TEST

START_TEST(bar_unmapped_under_the_reader_gives_all_ones)
{
	struct hws_bdf edu;
	struct hws_window window;
	uint64_t value = 0;

	need_lab("edu");
	open_native();
	ck_assert(find(0x1234, 0x11e8, &edu));
	ck_ok(ops->bar_map(shim.self, edu, 0, 0, 0x1000, HWS_RW, &window));
	ck_assert_int_eq(munmap(window.direct, 0x1000), 0);
	ck_assert_int_eq(ops->mmio_read(shim.self, &window, 0, 4, &value), -EIO);
	ck_assert_uint_eq(value, UINT32_MAX);
	ck_assert_int_eq(ops->mmio_write(shim.self, &window, 0, 4, 1), -EIO);
	ck_assert_uint_eq(fault_count(), 2);
}
END_TEST

START_TEST(bar_that_may_not_be_mapped_is_refused)
{
	enum { PCI_TESTDEV = 0x0005, REDHAT = 0x1b36 };
	struct hws_bdf testdev;
	struct hws_window window;

	need_lab("no-bar");
	open_native();
	ck_assert(find(REDHAT, PCI_TESTDEV, &testdev));
	ck_assert_int_eq(ops->bar_map(shim.self, testdev, 0, 0, 0x1000, HWS_RW, &window), -EPERM);
	ck_assert_str_ne(hws_why(), "");
}
END_TEST

START_TEST(io_bar_is_read_through_its_file)
{
	enum { PCI_TESTDEV = 0x0005, REDHAT = 0x1b36 };
	struct hws_bdf testdev;
	struct hws_window ports;
	uint32_t bar;
	uint32_t value;

	need_lab("io-bar");
	open_native();
	ck_assert(find(REDHAT, PCI_TESTDEV, &testdev));
	ck_ok(ops->pci_write(shim.self, testdev, 4, 2, 0x0003)); /* I/O and memory space on */
	ck_ok(ops->pci_read(shim.self, testdev, 0x14, 4, &bar));
	ck_assert_uint_eq(bar & 1, 1);
	ck_ok(ops->port_open(shim.self, (uint16_t)(bar & ~3u), 16, HWS_R, &ports));
	if (!RAW_HAS_PORTS)
		ck_assert_str_eq(ports.way, "resource1");
	ck_ok(ops->port_read(shim.self, &ports, (uint16_t)(bar & ~3u), 1, &value));
	ck_assert_uint_ne(value, UINT8_MAX); /* its test number, 0 at first */
	ops->port_close(shim.self, &ports);
}
END_TEST

int main(void)
{
	return suite_run("shim/hardware", (const TTest *[]) {
						  cmos_clock_ticks_by_real_ports,
						  ports_belong_to_the_thread_that_opened_them,
						  ports_closed_are_ports_lost,
						  ports_without_the_right_are_refused,
						  msr_is_read_from_every_processor,
						  edu_is_alive_by_real_mmio,
						  bar_unmapped_under_the_reader_gives_all_ones,
						  bar_that_may_not_be_mapped_is_refused,
						  io_bar_is_read_through_its_file,
						  NULL,
					  });
}
