/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The addresses that a device knows memory by. They are given out in a circle: an address comes
 * again only after all others had their turn, so that a late transfer to what was taken back
 * finds nothing there. Between neighbours a page is left free, for transfers that run over.
 */
#ifndef HWSAFE_HW_IOVA_INTERNAL_H
#define HWSAFE_HW_IOVA_INTERNAL_H

#include "shim/shim.h"

/* What lies at an address; part of whatever it is. */
struct iova_node {
	struct iova_node *before; /* in the order of addresses */
	struct iova_node *after;
	uint64_t first;
	uint64_t last; /* included */
};

struct iova_space {
	struct hws_span spans[HWS_HOLD_SPANS]; /* ascending, whole pages, not empty */
	uint32_t span_count;
	uint32_t turn; /* the span whose turn it is */
	uint64_t next; /* where the search goes on */
	uint64_t page;
	struct iova_node ends;	/* after: the first node; before: the last */
	struct iova_node *near; /* what lies before @next in its span, or &ends */
	uint32_t nodes;
};

/*
 * Takes what of the hold's spans lies below 1 << @bits; the page at 0 is never given. -ENOSPC:
 * nothing is left. The space must not move.
 */
HWS_MUST int iova_init(struct iova_space *space, const struct hws_hold *hold, unsigned int bits);
/* Gives @node @size bytes, a multiple of the page; -ENOSPC. */
HWS_MUST int iova_take(struct iova_space *space, uint64_t size, struct iova_node *node);
void iova_give(struct iova_space *space, struct iova_node *node);
/* What lies at the address; or NULL, and what lies before it, which may be NULL too. */
struct iova_node *iova_find(const struct iova_space *space, uint64_t address,
			    struct iova_node **ret_before);

#endif
