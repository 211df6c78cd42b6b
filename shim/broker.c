/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The back end that asks hwsafe-helper for everything. Only a BAR that policy gives whole is
 * reached without it: its descriptor comes by the socket and is mapped here.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "shim/broker-internal.h"
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
	broker_holds_end(self);
	broker_disconnect(self);
	free(self);
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

int broker_one(void *self, struct hws_shim_step step, uint64_t *ret_value)
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
	int r = broker_one(
		self, (struct hws_shim_step) { .space = HWS_SHIM_PORT, .width = width, .at = port },
		&value);

	(void)ports;
	*ret_value = (uint32_t)value;
	return r;
}

static int broker_port_write(void *self, const struct hws_window *ports, uint16_t port,
			     uint32_t width, uint32_t value)
{
	(void)ports;
	return broker_one(self,
			  (struct hws_shim_step) { .space = HWS_SHIM_PORT,
						   .verb = HWS_SHIM_WRITE,
						   .width = width,
						   .at = port,
						   .value = value },
			  NULL);
}

static int broker_msr_read(void *self, uint32_t cpu, uint32_t reg, uint64_t *ret_value)
{
	return broker_one(
		self,
		(struct hws_shim_step) { .space = HWS_SHIM_MSR, .width = 8, .cpu = cpu, .at = reg },
		ret_value);
}

static int broker_msr_write(void *self, uint32_t cpu, uint32_t reg, uint64_t value)
{
	return broker_one(self,
			  (struct hws_shim_step) { .space = HWS_SHIM_MSR,
						   .verb = HWS_SHIM_WRITE,
						   .width = 8,
						   .cpu = cpu,
						   .at = reg,
						   .value = value },
			  NULL);
}

static int broker_pci_read(void *self, struct hws_bdf bdf, uint32_t offset, uint32_t width,
			   uint32_t *ret_value)
{
	uint64_t value;
	int r = broker_one(
		self,
		(struct hws_shim_step) {
			.space = HWS_SHIM_PCI, .width = width, .bdf = bdf, .at = offset },
		&value);

	*ret_value = (uint32_t)value;
	return r;
}

static int broker_pci_write(void *self, struct hws_bdf bdf, uint32_t offset, uint32_t width,
			    uint32_t value)
{
	return broker_one(self,
			  (struct hws_shim_step) { .space = HWS_SHIM_PCI,
						   .verb = HWS_SHIM_WRITE,
						   .width = width,
						   .bdf = bdf,
						   .at = offset,
						   .value = value },
			  NULL);
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
	/* one that can't be ended goes on: to end it later is to be asked for again */
	if (begin && r == 0)
		broker->txns++;
	else if (r == 0 && broker->txns)
		broker->txns--;
	broker_end(broker);
	return r;
}

/* What is mapped or held here is this processor's to order, as the native back end does it. */
static void broker_barrier(void *self, enum hws_barrier kind)
{
	(native_ops.barrier ? native_ops.barrier : shim_defaults.barrier)(self, kind);
}

const struct hws_shim_ops broker_ops = {
	.struct_size = sizeof(broker_ops),
	.abi = HWS_SHIM_ABI,
	.flags = HWS_SHIM_THREAD_SAFE,
	.name = "broker",
	.open = broker_open,
	.close = broker_close,
	.identify = broker_identify,
	.cpuid = broker_cpuid,
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
	.pci_info = broker_pci_info,
	.topology = broker_topology,
	.hold_open = broker_hold_open,
	.hold_close = broker_hold_close,
	.hold_reset = broker_hold_reset,
	.dma_map = broker_dma_map,
	.dma_unmap = broker_dma_unmap,
	.dma_fault = broker_dma_fault,
	.irq_bind = broker_irq_bind,
	.irq_unmask = broker_irq_unmask,
	.barrier = broker_barrier,
	.batch = broker_batch,
	.txn = broker_txn,
};
