/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * QEMU's educational device works out 10! and says by an interrupt that it is done: "interrupt", or
 * "interrupt sim" on the simulated machine. In QEMU: -device edu,addr=03.0, bound to vfio-pci
 */
#include <hwsafe.h>
#include <stdio.h>
#include <time.h>

/* The device's registers. */
enum { FACTORIAL = 0x08, STATUS = 0x20, TELL = 0x80, REASON = 0x24, SEEN = 0x64 };

static const char address[] = "0000:00:03.0";

static uint64_t in_seconds(unsigned int seconds)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return ((uint64_t)now.tv_sec + seconds) * 1000000000 + (uint64_t)now.tv_nsec;
}

static int work_out(struct hws_mmio *edu, struct hws_irq *irq, uint32_t of, uint32_t *ret_result)
{
	uint64_t count;
	uint32_t reason;
	int r = hws_mmio_write32(edu, STATUS, TELL);

	if (r == 0)
		r = hws_mmio_write32(edu, FACTORIAL, of);
	/* the simulated device goes on whenever it is looked at */
	for (int look = 0; look < 2 && r == 0; look++)
		r = hws_mmio_read32(edu, STATUS, &reason);
	if (r == 0)
		r = hws_irq_wait(irq, 0, in_seconds(10), &count);
	if (r == 0)
		r = hws_mmio_read32(edu, REASON, &reason);
	if (r == 0)
		r = hws_mmio_write32(edu, SEEN, reason);
	if (r == 0)
		r = hws_irq_unmask(irq);
	return r < 0 ? r : hws_mmio_read32(edu, FACTORIAL, ret_result);
}

int main(int argc, char **argv)
{
	struct hws_options options = {
		.size = sizeof(options),
		.backend = argc > 1 ? argv[1] : NULL,
		.policy_text = "pci = 1234:11e8, config r\n"
			       "bar = 1234:11e8 0 0x00-0xff rw, width 4\n"
			       "dma = 1234:11e8 max 64K, maps 4\n"
			       "irq = 1234:11e8 0",
	};
	struct hws_domain *domain = NULL;
	struct hws_mmio *edu = NULL;
	struct hws_irq *irq = NULL;
	struct hws *hw = NULL;
	uint32_t result;
	int r = hws_open(&options, &hw);

	if (r == 0)
		r = hws_dma_open(hw, address, NULL, &domain);
	if (r == 0)
		r = hws_irq_open(domain, HWS_IRQ_BEST, 1, &irq);
	if (r == 0)
		r = hws_mmio_map(hw, address, 0, 0, 0x100, HWS_RW, &edu);
	if (r == 0)
		r = work_out(edu, irq, 10, &result);
	if (r == 0)
		printf("10! = %u, said the interrupt\n", result);
	r = hws_explain(r, stderr);
	hws_mmio_unmap(edu);
	hws_irq_close(irq);
	hws_dma_close(domain);
	hws_close(hw);
	return r;
}
