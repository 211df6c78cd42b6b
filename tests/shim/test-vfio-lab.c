/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* VFIO on the lab's machines: a real kernel and IOMMU between edu and memory. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <unistd.h>

#include "shim/shim-internal.h"
#include "shim/sys-internal.h"
#include "tests/suite.h"

static const struct hws_bdf edu = { .device = 3 };
static const struct hws_bdf nvme = { .device = 5 };
static struct hws_shim shim;
static const struct hws_shim_ops *ops;

enum {
	PAGE = 4096,
	AREA = 16384, /* a multiple of any page that a kernel has here */
	IOVA = 0x100000,
	STRAY = 0x200000,
	BUFFER = 0x40000,
	COUNT = 2048, /* QEMU 7.2 ends at 4096 */
	TO_MEMORY = 2,
	INTERRUPT = 4,
	SECONDS = 20,
};

#define ck_works(call)                                                               \
	do {                                                                         \
		int works_ = (call);                                                 \
		ck_assert_msg(works_ == 0, "%s: %d (%s)", #call, works_, hws_why()); \
	} while (0)

static void open_native(void)
{
	ck_ok(shim_open(&native_ops, NULL, &shim));
	ops = shim_ops(&shim);
}

static struct hws_hold hold_of(struct hws_bdf bdf)
{
	struct hws_hold hold = { 0 };

	ck_works(ops->hold_open(shim.self, bdf, &hold));
	return hold;
}

static struct hws_window bar_of(struct hws_bdf bdf)
{
	struct hws_window window;

	ck_works(ops->bar_map(shim.self, bdf, 0, 0, 0x1000, HWS_RW, &window));
	return window;
}

static uint64_t get(const struct hws_window *window, uint64_t offset)
{
	uint64_t value;

	ck_works(ops->mmio_read(shim.self, window, offset, 4, &value));
	return value;
}

static void put(const struct hws_window *window, uint64_t offset, uint64_t value)
{
	ck_works(ops->mmio_write(shim.self, window, offset, 4, value));
}

static uint8_t *memory_of(void)
{
	void *memory = mmap(NULL, AREA, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	ck_assert_ptr_ne(memory, MAP_FAILED);
	return memory;
}

/* How often it rang; 0: not in all the time that was given. */
static uint64_t rings(int fd, int milliseconds)
{
	struct pollfd one = { .fd = fd, .events = POLLIN };
	eventfd_t count = 0;

	if (poll(&one, 1, milliseconds) == 1)
		eventfd_read(fd, &count);
	return count;
}

static void start(const struct hws_window *bar, uint64_t from, uint64_t to, uint64_t command)
{
	put(bar, 0x80, from);
	put(bar, 0x88, to);
	put(bar, 0x90, COUNT);
	put(bar, 0x98, command | 1);
}

/* Polls the engine until it stands. */
static void transfer(const struct hws_window *bar, uint64_t from, uint64_t to, uint64_t command)
{
	start(bar, from, to, command);
	for (int i = 0; i < SECONDS * 100 && get(bar, 0x98) & 1; i++)
		usleep(10000);
	ck_assert_uint_eq(get(bar, 0x98) & 1, 0);
}

static struct hws_dma_fault fault_of(const struct hws_hold *hold)
{
	struct hws_dma_fault fault = { 0 };
	int r = -ENOENT;

	for (int i = 0; i < SECONDS * 100 && r == -ENOENT; i++) {
		r = ops->dma_fault(shim.self, hold, &fault);
		if (r == -ENOENT)
			usleep(10000);
	}
	ck_works(r);
	return fault;
}

START_TEST(hold_tells_what_there_is)
{
	struct hws_hold hold;
	struct hws_hold second = { .way = "untouched" };
	struct hws_shim other;
	uint32_t command;

	need_lab("vfio");
	open_native();
	hold = hold_of(edu);
	ck_assert_str_eq(hold.way, "vfio type1");
	ck_assert_uint_eq(hold.page % PAGE, 0);
	ck_assert_uint_ge(hold.max_maps, 1024);
	ck_assert_uint_ge(hold.span_count, 2); /* interrupts' addresses are between them */
	ck_assert_uint_eq(hold.spans[0].first, 0);
	ck_assert_uint_gt(hold.spans[0].last, IOVA);
	ck_assert_uint_eq(hold.irqs[HWS_IRQ_INTX], 1);
	ck_assert_uint_eq(hold.irqs[HWS_IRQ_MSI], 1);
	ck_assert_uint_eq(hold.irqs[HWS_IRQ_MSIX], 0);
	ck_works(ops->pci_read(shim.self, edu, 4, 2, &command));
	ck_assert_uint_eq(command & 4, 4);
	ck_assert_int_eq(ops->hold_open(shim.self, edu, &second), -EBUSY);
	ck_ok(shim_open(&native_ops, NULL, &other));
	ck_assert_int_eq(ops->hold_open(other.self, edu, &second), -EBUSY);
	ck_assert_ptr_nonnull(strstr(hws_why(), "another process"));
	ck_assert_str_eq(second.way, "untouched");
	ops->hold_close(shim.self, &hold);
	ck_works(ops->hold_open(other.self, edu, &second));
	ck_assert_int_eq(ops->hold_reset(other.self, &hold), -ENODEV);
	shim_close(&other); /* closes what is held */
	hold = hold_of(edu);
	ops->hold_close(shim.self, &hold);
	ops->hold_close(shim.self, &hold);
	shim_close(&shim);
}
END_TEST

START_TEST(dma_both_ways_with_interrupts)
{
	struct hws_hold hold;
	struct hws_window bar;
	uint8_t *memory;
	int32_t fd = sys_eventfd();

	need_lab("vfio");
	open_native();
	hold = hold_of(edu);
	bar = bar_of(edu);
	memory = memory_of();
	for (int i = 0; i < COUNT; i++)
		memory[i] = (uint8_t)(i * 7 + i / 256);
	put(&bar, 0x64, get(&bar, 0x24));
	ck_works(ops->irq_bind(shim.self, &hold, HWS_IRQ_MSI, &fd, 1));
	ck_works(ops->dma_map(shim.self, &hold, IOVA, memory, AREA, HWS_RW));
	start(&bar, IOVA, BUFFER, INTERRUPT);
	ck_assert_uint_eq(rings(fd, SECONDS * 1000), 1);
	ck_assert_uint_eq(get(&bar, 0x24), 0x100);
	put(&bar, 0x64, 0x100);
	start(&bar, BUFFER, IOVA + COUNT, INTERRUPT | TO_MEMORY);
	ck_assert_uint_eq(rings(fd, SECONDS * 1000), 1);
	ck_assert_mem_eq(memory, memory + COUNT, COUNT);
	ck_assert_uint_eq(memory[2 * COUNT], 0);
	put(&bar, 0x64, 0x100);
	ck_works(ops->dma_unmap(shim.self, &hold, IOVA, AREA));
	ck_works(ops->irq_bind(shim.self, &hold, HWS_IRQ_MSI, NULL, 0));
	ops->hold_close(shim.self, &hold);
	ops->bar_unmap(shim.self, &bar);
	shim_close(&shim);
}
END_TEST

START_TEST(map_and_unmap_are_exact)
{
	struct hws_hold hold;
	uint8_t *memory;

	need_lab("vfio");
	open_native();
	hold = hold_of(edu);
	memory = memory_of();
	ck_works(ops->dma_map(shim.self, &hold, IOVA, memory, AREA, HWS_R));
	ck_assert_int_eq(ops->dma_map(shim.self, &hold, IOVA, memory, AREA, HWS_R), -EEXIST);
	ck_assert_int_eq(ops->dma_map(shim.self, &hold, IOVA + 1, memory, AREA, HWS_R), -EINVAL);
	ck_assert_int_eq(ops->dma_map(shim.self, &hold, UINT64_C(1) << 63, memory, AREA, HWS_R),
			 -ERANGE);
	ck_assert_int_eq(ops->dma_map(shim.self, &hold, STRAY, NULL, AREA, HWS_R), -EFAULT);
	ck_assert_int_eq(ops->dma_unmap(shim.self, &hold, IOVA, AREA / 2), -ENOENT);
	ck_assert_int_eq(ops->dma_unmap(shim.self, &hold, STRAY, AREA), -ENOENT);
	ck_works(ops->dma_unmap(shim.self, &hold, IOVA, AREA));
	ck_assert_int_eq(ops->dma_unmap(shim.self, &hold, IOVA, AREA), -ENOENT);
	ck_assert_int_eq(mprotect(memory, AREA, PROT_NONE), 0);
	ck_assert_int_eq(ops->dma_map(shim.self, &hold, IOVA, memory, AREA, HWS_R), -EFAULT);
	shim_close(&shim);
}
END_TEST

START_TEST(stray_transfers_are_stopped_and_told)
{
	struct hws_hold hold;
	struct hws_window bar;
	struct hws_dma_fault fault;
	uint8_t *memory;

	need_lab("vfio");
	open_native();
	hold = hold_of(edu);
	bar = bar_of(edu);
	memory = memory_of();
	ck_works(ops->dma_map(shim.self, &hold, IOVA, memory, AREA, HWS_RW));
	ck_assert_int_eq(ops->dma_fault(shim.self, &hold, &fault), -ENOENT);
	transfer(&bar, BUFFER, STRAY, TO_MEMORY);
	fault = fault_of(&hold);
	ck_assert_uint_eq(fault.address, STRAY);
	ck_assert(fault.write);
	ck_assert_uint_eq(fault.sequence, 1);
	ck_works(ops->dma_unmap(shim.self, &hold, IOVA, AREA));
	memset(memory, 0x5a, AREA);
	transfer(&bar, BUFFER, IOVA, TO_MEMORY);
	for (int i = 0; i < AREA; i++)
		ck_assert_uint_eq(memory[i], 0x5a); /* it did not land; kernels tell only so many */
	ck_works(ops->dma_map(shim.self, &hold, IOVA, memory, AREA, HWS_R));
	transfer(&bar, BUFFER, IOVA, TO_MEMORY); /* it may only read there */
	ck_assert_uint_eq(memory[0], 0x5a);
	shim_close(&shim);
}
END_TEST

START_TEST(line_interrupts_until_it_is_acknowledged)
{
	struct hws_hold hold;
	struct hws_window bar;
	int32_t fd = sys_eventfd();

	need_lab("vfio");
	open_native();
	hold = hold_of(edu);
	bar = bar_of(edu);
	ck_works(ops->irq_bind(shim.self, &hold, HWS_IRQ_MSI, &fd, 1));
	put(&bar, 0x64, get(&bar, 0x24)); /* edu knows no reset: it may be up since before */
	ck_works(ops->irq_bind(shim.self, &hold, HWS_IRQ_INTX, &fd, 1)); /* instead */
	put(&bar, 0x60, 3);
	ck_assert_uint_eq(rings(fd, SECONDS * 1000), 1);
	ck_assert_uint_eq(rings(fd, 100), 0); /* masked */
	put(&bar, 0x64, 1);
	ck_works(ops->irq_unmask(shim.self, &hold, HWS_IRQ_INTX));
	ck_assert_uint_eq(rings(fd, SECONDS * 1000), 1); /* not all was acknowledged */
	put(&bar, 0x64, 2);
	ck_works(ops->irq_unmask(shim.self, &hold, HWS_IRQ_INTX));
	ck_assert_uint_eq(rings(fd, 100), 0);
	ck_assert_int_eq(ops->irq_unmask(shim.self, &hold, HWS_IRQ_MSI), -EINVAL);
	shim_close(&shim);
}
END_TEST

static void say(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY);

	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(write(fd, text, strlen(text)), (ssize_t)strlen(text));
	close(fd);
}

#define NVME "/sys/bus/pci/devices/0000:00:05.0"

static void bind_nvme(const char *driver)
{
	say(NVME "/driver_override", driver);
	say(NVME "/driver/unbind", "0000:00:05.0");
	say("/sys/bus/pci/drivers_probe", "0000:00:05.0");
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
	bind_nvme("vfio-pci");
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
	bind_nvme("\n");
	for (int i = 0; i < SECONDS * 100 && access("/dev/nvme0n1", R_OK) < 0; i++)
		usleep(10000);
	ck_assert_int_eq(access("/dev/nvme0n1", R_OK), 0);
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
	return suite_run("shim/vfio-lab", (const TTest *[]) {
						  hold_tells_what_there_is,
						  dma_both_ways_with_interrupts,
						  map_and_unmap_are_exact,
						  stray_transfers_are_stopped_and_told,
						  line_interrupts_until_it_is_acknowledged,
						  function_of_another_driver_is_taken_and_reset,
						  machine_without_an_iommu_is_refused,
						  function_without_a_driver_names_the_commands,
						  NULL,
					  });
}
