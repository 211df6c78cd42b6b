/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Registers by name on the lab's machines: the devices that descriptions come with. */
#include <time.h>

#include "tests/hw/lab-kit.h"
#include "tests/hw/registers-kit.h"

#define EDU	"0000:00:03.0"
#define TESTDEV "0000:00:04.0"
#define NVME	"0000:00:05.0"
#define CLAIMED (HWS_CLAIMED | HWS_DANGER)

enum { COMMAND = 0x04, MEMORY = 2 };

/* In ten seconds: a machine that never gets there must not take the others' time. */
static uint64_t soon(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)(now.tv_sec + 10) * 1000000000;
}

static struct hws *open_machine(void)
{
	struct hws_options options = sim_with("port = * rw side claimed danger\n"
					      "pci = *, config rw claimed danger\n"
					      "bar = * * rw side claimed danger");
	struct hws *hw;

	options.backend = "native";
	ck_works(hws_open(&options, &hw));
	return hw;
}

/* A window of a device that answers at its memory, and its registers. */
static struct hws_mmio *open_device(struct hws *hw, const char *bdf, const char *name,
				    struct hws_bank **ret_bank)
{
	struct hws_registers *registers = loaded(hw, name);
	struct hws_pci *pci;
	struct hws_mmio *mmio;

	ck_works(hws_pci_open(hw, bdf, 0, 0x100, HWS_RW | CLAIMED, &pci));
	ck_works(hws_pci_write16(pci, COMMAND, hws_pci_get16(pci, COMMAND) | MEMORY));
	hws_pci_close(pci);
	ck_works(hws_mmio_map(hw, bdf, 0, 0, 0, HWS_RW | CLAIMED, &mmio));
	ck_works(hws_mmio_describe(mmio, registers, ret_bank));
	hws_registers_unref(registers);
	return mmio;
}

/* The kernel lets nobody else into a BAR that its driver has: "unbind", then "bind". */
static void driver(const char *verb)
{
	char path[64];
	FILE *file;

	snprintf(path, sizeof(path), "/sys/bus/pci/drivers/nvme/%s", verb);
	file = fopen(path, "w");
	ck_assert_ptr_nonnull(file);
	fputs(NVME, file);
	ck_assert_int_eq(fclose(file), 0);
}

static int count_read(const struct hws_register_state *state, void *context)
{
	*(int *)context += state->code == 0;
	return 0;
}

START_TEST(edu_is_known)
{
	struct hws *hw;
	struct hws_bank *bank;
	struct hws_mmio *mmio;
	uint32_t value;
	int count = 0;

	need_lab("edu");
	hw = open_machine();
	mmio = open_device(hw, EDU, "edu", &bank);
	ck_assert_uint_eq(value_of(bank, "ID"), 0x010000ed);
	ck_assert_uint_eq(value_of(bank, "ID.Magic"), 0xed);
	ck_denied(hws_mmio_write32(mmio, 0, 0), HWS_REASON_REGISTER);
	ck_denied(hws_mmio_read32(mmio, 0x60, &value), HWS_REASON_REGISTER);
	ck_works(hws_register_write(bank, "Factorial", 10, 0));
	ck_works(hws_register_wait(bank, "Status.Computing", 0, soon(), NULL));
	ck_assert_uint_eq(value_of(bank, "Factorial"), 3628800);
	/* it reads as the inversion: that is what verification is there to notice */
	ck_denied(hws_register_write(bank, "Liveness", 5, HWS_VERIFY), HWS_REASON_DEVICE);
	ck_works(hws_register_write(bank, "DMASource", 0x1000, HWS_VERIFY));
	ck_assert_int_eq(hws_bank_dump(bank, count_read, &count), 0);
	ck_assert_int_eq(count, 9);
	hws_mmio_unmap(mmio);
	hws_close(hw);
}
END_TEST

START_TEST(testdev_is_known)
{
	struct hws *hw;
	struct hws_bank *bank;
	struct hws_mmio *mmio;
	uint32_t before;

	need_lab("edu"); /* where one can be mapped, so can the other */
	hw = open_machine();
	mmio = open_device(hw, TESTDEV, "pci-testdev", &bank);
	ck_works(hws_register_write(bank, "Test", 0, 0));
	ck_assert_uint_eq(value_of(bank, "Width"), 1);
	before = (uint32_t)value_of(bank, "Count");
	hws_mmio_put8(mmio, value_of(bank, "Offset"), (uint8_t)value_of(bank, "Data"));
	ck_assert_uint_eq(value_of(bank, "Count"), before + 1);
	hws_mmio_unmap(mmio);
	hws_close(hw);
}
END_TEST

START_TEST(nvme_is_known)
{
	struct hws *hw;
	struct hws_bank *bank;
	struct hws_mmio *mmio;
	uint64_t blocks[2];

	need_lab("nvme");
	if (suite_lab_has("no-bar"))
		return;
	driver("unbind");
	hw = open_machine();
	mmio = open_device(hw, NVME, "nvme", &bank);
	ck_assert_uint_eq(value_of(bank, "VS.MJR"), 1);
	ck_assert_uint_ge(value_of(bank, "CAP.MQES"), 1);
	ck_assert_uint_eq(value_of(bank, "CAP.MPSMIN"), 0);
	ck_assert_uint_eq(value_of(bank, "CSTS.SHST"), 2); /* so the driver left it */
	ck_works(hws_register_write(bank, "CC.EN", 0, HWS_VERIFY));
	ck_works(hws_register_wait(bank, "CSTS.RDY", 0, soon(), NULL));
	ck_works(hws_register_write(bank, "AQA", 0x000f000f, HWS_VERIFY));
	ck_assert_int_eq(hws_mmio_read_block(mmio, 0, 4, blocks, 4, 0), 4);
	ck_assert_uint_eq(blocks[0], value_of(bank, "CAP"));
	ck_assert_uint_eq((uint32_t)blocks[1], value_of(bank, "VS"));
	hws_mmio_unmap(mmio);
	hws_close(hw);
	driver("bind");
}
END_TEST

START_TEST(configuration_space_is_known)
{
	struct hws *hw;
	struct hws_registers *registers;
	struct hws_bank *bank;
	struct hws_pci *pci;
	uint64_t value;
	uint16_t id;

	need_lab("nvme");
	if (!suite_lab_has("root"))
		return;
	hw = open_machine();
	registers = loaded(hw, "pci");
	ck_works(hws_pci_open(hw, NVME, 0, 0, HWS_R, &pci));
	ck_works(hws_pci_describe(pci, registers, &bank));
	ck_works(hws_pci_read16(pci, 0, &id));
	ck_assert_uint_eq(value_of(bank, "VendorID"), id);
	ck_assert_uint_eq(value_of(bank, "BaseClass"), 1);
	ck_assert_uint_eq(value_of(bank, "SubClass"), 8);
	ck_works(hws_register_read(bank, "DevCtl.MaxPayload", &value));
	ck_assert_uint_ge(value_of(bank, "MSIXCtl.Vectors"), 1);
	hws_pci_close(pci);
	hws_registers_unref(registers);
	hws_close(hw);
}
END_TEST

START_TEST(clock_is_known)
{
	struct hws *hw;
	struct hws_registers *registers;
	struct hws_bank *bank;
	struct hws_port *clock;
	uint64_t value;

	need_lab("rtc");
	hw = open_machine();
	registers = loaded(hw, "cmos");
	ck_works(hws_port_open(hw, INDEX, 2, HWS_RW | CLAIMED, &clock));
	ck_works(hws_port_describe(clock, registers, &bank));
	ck_assert_uint_eq(value_of(bank, "Century"), 0x20);
	ck_assert_uint_eq(value_of(bank, "StatusD.Valid"), 1);
	ck_assert_uint_eq(value_of(bank, "StatusB.Hours24"), 1);
	ck_assert_uint_lt(value_of(bank, "Minutes"), 0x60);
	ck_works(hws_register_wait(bank, "StatusA.Updating", 0, soon(), NULL));
	ck_denied(hws_register_read(bank, "StatusC", &value), HWS_REASON_REGISTER);
	hws_port_close(clock);
	hws_registers_unref(registers);
	hws_close(hw);
}
END_TEST

int main(void)
{
	return suite_run("hw/bank-lab", (const TTest *[]) {
						edu_is_known,
						testdev_is_known,
						nvme_is_known,
						configuration_space_is_known,
						clock_is_known,
						NULL,
					});
}
