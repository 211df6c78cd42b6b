/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The simulated machine as a back end. Every access, of whatever kind, is one
 * struct sim_access that sim_perform() carries out, counts and shows to the log.
 */
#include <errno.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

#include "shim/sim-hold-internal.h"
#include "shim/sim.h"
#include "shim/why-internal.h"

/* A window's cookie says what it opened: the function, the BAR, the rights. */
static uint64_t cookie(struct hws_bdf bdf, uint32_t bar, enum hws_rights rights)
{
	return sim_bdf_order(bdf) << 8 | bar << 4 | rights;
}

static struct hws_bdf cookie_bdf(uint64_t of)
{
	return sim_bdf_from_order(of >> 8);
}

static uint32_t cookie_bar(uint64_t of)
{
	return of >> 4 & 15;
}

static int check_width(const struct sim_access *access, uint32_t widest)
{
	uint32_t width = access->width;

	if (width == 0 || width > widest || (width & (width - 1)) != 0)
		return why(-EINVAL, "an access of %u bytes: 1, 2, 4%s can be done", width,
			   widest == 8 ? " and 8" : "");
	if (access->offset % width != 0)
		return why(-EINVAL, "0x%llx is not aligned to %u bytes",
			   (unsigned long long)access->offset, width);
	return 0;
}

static int check_window(const struct hws_window *window, struct sim_access *access, uint64_t begin)
{
	enum hws_rights needed = access->write ? HWS_W : HWS_R;

	if (!hws_range_ok(begin, access->width, window->size)) {
		access->outside = true;
		return why(-ERANGE, "the access ends outside the window of %llu",
			   (unsigned long long)window->size);
	}
	if (!(window->cookie & needed))
		return why(-EPERM, "the window was not opened for %s",
			   access->write ? "writing" : "reading");
	return 0;
}

static void keep_first(const char *message, void *context)
{
	char *first = context;

	if (!*first)
		snprintf(first, 200, "%s", message);
}

static int sim_open(const struct hws_shim_options *options, void **ret_self)
{
	const char *text = options && options->sim ? options->sim : hws_sim_default();
	const char *name = options && options->sim_name ? options->sim_name : "sim";
	char first[200] = "";
	struct sim *sim;
	int r = sim_parse(text, name, keep_first, first, &sim);

	if (r < 0)
		return why(r, "no memory for the simulated machine");
	if (r > 1)
		return why(-EINVAL, "%s (and %d more)", first, r - 1);
	if (r > 0)
		return why(-EINVAL, "%s", first);
	r = sim_furnish(sim);
	if (r < 0) {
		sim_free(sim);
		return why(r, "no memory for the simulated machine");
	}
	*ret_self = sim;
	return 0;
}

static void sim_close(void *self)
{
	sim_free(self);
}

static int sim_identify(void *self, struct hws_cpu *ret_cpu)
{
	*ret_cpu = ((struct sim *)self)->cpu;
	return 0;
}

static int sim_cpuid(void *self, uint32_t leaf, uint32_t subleaf, uint32_t ret_regs[4])
{
	static const uint32_t nothing[4]; /* what a processor gives for a leaf that it hasn't */
	const struct sim_leaf *found = sim_leaf_find(self, leaf, subleaf);
	struct sim_access access = {
		.kind = SIM_CPUID, .width = 4, .offset = leaf, .value = subleaf
	};

	memcpy(ret_regs, found ? found->registers : nothing, sizeof(nothing));
	return sim_perform(self, &access, 0);
}

static void count_window(struct sim *sim, bool opened)
{
	pthread_mutex_lock(&sim->lock);
	sim->stats.windows += opened ? 1 : UINT64_MAX;
	pthread_mutex_unlock(&sim->lock);
}

static void close_window(void *self, struct hws_window *window)
{
	count_window(self, false);
	*window = (struct hws_window) { 0 };
}

static int sim_port_open(void *self, uint16_t first, uint32_t ports, enum hws_rights rights,
			 struct hws_window *ret_ports)
{
	if (ports == 0 || !hws_range_ok(first, ports, 0x10000))
		return why(-ERANGE, "there are no %u ports from 0x%x on", ports, first);
	*ret_ports = (struct hws_window) {
		.first = first,
		.size = ports,
		.cookie = cookie((struct hws_bdf) { 0 }, 0, rights),
		.way = "sim",
	};
	count_window(self, true);
	return 0;
}

static int port_perform(struct sim *sim, const struct hws_window *ports, struct sim_access *access)
{
	int r = check_width(access, 4);

	return sim_perform(sim, access,
			   r < 0 ? r : check_window(ports, access, access->offset - ports->first));
}

static int sim_port_read(void *self, const struct hws_window *ports, uint16_t port, uint32_t width,
			 uint32_t *ret_value)
{
	struct sim_access access = { .kind = SIM_PORT, .width = width, .offset = port };
	int r = port_perform(self, ports, &access);

	*ret_value = (uint32_t)access.value;
	return r;
}

static int sim_port_write(void *self, const struct hws_window *ports, uint16_t port, uint32_t width,
			  uint32_t value)
{
	struct sim_access access = {
		.kind = SIM_PORT, .write = true, .width = width, .offset = port, .value = value
	};

	return port_perform(self, ports, &access);
}

static int sim_msr_read(void *self, uint32_t cpu, uint32_t reg, uint64_t *ret_value)
{
	struct sim_access access = { .kind = SIM_MSR, .width = 8, .cpu = cpu, .offset = reg };
	int r = sim_perform(self, &access, 0);

	*ret_value = access.value;
	return r;
}

static int sim_msr_write(void *self, uint32_t cpu, uint32_t reg, uint64_t value)
{
	struct sim_access access = { .kind = SIM_MSR,
				     .write = true,
				     .width = 8,
				     .cpu = cpu,
				     .offset = reg,
				     .value = value };

	return sim_perform(self, &access, 0);
}

static int sim_pci_next(void *self, const struct hws_bdf *after, struct hws_bdf *ret_bdf)
{
	struct sim *sim = self;
	const struct sim_function *function;

	pthread_mutex_lock(&sim->lock);
	function = sim->functions;
	while (function &&
	       (function->gone || (after && sim_bdf_order(function->bdf) <= sim_bdf_order(*after))))
		function = function->next;
	pthread_mutex_unlock(&sim->lock);
	if (!function)
		return -ENOENT;
	*ret_bdf = function->bdf;
	return 0;
}

static int sim_pci_read(void *self, struct hws_bdf bdf, uint32_t offset, uint32_t width,
			uint32_t *ret_value)
{
	struct sim_access access = {
		.kind = SIM_PCI, .width = width, .bdf = bdf, .offset = offset
	};
	int r = sim_perform(self, &access, check_width(&access, 4));

	*ret_value = (uint32_t)access.value;
	return r;
}

static int sim_pci_write(void *self, struct hws_bdf bdf, uint32_t offset, uint32_t width,
			 uint32_t value)
{
	struct sim_access access = { .kind = SIM_PCI,
				     .write = true,
				     .width = width,
				     .bdf = bdf,
				     .offset = offset,
				     .value = value };

	return sim_perform(self, &access, check_width(&access, 4));
}

/* The BAR of a function that is still there. */
static int find_bar(struct sim *sim, struct hws_bdf bdf, uint32_t bar,
		    const struct sim_space **ret_space)
{
	const struct sim_function *function = sim_function_find(sim, bdf);
	char text[HWS_BDF_TEXT];
	bool present;

	pthread_mutex_lock(&sim->lock);
	present = function && !function->gone;
	pthread_mutex_unlock(&sim->lock);
	hws_bdf_format(bdf, text);
	if (bar >= SIM_BARS)
		return why(-EINVAL, "BAR %u: a function has BARs 0 to 5", bar);
	if (!present || !function->bars[bar])
		return why(-ENODEV, "%s has no BAR %u, or there is no such PCI function", text,
			   bar);
	if (function->bars[bar]->kind == SIM_SPACE_IO)
		return why(-EINVAL, "BAR %u of %s: a BAR of I/O ports is opened as ports", bar,
			   text);
	*ret_space = function->bars[bar];
	return 0;
}

static int sim_bar_map(void *self, struct hws_bdf bdf, uint32_t bar, uint64_t offset, uint64_t size,
		       enum hws_rights rights, struct hws_window *ret_window)
{
	const struct sim_space *space = NULL;
	int r = find_bar(self, bdf, bar, &space);

	if (r < 0)
		return r;
	if (offset >= space->size || !hws_range_ok(offset, size, space->size))
		return why(-ERANGE, "the BAR has 0x%llx bytes; 0x%llx at 0x%llx are not inside",
			   (unsigned long long)space->size, (unsigned long long)size,
			   (unsigned long long)offset);
	*ret_window = (struct hws_window) {
		.first = offset,
		.size = size ? size : space->size - offset,
		.cookie = cookie(bdf, bar, rights),
		.way = "sim",
	};
	count_window(self, true);
	return 0;
}

static int mmio_perform(struct sim *sim, const struct hws_window *window, uint64_t offset,
			struct sim_access *access)
{
	int r;

	access->kind = SIM_MMIO;
	access->bdf = cookie_bdf(window->cookie);
	access->bar = cookie_bar(window->cookie);
	access->offset = window->first + offset;
	r = check_width(access, 8);
	return sim_perform(sim, access, r < 0 ? r : check_window(window, access, offset));
}

static int sim_mmio_read(void *self, const struct hws_window *window, uint64_t offset,
			 uint32_t width, uint64_t *ret_value)
{
	struct sim_access access = { .width = width };
	int r = mmio_perform(self, window, offset, &access);

	*ret_value = access.value;
	return r;
}

static int sim_mmio_write(void *self, const struct hws_window *window, uint64_t offset,
			  uint32_t width, uint64_t value)
{
	struct sim_access access = { .write = true, .width = width, .value = value };

	return mmio_perform(self, window, offset, &access);
}

static void sim_barrier(void *self, enum hws_barrier kind)
{
	(void)self, (void)kind;
	/* sequentially consistent, whatever was asked: the strongest is never wrong */
	atomic_thread_fence(memory_order_seq_cst);
}

static uint64_t sim_timestamp(void *self)
{
	struct sim *sim = self;
	uint64_t now;

	pthread_mutex_lock(&sim->lock);
	now = ++sim->ticks; /* accesses and questions: the same in every run */
	pthread_mutex_unlock(&sim->lock);
	return now;
}

void sim_set_dma(void *self, sim_dma_read_fn *read, sim_dma_write_fn *write, void *context)
{
	struct sim *sim = self;

	pthread_mutex_lock(&sim->lock);
	sim->dma_read = read;
	sim->dma_write = write;
	sim->dma_context = context;
	pthread_mutex_unlock(&sim->lock);
}

void sim_set_log(void *self, void (*log)(const struct sim_access *access, void *context),
		 void *context)
{
	struct sim *sim = self;

	pthread_mutex_lock(&sim->lock);
	sim->log = log;
	sim->log_context = context;
	pthread_mutex_unlock(&sim->lock);
}

void sim_get_stats(void *self, struct sim_stats *ret_stats)
{
	struct sim *sim = self;

	pthread_mutex_lock(&sim->lock);
	*ret_stats = sim->stats;
	pthread_mutex_unlock(&sim->lock);
}

const struct hws_shim_ops sim_ops = {
	.struct_size = sizeof(struct hws_shim_ops),
	.abi = HWS_SHIM_ABI,
	.flags = HWS_SHIM_THREAD_SAFE,
	.name = "sim",
	.open = sim_open,
	.close = sim_close,
	.identify = sim_identify,
	.cpuid = sim_cpuid,
	.port_open = sim_port_open,
	.port_close = close_window,
	.port_read = sim_port_read,
	.port_write = sim_port_write,
	.msr_read = sim_msr_read,
	.msr_write = sim_msr_write,
	.pci_next = sim_pci_next,
	.pci_read = sim_pci_read,
	.pci_write = sim_pci_write,
	.bar_map = sim_bar_map,
	.bar_unmap = close_window,
	.mmio_read = sim_mmio_read,
	.mmio_write = sim_mmio_write,
	.hold_open = sim_hold_open,
	.hold_close = sim_hold_close,
	.hold_reset = sim_hold_reset,
	.dma_map = sim_dma_map,
	.dma_unmap = sim_dma_unmap,
	.dma_fault = sim_dma_fault,
	.irq_bind = sim_irq_bind,
	.irq_unmask = sim_irq_unmask,
	.barrier = sim_barrier,
	.timestamp = sim_timestamp,
	.pci_info = sim_pci_info,
	.ports_claimed = sim_ports_claimed,
	.pci_claimed = sim_pci_claimed,
	.msr_batch = sim_msr_batch,
	.topology = sim_topology,
};
