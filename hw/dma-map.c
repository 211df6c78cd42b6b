/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What a device has of memory: mapped, handed over, taken back. */
#include <errno.h>
#include <string.h>
#include <sys/mman.h>

#include "guardian/learn-internal.h"
#include "hw/domain-internal.h"
#include "shim/sys-internal.h"
#include "shim/why-internal.h"

static const struct hws_shim_ops *ops(const struct hws_domain *domain)
{
	return shim_ops(&domain->gate.hw->shim);
}

/* The policy was loaded anew: what is held is held by its rule now. */
static void follow_rules(struct hws_domain *domain)
{
	if (domain->rules == domain->gate.rules)
		return;
	rules_move_held(domain->gate.rules, domain->gate.decision.rule, (int64_t)domain->bytes,
			(int64_t)domain->count);
	rules_move_held(domain->rules, domain->rule, -(int64_t)domain->bytes,
			-(int64_t)domain->count);
	rules_unref(domain->rules);
	domain->rules = rules_ref(domain->gate.rules);
	domain->rule = domain->gate.decision.rule;
}

/* What the rule's devices hold, or would if it allowed that. */
static void learn_charge(const struct hws_domain *domain, uint64_t bytes, enum hws_reason reason)
{
	const struct rule_count *count = &domain->rules->counts[domain->rule];
	bool more = reason != HWS_REASON_NONE;

	if (domain->rule >= domain->rules->count)
		return;
	/* relaxed: counts order nothing */
	learn_held(domain->gate.hw->learn, &domain->gate.window,
		   atomic_load_explicit(&count->bytes, memory_order_relaxed) + (more ? bytes : 0),
		   atomic_load_explicit(&count->maps, memory_order_relaxed) + more, reason);
}

/* Charges @bytes to the rule and to the guardian, or to none. */
static int charge(struct hws_domain *domain, uint64_t bytes)
{
	struct gate *gate = &domain->gate;
	enum hws_reason reason = rules_hold(domain->rules, &gate->decision, bytes);
	int r;

	if (gate->hw->learn)
		learn_charge(domain, bytes, reason);
	if (reason != HWS_REASON_NONE)
		return gate_deny_whole(gate, HWS_RW, HWS_REASON_LIMIT);
	r = context_charge(gate->hw, HWS_DMA, bytes);
	if (r < 0) {
		rules_move_held(domain->rules, domain->rule, -(int64_t)bytes, -1);
		return r;
	}
	domain->bytes += bytes;
	domain->count++;
	return 0;
}

static void refund(struct hws_domain *domain, uint64_t bytes)
{
	caps_uncharge(&domain->gate.hw->caps, HWS_DMA, bytes);
	rules_move_held(domain->rules, domain->rule, -(int64_t)bytes, -1);
	domain->bytes -= bytes;
	domain->count--;
}

static int pin(struct hws_domain *domain, const struct domain_map *map,
	       const struct buf_memory *memory, enum hws_dma_direction direction)
{
	return ops(domain)->dma_map(domain->gate.hw->shim.self, &domain->hold, map->node.first,
				    memory->address, memory->size, (enum hws_rights)direction);
}

/*
 * A page that was never written is everybody's page of zeros: the device would go on reading that
 * after the program has written, and so got a page of its own.
 */
static int make_pages(struct hws_domain *domain, struct domain_map *map,
		      const struct buf_memory *memory)
{
	int r = buf_open_for_kernel(domain->pool, map->buf);

	if (r < 0)
		return r;
	r = sys_madvise(memory->address, memory->size, MADV_POPULATE_WRITE);
	buf_close_for_kernel(domain->pool, map->buf);
	map->made = r == 0;
	return r < 0 ? why(r, "the buffer's memory can't be had: %s", strerror(-r)) : 0;
}

/*
 * VFIO pins from outside of this thread, whose keys don't matter to it; what else keeps it out (a
 * buffer shut by PROT_NONE) is opened for it.
 */
static int map_pages(struct hws_domain *domain, struct domain_map *map,
		     const struct buf_memory *memory, enum hws_dma_direction direction)
{
	int r = map->kept && !map->made ? make_pages(domain, map, memory) : 0;

	if (r == 0)
		r = pin(domain, map, memory, direction);
	if (r != -EFAULT)
		return r;
	r = buf_open_for_kernel(domain->pool, map->buf);
	if (r < 0)
		return r;
	r = pin(domain, map, memory, direction);
	buf_close_for_kernel(domain->pool, map->buf);
	return r;
}

/* The device's buffer becomes reachable for it. */
static int map_memory(struct hws_domain *domain, struct domain_map *map,
		      const struct buf_memory *memory, enum hws_dma_direction direction)
{
	int r = charge(domain, memory->size);

	if (r < 0)
		return r;
	r = iova_take(&domain->space, memory->size, &map->node);
	if (r < 0) {
		refund(domain, memory->size);
		return r;
	}
	r = map_pages(domain, map, memory, direction);
	if (r < 0) {
		iova_give(&domain->space, &map->node);
		refund(domain, memory->size);
		return r;
	}
	map->device = (uint8_t)direction;
	return 0;
}

int domain_unmap(struct hws_domain *domain, struct domain_map *map)
{
	uint64_t size = map->node.last - map->node.first + 1;
	int r = ops(domain)->dma_unmap(domain->gate.hw->shim.self, &domain->hold, map->node.first,
				       size);

	/* its addresses and what it was charged stay taken: the device may still have it */
	if (r < 0) {
		map->lost = true;
		domain->quarantined++;
		return r;
	}
	domain->gone[domain->gone_count++ % DOMAIN_GONE] =
		(struct domain_gone) { map->node.first, map->node.last, map->buf };
	iova_give(&domain->space, &map->node);
	refund(domain, size);
	map->device = 0;
	return 0;
}

static bool same(struct hws_buf a, struct hws_buf b)
{
	return a.slot == b.slot && a.generation == b.generation;
}

static int check(struct hws_domain *domain, enum hws_dma_direction direction)
{
	int r;

	if (direction < HWS_TO_DEVICE || direction > HWS_BOTH_WAYS)
		return why(-EINVAL, "%d is no direction", (int)direction);
	r = gate_ask_whole(&domain->gate, direction);
	if (r == 0)
		follow_rules(domain);
	return r;
}

/* In a forked child no buffer is anybody's: there it is the device that is not ours. */
static __attribute__((cold)) int refused(const struct hws_domain *domain, int r)
{
	return domain_mine(domain) < 0 ? -ECHILD : r;
}

/* The buffer was the device's for a moment; it can't fail. */
static void back(struct hws_domain *domain, struct hws_buf buf)
{
	if (buf_from_device(domain->pool, buf, domain->number) < 0)
		domain->quarantined++;
}

static int no_domain_keeps_it(struct hws_domain *domain, struct hws_buf buf)
{
	return buf_keep(domain->pool, buf) ? 0 : why(-EBUSY, "another device has it mapped");
}

int hws_dma_map(struct hws_domain *domain, struct hws_buf buf, enum hws_dma_direction direction,
		uint64_t *ret_iova)
{
	struct domain_map *map = domain_map(domain, buf);
	struct buf_memory memory;
	int r = check(domain, direction);

	r = r < 0 ? r : buf_to_device(domain->pool, buf, domain->number, &memory);
	if (r < 0)
		return refused(domain, r);
	if (map->device || map->lost)
		r = why(-EALREADY, "it is mapped already");
	if (r == 0)
		r = no_domain_keeps_it(domain, buf);
	if (r == 0) {
		map->buf = buf;
		map->kept = true;
		r = map_memory(domain, map, &memory, direction);
		map->kept = r == 0;
		if (r < 0)
			buf_let_go(domain->pool, buf);
	}
	if (r == 0)
		*ret_iova = map->node.first;
	back(domain, buf);
	return r;
}

int hws_dma_unmap(struct hws_domain *domain, struct hws_buf buf)
{
	struct domain_map *map = domain_map(domain, buf);
	int r = domain_mine(domain);

	if (r < 0)
		return r;
	if (!map->kept || !same(map->buf, buf))
		return why(-EINVAL, "buffer %u.%u isn't kept mapped here", buf.slot,
			   buf.generation);
	if (map->given)
		return why(-EBUSY, "the device owns buffer %u.%u: take it back first", buf.slot,
			   buf.generation);
	if (map->lost)
		return why(-EIO, "buffer %u.%u could not be unmapped", buf.slot, buf.generation);
	r = domain_unmap(domain, map);
	if (r < 0)
		return r;
	map->kept = false;
	buf_let_go(domain->pool, buf);
	return 0;
}

/* It is mapped, and as asked for. */
static int check_kept(const struct domain_map *map, struct hws_buf buf,
		      enum hws_dma_direction direction)
{
	if (!same(map->buf, buf))
		return why(-EINVAL, "what is mapped there is an older buffer: unmap that first");
	if (map->lost)
		return why(-EIO, "buffer %u.%u could not be unmapped", buf.slot, buf.generation);
	if (map->device != direction)
		return why(-EINVAL, "buffer %u.%u is mapped in another direction", buf.slot,
			   buf.generation);
	return 0;
}

int hws_dma_give(struct hws_domain *domain, struct hws_buf buf, enum hws_dma_direction direction,
		 uint64_t *ret_iova)
{
	struct domain_map *map = domain_map(domain, buf);
	struct buf_memory memory;
	int r = check(domain, direction);

	r = r < 0 ? r : buf_to_device(domain->pool, buf, domain->number, &memory);
	if (r < 0)
		return refused(domain, r);
	if (map->kept) {
		r = check_kept(map, buf, direction);
	} else {
		map->buf = buf;
		r = map_memory(domain, map, &memory, direction);
	}
	if (r < 0) {
		back(domain, buf);
		return r;
	}
	map->given = true;
	domain->given++;
	domain->gives++;
	ops(domain)->barrier(domain->gate.hw->shim.self, HWS_BARRIER_WRITE);
	*ret_iova = map->node.first;
	return 0;
}

/* It can't be taken from the device: it is nobody's any more. */
static int lose(struct hws_domain *domain, struct hws_buf buf, int r)
{
	if (buf_quarantine_device(domain->pool, buf, domain->number) < 0)
		return r;
	return why(r, "buffer %u.%u could not be taken from the device: it is quarantined",
		   buf.slot, buf.generation);
}

int hws_dma_take(struct hws_domain *domain, struct hws_buf buf)
{
	struct domain_map *map = domain_map(domain, buf);
	int r = domain_mine(domain);

	if (r < 0)
		return r;
	if (!map->given || !same(map->buf, buf))
		return buf_refuse_return(domain->pool, buf);
	r = map->kept ? 0 : domain_unmap(domain, map);
	map->given = false;
	domain->given--;
	if (r < 0)
		return lose(domain, buf, r);
	ops(domain)->barrier(domain->gate.hw->shim.self, HWS_BARRIER_READ);
	return buf_from_device(domain->pool, buf, domain->number);
}

static void end(struct hws_domain *domain, struct domain_map *map)
{
	int r = map->lost ? -EIO : domain_unmap(domain, map);

	if (map->given && r < 0)
		lose(domain, map->buf, r);
	else if (map->given)
		back(domain, map->buf);
	/* what is lost keeps its place for ever: given out to nobody */
	if (map->kept && r == 0)
		buf_let_go(domain->pool, map->buf);
}

void domain_unmap_all(struct hws_domain *domain)
{
	for (uint64_t i = 0; i <= domain->mask; i++) {
		if (domain->maps[i].device)
			end(domain, &domain->maps[i]);
	}
}
