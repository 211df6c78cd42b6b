/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "tests/helper/hostile.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>

#include "shim/sys-internal.h"

enum { SIZE = sizeof(struct hws_wire_ring), BURST = 16, SECONDS = 20, PATIENCE_NS = 1000000 };

struct enemy {
	const char *socket;
	uint64_t seed;
	uint64_t left; /* requests that are still to be answered */
	uint32_t unread;
	int fd;
	struct hws_wire_ring *ring; /* NULL: none */
	int doorbell;
	uint32_t asked;
};

uint64_t hostile_next(uint64_t *seed)
{
	*seed ^= *seed << 13;
	*seed ^= *seed >> 7;
	*seed ^= *seed << 17;
	return *seed;
}

static uint64_t pick(uint64_t *seed, uint64_t count)
{
	return hostile_next(seed) % count;
}

static struct hws_wire_bdf some_function(uint64_t *seed)
{
	return (struct hws_wire_bdf) { .device = (uint8_t)pick(seed, 8) };
}

static void make_step(struct hws_wire_step *step, uint64_t *seed)
{
	static const uint16_t ports[] = { 0x70, 0x71, 0x60, 0x3f8, 0xfff8 };
	static const uint32_t msrs[] = { 0x19c, 0x199, 0x1b, 0x610, UINT32_MAX };
	uint64_t kind = pick(seed, 4);
	uint64_t ones;

	*step = (struct hws_wire_step) { .kind = (uint8_t)kind,
					 .verb = (uint8_t)pick(seed, HWS_WIRE_VERBS),
					 .width = (uint8_t)(kind == 1 ? 8 : 1u << pick(seed, 3)) };
	ones = step->width < 8 ? (UINT64_C(1) << 8 * step->width) - 1 : UINT64_MAX;
	if (kind >= 2)
		step->bdf = some_function(seed);
	step->at = kind == 0   ? ports[pick(seed, 5)]
		   : kind == 1 ? msrs[pick(seed, 5)]
			       : pick(seed, 0x200) * step->width;
	if (step->verb != HWS_WIRE_READ)
		step->value = hostile_next(seed) & ones;
	if (step->verb == HWS_WIRE_UPDATE) {
		step->mask = hostile_next(seed) & ones;
		step->value &= step->mask;
	}
}

static void make_run(union wire_request *request, uint64_t *seed)
{
	uint32_t count = pick(seed, 32) ? 1 + (uint32_t)pick(seed, 4) : HWS_WIRE_STEPS;
	struct hws_wire_run *run = (void *)(request->bytes + sizeof(request->head));
	struct hws_wire_step *steps = (void *)(run + 1);

	wire_begin(request, HWS_WIRE_RUN, count, (uint32_t)hostile_next(seed));
	*run = (struct hws_wire_run) { count, (uint32_t)pick(seed, 2) };
	for (uint32_t i = 0; i < count; i++)
		make_step(&steps[i], seed);
}

static void fill(union wire_request *request, uint64_t *seed)
{
	void *body = request->bytes + sizeof(request->head);
	uint32_t rights = 1 + (uint32_t)pick(seed, 3);

	switch ((enum hws_wire_op)request->head.op) {
	case HWS_WIRE_NEXT:
		*(struct hws_wire_next *)body =
			(struct hws_wire_next) { some_function(seed), 0, 0 };
		break;
	case HWS_WIRE_PORTS:
		*(struct hws_wire_ports *)body =
			(struct hws_wire_ports) { (uint32_t)pick(seed, 0x80),
						  1 + (uint32_t)pick(seed, 4), rights, 0 };
		break;
	case HWS_WIRE_BAR:
		*(struct hws_wire_bar *)body =
			(struct hws_wire_bar) { some_function(seed), (uint32_t)pick(seed, 6),
						rights, pick(seed, 3) * 0x100,
						pick(seed, 3) * 0x100 };
		break;
	case HWS_WIRE_TXN:
		((struct hws_wire_txn *)body)->begin = (uint32_t)pick(seed, 2);
		break;
	case HWS_WIRE_RING:
		((struct hws_wire_share *)body)->start = (uint32_t)pick(seed, 2);
		break;
	case HWS_WIRE_CPUID:
		*(struct hws_wire_leaf *)body = (struct hws_wire_leaf) { (uint32_t)pick(seed, 0x20),
									 (uint32_t)pick(seed, 4) };
		break;
	case HWS_WIRE_INFO:
		*(struct hws_wire_bdf *)body = some_function(seed);
		break;
	case HWS_WIRE_HOLD:
		*(struct hws_wire_hold *)body =
			(struct hws_wire_hold) { some_function(seed),
						 (uint32_t)pick(seed, HWS_HOLD_FDS), 0 };
		break;
	case HWS_WIRE_HELLO:
	case HWS_WIRE_IDENTIFY:
	case HWS_WIRE_TOPOLOGY:
	case HWS_WIRE_RUN:
	case HWS_WIRE_RIGHTS:
	case HWS_WIRE_OPS:
		break;
	}
}

size_t hostile_request(union wire_request *request, uint64_t *seed)
{
	if (pick(seed, 8)) {
		make_run(request, seed);
	} else {
		uint64_t op = 1 + pick(seed, HWS_WIRE_OPS - 1);

		if (op == HWS_WIRE_RUN)
			op = HWS_WIRE_IDENTIFY;
		wire_begin(request, (enum hws_wire_op)op, 0, (uint32_t)hostile_next(seed));
		fill(request, seed);
	}
	return request->head.size;
}

/* What it was refused for, and what it will be. */
static void leave(struct enemy *enemy)
{
	if (enemy->ring)
		sys_munmap(enemy->ring, SIZE);
	enemy->ring = NULL;
	enemy->doorbell = sys_close(enemy->doorbell);
	enemy->fd = sys_close(enemy->fd);
	enemy->unread = 0;
}

/* The reply's code; @ret_fd: what came along. */
static int ask(const struct enemy *enemy, const union wire_request *request, int *ret_fd)
{
	union wire_reply reply;
	ssize_t r = sys_send_message(enemy->fd, request, request->head.size);

	if (r > 0)
		r = sys_receive_message(enemy->fd, &reply, sizeof(reply), ret_fd);
	return r <= 0 ? -EIO : reply.answer.code;
}

static int share(const struct enemy *enemy, uint32_t start)
{
	union wire_request request;
	int fd = -1;
	int r;

	wire_begin(&request, HWS_WIRE_RING, 0, 0);
	((struct hws_wire_share *)(request.bytes + sizeof(request.head)))->start = start;
	r = ask(enemy, &request, &fd);
	return r < 0 ? r : fd;
}

static void open_ring(struct enemy *enemy)
{
	HWS_CLEANUP_FD int memory = share(enemy, 0);
	void *address;

	if (memory < 0 ||
	    sys_mmap(NULL, SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, memory, 0, &address) < 0)
		return;
	enemy->ring = address;
	enemy->doorbell = share(enemy, 1);
	enemy->asked = 0;
}

static int come(struct enemy *enemy)
{
	union wire_request request;
	struct hws_wire_hello *hello = (void *)(request.bytes + sizeof(request.head));
	int none = -1;

	wire_begin(&request, HWS_WIRE_HELLO, 0, 0);
	*hello = (struct hws_wire_hello) { HWS_WIRE_OLDEST, HWS_WIRE_VERSION, 0 };
	enemy->fd = sys_message_socket(enemy->socket, SECONDS);
	if (enemy->fd < 0)
		return enemy->fd;
	if (ask(enemy, &request, &none) < 0) {
		leave(enemy); /* one of too many connections, it may be */
		return 0;
	}
	if (pick(&enemy->seed, 8))
		open_ring(enemy);
	return 0;
}

/* The replies; descriptors that come along are not kept. */
static void read_replies(struct enemy *enemy)
{
	while (enemy->fd >= 0 && enemy->unread > 0) {
		unsigned char bytes[sizeof(union wire_reply)];
		int fd;

		if (sys_receive_message(enemy->fd, bytes, sizeof(bytes), &fd) <= 0) {
			leave(enemy);
			return;
		}
		sys_close(fd);
		enemy->unread--;
		enemy->left -= enemy->left > 0;
	}
}

static size_t spoil(union wire_request *request, uint64_t *seed)
{
	size_t size = hostile_request(request, seed);

	for (uint64_t i = pick(seed, 6); i > 0; i--)
		request->bytes[pick(seed, size)] = (unsigned char)hostile_next(seed);
	return pick(seed, 16) ? size : (size_t)pick(seed, sizeof(*request));
}

static void send_burst(struct enemy *enemy)
{
	bool bad = pick(&enemy->seed, 200) == 0;

	for (int i = 0; i < BURST; i++) {
		union wire_request request;
		bool last = bad && i == BURST - 1;
		size_t size = last ? spoil(&request, &enemy->seed)
				   : hostile_request(&request, &enemy->seed);
		ssize_t r = sys_send(enemy->fd, &request, size);

		if (r == -EAGAIN) /* it wants its replies read first */
			break;
		if (r < 0) {
			leave(enemy);
			return;
		}
		enemy->unread++;
	}
	if (bad || pick(&enemy->seed, 8))
		read_replies(enemy);
}

/* Anywhere in the ring: requests, replies, counters. */
static void scribble(struct enemy *enemy)
{
	unsigned char *bytes = (unsigned char *)enemy->ring;
	uint64_t whole = pick(&enemy->seed, 8);

	for (int i = 0; i < 64; i++)
		bytes[pick(&enemy->seed, whole ? SIZE : 72)] =
			(unsigned char)hostile_next(&enemy->seed);
}

/* A round of the ring, mostly waited for: else it would only be dropped for running ahead. */
static void fill_ring(struct enemy *enemy)
{
	struct hws_wire_ring *ring = enemy->ring;
	bool bad = pick(&enemy->seed, 256) == 0;

	for (int i = 0; i < HWS_WIRE_SLOTS; i++) {
		union wire_request request;
		size_t size = hostile_request(&request, &enemy->seed);

		while (!wire_in_ring((enum hws_wire_op)request.head.op) && !bad)
			size = hostile_request(&request, &enemy->seed);
		memcpy(ring->slots[enemy->asked++ % HWS_WIRE_SLOTS].request, &request, size);
	}
	/* the words as the library uses them, see shim/broker-ring.c */
	__atomic_store_n(&ring->waits, 1, __ATOMIC_RELAXED);
	__atomic_store_n(&ring->asked, enemy->asked, __ATOMIC_SEQ_CST);
	if (bad)
		scribble(enemy);
	sys_eventfd_ring(enemy->doorbell);
	for (int waited = 0; waited < 1000; waited++) {
		uint32_t seen = __atomic_load_n(&ring->answered, __ATOMIC_ACQUIRE);

		if (seen == enemy->asked) {
			enemy->left -= enemy->left < HWS_WIRE_SLOTS ? enemy->left : HWS_WIRE_SLOTS;
			return;
		}
		if (sys_futex_wait_shared(&ring->answered, seen, PATIENCE_NS) == -ETIMEDOUT &&
		    (bad || sys_poll_one(enemy->fd, POLLIN) != 0))
			break;
	}
	leave(enemy);
}

int hostile_run(const char *socket, uint64_t seed, uint64_t requests)
{
	struct enemy enemy = {
		.socket = socket, .seed = seed, .left = requests, .fd = -1, .doorbell = -1
	};
	int r = 0;

	while (r == 0 && enemy.left > 0) {
		if (enemy.fd < 0)
			r = come(&enemy);
		else if (pick(&enemy.seed, 2048) == 0)
			leave(&enemy);
		else if (enemy.doorbell >= 0 && pick(&enemy.seed, 4))
			fill_ring(&enemy);
		else
			send_burst(&enemy);
	}
	leave(&enemy);
	return r;
}
