/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What holds of every ring's operations and buffers holds of one that a launcher made, too. */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sys/mman.h>
#include <unistd.h>

#include "tests/helper/client.h"

enum { STORM = 4000, FILE_BYTES = CLIENT_BLOCK * CLIENT_BLOCKS };

struct rig {
	struct hws *hw;
	struct hws_ring *ring;
	struct hws_pool *pool;
	bool writes;
};

static struct hws_buf take(const struct rig *rig)
{
	struct hws_buf buf;

	CHECK(hws_buf_take(rig->pool, CLIENT_BLOCK, &buf) == 0);
	return buf;
}

static void give(const struct rig *rig, struct hws_buf buf)
{
	CHECK(hws_buf_give(rig->pool, buf) == 0);
}

static struct hws_done one(const struct rig *rig)
{
	struct hws_done done;

	CHECK(hws_wait(rig->ring, &done, 1, HWS_FOREVER) == 1);
	return done;
}

static struct hws_request reading(struct hws_buf buf, uint64_t offset, uint64_t length)
{
	return (struct hws_request) { .kind = HWS_OP_READ,
				      .fd = HWS_FILE(0),
				      .buf = buf,
				      .offset = offset,
				      .length = length };
}

static struct hws_op queue(const struct rig *rig, struct hws_request request)
{
	struct hws_op op;

	CHECK(hws_queue(rig->ring, &request, &op) == 0);
	return op;
}

static bool has(const struct rig *rig, struct hws_buf buf, size_t from, size_t to, int byte)
{
	bool same = true;
	HWS_VIEW(view);

	CHECK(hws_view_open(rig->pool, buf, HWS_R, &view) == 0);
	for (size_t i = from; i < to; i++)
		same &= ((const unsigned char *)view.bytes)[i] == (unsigned char)byte;
	return same;
}

static void fill(const struct rig *rig, struct hws_buf buf, int byte)
{
	HWS_VIEW(view);

	CHECK(hws_view_open(rig->pool, buf, HWS_RW, &view) == 0);
	memset(view.bytes, byte, view.size);
}

static void parts_ends_and_ranges(struct rig *rig)
{
	struct hws_request request = reading(take(rig), 5, 100);
	struct hws_done done;

	fill(rig, request.buf, 0xaa);
	request.buf_offset = 200;
	queue(rig, request);
	done = one(rig);
	CHECK(done.result == 100 && has(rig, done.buf, 200, 300, CLIENT_BYTE(0)));
	CHECK(has(rig, done.buf, 0, 200, 0xaa) && has(rig, done.buf, 300, CLIENT_BLOCK, 0xaa));
	queue(rig, reading(done.buf, FILE_BYTES - 10, CLIENT_BLOCK));
	done = one(rig);
	CHECK(done.result == 10);
	queue(rig, reading(done.buf, FILE_BYTES, CLIENT_BLOCK));
	done = one(rig);
	CHECK(done.result == 0);
	request = reading(done.buf, 0, CLIENT_BLOCK + 1);
	CHECK(hws_queue(rig->ring, &request, NULL) == -ERANGE);
	give(rig, done.buf);
}

/* The kernel's while it is in flight; afterwards an old handle is none. */
static void one_owner_at_a_time(struct rig *rig)
{
	struct hws_request request = reading(take(rig), 0, CLIENT_BLOCK);
	struct hws_request again = request;
	struct hws_done done;
	size_t size;
	void *bytes;

	CHECK(hws_buf_view(rig->pool, request.buf, HWS_R, &bytes, &size) == 0);
	CHECK(hws_queue(rig->ring, &request, NULL) == -EBUSY);
	CHECK(hws_buf_unview(rig->pool, request.buf) == 0);
	queue(rig, request);
	CHECK(hws_buf_owner(rig->pool, request.buf) == HWS_OWNER_KERNEL);
	CHECK(hws_buf_view(rig->pool, request.buf, HWS_R, &bytes, &size) == -EBUSY);
	CHECK(hws_buf_give(rig->pool, request.buf) == -EBUSY);
	CHECK(hws_queue(rig->ring, &again, NULL) == -EBUSY);
	done = one(rig);
	CHECK(done.result == CLIENT_BLOCK);
	CHECK(hws_buf_owner(rig->pool, done.buf) == HWS_OWNER_USER);
	give(rig, done.buf);
	CHECK(hws_buf_give(rig->pool, done.buf) == -ESTALE);
	CHECK(hws_queue(rig->ring, &again, NULL) == -ESTALE);
}

static void chains_run_in_order_or_not_at_all(struct rig *rig)
{
	struct hws_request chain[3] = {
		reading(take(rig), 0, CLIENT_BLOCK),
		reading(take(rig), 0, CLIENT_BLOCK),
		reading(take(rig), 0, CLIENT_BLOCK),
	};
	struct hws_done done[3];

	for (uint64_t i = 0; i < 3; i++)
		chain[i].tag = i;
	CHECK(hws_chain(rig->ring, chain, 3) == 0);
	CHECK(hws_wait_many(rig->ring, done, 3, 3, HWS_FOREVER) == 3);
	for (uint64_t i = 0; i < 3; i++)
		CHECK(done[i].tag == i && done[i].result == CLIENT_BLOCK);
	/* a short transfer breaks it, and each buffer comes back */
	chain[0].offset = FILE_BYTES - 1;
	CHECK(hws_chain(rig->ring, chain, 3) == 0);
	CHECK(hws_wait_many(rig->ring, done, 3, 3, HWS_FOREVER) == 3);
	CHECK(done[0].result == 1 && done[1].result == -ECANCELED && done[2].result == -ECANCELED);
	for (int i = 0; i < 3; i++)
		give(rig, done[i].buf);
}

/* A timeout that never comes stands for what waits; a file's read for what may be done already. */
static void cancelled_or_done_but_back(struct rig *rig)
{
	const struct hws_request never = { .kind = HWS_OP_TIMEOUT, .offset = UINT64_MAX / 2 };

	for (int i = 0; i < 500; i++) {
		struct hws_op op = queue(rig, i % 2 ? never : reading(take(rig), 0, CLIENT_BLOCK));
		struct hws_done done;
		int r;

		if (i % 4 < 2)
			CHECK(hws_submit(rig->ring) == 0);
		r = hws_op_cancel(rig->ring, op);
		CHECK(r == 0 || r == -ESTALE);
		done = one(rig);
		CHECK(done.result == -ECANCELED || (done.result == CLIENT_BLOCK && i % 2 == 0));
		CHECK(hws_op_cancel(rig->ring, op) == -ESTALE);
		if (i % 2 == 0)
			give(rig, done.buf);
	}
}

/* Nobody waits for them: their buffers go home by themselves. */
static void forgotten_ones_come_home(struct rig *rig)
{
	struct hws_pool_stats stats = { .size = sizeof(stats) };
	struct hws_done done;

	for (int i = 0; i < 100; i++) {
		struct hws_op op = queue(rig, reading(take(rig), 0, CLIENT_BLOCK));

		CHECK(hws_op_forget(rig->ring, op) == 0);
		CHECK(hws_op_forget(rig->ring, op) == -ESTALE);
		CHECK(hws_op_cancel(rig->ring, op) == -ESTALE);
	}
	CHECK(hws_submit(rig->ring) == 0);
	for (stats.in_use = 1; stats.in_use; usleep(1000)) {
		CHECK(hws_wait(rig->ring, &done, 1, 0) <= 0);
		CHECK(hws_pool_read_stats(rig->pool, &stats) == 0);
	}
}

static void *try_elsewhere(void *context)
{
	struct rig *rig = context;

	return hws_nop(rig->ring, 0) < 0 ? context : NULL;
}

static void one_thread(struct rig *rig)
{
	pthread_t thread;
	void *refused;

	CHECK(pthread_create(&thread, NULL, try_elsewhere, rig) == 0);
	CHECK(pthread_join(thread, &refused) == 0 && refused);
}

static void as_deep_as_it_is(struct rig *rig)
{
	const struct hws_request never = { .kind = HWS_OP_TIMEOUT, .offset = UINT64_MAX / 2 };
	struct hws_ring_info info;
	struct hws_op ops[1024];
	uint32_t count = 0;
	int r;

	hws_ring_get_info(rig->ring, &info);
	CHECK(info.depth <= sizeof(ops) / sizeof(ops[0]));
	while ((r = hws_queue(rig->ring, &never, &ops[count])) == 0)
		CHECK(++count <= info.depth);
	CHECK(r == -EAGAIN && count == info.depth);
	for (uint32_t i = 0; i < count; i++) {
		r = hws_op_cancel(rig->ring, ops[i]);
		if (r == -EAGAIN) {
			CHECK(hws_submit(rig->ring) == 0);
			r = hws_op_cancel(rig->ring, ops[i]);
		}
		CHECK(r == 0);
	}
	while (count--)
		CHECK(one(rig).result == -ECANCELED);
}

static uint32_t next(uint64_t *state)
{
	*state = *state * UINT64_C(6364136223846793005) + 1;
	return (uint32_t)(*state >> 33);
}

/* Anything in any order; all of it is counted once. */
static void storm(struct rig *rig)
{
	const struct hws_request never = { .kind = HWS_OP_TIMEOUT, .offset = UINT64_MAX / 2 };
	uint64_t state = 42;
	struct hws_op waiting;

	for (int i = 0; i < STORM; i++) {
		uint32_t what = next(&state) % 8;
		uint64_t at = next(&state) % FILE_BYTES;
		struct hws_done done[8];
		struct hws_buf buf;
		struct hws_op op;
		int n;

		if (what < 6 && hws_buf_take(rig->pool, CLIENT_BLOCK, &buf) == 0) {
			struct hws_request request = reading(buf, at, CLIENT_BLOCK);

			if (hws_queue(rig->ring, &request, &op) < 0)
				give(rig, buf);
			else if (what == 0)
				(void)!hws_op_cancel(rig->ring, op);
			else if (what == 1)
				CHECK(hws_op_forget(rig->ring, op) == 0);
		} else if (hws_queue(rig->ring, &never, &waiting) == 0) {
			CHECK(hws_op_cancel(rig->ring, waiting) == 0);
		}
		n = hws_wait(rig->ring, done, 8, what == 7 ? 0 : 1);
		for (int d = 0; d < n; d++)
			if (done[d].buf.generation)
				give(rig, done[d].buf);
	}
	for (struct hws_done done; hws_wait(rig->ring, &done, 1, HWS_FOREVER) == 1;)
		if (done.buf.generation)
			give(rig, done.buf);
}

static void write_and_read_back(struct rig *rig)
{
	struct hws_request request = reading(take(rig), CLIENT_BLOCK, CLIENT_BLOCK);
	struct hws_done done;

	fill(rig, request.buf, 0x77);
	request.kind = HWS_OP_WRITE;
	queue(rig, request);
	done = one(rig);
	CHECK(done.result == (rig->writes ? CLIENT_BLOCK : -EACCES));
	queue(rig, (struct hws_request) { .kind = HWS_OP_FSYNC, .fd = HWS_FILE(0) });
	CHECK(one(rig).result == (rig->writes ? 0 : -EACCES));
	fill(rig, done.buf, 0);
	queue(rig, reading(done.buf, CLIENT_BLOCK, CLIENT_BLOCK));
	done = one(rig);
	CHECK(has(rig, done.buf, 0, CLIENT_BLOCK, rig->writes ? 0x77 : CLIENT_BYTE(1)));
	give(rig, done.buf);
}

static void (*const bodies[])(struct rig *rig) = {
	parts_ends_and_ranges,
	one_owner_at_a_time,
	chains_run_in_order_or_not_at_all,
	cancelled_or_done_but_back,
	forgotten_ones_come_home,
	one_thread,
	as_deep_as_it_is,
	storm,
	write_and_read_back,
};

/* After each nothing is in flight, nothing is lost, every buffer is home. */
static void check_balance(struct rig *rig)
{
	struct hws_pool_stats pool = { .size = sizeof(pool) };
	struct hws_ring_stats stats;

	hws_ring_get_stats(rig->ring, &stats);
	CHECK(stats.submitted == stats.delivered + stats.reclaimed);
	CHECK(!stats.in_flight && !stats.lost && !stats.unknown && !stats.orphans);
	CHECK(hws_pool_read_stats(rig->pool, &pool) == 0);
	CHECK(!pool.in_use && !pool.viewed);
	CHECK(pool.owned[HWS_OWNER_FREE] == pool.capacity);
}

/* Once it is closed nothing comes any more: what is put there then stays. */
static void close_in_flight(struct rig *rig, const struct hws_grants_ring *grant)
{
	const struct hws_request never = { .kind = HWS_OP_TIMEOUT, .offset = UINT64_MAX / 2 };
	unsigned char *arena = mmap(NULL, (size_t)grant->size, PROT_READ | PROT_WRITE, MAP_SHARED,
				    grant->arena_fd, 0);

	CHECK(arena != MAP_FAILED);
	for (int i = 0; i < 64; i++)
		queue(rig, reading(take(rig), 0, CLIENT_BLOCK));
	queue(rig, never);
	CHECK(hws_submit(rig->ring) == 0);
	CHECK(hws_ring_close(rig->ring, HWS_FOREVER) == 0);
	memset(arena, 0xee, (size_t)grant->size);
	usleep(50000);
	for (size_t i = 0; i < grant->size; i++)
		CHECK(arena[i] == 0xee);
	munmap(arena, (size_t)grant->size);
}

/* ops PATH r|rw */
void client_ops(char **arguments)
{
	const struct hws_grants_ring grant = client_grant();
	struct rig rig = { .hw = client_open("grants"), .writes = !strcmp(arguments[1], "rw") };

	CHECK(hws_ring_adopt(rig.hw, arguments[0], NULL, &rig.ring) == 0);
	rig.pool = hws_ring_pool(rig.ring);
	for (size_t i = 0; i < sizeof(bodies) / sizeof(bodies[0]); i++) {
		bodies[i](&rig);
		check_balance(&rig);
	}
	close_in_flight(&rig, &grant);
	hws_close(rig.hw);
}
