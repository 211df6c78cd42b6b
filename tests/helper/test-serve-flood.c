/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Many at once, and one who sends anything. */
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

#include "shim/sys-internal.h"
#include "tests/helper/serve-kit.h"

#define POLICY "[alice]\nuser = 41000\nport = 0x70-0x71 rw\nmsr = 0x19c 0x199 rw\n"

enum {
	CLIENTS = 64,
	REQUESTS = SUITE_SANITIZED ? 200 : 2000,
	MESSAGES = SUITE_SANITIZED ? 3000 : 20000,
};

/* Each reply must be the one to its request, in order. */
static int asks_much(const struct daemon *daemon, void *context)
{
	union wire_request request;
	union wire_reply reply;
	int fd = bare_hello(daemon);

	(void)context;
	must(fd >= 0);
	for (uint32_t i = 0; i < REQUESTS; i += 8) {
		for (uint32_t n = i; n < i + 8; n++)
			must(sys_send_message(fd, &request, make_good(&request, n)) > 0);
		for (uint32_t n = i; n < i + 8; n++) {
			int none;

			must(sys_receive_message(fd, &reply, sizeof(reply), &none) > 0);
			must(reply.answer.head.sequence == n && reply.answer.code == 0);
		}
	}
	return 0;
}

START_TEST(many_clients_lose_nothing_and_keep_their_order)
{
	static const char *const many[] = { "--connections", "100", "--rate", "0", NULL };
	struct daemon daemon = { 0 };
	pid_t pids[CLIENTS];
	int before;

	daemon_start(&daemon, POLICY, many);
	before = daemon_fds(&daemon);
	for (int i = 0; i < CLIENTS; i++)
		pids[i] = as_user_begin(ALICE, asks_much, &daemon, NULL);
	for (int i = 0; i < CLIENTS; i++)
		ck_assert_int_eq(as_user_end(pids[i]), 0);
	ck_assert(daemon_has_fds(&daemon, before));
	daemon_stop(&daemon);
}
END_TEST

static uint64_t next(uint64_t *seed)
{
	*seed ^= *seed << 13;
	*seed ^= *seed >> 7;
	*seed ^= *seed << 17;
	return *seed;
}

/* Any operation, nearly right. */
static size_t spoil(union wire_request *request, uint64_t *seed)
{
	uint32_t steps = (uint32_t)(next(seed) % 4);
	enum hws_wire_op op = (enum hws_wire_op)(next(seed) % HWS_WIRE_OPS);
	size_t size = wire_begin(request, op, op == HWS_WIRE_RUN ? steps : 0, 1);
	uint64_t changes = next(seed) % 6;

	if (next(seed) % 2)
		size = make_good(request, 1);
	for (uint64_t i = 0; i < changes; i++)
		request->bytes[next(seed) % size] = (unsigned char)next(seed);
	return next(seed) % 16 ? size : next(seed) % sizeof(*request);
}

static int is_hostile(const struct daemon *daemon, void *context)
{
	uint64_t seed = *(uint64_t *)context;
	union wire_request request;
	unsigned char reply[8192];
	int fd = -1;

	for (int i = 0; i < MESSAGES; i++) {
		size_t size = spoil(&request, &seed);

		if (fd < 0)
			fd = bare_hello(daemon);
		must(fd >= 0);
		if (next(&seed) % 64 == 0) {
			fd = sys_close(fd);
			continue;
		}
		if (send(fd, &request, size, MSG_NOSIGNAL) < 0 ||
		    (next(&seed) % 8 && recv(fd, reply, sizeof(reply), 0) <= 0))
			fd = sys_close(fd);
	}
	sys_close(fd);
	return 0;
}

START_TEST(hostile_messages_cost_the_helper_nothing)
{
	static const char *const any[] = { "--rate", "0", NULL };
	struct daemon daemon = { 0 };
	long kilobytes;
	int before;

	daemon_start(&daemon, POLICY, any);
	ck_assert_int_eq(as_user(ALICE, is_served, &daemon, NULL), 0);
	before = daemon_fds(&daemon);
	kilobytes = daemon_kilobytes(&daemon);
	for (uint64_t seed = 1; seed <= 2; seed++) {
		uint64_t own = seed * 0x9e3779b97f4a7c15u;
		pid_t pid = as_user_begin(BOB, is_hostile, &daemon, &own);

		for (int i = 0; i < 10; i++)
			ck_assert_int_eq(as_user(ALICE, is_served, &daemon, NULL), 0);
		ck_assert_int_eq(as_user(ALICE, is_hostile, &daemon, &own), 0);
		ck_assert_int_eq(as_user_end(pid), 0);
	}
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
	return suite_run("helper/serve-flood",
			 (const TTest *[]) {
				 many_clients_lose_nothing_and_keep_their_order,
				 hostile_messages_cost_the_helper_nothing,
				 NULL,
			 });
}
