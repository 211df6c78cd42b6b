/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "tests/helper/ring-kit.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "shim/sys-internal.h"

enum { SIZE = sizeof(struct hws_wire_ring), SLICES = 2000, SLICE_NS = 10000000 };

int bare_share(int fd, uint32_t start)
{
	union wire_request request;
	union wire_reply reply;
	struct hws_wire_share *share = (void *)(request.bytes + sizeof(request.head));
	int got = -1;
	ssize_t r;

	wire_begin(&request, HWS_WIRE_RING, 0, 1);
	share->start = start;
	r = sys_send_message(fd, &request, request.head.size);
	if (r > 0)
		r = sys_receive_message(fd, &reply, sizeof(reply), &got);
	if (r <= 0 || wire_check_reply(&request, &reply, (size_t)r) < 0)
		return -EIO;
	return reply.answer.code < 0 ? reply.answer.code : got;
}

int bare_ring_open(int fd, struct bare_ring *ret_ring)
{
	struct bare_ring ring = { .memory = bare_share(fd, 0) };
	void *address;

	if (ring.memory < 0)
		return ring.memory;
	must(sys_mmap(NULL, SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, ring.memory, 0, &address) ==
	     0);
	ring.shared = address;
	ring.doorbell = bare_share(fd, 1);
	if (ring.doorbell < 0) {
		sys_munmap(ring.shared, SIZE);
		sys_close(ring.memory);
		return ring.doorbell;
	}
	*ret_ring = ring;
	return 0;
}

void bare_ring_close(struct bare_ring *ring)
{
	sys_munmap(ring->shared, SIZE);
	sys_close(ring->memory);
	sys_close(ring->doorbell);
}

void bare_ring_put(struct bare_ring *ring, const union wire_request *request)
{
	memcpy(ring->shared->slots[ring->asked++ % HWS_WIRE_SLOTS].request, request,
	       request->head.size);
}

void bare_ring_kick(struct bare_ring *ring)
{
	/* seq_cst: as the library, see shim/broker-ring.c */
	__atomic_store_n(&ring->shared->asked, ring->asked, __ATOMIC_SEQ_CST);
	if (!__atomic_load_n(&ring->shared->awake, __ATOMIC_SEQ_CST))
		sys_eventfd_ring(ring->doorbell);
}

bool bare_ring_wait(struct bare_ring *ring, int fd, uint32_t answers)
{
	uint32_t *answered = &ring->shared->answered;

	__atomic_store_n(&ring->shared->waits, 1, __ATOMIC_RELAXED);
	for (int slices = 0; slices < SLICES;) {
		/* acquire: pairs with the helper's release */
		uint32_t seen = __atomic_load_n(answered, __ATOMIC_ACQUIRE);

		if ((int32_t)(seen - answers) >= 0)
			return true;
		if (sys_futex_wait_shared(answered, seen, SLICE_NS) == -ETIMEDOUT) {
			if (sys_poll_one(fd, POLLIN) != 0)
				return false;
			slices++;
		}
	}
	return false;
}

const union wire_reply *bare_ring_reply(const struct bare_ring *ring, uint32_t index)
{
	return (const void *)ring->shared->slots[index % HWS_WIRE_SLOTS].reply;
}

int bare_ring_ask(struct bare_ring *ring, int fd, const union wire_request *request,
		  union wire_reply *ret_reply)
{
	bare_ring_put(ring, request);
	bare_ring_kick(ring);
	if (!bare_ring_wait(ring, fd, ring->asked))
		return -EIO;
	memcpy(ret_reply, bare_ring_reply(ring, ring->asked - 1), wire_reply_size(request));
	if (wire_check_reply(request, ret_reply, wire_reply_size(request)) < 0)
		return -EIO;
	return ret_reply->answer.code;
}
