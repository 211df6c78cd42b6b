/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* VFIO on the lab's machines: other functions, windows and ports by it, and its refusals. */
#include <linux/capability.h>
#include <sys/syscall.h>

#include "tests/shim/vfio-kit.h"

static void unbind(const char *bdf)
{
	char path[96];

	snprintf(path, sizeof(path), DEVICES "%s/driver_override", bdf);
	say(path, "\n");
	snprintf(path, sizeof(path), DEVICES "%s/driver/unbind", bdf);
	say(path, bdf);
}

/* The controller's ready bit after CC.EN changed; it has its own time. */
static void await_ready(const struct hws_window *bar, uint64_t ready)
{
	for (int i = 0; i < SECONDS * 100 && (get(bar, 0x1c) & 1) != ready; i++)
		usleep(10000);
	ck_assert_uint_eq(get(bar, 0x1c) & 1, ready);
}

START_TEST(function_of_another_driver_is_taken_and_reset)
{
	struct hws_hold hold;
	struct hws_window bar;
	uint8_t *memory;

	need_lab("vfio");
	need_lab("nvme");
	open_native();
	ck_assert_int_eq(ops->hold_open(shim.self, nvme, &hold), -EBUSY);
	ck_assert_ptr_nonnull(strstr(hws_why(), "bound to nvme"));
	bind_to("0000:00:05.0", "vfio-pci");
	hold = hold_of(nvme);
	bar = bar_of(nvme);
	memory = memory_of();
	ck_assert_uint_eq(hold.can_reset, 1);
	ck_assert_uint_ge(hold.irqs[HWS_IRQ_MSIX], 2);
	ck_assert_uint_le(hold.irqs[HWS_IRQ_MSIX], 256);
	ck_works(ops->dma_map(shim.self, &hold, IOVA, memory, AREA, HWS_RW));
	put(&bar, 0x24, 0x00010001); /* an admin queue of two entries each way */
	put(&bar, 0x28, IOVA);
	put(&bar, 0x30, IOVA + PAGE);
	put(&bar, 0x14, 0x00460001);
	await_ready(&bar, 1);
	ck_works(ops->hold_reset(shim.self, &hold));
	await_ready(&bar, 0);
	ops->bar_unmap(shim.self, &bar);
	ops->hold_close(shim.self, &hold);
	shim_close(&shim);
	bind_to("0000:00:05.0", "\n");
	for (int i = 0; i < SECONDS * 100 && access("/dev/nvme0n1", R_OK) < 0; i++)
		usleep(10000);
	ck_assert_int_eq(access("/dev/nvme0n1", R_OK), 0);
}
END_TEST

START_TEST(window_that_can_not_be_mapped_goes_through_the_descriptor)
{
	struct rlimit none = { .rlim_cur = 1 << 20, .rlim_max = RLIM_INFINITY };
	struct rlimit old;
	struct hws_hold hold;
	struct hws_window bar;
	struct hws_window other;
	uint64_t value = 0;

	need_lab("vfio");
	open_native();
	hold = hold_of(edu);
	ck_assert_int_eq(ops->bar_map(shim.self, edu, 0, 0xfffff, 2, HWS_R, &other), -ERANGE);
	ck_assert_int_eq(ops->bar_map(shim.self, edu, 1, 0, 0, HWS_R, &other), -ENODEV);
	ck_assert_int_eq(ops->bar_map(shim.self, edu, 6, 0, 0, HWS_R, &other), -EINVAL);
	getrlimit(RLIMIT_AS, &old);
	setrlimit(RLIMIT_AS, &none); /* no mapping succeeds */
	bar = bar_of(edu);
	setrlimit(RLIMIT_AS, &old);
	other = bar_of(edu);
	ck_assert_str_eq(bar.way, "vfio");
	ck_assert_str_eq(other.way, "vfio");
	ck_assert_ptr_null(bar.direct);
	ck_assert_ptr_nonnull(other.direct);
	ck_assert_uint_eq(get(&bar, 0), 0x010000ed);
	put(&bar, 4, 0x12345678);
	ck_assert_uint_eq(get(&bar, 4), (uint32_t)~0x12345678u);
	ck_assert_uint_eq(get(&other, 4), (uint32_t)~0x12345678u);
	ck_assert_int_eq(ops->mmio_read(shim.self, &bar, 0x80, 8, &value), -EOPNOTSUPP);
	ck_assert_uint_eq(value, UINT64_MAX);
	ck_assert_int_eq(ops->mmio_write(shim.self, &bar, 0x80, 8, 0), -EOPNOTSUPP);
	ops->hold_close(shim.self, &hold);
	ck_assert_uint_eq(get(&bar, 0), 0x010000ed); /* a window keeps the device open */
	ops->bar_unmap(shim.self, &bar);
	ops->bar_unmap(shim.self, &other);
	ops->bar_unmap(shim.self, &other);
	shim_close(&shim);
}
END_TEST

START_TEST(ports_of_a_held_function_go_through_its_descriptor)
{
	static const struct hws_bdf testdev = { .device = 4 };
	struct hws_hold hold;
	struct hws_window ports;
	struct hws_window window;
	uint32_t base;
	uint32_t value;

	need_lab("vfio");
	need_lab("lockdown"); /* elsewhere there is a nearer way */
	open_native();
	ck_works(ops->pci_read(shim.self, testdev, 0x14, 4, &base));
	base &= ~3u;
	ck_works(ops->port_open(shim.self, (uint16_t)base, 16, HWS_RW, &ports));
	ck_assert_int_eq(ops->port_write(shim.self, &ports, (uint16_t)base, 1, 0), -EPERM);
	ck_assert_ptr_nonnull(strstr(hws_why(), "VFIO"));
	ops->port_close(shim.self, &ports);
	bind_to("0000:00:04.0", "vfio-pci");
	ck_works(ops->port_open(shim.self, (uint16_t)base, 16, HWS_RW, &ports));
	ck_assert_str_eq(ports.way, "vfio");
	ck_works(ops->port_write(shim.self, &ports, (uint16_t)base, 1, 1)); /* its second test */
	ck_works(ops->port_read(shim.self, &ports, (uint16_t)base, 1, &value));
	ck_assert_uint_ne(value, UINT8_MAX);
	hold = hold_of(testdev);
	ck_assert_int_eq(ops->bar_map(shim.self, testdev, 1, 0, 0, HWS_R, &window), -EINVAL);
	ops->hold_close(shim.self, &hold);
	ops->port_close(shim.self, &ports);
	shim_close(&shim);
	unbind("0000:00:04.0");
}
END_TEST

START_TEST(siblings_that_another_driver_has_are_named)
{
	static const struct hws_bdf second = { .device = 7, .function = 1 };
	struct hws_hold hold;

	need_lab("vfio");
	open_native();
	bind_to("0000:00:07.1", "vfio-pci");
	ck_assert_int_eq(ops->hold_open(shim.self, second, &hold), -EBUSY);
	ck_assert_ptr_nonnull(strstr(hws_why(), ": 0000:00:07.0 (virtio-pci)"));
	shim_close(&shim);
	unbind("0000:00:07.1");
}
END_TEST

static void drop_capability(uint32_t capability)
{
	struct __user_cap_header_struct head = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct data[2];

	ck_assert_int_eq(syscall(SYS_capget, &head, data), 0);
	data[capability / 32].effective &= ~(UINT32_C(1) << capability % 32);
	ck_assert_int_eq(syscall(SYS_capset, &head, data), 0);
}

START_TEST(memory_that_may_not_be_locked_names_the_limit)
{
	struct rlimit less = { .rlim_cur = PAGE, .rlim_max = PAGE };
	struct hws_hold hold;

	need_lab("vfio");
	open_native();
	hold = hold_of(edu);
	drop_capability(CAP_IPC_LOCK);
	ck_assert_int_eq(setrlimit(RLIMIT_MEMLOCK, &less), 0);
	ck_assert_int_eq(ops->dma_map(shim.self, &hold, IOVA, memory_of(), AREA, HWS_RW), -ENOMEM);
	ck_assert_ptr_nonnull(strstr(hws_why(), "0x4000 bytes"));
	ck_assert_ptr_nonnull(strstr(hws_why(), "RLIMIT_MEMLOCK is 0x1000"));
	shim_close(&shim);
}
END_TEST

START_TEST(machine_without_an_iommu_is_refused)
{
	struct hws_hold hold;

	if (suite_lab_has("iommu") || suite_lab_has("unprivileged"))
		return;
	open_native();
	ck_assert_int_eq(ops->hold_open(shim.self, edu, &hold), -EOPNOTSUPP);
	ck_assert_ptr_nonnull(strstr(hws_why(), "IOMMU"));
}
END_TEST

START_TEST(function_without_a_driver_names_the_commands)
{
	struct hws_hold hold;

	need_lab("unprivileged");
	open_native();
	ck_assert_int_eq(ops->hold_open(shim.self, edu, &hold), -ENXIO);
	ck_assert_ptr_nonnull(strstr(hws_why(), "echo 0000:00:03.0 >drivers_probe"));
}
END_TEST

int main(void)
{
	return suite_run("shim/vfio-ways",
			 (const TTest *[]) {
				 function_of_another_driver_is_taken_and_reset,
				 window_that_can_not_be_mapped_goes_through_the_descriptor,
				 ports_of_a_held_function_go_through_its_descriptor,
				 siblings_that_another_driver_has_are_named,
				 memory_that_may_not_be_locked_names_the_limit,
				 machine_without_an_iommu_is_refused,
				 function_without_a_driver_names_the_commands,
				 NULL,
			 });
}
