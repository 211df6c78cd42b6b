/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Transfers that the IOMMU stopped: what lay where they went. */
#include <errno.h>
#include <stdio.h>

#include "hw/domain-internal.h"
#include "shim/why-internal.h"

static const char *const places[HWS_DMA_PLACES] = {
	[HWS_DMA_NOTHING] = "nothing lies there",
	[HWS_DMA_BEHIND] = "it ran over the end of a buffer",
	[HWS_DMA_DIRECTION] = "a buffer lies there that is mapped for the other direction",
	[HWS_DMA_GONE] = "a buffer lay there that was taken back",
};

/* The last one that was mapped there, or NULL. */
static const struct domain_gone *find_gone(const struct hws_domain *domain, uint64_t iova)
{
	uint64_t count = domain->gone_count < DOMAIN_GONE ? domain->gone_count : DOMAIN_GONE;

	for (uint64_t i = 1; i <= count; i++) {
		const struct domain_gone *gone =
			&domain->gone[(domain->gone_count - i) % DOMAIN_GONE];

		if (iova >= gone->first && iova <= gone->last)
			return gone;
	}
	return NULL;
}

static void lay(struct hws_dma_stop *stop, enum hws_dma_place place, struct hws_buf buf,
		uint64_t first)
{
	stop->place = place;
	stop->buf = buf;
	stop->offset = stop->iova - first;
}

static void locate(const struct hws_domain *domain, struct hws_dma_stop *stop)
{
	struct iova_node *before = NULL;
	const struct iova_node *node = iova_find(&domain->space, stop->iova, &before);
	const struct domain_gone *gone = find_gone(domain, stop->iova);
	/* the node is the map's first */
	const struct domain_map *map = (const struct domain_map *)(node ? node : before);

	if (node)
		lay(stop, HWS_DMA_DIRECTION, map->buf, node->first);
	else if (gone)
		lay(stop, HWS_DMA_GONE, gone->buf, gone->first);
	else if (before && stop->iova - before->last <= domain->hold.page)
		lay(stop, HWS_DMA_BEHIND, map->buf, before->first);
}

static void tell(struct hws_domain *domain, struct hws_dma_stop *stop)
{
	struct hws_access access = domain->gate.window;
	char bdf[HWS_BDF_TEXT];
	struct hws_event event;

	snprintf(stop->text, sizeof(stop->text), "%s: a %s at 0x%llx was stopped: %s",
		 hws_bdf_format(stop->bdf, bdf), stop->write ? "write" : "read",
		 (unsigned long long)stop->iova, places[stop->place]);
	access.rights = stop->write ? HWS_W : HWS_R;
	access.first = access.last = stop->iova;
	event = audit_access_event(&access, HWS_EVENT_ACCESS, HWS_REASON_RANGE);
	event.level = HWS_LEVEL_ERROR;
	event.code = -ERANGE;
	audit_event_text(&event, places[stop->place]);
	audit_record(domain->gate.hw->audit, &event);
}

int hws_dma_stopped(struct hws_domain *domain, struct hws_dma_stop *ret_stop)
{
	struct hws_shim *shim = &domain->gate.hw->shim;
	struct hws_dma_fault fault;
	struct hws_dma_stop stop;
	int r = domain_mine(domain);

	if (r == 0)
		r = shim_ops(shim)->dma_fault(shim->self, &domain->hold, &fault);
	if (r < 0)
		return r;
	stop = (struct hws_dma_stop) {
		.bdf = domain->hold.bdf,
		.iova = fault.address,
		.write = fault.write,
	};
	locate(domain, &stop);
	tell(domain, &stop);
	domain->stops++;
	*ret_stop = stop;
	return 0;
}
