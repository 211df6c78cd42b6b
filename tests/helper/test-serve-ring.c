/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Requests by shared memory: the same as messages; and whoever spoils it spoils it for itself. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "shim/sys-internal.h"
#include "tests/helper/ring-kit.h"

#define POLICY                                         \
	"[alice]\nuser = 41000\nport = 0x70-0x71 rw\n" \
	"msr = 0x19c r\nmsr = 0x199 rw\npci = 1234:11e8 r\n"

enum { SIZE = sizeof(struct hws_wire_ring), FLIPS = SUITE_SANITIZED ? 2000 : 20000 };

/* Any request that has no effect that could be seen the second time. */
static void make_some(union wire_request *request, uint32_t which, uint32_t sequence)
{
	void *body = request->bytes + sizeof(request->head);
	struct hws_wire_step *step = (void *)((char *)body + sizeof(struct hws_wire_run));

	switch (which) {
	case 0:
		wire_begin(request, HWS_WIRE_IDENTIFY, 0, sequence);
		break;
	case 1:
		wire_begin(request, HWS_WIRE_NEXT, 0, sequence);
		((struct hws_wire_next *)body)->first = 1;
		break;
	case 2:
		wire_begin(request, HWS_WIRE_PORTS, 0, sequence);
		*(struct hws_wire_ports *)body = (struct hws_wire_ports) { 0x60, 2, HWS_R, 0 };
		break;
	case 3:
		wire_begin(request, HWS_WIRE_TXN, 0, sequence); /* none is open: refused */
		break;
	default:
		make_good(request, sequence);
		step->at = which == 4 ? 0x19c : 0x1b;
		break;
	}
}

static int asks_both_ways(const struct daemon *daemon, void *context)
{
	struct bare_ring ring;
	int fd = bare_hello(daemon);

	(void)context;
	must(fd >= 0 && bare_ring_open(fd, &ring) == 0);
	for (uint32_t which = 0; which < 6; which++) {
		union wire_request request;
		union wire_reply one = { 0 };
		union wire_reply other = { 0 };

		make_some(&request, which, which);
		must(bare_ask(fd, &request, &one) == bare_ring_ask(&ring, fd, &request, &other));
		must(!memcmp(&one, &other, wire_reply_size(&request)));
	}
	bare_ring_close(&ring);
	return 0;
}

START_TEST(ring_answers_as_messages_are_answered)
{
	struct daemon daemon = { 0 };

	daemon_start(&daemon, POLICY, NULL);
	ck_assert_int_eq(as_user(ALICE, asks_both_ways, &daemon, NULL), 0);
	ck_assert_int_eq(as_user(BOB, asks_both_ways, &daemon, NULL), 0);
	daemon_stop(&daemon);
}
END_TEST

static int wraps(const struct daemon *daemon, void *context)
{
	struct bare_ring ring;
	union wire_request request;
	int fd = bare_hello(daemon);

	(void)context;
	must(fd >= 0 && bare_ring_open(fd, &ring) == 0);
	for (uint32_t i = 0; i < HWS_WIRE_SLOTS; i++) {
		/* one wake-up for all; then for a part */
		uint32_t count = i % 2 ? HWS_WIRE_SLOTS : i;
		uint32_t first = ring.asked;

		for (uint32_t n = 0; n < count; n++) {
			make_good(&request, first + n);
			bare_ring_put(&ring, &request);
		}
		bare_ring_kick(&ring);
		must(bare_ring_wait(&ring, fd, ring.asked));
		for (uint32_t n = first; n < ring.asked; n++) {
			const union wire_reply *reply = bare_ring_reply(&ring, n);

			must(reply->answer.head.sequence == n && reply->answer.code == 0);
		}
	}
	bare_ring_close(&ring);
	return 0;
}

START_TEST(ring_takes_a_whole_round_at_once)
{
	struct daemon daemon = { 0 };

	daemon_start(&daemon, POLICY, NULL);
	ck_assert_int_eq(as_user(ALICE, wraps, &daemon, NULL), 0);
	daemon_stop(&daemon);
}
END_TEST

/* The memory can't be taken from under the helper once it reads it, nor changed by strangers. */
static int tampers(const struct daemon *daemon, void *context)
{
	const int punch = FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE;
	struct bare_ring ring;
	union wire_request request;
	union wire_reply reply;
	int fd = bare_hello(daemon);

	(void)context;
	must(fd >= 0 && bare_ring_open(fd, &ring) == 0);
	must(ftruncate(ring.memory, 0) < 0 && errno == EPERM);
	must(ftruncate(ring.memory, 2 * SIZE) < 0 && errno == EPERM);
	must(fallocate(ring.memory, punch, 0, SIZE) < 0 && errno == EPERM);
	must(madvise(ring.shared, SIZE, MADV_REMOVE) < 0);
	must(mmap(NULL, SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, ring.memory, 0) == MAP_FAILED);
	must(pwrite(ring.memory, "", 1, 0) < 0 && errno == EPERM);
	must(fcntl(ring.memory, F_ADD_SEALS, F_SEAL_WRITE) < 0 && errno == EPERM);
	make_good(&request, 1);
	must(bare_ring_ask(&ring, fd, &request, &reply) == 0);
	must(bare_share(fd, 0) == -EALREADY && bare_share(fd, 1) == -EINVAL);
	/* and goes on without the descriptors */
	must(bare_ring_ask(&ring, fd, &request, &reply) == 0);
	bare_ring_close(&ring);
	return 0;
}

/* Before it is started the memory is the peer's to spoil; then there is no ring. */
static int spoils_before(const struct daemon *daemon, void *context)
{
	static const int seals[] = { F_SEAL_SEAL, F_SEAL_FUTURE_WRITE | F_SEAL_SEAL };
	union wire_request request;
	union wire_reply reply;

	(void)context;
	make_good(&request, 1);
	for (size_t i = 0; i < sizeof(seals) / sizeof(seals[0]); i++) {
		int fd = bare_hello(daemon);
		int memory;

		must(fd >= 0 && bare_share(fd, 1) == -EINVAL);
		memory = bare_share(fd, 0);
		must(memory >= 0 && bare_share(fd, 0) == -EALREADY);
		must(fcntl(memory, F_ADD_SEALS, F_SEAL_WRITE) < 0 && errno == EBUSY);
		must(fallocate(memory, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0, SIZE) == 0);
		must(fcntl(memory, F_ADD_SEALS, seals[i]) == 0);
		must(bare_share(fd, 1) == -EPERM);
		/* messages go on; and it may try again */
		must(bare_ask(fd, &request, &reply) == 0);
		sys_close(memory);
		memory = bare_share(fd, 0);
		must(memory >= 0);
		sys_close(memory);
		sys_close(fd);
	}
	return 0;
}

START_TEST(ring_memory_is_sealed_before_it_is_read)
{
	struct daemon daemon = { 0 };
	int before;

	daemon_start(&daemon, POLICY, NULL);
	before = daemon_fds(&daemon);
	ck_assert_int_eq(as_user(ALICE, tampers, &daemon, NULL), 0);
	ck_assert_int_eq(as_user(ALICE, spoils_before, &daemon, NULL), 0);
	ck_assert(daemon_has_fds(&daemon, before));
	ck_assert_int_eq(as_user(ALICE, is_served, &daemon, NULL), 0);
	daemon_stop(&daemon);
}
END_TEST

static void is_dropped_for(const struct daemon *daemon, const union wire_request *request,
			   uint32_t ahead)
{
	struct bare_ring ring;
	int fd = bare_hello(daemon);

	must(fd >= 0 && bare_ring_open(fd, &ring) == 0);
	bare_ring_put(&ring, request);
	ring.asked += ahead;
	bare_ring_kick(&ring);
	must(bare_dropped(fd));
	bare_ring_close(&ring);
}

static int sends_nonsense(const struct daemon *daemon, void *context)
{
	static const enum hws_wire_op not_here[] = { HWS_WIRE_HELLO, HWS_WIRE_BAR, HWS_WIRE_RING };
	union wire_request request;
	struct hws_wire_bar *bar = (void *)(request.bytes + sizeof(request.head));

	(void)context;
	make_good(&request, 1);
	is_dropped_for(daemon, &request, HWS_WIRE_SLOTS);
	is_dropped_for(daemon, &request, UINT32_MAX / 2);
	is_dropped_for(daemon, &request, (uint32_t)-2); /* back */
	for (size_t i = 0; i < 3; i++) {
		wire_begin(&request, not_here[i], 0, 1);
		if (not_here[i] == HWS_WIRE_BAR)
			bar->rights = HWS_R;
		request.head.version = HWS_WIRE_VERSION;
		is_dropped_for(daemon, &request, 0);
	}
	memset(&request, 0, sizeof(request));
	request.head.size = 16;
	is_dropped_for(daemon, &request, 0);
	make_good(&request, 1);
	request.head.version = 1; /* another was agreed on */
	is_dropped_for(daemon, &request, 0);
	return 0;
}

START_TEST(p4_ring_of_nonsense_drops_its_owner)
{
	struct daemon daemon = { 0 };
	int before;

	daemon_start(&daemon, POLICY, NULL);
	before = daemon_fds(&daemon);
	ck_assert_int_eq(as_user(ALICE, sends_nonsense, &daemon, NULL), 0);
	ck_assert(daemon_has_fds(&daemon, before));
	ck_assert_int_eq(as_user(ALICE, is_served, &daemon, NULL), 0);
	daemon_stop(&daemon);
}
END_TEST

/* Turns an allowed register into a denied one and back, for ever. */
static _Noreturn void flip(uint64_t *at)
{
	for (;;) {
		/* relaxed: whoever looks gets one of the two */
		__atomic_store_n(at, 0x1b, __ATOMIC_RELAXED);
		__atomic_store_n(at, 0x19c, __ATOMIC_RELAXED);
	}
}

/* While the helper looks, another process changes what it looks at. */
static int flips(const struct daemon *daemon, void *context)
{
	const size_t step = sizeof(struct hws_wire_head) + sizeof(struct hws_wire_run);
	struct bare_ring ring;
	union wire_request request;
	union wire_reply reply;
	const struct hws_wire_end *end = (void *)(reply.bytes + sizeof(reply.answer));
	int fd = bare_hello(daemon);
	uint32_t allowed = 0;
	pid_t flipper;

	(void)context;
	must(fd >= 0 && bare_ring_open(fd, &ring) == 0);
	make_good(&request, 1);
	flipper = fork();
	must(flipper >= 0);
	/* slot 0: the counter comes by again and again */
	if (flipper == 0)
		flip(&((struct hws_wire_step *)((char *)ring.shared->slots[0].request + step))->at);
	for (int i = 0; i < FLIPS; i++) {
		int r = bare_ring_ask(&ring, fd, &request, &reply);

		must(r == 0 || r == -EACCES);
		/* what stands in 0x19c, and never what is in the other */
		must(r < 0 || end->result == 0x88340000);
		allowed += r == 0;
	}
	kill(flipper, SIGKILL);
	waitpid(flipper, NULL, 0);
	must(allowed > 0);
	bare_ring_close(&ring);
	return 0;
}

START_TEST(p10_ring_requests_are_judged_and_done_from_one_copy)
{
	static const char *const any[] = { "--rate", "0", NULL };
	struct daemon daemon = { 0 };

	daemon_start(&daemon, POLICY, any);
	ck_assert_int_eq(as_user(ALICE, flips, &daemon, NULL), 0);
	daemon_stop(&daemon);
}
END_TEST

/* In the helper's maps. */
static int rings_mapped(const struct daemon *daemon)
{
	char path[64];
	char line[512];
	int count = 0;
	FILE *file;

	snprintf(path, sizeof(path), "/proc/%d/maps", daemon->pid);
	file = fopen(path, "r");
	ck_assert_ptr_nonnull(file);
	while (fgets(line, sizeof(line), file))
		count += strstr(line, "hwsafe-ring") != NULL;
	fclose(file);
	return count;
}

/* Writes in a transaction, with more in the ring than the helper will get to, and dies. */
static int dies_with_a_full_ring(const struct daemon *daemon, void *context)
{
	struct bare_ring ring;
	union wire_request request;
	union wire_reply reply;
	struct hws_wire_txn *txn = (void *)(request.bytes + sizeof(request.head));
	struct hws_wire_step *step =
		(void *)(request.bytes + sizeof(request.head) + sizeof(struct hws_wire_run));
	int fd = bare_hello(daemon);

	(void)context;
	must(fd >= 0 && bare_ring_open(fd, &ring) == 0);
	wire_begin(&request, HWS_WIRE_TXN, 0, 1);
	txn->begin = 1;
	must(bare_ring_ask(&ring, fd, &request, &reply) == 0);
	for (uint32_t i = 0; i < HWS_WIRE_SLOTS; i++) {
		make_good(&request, i);
		step->at = 0x199;
		step->verb = HWS_WIRE_WRITE;
		step->value = 0x7700 + i;
		bare_ring_put(&ring, &request);
	}
	bare_ring_kick(&ring);
	raise(SIGKILL);
	return 0;
}

static int reads_old_value(const struct daemon *daemon, void *context)
{
	struct hws *hw = ask_helper(daemon);
	struct hws_msr *msr;
	uint64_t value = 0;

	(void)context;
	must(hws_msr_open(hw, "0", 0x199, 0x199, HWS_R, &msr) == 0);
	for (int i = 0; i < 1000 && value != 0x1800; i++) {
		must(hws_msr_read(msr, 0, 0x199, &value) == 0);
		usleep(1000);
	}
	return value != 0x1800;
}

START_TEST(p6_p17_ring_ends_with_its_process)
{
	struct daemon daemon = { 0 };
	int before;

	daemon_start(&daemon, POLICY, NULL);
	before = daemon_fds(&daemon);
	for (int i = 0; i < 20; i++)
		ck_assert_int_eq(as_user(ALICE, dies_with_a_full_ring, &daemon, NULL), -1);
	ck_assert(daemon_has_fds(&daemon, before));
	ck_assert_int_eq(rings_mapped(&daemon), 0);
	ck_assert_int_eq(as_user(ALICE, reads_old_value, &daemon, NULL), 0);
	daemon_stop(&daemon);
}
END_TEST

int main(void)
{
	return suite_run("helper/serve-ring",
			 (const TTest *[]) {
				 ring_answers_as_messages_are_answered,
				 ring_takes_a_whole_round_at_once,
				 ring_memory_is_sealed_before_it_is_read,
				 p4_ring_of_nonsense_drops_its_owner,
				 p10_ring_requests_are_judged_and_done_from_one_copy,
				 p6_p17_ring_ends_with_its_process,
				 NULL,
			 });
}
