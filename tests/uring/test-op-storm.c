/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Ten thousand operations at once, thrown about; the same ones for the same HWS_TEST_SEED. */
#include <fcntl.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tests/uring/rig.h"

enum { PIPES = 8, CANARIES = 64 };

/* Where the storm reads and writes. */
struct storm {
	struct hws_ring *ring;
	uint64_t seed;
	int pipes[PIPES][2];
	int sockets[PIPES][2];
	int cached;
	int direct;
	uint64_t given; /* dones and forgets */
};

static void storm_queue(struct storm *storm)
{
	uint32_t dice = rig_next(&storm->seed);
	struct hws_request request = { .kind = HWS_OP_READ, .length = 4096 };
	struct hws_op op;
	uint32_t which = (dice >> 8) % PIPES;

	ck_ok(hws_buf_take(hws_ring_pool(storm->ring), 4096, &request.buf));
	switch (dice % 5) {
	case 0:
		request.fd = storm->pipes[which][0];
		break;
	case 1:
		request.kind = HWS_OP_RECV;
		request.fd = storm->sockets[which][0];
		break;
	case 2:
		request.fd = storm->cached;
		request.offset = 4096 * ((dice >> 16) % 64);
		break;
	case 3:
		request.fd = storm->direct;
		request.offset = 4096 * ((dice >> 16) % 64);
		break;
	default:
		request.kind = HWS_OP_WRITE;
		request.fd = storm->cached;
		request.offset = 4096 * ((dice >> 16) % 64);
	}
	ck_ok(hws_queue(storm->ring, &request, &op));
	if (dice >> 24 < 40)
		ck_ok(hws_op_cancel(storm->ring, op));
	if (dice >> 24 >= 20 && dice >> 24 < 60)
		ck_ok(hws_op_forget(storm->ring, op));
}

static void storm_take(struct storm *storm, uint32_t most)
{
	struct hws_done done[64];
	int n = hws_wait(storm->ring, done, most < 64 ? most : 64, 0);

	for (int i = 0; i < n; i++)
		rig_give(storm->ring, done[i].buf);
}

static void storm_feed(struct storm *storm)
{
	uint32_t which = rig_next(&storm->seed) % PIPES;

	ck_assert_int_gt(write(storm->pipes[which][1], "some", 4), 0);
	ck_assert_int_gt(write(storm->sockets[which][1], "more", 4), 0);
}

START_TEST(ten_thousand_at_once_all_come_back)
{
	/* emulated processors take their time */
	uint32_t concurrent =
		(uint32_t)rig_environment("HWS_TEST_STORM", suite_in_lab() ? 2500 : 10000);
	struct hws_pool_options sizes = {
		.size = sizeof(sizes),
		.classes = { { 4096, concurrent + CANARIES } },
	};
	struct hws_pool_stats stats = { .size = sizeof(stats) };
	struct hws_ring_options options = { .depth = concurrent };
	struct storm storm = { .seed = rig_environment("HWS_TEST_SEED", 4711) };
	struct hws_buf canaries[CANARIES];
	char canary[4096];
	struct hws_pool *pool;
	char *bytes = calloc(64, 4096);

	need_uring();
	ck_ok(hws_pool_open(NULL, &sizes, &pool));
	options.pool = pool;
	storm.ring = rig_open(&options);
	storm.cached = rig_file(bytes, 64 * 4096, 0);
	storm.direct = rig_disk(bytes, 64 * 4096);
	for (int i = 0; i < PIPES; i++) {
		ck_assert_int_eq(pipe(storm.pipes[i]), 0);
		ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM, 0, storm.sockets[i]), 0);
	}
	for (int i = 0; i < CANARIES; i++)
		canaries[i] = rig_buf(storm.ring, 4096, 0xca);
	for (uint32_t i = 0; i < concurrent; i++) {
		storm_queue(&storm);
		if (rig_next(&storm.seed) % 64 == 0)
			ck_ok(hws_submit(storm.ring));
		if (rig_next(&storm.seed) % 128 == 0)
			storm_feed(&storm);
		if (rig_next(&storm.seed) % 128 == 0)
			storm_take(&storm, 4);
	}
	ck_assert_uint_gt(storm.ring->stats.orphans, 0);
	rig_balance(storm.ring);
	for (int i = 0; i < 200; i++) {
		storm_feed(&storm);
		storm_take(&storm, 64);
	}
	rig_balance(storm.ring);
	/* what is left hangs in pipes and sockets; the end takes it back */
	memset(canary, 0xca, sizeof(canary));
	for (int i = 0; i < CANARIES; i++) {
		ck_assert(rig_holds(storm.ring, canaries[i], canary, sizeof(canary)));
		rig_give(storm.ring, canaries[i]);
	}
	ck_assert_int_eq(hws_ring_close(storm.ring, rig_after_ms(20000)), 0);
	ck_ok(hws_pool_read_stats(pool, &stats));
	ck_assert_uint_eq(stats.in_use, 0);
	ck_assert_uint_eq(stats.owned[HWS_OWNER_QUARANTINED], 0);
	ck_ok(hws_pool_close(pool, NULL));
	free(bytes);
}
END_TEST

int main(void)
{
	return suite_run("uring/op-storm",
			 (const TTest *[]) { ten_thousand_at_once_all_come_back, NULL });
}
