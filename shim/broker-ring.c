/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Requests by shared memory: no message is made, copied or taken apart by the kernel. */
#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/mman.h>

#include "shim/broker-internal.h"
#include "shim/sys-internal.h"
#include "shim/why-internal.h"

enum {
	RUNS_BEFORE = 1,      /* who asks but once needs none */
	SLICE_NS = 100000000, /* so often it is looked whether the helper is still there … */
};
#define PATIENCE_NS UINT64_C(30000000000) /* … and no longer than this, as for messages */

/* A step of asking for one; its descriptor, or -errno. */
static int share(struct broker *broker, uint32_t start)
{
	struct hws_wire_share *ask = broker_put(broker, HWS_WIRE_RING, 0);
	const struct hws_wire_shared *told = wire_reply_body(&broker->reply);
	int fd = -1;
	int r;

	*ask = (struct hws_wire_share) { .start = start };
	r = broker_ask(broker, &fd);
	if (r == 0 &&
	    (fd < 0 || told->size != sizeof(struct hws_wire_ring) || told->slots != HWS_WIRE_SLOTS))
		r = -EPROTO;
	if (r == 0)
		return fd;
	sys_close(fd);
	return r;
}

/* The file must be as large as it is said to be; a child of fork() is not to have it. */
static int map(int fd, struct hws_wire_ring **ret_ring)
{
	const size_t size = sizeof(**ret_ring);
	struct stat stat;
	void *address;
	int r = sys_fstat(fd, &stat);

	if (r == 0 && ((uint64_t)stat.st_size < size || sys_seals(fd) < 0))
		r = -EPROTO;
	r = r < 0 ? r : sys_mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0, &address);
	if (r < 0)
		return r;
	r = sys_madvise(address, size, MADV_DONTFORK);
	if (r < 0)
		sys_munmap(address, size);
	else
		*ret_ring = address;
	return r;
}

static int open_ring(struct broker *broker)
{
	HWS_CLEANUP_FD int memory = share(broker, 0);
	struct hws_wire_ring *ring;
	int doorbell;
	int r = memory < 0 ? memory : map(memory, &ring);

	if (r < 0)
		return r;
	doorbell = share(broker, 1);
	if (doorbell < 0)
		sys_munmap(ring, sizeof(*ring));
	else
		broker->ring = (struct broker_ring) { ring, doorbell, 0 };
	return doorbell < 0 ? doorbell : 0;
}

/* Whatever comes of it, requests can be asked: with a ring, or by messages as before. */
void broker_ring_prepare(struct broker *broker)
{
	if (broker->version >= 2 && broker->runs++ == RUNS_BEFORE)
		(void)open_ring(broker);
}

void broker_ring_close(struct broker *broker)
{
	/* in a child of fork() it isn't there */
	if (broker->ring.shared && broker->pid == sys_pid())
		sys_munmap(broker->ring.shared, sizeof(*broker->ring.shared));
	broker->ring.doorbell = sys_close(broker->ring.doorbell);
	broker->ring.shared = NULL;
}

/*
 * Is the helper still there, and is there time left? By the clock: a handler of the program's may
 * end each wait early. 1; 0: it is gone; -errno.
 */
static int look(const struct broker *broker, uint64_t *deadline)
{
	uint64_t now;
	int r = sys_clock(CLOCK_MONOTONIC, &now);

	if (r < 0)
		return r;
	if (*deadline == 0)
		*deadline = now + PATIENCE_NS;
	if (sys_poll_one(broker->fd, POLLIN) != 0)
		return 0;
	return now < *deadline ? 1 : -EAGAIN;
}

/* Until that many are answered. 1; 0: the helper is gone; -errno. */
static int wait_for(const struct broker *broker, struct hws_wire_ring *shared, uint32_t answers)
{
	/* acquire: pairs with the helper's release; the reply is there */
	uint32_t seen = __atomic_load_n(&shared->answered, __ATOMIC_ACQUIRE);
	uint64_t deadline = 0; /* from the first look on */

	/* the helper looks after it has answered; relaxed: the futex compares again */
	__atomic_store_n(&shared->waits, 1, __ATOMIC_RELAXED);
	while (seen != answers) {
		int r = sys_futex_wait_shared(&shared->answered, seen, SLICE_NS);

		seen = __atomic_load_n(&shared->answered, __ATOMIC_ACQUIRE); /* as above */
		if (seen == answers || (r != -ETIMEDOUT && r != -EINTR))
			continue;
		r = look(broker, &deadline);
		if (r <= 0)
			return r;
	}
	__atomic_store_n(&shared->waits, 0, __ATOMIC_RELAXED); /* a needless wake does no harm */
	return 1;
}

ssize_t broker_ring_ask(struct broker *broker)
{
	struct broker_ring *ring = &broker->ring;
	struct hws_wire_ring *shared = ring->shared;
	struct hws_wire_slot *slot = &shared->slots[ring->asked % HWS_WIRE_SLOTS];
	size_t size = wire_reply_size(&broker->request);
	int r;

	memcpy(slot->request, &broker->request, broker->request.head.size);
	/* seq_cst: pairs with ring_rest() there; it sees this, or we see that it sleeps */
	__atomic_store_n(&shared->asked, ++ring->asked, __ATOMIC_SEQ_CST);
	if (!__atomic_load_n(&shared->awake, __ATOMIC_SEQ_CST))
		sys_eventfd_ring(ring->doorbell);
	r = wait_for(broker, shared, ring->asked);
	if (r <= 0)
		return r;
	memcpy(&broker->reply, slot->reply, size);
	return (ssize_t)size;
}
