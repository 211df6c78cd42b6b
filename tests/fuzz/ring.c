/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Rings: operations queued, chained, cancelled, forgotten and taken in any order, on each back end,
 * against a plain model. What is refused is refused for the model's reason; each operation that
 * nobody forgot has one final done; buffers come back; what was written is what is read; and when
 * the ring has closed nothing is left of it.
 */
#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "shim/sys-internal.h"
#include "tests/fuzz/fuzz.h"
#include "tests/fuzz/ring-model.h"

enum { DEPTH = 8, FILE_SIZE = 4 * BUFFER_SIZE, MOST = 8 * BUFFER_SIZE, CALLS = 64, CHAIN = 3 };

/* An operation that was queued and whose done was not taken yet. */
struct flight {
	uint64_t tag; /* 0: none */
	struct hws_op op;
	struct hws_request request;
	struct hws_buf list[LIST];
	bool cancelled;
};

static struct model model;
static struct hws_ring *ring;
static struct flight flights[2 * DEPTH];
static uint64_t next_tag;
static int memory;	      /* a file */
static int sockets[2];	      /* a pair */
static bool half_chain;	      /* what was queued last goes on with what comes next */
static bool in_order;	      /* each operation is done before the next begins */
static uint8_t content[MOST]; /* what the file holds */
static uint64_t content_size;

static void begin(void)
{
	struct hws_pool_options options = { .size = sizeof(options),
					    .classes = { { BUFFER_SIZE, BUFFERS } } };

	fuzz_must(hws_pool_open(NULL, &options, &model.pool) == 0);
	memory = memfd_create("fuzz", MFD_CLOEXEC);
	fuzz_must(memory >= 0);
}

static void open_ring(uint64_t how)
{
	static const char *const backends[] = { "sync", "sync", "epoll", "uring" };
	struct hws_ring_options options = { .size = sizeof(options),
					    .depth = DEPTH,
					    .flags = how & 4 ? HWS_RING_LATENCY : 0,
					    .pool = model.pool,
					    .backend = backends[how & 3] };
	struct hws_ring_info info;

	if (hws_ring_open(NULL, &options, &ring) < 0) {
		options.backend = "sync";
		fuzz_must(hws_ring_open(NULL, &options, &ring) == 0);
	}
	hws_ring_get_info(ring, &info);
	model.depth = info.depth;
	in_order = !strcmp(info.backend, "sync");
	memset(content, 0, sizeof(content));
	content_size = FILE_SIZE;
	fuzz_must(ftruncate(memory, 0) == 0 && ftruncate(memory, FILE_SIZE) == 0);
	fuzz_must(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, sockets) == 0);
	memset(flights, 0, sizeof(flights));
	half_chain = false;
}

static struct hws_ring_stats stats_now(void)
{
	struct hws_ring_stats stats;

	hws_ring_get_stats(ring, &stats);
	fuzz_must(stats.submitted ==
		  stats.delivered + stats.reclaimed + stats.lost + stats.in_flight);
	fuzz_must(!stats.lost && !stats.unknown && stats.in_flight <= model.depth);
	return stats;
}

static int some_file(struct fuzz *input)
{
	const int files[] = { memory, memory, sockets[0], sockets[1], -1, 9999 };

	return files[fuzz_number(input, 1) % 6];
}

static struct hws_buf some_buf(struct fuzz *input)
{
	uint64_t how = fuzz_number(input, 1);
	struct hws_buf buf = model.held[how % BUFFERS].buf;

	if (how > 240)
		buf.generation += (uint32_t)fuzz_number(input, 1);
	return buf;
}

static void make(struct fuzz *input, struct flight *flight)
{
	const struct kind *kind = &kinds[fuzz_number(input, 1) % KINDS];
	uint64_t how = fuzz_number(input, 1);
	struct hws_request *request = &flight->request;

	*flight = (struct flight) { .tag = ++next_tag };
	*request = (struct hws_request) { .kind = kind->kind,
					  .flags = how < 128 ? 0 : (uint32_t)how & 63,
					  .fd = some_file(input),
					  .tag = flight->tag,
					  .bufs = flight->list };
	if (kind->traits & TAKES_BUF)
		request->buf = some_buf(input);
	if (kind->traits & TAKES_LIST)
		request->count = (uint32_t)fuzz_number(input, 1) % (LIST + 1);
	for (uint32_t i = 0; i < request->count; i++)
		flight->list[i] = some_buf(input);
	request->length = fuzz_number(input, 2) % (BUFFER_SIZE + 64);
	request->buf_offset = how & 1 ? fuzz_odd_number(input) : 0;
	request->offset = fuzz_number(input, 2) % FILE_SIZE;
	model_suit(request, how & 2);
}

/* Of a write: bytes that are its own. */
static void fill(const struct flight *flight)
{
	HWS_VIEW(view);

	if (flight->request.kind != HWS_OP_WRITE ||
	    model_expect_buf(&model, flight->request.buf) < 0)
		return;
	fuzz_must(hws_view_open(model.pool, flight->request.buf, HWS_RW, &view) == 0);
	memset(view.bytes, (int)flight->tag, view.size);
}

static struct flight *no_flight(void)
{
	for (int i = 0; i < 2 * DEPTH; i++)
		if (!flights[i].tag)
			return &flights[i];
	return NULL;
}

/* One after the other, as the model goes; those that it took are counted. */
static int expect_all(struct flight *const made[], uint32_t count, uint32_t *ret_lent)
{
	uint64_t in_flight = stats_now().in_flight;
	int r = 0;

	*ret_lent = 0;
	for (uint32_t i = 0; i < count && r == 0; i++) {
		struct hws_request request = made[i]->request;

		request.flags |= i + 1 < count ? HWS_LINK : 0;
		fill(made[i]);
		r = model_expect(&model, &request, in_flight + i);
		if (r == 0) {
			model_pass(&model, &request, HWS_OWNER_KERNEL, false);
			++*ret_lent;
		}
		/* what runs beside others, or writes what the model doesn't look at */
		in_order &= !(request.flags & ~(uint32_t)HWS_EXACT) &&
			    request.kind != HWS_OP_WRITEV;
	}
	return r;
}

/* One, or a chain: all of it or nothing. */
static void call_queue(struct fuzz *input)
{
	uint32_t count = fuzz_number(input, 1) < 200 ? 1 : CHAIN;
	struct hws_request requests[CHAIN];
	struct flight *made[CHAIN];
	uint32_t lent;
	int expected;
	int r;

	for (uint32_t i = 0; i < count; i++) {
		made[i] = no_flight();
		fuzz_must(made[i]);
		make(input, made[i]);
		requests[i] = made[i]->request;
	}
	expected = expect_all(made, count, &lent);
	r = count == 1 ? hws_queue(ring, requests, NULL) : hws_chain(ring, requests, count);
	fuzz_must(r == expected);
	if (r == 0) {
		made[count - 1]->op = hws_op_last(ring);
		half_chain = requests[count - 1].flags & (HWS_LINK | HWS_HARDLINK);
	}
	for (uint32_t i = 0; r < 0 && i < count; i++) {
		if (i < lent)
			model_pass(&model, &requests[i], HWS_OWNER_USER, false);
		made[i]->tag = 0;
	}
}

static void call_take(struct fuzz *input)
{
	struct held *of = &model.held[fuzz_number(input, 1) % BUFFERS];

	if (of->owner == HWS_OWNER_FREE || !model_holder(&model, of->buf)) {
		fuzz_must(hws_buf_take(model.pool, BUFFER_SIZE, &of->buf) == 0);
		of->owner = HWS_OWNER_USER;
	}
}

static void call_give(struct fuzz *input)
{
	struct hws_buf buf = some_buf(input);
	struct held *of = model_holder(&model, buf);
	int expected = model_expect_buf(&model, buf);

	fuzz_must(hws_buf_give(model.pool, buf) == expected);
	if (expected == 0)
		of->owner = HWS_OWNER_FREE;
}

static void call_submit(struct fuzz *input)
{
	(void)input;
	fuzz_must(hws_submit(ring) == 0);
	half_chain = false;
}

/* On a ring that does one thing at a time it is known what each reads. */
static void check_bytes(const struct flight *flight, int64_t result)
{
	const struct hws_request *of = &flight->request;
	uint64_t left = of->offset < content_size ? content_size - of->offset : 0;
	uint64_t moved = of->kind == HWS_OP_WRITE || of->length < left ? of->length : left;
	HWS_VIEW(view);

	if (!in_order || of->fd != memory || result == -ECANCELED ||
	    (of->kind != HWS_OP_READ && of->kind != HWS_OP_WRITE))
		return;
	fuzz_must(result == (int64_t)moved);
	fuzz_must(hws_view_open(model.pool, of->buf, HWS_R, &view) == 0);
	if (of->kind == HWS_OP_READ) {
		fuzz_must(!memcmp((uint8_t *)view.bytes + of->buf_offset, content + of->offset,
				  (size_t)moved));
		return;
	}
	memset(content + of->offset, (int)(uint8_t)flight->tag, (size_t)moved);
	if (moved && of->offset + moved > content_size)
		content_size = of->offset + moved;
}

static void check_done(const struct hws_done *done)
{
	struct flight *flight = NULL;
	uint32_t traits = traits_of(done->kind);

	for (int i = 0; i < 2 * DEPTH; i++)
		if (flights[i].tag == done->tag)
			flight = &flights[i];
	fuzz_must(flight && done->tag && flight->request.kind == done->kind && !done->flags);
	fuzz_must(done->buf.slot ==
		  (traits & TAKES_BUF ? flight->request.buf.slot : flight->list[0].slot));
	fuzz_must(!(traits & MOVES) || done->result <= (int64_t)flight->request.length);
	model_pass(&model, &flight->request, HWS_OWNER_USER, false);
	check_bytes(flight, done->result);
	if (done->kind == HWS_OP_SOCKET && done->result >= 0)
		sys_close((int)done->result);
	flight->tag = 0;
}

static int take_done(uint32_t most)
{
	struct hws_done done[DEPTH];
	int n = hws_wait(ring, done, most, 0);

	half_chain = false;
	fuzz_must(n <= (int)most && (n >= 0 || n == -ETIME));
	for (int i = 0; i < n; i++)
		check_done(&done[i]);
	return n;
}

static void call_wait(struct fuzz *input)
{
	take_done(1 + (uint32_t)fuzz_number(input, 1) % DEPTH);
}

/* Mostly one in flight; else an old one, or any number. */
static struct hws_op some_op(struct fuzz *input, struct flight **ret_flight)
{
	uint64_t how = fuzz_number(input, 1);
	struct hws_op op = flights[how % (2 * DEPTH)].op;

	if (how > 250)
		op.id += fuzz_odd_number(input);
	*ret_flight = NULL;
	for (int i = 0; i < 2 * DEPTH; i++)
		if (flights[i].tag && op.id && flights[i].op.id == op.id)
			*ret_flight = &flights[i];
	return op;
}

/* Of a chain only the last one's handle is known; a guess may be right. */
static bool may_be_unknown(struct hws_op op)
{
	for (int i = 0; i < 2 * DEPTH; i++)
		if (flights[i].tag && !flights[i].op.id)
			return op.id;
	return false;
}

static void call_cancel(struct fuzz *input)
{
	struct flight *flight;
	struct hws_op op = some_op(input, &flight);
	int r;

	if (!flight && may_be_unknown(op))
		return;
	r = hws_op_cancel(ring, op);
	fuzz_must(r == (!flight		    ? -ESTALE
			: flight->cancelled ? -EALREADY
			: half_chain	    ? -EBUSY
					    : 0));
	if (r == 0)
		flight->cancelled = true;
}

static void call_forget(struct fuzz *input)
{
	struct flight *flight;
	struct hws_op op = some_op(input, &flight);

	if (!flight && may_be_unknown(op))
		return;
	fuzz_must(hws_op_forget(ring, op) == (flight ? 0 : -ESTALE));
	if (!flight)
		return;
	model_pass(&model, &flight->request, HWS_OWNER_KERNEL, true);
	in_order &= flight->request.kind != HWS_OP_WRITE;
	flight->tag = 0;
}

/* Something for those who wait. */
static void call_feed(struct fuzz *input)
{
	(void)!send(sockets[fuzz_number(input, 1) & 1], "some", 4, MSG_DONTWAIT);
}

/* What is in flight returns to the pool; what is held is given back: then all is free. */
static void end(int lowest)
{
	struct hws_pool_stats stats = { .size = sizeof(stats) };
	uint64_t now;
	int fd;

	(void)stats_now();
	fuzz_must(sys_clock(CLOCK_MONOTONIC, &now) == 0);
	fuzz_must(hws_ring_close(ring, now + UINT64_C(5000000000)) == 0);
	for (int i = 0; i < BUFFERS; i++) {
		struct held *of = &model.held[i];

		if (of->owner == HWS_OWNER_USER)
			fuzz_must(hws_buf_give(model.pool, of->buf) == 0);
		fuzz_must(hws_buf_owner(model.pool, of->buf) == -ESTALE);
		*of = (struct held) { of->buf, HWS_OWNER_FREE, false };
	}
	fuzz_must(hws_pool_read_stats(model.pool, &stats) == 0);
	fuzz_must(stats.owned[HWS_OWNER_FREE] == BUFFERS);
	sys_close(sockets[0]);
	sys_close(sockets[1]);
	fd = sys_dup(memory);
	fuzz_must(fd == lowest);
	sys_close(fd);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static void (*const calls[])(struct fuzz *) = {
		call_take,  call_take,	 call_queue,  call_queue,  call_queue,
		call_queue, call_give,	 call_submit, call_wait,   call_wait,
		call_wait,  call_cancel, call_feed,   call_forget, call_cancel,
	};
	struct fuzz input = { data, size };
	int lowest;

	if (!model.pool)
		begin();
	lowest = sys_dup(memory);
	sys_close(lowest);
	open_ring(fuzz_number(&input, 1));
	for (int i = 0; i < CALLS && input.left; i++)
		calls[fuzz_number(&input, 1) % (sizeof(calls) / sizeof(calls[0]))](&input);
	end(lowest);
	return 0;
}
