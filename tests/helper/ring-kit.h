/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A ring as a program could use it without the library, or misuse it. */
#ifndef HWSAFE_TESTS_HELPER_RING_KIT_H
#define HWSAFE_TESTS_HELPER_RING_KIT_H

#include "tests/helper/serve-kit.h"

struct bare_ring {
	struct hws_wire_ring *shared;
	int memory;
	int doorbell;
	uint32_t asked;
};

/* One step of asking for it, over a connection that has said HELLO: a descriptor, or -errno. */
int bare_share(int fd, uint32_t start);
/* All of it; 0 or -errno. */
int bare_ring_open(int fd, struct bare_ring *ret_ring);
void bare_ring_close(struct bare_ring *ring);
/* Into the next slot; bare_ring_kick() tells the helper of all that was put. */
void bare_ring_put(struct bare_ring *ring, const union wire_request *request);
void bare_ring_kick(struct bare_ring *ring);
/* Until so many are answered; false: @fd was closed, or patience ended. */
bool bare_ring_wait(struct bare_ring *ring, int fd, uint32_t answers);
/* To request number @index. */
const union wire_reply *bare_ring_reply(const struct bare_ring *ring, uint32_t index);
/* All of that for one: as bare_ask(). */
int bare_ring_ask(struct bare_ring *ring, int fd, const union wire_request *request,
		  union wire_reply *ret_reply);

#endif
