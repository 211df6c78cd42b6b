/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Back ends that plug-ins bring. The library knows one, this one: its table lies in a slot as any
 * other's does, and each entry asks the plug-in, between entering and leaving it, and believes the
 * answer only if it can be.
 */
#include <errno.h>
#include <string.h>
#include <sys/mman.h>

#include "shim/fault-internal.h"
#include "shim/plugin-backend-internal.h"
#include "shim/shim-internal.h"
#include "shim/sys-internal.h"
#include "shim/why-internal.h"

int backend_left(const struct plugin_backend *backend, const char *entry, unsigned int said,
		 int status)
{
	int r = plugin_leave(backend->plugin, entry, NULL);

	r = r < 0 ? r : believe_status(backend, entry, status);
	if (r < 0 || status == 0)
		return r;
	/* its own words, if it had any */
	return why_times() != said ? status
				   : why(status, "plug-in %s: %s: %s", backend->plugin->name, entry,
					 strerror(-status));
}

static int open_theirs(struct plugin_backend *backend, const struct hws_shim_options *options)
{
	struct hws_plugin *plugin = backend->plugin;
	struct hws_shim_options theirs = {
		.size = sizeof(theirs),
		.sysroot = options->sysroot,
		.sim = options->sim,
		.sim_name = options->sim_name,
	};
	const unsigned int said = why_times();
	int r = plugin_enter(plugin, "open");

	if (r < 0)
		return r;
	r = backend_left(backend, "open", said, backend->ops.open(&theirs, &backend->self));
	if (r == 0 && !backend->self)
		r = plugin_quarantine(plugin, "open said yes and gave nothing");
	return r;
}

/* From here on no stray write leads an access elsewhere. */
static int lock(struct plugin_backend *backend)
{
	int r = sys_mprotect(backend, sizeof(*backend), PROT_READ);

	if (r == 0)
		return 0;
	TELL(backend, close);
	return why(r, "a back end's memory can't be made read-only: %s", strerror(-r));
}

static int backend_open(const struct hws_shim_options *options, void **ret_self)
{
	struct hws_plugin *plugin = options->plugin;
	struct plugin_backend *backend;
	void *page;
	int r;

	if (!plugin || !plugin->face.ops.struct_size)
		return plugin ? plugin_lacks(plugin, "back end")
			      : why(-EINVAL, "no plug-in was named that brings the back end");
	r = sys_mmap(NULL, sizeof(*backend), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS,
		     -1, 0, &page);
	if (r < 0)
		return why(r, "no memory for a back end");
	backend = page;
	backend->plugin = plugin;
	backend->ops = plugin->face.ops;
	plugin_take_words("the back end's name", plugin->face.ops.name, backend->name,
			  sizeof(backend->name));
	shim_complete(&backend->ops);
	if (!(plugin->face.ops.flags & HWS_SHIM_THREAD_SAFE))
		plugin->serial = true;
	r = open_theirs(backend, options);
	r = r < 0 ? r : lock(backend);
	if (r < 0)
		sys_munmap(page, sizeof(*backend));
	else
		*ret_self = backend;
	return r;
}

static void backend_close(void *self)
{
	TELL(self, close);
	sys_munmap(self, sizeof(struct plugin_backend));
}

static int backend_identify(void *self, struct hws_cpu *ret_cpu)
{
	struct hws_cpu cpu = { 0 };
	int r = ASK(self, identify, &cpu);

	r = r < 0 ? r : believe_cpu(self, &cpu);
	*ret_cpu = r < 0 ? (struct hws_cpu) { 0 } : cpu;
	return r;
}

static int backend_cpuid(void *self, uint32_t leaf, uint32_t subleaf, uint32_t ret_regs[4])
{
	int r = ASK(self, cpuid, leaf, subleaf, ret_regs);

	if (r < 0)
		memset(ret_regs, 0xff, 4 * sizeof(*ret_regs));
	return r;
}

static int backend_port_open(void *self, uint16_t first, uint32_t count, enum hws_rights rights,
			     struct hws_window *ret_ports)
{
	struct hws_window ports = { 0 };
	int r = ASK(self, port_open, first, count, rights, &ports);

	r = r < 0 ? r : believe_window(self, "port_open", first, count, &ports);
	if (r == 0 && ports.direct)
		r = plugin_quarantine(((struct plugin_backend *)self)->plugin,
				      "port_open gave ports at an address");
	*ret_ports = r < 0 ? (struct hws_window) { 0 } : ports;
	return r;
}

static void backend_port_close(void *self, struct hws_window *ports)
{
	TELL(self, port_close, ports);
	*ports = (struct hws_window) { 0 };
}

/* What a read gave, or all-ones. */
static int give32(void *self, const char *entry, int r, uint32_t width, uint32_t value,
		  uint32_t *ret_value)
{
	r = r < 0 ? r : believe_value(self, entry, value, width);
	*ret_value = r < 0 ? (uint32_t)shim_ones(width) : value;
	return r;
}

static int backend_port_read(void *self, const struct hws_window *ports, uint16_t port,
			     uint32_t width, uint32_t *ret_value)
{
	uint32_t value = (uint32_t)shim_ones(width);
	int r = ASK(self, port_read, ports, port, width, &value);

	return give32(self, "port_read", r, width, value, ret_value);
}

static int backend_port_write(void *self, const struct hws_window *ports, uint16_t port,
			      uint32_t width, uint32_t value)
{
	return ASK(self, port_write, ports, port, width, value);
}

static int backend_msr_read(void *self, uint32_t cpu, uint32_t reg, uint64_t *ret_value)
{
	uint64_t value = UINT64_MAX;
	int r = ASK(self, msr_read, cpu, reg, &value);

	*ret_value = r < 0 ? UINT64_MAX : value;
	return r;
}

static int backend_msr_write(void *self, uint32_t cpu, uint32_t reg, uint64_t value)
{
	return ASK(self, msr_write, cpu, reg, value);
}

static int backend_pci_next(void *self, const struct hws_bdf *after, struct hws_bdf *ret_bdf)
{
	struct hws_bdf next = { 0 };
	int r = ASK(self, pci_next, after, &next);

	r = r < 0 ? r : believe_next(self, after, &next);
	if (r == 0)
		*ret_bdf = next;
	return r;
}

static int backend_pci_read(void *self, struct hws_bdf bdf, uint32_t offset, uint32_t width,
			    uint32_t *ret_value)
{
	uint32_t value = (uint32_t)shim_ones(width);
	int r = ASK(self, pci_read, bdf, offset, width, &value);

	return give32(self, "pci_read", r, width, value, ret_value);
}

static int backend_pci_write(void *self, struct hws_bdf bdf, uint32_t offset, uint32_t width,
			     uint32_t value)
{
	return ASK(self, pci_write, bdf, offset, width, value);
}

static int backend_bar_map(void *self, struct hws_bdf bdf, uint32_t bar, uint64_t offset,
			   uint64_t size, enum hws_rights rights, struct hws_window *ret_window)
{
	struct hws_window window = { 0 };
	int r = ASK(self, bar_map, bdf, bar, offset, size, rights, &window);

	r = r < 0 ? r : believe_window(self, "bar_map", offset, size, &window);
	/* a load from where it says there is something must not end the program */
	if (r == 0 && window.direct) {
		r = fault_arm();
		if (r < 0)
			TELL(self, bar_unmap, &window);
	}
	*ret_window = r < 0 ? (struct hws_window) { 0 } : window;
	return r;
}

static void backend_bar_unmap(void *self, struct hws_window *window)
{
	TELL(self, bar_unmap, window);
	*window = (struct hws_window) { 0 };
}

static int backend_mmio_read(void *self, const struct hws_window *window, uint64_t offset,
			     uint32_t width, uint64_t *ret_value)
{
	uint64_t value = shim_ones(width);
	int r = ASK(self, mmio_read, window, offset, width, &value);

	r = r < 0 ? r : believe_value(self, "mmio_read", value, width);
	*ret_value = r < 0 ? shim_ones(width) : value;
	return r;
}

static int backend_mmio_write(void *self, const struct hws_window *window, uint64_t offset,
			      uint32_t width, uint64_t value)
{
	return ASK(self, mmio_write, window, offset, width, value);
}

static int backend_hold_open(void *self, struct hws_bdf bdf, struct hws_hold *ret_hold)
{
	struct hws_hold hold = { 0 };
	int r = ASK(self, hold_open, bdf, &hold);

	r = r < 0 ? r : believe_hold(self, bdf, &hold);
	*ret_hold = r < 0 ? (struct hws_hold) { 0 } : hold;
	return r;
}

static void backend_hold_close(void *self, struct hws_hold *hold)
{
	TELL(self, hold_close, hold);
	*hold = (struct hws_hold) { 0 };
}

static int backend_hold_reset(void *self, const struct hws_hold *hold)
{
	return ASK(self, hold_reset, hold);
}

static int backend_dma_map(void *self, const struct hws_hold *hold, uint64_t address, void *memory,
			   uint64_t size, enum hws_rights device)
{
	return ASK(self, dma_map, hold, address, memory, size, device);
}

static int backend_dma_unmap(void *self, const struct hws_hold *hold, uint64_t address,
			     uint64_t size)
{
	return ASK(self, dma_unmap, hold, address, size);
}

static int backend_dma_fault(void *self, const struct hws_hold *hold,
			     struct hws_dma_fault *ret_fault)
{
	return ASK(self, dma_fault, hold, ret_fault);
}

static int backend_irq_bind(void *self, const struct hws_hold *hold, enum hws_irq_mode mode,
			    const int32_t *eventfds, uint32_t count)
{
	return ASK(self, irq_bind, hold, mode, eventfds, count);
}

static int backend_irq_unmask(void *self, const struct hws_hold *hold, enum hws_irq_mode mode)
{
	return ASK(self, irq_unmask, hold, mode);
}

static void backend_barrier(void *self, enum hws_barrier kind)
{
	shim_defaults.barrier(self, kind);
	TELL(self, barrier, kind);
}

static uint64_t backend_timestamp(void *self)
{
	const struct plugin_backend *backend = self;
	uint64_t now = 0;

	if (plugin_enter(backend->plugin, "timestamp") == 0) {
		now = backend->ops.timestamp(backend->self);
		if (plugin_leave(backend->plugin, "timestamp", NULL) < 0)
			now = 0;
	}
	return now;
}

static int backend_pci_info(void *self, struct hws_bdf bdf, struct hws_pci_info *ret_info)
{
	struct hws_pci_info info = { .size = sizeof(info) };
	int r = ASK(self, pci_info, bdf, &info);

	r = r < 0 ? r : believe_info(self, &info);
	info.size = ret_info->size;
	if (r == 0)
		*ret_info = info;
	return r;
}

static int backend_ports_claimed(void *self, uint16_t first, uint32_t count)
{
	return ASK(self, ports_claimed, first, count);
}

static int backend_pci_claimed(void *self, struct hws_bdf bdf, uint32_t bar)
{
	return ASK(self, pci_claimed, bdf, bar);
}

static int backend_topology(void *self, struct hws_topology *ret_topology)
{
	struct hws_topology topology = { 0 };
	int r = ASK(self, topology, &topology);

	if (r == 0)
		*ret_topology = topology;
	return r;
}

static int backend_txn(void *self, bool begin)
{
	return ASK(self, txn, begin);
}

/*
 * Not bar_fd() and hold_fds(): only the helper asks for descriptors, and it loads no plug-ins. Not
 * batch(): who has it is taken to be far away, and whether a plug-in has it is known too late for
 * a slot.
 */
const struct hws_shim_ops plugin_ops = {
	.struct_size = sizeof(plugin_ops),
	.abi = HWS_SHIM_ABI,
	.flags = HWS_SHIM_THREAD_SAFE, /* one at a time, where the plug-in's isn't */
	.name = "plugin",
	.open = backend_open,
	.close = backend_close,
	.identify = backend_identify,
	.cpuid = backend_cpuid,
	.port_open = backend_port_open,
	.port_close = backend_port_close,
	.port_read = backend_port_read,
	.port_write = backend_port_write,
	.msr_read = backend_msr_read,
	.msr_write = backend_msr_write,
	.pci_next = backend_pci_next,
	.pci_read = backend_pci_read,
	.pci_write = backend_pci_write,
	.bar_map = backend_bar_map,
	.bar_unmap = backend_bar_unmap,
	.mmio_read = backend_mmio_read,
	.mmio_write = backend_mmio_write,
	.hold_open = backend_hold_open,
	.hold_close = backend_hold_close,
	.hold_reset = backend_hold_reset,
	.dma_map = backend_dma_map,
	.dma_unmap = backend_dma_unmap,
	.dma_fault = backend_dma_fault,
	.irq_bind = backend_irq_bind,
	.irq_unmask = backend_irq_unmask,
	.barrier = backend_barrier,
	.timestamp = backend_timestamp,
	.pci_info = backend_pci_info,
	.ports_claimed = backend_ports_claimed,
	.pci_claimed = backend_pci_claimed,
	.msr_batch = backend_msr_batch,
	.topology = backend_topology,
	.txn = backend_txn,
};
