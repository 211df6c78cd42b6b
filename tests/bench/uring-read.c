/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Reads: against pread, which is what people use today, by each back end; and
 * with each guard, against none.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "tests/bench/uring.h"
#include "uring/pool.h"

enum { DEPTH_MAX = 64, SMALL_FILE = 4 << 20, LARGE_FILE = 16 << 20 };

struct read_shape {
	uint32_t block;
	uint32_t depth;
	int flags; /* of the file */
	const char *backend;
	enum hws_pool_guard guard;
	bool views; /* each block is looked at; the other side is a ring without guard */
};

struct side {
	struct hws_ring *ring;
	struct hws_buf bufs[DEPTH_MAX];
};

struct bench {
	const struct read_shape *shape;
	struct side ours;
	struct side base;
	char *memory; /* of pread */
	int fd;
	uint32_t blocks; /* in the file */
	uint32_t block;	 /* where the next read begins */
};

static uint64_t place(struct bench *bench)
{
	bench->block = (bench->block * 5 + 1) % bench->blocks;
	return (uint64_t)bench->block * bench->shape->block;
}

static size_t memory_size(const struct bench *bench)
{
	return (size_t)bench->shape->depth * bench->shape->block;
}

static int open_side(const struct read_shape *shape, enum hws_pool_guard guard, struct side *side)
{
	const struct hws_pool_options pool = {
		.size = sizeof(pool),
		.classes = { { shape->block, shape->depth } },
		.guard = guard,
		.flags = HWS_POOL_PREFAULT,
	};
	struct hws_ring_options options = {
		.depth = shape->depth,
		.pool_options = &pool,
		.backend = shape->backend,
	};
	int r = hws_ring_open(NULL, &options, &side->ring);

	for (uint32_t i = 0; r == 0 && i < shape->depth; i++)
		r = hws_buf_take(hws_ring_pool(side->ring), shape->block, &side->bufs[i]);
	return r;
}

static int open_base(struct bench *bench)
{
	void *memory;

	if (bench->shape->views)
		return open_side(bench->shape, HWS_POOL_GUARD_NONE, &bench->base);
	memory = mmap(NULL, memory_size(bench), PROT_READ | PROT_WRITE,
		      MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
	if (memory == MAP_FAILED)
		return -errno;
	bench->memory = memory;
	return 0;
}

static void teardown(void *context)
{
	struct bench *bench = context;

	hws_ring_close(bench->ours.ring, HWS_FOREVER);
	hws_ring_close(bench->base.ring, HWS_FOREVER);
	if (bench->memory)
		munmap(bench->memory, memory_size(bench));
	if (bench->fd >= 0)
		close(bench->fd);
	free(bench);
}

static int setup(const struct bench_case *of, void **ret_context)
{
	const struct read_shape *shape = of->arg;
	uint64_t size = shape->block > 4096 ? LARGE_FILE : SMALL_FILE;
	struct bench *bench = calloc(1, sizeof(*bench));
	int r;

	if (!bench)
		return -ENOMEM;
	bench->shape = shape;
	bench->blocks = (uint32_t)(size / shape->block);
	bench->fd = -1;
	r = open_side(shape, shape->guard, &bench->ours);
	if (r == 0)
		r = open_base(bench);
	if (r == 0)
		r = bench->fd = uring_open_file(size, shape->flags);
	if (r < 0) {
		teardown(bench);
		return r;
	}
	*ret_context = bench;
	return 0;
}

static int look(struct hws_pool *pool, struct hws_buf buf)
{
	void *bytes;
	size_t size;
	int r = hws_buf_view(pool, buf, HWS_RW, &bytes, &size);

	if (r < 0)
		return r;
	(void)*(volatile char *)bytes;
	return hws_buf_unview(pool, buf);
}

/* Takes them all back, and looks at each if that is to be. */
static int take(const struct bench *bench, struct side *side)
{
	const struct read_shape *shape = bench->shape;
	struct hws_pool *pool = hws_ring_pool(side->ring);
	struct hws_done done[DEPTH_MAX];
	int n = hws_wait_many(side->ring, done, shape->depth, shape->depth, HWS_FOREVER);

	for (int i = 0; i < n; i++) {
		if (done[i].result != shape->block)
			return -EIO;
		side->bufs[done[i].tag] = done[i].buf;
		if (shape->views && look(pool, done[i].buf) < 0)
			return -EIO;
	}
	return n == (int)shape->depth ? 0 : -EIO;
}

static int read_side(struct bench *bench, struct side *side, uint64_t n)
{
	uint32_t block = bench->shape->block;
	int r = 0;

	for (; n && r == 0; n = bench_next(n)) {
		for (uint32_t i = 0; i < bench->shape->depth && r == 0; i++)
			r = hws_read(side->ring, bench->fd, side->bufs[i], place(bench), block, i);
		if (r == 0)
			r = take(bench, side);
	}
	return r;
}

static int read_ours(void *context, uint64_t n)
{
	struct bench *bench = context;

	return read_side(bench, &bench->ours, n);
}

static int read_base(void *context, uint64_t n)
{
	struct bench *bench = context;

	return read_side(bench, &bench->base, n);
}

static int pread_base(void *context, uint64_t n)
{
	struct bench *bench = context;
	size_t block = bench->shape->block;

	for (; n; n = bench_next(n))
		for (uint32_t i = 0; i < bench->shape->depth; i++)
			if (pread(bench->fd, bench->memory + i * block, block,
				  (off_t)place(bench)) != (ssize_t)block)
				return -EIO;
	return 0;
}

#define SHAPE(how, ...) (&(const struct read_shape) { .guard = (how), __VA_ARGS__ })
#define COMMON		.setup = setup, .teardown = teardown, .ours = read_ours
#define AGAINST_PREAD(kib, qd, how, ...)                                                           \
	COMMON, .base = pread_base, .ours_ops = qd, .flags = BENCH_NO_INSTRUCTIONS,                \
		.arg = SHAPE(HWS_POOL_GUARD_NONE, .block = (kib) << 10, .depth = qd, .flags = how, \
			     __VA_ARGS__)
#define GUARDED(how)                                                                       \
	COMMON, .base = read_base, .ours_ops = 32, .baseline = "the same without a guard", \
		.arg = SHAPE(how, .block = 4096, .depth = 32, .views = true)

#define PREAD	     "one pread after another"
#define DIRECT_PREAD "one pread after another, O_DIRECT"
#define LARGE(kib, qd)                                                                  \
	{                                                                               \
		.name = "large-" #kib "k-qd" #qd "-vs-pread", .baseline = DIRECT_PREAD, \
		.what = #kib " KiB from the disk, " #qd " at a time",                   \
		AGAINST_PREAD(kib, qd, O_DIRECT)                                        \
	}

const struct bench_case uring_read_cases[] = {
	{ .name = "direct-4k-vs-pread",
	  .baseline = DIRECT_PREAD,
	  .what = "4 KiB from the disk, 32 at a time",
	  AGAINST_PREAD(4, 32, O_DIRECT),
	  .limits = { { BENCH_RATIO, 0.45 } } },
	{ .name = "small-read-qd1-vs-pread",
	  .baseline = PREAD,
	  .what = "4 KiB from the page cache, one at a time",
	  AGAINST_PREAD(4, 1, 0) },
	{ .name = "small-read-qd32-vs-pread",
	  .baseline = PREAD,
	  .what = "4 KiB from the page cache, 32 at a time",
	  AGAINST_PREAD(4, 32, 0) },
	LARGE(128, 1),
	LARGE(128, 8),
	LARGE(128, 64),
	LARGE(1024, 1),
	LARGE(1024, 4),
	LARGE(1024, 16),
	{ .name = "epoll-small-read-vs-pread",
	  .baseline = PREAD,
	  .what = "without io_uring, by threads: 4 KiB from the page cache, 32 at a time",
	  AGAINST_PREAD(4, 32, 0, .backend = "epoll") },
	{ .name = "epoll-direct-vs-pread",
	  .baseline = DIRECT_PREAD,
	  .what = "without io_uring, by threads: 4 KiB from the disk, 32 at a time",
	  AGAINST_PREAD(4, 32, O_DIRECT, .backend = "epoll") },
	{ .name = "sync-small-read-vs-pread",
	  .baseline = PREAD,
	  .what = "without io_uring, by plain calls: 4 KiB from the page cache, 32 at a time",
	  AGAINST_PREAD(4, 32, 0, .backend = "sync") },
	{ .name = "sync-direct-vs-pread",
	  .baseline = DIRECT_PREAD,
	  .what = "without io_uring, by plain calls: 4 KiB from the disk, 32 at a time",
	  AGAINST_PREAD(4, 32, O_DIRECT, .backend = "sync") },
	{ .name = "pku-4k-qd32",
	  .what = "4 KiB from the page cache, 32 at a time, each looked at; by protection keys",
	  GUARDED(HWS_POOL_GUARD_KEYS),
	  .limits = { { BENCH_EXTRA_NS, 60 } } },
	{ .name = "strict-4k-qd32",
	  .what = "the same with a key of its own for what is in flight",
	  GUARDED(HWS_POOL_GUARD_STRICT) },
	{ .name = "pages-4k-qd32", .what = "the same by PROT_NONE", GUARDED(HWS_POOL_GUARD_PAGES) },
	{ 0 },
};
