/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A judge of another house: fio writes a file of blocks that carry their place
 * and their sum, a ring copies it, 32 blocks at a time, by each back end, and fio checks the copy.
 */
#include <fcntl.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/uring/rig.h"
#include "uring/pool.h"

enum { DEPTH = 32, SIZE = 4 << 20, NO_FIO = 127 };

struct files {
	char folder[64];
	char from[80];
	char to[80];
};

/* What fio ends with; it says nothing. @extra: the last argument. */
static int fio(const char *path, uint32_t block, const char *extra)
{
	char filename[96], bs[32], size[32];
	int status;
	pid_t child;

	snprintf(filename, sizeof(filename), "--filename=%s", path);
	snprintf(bs, sizeof(bs), "--bs=%u", block);
	snprintf(size, sizeof(size), "--size=%d", SIZE);
	fflush(NULL);
	child = fork();
	if (child == 0) {
		int nowhere = open("/dev/null", O_RDWR);

		dup2(nowhere, STDOUT_FILENO);
		dup2(nowhere, STDERR_FILENO);
		execlp("fio", "fio", "--name=copy", "--thread", "--ioengine=psync", "--rw=write",
		       "--verify=crc32c", "--verify_fatal=1", "--verify_state_save=0", filename, bs,
		       size, extra, NULL);
		_exit(NO_FIO);
	}
	ck_assert_int_eq(waitpid(child, &status, 0), child);
	ck_assert(WIFEXITED(status));
	return WEXITSTATUS(status);
}

static bool has_fio(void)
{
	return system("fio --version >/dev/null 2>&1") == 0;
}

/* Reads go to @from, each buffer then from there to @to. */
static void copy(struct hws_ring *ring, int from, int to, uint32_t block)
{
	uint32_t count = SIZE / block;
	uint32_t begun = 0;
	uint32_t ended = 0;
	struct hws_done done[DEPTH];

	for (; begun < DEPTH && begun < count; begun++) {
		struct hws_buf buf = rig_buf(ring, block, 0);

		ck_ok(hws_read(ring, from, buf, (uint64_t)begun * block, block, begun));
	}
	while (ended < count) {
		int n = hws_wait(ring, done, DEPTH, rig_after_ms(60000));

		ck_ok(n);
		for (int i = 0; i < n; i++) {
			ck_assert_int_eq(done[i].result, block);
			if (done[i].kind == HWS_OP_READ) {
				ck_ok(hws_write(ring, to, done[i].buf, done[i].tag * block, block,
						done[i].tag));
				continue;
			}
			ended++;
			if (begun == count) {
				rig_give(ring, done[i].buf);
				continue;
			}
			ck_ok(hws_read(ring, from, done[i].buf, (uint64_t)begun * block, block,
				       begun));
			begun++;
		}
	}
}

static int open_registered(struct hws_ring *ring, const char *path, int flags)
{
	int file;
	int fd = open(path, flags | O_CLOEXEC, 0600);

	/* memory's files know no O_DIRECT */
	if (fd < 0)
		fd = open(path, (flags & ~O_DIRECT) | O_CLOEXEC, 0600);
	ck_assert_int_ge(fd, 0);
	ck_ok(hws_file_add(ring, fd, &file));
	close(fd);
	return file;
}

static void copy_by(const char *backend, const struct files *files, uint32_t block, int flags)
{
	const struct hws_pool_options pool = { .size = sizeof(pool),
					       .classes = { { block, DEPTH } } };
	struct hws_ring *ring = rig_open(&(struct hws_ring_options) {
		.depth = DEPTH, .pool_options = &pool, .backend = backend });
	int from = open_registered(ring, files->from, O_RDONLY | flags);
	int to = open_registered(ring, files->to, O_RDWR | O_CREAT | O_TRUNC | flags);

	copy(ring, from, to, block);
	ck_ok(hws_file_remove(ring, from));
	ck_ok(hws_file_remove(ring, to));
	rig_close(ring);
}

static void damage(const char *path)
{
	int fd = open(path, O_RDWR | O_CLOEXEC);
	char byte;

	ck_assert_int_eq(pread(fd, &byte, 1, SIZE / 2 + 1000), 1);
	byte ^= 1;
	ck_assert_int_eq(pwrite(fd, &byte, 1, SIZE / 2 + 1000), 1);
	close(fd);
}

static void make(struct files *files)
{
	snprintf(files->folder, sizeof(files->folder), "/var/tmp/hwsafe-fio-XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(files->folder));
	snprintf(files->from, sizeof(files->from), "%s/from", files->folder);
	snprintf(files->to, sizeof(files->to), "%s/to", files->folder);
}

static void clear(const struct files *files)
{
	unlink(files->from);
	unlink(files->to);
	rmdir(files->folder);
}

static void fio_finds_a_copy_whole(uint32_t block, int flags)
{
	static const char *const backends[] = { "uring", "epoll", "sync" };
	struct files files;

	make(&files);
	ck_assert_int_eq(fio(files.from, block, "--do_verify=0"), 0);
	for (size_t i = rig_has_uring() ? 0 : 1; i < sizeof(backends) / sizeof(backends[0]); i++) {
		copy_by(backends[i], &files, block, flags);
		ck_assert_msg(fio(files.to, block, "--verify_only") == 0,
			      "copied in blocks of %u by %s: fio finds it damaged", block,
			      backends[i]);
	}
	damage(files.to);
	ck_assert_msg(fio(files.to, block, "--verify_only") != 0, "fio finds no damage");
	clear(&files);
}

#define FIO_TEST(name, block, flags)                                                 \
	START_TEST(name)                                                             \
	{                                                                            \
		need("fio", has_fio(), "fio is not installed (Debian package fio)"); \
		fio_finds_a_copy_whole(block, flags);                                \
	}                                                                            \
	END_TEST
FIO_TEST(small_blocks_arrive_whole, 4096, 0)
FIO_TEST(large_blocks_arrive_whole_at_the_disk, 65536, O_DIRECT)

int main(void)
{
	return suite_run("uring/fio",
			 (const TTest *[]) { small_blocks_arrive_whole,
					     large_blocks_arrive_whole_at_the_disk, NULL });
}
