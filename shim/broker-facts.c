/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the helper tells of the machine, without an access that could change it. */
#include <string.h>

#include "shim/broker-internal.h"

_Static_assert(HWS_PROBE_KINDS == HWS_WIRE_KINDS, "told as it comes");

int broker_identify(void *self, struct hws_cpu *ret_cpu)
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

int broker_rights(struct broker *broker, struct hws_probe_rights *ret_rights)
{
	const struct hws_wire_rights *got = wire_reply_body(&broker->reply);
	int r;

	broker_begin(broker, HWS_WIRE_RIGHTS, 0);
	r = broker_ask(broker, NULL);
	if (r == 0) {
		ret_rights->rules = got->rules;
		memcpy(ret_rights->rights, got->rights, sizeof(got->rights));
	}
	broker_end(broker);
	return r;
}

int broker_topology(void *self, struct hws_topology *ret_topology)
{
	struct broker *broker = self;
	const struct hws_wire_topology *got = wire_reply_body(&broker->reply);
	int r;

	broker_begin(broker, HWS_WIRE_TOPOLOGY, 0);
	r = broker_ask(broker, NULL);
	if (r == 0)
		*ret_topology = (struct hws_topology) { got->packages, got->cores, got->threads };
	broker_end(broker);
	return r;
}

int broker_cpuid(void *self, uint32_t leaf, uint32_t subleaf, uint32_t ret_regs[4])
{
	struct broker *broker = self;
	const struct hws_wire_regs *got = wire_reply_body(&broker->reply);
	struct hws_wire_leaf *ask = broker_begin(broker, HWS_WIRE_CPUID, 0);
	int r;

	*ask = (struct hws_wire_leaf) { leaf, subleaf };
	r = broker_ask(broker, NULL);
	if (r == 0)
		memcpy(ret_regs, got->regs, sizeof(got->regs));
	else
		memset(ret_regs, 0xff, sizeof(got->regs));
	broker_end(broker);
	return r;
}

int broker_pci_next(void *self, const struct hws_bdf *after, struct hws_bdf *ret_bdf)
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

static void take_info(const struct hws_wire_info *wire, struct hws_pci_info *ret_info)
{
	*ret_info = (struct hws_pci_info) {
		.size = sizeof(*ret_info),
		.vendor = wire->vendor,
		.device = wire->device,
		.subsystem_vendor = wire->subsystem_vendor,
		.subsystem_device = wire->subsystem_device,
		.class_code = wire->class_code,
		.revision = wire->revision,
		.enabled = wire->enabled != 0,
		.numa_node = wire->numa_node,
		.iommu_group = wire->iommu_group,
	};
	/* one byte less: it ends with a NUL, whatever came */
	memcpy(ret_info->driver, wire->driver, sizeof(wire->driver) - 1);
	memcpy(ret_info->power, wire->power, sizeof(wire->power) - 1);
	for (int i = 0; i < HWS_PCI_BARS; i++)
		ret_info->bars[i] = (struct hws_pci_bar) { wire->bars[i].base, wire->bars[i].size,
							   wire->bars[i].flags };
}

int broker_pci_info(void *self, struct hws_bdf bdf, struct hws_pci_info *ret_info)
{
	struct broker *broker = self;
	const struct hws_wire_info *got = wire_reply_body(&broker->reply);
	struct hws_wire_bdf *ask = broker_begin(broker, HWS_WIRE_INFO, 0);
	int r;

	*ask = wire_put_bdf(bdf);
	r = broker_ask(broker, NULL);
	if (r == 0)
		take_info(got, ret_info);
	broker_end(broker);
	return r;
}
