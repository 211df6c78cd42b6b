/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Ten thousand operations at once by several threads that share a pool: each opens rings, throws
 * operations about, and closes them with some in flight, or ends and leaves its ring to another.
 * Each thread does the same for the same HWS_TEST_SEED.
 */
#include <fcntl.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tests/uring/rig.h"

enum { THREADS = 8, ROUNDS = 6, CANARIES = 64, BLOCKS = 64, BLOCK = 4096 };

/* How a round ends. */
enum end { DRAINED, CLOSED, LEFT, ENDS };

struct member {
	struct hws_pool *pool;
	struct hws_ring *ring; /* left to who closes it */
	uint64_t seed;
	uint32_t concurrent;
	enum end end;
	int pipe[2];
	int sockets[2];
	int cached;
	int direct;
	uint64_t submitted;
	uint64_t accounted; /* delivered, reclaimed */
};

static void open_round(struct member *m)
{
	/* where completions come only to the thread that asked, they end with it */
	struct hws_ring_options options = { .pool = m->pool,
					    .depth = m->concurrent,
					    .mode = m->end == LEFT ? "coop" : NULL };

	m->ring = rig_open(&options);
	ck_assert_int_eq(pipe(m->pipe), 0);
	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM, 0, m->sockets), 0);
}

static void queue_one(struct member *m)
{
	uint32_t dice = rig_next(&m->seed);
	const struct {
		uint32_t kind;
		int fd;
	} choices[] = {
		{ HWS_OP_READ, m->pipe[0] }, { HWS_OP_RECV, m->sockets[0] },
		{ HWS_OP_READ, m->cached },  { HWS_OP_READ, m->direct },
		{ HWS_OP_WRITE, m->cached },
	};
	struct hws_request request = {
		.kind = choices[dice % 5].kind,
		.fd = choices[dice % 5].fd,
		.length = BLOCK,
		.offset = dice % 5 < 2 ? 0 : (uint64_t)BLOCK * ((dice >> 16) % BLOCKS),
	};
	struct hws_op op;

	ck_ok(hws_buf_take(m->pool, BLOCK, &request.buf));
	ck_ok(hws_queue(m->ring, &request, &op));
	if (dice >> 24 < 40)
		ck_ok(hws_op_cancel(m->ring, op));
	if (dice >> 24 >= 20 && dice >> 24 < 60)
		ck_ok(hws_op_forget(m->ring, op));
}

static void take_some(struct member *m)
{
	struct hws_done done[64];
	int n = hws_wait(m->ring, done, 64, 0);

	for (int i = 0; i < n; i++)
		rig_give(m->ring, done[i].buf);
}

static void feed(struct member *m)
{
	ck_assert_int_gt(write(m->pipe[1], "some", 4), 0);
	ck_assert_int_gt(write(m->sockets[1], "more", 4), 0);
}

static void throw_about(struct member *m)
{
	for (uint32_t i = 0; i < m->concurrent; i++) {
		uint32_t dice;

		queue_one(m);
		dice = rig_next(&m->seed);
		if (dice % 64 == 0)
			ck_ok(hws_submit(m->ring));
		if (dice % 128 == 1)
			feed(m);
		if (dice % 128 == 2)
			take_some(m);
	}
	ck_ok(hws_submit(m->ring));
}

/* All that can end does: the pipe's and the socket's others ends are shut. */
static void drain(struct member *m)
{
	struct hws_ring_stats of;

	m->pipe[1] = close(m->pipe[1]) - 1;
	m->sockets[1] = close(m->sockets[1]) - 1;
	do {
		struct hws_done done[64];
		int n = hws_wait(m->ring, done, 64, rig_after_ms(20));

		ck_assert(n >= 0 || n == -ETIME);
		for (int i = 0; i < n; i++)
			rig_give(m->ring, done[i].buf);
		hws_ring_get_stats(m->ring, &of);
	} while (of.in_flight > 0);
}

static void close_round(struct member *m)
{
	struct hws_ring_stats of;

	rig_balance(m->ring);
	hws_ring_get_stats(m->ring, &of);
	m->submitted += of.submitted;
	m->accounted += of.delivered + of.reclaimed + of.in_flight;
	ck_assert_uint_eq(of.lost, 0);
	ck_assert_uint_eq(of.unknown, 0);
	/* nobody writes to a buffer after this */
	ck_assert_int_eq(hws_ring_close(m->ring, rig_after_ms(60000)), 0);
	m->ring = NULL;
	close(m->pipe[0]);
	close(m->sockets[0]);
	if (m->pipe[1] >= 0)
		close(m->pipe[1]);
	if (m->sockets[1] >= 0)
		close(m->sockets[1]);
}

static void *round_of(void *arg)
{
	struct member *m = arg;

	open_round(m);
	throw_about(m);
	if (m->end == DRAINED)
		drain(m);
	if (m->end != LEFT)
		close_round(m);
	return NULL;
}

static struct hws_pool *open_pool(uint32_t concurrent, struct hws_buf canaries[CANARIES])
{
	struct hws_pool_options sizes = { .size = sizeof(sizes),
					  .classes = { { BLOCK, concurrent + CANARIES } } };
	struct hws_pool *pool;

	ck_ok(hws_pool_open(NULL, &sizes, &pool));
	for (int i = 0; i < CANARIES; i++) {
		HWS_VIEW(view);

		/* spread: most of the memory lies between them */
		ck_ok(hws_buf_take(pool, BLOCK, &canaries[i]));
		ck_ok(hws_view_open(pool, canaries[i], HWS_RW, &view));
		memset(view.bytes, 0xca, BLOCK);
	}
	return pool;
}

static void close_pool(struct hws_pool *pool, const struct hws_buf canaries[CANARIES])
{
	struct hws_pool_stats stats = { .size = sizeof(stats) };
	char canary[BLOCK];

	memset(canary, 0xca, sizeof(canary));
	for (int i = 0; i < CANARIES; i++) {
		HWS_VIEW(view);

		ck_ok(hws_view_open(pool, canaries[i], HWS_R, &view));
		ck_assert(memcmp(view.bytes, canary, BLOCK) == 0);
		hws_view_close(&view);
		ck_ok(hws_buf_give(pool, canaries[i]));
	}
	ck_ok(hws_pool_read_stats(pool, &stats));
	ck_assert_uint_eq(stats.in_use, 0);
	ck_assert_uint_eq(stats.owned[HWS_OWNER_QUARANTINED], 0);
	ck_ok(hws_pool_close(pool, NULL));
}

static void do_round(struct member members[THREADS], int round)
{
	pthread_t threads[THREADS];

	for (int i = 0; i < THREADS; i++) {
		members[i].end = (enum end)((round + i) % ENDS);
		ck_assert_int_eq(pthread_create(&threads[i], NULL, round_of, &members[i]), 0);
	}
	for (int i = 0; i < THREADS; i++) {
		ck_assert_int_eq(pthread_join(threads[i], NULL), 0);
		if (members[i].ring)
			close_round(&members[i]);
	}
}

START_TEST(threads_come_and_go_and_all_buffers_come_back)
{
	uint32_t concurrent =
		(uint32_t)rig_environment("HWS_TEST_STORM", suite_in_lab() ? 2000 : 10000);
	uint64_t seed = rig_environment("HWS_TEST_SEED", 815);
	struct member members[THREADS] = { 0 };
	struct hws_buf canaries[CANARIES];
	struct hws_pool *pool = open_pool(concurrent, canaries);
	char *bytes = calloc(BLOCKS, BLOCK);

	need_uring();
	for (int i = 0; i < THREADS; i++)
		members[i] = (struct member) {
			.pool = pool,
			.seed = seed + (uint64_t)i,
			.concurrent = concurrent / THREADS,
			.cached = rig_file(bytes, BLOCKS * BLOCK, 0),
			.direct = rig_disk(bytes, BLOCKS * BLOCK),
		};
	for (int round = 0; round < ROUNDS; round++)
		do_round(members, round);
	for (int i = 0; i < THREADS; i++) {
		ck_assert_uint_eq(members[i].submitted, (uint64_t)ROUNDS * (concurrent / THREADS));
		ck_assert_uint_eq(members[i].submitted, members[i].accounted);
		close(members[i].cached);
		close(members[i].direct);
	}
	close_pool(pool, canaries);
	free(bytes);
}
END_TEST

int main(void)
{
	return suite_run("uring/op-crowd",
			 (const TTest *[]) { threads_come_and_go_and_all_buffers_come_back, NULL });
}
