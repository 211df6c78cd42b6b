/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "shim/hold-internal.h"

#include <errno.h>

#include "shim/why-internal.h"

/*@ requires \valid_read(hold) && size > 0;
  @ assigns \nothing;
  @ ensures \result <==> \exists integer i; 0 <= i < hold->span_count && i < HWS_HOLD_SPANS &&
  @	hold->spans[i].first <= address && address + size - 1 <= hold->spans[i].last; */
static bool in_a_span(const struct hws_hold *hold, uint64_t address, uint64_t size)
{
	/*@ loop invariant 0 <= i <= HWS_HOLD_SPANS && i <= hold->span_count;
	  @ loop invariant \forall integer j; 0 <= j < i ==>
	  @	!(hold->spans[j].first <= address && address + size - 1 <= hold->spans[j].last);
	  @ loop assigns i;
	  @ loop variant HWS_HOLD_SPANS - i; */
	for (uint32_t i = 0; i < hold->span_count && i < HWS_HOLD_SPANS; i++) {
		const struct hws_span *span = &hold->spans[i];

		if (address >= span->first && address <= span->last &&
		    size - 1 <= span->last - address)
			return true;
	}
	return false;
}

int hold_check_map(const struct hws_hold *hold, uint64_t address, const void *memory, uint64_t size,
		   enum hws_rights device)
{
	uint64_t in_page = (address | (uintptr_t)memory | size) & (hold->page - 1);

	if (size == 0 || !hws_range_ok((uintptr_t)memory, size, UINTPTR_MAX))
		return why(-EINVAL, "no memory to map");
	if (!(device & HWS_RW) || device & ~(uint32_t)HWS_RW)
		return why(-EINVAL, "the device must be let read, write or both");
	if (in_page)
		return why(-EINVAL,
			   "0x%llx bytes at 0x%llx: mappings are whole pages of 0x%llx bytes",
			   (unsigned long long)size, (unsigned long long)address,
			   (unsigned long long)hold->page);
	if (!in_a_span(hold, address, size))
		return why(-ERANGE,
			   "0x%llx bytes at 0x%llx: the IOMMU can't give a device this address",
			   (unsigned long long)size, (unsigned long long)address);
	return 0;
}

int hold_check_irq(const struct hws_hold *hold, enum hws_irq_mode mode, const int32_t *eventfds,
		   uint32_t count)
{
	static const char *const names[HWS_IRQ_MODES] = { "INTx", "MSI", "MSI-X" };

	if ((uint32_t)mode >= HWS_IRQ_MODES || (count > 0 && !eventfds))
		return why(-EINVAL, "interrupts: INTx, MSI or MSI-X, and a descriptor for each");
	if (count > hold->irqs[mode])
		return why(-ERANGE, "the function has %u vectors of %s, not %u", hold->irqs[mode],
			   names[mode], count);
	return 0;
}
