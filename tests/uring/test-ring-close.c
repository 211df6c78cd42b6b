/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The end of a ring: what was in flight has let go of its memory, or nobody gets it. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "tests/uring/rig.h"

enum { BIG = 1 << 20, MANY = 16 };

static struct hws_pool *open_pool(void)
{
	static const struct hws_pool_options sizes = {
		.size = sizeof(sizes),
		.classes = { { 4096, 64 }, { BIG, MANY } },
		.flags = HWS_POOL_PREFAULT,
		.guard = HWS_POOL_GUARD_NONE,
	};
	struct hws_pool *pool;

	ck_ok(hws_pool_open(NULL, &sizes, &pool));
	return pool;
}

static struct hws_ring *open_with(struct hws_pool *pool)
{
	return rig_open(&(struct hws_ring_options) { .pool = pool });
}

static uint64_t owned(struct hws_pool *pool, enum hws_owner owner)
{
	struct hws_pool_stats stats = { .size = sizeof(stats) };

	ck_ok(hws_pool_read_stats(pool, &stats));
	return stats.owned[owner];
}

START_TEST(close_takes_back_what_hangs)
{
	struct hws_pool *pool;
	struct hws_ring *ring;
	int ends[2];

	need_uring();
	pool = open_pool();
	ring = open_with(pool);
	ck_assert_int_eq(pipe(ends), 0);
	/* queued, submitted, in a worker, forgotten, and done but not taken */
	ck_ok(hws_read(ring, ends[0], rig_buf(ring, 4096, 0), HWS_HERE, 4096, 0));
	ck_ok(hws_submit(ring));
	ck_ok(hws_queue(ring,
			&(struct hws_request) { .kind = HWS_OP_READ,
						.flags = HWS_ASYNC,
						.fd = ends[0],
						.buf = rig_buf(ring, 4096, 0),
						.length = 4096 },
			NULL));
	ck_ok(hws_submit(ring));
	ck_ok(hws_read(ring, ends[0], rig_buf(ring, 4096, 0), HWS_HERE, 4096, 0));
	ck_ok(hws_op_forget(ring, hws_op_last(ring)));
	ck_ok(hws_queue(
		ring,
		&(struct hws_request) { .kind = HWS_OP_TIMEOUT, .offset = rig_after_ms(100000) },
		NULL));
	ck_ok(hws_queue(ring, &(struct hws_request) { .kind = HWS_OP_POLL, .fd = ends[0] }, NULL));
	ck_ok(hws_nop(ring, 0));
	ck_ok(hws_submit(ring));
	ck_ok(hws_read(ring, ends[0], rig_buf(ring, 4096, 0), HWS_HERE, 4096, 0));
	ck_assert_int_eq(hws_ring_close(ring, rig_after_ms(5000)), 0);
	ck_assert_uint_eq(owned(pool, HWS_OWNER_KERNEL), 0);
	ck_assert_uint_eq(owned(pool, HWS_OWNER_QUARANTINED), 0);
	ck_assert_uint_eq(owned(pool, HWS_OWNER_FREE), 64 + MANY);
	ck_ok(hws_pool_close(pool, NULL));
	ck_assert_int_eq(hws_ring_close(NULL, 0), 0);
}
END_TEST

/* What is queued last may be linked to nothing, or wait for what hangs. */
START_TEST(close_takes_back_what_hangs_in_a_chain)
{
	static const uint32_t flags[] = { HWS_LINK, HWS_HARDLINK, HWS_AFTER, HWS_LINK | HWS_AFTER };
	struct hws_request requests[2] = { { .flags = HWS_LINK },
					   { .kind = HWS_OP_READ, .length = 4096 } };
	int ends[2];

	need_uring();
	ck_assert_int_eq(pipe(ends), 0);
	for (size_t i = 0; i < 2 * sizeof(flags) / sizeof(flags[0]); i++) {
		struct hws_ring *ring = rig_open(NULL);

		ck_ok(hws_read(ring, ends[0], rig_buf(ring, 4096, 0), 0, 4096, 0));
		requests[1].fd = ends[0];
		requests[1].buf = rig_buf(ring, 4096, 0);
		requests[1].flags = flags[i / 2];
		ck_ok(hws_chain(ring, requests, 2));
		if (i % 2)
			ck_ok(hws_submit(ring));
		ck_assert_int_eq(hws_ring_close(ring, rig_after_ms(60000)), 0);
	}
	close(ends[0]);
	close(ends[1]);
}
END_TEST

/* Says that time is up, and enters no more. */
static int never(struct hws_ring *ring, uint32_t submit, uint32_t least, uint32_t flags,
		 uint64_t deadline_ns)
{
	(void)ring, (void)submit, (void)least, (void)flags, (void)deadline_ns;
	return -ETIME;
}

START_TEST(close_quarantines_what_the_kernel_keeps)
{
	struct ring_backend deaf;
	struct hws_pool_leaks leaks;
	struct hws_pool *pool;
	struct hws_ring *ring;
	struct hws_buf bufs[3];
	int ends[2];

	need_uring();
	pool = open_pool();
	ring = open_with(pool);
	ck_assert_int_eq(pipe(ends), 0);
	for (int i = 0; i < 3; i++) {
		bufs[i] = rig_buf(ring, 4096, 0);
		ck_ok(hws_read(ring, ends[0], bufs[i], HWS_HERE, 4096, 0));
	}
	ck_ok(hws_op_forget(ring, hws_op_last(ring)));
	ck_ok(hws_submit(ring));
	deaf = *ring->backend;
	deaf.enter = never;
	ring->backend = &deaf;
	ck_assert_int_eq(hws_ring_close(ring, rig_after_ms(20)), 3);
	for (int i = 0; i < 3; i++) {
		ck_assert_int_eq(hws_buf_owner(pool, bufs[i]), HWS_OWNER_QUARANTINED);
		ck_assert_int_eq(hws_buf_give(pool, bufs[i]), -EBUSY);
	}
	ck_ok(hws_pool_close(pool, &leaks));
	ck_assert_uint_eq(leaks.buffers, 3);
}
END_TEST

static int make_file(void)
{
	char *bytes = malloc((size_t)BIG * MANY);
	int fd;

	memset(bytes, 'f', (size_t)BIG * MANY);
	fd = rig_disk(bytes, (size_t)BIG * MANY);
	free(bytes);
	return fd;
}

static bool changes(const char *memory, size_t size)
{
	char *before = malloc(size);
	bool same;

	memcpy(before, memory, size);
	usleep(60000);
	same = memcmp(before, memory, size) == 0;
	free(before);
	return !same;
}

/* As most programs do it: close the ring and go on. Does the memory change afterwards? */
static bool naive_close_changes_memory(int fd)
{
	size_t size = (size_t)BIG * MANY;
	char *memory = mmap(NULL, size, PROT_READ | PROT_WRITE,
			    MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
	struct io_uring raw;
	bool changed;

	ck_ok(io_uring_queue_init(64, &raw, 0));
	for (int i = 0; i < MANY; i++)
		io_uring_prep_read(io_uring_get_sqe(&raw), fd, memory + (size_t)i * BIG, BIG,
				   (uint64_t)i * BIG);
	ck_assert_int_eq(io_uring_submit(&raw), MANY);
	io_uring_queue_exit(&raw);
	changed = changes(memory, size);
	/* the kernel may be at it still: left to the end of this process */
	return changed;
}

static bool our_close_changes_memory(int fd)
{
	struct hws_pool *pool = open_pool();
	struct hws_ring *ring = open_with(pool);
	struct hws_buf buf;
	void *bytes = NULL;
	char *first = NULL;
	bool changed;
	size_t size;

	for (int i = 0; i < MANY; i++) {
		buf = rig_buf(ring, BIG, 0);
		ck_ok(hws_buf_view(pool, buf, HWS_R, &bytes, &size));
		if (!first || (char *)bytes < first)
			first = bytes;
		ck_ok(hws_buf_unview(pool, buf));
		ck_ok(hws_read(ring, fd, buf, (uint64_t)i * BIG, BIG, 0));
	}
	ck_ok(hws_submit(ring));
	ck_assert_int_eq(hws_ring_close(ring, rig_after_ms(20000)), 0);
	/* the pool isn't guarded: what was read can be looked at */
	changed = changes(first, (size_t)BIG * MANY);
	ck_ok(hws_pool_close(pool, NULL));
	return changed;
}

START_TEST(memory_is_still_after_close)
{
	int fd;

	need_uring();
	fd = make_file();
	for (uint64_t i = 0; i < rig_times("HWS_TEST_CLOSES", 5); i++)
		ck_assert(!our_close_changes_memory(fd));
}
END_TEST

START_TEST(memory_is_not_still_after_the_naive_close)
{
	bool changed = false;
	struct hws_ring *ring;
	bool native;
	int fd;

	if (suite_in_lab())
		need_lab("nvme"); /* memory's files are read at once */
	ring = rig_open(NULL);
	native = rig_native(ring);
	rig_close(ring);
	if (suite_in_lab() && !native) {
		suite_not_here("the kernel's own rings", __func__);
		return;
	}
	need("uring", native, "what is naive needs the kernel's own rings");
	fd = make_file();
	for (uint64_t i = 0; i < rig_environment("HWS_TEST_CLOSES", 20) && !changed; i++)
		changed = naive_close_changes_memory(fd);
	need("late-writes", changed, "the disk was done before the naive close, 20 times");
	ck_assert(changed);
}
END_TEST

START_TEST(rings_come_and_go_without_a_trace)
{
	uint64_t limit = rig_times("HWS_TEST_RINGS", 200);

	need_uring();
	for (uint64_t i = 0; i < limit; i++) {
		struct hws_ring *ring = rig_open(&(struct hws_ring_options) { .depth = 8 });

		ck_ok(hws_nop(ring, i));
		ck_assert_int_eq(hws_ring_close(ring, rig_after_ms(1000)), 0);
	}
}
END_TEST

int main(void)
{
	return suite_run("uring/ring-close",
			 (const TTest *[]) { close_takes_back_what_hangs,
					     close_takes_back_what_hangs_in_a_chain,
					     close_quarantines_what_the_kernel_keeps,
					     memory_is_still_after_close,
					     memory_is_not_still_after_the_naive_close,
					     rings_come_and_go_without_a_trace, NULL });
}
