/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Every access kind on the lab's machines: a real kernel, real registers, real refusals. */
#include <unistd.h>

#include "tests/hw/lab-kit.h"

#define EDU	"0000:00:03.0"
#define TESTDEV "0000:00:04.0"

enum { COMMAND = 0x04, APIC_BASE = 0x1b };

/* The kernel refused, with the sentence that says so. */
#define ck_refused(call, cause)                                             \
	do {                                                                \
		ck_denied(call, HWS_REASON_KERNEL);                         \
		ck_assert_msg(strstr(hws_last_denial()->text, cause), "%s", \
			      hws_last_denial()->text);                     \
	} while (0)

START_TEST(clock_ticks_by_ports)
{
	struct hws *hw;
	struct hws_port *clock;
	uint8_t second;
	bool ticked = false;

	need_lab("rtc");
	hw = open_native();
	clock = open_clock(hw);
	ck_assert_str_eq(hws_port_way(clock), "ioperm");
	ck_works(hws_port_write8(clock, INDEX, 0));
	ck_works(hws_port_read8(clock, DATA, &second));
	ck_assert_uint_lt(second >> 4, 6);
	for (int i = 0; i < 300 && !ticked; i++) {
		usleep(10000);
		hws_port_put8(clock, INDEX, 0);
		ticked = hws_port_get8(clock, DATA) != second;
	}
	ck_assert(ticked);
	hws_port_close(clock);
	hws_close(hw);
}
END_TEST

START_TEST(msr_is_read_on_every_processor)
{
	struct hws *hw;
	struct hws_msr *msr;
	uint64_t value;
	uint32_t cpu = 0;
	int r;

	need_lab("msr");
	hw = open_native();
	ck_works(hws_msr_open(hw, "all", APIC_BASE, APIC_BASE, HWS_R, &msr));
	for (r = 0; hws_msr_next_cpu(msr, cpu, &cpu) == 0; cpu++, r++) {
		ck_works(hws_msr_read(msr, cpu, APIC_BASE, &value));
		ck_assert_uint_eq(value & 0xfffff000, 0xfee00000);
		ck_assert_int_eq((value >> 8) & 1, cpu == 0); /* bootstrap processor */
		ck_assert_uint_eq(hws_msr_get(msr, cpu, APIC_BASE), value);
	}
	ck_assert_int_eq(r, 2);
	hws_msr_close(msr);
	ck_works(hws_msr_open(hw, "1000", APIC_BASE, APIC_BASE, HWS_R, &msr));
	ck_assert_int_eq(hws_msr_read(msr, 1000, APIC_BASE, &value), -ENODEV);
	hws_msr_close(msr);
	hws_close(hw);
}
END_TEST

START_TEST(edu_is_found_and_alive)
{
	struct hws *hw;
	struct hws_pci *pci;
	struct hws_mmio *edu;
	struct hws_bdf bdf;
	char text[HWS_BDF_TEXT] = "";
	uint32_t value;
	int r;

	need_lab("edu");
	hw = open_native();
	for (r = hws_pci_next(hw, NULL, &bdf); r == 0; r = hws_pci_next(hw, &bdf, &bdf))
		if (!strcmp(hws_bdf_format(bdf, text), EDU))
			break;
	ck_ok(r);
	ck_works(hws_pci_open(hw, EDU, 0, 0x100, HWS_RW, &pci));
	ck_assert_uint_eq(hws_pci_vendor(pci), 0x1234);
	ck_assert_uint_eq(hws_pci_device(pci), 0x11e8);
	ck_assert_uint_eq(hws_pci_class(pci), 0x00ff00);
	ck_works(hws_pci_write16(pci, COMMAND, hws_pci_get16(pci, COMMAND) | 0x0002));
	ck_works(hws_mmio_map(hw, EDU, 0, 0, 0x100, HWS_RW, &edu));
	ck_works(hws_mmio_read32(edu, 0, &value));
	ck_assert_uint_eq(value, 0x010000ed);
	ck_works(hws_mmio_write32(edu, 4, 0x12345678));
	ck_assert_uint_eq(hws_mmio_get32(edu, 4), (uint32_t)~0x12345678u);
	ck_denied(hws_mmio_read32(edu, 0x100, &value), HWS_REASON_RANGE);
	hws_mmio_unmap(edu);
	hws_pci_close(pci);
	hws_close(hw);
}
END_TEST

START_TEST(cpuid_tells_the_vendor)
{
	struct hws *hw;
	struct hws_cpuid *cpuid;
	uint32_t regs[4] = { 0 };

	need_lab("pku"); /* a PC, whoever the user is */
	hw = open_native();
	ck_works(hws_cpuid_open(hw, 0, UINT32_MAX, &cpuid));
	ck_works(hws_cpuid_read(cpuid, 0, 0, regs));
	ck_assert_uint_ge(regs[0], 7);
	for (int i = 0; i < 4; i++)
		ck_assert_uint_ge((regs[1] >> 8 * i) & 0xff, ' ');
	hws_cpuid_close(cpuid);
	hws_close(hw);
}
END_TEST

START_TEST(ports_are_refused_with_the_cause)
{
	struct hws *hw;
	struct hws_port *port;

	need_lab("no-ioport");
	hw = open_native();
	ck_refused(hws_port_open(hw, INDEX, 2, HWS_RW, &port), "ioperm: CAP_SYS_RAWIO is missing");
	hws_close(hw);
}
END_TEST

START_TEST(lockdown_refuses_what_changes_the_machine)
{
	struct hws *hw;
	struct hws_pci *pci;
	struct hws_msr *msr;
	struct hws_mmio *mmio;
	uint64_t base;

	need_lab("lockdown");
	hw = open_native();
	ck_works(hws_pci_open(hw, TESTDEV, 0, 0x100, HWS_RW, &pci));
	ck_assert_uint_eq(hws_pci_get16(pci, 0), 0x1b36);
	ck_refused(hws_pci_write16(pci, COMMAND, hws_pci_get16(pci, COMMAND)), "lockdown");
	ck_assert_ptr_nonnull(strstr(hws_why(), "not bound to vfio-pci"));
	hws_pci_close(pci);
	ck_works(hws_msr_open(hw, "0", APIC_BASE, APIC_BASE, HWS_RW, &msr));
	ck_works(hws_msr_read(msr, 0, APIC_BASE, &base));
	ck_refused(hws_msr_write(msr, 0, APIC_BASE, base), "lockdown");
	hws_msr_close(msr);
	ck_refused(hws_mmio_map(hw, TESTDEV, 0, 0, 0x100, HWS_RW, &mmio), "lockdown");
	ck_assert_ptr_nonnull(strstr(hws_why(), "0000:00:04.0 >drivers_probe"));
	hws_close(hw);
}
END_TEST

START_TEST(lockdown_leaves_vfio)
{
	struct hws *hw;
	struct hws_pci *pci;
	struct hws_mmio *edu;
	uint32_t value;

	need_lab("lockdown");
	need_lab("vfio");
	hw = open_native();
	ck_works(hws_mmio_map(hw, EDU, 0, 0, 0x100, HWS_RW, &edu));
	ck_works(hws_mmio_read32(edu, 0, &value));
	ck_assert_uint_eq(value, 0x010000ed);
	ck_works(hws_mmio_write32(edu, 4, 0x12345678));
	ck_assert_uint_eq(hws_mmio_get32(edu, 4), (uint32_t)~0x12345678u);
	ck_works(hws_pci_open(hw, EDU, 0, 0x100, HWS_RW, &pci));
	ck_works(hws_pci_write16(pci, COMMAND, 0x0006));
	ck_assert_uint_eq(hws_pci_get16(pci, COMMAND) & 0x0006, 0x0006);
	hws_mmio_unmap(edu);
	ck_assert_uint_eq(hws_pci_get16(pci, COMMAND) & 0x0006, 0x0006); /* it is open still */
	ck_works(hws_pci_write16(pci, COMMAND, 0x0002));
	hws_pci_close(pci);
	hws_close(hw);
}
END_TEST

START_TEST(user_is_refused_with_the_cause)
{
	struct hws *hw;
	struct hws_pci *pci;
	struct hws_msr *msr;
	struct hws_mmio *mmio;
	uint32_t value = 4711;
	uint64_t base;

	need_lab("unprivileged");
	hw = open_native();
	ck_works(hws_pci_open(hw, EDU, 0, 0x100, HWS_RW, &pci));
	ck_assert_uint_eq(hws_pci_get16(pci, 0), 0x1234);
	ck_refused(hws_pci_read32(pci, 0x40, &value), "beyond 64 bytes needs CAP_SYS_ADMIN");
	ck_refused(hws_pci_write16(pci, COMMAND, 0), "may only be read by this user");
	ck_assert_uint_eq(value, 4711);
	hws_pci_close(pci);
	ck_works(hws_msr_open(hw, "0", APIC_BASE, APIC_BASE, HWS_R, &msr));
	ck_refused(hws_msr_read(msr, 0, APIC_BASE, &base), "file mode keeps this user out");
	hws_msr_close(msr);
	ck_refused(hws_mmio_map(hw, EDU, 0, 0, 0x100, HWS_RW, &mmio), "file mode keeps this user");
	hws_close(hw);
}
END_TEST

int main(void)
{
	return suite_run("hw/lab", (const TTest *[]) {
					   clock_ticks_by_ports,
					   msr_is_read_on_every_processor,
					   edu_is_found_and_alive,
					   cpuid_tells_the_vendor,
					   ports_are_refused_with_the_cause,
					   lockdown_refuses_what_changes_the_machine,
					   lockdown_leaves_vfio,
					   user_is_refused_with_the_cause,
					   NULL,
				   });
}
