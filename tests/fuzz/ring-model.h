/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What a ring and its buffers should be like: the model of target "ring". */
#ifndef HWSAFE_TESTS_FUZZ_RING_MODEL_H
#define HWSAFE_TESTS_FUZZ_RING_MODEL_H

#include "uring/pool.h"
#include "uring/ring.h"

enum { BUFFERS = 10, BUFFER_SIZE = 4096, LIST = 2 };

/* A buffer that was taken. */
struct held {
	struct hws_buf buf;
	enum hws_owner owner; /* FREE: the handle is stale */
	bool orphan;	      /* nobody waits for its operation: stale once that has ended */
};

/* What is known of a kind of operation. */
enum {
	TAKES_BUF = 1,
	MOVES = 2,
	OWN_FLAGS = 4,
	TAKES_LIST = 8,
	TAKES_DATA = 16,
	NEVER = 32, /* not by such a ring */
	TAKES_STATX = 64
};
struct kind {
	uint32_t kind;
	uint32_t traits;
};
enum { KINDS = 16 };
extern const struct kind kinds[KINDS];
uint32_t traits_of(uint32_t kind);

struct model {
	struct hws_pool *pool;
	uint32_t depth; /* that the ring has */
	struct held held[BUFFERS];
};

/* NULL: it is stale. */
struct held *model_holder(struct model *model, struct hws_buf buf);
/* 0, or what is said of a buffer that isn't the user's. */
int model_expect_buf(struct model *model, struct hws_buf buf);
/* What queueing it should give. */
int model_expect(struct model *model, const struct hws_request *request, uint64_t in_flight);
/* Its buffers change hands. */
void model_pass(struct model *model, const struct hws_request *request, enum hws_owner to,
		bool orphan);
/* What some kinds take in their own way: one way, or the other. */
void model_suit(struct hws_request *request, bool other);

#endif
