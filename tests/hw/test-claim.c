/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the kernel uses is written only by who has the right "claimed". */
#include "shim/shim-internal.h"
#include "tests/hw/tree-kit.h"

#define DISK   "0000:00:05.0"
#define CARD   "0000:01:00.0"
#define BRIDGE "0000:00:1c.0"
#define PLAIN  "port = * rw\npci = *, config rw\nbar = * * rw"

/* A disk, a network card behind a bridge, a clock; nobody uses any of it yet. */
static void build(void)
{
	tree_begin();
	tree_function(DISK, 0x8086, 0x5845, 0x010802);
	tree_function(BRIDGE, 0x8086, 0x7a38, 0x060400);
	tree_function(CARD, 0x8086, 0x10d3, 0x020000);
	tree_text("/proc/ioports", "0000-0cf7 : PCI Bus 0000:00\n"
				   "  0070-0077 : rtc0\n"
				   "  0080-008f : dma page reg\n"
				   "0d00-ffff : PCI Bus 0000:00\n"
				   "  c000-c00f : " DISK "\n");
	tree_text("/proc/iomem", "00000000-00000fff : Reserved\n"
				 "fe000000-febfffff : PCI Bus 0000:00\n"
				 "  fea00000-fea00fff : " DISK "\n");
	tree_bytes("/dev/port", "", 0);
}

/* The disk has a driver, a file system, swap and a volume; the card is up and has routes. */
static void put_to_use(void)
{
	tree_driver(DISK, "nvme");
	tree_link("/sys/class/block/nvme0n1p1",
		  "../../devices/pci0000:00/" DISK "/nvme/nvme0/nvme0n1/nvme0n1p1");
	tree_text("/sys/devices/pci0000:00/" DISK "/nvme/nvme0/nvme0n1/nvme0n1p1/dev", "259:1\n");
	tree_link("/sys/class/block/sda", "../../devices/pci0000:00/0000:00:06.0/ata1/sda");
	tree_text("/sys/devices/pci0000:00/0000:00:06.0/ata1/sda/dev", "8:0\n");
	tree_text("/proc/self/mountinfo",
		  "21 1 8:0 / / rw,relatime - ext4 /dev/sda rw\n"
		  "36 21 259:1 /root /srv rw,noatime shared:1 - ext4 /dev/nvme0n1p1 rw\n");
	tree_text("/proc/swaps", "Filename\t\t\t\tType\t\tSize\n/dev/sda file 1 0 -2\n");
	tree_driver(CARD, "e1000e");
	tree_link("/sys/class/net/eth0", "../../devices/pci0000:00/" BRIDGE "/" CARD "/net/eth0");
	tree_text("/sys/devices/pci0000:00/" BRIDGE "/" CARD "/net/eth0/flags", "0x1003\n");
}

#define TREE_TEST(name)        \
	START_TEST(name)       \
	{                      \
		build();       \
		name##_body(); \
		tree_end();    \
	}                      \
	END_TEST

static void what_nobody_uses_is_written_body(void)
{
	struct hws *hw = tree_open(PLAIN);
	struct hws_pci *pci;
	struct hws_mmio *mmio;
	struct hws_port *port;

	ck_works(hws_pci_in_use(hw, DISK));
	ck_works(hws_pci_open(hw, DISK, 0, 0, HWS_RW, &pci));
	ck_works(hws_pci_write8(pci, 0x3c, 1));
	ck_works(hws_mmio_map(hw, DISK, 0, 0, 0x100, HWS_RW, &mmio));
	ck_works(hws_mmio_write32(mmio, 0x14, 1));
	ck_works(hws_port_open(hw, 0xc000, 16, HWS_RW, &port));
	ck_works(hws_port_write8(port, 0xc004, 1));
	hws_port_close(port);
	hws_mmio_unmap(mmio);
	hws_pci_close(pci);
	hws_close(hw);
}
TREE_TEST(what_nobody_uses_is_written)

static void what_a_driver_uses_is_only_read_body(void)
{
	struct hws *hw = tree_open(PLAIN);
	struct hws_pci *pci = NULL;
	struct hws_mmio *mmio = NULL;
	struct hws_port *port = NULL;

	put_to_use();
	check_busy(hws_pci_open(hw, DISK, 0, 0, HWS_RW, &pci), "driver nvme");
	check_busy(hws_pci_open(hw, DISK, 0, 0, HWS_W, &pci), "nvme0n1p1 is mounted on /srv");
	check_busy(hws_mmio_map(hw, DISK, 0, 0, 0x100, HWS_RW, &mmio), "driver nvme");
	check_busy(hws_port_open(hw, 0xc000, 4, HWS_RW, &port), "driver nvme");
	check_busy(hws_pci_open(hw, CARD, 0, 0, HWS_RW, &pci), "eth0 is up");
	check_busy(hws_pci_open(hw, BRIDGE, 0, 0, HWS_RW, &pci), "eth0 is up");
	ck_assert_int_eq(hws_pci_in_use(hw, DISK), -EBUSY);
	ck_assert_ptr_null(pci);
	ck_assert_ptr_null(mmio);
	ck_assert_ptr_null(port);
	ck_works(hws_pci_open(hw, DISK, 0, 0, HWS_R, &pci));
	ck_works(hws_mmio_map(hw, DISK, 0, 0, 0x100, HWS_R, &mmio));
	ck_works(hws_port_open(hw, 0xc000, 4, HWS_R, &port));
	hws_port_close(port);
	hws_mmio_unmap(mmio);
	hws_pci_close(pci);
	hws_close(hw);
}
TREE_TEST(what_a_driver_uses_is_only_read)

static void users_are_named_body(void)
{
	struct hws *hw = tree_open(PLAIN);
	struct hws_pci *pci;

	put_to_use();
	tree_text("/proc/net/route", "Iface\tDestination\neth0\t00000000\t0102000A\n"
				     "eth0\t0002000A\t00000000\neth1\t0\n");
	tree_text("/proc/net/ipv6_route", "fe80 40 0 0 00000000 00000001     eth0\n");
	check_busy(hws_pci_open(hw, CARD, 0, 0, HWS_RW, &pci), "eth0 has 3 routes");
	tree_text("/proc/self/mountinfo", "40 1 0:31 / /b rw - btrfs /dev/nvme0n1p1 rw\n");
	check_busy(hws_pci_open(hw, DISK, 0, 0, HWS_RW, &pci), "nvme0n1p1 is mounted on /b");
	tree_text("/proc/self/mountinfo", "");
	tree_text("/proc/swaps", "Filename Type\n/dev/nvme0n1p1 partition 1 0 -2\n");
	check_busy(hws_pci_open(hw, DISK, 0, 0, HWS_RW, &pci), "nvme0n1p1 is swap");
	tree_text("/proc/swaps", "");
	tree_text("/sys/devices/pci0000:00/" DISK "/nvme/nvme0/nvme0n1/nvme0n1p1/holders/dm-0", "");
	check_busy(hws_pci_open(hw, DISK, 0, 0, HWS_RW, &pci), "dm-0 is built on nvme0n1p1");
	hws_close(hw);
}
TREE_TEST(users_are_named)

static void right_lets_it_through_until_it_is_gone_body(void)
{
	struct hws *hw = tree_open("pci = *, config rw claimed\nbar = * * rw\n"
				   "bar = " DISK
				   " 0 0x0-0xf r w claimed\nport = 0x70-0x71 rw claimed");
	struct hws_pci *pci;
	struct hws_mmio *mmio;
	struct hws_port *port;

	put_to_use();
	ck_works(hws_pci_open(hw, DISK, 0, 0, HWS_RW, &pci));
	ck_works(hws_pci_write8(pci, 0x3c, 7));
	ck_assert_uint_eq(hws_pci_get8(pci, 0x3c), 7);
	hws_pci_close(pci);
	ck_works(hws_mmio_map(hw, DISK, 0, 0, 0x10, HWS_RW, &mmio));
	ck_works(hws_mmio_write32(mmio, 4, 7));
	ck_assert_uint_eq(hws_mmio_get32(mmio, 4), 7);
	hws_mmio_unmap(mmio);
	check_busy(hws_mmio_map(hw, DISK, 0, 0, 0x20, HWS_RW, &mmio), "driver nvme");
	if (RAW_HAS_PORTS) {
		ck_works(hws_port_open(hw, 0x70, 2, HWS_RW, &port));
		hws_port_close(port);
	}
	hws_close(hw);
}
TREE_TEST(right_lets_it_through_until_it_is_gone)

static void ports_are_who_the_kernel_says_body(void)
{
	struct hws *hw = tree_open(PLAIN);
	struct hws_port *port;

	check_busy(hws_port_open(hw, 0x70, 2, HWS_RW, &port), "rtc0");
	check_busy(hws_port_open(hw, 0x60, 0x20, HWS_W, &port), "0x70-0x77");
	check_busy(hws_port_open(hw, 0x7e, 4, HWS_RW, &port), "dma page reg");
	if (RAW_HAS_PORTS) {
		ck_works(hws_port_open(hw, 0x78, 8, HWS_RW, &port));
		hws_port_close(port);
		ck_works(hws_port_open(hw, 0x70, 2, HWS_R, &port));
		hws_port_close(port);
	}
	tree_text("/proc/ioports", "0000-0000 : PCI Bus 0000:00\n  0000-0000 : rtc0\n");
	check_busy(hws_port_open(hw, 0x78, 8, HWS_RW, &port), "CAP_SYS_ADMIN");
	hws_close(hw);
}
TREE_TEST(ports_are_who_the_kernel_says)

static void ports_of_many_are_each_ones_body(void)
{
	struct hws *hw = tree_open(PLAIN);
	struct hws_port *port;

	/* the last in the list is the disk, which nobody drives */
	check_busy(hws_port_open(hw, 0x78, 0xc010 - 0x78, HWS_RW, &port), "dma page reg");
	check_busy(hws_port_open(hw, 0, 0x10000, HWS_W, &port), "rtc0");
	tree_text("/proc/ioports", "0d00-ffff : PCI Bus 0000:00\n"
				   "  c000-c01f : pnp 00:01\n"
				   "    c000-c00f : " DISK "\n");
	/* what lies inside says whose it is; what is left is the outer one's */
	ck_works(hws_port_open(hw, 0xc004, 4, HWS_RW, &port));
	hws_port_close(port);
	check_busy(hws_port_open(hw, 0xc00c, 8, HWS_RW, &port), "pnp 00:01");
	check_busy(hws_port_open(hw, 0xc000, 0x20, HWS_RW, &port), "pnp 00:01");
	hws_close(hw);
}
TREE_TEST(ports_of_many_are_each_ones)

static void memory_without_a_driver_can_be_somebodys_body(void)
{
	struct hws *hw = tree_open(PLAIN);
	struct hws_mmio *mmio;

	tree_text("/proc/iomem",
		  "fe000000-febfffff : PCI Bus 0000:00\n"
		  "  fea00000-fea00fff : " DISK "\n    fea00000-fea003ff : BOOTFB\n");
	check_busy(hws_mmio_map(hw, DISK, 0, 0, 0x100, HWS_RW, &mmio), "BOOTFB");
	tree_text("/proc/iomem", "00000000-00000000 : PCI Bus 0000:00\n");
	ck_works(hws_mmio_map(hw, DISK, 0, 0, 0x100, HWS_RW, &mmio));
	hws_mmio_unmap(mmio);
	hws_close(hw);
}
TREE_TEST(memory_without_a_driver_can_be_somebodys)

static void driver_that_only_holds_uses_nothing_body(void)
{
	static const char *const holders[] = { "vfio-pci", "pci-stub", "uio_pci_generic" };
	struct hws *hw = tree_open(PLAIN);
	struct hws_pci *pci;

	for (size_t i = 0; i < COUNT(holders); i++) {
		tree_driver(DISK, holders[i]);
		ck_works(hws_pci_in_use(hw, DISK));
		ck_works(hws_pci_open(hw, DISK, 0, 0, HWS_RW, &pci));
		hws_pci_close(pci);
	}
	hws_close(hw);
}
TREE_TEST(driver_that_only_holds_uses_nothing)

static void what_another_program_has_by_vfio_is_only_read_body(void)
{
	struct hws *hw = tree_open(PLAIN);
	struct hws_pci *pci;
	struct hws_mmio *mmio;

	tree_driver(DISK, "vfio-pci");
	tree_text(TREE_DEVICES DISK "/enable", "0\n");
	ck_works(hws_pci_in_use(hw, DISK));
	tree_text(TREE_DEVICES DISK "/enable", "1\n");
	ck_assert_int_eq(hws_pci_in_use(hw, DISK), -EBUSY);
	check_busy(hws_pci_open(hw, DISK, 0, 0, HWS_RW, &pci), "open by VFIO");
	check_busy(hws_mmio_map(hw, DISK, 0, 0, 0x100, HWS_RW, &mmio), "open by VFIO");
	ck_works(hws_pci_open(hw, DISK, 0, 0, HWS_R, &pci));
	hws_pci_close(pci);
	/* by the card the disk's memory would be reached, where they are of one group */
	ck_works(hws_mmio_map(hw, CARD, 0, 0, 0x100, HWS_RW, &mmio));
	hws_mmio_unmap(mmio);
	tree_text(TREE_DEVICES CARD "/iommu_group/devices/" DISK, "");
	check_busy(hws_mmio_map(hw, CARD, 0, 0, 0x100, HWS_RW, &mmio), DISK " open by VFIO");
	/* who can open its group finds that nobody has: it was enabled, and left so */
	tree_link(TREE_DEVICES DISK "/iommu_group", "../../../../kernel/iommu_groups/7");
	tree_text("/dev/vfio/7", "");
	ck_works(hws_pci_in_use(hw, DISK));
	tree_driver(DISK, "pci-stub");
	ck_works(hws_mmio_map(hw, CARD, 0, 0, 0x100, HWS_RW, &mmio));
	hws_mmio_unmap(mmio);
	hws_close(hw);
}
TREE_TEST(what_another_program_has_by_vfio_is_only_read)

static void info_tells_what_sysfs_knows_body(void)
{
	struct hws *hw = tree_open(NULL);
	struct hws_pci_info info = { .size = sizeof(info) };
	struct hws_pci_info other = { 0 };
	struct hws_bdf bdf;
	char text[HWS_BDF_TEXT];

	tree_text(TREE_DEVICES DISK "/device", "0x5845\n");
	tree_text(TREE_DEVICES DISK "/subsystem_vendor", "0x1af4\n");
	tree_text(TREE_DEVICES DISK "/subsystem_device", "0x1100\n");
	tree_text(TREE_DEVICES DISK "/revision", "0x02\n");
	tree_text(TREE_DEVICES DISK "/enable", "1\n");
	tree_text(TREE_DEVICES DISK "/numa_node", "-1\n");
	tree_text(TREE_DEVICES CARD "/numa_node", "1\n");
	tree_text(TREE_DEVICES DISK "/power_state", "D3hot\n");
	tree_link(TREE_DEVICES DISK "/iommu_group", "../../../kernel/iommu_groups/7");
	tree_link(TREE_DEVICES CARD "/iommu_group", "../../../kernel/iommu_groups/7");
	put_to_use();
	ck_works(hws_pci_get_info(hw, DISK, &info));
	ck_assert_uint_eq(info.vendor, 0x8086);
	ck_assert_uint_eq(info.device, 0x5845);
	ck_assert_uint_eq(info.subsystem_vendor, 0x1af4);
	ck_assert_uint_eq(info.subsystem_device, 0x1100);
	ck_assert_uint_eq(info.class_code, 0x010802);
	ck_assert_uint_eq(info.revision, 2);
	ck_assert(info.enabled);
	ck_assert_int_eq(info.numa_node, -1);
	ck_assert_int_eq(info.iommu_group, 7);
	ck_assert_str_eq(info.driver, "nvme");
	ck_assert_str_eq(info.power, "D3hot");
	ck_assert_uint_eq(info.bars[0].base, 0xfea00000);
	ck_assert_uint_eq(info.bars[0].size, 0x1000);
	ck_assert_uint_eq(info.bars[0].flags, HWS_BAR_PREFETCH);
	ck_assert_uint_eq(info.bars[1].size, 16);
	ck_assert_uint_eq(info.bars[1].flags, HWS_BAR_IO);
	ck_assert_uint_eq(info.bars[2].size, 0x4000);
	ck_assert_uint_eq(info.bars[2].flags, HWS_BAR_64);
	ck_assert_uint_eq(info.bars[3].size, 0);
	ck_works(hws_pci_group_next(hw, 7, NULL, &bdf));
	ck_assert_str_eq(hws_bdf_format(bdf, text), DISK);
	ck_works(hws_pci_group_next(hw, 7, &bdf, &bdf));
	ck_assert_str_eq(hws_bdf_format(bdf, text), CARD);
	ck_assert_int_eq(hws_pci_group_next(hw, 7, &bdf, &bdf), -ENOENT);
	ck_works(hws_pci_get_info(hw, CARD, &info));
	ck_assert_int_eq(info.numa_node, 1);
	ck_works(hws_pci_get_info(hw, BRIDGE, &info));
	ck_assert_int_eq(info.iommu_group, -1);
	ck_assert_str_eq(info.driver, "");
	ck_assert_int_eq(hws_pci_get_info(hw, "00:09.0", &info), -ENODEV);
	ck_assert_int_eq(hws_pci_get_info(hw, "disk", &info), -EINVAL);
	ck_assert_int_eq(hws_pci_get_info(hw, DISK, &other), -EINVAL);
	ck_assert_int_eq(hws_pci_get_info(hw, DISK, NULL), -EINVAL);
	ck_assert_uint_eq(other.vendor, 0);
	hws_close(hw);
}
TREE_TEST(info_tells_what_sysfs_knows)

START_TEST(simulated_machine_tells_the_same)
{
	struct hws_options options = sim_with(PLAIN);
	struct hws_pci_info info = { .size = sizeof(info) };
	struct hws_pci *pci;
	struct hws_mmio *mmio;
	struct hws_port *port;
	struct hws_bdf bdf;
	struct hws *hw;

	options.sim = "cpu count 1\n"
		      "ports 0x70 2 is cmos owner rtc0\n"
		      "pci 00:01.0 8086:5845 class 0x010802 subsystem 1af4:1100 revision 2 "
		      "driver nvme users \"nvme0n1 is mounted on /srv\" group 3 node 1\n"
		      "  bar 0 mem64 16K prefetch\n"
		      "  bar 2 io 16\n"
		      "pci 00:02.0 1234:11e8 class 0x00ff00 driver vfio-pci group 3\n"
		      "  bar 0 mem 4K memory\n";
	ck_works(hws_open(&options, &hw));
	check_busy(hws_pci_open(hw, "00:01.0", 0, 0, HWS_RW, &pci), "nvme0n1 is mounted on /srv");
	check_busy(hws_mmio_map(hw, "00:01.0", 0, 0, 0x100, HWS_W, &mmio), "driver nvme");
	check_busy(hws_port_open(hw, 0x71, 1, HWS_W, &port), "rtc0");
	check_busy(hws_port_open(hw, 0xc000, 4, HWS_RW, &port), "driver nvme");
	ck_works(hws_mmio_map(hw, "00:02.0", 0, 0, 0x100, HWS_RW, &mmio));
	hws_mmio_unmap(mmio);
	ck_works(hws_pci_get_info(hw, "00:01.0", &info));
	ck_assert_uint_eq(info.vendor, 0x8086);
	ck_assert_uint_eq(info.subsystem_device, 0x1100);
	ck_assert_uint_eq(info.class_code, 0x010802);
	ck_assert_uint_eq(info.revision, 2);
	ck_assert_str_eq(info.driver, "nvme");
	ck_assert_str_eq(info.power, "D0");
	ck_assert(info.enabled);
	ck_assert_int_eq(info.iommu_group, 3);
	ck_assert_int_eq(info.numa_node, 1);
	ck_assert_uint_eq(info.bars[0].size, 16384);
	ck_assert_uint_ne(info.bars[0].base, 0);
	ck_assert_uint_eq(info.bars[0].flags, HWS_BAR_64 | HWS_BAR_PREFETCH);
	ck_assert_uint_eq(info.bars[1].size, 0);
	ck_assert_uint_eq(info.bars[2].flags, HWS_BAR_IO);
	ck_works(hws_pci_group_next(hw, 3, NULL, &bdf));
	ck_works(hws_pci_group_next(hw, 3, &bdf, &bdf));
	ck_assert_uint_eq(bdf.device, 2);
	ck_assert_int_eq(hws_pci_get_info(hw, "00:07.0", &info), -ENODEV);
	hws_close(hw);
}
END_TEST

int main(void)
{
	if (RAW_ARCH == HWS_ARCH_UNKNOWN) {
		puts("1..0 # SKIP the native back end is the generic one here");
		return EXIT_SUCCESS;
	}
	return suite_run("hw/claim", (const TTest *[]) {
					     what_nobody_uses_is_written,
					     what_a_driver_uses_is_only_read,
					     users_are_named,
					     right_lets_it_through_until_it_is_gone,
					     ports_are_who_the_kernel_says,
					     ports_of_many_are_each_ones,
					     memory_without_a_driver_can_be_somebodys,
					     driver_that_only_holds_uses_nothing,
					     what_another_program_has_by_vfio_is_only_read,
					     info_tells_what_sysfs_knows,
					     simulated_machine_tells_the_same,
					     NULL,
				     });
}
