/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef HWSAFE_URING_PLAN_INTERNAL_H
#define HWSAFE_URING_PLAN_INTERNAL_H

#include "uring/op-internal.h"
#include "uring/plan.h"

/* No step, no edge. */
#define PLAN_NONE UINT32_MAX

enum plan_state {
	PLAN_WAITING, /* for those before it */
	PLAN_READY,   /* to be queued, or to be cancelled */
	PLAN_RUNNING, /* in flight */
	PLAN_DONE,
};

/* While it runs its address is its operation's tag: nobody else has that. */
struct plan_step {
	struct hws_request request; /* what it points to is in @copy */
	void *copy;		    /* owned */
	struct hws_op op;
	struct hws_done done;
	uint64_t whole; /* bytes: fewer are a failure; 0: any number will do */
	uint32_t waits; /* for how many */
	uint32_t edges; /* the first of those that lead from it */
	uint32_t next;	/* of those that are ready */
	enum plan_state state;
	bool doomed; /* it is cancelled instead of queued */
};

/* From one step to one that waits for it. */
struct plan_edge {
	uint32_t to;
	uint32_t next; /* of the same step's */
};

struct hws_plan {
	struct hws_ring *ring;
	struct plan_step *steps; /* grows until it is started */
	struct plan_edge *edges;
	uint32_t count, room;
	uint32_t edge_count, edge_room;
	uint32_t flags;
	uint32_t first, last; /* of those that are ready */
	uint32_t left;	      /* not done */
	uint32_t running;
	uint32_t failed;
	bool started;
	bool stopped; /* no step starts any more */
};

/* 0; -ELOOP, with the circle in words; -ENOMEM. */
HWS_MUST int plan_check_order(const struct hws_plan *plan);

#endif
