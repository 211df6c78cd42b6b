/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Functions that a peer holds whole. The helper opens them, keeps them open as long as the peer is
 * connected, and hands over copies of the descriptors. At the end the helper stops and resets the
 * device, and the kernel takes its memory away with the last descriptor.
 */
#include <errno.h>

#include "helper/group.h"
#include "helper/needs.h"
#include "helper/serve.h"
#include "shim/why-internal.h"

enum { VECTORS = 2048 }; /* that a function can have (PCIe 6.0 §7.7.2) */

static struct held *find(struct peer *peer, struct hws_bdf bdf)
{
	for (uint32_t i = 0; i < peer->hold_count; i++)
		if (!bdf_order(peer->holds[i].access.bdf, bdf))
			return &peer->holds[i];
	return NULL;
}

/* A group has one domain: what is mapped for one function of it all of them reach. */
static bool holds_of_group(const struct peer *peer, int32_t group)
{
	for (uint32_t i = 0; group >= 0 && i < peer->hold_count; i++)
		if (peer->holds[i].group == group)
			return true;
	return false;
}

static bool is_others(struct server *server, const struct peer *peer, struct hws_bdf bdf)
{
	int32_t group = -1;
	bool asked = false;

	for (struct peer *other = server->peers; other; other = other->next) {
		if (other->gone || other->uid == peer->uid || !other->hold_count)
			continue;
		if (find(other, bdf))
			return true;
		if (!asked && group_find(&server->hw->shim, bdf, &group) < 0)
			return true; /* it may be that one */
		asked = true;
		if (holds_of_group(other, group))
			return true;
	}
	return false;
}

/* What there is no room for goes to the last one, with all that lies between. */
static void add_ports(struct held *held, uint64_t first, uint64_t last)
{
	struct hws_span *span = &held->ports[held->port_count];

	if (held->port_count < SERVE_PORTS) {
		held->port_count++;
	} else {
		span--;
		first = first < span->first ? first : span->first;
		last = last > span->last ? last : span->last;
	}
	*span = (struct hws_span) { first, last };
}

static void add_bars(struct held *held, const struct hws_pci_info *info)
{
	for (int i = 0; i < HWS_PCI_BARS; i++) {
		const struct hws_pci_bar *bar = &info->bars[i];

		if (bar->size && bar->flags & HWS_BAR_IO)
			add_ports(held, bar->base, bar->base + bar->size - 1);
	}
}

/* Registers may lie in ports as well: those of all that reaches the holder's memory. */
static int find_ports(struct server *server, struct held *held)
{
	struct hws_shim *shim = &server->hw->shim;
	const struct hws_bdf *after = NULL;
	struct hws_bdf at;
	int r;

	held->port_count = 0;
	while ((r = shim_ops(shim)->pci_next(shim->self, after, &at)) == 0) {
		struct hws_pci_info info = { .size = sizeof(info) };

		after = &at;
		r = shim_ops(shim)->pci_info(shim->self, at, &info);
		if (r < 0 && r != -ENODEV) /* unplugged in this moment */
			return r;
		if (r == 0 && (!bdf_order(at, held->access.bdf) ||
			       (held->group >= 0 && info.iommu_group == held->group)))
			add_bars(held, &info);
	}
	return r == -ENOENT ? 0 : r;
}

static bool has_ports(const struct peer *peer, uint64_t first, uint64_t last)
{
	for (uint32_t i = 0; i < peer->hold_count; i++) {
		const struct held *held = &peer->holds[i];

		for (uint32_t k = 0; k < held->port_count; k++)
			if (held->ports[k].first <= last && held->ports[k].last >= first)
				return true;
	}
	return false;
}

static bool ports_are_others(const struct server *server, const struct peer *peer, uint64_t first,
			     uint64_t last)
{
	for (const struct peer *other = server->peers; other; other = other->next)
		if (!other->gone && other->uid != peer->uid && has_ports(other, first, last))
			return true;
	return false;
}

bool hold_keeps_out(struct server *server, const struct peer *peer, const struct hws_access *of)
{
	if (of->kind == HWS_KIND_PORT)
		return ports_are_others(server, peer, of->first, of->last);
	return of->kind != HWS_KIND_MSR && is_others(server, peer, of->bdf);
}

static bool is_of_group(struct server *server, struct hws_bdf bdf, int32_t group)
{
	int32_t own;

	return group >= 0 && (group_find(&server->hw->shim, bdf, &own) < 0 || own == group);
}

/* By a descriptor that nobody can call back they could have the device reach his memory, too. */
static bool others_write(struct server *server, const struct peer *peer, const struct held *held)
{
	for (const struct peer *other = server->peers; other; other = other->next) {
		if (other->gone || other->uid == peer->uid)
			continue;
		for (uint32_t i = 0; i < other->bar_count; i++) {
			const struct hws_access *bar = &other->bars[i];

			if (bar->rights & HWS_W && (!bdf_order(bar->bdf, held->access.bdf) ||
						    is_of_group(server, bar->bdf, held->group)))
				return true;
		}
	}
	return false;
}

/* How many vectors, from 0 on. */
static uint32_t count_vectors(const struct peer *peer, const struct hws_access *dma)
{
	struct hws_access access = *dma;
	struct hws_decision decision;
	uint32_t count = 0;

	access.kind = HWS_KIND_IRQ;
	for (; count < VECTORS; count++) {
		access.first = access.last = count;
		if (hws_policy_check(peer->view, &access, &decision) < 0)
			break;
	}
	return count;
}

static uint64_t or_any(uint64_t limit)
{
	return limit ? limit : UINT64_MAX;
}

static int take(struct server *server, struct peer *peer, const struct hws_access *access,
		const struct hws_decision *decision, struct held **ret_held)
{
	struct hws_shim *shim = &server->hw->shim;
	struct held *held = &peer->holds[peer->hold_count];
	struct hws_event event = audit_access_event(access, HWS_EVENT_GRANT, HWS_REASON_NONE);
	int r;

	if (peer->hold_count == SERVE_HOLDS)
		return why(-EDQUOT, "a connection holds up to %d functions", SERVE_HOLDS);
	held->access = *access;
	r = group_find(shim, access->bdf, &held->group);
	r = r < 0 ? r : find_ports(server, held);
	if (r < 0)
		return r;
	if (others_write(server, peer, held))
		return why(-EBUSY, "another user's program has a BAR of it, or of its IOMMU group, "
				   "mapped for writing: until that ends nobody else can hold it");
	r = shim_ops(shim)->hold_open(shim->self, access->bdf, &held->hold);
	if (r < 0)
		return r;
	peer->hold_count++;
	event.rule = decision->rule + 1;
	serve_note(server, peer, event);
	*ret_held = held;
	return 0;
}

/* A copy, which ends with the reply. */
static int give(struct server *server, const struct held *held, uint32_t which, int *ret_fd)
{
	struct hws_shim *shim = &server->hw->shim;
	int32_t fds[HWS_HOLD_FDS];
	int r = shim_ops(shim)->hold_fds(shim->self, &held->hold, fds);

	if (r == 0)
		r = *ret_fd = sys_dup(fds[which]);
	return r < 0 ? r : 0;
}

static int allowed(struct server *server, struct peer *peer, struct hws_access *access,
		   struct hws_decision *ret_decision)
{
	struct hws_access refused;
	int r;

	machine_identify(server, access);
	/* first what is known without a look at the device: most refusals need no more */
	if (hws_policy_check(peer->view, access, ret_decision) < 0)
		return access_refuse(server, peer, access, ret_decision);
	r = group_check(&server->hw->shim, peer->view, access->bdf, &refused, ret_decision);
	if (r == -EACCES) {
		char cause[128];

		snprintf(cause, sizeof(cause), "%s", hws_why());
		(void)access_refuse(server, peer, &refused, ret_decision);
		why(r, "%s", cause);
	}
	return r;
}

int hold_give(struct server *server, struct peer *peer, const struct hws_wire_hold *ask,
	      struct hws_wire_held *ret_held, int *ret_fd)
{
	struct hws_access access = { .kind = HWS_KIND_DMA,
				     .rights = HWS_RW,
				     .bdf = wire_get_bdf(ask->bdf) };
	struct hws_decision decision;
	struct held *held = find(peer, access.bdf);
	int r;

	machine_raise(server, NEEDS_OF(HWS_KIND_DMA));
	r = allowed(server, peer, &access, &decision);
	if (r == 0 && !held)
		r = take(server, peer, &access, &decision, &held);
	r = r < 0 ? r : give(server, held, ask->which, ret_fd);
	machine_lower(server);
	if (r == 0)
		*ret_held = (struct hws_wire_held) { or_any(decision.max), or_any(decision.maps),
						     count_vectors(peer, &access), 0 };
	return r;
}

void holds_end(struct server *server, struct peer *peer)
{
	struct hws_shim *shim = &server->hw->shim;

	while (peer->hold_count > 0) {
		struct held *held = &peer->holds[--peer->hold_count];

		/* whoever was left its descriptors has it alone: the kernel lets nobody else in */
		machine_close_function(server, held->access.bdf);
		shim_ops(shim)->hold_close(shim->self, &held->hold);
	}
}

bool holds_are_granted(struct server *server, const struct peer *peer)
{
	struct hws_decision decision;
	struct hws_access access;

	for (uint32_t i = 0; i < peer->hold_count; i++)
		if (group_check(&server->hw->shim, peer->view, peer->holds[i].access.bdf, &access,
				&decision) < 0)
			return false;
	return true;
}
