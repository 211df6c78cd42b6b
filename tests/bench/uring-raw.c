/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The ring against raw liburing, with the same flags, doing the same. */
#include <errno.h>
#include <fcntl.h>
#include <liburing.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "shim/why-internal.h"
#include "tests/bench/uring.h"
#include "uring/pool.h"

enum {
	DEPTH = 32,
	BLOCK = 4096,
	BLOCKS = 1024, /* in the file */
	HANG = 3,      /* of DEPTH: operations that are cancelled */
};

struct bench {
	struct hws_ring *ring;
	struct hws_buf bufs[DEPTH];
	struct io_uring raw;
	char *memory; /* of the raw ring */
	union {
		int fds[3];
		struct {
			int fd;
			int pipe[2];
		};
	};
	uint32_t block; /* where the next read begins */
};

static uint64_t place(struct bench *bench)
{
	bench->block = (bench->block * 5 + 1) % BLOCKS;
	return (uint64_t)bench->block * BLOCK;
}

static int open_raw(struct bench *bench)
{
	struct iovec iov;
	void *memory;
	int r = uring_open_like(bench->ring, DEPTH, &bench->raw);

	if (r < 0)
		return r;
	memory = mmap(NULL, DEPTH * BLOCK, PROT_READ | PROT_WRITE,
		      MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
	if (memory == MAP_FAILED)
		return -errno;
	bench->memory = memory;
	iov = (struct iovec) { bench->memory, DEPTH * BLOCK };
	return io_uring_register_buffers(&bench->raw, &iov, 1);
}

static int open_ours(struct bench *bench)
{
	static const struct hws_pool_options pool = {
		.size = sizeof(pool),
		.classes = { { BLOCK, DEPTH } },
		.guard = HWS_POOL_GUARD_NONE,
		.flags = HWS_POOL_PREFAULT,
	};
	struct hws_ring_options options = { .depth = DEPTH,
					    .pool_options = &pool,
					    .backend = "uring" };
	struct hws_ring_info info;
	int r = hws_ring_open(NULL, &options, &bench->ring);

	if (r < 0)
		return r;
	hws_ring_get_info(bench->ring, &info);
	if (!info.registered)
		return why(-ENOMEM, "the kernel takes no registered memory: %s", info.reduced);
	for (int i = 0; r == 0 && i < DEPTH; i++)
		r = hws_buf_take(hws_ring_pool(bench->ring), BLOCK, &bench->bufs[i]);
	return r;
}

static void teardown(void *context)
{
	struct bench *bench = context;

	hws_ring_close(bench->ring, HWS_FOREVER);
	if (bench->raw.ring_fd > 0)
		io_uring_queue_exit(&bench->raw);
	if (bench->memory)
		munmap(bench->memory, DEPTH * BLOCK);
	for (size_t i = 0; i < sizeof(bench->fds) / sizeof(bench->fds[0]); i++)
		if (bench->fds[i] > 0)
			close(bench->fds[i]);
	free(bench);
}

static int setup(const struct bench_case *of, void **ret_context)
{
	struct bench *bench = calloc(1, sizeof(*bench));
	const int *flags = of->arg;
	int r;

	if (!bench)
		return -ENOMEM;
	r = open_ours(bench);
	if (r == 0)
		r = open_raw(bench);
	if (r == 0 && pipe(bench->pipe) < 0)
		r = -errno;
	if (r == 0 && flags)
		r = bench->fd = uring_open_file((uint64_t)BLOCKS * BLOCK, *flags);
	if (r < 0) {
		teardown(bench);
		return r;
	}
	*ret_context = bench;
	return 0;
}

/* A buffer comes back by the handle it went by. Here, and below: each operation once. */
static int take_ours(struct bench *bench, int64_t expected)
{
	struct hws_done done[DEPTH];
	int n = hws_wait_many(bench->ring, done, DEPTH, DEPTH, HWS_FOREVER);
	uint64_t sum = 0;

	for (int i = 0; i < n; i++) {
		if (done[i].result != expected && done[i].result != -ECANCELED)
			return -EIO;
		sum += done[i].tag;
	}
	return n == DEPTH && sum == DEPTH * (DEPTH - 1) / 2 ? 0 : -EIO;
}

static int take_raw(struct bench *bench, int32_t expected)
{
	struct io_uring_cqe *cqe;
	unsigned int count = 0;
	unsigned int head;
	uint64_t sum = 0;

	io_uring_submit_and_wait(&bench->raw, DEPTH);
	io_uring_for_each_cqe(&bench->raw, head, cqe)
	{
		if (cqe->res != expected && cqe->res != -ECANCELED)
			return -EIO;
		sum += io_uring_cqe_get_data64(cqe);
		count++;
	}
	io_uring_cq_advance(&bench->raw, count);
	return count == DEPTH && sum == DEPTH * (DEPTH - 1) / 2 ? 0 : -EIO;
}

static int nop_ours(void *context, uint64_t n)
{
	struct bench *bench = context;
	int r = 0;

	for (; n && r == 0; n = bench_next(n)) {
		for (uint64_t i = 0; i < DEPTH && r == 0; i++)
			r = hws_nop(bench->ring, i);
		if (r == 0)
			r = take_ours(bench, 0);
	}
	return r;
}

static int nop_base(void *context, uint64_t n)
{
	struct bench *bench = context;
	int r = 0;

	for (; n && r == 0; n = bench_next(n)) {
		for (uint64_t i = 0; i < DEPTH; i++) {
			struct io_uring_sqe *sqe = io_uring_get_sqe(&bench->raw);

			if (!sqe)
				return -EAGAIN;
			io_uring_prep_nop(sqe);
			io_uring_sqe_set_data64(sqe, i);
		}
		r = take_raw(bench, 0);
	}
	return r;
}

static int read_ours(void *context, uint64_t n)
{
	struct bench *bench = context;
	int r = 0;

	for (; n && r == 0; n = bench_next(n)) {
		for (uint64_t i = 0; i < DEPTH && r == 0; i++)
			r = hws_read(bench->ring, bench->fd, bench->bufs[i], place(bench), BLOCK,
				     i);
		if (r == 0)
			r = take_ours(bench, BLOCK);
	}
	return r;
}

static int read_raw(struct bench *bench, uint64_t i, int fd)
{
	struct io_uring_sqe *sqe = io_uring_get_sqe(&bench->raw);

	if (!sqe)
		return -EAGAIN;
	io_uring_prep_read_fixed(sqe, fd, bench->memory + i * BLOCK, BLOCK, place(bench), 0);
	io_uring_sqe_set_data64(sqe, i);
	return 0;
}

static int read_base(void *context, uint64_t n)
{
	struct bench *bench = context;
	int r = 0;

	for (; n && r == 0; n = bench_next(n)) {
		for (uint64_t i = 0; i < DEPTH && r == 0; i++)
			r = read_raw(bench, i, bench->fd);
		if (r == 0)
			r = take_raw(bench, BLOCK);
	}
	return r;
}

static int cancel_ours(void *context, uint64_t n)
{
	struct bench *bench = context;
	int r = 0;

	for (; n && r == 0; n = bench_next(n)) {
		for (uint64_t i = 0; i < DEPTH && r == 0; i++) {
			int fd = i < HANG ? bench->pipe[0] : bench->fd;

			r = hws_read(bench->ring, fd, bench->bufs[i], place(bench), BLOCK, i);
			if (r == 0 && i < HANG)
				r = hws_op_cancel(bench->ring, hws_op_last(bench->ring));
		}
		if (r == 0)
			r = take_ours(bench, BLOCK);
	}
	return r;
}

static int cancel_raw(struct bench *bench, uint64_t i)
{
	struct io_uring_sqe *sqe = io_uring_get_sqe(&bench->raw);

	if (!sqe)
		return -EAGAIN;
	io_uring_prep_cancel64(sqe, i, 0);
	sqe->flags |= IOSQE_CQE_SKIP_SUCCESS;
	return 0;
}

static int cancel_base(void *context, uint64_t n)
{
	struct bench *bench = context;
	int r = 0;

	for (; n && r == 0; n = bench_next(n)) {
		for (uint64_t i = 0; i < DEPTH && r == 0; i++) {
			r = read_raw(bench, i, i < HANG ? bench->pipe[0] : bench->fd);
			if (r == 0 && i < HANG)
				r = cancel_raw(bench, i);
		}
		if (r == 0)
			r = take_raw(bench, BLOCK);
	}
	return r;
}

static const int cached = 0;
static const int direct = O_DIRECT;

#define COMMON .setup = setup, .teardown = teardown, .ours_ops = DEPTH

const struct bench_case uring_raw_cases[] = {
	{ .name = "nop-batch32",
	  .baseline = "raw liburing, same flags",
	  .what = "operations that do nothing, 32 at a time",
	  COMMON,
	  .ours = nop_ours,
	  .base = nop_base,
	  .limits = { { BENCH_RATIO, 1.10 } } },
	{ .name = "read-fixed-4k-qd32",
	  .baseline = "raw liburing, same flags",
	  .what = "4 KiB from the page cache to registered memory, 32 at a time",
	  COMMON,
	  .arg = &cached,
	  .ours = read_ours,
	  .base = read_base,
	  .limits = { { BENCH_RATIO, 1.03 }, { BENCH_EXTRA_INSTRUCTIONS, 60 } } },
	{ .name = "direct-4k-qd32",
	  .baseline = "raw liburing, same flags",
	  .what = "4 KiB from the disk, O_DIRECT, 32 at a time",
	  COMMON,
	  .arg = &direct,
	  .ours = read_ours,
	  .base = read_base,
	  .flags = BENCH_NO_INSTRUCTIONS,
	  .limits = { { BENCH_RATIO, 1.02 } } },
	{ .name = "cancel-10pct",
	  .baseline = "raw liburing, same flags",
	  .what = "29 reads from the page cache and 3 that hang and are cancelled",
	  COMMON,
	  .arg = &cached,
	  .ours = cancel_ours,
	  .base = cancel_base,
	  .limits = { { BENCH_RATIO, 1.10 } } },
	{ 0 },
};
