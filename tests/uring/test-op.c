/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Operations on files and pipes, by every way to their memory. */
#include <errno.h>
#include <fcntl.h>
#include <linux/nvme_ioctl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/uring/rig.h"

START_TEST(names_are_all_there)
{
	for (uint32_t kind = 0; kind < HWS_OP_KINDS; kind++) {
		ck_assert_ptr_nonnull(hws_op_name(kind));
		for (uint32_t other = 0; other < kind; other++)
			ck_assert_str_ne(hws_op_name(kind), hws_op_name(other));
	}
	ck_assert_str_eq(hws_op_name(HWS_OP_KINDS), "?");
}
END_TEST

static void files_are_read_and_written_by(int way)
{
	static const int flags[] = { 0, O_DIRECT };
	char *big = malloc(1 << 20);

	for (int i = 0; i < 1 << 20; i++)
		big[i] = (char)(i * 7 >> 3);
	for (int f = 0; f < 2; f++) {
		struct hws_ring *ring = rig_open_way(way);
		int fd = rig_file("", 0, O_RDWR | flags[f]);
		struct hws_buf buf = rig_buf(ring, 1 << 20, 0);

		rig_fill(ring, buf, big, 1 << 20);
		ck_assert_int_eq(rig_move(ring, HWS_OP_WRITE, fd, buf, 1 << 20).result, 1 << 20);
		rig_fill(ring, buf, "nothing of it", 13);
		ck_assert_int_eq(rig_move(ring, HWS_OP_READ, fd, buf, 1 << 20).result, 1 << 20);
		ck_assert(rig_holds(ring, buf, big, 1 << 20));
		/* at the end */
		ck_ok(hws_read(ring, fd, buf, 1 << 20, 4096, 0));
		ck_assert_int_eq(rig_one(ring).result, 0);
		rig_give(ring, buf);
		rig_close(ring);
		close(fd);
	}
	free(big);
}

START_TEST(files_are_read_and_written)
{
	need_uring();
	for (int way = 0; way < RIG_WAYS; way++)
		files_are_read_and_written_by(way);
}
END_TEST

static void lists_are_read_and_written_by(int way)
{
	struct hws_ring *ring;
	struct hws_buf bufs[3];
	struct hws_done done;
	int fd;

	ring = rig_open_way(way);
	fd = rig_file("", 0, 0);
	for (int i = 0; i < 3; i++)
		bufs[i] = rig_buf(ring, 4096, 'a' + i);
	done = rig_do(ring, &(struct hws_request) {
				    .kind = HWS_OP_WRITEV, .fd = fd, .bufs = bufs, .count = 3 });
	ck_assert_int_eq(done.result, 3 * 4096);
	ck_assert_mem_eq(&done.buf, &bufs[0], sizeof(bufs[0]));
	for (int i = 0; i < 3; i++)
		rig_fill(ring, bufs[i], "xxxx", 4);
	done = rig_do(ring, &(struct hws_request) {
				    .kind = HWS_OP_READV, .fd = fd, .bufs = bufs, .count = 3 });
	ck_assert_int_eq(done.result, 3 * 4096);
	ck_assert(rig_holds(ring, bufs[0], "aaaa", 4));
	ck_assert(rig_holds(ring, bufs[1], "bbbb", 4));
	ck_assert(rig_holds(ring, bufs[2], "cccc", 4));
	/* twice the same one: the second is the kernel's already, the first comes back */
	bufs[2] = bufs[0];
	ck_assert_int_eq(
		hws_queue(ring,
			  &(struct hws_request) {
				  .kind = HWS_OP_READV, .fd = fd, .bufs = bufs, .count = 3 },
			  NULL),
		-EBUSY);
	ck_assert_int_eq(hws_buf_owner(hws_ring_pool(ring), bufs[1]), HWS_OWNER_USER);
	ck_assert_int_eq(hws_queue(ring, &(struct hws_request) { .kind = HWS_OP_READV }, NULL),
			 -EINVAL);
	hws_ring_close(ring, rig_after_ms(1000));
}

START_TEST(lists_are_read_and_written)
{
	need_uring();
	for (int way = 0; way < RIG_WAYS; way++)
		lists_are_read_and_written_by(way);
}
END_TEST

static void paths_are_opened_and_described_by(int way)
{
	struct hws_ring *ring;
	struct hws_done done;
	struct hws_buf buf;
	struct stat expected;
	struct statx *got;
	char path[] = "/dev/null";
	size_t size;
	void *bytes;

	ring = rig_open_way(way);
	ck_ok(hws_queue(
		ring,
		&(struct hws_request) {
			.kind = HWS_OP_OPENAT, .fd = AT_FDCWD, .data = path, .how = O_RDONLY },
		NULL));
	/* it was copied */
	memset(path, 'x', sizeof(path) - 1);
	done = rig_one(ring);
	ck_ok(done.result);
	ck_assert_int_ne(fcntl((int)done.result, F_GETFD) & FD_CLOEXEC, 0);
	done = rig_do(ring, &(struct hws_request) { .kind = HWS_OP_CLOSE, .fd = (int)done.result });
	ck_assert_int_eq(done.result, 0);
	buf = rig_buf(ring, 4096, 0xff);
	done = rig_do(ring, &(struct hws_request) { .kind = HWS_OP_STATX,
						    .fd = AT_FDCWD,
						    .data = "/etc/passwd",
						    .mode = STATX_BASIC_STATS,
						    .buf = buf });
	ck_assert_int_eq(done.result, 0);
	ck_assert_int_eq(stat("/etc/passwd", &expected), 0);
	ck_ok(hws_buf_view(hws_ring_pool(ring), buf, HWS_R, &bytes, &size));
	got = bytes;
	ck_assert_uint_eq(got->stx_ino, expected.st_ino);
	ck_assert_uint_eq(got->stx_size, (uint64_t)expected.st_size);
	ck_ok(hws_buf_unview(hws_ring_pool(ring), buf));
	rig_give(ring, buf);
	ck_assert_int_eq(hws_queue(ring, &(struct hws_request) { .kind = HWS_OP_OPENAT }, NULL),
			 -EINVAL);
	rig_close(ring);
}

START_TEST(paths_are_opened_and_described)
{
	need_uring();
	for (int way = 0; way < RIG_WAYS; way++)
		paths_are_opened_and_described_by(way);
}
END_TEST

START_TEST(files_are_laid_out_and_synced)
{
	struct hws_ring *ring;
	struct stat after;
	int fd;

	need_uring();
	ring = rig_open(NULL);
	fd = rig_file("", 0, 0);
	ck_assert_int_eq(rig_do(ring, &(struct hws_request) { .kind = HWS_OP_FALLOCATE,
							      .fd = fd,
							      .offset = 4096,
							      .length = 8192 })
				 .result,
			 0);
	ck_assert_int_eq(fstat(fd, &after), 0);
	ck_assert_int_eq(after.st_size, 12288);
	ck_assert_int_eq(
		rig_do(ring, &(struct hws_request) { .kind = HWS_OP_FSYNC, .fd = fd }).result, 0);
	rig_close(ring);
}
END_TEST

START_TEST(splice_moves_without_a_buffer)
{
	struct hws_ring *ring;
	int ends[2];
	int fd;
	char got[5];

	need_uring();
	ring = rig_open(NULL);
	ck_assert_int_eq(pipe(ends), 0);
	fd = rig_file("hello", 5, 0);
	ck_assert_int_eq(rig_do(ring, &(struct hws_request) { .kind = HWS_OP_SPLICE,
							      .fd = ends[1],
							      .offset = HWS_HERE,
							      .fd2 = fd,
							      .length = 5 })
				 .result,
			 5);
	ck_assert_int_eq(read(ends[0], got, 5), 5);
	ck_assert_mem_eq(got, "hello", 5);
	rig_close(ring);
}
END_TEST

START_TEST(chains_run_in_order_or_not_at_all)
{
	struct hws_ring *ring;
	struct hws_buf bufs[2];
	struct hws_request chain[3];
	struct hws_done done[3];
	uint64_t submitted;
	int fd;

	need_uring();
	ring = rig_open(NULL);
	fd = rig_file("", 0, 0);
	bufs[0] = rig_buf(ring, 4096, 'c');
	bufs[1] = rig_buf(ring, 4096, 0);
	chain[0] = (struct hws_request) {
		.kind = HWS_OP_WRITE, .fd = fd, .buf = bufs[0], .length = 4096, .tag = 0
	};
	chain[1] = (struct hws_request) { .kind = HWS_OP_FSYNC, .fd = fd, .tag = 1 };
	chain[2] = (struct hws_request) {
		.kind = HWS_OP_READ, .fd = fd, .buf = bufs[1], .length = 4096, .tag = 2
	};
	ck_ok(hws_chain(ring, chain, 3));
	ck_assert_int_eq(hws_wait_many(ring, done, 3, 3, HWS_FOREVER), 3);
	for (uint64_t i = 0; i < 3; i++)
		ck_assert_uint_eq(done[i].tag, i);
	ck_assert(rig_holds(ring, bufs[1], "cccc", 4));
	/* the first fails: the others don't begin */
	chain[0].fd = -1;
	ck_ok(hws_chain(ring, chain, 3));
	ck_assert_int_eq(hws_wait_many(ring, done, 3, 3, HWS_FOREVER), 3);
	ck_assert_int_eq(done[0].result, -EBADF);
	ck_assert_int_eq(done[1].result, -ECANCELED);
	ck_assert_int_eq(done[2].result, -ECANCELED);
	/* the last one is refused: none is queued, all buffers are the user's */
	submitted = ring_submitted(ring);
	chain[2].buf = bufs[0];
	ck_assert_int_eq(hws_chain(ring, chain, 3), -EBUSY);
	ck_assert_uint_eq(ring_submitted(ring), submitted);
	ck_assert_uint_eq(ring_queued(ring), 0);
	rig_give(ring, bufs[0]);
	rig_give(ring, bufs[1]);
	rig_close(ring);
}
END_TEST

START_TEST(registered_files_stand_for_descriptors)
{
	struct hws_ring *ring;
	struct hws_buf buf;
	int fd;
	int file;

	need_uring();
	ring = rig_open(NULL);
	fd = rig_file("hello", 5, 0);
	ck_ok(hws_file_add(ring, fd, &file));
	close(fd);
	buf = rig_buf(ring, 4096, 0);
	for (int i = 0; i < 3; i++)
		ck_assert_int_eq(rig_move(ring, HWS_OP_READ, file, buf, 4096).result, 5);
	ck_ok(hws_read(ring, file, buf, 0, 4096, 0));
	ck_assert_int_eq(rig_one(ring).result, 5);
	ck_assert(rig_holds(ring, buf, "hello", 5));
	/* what is queued goes before what removes it */
	ck_ok(hws_read(ring, file, buf, 0, 4096, 0));
	ck_ok(hws_file_remove(ring, file));
	ck_assert_int_eq(rig_one(ring).result, 5);
	ck_assert_int_eq(hws_file_remove(ring, file), -EBADF);
	ck_assert_int_eq(hws_file_remove(ring, 3), -EBADF);
	ck_assert_int_eq(hws_file_add(ring, -1, &file), -EBADF);
	ck_assert_int_eq(rig_move(ring, HWS_OP_READ, file, buf, 4096).result, -EBADF);
	rig_give(ring, buf);
	rig_close(ring);
}
END_TEST

static void a_part_of_a_buffer_is_used_by(int way)
{
	struct hws_ring *ring;
	struct hws_buf buf;
	int fd;

	ring = rig_open_way(way);
	fd = rig_file("hello", 5, 0);
	buf = rig_buf(ring, 4096, '.');
	ck_assert_int_eq(rig_do(ring, &(struct hws_request) { .kind = HWS_OP_READ,
							      .fd = fd,
							      .buf = buf,
							      .buf_offset = 2,
							      .offset = 1,
							      .length = 3 })
				 .result,
			 3);
	ck_assert(rig_holds(ring, buf, "..ell...", 8));
	rig_give(ring, buf);
	rig_close(ring);
}

START_TEST(a_part_of_a_buffer_is_used)
{
	need_uring();
	for (int way = 0; way < RIG_WAYS; way++)
		a_part_of_a_buffer_is_used_by(way);
}
END_TEST

START_TEST(nvme_needs_its_ring)
{
	struct hws_ring_options options = { .flags = HWS_RING_NVME };
	struct nvme_uring_cmd command = { 0 };
	struct hws_request request = {
		.kind = HWS_OP_NVME, .how = NVME_URING_CMD_IO, .data = &command, .length = 512
	};
	struct hws_ring *ring;
	struct hws_done done;

	need_uring();
	ring = rig_open(NULL);
	request.buf = rig_buf(ring, 4096, 0);
	ck_assert_int_eq(hws_queue(ring, &request, NULL), -EINVAL);
	rig_give(ring, request.buf);
	rig_close(ring);
	ring = rig_open(&options);
	request.buf = rig_buf(ring, 4096, 0);
	request.data_size = 8;
	ck_assert_int_eq(hws_queue(ring, &request, NULL), -EINVAL);
	request.data_size = sizeof(command);
	request.fd = rig_file("", 0, 0);
	/* no NVMe device: the kernel says so, and the buffer comes back */
	done = rig_do(ring, &request);
	ck_assert_int_lt(done.result, 0);
	ck_assert_mem_eq(&done.buf, &request.buf, sizeof(done.buf));
	rig_give(ring, request.buf);
	/* and the double-sized queues work for the rest */
	for (int i = 0; i < 1000; i++) {
		ck_ok(hws_nop(ring, (uint64_t)i));
		ck_assert_uint_eq(rig_one(ring).tag, (uint64_t)i);
	}
	rig_close(ring);
}
END_TEST

/* Can a system call reach the byte? One goes through the pipe. */
static bool reachable(const int fds[2], const char *at)
{
	char byte;
	ssize_t n = write(fds[1], at, 1);

	if (n < 0)
		ck_assert_int_eq(errno, EFAULT);
	else
		ck_assert_int_eq(read(fds[0], &byte, 1), 1);
	return n == 1;
}

/* hws_read() and hws_write() have ways of their own. */
START_TEST(what_is_in_flight_is_shut)
{
	static const struct hws_pool_options pool = { .size = sizeof(pool),
						      .classes = { { 4096, 2 } },
						      .guard = HWS_POOL_GUARD_PAGES };
	struct hws_ring *ring;
	struct hws_buf buf;
	int fds[2];
	void *bytes;
	size_t size;

	need_uring();
	ring = rig_open(&(struct hws_ring_options) { .pool_options = &pool });
	ck_assert_int_eq(pipe(fds), 0);
	buf = rig_buf(ring, 4096, 'w');
	ck_ok(hws_buf_view(hws_ring_pool(ring), buf, HWS_R, &bytes, &size));
	ck_ok(hws_buf_unview(hws_ring_pool(ring), buf));
	ck_assert(reachable(fds, bytes));
	ck_ok(hws_write(ring, fds[1], buf, HWS_HERE, 10, 0));
	ck_assert(!reachable(fds, bytes));
	ck_assert_int_eq(rig_one(ring).result, 10);
	ck_ok(hws_read(ring, fds[0], buf, HWS_HERE, 10, 0));
	ck_assert(!reachable(fds, bytes));
	ck_assert_int_eq(rig_one(ring).result, 10);
	ck_assert(rig_holds(ring, buf, "wwwwwwwwww", 10));
	rig_give(ring, buf);
	rig_close(ring);
}
END_TEST

int main(void)
{
	return suite_run("uring/op",
			 (const TTest *[]) {
				 names_are_all_there, files_are_read_and_written,
				 lists_are_read_and_written, paths_are_opened_and_described,
				 files_are_laid_out_and_synced, splice_moves_without_a_buffer,
				 chains_run_in_order_or_not_at_all,
				 registered_files_stand_for_descriptors, a_part_of_a_buffer_is_used,
				 what_is_in_flight_is_shut, nvme_needs_its_ring, NULL });
}
