/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * One script, every back end: what each operation gives, who owns its buffer
 * afterwards, and the balance at the end are the same. A step waits for all it
 * has caused, so that each trace has one order only.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdarg.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/uring/rig.h"

enum { LINES = 4, STEPS = 120, TRACE = 1 << 16, MOST = 16 };

static const char *const backends[] = { "uring", "epoll", "sync" };

struct play {
	struct hws_ring *ring;
	uint64_t seed;
	uint64_t tag;
	int lines[LINES][2]; /* pipes, then sockets; from 0 to 1 */
	bool hangs[LINES];   /* a read of it is in flight */
	struct hws_op ops[LINES];
	int file;
	char *trace;
	size_t length;
};

__attribute__((format(printf, 2, 3))) static void note(struct play *play, const char *format, ...)
{
	va_list arguments;
	int n;

	va_start(arguments, format);
	n = vsnprintf(play->trace + play->length, TRACE - play->length, format, arguments);
	va_end(arguments);
	play->length += (size_t)n;
	ck_assert_uint_lt(play->length, TRACE);
}

static uint32_t roll(struct play *play, uint32_t sides)
{
	return rig_next(&play->seed) % sides;
}

static void note_done(struct play *play, const struct hws_done *done)
{
	bool makes_fd = done->kind == HWS_OP_OPENAT || done->kind == HWS_OP_SOCKET ||
			done->kind == HWS_OP_ACCEPT;
	int owner = -1;

	if (done->buf.slot || done->buf.generation) {
		owner = hws_buf_owner(hws_ring_pool(play->ring), done->buf);
		rig_give(play->ring, done->buf);
	}
	if (makes_fd && done->result >= 0)
		close((int)done->result);
	note(play, "  %llu %s %s %lld, owner %d, flags %u\n", (unsigned long long)done->tag,
	     hws_op_name(done->kind), makes_fd && done->result >= 0 ? "fd" : "",
	     makes_fd && done->result >= 0 ? 0LL : (long long)done->result, owner, done->flags);
}

static int by_tag(const void *a, const void *b)
{
	const struct hws_done *of = a;
	const struct hws_done *to = b;

	return of->tag < to->tag ? -1 : of->tag > to->tag;
}

/* Where an order is promised it is one of the tags. */
static void expect(struct play *play, uint32_t count, bool ordered)
{
	struct hws_done done[MOST];
	int n = hws_wait_many(play->ring, done, count, count, rig_after_ms(10000));

	ck_assert_msg(n == (int)count, "%d of %u came: %s", n, count, hws_why());
	if (!ordered)
		qsort(done, count, sizeof(done[0]), by_tag);
	for (uint32_t i = 0; i < count; i++)
		note_done(play, &done[i]);
}

static void queue(struct play *play, struct hws_request request, struct hws_op *ret_op)
{
	request.tag = play->tag++;
	ck_ok(hws_queue(play->ring, &request, ret_op));
}

static struct hws_buf buf(struct play *play)
{
	return rig_buf(play->ring, 4096, 'd');
}

/* A read hangs; or what it waits for comes, or it is cancelled or forgotten. */
static void play_line(struct play *play)
{
	uint32_t line = roll(play, LINES);
	uint32_t way = roll(play, 3);

	if (!play->hangs[line]) {
		queue(play,
		      (struct hws_request) { .kind = line % 2 ? HWS_OP_RECV : HWS_OP_READ,
					     .fd = play->lines[line][0],
					     .buf = buf(play),
					     .length = 4096 },
		      &play->ops[line]);
		ck_ok(hws_submit(play->ring));
		play->hangs[line] = true;
		return;
	}
	play->hangs[line] = false;
	if (way == 0) {
		ck_ok(hws_op_cancel(play->ring, play->ops[line]));
		expect(play, 1, true);
		return;
	}
	if (way == 1)
		ck_ok(hws_op_forget(play->ring, play->ops[line]));
	queue(play,
	      (struct hws_request) { .kind = line % 2 ? HWS_OP_SEND : HWS_OP_WRITE,
				     .fd = play->lines[line][1],
				     .buf = buf(play),
				     .length = 1 + roll(play, 4096) },
	      NULL);
	expect(play, way == 1 ? 1 : 2, false);
}

static void play_file(struct play *play)
{
	uint64_t offset = 512 * (uint64_t)roll(play, 64);
	uint32_t kind = roll(play, 2) ? HWS_OP_WRITE : HWS_OP_READ;

	queue(play,
	      (struct hws_request) { .kind = kind,
				     .fd = roll(play, 8) ? play->file : -1,
				     .buf = buf(play),
				     .offset = offset,
				     .length = roll(play, 4097) },
	      NULL);
	expect(play, 1, true);
}

/* Kinds that take no buffer, in every way right and wrong. */
static void play_plain(struct play *play)
{
	int ready = play->lines[roll(play, LINES)][1];
	const struct hws_request requests[] = {
		{ .kind = HWS_OP_NOP },
		{ .kind = HWS_OP_FSYNC, .fd = play->file },
		{ .kind = HWS_OP_FSYNC, .fd = -1 },
		{ .kind = HWS_OP_FSYNC, .fd = play->file, .how = 0xff00 },
		{ .kind = HWS_OP_FALLOCATE, .fd = play->file, .length = 8192 },
		{ .kind = HWS_OP_FALLOCATE, .fd = ready, .length = 8192 },
		{ .kind = HWS_OP_OPENAT, .fd = AT_FDCWD, .data = "/dev/null", .how = O_RDWR },
		{ .kind = HWS_OP_OPENAT, .fd = AT_FDCWD, .data = "/no/such" },
		{ .kind = HWS_OP_OPENAT, .fd = -2, .data = "relative" },
		{ .kind = HWS_OP_CLOSE, .fd = -1 },
		{ .kind = HWS_OP_SOCKET, .fd = AF_UNIX, .offset = SOCK_STREAM },
		{ .kind = HWS_OP_SOCKET, .fd = 999, .offset = SOCK_STREAM },
		{ .kind = HWS_OP_ACCEPT, .fd = play->file },
		{ .kind = HWS_OP_ACCEPT, .fd = play->lines[1][0] },
		{ .kind = HWS_OP_POLL, .fd = ready, .how = POLLOUT },
		{ .kind = HWS_OP_TIMEOUT, .offset = rig_after_ms(1) },
		{ .kind = HWS_OP_TIMEOUT, .offset = 1 },
		{ .kind = HWS_OP_SHUTDOWN, .fd = play->file, .length = SHUT_RD },
	};
	uint32_t which = roll(play, sizeof(requests) / sizeof(requests[0]));

	queue(play, requests[which], NULL);
	expect(play, 1, true);
}

/* Three steps, of which one may fail or be short. */
static void play_chain(struct play *play)
{
	uint32_t wrong = roll(play, 5);
	uint32_t flag = roll(play, 2) ? HWS_LINK : HWS_HARDLINK;
	struct hws_request chain[] = {
		{ .kind = HWS_OP_WRITE, .flags = flag, .fd = play->file, .length = 4096 },
		{ .kind = HWS_OP_READ, .flags = flag, .fd = play->file, .length = 4096 },
		{ .kind = HWS_OP_NOP },
	};

	for (uint32_t i = 0; i < 2; i++) {
		chain[i].buf = buf(play);
		if (i == wrong)
			chain[i].fd = -1;
	}
	if (wrong == 3)
		chain[1].offset = 1 << 20; /* nothing is there: short */
	for (uint32_t i = 0; i < 3; i++)
		queue(play, chain[i], NULL);
	expect(play, 3, true);
}

static void play_limit(struct play *play)
{
	uint32_t line = roll(play, LINES);
	bool hangs = !play->hangs[line];
	struct hws_request first = { .kind = HWS_OP_NOP, .flags = HWS_LINK };

	if (hangs)
		first = (struct hws_request) { .kind = HWS_OP_READ,
					       .flags = HWS_LINK,
					       .fd = play->lines[line][0],
					       .buf = buf(play),
					       .length = 1 };
	queue(play, first, NULL);
	queue(play,
	      (struct hws_request) { .kind = HWS_OP_LINK_TIMEOUT,
				     .offset = rig_after_ms(hangs ? 2 : 100000) },
	      NULL);
	expect(play, 2, false);
}

static void (*const steps[])(struct play *) = {
	play_line, play_line, play_line, play_file, play_plain, play_plain, play_chain, play_limit,
};

static void open_lines(struct play *play)
{
	for (int i = 0; i < LINES; i++) {
		if (i % 2)
			ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM, 0, play->lines[i]), 0);
		else
			ck_assert_int_eq(pipe(play->lines[i]), 0);
	}
	play->file = rig_file("", 0, 0);
}

static void close_lines(const struct play *play)
{
	for (int i = 0; i < LINES; i++) {
		close(play->lines[i][0]);
		close(play->lines[i][1]);
	}
	close(play->file);
}

/* What hangs at the end comes back by the close. */
static void end(struct play *play, struct hws_pool *pool)
{
	struct hws_pool_stats of = { .size = sizeof(of) };
	struct hws_ring_stats stats;

	rig_balance(play->ring);
	hws_ring_get_stats(play->ring, &stats);
	note(play, "submitted %llu delivered %llu\n", (unsigned long long)stats.submitted,
	     (unsigned long long)stats.delivered);
	ck_assert_uint_eq(stats.lost + stats.unknown, 0);
	note(play, "close %d\n", hws_ring_close(play->ring, rig_after_ms(10000)));
	ck_ok(hws_pool_read_stats(pool, &of));
	note(play, "in use %llu, quarantined %llu\n", (unsigned long long)of.in_use,
	     (unsigned long long)of.owned[HWS_OWNER_QUARANTINED]);
	ck_ok(hws_pool_close(pool, NULL));
}

static char *run(const char *backend, uint64_t seed)
{
	struct hws_pool_options sizes = { .size = sizeof(sizes), .classes = { { 4096, 64 } } };
	struct hws_ring_options options = { .backend = backend };
	struct play play = { .seed = seed, .trace = calloc(1, TRACE) };
	struct hws_pool *pool;

	ck_ok(hws_pool_open(NULL, &sizes, &pool));
	options.pool = pool;
	if (hws_ring_open(NULL, &options, &play.ring) < 0) {
		ck_ok(hws_pool_close(pool, NULL));
		free(play.trace);
		return NULL;
	}
	open_lines(&play);
	for (uint32_t i = 0; i < STEPS; i++) {
		uint32_t step = roll(&play, sizeof(steps) / sizeof(steps[0]));

		note(&play, "%u: step %u\n", i, step);
		steps[step](&play);
	}
	end(&play, pool);
	close_lines(&play);
	return play.trace;
}

static bool allowed(void)
{
	struct hws_ring_options options = { 0 };
	struct hws_ring *ring = rig_open(&options);
	bool native = rig_native(ring);

	hws_ring_close(ring, 0);
	return native;
}

static void differ(uint64_t seed, const char *name, const char *first, const char *trace)
{
	size_t at = 0;

	while (first[at] && first[at] == trace[at])
		at++;
	while (at && first[at - 1] != '\n')
		at--;
	ck_abort_msg("seed %llu, %s: expected\n%.120s\ngot\n%.120s", (unsigned long long)seed, name,
		     first + at, trace + at);
}

START_TEST(every_back_end_tells_the_same)
{
	uint64_t seed = rig_environment("HWS_TEST_SEED", 1);
	uint64_t plays = rig_times("HWS_TEST_PLAYS", 20);
	/* where a filter kills for it, trying is the end */
	size_t from = allowed() ? 0 : 1;

	for (uint64_t i = 0; i < plays; i++) {
		char *first = run(backends[from], seed + i * 7919);

		ck_assert_ptr_nonnull(first);
		for (size_t b = from + 1; b < 3; b++) {
			char *trace = run(backends[b], seed + i * 7919);

			ck_assert_ptr_nonnull(trace);
			if (strcmp(first, trace) != 0)
				differ(seed + i * 7919, backends[b], first, trace);
			free(trace);
		}
		free(first);
	}
}
END_TEST

int main(void)
{
	return suite_run("uring/differential",
			 (const TTest *[]) { every_back_end_tells_the_same, NULL });
}
