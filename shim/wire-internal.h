/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Pure: looks at bytes, and at nothing else. */
#ifndef HWSAFE_SHIM_WIRE_INTERNAL_H
#define HWSAFE_SHIM_WIRE_INTERNAL_H

#include "shim/shim.h"
#include "shim/wire.h"

/* A request, aligned. */
union wire_request {
	struct hws_wire_head head;
	uint64_t align;
	unsigned char bytes[HWS_WIRE_MAX];
};

/* A reply, aligned; the largest is that of a whole RUN. */
union wire_reply {
	struct hws_wire_answer answer;
	uint64_t align;
	unsigned char bytes[sizeof(struct hws_wire_answer) +
			    HWS_WIRE_STEPS * sizeof(struct hws_wire_end)];
};

static inline const void *wire_body(const union wire_request *request)
{
	return request->bytes + sizeof(request->head);
}

static inline void *wire_reply_body(union wire_reply *reply)
{
	return reply->bytes + sizeof(reply->answer);
}

/*
 * Is it a request that may be looked at? @size bytes came; @version is the one agreed on, 0 before
 * HELLO. 0; -EBADMSG: whoever sent it is not to be talked to any more. Afterwards every number in
 * it is in its range: what it means is for the policy.
 */
HWS_MUST int wire_check(const union wire_request *request, size_t size, uint16_t version);

/* The first version that has it. */
uint16_t wire_since(enum hws_wire_op op);

/* May a checked request of it stand in a ring? */
bool wire_in_ring(enum hws_wire_op op);

/*
 * Copies a request out of memory that its author goes on writing to, each byte once. Its size, or 0
 * where that is none; only the copy may be looked at, by wire_check().
 */
HWS_MUST size_t wire_take(const struct hws_wire_slot *slot, union wire_request *ret_request);

/* What a checked request costs, in accesses: those it has, or what is as much work. */
uint32_t wire_cost(const union wire_request *request);

/* Is every number of a step in its range? */
bool wire_step_ok(const struct hws_wire_step *step);

/* How large the reply to a checked request is. */
size_t wire_reply_size(const union wire_request *request);

/* Is it the reply to that request? 0 or -EBADMSG. */
HWS_MUST int wire_check_reply(const union wire_request *request, const union wire_reply *reply,
			      size_t size);

/* Fills the head of a request of @op with @steps; gives its size. */
size_t wire_begin(union wire_request *request, enum hws_wire_op op, uint32_t steps,
		  uint32_t sequence);

static inline struct hws_bdf wire_get_bdf(struct hws_wire_bdf bdf)
{
	return (struct hws_bdf) { bdf.domain, bdf.bus, bdf.device, bdf.function };
}

static inline struct hws_wire_bdf wire_put_bdf(struct hws_bdf bdf)
{
	return (struct hws_wire_bdf) { bdf.domain, bdf.bus, bdf.device, bdf.function, 0 };
}

#endif
