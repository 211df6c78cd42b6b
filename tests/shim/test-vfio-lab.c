/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Held by VFIO on the lab's machines: a real kernel and IOMMU between edu and memory. */
#include "tests/shim/vfio-kit.h"

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
	ck_works(ops->pci_claimed(shim.self, edu, HWS_CONFIG_SPACE));
	ck_assert_int_eq(ops->pci_claimed(other.self, edu, HWS_CONFIG_SPACE), -EBUSY);
	ck_assert_ptr_nonnull(strstr(hws_why(), "open by VFIO"));
	ops->hold_close(shim.self, &hold);
	ck_works(ops->pci_claimed(other.self, edu, HWS_CONFIG_SPACE));
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

START_TEST(device_sees_what_is_written_after_the_mapping)
{
	struct hws_hold hold;
	struct hws_window bar;
	uint8_t *memory;

	need_lab("vfio");
	open_native();
	hold = hold_of(edu);
	bar = bar_of(edu);
	memory = memory_of(); /* never touched: as yet there is only the page of zeros */
	ck_works(ops->dma_map(shim.self, &hold, IOVA, memory, AREA, HWS_R));
	ck_works(ops->dma_map(shim.self, &hold, STRAY, memory + AREA / 2, AREA / 2, HWS_W));
	memset(memory, 0x5a, COUNT);
	transfer(&bar, IOVA, BUFFER, 0);
	transfer(&bar, BUFFER, STRAY, TO_MEMORY);
	ck_assert_mem_eq(memory, memory + AREA / 2, COUNT);
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
	fault = stray(&hold, &bar, STRAY);
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

int main(void)
{
	return suite_run("shim/vfio-lab", (const TTest *[]) {
						  hold_tells_what_there_is,
						  dma_both_ways_with_interrupts,
						  device_sees_what_is_written_after_the_mapping,
						  map_and_unmap_are_exact,
						  stray_transfers_are_stopped_and_told,
						  line_interrupts_until_it_is_acknowledged,
						  NULL,
					  });
}
