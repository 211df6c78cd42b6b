/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Rings: requests in memory that a peer shares. Its words may be anything, and change while they
 * are looked at: nothing is done with them but to copy a request out, and to compare one counter.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/futex.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "helper/serve.h"
#include "shim/why-internal.h"

#ifndef MFD_NOEXEC_SEAL
#define MFD_NOEXEC_SEAL 8u /* Linux 6.3 */
#endif
#ifndef F_SEAL_FUTURE_WRITE
#define F_SEAL_FUTURE_WRITE 16
#endif
#ifndef MADV_POPULATE_WRITE
#define MADV_POPULATE_WRITE 23
#endif

enum { SIZE = sizeof(struct hws_wire_ring) };

static int make_memory(void)
{
	const unsigned int flags = MFD_CLOEXEC | MFD_ALLOW_SEALING;
	HWS_CLEANUP_FD int fd = memfd_create("hwsafe-ring", flags | MFD_NOEXEC_SEAL);

	if (fd < 0)
		fd = memfd_create("hwsafe-ring", flags);
	/* from here on no page of the file lies behind its end */
	if (fd < 0 || ftruncate(fd, SIZE) < 0 ||
	    fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW) < 0)
		return -errno;
	return HWS_TAKE_FD(fd);
}

static int duplicate(int fd, int *ret_fd)
{
	*ret_fd = fcntl(fd, F_DUPFD_CLOEXEC, 3);
	return *ret_fd < 0 ? -errno : 0;
}

/* Charged to the user until the connection ends. */
static int make(struct server *server, struct peer *peer, int *ret_fd)
{
	struct account *account = peer->account;
	struct peer_ring *ring = &peer->ring;
	void *address;
	int r;

	if (ring->shared)
		return why(-EALREADY, "the program has a ring");
	if (account->rings >= server->options->rings)
		return why(server->options->rings ? -EDQUOT : -EOPNOTSUPP,
			   "uid %u may have %u rings at once: --rings", peer->uid,
			   server->options->rings);
	ring->memory = make_memory();
	r = ring->memory < 0 ? ring->memory
			     : sys_mmap(NULL, SIZE, PROT_READ | PROT_WRITE, MAP_SHARED,
					ring->memory, 0, &address);
	if (r == 0) {
		ring->shared = address;
		account->rings++;
		r = duplicate(ring->memory, ret_fd);
	}
	if (r < 0)
		ring_end(server, peer);
	return r < 0 ? why(r, "no memory for a ring: %s", strerror(-r)) : 0;
}

/*
 * The peer has mapped it: now that nobody can take pages out, all are there to stay, and reading
 * one can't fail. Seals that the peer has set itself, and that are in the way, end its ring.
 */
static int close_memory(struct peer_ring *ring)
{
	int r = 0;

	if (fcntl(ring->memory, F_ADD_SEALS, F_SEAL_FUTURE_WRITE | F_SEAL_SEAL) < 0 ||
	    madvise(ring->shared, SIZE, MADV_POPULATE_WRITE) < 0)
		r = -errno;
	ring->memory = sys_close(ring->memory);
	return r;
}

static int start(struct server *server, struct peer *peer, int *ret_fd)
{
	struct peer_ring *ring = &peer->ring;
	int r;

	if (!ring->shared || ring->doorbell >= 0)
		return why(-EINVAL, "no ring waits to be started");
	r = close_memory(ring);
	if (r == 0) {
		memset(ring->shared, 0, SIZE);
		ring->doorbell = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
		r = ring->doorbell < 0 ? -errno : 0;
	}
	/* edge: each ring is an event, and the count in it is the peer's to spoil */
	r = r < 0 ? r
		  : serve_watch(server->poller, ring->doorbell, EPOLLIN | EPOLLET,
				(char *)peer + SERVE_TAG_RING);
	r = r < 0 ? r : duplicate(ring->doorbell, ret_fd);
	if (r < 0)
		ring_end(server, peer);
	return r < 0 ? why(r, "the ring can't be started: %s", strerror(-r)) : 0;
}

int ring_share(struct server *server, struct peer *peer, bool begin, int *ret_fd)
{
	return begin ? start(server, peer, ret_fd) : make(server, peer, ret_fd);
}

static void set_busy(struct server *server, struct peer_ring *ring, bool busy)
{
	server->busy += (uint32_t)busy - (uint32_t)ring->busy;
	ring->busy = busy;
}

void ring_end(struct server *server, struct peer *peer)
{
	struct peer_ring *ring = &peer->ring;

	set_busy(server, ring, false);
	/* the peer has the doorbell as well: closing ours alone would leave it in the poller */
	if (ring->doorbell >= 0)
		(void)epoll_ctl(server->poller, EPOLL_CTL_DEL, ring->doorbell, NULL);
	ring->doorbell = sys_close(ring->doorbell);
	ring->memory = sys_close(ring->memory);
	if (!ring->shared)
		return;
	sys_munmap(ring->shared, SIZE);
	ring->shared = NULL;
	peer->account->rings--;
}

void ring_doorbell(struct server *server, struct peer *peer)
{
	if (peer->ring.doorbell < 0)
		return;
	set_busy(server, &peer->ring, true);
	pace_due(server, server->now);
}

/* How many wait; any number may stand there. */
static uint32_t waiting(const struct peer_ring *ring)
{
	/* acquire: pairs with the peer's store; the requests are there. See rest() for seq_cst */
	return __atomic_load_n(&ring->shared->asked, __ATOMIC_SEQ_CST) - ring->answered;
}

/* False: the peer is gone. */
static bool answer_one(struct server *server, struct peer *peer)
{
	struct peer_ring *ring = &peer->ring;
	struct hws_wire_slot *slot = &ring->shared->slots[ring->answered % HWS_WIRE_SLOTS];
	size_t size = wire_take(slot, &server->request);
	int none;

	if (!peer_answer(server, peer, size, true, &none))
		return false;
	memcpy(slot->reply, &server->reply, server->reply.answer.head.size);
	ring->answered++;
	/* release: pairs with who waits for it; the reply is there. See wake() for seq_cst */
	__atomic_store_n(&ring->shared->answered, ring->answered, __ATOMIC_SEQ_CST);
	return true;
}

/* The peer sets that it waits, then looks whether it must: one of the two sees the other. */
static void wake(const struct peer_ring *ring)
{
	if (__atomic_load_n(&ring->shared->waits, __ATOMIC_SEQ_CST))
		(void)syscall(SYS_futex, &ring->shared->answered, FUTEX_WAKE, INT32_MAX, NULL, NULL,
			      0);
}

/* Nothing waits: from now on the doorbell is needed, but for what came until it was said so. */
static void rest(struct server *server, struct peer_ring *ring)
{
	/* seq_cst, with the load: the peer sees this, or we see what it has put */
	__atomic_store_n(&ring->shared->awake, 0, __ATOMIC_SEQ_CST);
	if (waiting(ring) == 0)
		set_busy(server, ring, false);
}

/* As much as its user still has in this turn; false: the peer is gone. */
static bool answer_some(struct server *server, struct peer *peer)
{
	uint32_t count;

	while ((count = waiting(&peer->ring)) > 0 && account_turn(server, peer->account)) {
		if (count > 1)
			pace_ahead(server, peer->account);
		if (count > HWS_WIRE_SLOTS) {
			peer_end(server, peer, "dropped: its ring holds more than it can");
			return false;
		}
		if (!answer_one(server, peer))
			return false;
	}
	return true;
}

static void serve_ring(struct server *server, struct peer *peer)
{
	struct peer_ring *ring = &peer->ring;
	uint32_t before = ring->answered;

	if (!pace_allows(server, peer->account))
		return;
	/* relaxed: only spares a doorbell */
	__atomic_store_n(&ring->shared->awake, 1, __ATOMIC_RELAXED);
	if (!answer_some(server, peer))
		return;
	if (ring->answered != before)
		wake(ring);
	if (waiting(ring) == 0)
		rest(server, ring);
	if (ring->busy)
		pace_due(server, server->now);
}

static void serve_from(struct server *server, uint32_t first, uint32_t end)
{
	struct peer *peer = server->peers;

	for (uint32_t i = 0; peer && i < end; i++, peer = peer->next) {
		if (i >= first && peer->ring.busy && !peer->gone)
			serve_ring(server, peer);
	}
}

void rings_serve(struct server *server)
{
	/* another one begins each time: of a user's rings none has all that is the user's */
	uint32_t first = server->peer_count ? (uint32_t)server->turn % server->peer_count : 0;

	if (!server->busy)
		return;
	serve_from(server, first, UINT32_MAX);
	serve_from(server, 0, first);
}
