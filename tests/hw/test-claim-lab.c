/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What a real kernel uses. */
#include <fcntl.h>
#include <stdio.h>
#include <sys/swap.h>
#include <unistd.h>

#include "tests/hw/lab-kit.h"

#define DISK  "0000:00:05.0"
#define PLAIN "port = * rw\npci = *, config rw\nbar = * * rw"

START_TEST(real_kernel_claims_its_clock)
{
	struct hws_options options = sim_with(PLAIN);
	struct hws_port *port;
	struct hws *hw;

	need_lab("rtc");
	options.backend = "native";
	ck_works(hws_open(&options, &hw));
	check_busy(hws_port_open(hw, INDEX, 2, HWS_RW, &port), "rtc");
	hws_close(hw);
	hw = open_native();
	hws_port_close(open_clock(hw));
	hws_close(hw);
}
END_TEST

START_TEST(real_driver_uses_its_disk)
{
	struct hws_options options = sim_with(PLAIN);
	struct hws_pci_info info = { .size = sizeof(info) };
	struct hws_mmio *mmio;
	struct hws_pci *pci;
	struct hws *hw;

	need_lab("nvme");
	options.backend = "native";
	ck_works(hws_open(&options, &hw));
	check_busy(hws_pci_open(hw, DISK, 0, 0, HWS_RW, &pci), "driver nvme");
	/* the kernel keeps what its driver maps to itself; under lockdown, from everybody */
	if (suite_lab_has("lockdown")) {
		ck_denied(hws_mmio_map(hw, DISK, 0, 0, 0x100, HWS_RW, &mmio), HWS_REASON_KERNEL);
	} else {
		ck_denied(hws_mmio_map(hw, DISK, 0, 0, 0x100, HWS_RW, &mmio), HWS_REASON_CLAIMED);
		ck_assert_msg(strstr(hws_why(), "driver nvme"), "%s", hws_why());
	}
	ck_works(hws_pci_get_info(hw, DISK, &info));
	ck_assert_uint_eq(info.class_code, 0x010802);
	ck_assert_str_eq(info.driver, "nvme");
	ck_assert(info.enabled);
	ck_assert_uint_ge(info.bars[0].size, 0x2000);
	ck_works(hws_pci_in_use(hw, "0000:00:03.0")); /* edu */
	hws_close(hw);
}
END_TEST

/* The disk becomes swap, or what it was: its first page says which. */
static void write_head(bool swap)
{
	enum { PAGE = 4096, PAGES = (16 << 20) / PAGE };
	static const uint32_t header[] = { 1, PAGES - 1, 0 }; /* version, last page, bad ones */
	uint8_t page[PAGE] = { 0 };
	int fd = open("/dev/nvme0n1", O_WRONLY | O_CLOEXEC);

	ck_assert_int_ge(fd, 0);
	if (swap) {
		memcpy(page + 1024, header, sizeof(header));
		memcpy(page + PAGE - 10, "SWAPSPACE2", 10);
	}
	ck_assert_int_eq(pwrite(fd, page, PAGE, 0), PAGE);
	ck_assert_int_eq(fsync(fd), 0);
	close(fd);
}

START_TEST(real_disk_that_is_swap_is_named)
{
	struct hws_options options = sim_with(PLAIN);
	char said[256];
	struct hws *hw;
	int r;

	need_lab("nvme");
	need_lab("root");
	options.backend = "native";
	ck_works(hws_open(&options, &hw));
	write_head(true);
	ck_assert_int_eq(swapon("/dev/nvme0n1", 0), 0);
	r = hws_pci_in_use(hw, DISK);
	snprintf(said, sizeof(said), "%s", hws_why());
	ck_assert_int_eq(swapoff("/dev/nvme0n1"), 0);
	write_head(false);
	ck_assert_int_eq(r, -EBUSY);
	ck_assert_msg(strstr(said, "nvme0n1 is swap"), "%s", said);
	hws_close(hw);
}
END_TEST

int main(void)
{
	return suite_run("hw/claim-lab", (const TTest *[]) {
						 real_kernel_claims_its_clock,
						 real_driver_uses_its_disk,
						 real_disk_that_is_swap_is_named,
						 NULL,
					 });
}
