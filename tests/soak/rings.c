/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A ring is opened, given operations, some cancelled or forgotten, at random, and closed. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "tests/soak/soak.h"

enum { OPERATIONS = 2000, DEPTH = 64, BUFFER = 4096, BLOCKS = 16 };

struct turn {
	struct hws_ring *ring;
	struct soak_counts *counts;
	uint64_t *seed;
	int pipe[2];
	int file;
};

static void take_done(struct turn *turn, uint64_t deadline)
{
	struct hws_pool *pool = hws_ring_pool(turn->ring);
	struct hws_done done[DEPTH];
	int n = hws_wait(turn->ring, done, DEPTH, deadline);

	if (!soak_may(turn->counts, "hws_wait", n, -ETIME, -EAGAIN))
		return;
	for (int i = 0; i < n; i++) {
		struct hws_buf none = { 0 };

		turn->counts->done++;
		if (done[i].buf.slot != none.slot || done[i].buf.generation != none.generation)
			soak_good(turn->counts, "hws_buf_give", hws_buf_give(pool, done[i].buf));
		if (done[i].result < 0 && done[i].result != -ECANCELED && done[i].result != -ETIME)
			soak_good(turn->counts, hws_op_name(done[i].kind), (int)done[i].result);
	}
}

static struct hws_request choose(const struct turn *turn, uint32_t dice)
{
	const struct hws_request kinds[] = {
		{ .kind = HWS_OP_READ, .fd = turn->pipe[0], .length = BUFFER, .offset = HWS_HERE },
		{ .kind = HWS_OP_READ, .fd = turn->file, .length = BUFFER },
		{ .kind = HWS_OP_WRITE, .fd = turn->file, .length = BUFFER },
		{ .kind = HWS_OP_TIMEOUT, .offset = 1000000 },
		{ .kind = HWS_OP_NOP },
	};
	struct hws_request request = kinds[dice % (sizeof(kinds) / sizeof(kinds[0]))];

	if (request.fd == turn->file)
		request.offset = BUFFER * ((dice >> 16) % BLOCKS);
	return request;
}

/* False: the ring or its pool is full. */
static bool queue(struct turn *turn)
{
	uint32_t dice = soak_dice(turn->seed);
	struct hws_request request = choose(turn, dice);
	struct hws_pool *pool = hws_ring_pool(turn->ring);
	struct hws_op op;
	int r;

	if (request.length &&
	    !soak_may(turn->counts, "hws_buf_take", hws_buf_take(pool, BUFFER, &request.buf),
		      -ENOBUFS, -EAGAIN))
		return false;
	r = hws_queue(turn->ring, &request, &op);
	if (!soak_may(turn->counts, "hws_queue", r, -EAGAIN, -EAGAIN)) {
		if (request.length)
			soak_good(turn->counts, "hws_buf_give", hws_buf_give(pool, request.buf));
		return false;
	}
	if (dice >> 24 < 40)
		soak_may(turn->counts, "hws_op_cancel", hws_op_cancel(turn->ring, op), -ESTALE,
			 -EAGAIN);
	if (dice >> 24 >= 20 && dice >> 24 < 60)
		soak_may(turn->counts, "hws_op_forget", hws_op_forget(turn->ring, op), -ESTALE,
			 -ESTALE);
	return true;
}

static void check_balance(struct turn *turn)
{
	struct hws_ring_stats is;

	hws_ring_get_stats(turn->ring, &is);
	turn->counts->orphans = is.orphans;
	if (is.submitted != is.delivered + is.reclaimed + is.lost + is.in_flight || is.unknown)
		soak_good(turn->counts, "the ring's balance", -EPROTO);
}

/* What waits at the pipe is let go. */
static void feed(struct turn *turn)
{
	static const char bytes[BUFFER * BLOCKS];

	if (write(turn->pipe[1], bytes, sizeof(bytes)) < 0 && errno != EAGAIN)
		soak_good(turn->counts, "write", -errno);
}

static void work(struct turn *turn)
{
	for (int i = 0; i < OPERATIONS; i++) {
		if (!queue(turn)) {
			feed(turn);
			take_done(turn, soak_after_ms(1));
		}
		if (i % 256 == 0)
			check_balance(turn);
	}
	take_done(turn, soak_after_ms(1));
	check_balance(turn);
}

void soak_ring(struct soak *soak, struct soak_counts *counts, uint64_t *seed)
{
	const struct hws_pool_options pool = { .size = sizeof(pool),
					       .classes = { { BUFFER, DEPTH } } };
	struct hws_ring_options options = {
		.size = sizeof(options),
		.depth = DEPTH,
		.pool_options = &pool,
		.backend = soak_dice(seed) % 4 == 0 ? "epoll" : NULL,
	};
	struct turn turn = { .counts = counts, .seed = seed };

	turn.file = open(soak->folder, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
	if (turn.file < 0 || ftruncate(turn.file, BUFFER * BLOCKS) < 0 ||
	    pipe2(turn.pipe, O_CLOEXEC) < 0 || fcntl(turn.pipe[1], F_SETFL, O_NONBLOCK) < 0) {
		soak_good(counts, "a file and a pipe", -errno);
		return;
	}
	if (soak_good(counts, "hws_ring_open", hws_ring_open(NULL, &options, &turn.ring))) {
		work(&turn);
		/* what still waits is cancelled; the kernel may own nothing afterwards */
		if (hws_ring_close(turn.ring, soak_after_ms(10000)) != 0)
			soak_good(counts, "hws_ring_close", -EBUSY);
		counts->orphans = 0;
	}
	close(turn.file);
	close(turn.pipe[0]);
	close(turn.pipe[1]);
}
