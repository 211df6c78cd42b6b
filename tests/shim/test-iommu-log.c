/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What kernels say of stopped transfers, as they said it; and what anybody may say. */
#include <string.h>

#include "shim/iommu-log-internal.h"
#include "tests/suite.h"

static const struct hws_bdf edu = { .device = 3 };

/* Feeds lines, up to NULL; gives how many faults they tell, the last in *ret_fault. */
static int feed(const char *const *lines, struct hws_dma_fault *ret_fault)
{
	struct iommu_log log = { 0 };
	int faults = 0;

	for (; *lines; lines++)
		faults += iommu_log_feed(&log, *lines, edu, ret_fault);
	return faults;
}
#define FEED(fault, ...) feed((const char *const[]) { __VA_ARGS__, NULL }, fault)

#define INTEL "DMAR: [DMA Write NO_PASID] Request device [00:03.0] fault addr 0x100000 "
#define SMMU  "arm-smmu-v3 arm-smmu-v3.0.auto: "

START_TEST(log_of_intel_is_read)
{
	struct hws_dma_fault fault;

	ck_assert_int_eq(FEED(&fault, "DMAR: DRHD: handling fault status reg 2",
			      INTEL "[fault reason 0x05] PTE Write access is not set"),
			 1);
	ck_assert(fault.write && fault.address == 0x100000);
	ck_assert_int_eq(FEED(&fault, "DMAR: [DMA Read] Request device [0000:00:03.0] fault addr "
				      "0xffffffffff000 [fault reason 06] PTE Read"),
			 1);
	ck_assert(!fault.write && fault.address == 0xffffffffff000);
}
END_TEST

START_TEST(log_of_amd_is_read)
{
	struct hws_dma_fault fault;

	ck_assert_int_eq(FEED(&fault, "vfio-pci 0000:00:03.0: AMD-Vi: Event logged [IO_PAGE_FAULT "
				      "domain=0x000e address=0x200040 flags=0x0020]"),
			 1);
	ck_assert(fault.write && fault.address == 0x200040);
	ck_assert_int_eq(FEED(&fault, "AMD-Vi: Event logged [IO_PAGE_FAULT device=0000:00:03.0 "
				      "domain=0x0000 address=0x200000 flags=0x0000]"),
			 1);
	ck_assert(!fault.write && fault.address == 0x200000);
	ck_assert_int_eq(FEED(&fault, "vfio-pci 0001:00:03.0: AMD-Vi: Event logged [IO_PAGE_FAULT "
				      "domain=0x000e address=0x200040 flags=0x0020]"),
			 0);
}
END_TEST

START_TEST(log_of_smmu_is_read)
{
	struct hws_dma_fault fault;

	ck_assert_int_eq(FEED(&fault, SMMU "event 0x10 received:", SMMU "\t0x0000001800000010",
			      SMMU "\t0x0000020000000000", SMMU "\t0x0000000000100000",
			      SMMU "\t0x0000000000000000"),
			 1);
	ck_assert(fault.write && fault.address == 0x100000);
	/* as /dev/kmsg writes a tab; others speak in between */
	ck_assert_int_eq(FEED(&fault, SMMU "event 0x13 received:", "usb 1-1: new device 0x12",
			      SMMU "\\x090x0000001800000013", SMMU "\\x090x0000020800000000",
			      "nvme nvme0: bogus", SMMU "\\x090x0000000000300000",
			      SMMU "\\x090x0000000000000000"),
			 1);
	ck_assert(!fault.write && fault.address == 0x300000);
	ck_assert_int_eq(FEED(&fault, SMMU "event 0x10 received:", SMMU "\t0x0000002000000010",
			      SMMU "\t0x0000020000000000", SMMU "\t0x0000000000100000",
			      SMMU "\t0x0000000000000000"),
			 0); /* another's */
	ck_assert_int_eq(FEED(&fault, SMMU "event 0x02 received:", SMMU "\t0x0000001800000002",
			      SMMU "\t0x0000020000000000", SMMU "\t0x0000000000100000",
			      SMMU "\t0x0000000000000000"),
			 0); /* another kind */
}
END_TEST

START_TEST(log_of_others_is_passed_over)
{
	static const char *const lines[] = {
		"",
		"0x",
		"DMAR: [DMA ",
		"usb 1-1: Product: " INTEL,
		"usb 1-1: Product: AMD-Vi: Event logged [IO_PAGE_FAULT device=00:03.0 address=0x1 "
		"flags=0x20]",
		"DMAR: [DMA Write] Request device [",
		"DMAR: [DMA Write] Request device [] fault addr 0x1",
		"DMAR: [DMA Write] Request device [00:04.0] fault addr 0x100000",
		"DMAR: [DMA Write] Request device [00:03.0] fault addr ",
		"DMAR: [DMA Write] Request device [00:03.0] fault addr 0x",
		"DMAR: [DMA Write] Request device [00:03.0] fault addr 0x11112222333344445",
		"DMAR: [DMA Write] Request device [00:03.0] fault addr -5",
		"DMAR: [INTR-REMAP] Request device [00:03.0] fault index 0x1",
		"DMAR: [DMA Write] Request device [00:03.0aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
		"AMD-Vi: Event logged [IO_PAGE_FAULT address=0x1 flags=0x20]",
		"AMD-Vi: Event logged [IO_PAGE_FAULT device=00:03.0 address=0x1]",
		SMMU "0x0000001800000010",
		SMMU "event 0x10 received:",
		SMMU "0xzz",
		SMMU "0x0000001800000010",
		SMMU "0x0000001800000010",
		SMMU "0x0000001800000010",
		SMMU "0x0000001800000010",
		NULL,
	};
	struct hws_dma_fault fault = { .address = 1 };

	ck_assert_int_eq(feed(lines, &fault), 0);
	ck_assert_uint_eq(fault.address, 1);
}
END_TEST

int main(void)
{
	return suite_run("shim/iommu-log", (const TTest *[]) {
						   log_of_intel_is_read,
						   log_of_amd_is_read,
						   log_of_smmu_is_read,
						   log_of_others_is_passed_over,
						   NULL,
					   });
}
