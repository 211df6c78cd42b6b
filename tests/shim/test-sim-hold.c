/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A simulated function that is held: what it reaches, what it is refused, how it interrupts. */
#include <errno.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <unistd.h>

#include "shim/pkey-internal.h"
#include "shim/sys-internal.h"
#include "tests/shim/sim-kit.h"

static const char edu_bdf[] = "0000:00:03.0";

enum { PAGE = 4096, BUFFER = 0x40000, TO_MEMORY = 2, INTERRUPT = 4 };

static char *memory_of(size_t pages)
{
	void *memory = mmap(NULL, pages * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS,
			    -1, 0);

	ck_assert_ptr_ne(memory, MAP_FAILED);
	return memory;
}

static struct hws_hold hold_of(void *sim)
{
	struct hws_hold hold = { 0 };
	int r = sim_ops.hold_open(sim, bdf_of(edu_bdf), &hold);

	ck_assert_msg(r == 0, "%s", hws_why());
	return hold;
}

static void dma(void *sim, const struct hws_window *edu, uint64_t from, uint64_t to, uint64_t count,
		uint64_t command)
{
	put(sim, edu, 0x80, 8, from);
	put(sim, edu, 0x88, 8, to);
	put(sim, edu, 0x90, 4, count);
	put(sim, edu, 0x98, 4, command | 1);
	get(sim, edu, 0x98, 4);
	ck_assert_uint_eq(get(sim, edu, 0x98, 4) & 1, 0);
}

static struct hws_dma_fault fault_of(void *sim, const struct hws_hold *hold)
{
	struct hws_dma_fault fault = { 0 };

	ck_ok(sim_ops.dma_fault(sim, hold, &fault));
	return fault;
}

START_TEST(hold_is_for_one)
{
	void *sim = machine(NULL);
	struct hws_hold hold = hold_of(sim);
	struct hws_hold old = hold;
	struct hws_hold second = { .way = "untouched" };

	ck_assert_str_eq(hold.way, "sim");
	ck_assert_uint_eq(hold.page, PAGE);
	ck_assert_uint_eq(hold.irqs[HWS_IRQ_INTX], 1);
	ck_assert_uint_eq(hold.irqs[HWS_IRQ_MSI], 1);
	ck_assert_uint_eq(hold.irqs[HWS_IRQ_MSIX], 0);
	ck_assert_uint_eq(config(sim, edu_bdf, 4, 2) & 4, 4);
	ck_assert_int_eq(sim_ops.hold_open(sim, bdf_of(edu_bdf), &second), -EBUSY);
	ck_assert_ptr_nonnull(strstr(hws_why(), edu_bdf));
	ck_assert_int_eq(sim_ops.hold_open(sim, bdf_of("00:1f.0"), &second), -ENODEV);
	ck_assert_str_eq(second.way, "untouched");
	sim_ops.hold_close(sim, &hold);
	ck_assert_uint_eq(config(sim, edu_bdf, 4, 2) & 4, 0);
	sim_ops.hold_close(sim, &hold);
	ck_assert_ptr_null(hold.way);
	hold = hold_of(sim);
	sim_ops.hold_close(sim, &old); /* closed before: not the one that is open now */
	ck_assert_int_eq(sim_ops.hold_reset(sim, &old), -ENODEV);
	ck_ok(sim_ops.hold_reset(sim, &hold));
	sim_ops.close(sim); /* releases what is still held */
}
END_TEST

START_TEST(device_reaches_what_is_mapped)
{
	void *sim = machine(NULL);
	struct hws_window edu = bar_of(sim, edu_bdf, 0);
	struct hws_hold hold = hold_of(sim);
	char *memory = memory_of(3);

	ck_ok(sim_ops.dma_map(sim, &hold, 0x10000, memory, PAGE, HWS_R));
	ck_ok(sim_ops.dma_map(sim, &hold, 0x12000, memory + 2 * PAGE, PAGE, HWS_W));
	ck_ok(sim_ops.dma_map(sim, &hold, 0x11000, memory + PAGE, PAGE, HWS_RW));
	strcpy(memory + PAGE - 6, "hello, device");
	dma(sim, &edu, 0x11000 - 6, BUFFER, 14, 0); /* over the border of two mappings */
	dma(sim, &edu, BUFFER, 0x12000 - 6, 14, TO_MEMORY);
	ck_assert_str_eq(memory + 2 * PAGE - 6, "hello, device");
	ck_assert_uint_eq(stats_of(sim).dma_faults, 0);
	ck_ok(sim_ops.dma_unmap(sim, &hold, 0x12000, PAGE));
	memset(memory + 2 * PAGE, 'x', PAGE);
	dma(sim, &edu, BUFFER, 0x12000, 14, TO_MEMORY); /* does not land */
	ck_assert_int_eq(memory[2 * PAGE], 'x');
	ck_assert_uint_eq(fault_of(sim, &hold).address, 0x12000);
	sim_ops.close(sim);
}
END_TEST

START_TEST(stray_transfers_are_reported)
{
	void *sim = machine(NULL);
	struct hws_window edu = bar_of(sim, edu_bdf, 0);
	struct hws_hold hold = hold_of(sim);
	struct hws_dma_fault fault = { .address = 1 };
	char *memory = memory_of(1);

	ck_ok(sim_ops.dma_map(sim, &hold, 0x10000, memory, PAGE, HWS_R));
	ck_assert_int_eq(sim_ops.dma_fault(sim, &hold, &fault), -ENOENT);
	ck_assert_uint_eq(fault.address, 1);
	dma(sim, &edu, 0x20000, BUFFER, 8, 0);
	dma(sim, &edu, BUFFER, 0x10000, 8, TO_MEMORY); /* it may only read there */
	dma(sim, &edu, 0x10ffc, BUFFER, 8, 0);	       /* past its end */
	fault = fault_of(sim, &hold);
	ck_assert(fault.address == 0x20000 && !fault.write && fault.sequence == 1);
	fault = fault_of(sim, &hold);
	ck_assert(fault.address == 0x10000 && fault.write && fault.sequence == 2);
	ck_assert_uint_eq(fault_of(sim, &hold).address, 0x11000);
	ck_assert_int_eq(sim_ops.dma_fault(sim, &hold, &fault), -ENOENT);
	for (int i = 0; i < 100; i++) /* more than are kept */
		dma(sim, &edu, 0x30000, BUFFER, 8, 0);
	for (uint64_t i = 4; sim_ops.dma_fault(sim, &hold, &fault) == 0; i++)
		ck_assert_uint_eq(fault.sequence, i);
	ck_assert_uint_gt(fault.sequence, 50);
	dma(sim, &edu, 0x30000, BUFFER, 8, 0);
	ck_assert_uint_eq(fault_of(sim, &hold).sequence, 104); /* the lost ones were counted */
	sim_ops.close(sim);
}
END_TEST

START_TEST(map_is_exact)
{
	static const struct {
		uint64_t address;
		uint64_t size;
		int rights;
		int error;
	} bad[] = {
		{ 0x10800, PAGE, HWS_R, -EINVAL },
		{ 0x10000, 100, HWS_R, -EINVAL },
		{ 0x10000, 0, HWS_R, -EINVAL },
		{ 0x10000, PAGE, 0, -EINVAL },
		{ 0x10000, PAGE, 8, -EINVAL },
		{ 0xfee00000, PAGE, HWS_R, -ERANGE },
		{ 0xfedff000, 2 * PAGE, HWS_R, -ERANGE },
		{ 1ull << 48, PAGE, HWS_R, -ERANGE },
		{ -(uint64_t)PAGE, PAGE, HWS_R, -ERANGE },
		{ 0x21000, 2 * PAGE, HWS_R, -EEXIST },
		{ 0x1f000, 2 * PAGE, HWS_R, -EEXIST },
		{ 0x20000, 2 * PAGE, HWS_R, -EEXIST },
		{ 0x10000, UINT64_MAX - 4095, HWS_R, -EINVAL },
	};
	void *sim = machine(NULL);
	struct hws_hold hold = hold_of(sim);
	char *memory = memory_of(2);

	ck_ok(sim_ops.dma_map(sim, &hold, 0x20000, memory, 2 * PAGE, HWS_R));
	for (size_t i = 0; i < COUNT(bad); i++) {
		int r = sim_ops.dma_map(sim, &hold, bad[i].address, memory, bad[i].size,
					(enum hws_rights)bad[i].rights);

		ck_assert_msg(r == bad[i].error, "row %zu: %d %s", i, r, hws_why());
	}
	ck_assert_int_eq(sim_ops.dma_map(sim, &hold, 0x10000, memory + 1, PAGE, HWS_R), -EINVAL);
	ck_assert_int_eq(sim_ops.dma_map(sim, &hold, 0x10000, NULL, PAGE, HWS_R), -EFAULT);
	ck_assert_int_eq(sim_ops.dma_unmap(sim, &hold, 0x20000, PAGE), -ENOENT);
	ck_assert_int_eq(sim_ops.dma_unmap(sim, &hold, 0x21000, PAGE), -ENOENT);
	ck_assert_int_eq(sim_ops.dma_unmap(sim, &hold, 0x1f000, 3 * PAGE), -ENOENT);
	ck_ok(sim_ops.dma_unmap(sim, &hold, 0x20000, 2 * PAGE));
	for (uint64_t i = 0; i < hold.max_maps; i++)
		ck_ok(sim_ops.dma_map(sim, &hold, i * PAGE, memory, PAGE, HWS_R));
	ck_assert_int_eq(sim_ops.dma_map(sim, &hold, hold.max_maps * PAGE, memory, PAGE, HWS_R),
			 -ENOSPC);
	sim_ops.close(sim);
}
END_TEST

START_TEST(device_reaches_memory_that_is_closed_to_the_processor)
{
	void *sim = machine(NULL);
	struct hws_window edu = bar_of(sim, edu_bdf, 0);
	struct hws_hold hold = hold_of(sim);
	char *memory = memory_of(1);
	const struct pkey_set *keys;

	need_kernel("PROT_NONE for its own calls");
	ck_assert_int_eq(mprotect(memory, PAGE, PROT_NONE), 0);
	ck_assert_int_eq(sim_ops.dma_map(sim, &hold, 0x10000, memory, PAGE, HWS_RW), -EFAULT);
	ck_assert_int_eq(mprotect(memory, PAGE, PROT_READ | PROT_WRITE), 0);
	strcpy(memory, "closed");
	ck_ok(sim_ops.dma_map(sim, &hold, 0x10000, memory, PAGE, HWS_RW));
	ck_assert_int_eq(mprotect(memory, PAGE, PROT_NONE), 0);
	dma(sim, &edu, 0x10000, BUFFER, 7, 0);
	dma(sim, &edu, BUFFER, 0x10800, 7, TO_MEMORY);
	ck_assert_int_eq(mprotect(memory, PAGE, PROT_READ | PROT_WRITE), 0);
	ck_assert_str_eq(memory + 0x800, "closed");
	if (pkey_take(&keys) == 0) {
		ck_ok(sys_pkey_mprotect(memory, PAGE, PROT_READ | PROT_WRITE, keys->locked));
		ck_ok(sim_ops.dma_map(sim, &hold, 0x20000, memory, PAGE, HWS_RW));
		dma(sim, &edu, 0x20000, BUFFER, 7, 0);
		dma(sim, &edu, BUFFER, 0x20900, 7, TO_MEMORY);
		ck_ok(sys_pkey_mprotect(memory, PAGE, PROT_READ | PROT_WRITE, 0));
		ck_assert_str_eq(memory + 0x900, "closed");
	}
	ck_assert_uint_eq(stats_of(sim).dma_faults, 0);
	sim_ops.close(sim);
}
END_TEST

static uint64_t rings(int fd)
{
	eventfd_t count = 0;

	eventfd_read(fd, &count);
	return count;
}

START_TEST(messages_ring_the_eventfd)
{
	void *sim = machine(NULL);
	struct hws_window edu = bar_of(sim, edu_bdf, 0);
	struct hws_hold hold = hold_of(sim);
	int32_t fd = sys_eventfd();
	int32_t two[2] = { fd, fd };

	need_copies();
	ck_assert_int_eq(sim_ops.irq_bind(sim, &hold, HWS_IRQ_MSI, two, 2), -ERANGE);
	ck_assert_int_eq(sim_ops.irq_bind(sim, &hold, HWS_IRQ_MSIX, two, 1), -ERANGE);
	ck_assert_int_eq(sim_ops.irq_bind(sim, &hold, HWS_IRQ_MODES, two, 0), -EINVAL);
	ck_assert_int_eq(sim_ops.irq_bind(sim, &hold, HWS_IRQ_MSI, NULL, 1), -EINVAL);
	ck_assert_int_eq(sim_ops.irq_bind(sim, &hold, HWS_IRQ_MSI, (int32_t[]) { -1 }, 1), -EBADF);
	ck_ok(sim_ops.irq_bind(sim, &hold, HWS_IRQ_MSI, &fd, 1));
	put(sim, &edu, 0x20, 4, 0x80);
	put(sim, &edu, 0x08, 4, 5);
	get(sim, &edu, 0x08, 4);
	ck_assert_uint_eq(rings(fd), 1);
	dma(sim, &edu, 0x10000, BUFFER, 8, INTERRUPT);
	put(sim, &edu, 0x60, 4, 1);
	ck_assert_uint_eq(rings(fd), 2);
	ck_ok(sim_ops.irq_bind(sim, &hold, HWS_IRQ_MSI, NULL, 0));
	put(sim, &edu, 0x60, 4, 1);
	ck_assert_uint_eq(rings(fd), 0);
	ck_ok(sim_ops.irq_bind(sim, &hold, HWS_IRQ_MSI, &fd, 1));
	sim_ops.hold_close(sim, &hold);
	put(sim, &edu, 0x60, 4, 1);
	ck_assert_uint_eq(rings(fd), 0);
	ck_assert_int_eq(sim_ops.irq_bind(sim, &hold, HWS_IRQ_MSI, &fd, 1), -ERANGE);
	sim_ops.close(sim);
	close(fd);
}
END_TEST

START_TEST(line_rings_again_when_it_is_unmasked_and_still_up)
{
	void *sim = machine(NULL);
	struct hws_window edu = bar_of(sim, edu_bdf, 0);
	struct hws_hold hold = hold_of(sim);
	int32_t fd = sys_eventfd();

	need_copies();
	ck_assert_int_eq(sim_ops.irq_unmask(sim, &hold, HWS_IRQ_INTX), -EINVAL);
	ck_ok(sim_ops.irq_bind(sim, &hold, HWS_IRQ_INTX, &fd, 1));
	put(sim, &edu, 0x60, 4, 3);
	put(sim, &edu, 0x60, 4, 4);
	ck_assert_uint_eq(rings(fd), 1);
	put(sim, &edu, 0x64, 4, 1);
	ck_ok(sim_ops.irq_unmask(sim, &hold, HWS_IRQ_INTX));
	ck_assert_uint_eq(rings(fd), 1); /* not all was acknowledged */
	put(sim, &edu, 0x64, 4, 6);
	ck_ok(sim_ops.irq_unmask(sim, &hold, HWS_IRQ_INTX));
	ck_assert_uint_eq(rings(fd), 0);
	put(sim, &edu, 0x60, 4, 1);
	ck_assert_uint_eq(rings(fd), 1);
	ck_assert_int_eq(sim_ops.irq_unmask(sim, &hold, HWS_IRQ_MSI), -EINVAL);
	sim_ops.close(sim);
	close(fd);
}
END_TEST

START_TEST(reset_gives_the_state_of_the_beginning)
{
	void *sim = machine("cpu count 1\n"
			    "pci 00:03.0 1234:11e8 class 0x00ff00\n"
			    "  bar 0 mem 1M is edu\n"
			    "  bar 1 mem 4K memory\n"
			    "    reg 0x10 4 rw value 7\n"
			    "    reg 0x14 4 fifo depth 4 value 9\n");
	struct hws_window edu = bar_of(sim, edu_bdf, 0);
	struct hws_window other = bar_of(sim, edu_bdf, 1);
	struct hws_hold hold = hold_of(sim);

	put(sim, &edu, 0x04, 4, 1);
	put(sim, &edu, 0x60, 4, 1);
	put(sim, &other, 0x10, 4, 8);
	put(sim, &other, 0x14, 4, 8);
	put(sim, &other, 0x20, 4, 8);
	ck_ok(sim_ops.hold_reset(sim, &hold));
	ck_assert_uint_eq(get(sim, &edu, 0x00, 4), 0x010000ed);
	ck_assert_uint_eq(get(sim, &edu, 0x04, 4), 0);
	ck_assert_uint_eq(get(sim, &edu, 0x24, 4), 0);
	ck_assert_uint_eq(get(sim, &other, 0x10, 4), 7);
	ck_assert_uint_eq(get(sim, &other, 0x14, 4), 9);
	ck_assert_uint_eq(get(sim, &other, 0x20, 4), 0);
	put(sim, &edu, 0x04, 4, 1);
	sim_ops.hold_close(sim, &hold);
	ck_assert_uint_eq(get(sim, &edu, 0x04, 4), 0);
	/* who holds it next finds it so, whoever wrote there in between */
	put(sim, &edu, 0x04, 4, 1);
	hold = hold_of(sim);
	ck_assert_uint_eq(get(sim, &edu, 0x04, 4), 0);
	sim_ops.hold_close(sim, &hold);
	sim_ops.close(sim);
}
END_TEST

START_TEST(held_function_that_is_unplugged)
{
	void *sim = machine("cpu count 1\n"
			    "pci 00:03.0 1234:11e8 class 0x00ff00 unplug 1\n"
			    "  bar 0 mem 1M is edu\n");
	struct hws_window edu = bar_of(sim, edu_bdf, 0);
	struct hws_hold hold = hold_of(sim);
	char *memory = memory_of(1);
	uint64_t value;

	get(sim, &edu, 0, 4);
	ck_assert_int_eq(sim_ops.mmio_read(sim, &edu, 0, 4, &value), -ENODEV);
	ck_assert_int_eq(sim_ops.hold_reset(sim, &hold), -ENODEV);
	ck_ok(sim_ops.dma_map(sim, &hold, 0, memory, PAGE, HWS_RW));
	ck_ok(sim_ops.dma_unmap(sim, &hold, 0, PAGE));
	sim_ops.hold_close(sim, &hold);
	ck_assert_int_eq(sim_ops.hold_open(sim, bdf_of(edu_bdf), &hold), -ENODEV);
	sim_ops.close(sim);
}
END_TEST

START_TEST(transfer_needs_a_bus_master)
{
	void *sim = machine(NULL);
	struct hws_window edu = bar_of(sim, edu_bdf, 0);
	struct hws_hold hold = hold_of(sim);
	struct hws_dma_fault fault;
	char *memory = memory_of(1);

	ck_ok(sim_ops.dma_map(sim, &hold, 0x10000, memory, PAGE, HWS_RW));
	set_config(sim, edu_bdf, 4, 2, 0x2);
	dma(sim, &edu, 0x10000, BUFFER, 8, 0);
	dma(sim, &edu, BUFFER, 0x10000, 8, TO_MEMORY);
	ck_assert_uint_eq(stats_of(sim).dma_faults, 2);
	ck_assert_int_eq(sim_ops.dma_fault(sim, &hold, &fault), -ENOENT); /* no IOMMU saw it */
	sim_ops.close(sim);
}
END_TEST

int main(void)
{
	return suite_run("shim/sim-hold",
			 (const TTest *[]) {
				 hold_is_for_one,
				 device_reaches_what_is_mapped,
				 stray_transfers_are_reported,
				 map_is_exact,
				 device_reaches_memory_that_is_closed_to_the_processor,
				 messages_ring_the_eventfd,
				 line_rings_again_when_it_is_unmasked_and_still_up,
				 reset_gives_the_state_of_the_beginning,
				 held_function_that_is_unplugged,
				 transfer_needs_a_bus_master,
				 NULL,
			 });
}
