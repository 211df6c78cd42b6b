/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A device that is held whole. */
#include "hw/dma.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "hw/device-internal.h"
#include "hw/domain-internal.h"
#include "shim/sys-internal.h"
#include "shim/why-internal.h"

static const struct hws_shim_ops *ops(const struct hws_domain *domain)
{
	return shim_ops(&domain->gate.hw->shim);
}

static void *self(const struct hws_domain *domain)
{
	return domain->gate.hw->shim.self;
}

static _Atomic uint32_t domains;

/* Numbers come again only after half a billion domains. */
uint32_t domain_number(void)
{
	/* relaxed: only the number counts */
	return atomic_fetch_add_explicit(&domains, 1, memory_order_relaxed) % BUF_BY_MAX + 1;
}

int domain_not_mine(void)
{
	return why(-ECHILD, "this is the parent's: a child of fork() opens a context of its own, "
			    "and with it pools and devices");
}

static int open_gate(struct hws *hw, const char *bdf, uint32_t rights, struct gate *gate)
{
	struct hws_access access = { .kind = HWS_KIND_DMA, .rights = rights ? rights : HWS_RW };
	struct gate_options options = { .window = &access,
					.guard = { HWS_GUARD_MMIO_READ, HWS_GUARD_MMIO_WRITE },
					.slow = true };
	int r = device_parse(bdf, &access);

	if (r < 0)
		return r;
	if (hw->pid != sys_pid()) /* its descriptors are the parent's */
		return domain_not_mine();
	if (access.rights & ~(uint32_t)HWS_RW)
		return why(-EINVAL, "a device reads memory, writes it, or both: no other rights");
	r = device_identify_unless_hidden(hw, &access);
	return r < 0 ? context_fail(hw, HWS_EVENT_GRANT, &access, r)
		     : gate_open(hw, &options, gate);
}

static int open_pool(struct hws_domain *domain, const struct hws_dma_options *options)
{
	struct hws_pool *pool = options->pool;
	int r = pool ? 0 : hws_pool_open(domain->gate.hw, options->pool_options, &pool);

	if (r < 0)
		return r;
	pool_ref(pool);
	domain->pool = pool;
	domain->own_pool = pool != options->pool;
	domain->mask = ((const struct pool_head *)pool)->mask;
	domain->maps = calloc((size_t)domain->mask + 1, sizeof(domain->maps[0]));
	return domain->maps ? 0 : why(-ENOMEM, "no memory for %u mappings", domain->mask + 1);
}

static int open_hold(struct hws_domain *domain, const struct hws_dma_options *options)
{
	struct gate *gate = &domain->gate;
	int r = ops(domain)->hold_open(self(domain), gate->window.bdf, &domain->hold);

	if (r < 0)
		return context_fail(gate->hw, HWS_EVENT_GRANT, &gate->window, r);
	return iova_init(&domain->space, &domain->hold, options->address_bits);
}

/* Stops the device; what can't be reset is stopped by taking its memory away. */
static void stop(struct hws_domain *domain)
{
	if (domain->hold.can_reset)
		(void)ops(domain)->hold_reset(self(domain), &domain->hold);
	irq_detach(domain->irq);
	domain_unmap_all(domain);
	ops(domain)->hold_close(self(domain), &domain->hold);
}

/* Half-made or whole. Gives how many buffers were quarantined. */
static uint64_t release(struct hws_domain *domain)
{
	uint64_t lost;

	if (domain->hold.way && pool_here(domain->pool))
		stop(domain);
	else
		irq_detach(domain->irq);
	lost = domain->quarantined;
	if (domain->pool)
		pool_unref(domain->pool);
	if (domain->own_pool)
		hws_pool_close(domain->pool, NULL);
	rules_unref(domain->rules);
	gate_close(&domain->gate);
	free(domain->maps);
	free(domain);
	return lost;
}

int hws_dma_open(struct hws *hw, const char *bdf, const struct hws_dma_options *options,
		 struct hws_domain **ret_domain)
{
	static const struct hws_dma_options defaults;
	struct hws_domain *domain = calloc(1, sizeof(*domain));
	int r;

	if (!domain)
		return why(-ENOMEM, "no memory for a domain");
	if (!options)
		options = &defaults;
	r = options->size && options->size != sizeof(*options)
		    ? why(-EINVAL, "hws_dma_options of %zu bytes, not %zu", options->size,
			  sizeof(*options))
		    : open_gate(hw, bdf, options->rights, &domain->gate);
	if (r < 0) {
		free(domain);
		return r;
	}
	domain->number = domain_number();
	domain->rules = rules_ref(domain->gate.rules);
	domain->rule = domain->gate.decision.rule;
	r = open_pool(domain, options);
	if (r == 0)
		r = domain_mine(domain);
	if (r == 0)
		r = open_hold(domain, options);
	if (r < 0) {
		release(domain);
		return r;
	}
	*ret_domain = domain;
	return 0;
}

int hws_dma_close(struct hws_domain *domain)
{
	uint64_t lost = domain ? release(domain) : 0;

	return lost > INT32_MAX ? INT32_MAX : (int)lost;
}

struct hws_pool *hws_dma_pool(const struct hws_domain *domain)
{
	return domain->pool;
}

int hws_dma_reset(struct hws_domain *domain)
{
	const struct hws_access *window = &domain->gate.window;
	int r = domain_mine(domain);

	if (r == 0)
		r = gate_ask_whole(&domain->gate, window->rights);
	if (r < 0)
		return r;
	r = ops(domain)->hold_reset(self(domain), &domain->hold);
	return r < 0 ? context_fail(domain->gate.hw, HWS_EVENT_ACCESS, window, r) : 0;
}

int hws_dma_get_info(const struct hws_domain *domain, struct hws_dma_info *ret_info)
{
	size_t size = ret_info->size;
	struct hws_dma_info info = {
		.bdf = domain->hold.bdf,
		.way = domain->hold.way,
		.page = domain->hold.page,
		.mapped = domain->bytes,
		.maps = domain->count,
		.max_maps = domain->hold.max_maps,
		.given = domain->given,
		.gives = domain->gives,
		.stops = domain->stops,
		.quarantined = domain->quarantined,
		.can_reset = domain->hold.can_reset,
	};

	if (size < sizeof(info))
		return why(-EINVAL, "the struct's size is %zu, not %zu", size, sizeof(info));
	memcpy(info.irqs, domain->hold.irqs, sizeof(info.irqs));
	info.size = sizeof(info);
	memcpy(ret_info, &info, sizeof(info));
	return 0;
}
