/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The back end that asks hwsafe-helper for everything. Only a BAR that policy gives whole is
 * reached without it: its descriptor comes by the socket and is mapped here.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "shim/broker-internal.h"
#include "shim/fault-internal.h"
#include "shim/shim-internal.h"
#include "shim/sys-internal.h"
#include "shim/why-internal.h"

enum { SECONDS = 30 }; /* that an answer may take */

_Static_assert((int)HWS_SHIM_STEPS == HWS_WIRE_STEPS, "a batch is one message");
_Static_assert((int)HWS_SHIM_UPDATE == HWS_WIRE_UPDATE, "the same verbs");

static int broker_open(const struct hws_shim_options *options, void **ret_self)
{
	HWS_CLEANUP_FREE struct broker *broker = malloc(sizeof(*broker));
	int r;

	if (!broker)
		return why(-ENOMEM, "no memory for a connection to the helper");
	r = broker_connect(broker, options->socket ? options->socket : HWS_WIRE_SOCKET, SECONDS);
	if (r == 0)
		*ret_self = HWS_TAKE_PTR(broker);
	return r;
}

static void broker_close(void *self)
{
	broker_disconnect(self);
	free(self);
}

static int broker_identify(void *self, struct hws_cpu *ret_cpu)
{
	struct broker *broker = self;
	const struct hws_wire_cpu *cpu = wire_reply_body(&broker->reply);
	int r;

	*ret_cpu = (struct hws_cpu) { 0 };
	broker_begin(broker, HWS_WIRE_IDENTIFY, 0);
	r = broker_ask(broker, NULL);
	if (r == 0) {
		ret_cpu->arch = (enum hws_arch)cpu->arch;
		ret_cpu->cpus = cpu->cpus;
		ret_cpu->id = cpu->id;
		memcpy(ret_cpu->vendor, cpu->vendor, sizeof(ret_cpu->vendor) - 1);
		memcpy(ret_cpu->model, cpu->model, sizeof(ret_cpu->model) - 1);
	}
	broker_end(broker);
	return r;
}

static void put_step(struct hws_wire_step *to, const struct hws_shim_step *from)
{
	bool device = from->space == HWS_SHIM_PCI || from->space == HWS_SHIM_BAR;

	*to = (struct hws_wire_step) {
		.kind = (uint8_t)from->space,
		.verb = (uint8_t)from->verb,
		.width = (uint8_t)from->width,
		.bar = from->space == HWS_SHIM_BAR ? (uint8_t)from->bar : 0,
		.cpu = from->space == HWS_SHIM_MSR ? from->cpu : 0,
		.at = from->at,
		.value = from->verb == HWS_SHIM_READ ? 0 : from->value,
		.mask = from->verb == HWS_SHIM_UPDATE ? from->mask : 0,
	};
	if (device)
		to->bdf = wire_put_bdf(from->bdf);
}

/* Of a refusal nothing was begun; each step's own status says which it was. */
static void take_ends(const struct broker *broker, struct hws_shim_step *steps, uint32_t count,
		      int r)
{
	const struct hws_wire_end *ends =
		(const void *)(broker->reply.bytes + sizeof(broker->reply.answer));

	for (uint32_t i = 0; i < count; i++) {
		bool told = !*broker->dead && r != -ECHILD;

		steps[i].status = told ? ends[i].status : r;
		steps[i].result = told && ends[i].status == 0 ? ends[i].result
							      : shim_ones(steps[i].width);
	}
}

static int broker_batch(void *self, struct hws_shim_step *steps, uint32_t count, bool go_on)
{
	struct broker *broker = self;
	struct hws_wire_run *run;
	struct hws_wire_step *wire;
	int r;

	if (count == 0 || count > HWS_WIRE_STEPS)
		return why(-EINVAL, "the helper takes 1 to %d steps at once", HWS_WIRE_STEPS);
	run = broker_begin(broker, HWS_WIRE_RUN, count);
	wire = (void *)(run + 1);
	*run = (struct hws_wire_run) { count, go_on ? HWS_WIRE_GO_ON : 0 };
	for (uint32_t i = 0; i < count; i++)
		put_step(&wire[i], &steps[i]);
	r = broker_ask(broker, NULL);
	take_ends(broker, steps, count, r);
	broker_end(broker);
	return r;
}

/* One access. @ret_value: NULL for a write. */
static int one(void *self, struct hws_shim_step step, uint64_t *ret_value)
{
	int r = broker_batch(self, &step, 1, false);

	if (ret_value)
		*ret_value = step.result;
	return r;
}

static int broker_port_open(void *self, uint16_t first, uint32_t count, enum hws_rights rights,
			    struct hws_window *ret_ports)
{
	struct broker *broker = self;
	struct hws_wire_ports *ports = broker_begin(broker, HWS_WIRE_PORTS, 0);
	int r;

	*ports = (struct hws_wire_ports) { first, count, rights, 0 };
	r = broker_ask(broker, NULL);
	broker_end(broker);
	if (r == 0)
		*ret_ports = (struct hws_window) { .first = first, .size = count, .way = "helper" };
	return r;
}

static void broker_port_close(void *self, struct hws_window *ports)
{
	(void)self;
	*ports = (struct hws_window) { 0 };
}

static int broker_port_read(void *self, const struct hws_window *ports, uint16_t port,
			    uint32_t width, uint32_t *ret_value)
{
	uint64_t value;
	int r = one(self,
		    (struct hws_shim_step) { .space = HWS_SHIM_PORT, .width = width, .at = port },
		    &value);

	(void)ports;
	*ret_value = (uint32_t)value;
	return r;
}

static int broker_port_write(void *self, const struct hws_window *ports, uint16_t port,
			     uint32_t width, uint32_t value)
{
	(void)ports;
	return one(self,
		   (struct hws_shim_step) { .space = HWS_SHIM_PORT,
					    .verb = HWS_SHIM_WRITE,
					    .width = width,
					    .at = port,
					    .value = value },
		   NULL);
}

static int broker_msr_read(void *self, uint32_t cpu, uint32_t reg, uint64_t *ret_value)
{
	return one(
		self,
		(struct hws_shim_step) { .space = HWS_SHIM_MSR, .width = 8, .cpu = cpu, .at = reg },
		ret_value);
}

static int broker_msr_write(void *self, uint32_t cpu, uint32_t reg, uint64_t value)
{
	return one(self,
		   (struct hws_shim_step) { .space = HWS_SHIM_MSR,
					    .verb = HWS_SHIM_WRITE,
					    .width = 8,
					    .cpu = cpu,
					    .at = reg,
					    .value = value },
		   NULL);
}

static int broker_pci_next(void *self, const struct hws_bdf *after, struct hws_bdf *ret_bdf)
{
	struct broker *broker = self;
	const struct hws_wire_bdf *bdf = wire_reply_body(&broker->reply);
	struct hws_wire_next *next = broker_begin(broker, HWS_WIRE_NEXT, 0);
	int r;

	if (after)
		next->after = wire_put_bdf(*after);
	next->first = !after;
	r = broker_ask(broker, NULL);
	if (r == 0)
		*ret_bdf = wire_get_bdf(*bdf);
	broker_end(broker);
	return r;
}

static int broker_pci_read(void *self, struct hws_bdf bdf, uint32_t offset, uint32_t width,
			   uint32_t *ret_value)
{
	uint64_t value;
	int r = one(self,
		    (struct hws_shim_step) {
			    .space = HWS_SHIM_PCI, .width = width, .bdf = bdf, .at = offset },
		    &value);

	*ret_value = (uint32_t)value;
	return r;
}

static int broker_pci_write(void *self, struct hws_bdf bdf, uint32_t offset, uint32_t width,
			    uint32_t value)
{
	return one(self,
		   (struct hws_shim_step) { .space = HWS_SHIM_PCI,
					    .verb = HWS_SHIM_WRITE,
					    .width = width,
					    .bdf = bdf,
					    .at = offset,
					    .value = value },
		   NULL);
}

/* A window that is not mapped is known by what its accesses name: the function and its BAR. */
struct far {
	struct hws_bdf bdf;
	uint32_t bar;
};

/*
 * Safety: maps registers of a device; reading or writing them may do anything. Checked here: the
 * file holds the whole window.
 */
static int raw_map(int fd, const struct hws_window *window, enum hws_rights rights,
		   void **ret_address)
{
	uint64_t in_page = window->first & (sys_page_size() - 1);
	int prot = rights & HWS_W ? PROT_READ | PROT_WRITE : PROT_READ;
	struct stat stat;
	int r = sys_fstat(fd, &stat);

	if (r == 0 && !hws_range_ok(window->first, window->size, (uint64_t)stat.st_size))
		r = -ERANGE;
	return r < 0 ? r
		     : sys_mmap(NULL, in_page + window->size, prot, MAP_SHARED, fd,
				window->first - in_page, ret_address);
}

static int map_near(int fd, enum hws_rights rights, struct hws_window *window)
{
	uint64_t in_page = window->first & (sys_page_size() - 1);
	void *address;
	int r = fault_arm();

	/* SAFETY: the helper granted [first, first + size) of this BAR with these rights */
	r = r < 0 ? r : raw_map(fd, window, rights, &address);
	if (r < 0)
		return why(r, "the helper's descriptor of the BAR can't be mapped: %s",
			   strerror(-r));
	window->direct = (char *)address + in_page;
	window->cookie = in_page;
	window->way = "helper: mapped";
	return 0;
}

static int keep_far(struct hws_bdf bdf, uint32_t bar, struct hws_window *window)
{
	struct far *far = malloc(sizeof(*far));

	if (!far)
		return why(-ENOMEM, "no memory for a window");
	*far = (struct far) { bdf, bar };
	window->cookie = (uint64_t)(uintptr_t)far;
	window->way = "helper";
	return 0;
}

static int broker_bar_map(void *self, struct hws_bdf bdf, uint32_t bar, uint64_t offset,
			  uint64_t size, enum hws_rights rights, struct hws_window *ret_window)
{
	struct broker *broker = self;
	const struct hws_wire_window *got = wire_reply_body(&broker->reply);
	struct hws_wire_bar *ask = broker_begin(broker, HWS_WIRE_BAR, 0);
	struct hws_window window = { .first = offset };
	HWS_CLEANUP_FD int fd = -1;
	int r;

	*ask = (struct hws_wire_bar) { wire_put_bdf(bdf), bar, rights, offset, size };
	r = broker_ask(broker, &fd);
	window.size = got->size;
	broker_end(broker);
	if (r == 0 && (!window.size || !hws_range_ok(offset, window.size, INT64_MAX)))
		r = why(-EIO, "the helper says that the window has no size");
	if (r == 0)
		r = fd >= 0 && native_ops.mmio_read ? map_near(fd, rights, &window)
						    : keep_far(bdf, bar, &window);
	if (r == 0)
		*ret_window = window;
	return r;
}

static void broker_bar_unmap(void *self, struct hws_window *window)
{
	(void)self;
	if (window->direct)
		sys_munmap((char *)window->direct - window->cookie, window->size + window->cookie);
	else
		free((void *)(uintptr_t)window->cookie);
	*window = (struct hws_window) { 0 };
}

static struct hws_shim_step in_bar(const struct hws_window *window, uint64_t offset, uint32_t width)
{
	const struct far *far = (const void *)(uintptr_t)window->cookie;

	return (struct hws_shim_step) { .space = HWS_SHIM_BAR,
					.width = width,
					.bdf = far->bdf,
					.bar = far->bar,
					.at = window->first + offset };
}

static int broker_mmio_read(void *self, const struct hws_window *window, uint64_t offset,
			    uint32_t width, uint64_t *ret_value)
{
	if (window->direct)
		return native_ops.mmio_read(NULL, window, offset, width, ret_value);
	return one(self, in_bar(window, offset, width), ret_value);
}

static int broker_mmio_write(void *self, const struct hws_window *window, uint64_t offset,
			     uint32_t width, uint64_t value)
{
	struct hws_shim_step step;

	if (window->direct)
		return native_ops.mmio_write(NULL, window, offset, width, value);
	step = in_bar(window, offset, width);
	step.verb = HWS_SHIM_WRITE;
	step.value = value;
	return one(self, step, NULL);
}

static int broker_txn(void *self, bool begin)
{
	struct broker *broker = self;
	struct hws_wire_txn *txn = broker_begin(broker, HWS_WIRE_TXN, 0);
	/* the helper knows one at a time: it lasts from the first to the last of ours */
	bool ask = begin ? broker->txns == 0 : broker->txns == 1;
	int r;

	txn->begin = begin;
	r = ask ? broker_ask(broker, NULL) : 0;
	if (begin && r == 0)
		broker->txns++;
	else if (!begin && broker->txns)
		broker->txns--;
	broker_end(broker);
	return r;
}

const struct hws_shim_ops broker_ops = {
	.struct_size = sizeof(broker_ops),
	.abi = HWS_SHIM_ABI,
	.flags = HWS_SHIM_THREAD_SAFE,
	.name = "broker",
	.open = broker_open,
	.close = broker_close,
	.identify = broker_identify,
	.port_open = broker_port_open,
	.port_close = broker_port_close,
	.port_read = broker_port_read,
	.port_write = broker_port_write,
	.msr_read = broker_msr_read,
	.msr_write = broker_msr_write,
	.pci_next = broker_pci_next,
	.pci_read = broker_pci_read,
	.pci_write = broker_pci_write,
	.bar_map = broker_bar_map,
	.bar_unmap = broker_bar_unmap,
	.mmio_read = broker_mmio_read,
	.mmio_write = broker_mmio_write,
	.batch = broker_batch,
	.txn = broker_txn,
};
