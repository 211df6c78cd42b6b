/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Registers by name through ports, MSRs and configuration space; the shipped descriptions. */
#include "tests/hw/registers-kit.h"

#define EDU  "00:03.0"
#define NVME "00:04.0"

static struct hws_port *open_clock(struct hws *hw, uint32_t rights, struct hws_bank **ret_bank)
{
	struct hws_registers *registers = loaded(hw, "cmos");
	struct hws_port *port;

	ck_works(hws_port_open(hw, 0x70, 2, rights, &port));
	ck_works(hws_port_describe(port, registers, ret_bank));
	hws_registers_unref(registers);
	return port;
}

START_TEST(clock_is_read_by_name)
{
	struct hws *hw = open_with("port = 0x70-0x71 rw side");
	struct hws_bank *bank;
	struct hws_port *port = open_clock(hw, HWS_RW, &bank);
	uint64_t value;

	ck_assert_uint_eq(value_of(bank, "Hours"), 0x12);
	ck_assert_uint_eq(value_of(bank, "Minutes"), 0x34);
	ck_assert_uint_eq(value_of(bank, "Month"), 0x02);
	ck_assert_uint_eq(value_of(bank, "StatusD.Valid"), 1);
	ck_denied(hws_register_read(bank, "StatusC", &value), HWS_REASON_REGISTER);
	ck_denied(hws_register_write(bank, "StatusD", 0, 0), HWS_REASON_REGISTER);
	ck_works(hws_register_wait(bank, "StatusA.Updating", 0, UINT64_MAX, NULL));
	hws_port_close(port);
	port = open_clock(hw, HWS_RW | HWS_SIDE, &bank);
	ck_works(hws_register_read(bank, "StatusC", &value));
	hws_port_close(port);
	hws_close(hw);
}
END_TEST

START_TEST(data_port_is_what_the_index_says)
{
	struct hws *hw = open_with("port = 0x70-0x71 rw");
	struct hws_bank *bank;
	struct hws_port *port = open_clock(hw, HWS_RW, &bank);
	struct hws_registers *registers = loaded(hw, "cmos");
	uint8_t value;

	/* nobody said what it is: it may be StatusC */
	ck_denied(hws_port_read8(port, 0x71, &value), HWS_REASON_REGISTER);
	ck_works(hws_port_write8(port, 0x70, 0x02));
	ck_works(hws_port_read8(port, 0x71, &value));
	ck_assert_uint_eq(value, 0x34);
	ck_works(hws_port_write8(port, 0x70, 0x0c));
	ck_denied(hws_port_read8(port, 0x71, &value), HWS_REASON_REGISTER);
	ck_assert_ptr_nonnull(strstr(hws_why(), "StatusC is cleared by reading it"));
	ck_works(hws_port_write8(port, 0x70, 0x0d));
	ck_works(hws_port_read8(port, 0x71, &value));
	ck_denied(hws_port_write8(port, 0x71, 0), HWS_REASON_REGISTER);
	ck_works(hws_port_write8(port, 0x70, 0x8c)); /* with the NMI masked it is StatusC too */
	ck_denied(hws_port_read8(port, 0x71, &value), HWS_REASON_REGISTER);
	hws_port_close(port);
	ck_works(hws_port_open(hw, 0x71, 1, HWS_R, &port)); /* half of the pair has no registers */
	ck_assert_int_eq(hws_port_describe(port, registers, &bank), -ENOENT);
	hws_port_close(port);
	hws_registers_unref(registers);
	hws_close(hw);
}
END_TEST

START_TEST(ports_have_registers_too)
{
	struct hws *hw = open_with("port = 0x3f8-0x3ff rw side");
	struct hws_registers *registers = parsed("ports 0x3f8\n"
						 "reg Data 0 1 fifo\n"
						 "reg LineStatus 5 1 ro\n"
						 "  field Ready 0\n"
						 "  field Empty 5\n"
						 "reg Scratch 7 1 rw\n");
	struct hws_bank *bank;
	struct hws_port *port;
	uint8_t value;

	ck_works(hws_port_open(hw, 0x3f8, 8, HWS_RW, &port));
	ck_works(hws_port_describe(port, registers, &bank));
	ck_assert_uint_eq(value_of(bank, "LineStatus.Empty"), 1);
	ck_denied(hws_port_read8(port, 0x3f8, &value), HWS_REASON_REGISTER);
	ck_denied(hws_port_write16(port, 0x3fc, 1), HWS_REASON_REGISTER);
	ck_works(hws_register_write(bank, "Scratch", 0x5a, HWS_VERIFY));
	hws_port_close(port);
	hws_registers_unref(registers);
	hws_close(hw);
}
END_TEST

START_TEST(msrs_of_one_processor_are_known)
{
	struct hws *hw = open_with("msr = * rw");
	struct hws_registers *registers = parsed("msr\n"
						 "reg PERF_STATUS 0x198 8 ro\n"
						 "reg PERF_CTL 0x199 8 rw\n"
						 "  field Ratio 15:8\n"
						 "reg EFER 0xc0000080 8 rw\n");
	struct hws_bank *bank;
	struct hws_msr *msr;

	ck_works(hws_msr_open(hw, "0-1", 0x198, 0x19c, HWS_RW, &msr));
	ck_works(hws_msr_describe(msr, 1, registers, &bank));
	ck_assert_uint_eq(value_of(bank, "PERF_CTL.Ratio"), 0x18);
	ck_works(hws_register_write(bank, "PERF_CTL.Ratio", 0x20, HWS_VERIFY));
	ck_assert_uint_eq(hws_msr_get(msr, 1, 0x199), 0x2000);
	ck_assert_uint_eq(hws_msr_get(msr, 0, 0x199), 0x1800);
	ck_denied(hws_msr_write(msr, 1, 0x198, 0), HWS_REASON_REGISTER);
	ck_assert_int_eq(hws_register_read(bank, "EFER", &(uint64_t) { 0 }), -ENOENT);
	ck_denied(hws_msr_describe(msr, 2, registers, &bank), HWS_REASON_RANGE);
	hws_msr_close(msr);
	hws_registers_unref(registers);
	hws_close(hw);
}
END_TEST

START_TEST(configuration_space_is_known_by_its_capabilities)
{
	struct hws *hw = open_with("pci = *, config rw danger claimed");
	struct hws_registers *registers = loaded(hw, "pci");
	struct hws_bank *bank;
	struct hws_pci *pci;
	uint64_t value;
	uint16_t id;

	ck_works(hws_pci_open(hw, NVME, 0, 0, HWS_RW | HWS_DANGER | HWS_CLAIMED, &pci));
	ck_works(hws_pci_describe(pci, registers, &bank));
	ck_assert_uint_eq(value_of(bank, "VendorID"), 0x1b36);
	ck_assert_uint_eq(value_of(bank, "BaseClass"), 1);
	ck_assert_uint_eq(value_of(bank, "SubsystemVendorID"), 0x1af4);
	ck_assert_uint_eq(value_of(bank, "Status.Capabilities"), 1);
	ck_assert_uint_eq(value_of(bank, "HeaderType.Layout"), 0);
	ck_works(hws_register_read(bank, "DevCtl.MaxPayload", &value));
	ck_works(hws_register_read(bank, "PMCtl.State", &value));
	ck_works(hws_register_read(bank, "MSICtl.Enable", &value));
	ck_assert_int_eq(hws_register_read(bank, "MSIXCtl", &value), -ENOENT);
	ck_assert_ptr_nonnull(strstr(hws_why(), "no such capability"));
	ck_assert_int_eq(hws_register_read(bank, "BridgeControl", &value), -ENOENT);
	ck_assert_ptr_nonnull(strstr(hws_why(), "of another type"));
	ck_assert_int_eq(hws_register_read(bank, "ACSCap", &value), -ENOENT);
	ck_denied(hws_pci_write16(pci, 0x00, 0x1234), HWS_REASON_REGISTER);
	ck_works(hws_pci_read16(pci, 0x00, &id));
	ck_works(hws_register_write(bank, "Command.Memory", 1, HWS_VERIFY));
	ck_assert_uint_eq(value_of(bank, "Command.Memory"), 1);
	hws_pci_close(pci);
	hws_registers_unref(registers);
	hws_close(hw);
}
END_TEST

START_TEST(list_of_capabilities_that_goes_in_circles_ends)
{
	struct hws_options options = sim_with("pci = *, config r");
	struct hws_registers *registers;
	struct hws_bank *bank;
	struct hws_pci *pci;
	struct hws *hw;
	uint64_t value;

	options.sim = "pci 00:01.0 1234:0001 class 0\n"
		      "cap pcie\n"
		      "bytes 0x80 0x11 0x84 0 0\n"
		      "bytes 0x84 0x09 0x80 0 0\n"
		      "bytes 0x100 0x3 0 0x1 0x20\n" /* to 0x200, and back */
		      "bytes 0x200 0x7 0 0x1 0x10\n";
	ck_works(hws_open(&options, &hw));
	registers = loaded(hw, "pci");
	ck_works(hws_pci_open(hw, "00:01.0", 0, 0, HWS_R, &pci));
	ck_works(hws_pci_describe(pci, registers, &bank));
	ck_assert_uint_eq(value_of(bank, "SerialLower"), 0);
	ck_assert_int_eq(hws_register_read(bank, "ACSCap", &value), -ENOENT);
	ck_assert_int_eq(hws_register_read(bank, "UncorrectableMask", &value), -ENOENT);
	hws_pci_close(pci);
	hws_registers_unref(registers);
	hws_close(hw);
}
END_TEST

START_TEST(devices_are_known_by_shipped_descriptions)
{
	struct hws *hw = open_with("bar = * * rw");
	struct hws_registers *edu = loaded(hw, "edu");
	struct hws_registers *nvme = loaded(hw, "nvme");
	struct hws_registers *testdev = loaded(hw, "pci-testdev");
	struct hws_bank *bank;
	struct hws_mmio *mmio;

	ck_works(hws_mmio_map(hw, EDU, 0, 0, 0x100, HWS_RW, &mmio));
	ck_works(hws_mmio_describe(mmio, edu, &bank));
	ck_assert_uint_eq(value_of(bank, "ID"), 0x010000ed);
	ck_assert_uint_eq(value_of(bank, "ID.Major"), 1);
	ck_works(hws_register_write(bank, "Factorial", 5, 0));
	ck_works(hws_register_wait(bank, "Status.Computing", 0, UINT64_MAX, NULL));
	ck_assert_uint_eq(value_of(bank, "Factorial"), 120);
	hws_mmio_unmap(mmio);
	ck_works(hws_mmio_map(hw, NVME, 0, 0, 0, HWS_RW, &mmio));
	ck_works(hws_mmio_describe(mmio, nvme, &bank));
	ck_assert_uint_eq(value_of(bank, "VS.MJR"), 1);
	ck_assert_uint_eq(value_of(bank, "VS.MNR"), 4);
	ck_assert_uint_eq(value_of(bank, "CAP.MQES"), 0x07ff);
	ck_works(hws_register_write(bank, "CC.EN", 1, HWS_VERIFY));
	ck_works(hws_register_wait(bank, "CSTS.RDY", 1, UINT64_MAX, NULL));
	hws_mmio_unmap(mmio);
	ck_works(hws_mmio_map(hw, "00:02.0", 0, 0, 0, HWS_RW, &mmio));
	ck_works(hws_mmio_describe(mmio, testdev, &bank));
	ck_assert_uint_eq(value_of(bank, "Width"), 1);
	ck_assert_uint_eq(value_of(bank, "Offset"), 0x80);
	hws_mmio_unmap(mmio);
	hws_registers_unref(edu);
	hws_registers_unref(nvme);
	hws_registers_unref(testdev);
	hws_close(hw);
}
END_TEST

int main(void)
{
	return suite_run("hw/bank-kinds", (const TTest *[]) {
						  clock_is_read_by_name,
						  data_port_is_what_the_index_says,
						  ports_have_registers_too,
						  msrs_of_one_processor_are_known,
						  configuration_space_is_known_by_its_capabilities,
						  list_of_capabilities_that_goes_in_circles_ends,
						  devices_are_known_by_shipped_descriptions,
						  NULL,
					  });
}
