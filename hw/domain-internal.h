/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef HWSAFE_HW_DOMAIN_INTERNAL_H
#define HWSAFE_HW_DOMAIN_INTERNAL_H

#include "guardian/gate-internal.h"
#include "hw/dma.h"
#include "hw/iova-internal.h"
#include "uring/buf-internal.h"
#include "uring/pool-internal.h"

/* What the device has, or keeps, of a buffer; one for each place of the pool. */
struct domain_map {
	struct iova_node node; /* the first; size 0: not mapped */
	struct hws_buf buf;
	uint8_t device; /* enum hws_dma_direction it is mapped in; 0: not mapped */
	bool kept;	/* by hws_dma_map() */
	bool given;	/* the device owns the buffer */
	bool lost;	/* it could not be unmapped */
	bool made;	/* its place has pages of its own */
};

enum { DOMAIN_GONE = 64 };

/* What was mapped and is no more. */
struct domain_gone {
	uint64_t first;
	uint64_t last;
	struct hws_buf buf;
};

struct hws_domain {
	struct gate gate; /* has the context */
	struct hws_hold hold;
	struct hws_irq *irq; /* NULL: no interrupts are open */
	struct hws_pool *pool;
	bool own_pool;
	uint32_t number; /* by which buffers know it */
	struct iova_space space;
	struct domain_map *maps;
	uint32_t mask;	     /* of a buffer's place */
	struct rules *rules; /* where what is mapped is charged, to this rule */
	uint32_t rule;
	uint64_t bytes;
	uint64_t count;
	uint64_t given;
	uint64_t gives;
	uint64_t stops;
	uint64_t quarantined;
	uint64_t gone_count;
	struct domain_gone gone[DOMAIN_GONE]; /* the last ones, in a circle */
};

/* Another number, by which buffers know who owns them. */
uint32_t domain_number(void);

static inline struct domain_map *domain_map(struct hws_domain *domain, struct hws_buf buf)
{
	return &domain->maps[buf.slot & domain->mask];
}

/* Says so; -ECHILD. */
__attribute__((cold)) int domain_not_mine(void);
/* 0; -ECHILD: the device is the parent's, whose descriptors a child of fork() has as well. */
static inline HWS_MUST int domain_mine(const struct hws_domain *domain)
{
	return pool_here(domain->pool) ? 0 : domain_not_mine();
}

/* Takes it from the device, whatever it is; 0, or the back end's error: then it is lost. */
HWS_MUST int domain_unmap(struct hws_domain *domain, struct domain_map *map);
/* hw/irq.c: they end, and know it. NULL does nothing. */
void irq_detach(struct hws_irq *irq);
/* Takes all from the device; what can't be is quarantined and counted. */
void domain_unmap_all(struct hws_domain *domain);

#endif
