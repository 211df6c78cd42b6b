/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Many at once, and one who sends anything. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "shim/sys-internal.h"
#include "tests/helper/hostile.h"
#include "tests/helper/ring-kit.h"

#define POLICY                                                               \
	"[alice]\nuser = 41000\nport = 0x70-0x71 rw\nmsr = 0x19c 0x199 rw\n" \
	"pci = 1234:11e8 r\nbar = 1234:11e8 0 rw\n"

enum {
	CLIENTS = 64,
	REQUESTS = SUITE_SANITIZED ? 400 : 10000,
	IN_FLIGHT = 16,
	MESSAGES = SUITE_SANITIZED ? 20000 : 1000000,
};

/* Each reply must be the one to its request, in order. */
static int asks_much(const struct daemon *daemon, void *context)
{
	union wire_request request;
	union wire_reply reply;
	int fd = bare_hello(daemon);

	(void)context;
	must(fd >= 0);
	for (uint32_t i = 0; i < REQUESTS; i += IN_FLIGHT) {
		for (uint32_t n = i; n < i + IN_FLIGHT; n++)
			must(sys_send_message(fd, &request, make_good(&request, n)) > 0);
		for (uint32_t n = i; n < i + IN_FLIGHT; n++) {
			int none;

			must(sys_receive_message(fd, &reply, sizeof(reply), &none) > 0);
			must(reply.answer.head.sequence == n && reply.answer.code == 0);
		}
	}
	return 0;
}

static int asks_much_by_ring(const struct daemon *daemon, void *context)
{
	union wire_request request;
	struct bare_ring ring;
	int fd = bare_hello(daemon);

	(void)context;
	must(fd >= 0 && bare_ring_open(fd, &ring) == 0);
	for (uint32_t i = 0; i < REQUESTS; i++) {
		make_good(&request, i);
		bare_ring_put(&ring, &request);
		bare_ring_kick(&ring);
		/* the slot of the next one must be free: its reply was looked at */
		if (i + 1 < HWS_WIRE_SLOTS)
			continue;
		must(bare_ring_wait(&ring, fd, i + 2 - HWS_WIRE_SLOTS));
		must(bare_ring_reply(&ring, i + 1)->answer.head.sequence == i + 1 - HWS_WIRE_SLOTS);
		must(bare_ring_reply(&ring, i + 1)->answer.code == 0);
	}
	must(bare_ring_wait(&ring, fd, REQUESTS));
	for (uint32_t i = REQUESTS - HWS_WIRE_SLOTS; i < REQUESTS; i++)
		must(bare_ring_reply(&ring, i)->answer.head.sequence == i);
	bare_ring_close(&ring);
	return 0;
}

START_TEST(many_clients_lose_nothing_and_keep_their_order)
{
	static const char *const many[] = { "--connections", "100", "--rings", "32",
					    "--rate",	     "0",   NULL };
	struct daemon daemon = { 0 };
	pid_t pids[CLIENTS];
	int before;

	daemon_start(&daemon, POLICY, many);
	before = daemon_fds(&daemon);
	for (int i = 0; i < CLIENTS; i++)
		pids[i] =
			as_user_begin(ALICE, i % 2 ? asks_much : asks_much_by_ring, &daemon, NULL);
	for (int i = 0; i < CLIENTS; i++)
		ck_assert_int_eq(as_user_end(pids[i]), 0);
	ck_assert(daemon_has_fds(&daemon, before));
	daemon_stop(&daemon);
}
END_TEST

/* One who is neither of them, and gets an answer. */
static int is_told(const struct daemon *daemon, void *context)
{
	union wire_request request;
	union wire_reply reply;
	int fd = bare_hello(daemon);

	(void)context;
	must(fd >= 0);
	make_good(&request, 1);
	must(bare_ask(fd, &request, &reply) == -EACCES);
	sys_close(fd);
	return 0;
}

static int is_hostile(const struct daemon *daemon, void *context)
{
	must(hostile_run(daemon->socket, *(uint64_t *)context, MESSAGES / 2) == 0);
	return 0;
}

/* A million in all, of one who may do some things and one who may do nothing. */
START_TEST(hostile_messages_and_rings_cost_the_helper_nothing)
{
	static const char *const any[] = { "--rate", "0", "--mapped", "100000", NULL };
	static const uid_t users[] = { ALICE, BOB };
	struct daemon daemon = { 0 };
	pid_t pids[2];
	long kilobytes;
	int before;

	daemon_start(&daemon, POLICY, any);
	ck_assert_int_eq(as_user(ALICE, is_served, &daemon, NULL), 0);
	before = daemon_fds(&daemon);
	kilobytes = daemon_kilobytes(&daemon);
	for (uint64_t i = 0; i < 2; i++) {
		uint64_t seed = (i + 1) * 0x9e3779b97f4a7c15u;

		pids[i] = as_user_begin(users[i], is_hostile, &daemon, &seed);
	}
	for (int i = 0; i < 10; i++)
		ck_assert_int_eq(as_user(CAROL, is_told, &daemon, NULL), 0);
	for (int i = 0; i < 2; i++)
		ck_assert_int_eq(as_user_end(pids[i]), 0);
	ck_assert(daemon_has_fds(&daemon, before));
	/* the trail's ring fills up, and no more */
	if (!SUITE_SANITIZED)
		ck_assert_int_lt(daemon_kilobytes(&daemon), kilobytes + 8192);
	ck_assert_int_eq(as_user(ALICE, is_served, &daemon, NULL), 0);
	daemon_stop(&daemon);
}
END_TEST

int main(void)
{
	return suite_run_for("helper/serve-flood",
			     (const TTest *[]) {
				     many_clients_lose_nothing_and_keep_their_order,
				     hostile_messages_and_rings_cost_the_helper_nothing,
				     NULL,
			     },
			     240);
}
