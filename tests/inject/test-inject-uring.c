/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Pools and rings: each operation that was taken is done once, with its buffer, whoever carries it
 * out and whatever fails meanwhile; nothing stays behind when they are closed.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "shim/sys-internal.h"
#include "tests/guardian/sim-context.h"
#include "tests/inject/hw-kit.h"
#include "uring/ring-internal.h"

enum { SIZE = 4096, TRIES = 20, OPS = 16, SECOND = 1000000000 };

/* One ring, what it was asked and what came of it. */
struct work {
	struct hws *hw;
	struct hws_ring *ring;
	struct hws_pool *pool;
	int file;
	int ends[2];
	unsigned int queued;
	unsigned int done;
};

static const char *backend;
static enum hws_pool_guard guard;

static uint64_t in_seconds(uint64_t seconds)
{
	struct timespec now;

	inject_mute(true);
	clock_gettime(CLOCK_MONOTONIC, &now);
	inject_mute(false);
	return ((uint64_t)now.tv_sec + seconds) * SECOND + (uint64_t)now.tv_nsec;
}

/* What the test needs itself: a context, a file, a pipe. */
static void begin(struct work *w)
{
	char path[] = "/tmp/hwsafe-inject-XXXXXX";

	*w = (struct work) { .file = -1 };
	inject_mute(true);
	w->hw = open_with(NULL);
	w->file = mkstemp(path);
	unlink(path);
	ck_assert_int_eq(ftruncate(w->file, SIZE), 0);
	ck_assert_int_eq(pipe(w->ends), 0);
	inject_mute(false);
}

static int finish(struct work *w, int r)
{
	inject_mute(true);
	close(w->file);
	close(w->ends[0]);
	close(w->ends[1]);
	inject_mute(false);
	close_unused(w->hw);
	return r;
}

static int take(struct work *w, struct hws_buf *ret_buf)
{
	return inject_step(hws_buf_take(w->pool, SIZE, ret_buf));
}

static int fill(struct work *w, struct hws_buf buf)
{
	void *bytes;
	size_t size;
	int r = inject_step(hws_buf_view(w->pool, buf, HWS_RW, &bytes, &size));

	if (r < 0)
		return r;
	memset(bytes, 'x', size);
	return inject_step(hws_buf_unview(w->pool, buf));
}

static void give(struct work *w, struct hws_buf buf)
{
	int r = inject_step(hws_buf_give(w->pool, buf));

	if (r < 0)
		inject_bad("a buffer can't be given back: %s", strerrorname_np(-r));
}

/* Queued, or refused and the buffer still the user's. */
static int ask(struct work *w, const struct hws_request *request, struct hws_op *ret_op)
{
	int r = inject_step(hws_queue(w->ring, request, ret_op));

	if (r == 0)
		w->queued++;
	else if (request->buf.generation)
		give(w, request->buf);
	return r;
}

/* A buffer of its own, the operation, and again. */
static int move(struct work *w, uint32_t kind, int fd, struct hws_op *ret_op)
{
	struct hws_request request = {
		.kind = kind, .fd = fd, .length = SIZE, .offset = fd == w->ends[0] ? HWS_HERE : 0
	};
	int r = take(w, &request.buf);

	if (r < 0)
		return r;
	r = fill(w, request.buf);
	if (r < 0) {
		give(w, request.buf);
		return r;
	}
	return ask(w, &request, ret_op);
}

static void take_done(struct work *w, const struct hws_done *done)
{
	inject_check(!(done->flags & HWS_DONE_LOST));
	if (done->result < 0 && done->result != -ECANCELED && !inject_has_failed())
		inject_bad("%s gave %d with no fault", hws_op_name(done->kind), (int)done->result);
	if (!(done->flags & HWS_DONE_MORE))
		w->done++;
	if (done->buf.generation)
		give(w, done->buf);
}

/* All that were queued, however often it has to be tried. */
static int take_all(struct work *w)
{
	int failed = 0;

	for (int tries = 0; w->done < w->queued && tries < TRIES;) {
		struct hws_done done[OPS];
		int r = inject_step(hws_wait(w->ring, done, OPS, in_seconds(2)));

		if (r <= 0) {
			tries++;
			failed = r < 0 ? r : failed;
		}
		for (int i = 0; i < r; i++)
			take_done(w, &done[i]);
	}
	if (w->done != w->queued)
		inject_bad("%u of %u operations were done", w->done, w->queued);
	return w->done == w->queued ? 0 : failed;
}

/* One that ends, one that is stopped, one that nobody waits for any more. */
static int operate(struct work *w)
{
	struct hws_op stopped, forgotten;
	int number;
	int r = inject_step(hws_file_add(w->ring, w->file, &number));
	int all;

	r = r < 0 ? r : move(w, HWS_OP_WRITE, w->file, NULL);
	r = r < 0 ? r : move(w, HWS_OP_READ, number, NULL);
	r = r < 0 ? r : ask(w, &(struct hws_request) { .kind = HWS_OP_NOP }, NULL);
	r = r < 0 ? r : ask(w, &(struct hws_request) { .kind = HWS_OP_FSYNC, .fd = w->file }, NULL);
	r = inject_next(r, hws_submit(w->ring));
	all = take_all(w);
	r = r < 0 ? r : all;
	r = r < 0 ? r : move(w, HWS_OP_READ, w->ends[0], &stopped);
	r = r < 0 ? r : move(w, HWS_OP_READ, w->ends[0], &forgotten);
	r = inject_next(r, hws_submit(w->ring));
	if (r == 0) {
		r = inject_step(hws_op_forget(w->ring, forgotten));
		w->queued -= r == 0;
	}
	r = inject_next(r, hws_op_cancel(w->ring, stopped));
	inject_mute(true);
	close(w->ends[1]); /* what isn't stopped ends */
	w->ends[1] = -1;
	inject_mute(false);
	all = take_all(w);
	return r < 0 ? r : all;
}

/* Everything came back, or is on its way as the orphan. */
static void check_balance(struct work *w)
{
	struct hws_ring_stats of;

	hws_ring_get_stats(w->ring, &of);
	inject_check(of.submitted == of.delivered + of.reclaimed + of.lost + of.in_flight);
	inject_check(of.lost == 0);
	inject_check(of.in_flight == of.orphans);
}

static int use_ring(void)
{
	const struct hws_pool_options pool = { .size = sizeof(pool),
					       .classes = { { SIZE, 8 } },
					       .guard = guard };
	struct hws_ring_options options = { .pool_options = &pool, .depth = 8, .backend = backend };
	struct work w;
	int left;
	int r;

	begin(&w);
	r = inject_step(hws_ring_open(w.hw, &options, &w.ring));
	if (r < 0)
		return finish(&w, r);
	w.pool = hws_ring_pool(w.ring);
	r = operate(&w);
	check_balance(&w);
	left = hws_ring_close(w.ring, in_seconds(10));
	if (left)
		inject_bad("closing left %d", left);
	return finish(&w, r);
}

static void sweep(const char *name, const char *with, enum hws_pool_guard how, unsigned int least)
{
	backend = with;
	guard = how;
	/* where all fails from then on the kernel keeps what it has, and that is leaked */
	inject_sweep(&(struct inject_flow) { name, use_ring, least, true });
}

START_TEST(uring_loses_nothing)
{
	struct hws_ring *ring;
	struct hws_ring_options options = { .backend = "uring", .depth = 2 };
	int r = hws_ring_open(NULL, &options, &ring);

	need("uring", r == 0, "this machine allows no io_uring");
	ck_assert_int_eq(hws_ring_close(ring, 0), 0);
	sweep("ring, io_uring", "uring", HWS_POOL_GUARD_AUTO, 30);
	sweep("ring, the best there is", NULL, HWS_POOL_GUARD_NONE, 30);
}
END_TEST

START_TEST(epoll_loses_nothing)
{
	sweep("ring, epoll", "epoll", HWS_POOL_GUARD_PAGES, 30);
}
END_TEST

START_TEST(plain_calls_lose_nothing)
{
	sweep("ring, plain calls", "sync", HWS_POOL_GUARD_NONE, 30);
}
END_TEST

int main(void)
{
	return suite_run_for("inject/uring",
			     (const TTest *[]) { uring_loses_nothing, epoll_loses_nothing,
						 plain_calls_lose_nothing, NULL },
			     600);
}
