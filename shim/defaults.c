/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The safe default of every operation: a read gives all-ones, a write does
 * nothing, both say -EOPNOTSUPP. They stand in for what a back end lacks, and
 * they are all that the generic back end has.
 */
#include "shim/shim-internal.h"
#include "shim/why-internal.h"

static int none(const char *what)
{
	return why(-EOPNOTSUPP, "this back end has no %s", what);
}

static int default_open(const struct hws_shim_options *options, void **ret_self)
{
	(void)options;
	*ret_self = NULL;
	return none("machine behind it");
}

static void default_close(void *self)
{
	(void)self;
}

static int default_identify(void *self, struct hws_cpu *ret_cpu)
{
	(void)self;
	*ret_cpu = (struct hws_cpu) { .arch = HWS_ARCH_UNKNOWN };
	return none("way to name the processor");
}

static int default_cpuid(void *self, uint32_t leaf, uint32_t subleaf, uint32_t ret_regs[4])
{
	(void)self, (void)leaf, (void)subleaf;
	memset(ret_regs, 0xff, 4 * sizeof(*ret_regs));
	return none("CPUID");
}

static int default_port_open(void *self, uint16_t first, uint32_t count, enum hws_rights rights,
			     struct hws_window *ret_ports)
{
	(void)self, (void)first, (void)count, (void)rights;
	*ret_ports = (struct hws_window) { 0 };
	return none("I/O ports");
}

static void default_window_close(void *self, struct hws_window *window)
{
	(void)self;
	*window = (struct hws_window) { 0 };
}

static int default_port_read(void *self, const struct hws_window *ports, uint16_t port,
			     uint32_t width, uint32_t *ret_value)
{
	(void)self, (void)ports, (void)port;
	*ret_value = (uint32_t)shim_ones(width);
	return none("I/O ports");
}

static int default_port_write(void *self, const struct hws_window *ports, uint16_t port,
			      uint32_t width, uint32_t value)
{
	(void)self, (void)ports, (void)port, (void)width, (void)value;
	return none("I/O ports");
}

static int default_msr_read(void *self, uint32_t cpu, uint32_t reg, uint64_t *ret_value)
{
	(void)self, (void)cpu, (void)reg;
	*ret_value = UINT64_MAX;
	return none("model-specific registers");
}

static int default_msr_write(void *self, uint32_t cpu, uint32_t reg, uint64_t value)
{
	(void)self, (void)cpu, (void)reg, (void)value;
	return none("model-specific registers");
}

static int default_pci_next(void *self, const struct hws_bdf *after, struct hws_bdf *ret_bdf)
{
	(void)self, (void)after;
	*ret_bdf = (struct hws_bdf) { 0 };
	return none("PCI");
}

static int default_pci_read(void *self, struct hws_bdf bdf, uint32_t offset, uint32_t width,
			    uint32_t *ret_value)
{
	(void)self, (void)bdf, (void)offset;
	*ret_value = (uint32_t)shim_ones(width);
	return none("PCI");
}

static int default_pci_write(void *self, struct hws_bdf bdf, uint32_t offset, uint32_t width,
			     uint32_t value)
{
	(void)self, (void)bdf, (void)offset, (void)width, (void)value;
	return none("PCI");
}

static int default_bar_map(void *self, struct hws_bdf bdf, uint32_t bar, uint64_t offset,
			   uint64_t size, enum hws_rights rights, struct hws_window *ret_window)
{
	(void)self, (void)bdf, (void)bar, (void)offset, (void)size, (void)rights;
	*ret_window = (struct hws_window) { 0 };
	return none("device memory");
}

static int default_mmio_read(void *self, const struct hws_window *window, uint64_t offset,
			     uint32_t width, uint64_t *ret_value)
{
	(void)self, (void)window, (void)offset;
	*ret_value = shim_ones(width);
	return none("device memory");
}

static int default_mmio_write(void *self, const struct hws_window *window, uint64_t offset,
			      uint32_t width, uint64_t value)
{
	(void)self, (void)window, (void)offset, (void)width, (void)value;
	return none("device memory");
}

static int default_hold_open(void *self, struct hws_bdf bdf, struct hws_hold *ret_hold)
{
	(void)self, (void)bdf;
	*ret_hold = (struct hws_hold) { 0 };
	return none("DMA");
}

static void default_hold_close(void *self, struct hws_hold *hold)
{
	(void)self;
	*hold = (struct hws_hold) { 0 };
}

static int default_hold_reset(void *self, const struct hws_hold *hold)
{
	(void)self, (void)hold;
	return none("way to reset a device");
}

static int default_dma_map(void *self, const struct hws_hold *hold, uint64_t address, void *memory,
			   uint64_t size, enum hws_rights device)
{
	(void)self, (void)hold, (void)address, (void)memory, (void)size, (void)device;
	return none("DMA");
}

static int default_dma_unmap(void *self, const struct hws_hold *hold, uint64_t address,
			     uint64_t size)
{
	(void)self, (void)hold, (void)address, (void)size;
	return none("DMA");
}

static int default_dma_fault(void *self, const struct hws_hold *hold,
			     struct hws_dma_fault *ret_fault)
{
	(void)self, (void)hold;
	*ret_fault = (struct hws_dma_fault) { 0 };
	return none("report of stopped transfers");
}

static int default_irq_bind(void *self, const struct hws_hold *hold, enum hws_irq_mode mode,
			    const int32_t *eventfds, uint32_t count)
{
	(void)self, (void)hold, (void)mode, (void)eventfds, (void)count;
	return none("interrupts");
}

static int default_irq_unmask(void *self, const struct hws_hold *hold, enum hws_irq_mode mode)
{
	(void)self, (void)hold, (void)mode;
	return none("interrupts");
}

static void default_barrier(void *self, enum hws_barrier kind)
{
	(void)self, (void)kind;
	/* seq_cst: the strongest order that the language has, whatever @kind asks */
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
}

static uint64_t default_timestamp(void *self)
{
	(void)self;
	return 0;
}

static int default_pci_info(void *self, struct hws_bdf bdf, struct hws_pci_info *ret_info)
{
	(void)self, (void)bdf, (void)ret_info;
	return none("list of what PCI functions are");
}

/* Who knows of no kernel knows of nobody who uses it. */
static int default_ports_claimed(void *self, uint16_t first, uint32_t count)
{
	(void)self, (void)first, (void)count;
	return 0;
}

static int default_pci_claimed(void *self, struct hws_bdf bdf, uint32_t bar)
{
	(void)self, (void)bdf, (void)bar;
	return 0;
}

static int default_msr_batch(void *self, struct hws_msr_op *ops, size_t count)
{
	(void)self, (void)ops, (void)count;
	return none("batches of registers");
}

static int default_topology(void *self, struct hws_topology *ret_topology)
{
	(void)self, (void)ret_topology;
	return none("list of processors");
}

static int default_batch(void *self, struct hws_shim_step *steps, uint32_t count, bool go_on)
{
	(void)self, (void)steps, (void)count, (void)go_on;
	return none("way to do many accesses at once");
}

/* It is gone with the process: what that wrote is the journal's to undo. */
static int default_txn(void *self, bool begin)
{
	(void)self, (void)begin;
	return 0;
}

static int default_bar_fd(void *self, struct hws_bdf bdf, uint32_t bar, enum hws_rights rights,
			  uint64_t *ret_size)
{
	(void)self, (void)bdf, (void)bar, (void)rights, (void)ret_size;
	return none("descriptors of BARs");
}

static int default_hold_fds(void *self, const struct hws_hold *hold, int32_t ret_fds[HWS_HOLD_FDS])
{
	(void)self, (void)hold, (void)ret_fds;
	return none("descriptors of functions");
}

static int default_hold_adopt(void *self, struct hws_bdf bdf, const int32_t fds[HWS_HOLD_FDS],
			      const struct hws_hold_limits *limits, struct hws_hold *ret_hold)
{
	(void)self, (void)bdf, (void)fds, (void)limits, (void)ret_hold;
	return none("use for descriptors of functions");
}

const struct hws_shim_ops shim_defaults = {
	.struct_size = sizeof(shim_defaults),
	.abi = HWS_SHIM_ABI,
	.flags = HWS_SHIM_THREAD_SAFE,
	.name = "none",
	.open = default_open,
	.close = default_close,
	.identify = default_identify,
	.cpuid = default_cpuid,
	.port_open = default_port_open,
	.port_close = default_window_close,
	.port_read = default_port_read,
	.port_write = default_port_write,
	.msr_read = default_msr_read,
	.msr_write = default_msr_write,
	.pci_next = default_pci_next,
	.pci_read = default_pci_read,
	.pci_write = default_pci_write,
	.bar_map = default_bar_map,
	.bar_unmap = default_window_close,
	.mmio_read = default_mmio_read,
	.mmio_write = default_mmio_write,
	.hold_open = default_hold_open,
	.hold_close = default_hold_close,
	.hold_reset = default_hold_reset,
	.dma_map = default_dma_map,
	.dma_unmap = default_dma_unmap,
	.dma_fault = default_dma_fault,
	.irq_bind = default_irq_bind,
	.irq_unmask = default_irq_unmask,
	.barrier = default_barrier,
	.timestamp = default_timestamp,
	.pci_info = default_pci_info,
	.ports_claimed = default_ports_claimed,
	.pci_claimed = default_pci_claimed,
	.msr_batch = default_msr_batch,
	.topology = default_topology,
	.batch = default_batch,
	.txn = default_txn,
	.bar_fd = default_bar_fd,
	.hold_fds = default_hold_fds,
	.hold_adopt = default_hold_adopt,
};

/* An architecture that we don't know: it opens, and does nothing. */
static int generic_open(const struct hws_shim_options *options, void **ret_self)
{
	static const char nothing;

	(void)options;
	*ret_self = (void *)(uintptr_t)&nothing;
	return 0;
}

const struct hws_shim_ops generic_ops = {
	.struct_size = sizeof(generic_ops),
	.abi = HWS_SHIM_ABI,
	.flags = HWS_SHIM_THREAD_SAFE,
	.name = "generic",
	.open = generic_open,
	.close = default_close,
};
