/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A device's memory: mapped, handed over, taken back. Each is one operation, compared with one call
 * of the IOMMU: the simulated one's, or VFIO's ioctl where the device is real.
 */
#include <errno.h>
#include <linux/vfio.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/mman.h>

#include "hw/domain-internal.h"
#include "shim/native-vfio-internal.h"
#include "tests/bench/hw.h"

#define EDU "0000:00:03.0"
/* Where the bare way maps: beyond all that the domain gives out, as it has 28 bits. */
#define BARE_IOVA UINT64_C(0x20000000)
enum { PAGE = 4096, BITS = 28 };

struct dma {
	struct hws *hw;
	struct hws_domain *domain;
	struct hws_buf buf;  /* mapped by the work itself, or not at all */
	struct hws_buf kept; /* mapped throughout */
	void *memory;	     /* what the bare way maps */
	int container;
};

static void teardown(void *context)
{
	struct dma *dma = context;

	(void)hws_dma_close(dma->domain);
	hws_close(dma->hw);
	if (dma->memory != MAP_FAILED)
		munmap(dma->memory, PAGE);
	free(dma);
}

static int open_all(struct dma *dma)
{
	struct hws_dma_options options = { .address_bits = BITS };
	uint64_t iova;
	int r = dma->memory == MAP_FAILED ? -ENOMEM : hw_open_context("sim", NULL, &dma->hw);

	if (r == 0)
		r = hws_dma_open(dma->hw, EDU, &options, &dma->domain);
	if (r == 0)
		r = hws_buf_take(hws_dma_pool(dma->domain), PAGE, &dma->buf);
	if (r == 0)
		r = hws_buf_take(hws_dma_pool(dma->domain), PAGE, &dma->kept);
	if (r == 0)
		r = hws_dma_map(dma->domain, dma->kept, HWS_BOTH_WAYS, &iova);
	if (r == 0 && hw_real)
		dma->container = vfio_held(dma->hw->shim.self, &dma->domain->hold)->container;
	return r;
}

static int setup(const struct bench_case *of, void **ret_context)
{
	struct dma *dma = calloc(1, sizeof(*dma));
	int r;

	(void)of;
	if (!dma)
		return -ENOMEM;
	dma->memory = mmap(NULL, PAGE, PROT_READ | PROT_WRITE,
			   MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
	r = open_all(dma);
	if (r < 0)
		teardown(dma);
	else
		*ret_context = dma;
	return r;
}

static int map_unmap(void *context, uint64_t n)
{
	struct dma *dma = context;
	uint64_t iova;
	int r = 0;

	for (; n && r == 0; n = bench_next(n)) {
		r = hws_dma_map(dma->domain, dma->buf, HWS_BOTH_WAYS, &iova);
		r = r < 0 ? r : hws_dma_unmap(dma->domain, dma->buf);
	}
	return r;
}

static int turns(struct hws_domain *domain, struct hws_buf buf, uint64_t n)
{
	uint64_t iova;
	int r = 0;

	for (; n && r == 0; n = bench_next(n)) {
		r = hws_dma_give(domain, buf, HWS_BOTH_WAYS, &iova);
		r = r < 0 ? r : hws_dma_take(domain, buf);
	}
	return r;
}

static int give_take_strict(void *context, uint64_t n)
{
	const struct dma *dma = context;

	return turns(dma->domain, dma->buf, n);
}

static int give_take_fast(void *context, uint64_t n)
{
	const struct dma *dma = context;

	return turns(dma->domain, dma->kept, n);
}

static int bare_ioctls(const struct dma *dma, uint64_t n)
{
	int r = 0;

	for (; n && r == 0; n = bench_next(n)) {
		struct vfio_iommu_type1_dma_map map = {
			.argsz = sizeof(map),
			.flags = VFIO_DMA_MAP_FLAG_READ | VFIO_DMA_MAP_FLAG_WRITE,
			.vaddr = (uintptr_t)dma->memory,
			.iova = BARE_IOVA,
			.size = PAGE,
		};
		struct vfio_iommu_type1_dma_unmap unmap = { .argsz = sizeof(unmap),
							    .iova = BARE_IOVA,
							    .size = PAGE };

		r = ioctl(dma->container, VFIO_IOMMU_MAP_DMA, &map);
		r = r < 0 ? r : ioctl(dma->container, VFIO_IOMMU_UNMAP_DMA, &unmap);
	}
	return r < 0 ? -errno : 0;
}

static int map_unmap_bare(void *context, uint64_t n)
{
	const struct dma *dma = context;
	const struct hws_shim *shim = &dma->hw->shim;
	const struct hws_hold *hold = &dma->domain->hold;
	int r = 0;

	if (hw_real)
		return bare_ioctls(dma, n);
	for (; n && r == 0; n = bench_next(n)) {
		r = shim_ops(shim)->dma_map(shim->self, hold, BARE_IOVA, dma->memory, PAGE, HWS_RW);
		r = r < 0 ? r : shim_ops(shim)->dma_unmap(shim->self, hold, BARE_IOVA, PAGE);
	}
	return r;
}

/* Nothing was stopped: what a driver hears that asks now and then. */
static int stopped(void *context, uint64_t n)
{
	const struct dma *dma = context;
	struct hws_dma_stop stop;
	int r = -ENOENT;

	for (; n && r == -ENOENT; n = bench_next(n))
		r = hws_dma_stopped(dma->domain, &stop);
	return r == -ENOENT ? 0 : -EIO;
}

static int stopped_bare(void *context, uint64_t n)
{
	const struct dma *dma = context;
	const struct hws_shim *shim = &dma->hw->shim;
	struct hws_dma_fault fault;
	int r = -ENOENT;

	for (; n && r == -ENOENT; n = bench_next(n))
		r = shim_ops(shim)->dma_fault(shim->self, &dma->domain->hold, &fault);
	return r == -ENOENT ? 0 : -EIO;
}

#define ROW(row, does, ours_does)                                                        \
	.name = row, .baseline = "bare map, bare unmap (sim; in the lab VFIO's ioctls)", \
	.what = does, .setup = setup, .teardown = teardown, .ours = ours_does,           \
	.base = map_unmap_bare, .ours_ops = 2

const struct bench_case hw_dma_cases[] = {
	{ ROW("dma-map", "a buffer mapped and unmapped", map_unmap),
	  .limits = { { BENCH_EXTRA_INSTRUCTIONS, 400 } } },
	{ ROW("dma-give-take-strict", "to the device and back, mapped only meanwhile",
	      give_take_strict),
	  .limits = { { BENCH_EXTRA_INSTRUCTIONS, 400 } } },
	{ ROW("dma-give-take-fast", "to the device and back, mapped throughout", give_take_fast),
	  .limits = { { BENCH_EXTRA_INSTRUCTIONS, 400 } } },
	{ .name = "dma-stop",
	  .baseline = "the back end's answer",
	  .what = "asked for transfers that were stopped: none",
	  .setup = setup,
	  .teardown = teardown,
	  .ours = stopped,
	  .base = stopped_bare },
	{ 0 },
};
