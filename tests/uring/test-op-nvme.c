/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A real disk: by O_DIRECT in every way, and by commands of its own past the block layer. */
#include <errno.h>
#include <fcntl.h>
#include <linux/nvme_ioctl.h>
#include <stdlib.h>
#include <unistd.h>

#include "tests/uring/rig.h"

#define DISK	  "/dev/nvme0n1"
#define NAMESPACE "/dev/ng0n1"
#define DEVICE	  "/dev/nvme0"

enum { BIG = 1 << 20, SECTOR = 512, SIZE = 16 << 20 };

/* NVM Express base specification 2.0, figures 138 and 346. */
enum { ADMIN_IDENTIFY = 6, NVM_FLUSH = 0, NVM_WRITE = 1, NVM_READ = 2 };
enum { IDENTIFY_NAMESPACE = 0, IDENTIFY_CONTROLLER = 1 };

static void fill_pattern(char *bytes, size_t size, uint64_t seed)
{
	for (size_t i = 0; i < size; i++)
		bytes[i] = (char)rig_next(&seed);
}

/* What plain system calls find there. */
static bool disk_holds(const char *bytes, size_t size, off_t at)
{
	void *found = NULL;
	int fd = open(DISK, O_RDONLY | O_DIRECT);
	bool same;

	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(posix_memalign(&found, 4096, size), 0);
	ck_assert_int_eq(pread(fd, found, size, at), (ssize_t)size);
	same = memcmp(found, bytes, size) == 0;
	free(found);
	close(fd);
	return same;
}

static struct hws_done move_at(struct hws_ring *ring, uint32_t kind, struct hws_buf buf, int fd,
			       uint64_t offset, uint64_t length)
{
	return rig_do(ring, &(struct hws_request) {
				    .kind = kind,
				    .fd = fd,
				    .buf = buf,
				    .offset = offset,
				    .length = length,
			    });
}

static void disk_is_read_and_written_by(int way, char *bytes)
{
	static const size_t sizes[] = { 4096, BIG };
	struct hws_ring *ring = rig_open_way(way);
	int fd = open(DISK, O_RDWR | O_DIRECT);

	ck_assert_int_ge(fd, 0);
	for (size_t i = 0; i < 2; i++) {
		uint64_t at = SECTOR * (uint64_t)(way + 1);
		struct hws_buf buf = rig_buf(ring, sizes[i], 0);

		fill_pattern(bytes, sizes[i], at + sizes[i]);
		rig_fill(ring, buf, bytes, sizes[i]);
		ck_assert_int_eq(move_at(ring, HWS_OP_WRITE, buf, fd, at, sizes[i]).result,
				 (int64_t)sizes[i]);
		ck_assert(disk_holds(bytes, sizes[i], (off_t)at));
		rig_fill(ring, buf, "something else", 15);
		ck_assert_int_eq(move_at(ring, HWS_OP_READ, buf, fd, at, sizes[i]).result,
				 (int64_t)sizes[i]);
		ck_assert(rig_holds(ring, buf, bytes, sizes[i]));
		/* half a sector, the end, past it */
		ck_assert_int_eq(move_at(ring, HWS_OP_READ, buf, fd, at, 100).result, -EINVAL);
		ck_assert_int_eq(move_at(ring, HWS_OP_READ, buf, fd, SIZE - SECTOR, 4096).result,
				 SECTOR);
		ck_assert_int_eq(move_at(ring, HWS_OP_WRITE, buf, fd, SIZE, 4096).result, -ENOSPC);
		rig_give(ring, buf);
	}
	rig_close(ring);
	close(fd);
}

START_TEST(disk_is_read_and_written)
{
	char *bytes;

	need_lab("nvme");
	bytes = malloc(BIG);
	for (int way = 0; way < RIG_WAYS; way++)
		disk_is_read_and_written_by(way, bytes);
	free(bytes);
}
END_TEST

/* Rings for commands: registered, by address, bounced; guarded or not. */
static const struct {
	enum hws_pool_guard guard;
	uint32_t flags;
	const char *mode;
} ways[] = {
	{ HWS_POOL_GUARD_AUTO, 0, "defer" },
	{ HWS_POOL_GUARD_AUTO, HWS_RING_UNREGISTERED, "defer" },
	{ HWS_POOL_GUARD_AUTO, HWS_RING_UNREGISTERED, "plain" },
	{ HWS_POOL_GUARD_NONE, 0, "coop" },
	{ HWS_POOL_GUARD_NONE, HWS_RING_UNREGISTERED, "defer" },
	{ HWS_POOL_GUARD_PAGES, 0, "plain" },
	{ HWS_POOL_GUARD_PAGES, HWS_RING_UNREGISTERED, "defer" },
};
enum { WAYS = sizeof(ways) / sizeof(ways[0]) };

static struct hws_ring *open_for_commands(int way)
{
	struct hws_pool_options pool = {
		.size = sizeof(pool),
		.classes = { { 4096, 16 }, { BIG, 2 } },
		.guard = ways[way].guard,
	};
	struct hws_ring_options options = {
		.pool_options = &pool,
		.flags = HWS_RING_NVME | ways[way].flags,
		.mode = getenv("HWS_TEST_BACKEND") ? NULL : ways[way].mode,
	};

	return rig_open(&options);
}

static struct hws_done command(struct hws_ring *ring, int fd, uint32_t how, struct hws_buf buf,
			       uint64_t length, const struct nvme_uring_cmd *of)
{
	return rig_do(ring, &(struct hws_request) {
				    .kind = HWS_OP_NVME,
				    .fd = fd,
				    .how = how,
				    .buf = buf,
				    .length = length,
				    .data = of,
				    .data_size = sizeof(*of),
			    });
}

static int64_t transfer(struct hws_ring *ring, int fd, uint8_t opcode, struct hws_buf buf,
			uint64_t block, uint64_t length)
{
	struct nvme_uring_cmd of = {
		.opcode = opcode,
		.nsid = 1,
		.cdw10 = (uint32_t)block,
		.cdw12 = (uint32_t)(length / SECTOR) - 1,
	};

	return command(ring, fd, NVME_URING_CMD_IO, buf, length, &of).result;
}

static void identify_as_expected(struct hws_ring *ring, struct hws_buf buf)
{
	struct nvme_uring_cmd of = { .opcode = ADMIN_IDENTIFY, .cdw10 = IDENTIFY_CONTROLLER };
	int fd = open(DEVICE, O_RDWR);
	uint64_t blocks = SIZE / SECTOR;
	size_t size;
	void *bytes;

	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(command(ring, fd, NVME_URING_CMD_ADMIN, buf, 4096, &of).result, 0);
	ck_ok(hws_buf_view(hws_ring_pool(ring), buf, HWS_R, &bytes, &size));
	/* bytes 4 to 23: the serial number */
	ck_assert_mem_eq((char *)bytes + 4, "lab ", 4);
	ck_ok(hws_buf_unview(hws_ring_pool(ring), buf));
	of.cdw10 = IDENTIFY_NAMESPACE;
	of.nsid = 1;
	ck_assert_int_eq(command(ring, fd, NVME_URING_CMD_ADMIN, buf, 4096, &of).result, 0);
	/* its size comes first */
	ck_assert(rig_holds(ring, buf, &blocks, sizeof(blocks)));
	close(fd);
}

static void commands_reach_the_disk_by(int way, char *bytes)
{
	static const size_t sizes[] = { SECTOR, 4096, BIG / 16 };
	struct hws_ring *ring = open_for_commands(way);
	int fd = open(NAMESPACE, O_RDWR);
	struct nvme_uring_cmd flush = { .opcode = NVM_FLUSH, .nsid = 1 };
	struct hws_buf buf = rig_buf(ring, BIG, 0);
	struct hws_ring_info info;

	ck_assert_int_ge(fd, 0);
	identify_as_expected(ring, buf);
	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		uint64_t block = 2048 + (uint64_t)way * 8 + i;

		fill_pattern(bytes, sizes[i], block);
		rig_fill(ring, buf, bytes, sizes[i]);
		ck_assert_msg(transfer(ring, fd, NVM_WRITE, buf, block, sizes[i]) == 0, "w%d s%zu",
			      way, i);
		ck_assert_int_eq(command(ring, fd, NVME_URING_CMD_IO, buf, 0, &flush).result, 0);
		ck_assert(disk_holds(bytes, sizes[i], (off_t)block * SECTOR));
		rig_fill(ring, buf, "something else", 15);
		ck_assert_int_eq(transfer(ring, fd, NVM_READ, buf, block, sizes[i]), 0);
		ck_assert(rig_holds(ring, buf, bytes, sizes[i]));
	}
	/* done without what this kernel can't do, and said */
	hws_ring_get_info(ring, &info);
	ck_assert_int_eq(strstr(info.reduced, "nvme") != NULL,
			 info.registered && strcmp(getenv("HWS_LAB_KERNEL"), "6.1") == 0);
	/* the device's own word for what is past its end: a status, not an errno */
	ck_assert_int_gt(transfer(ring, fd, NVM_READ, buf, SIZE / SECTOR, SECTOR), 0);
	rig_give(ring, buf);
	rig_close(ring);
	close(fd);
}

START_TEST(commands_reach_the_disk)
{
	char *bytes;

	need_lab("nvme");
	need_lab("uring");
	bytes = malloc(BIG);
	for (int way = 0; way < WAYS; way++)
		commands_reach_the_disk_by(way, bytes);
	free(bytes);
}
END_TEST

START_TEST(commands_keep_to_their_buffer)
{
	static const uint32_t hows[] = { NVME_URING_CMD_IO_VEC, NVME_URING_CMD_ADMIN_VEC, 0 };
	struct nvme_uring_cmd of = { .opcode = NVM_READ, .nsid = 1 };
	struct hws_request request = {
		.kind = HWS_OP_NVME,
		.data = &of,
		.data_size = sizeof(of),
		.length = SECTOR,
	};
	struct hws_ring *ring;

	need_uring();
	ring = open_for_commands(0);
	request.buf = rig_buf(ring, 4096, 0);
	/* addresses in the buffer, which the device would follow */
	for (size_t i = 0; i < sizeof(hows) / sizeof(hows[0]); i++) {
		request.how = hows[i];
		ck_assert_int_eq(hws_queue(ring, &request, NULL), -EINVAL);
		ck_assert_str_ne(hws_why(), "");
	}
	/* and one in the command */
	request.how = NVME_URING_CMD_IO;
	of.metadata = (uintptr_t)&of;
	of.metadata_len = 8;
	ck_assert_int_eq(hws_queue(ring, &request, NULL), -EINVAL);
	ck_assert_int_eq(hws_buf_owner(hws_ring_pool(ring), request.buf), HWS_OWNER_USER);
	rig_give(ring, request.buf);
	rig_close(ring);
}
END_TEST

/* One block more than the buffer has bytes for, by what was opened and by what is registered. */
static void refuses_more_than(struct hws_ring *ring, int fd, struct hws_buf buf)
{
	struct nvme_uring_cmd of = { .opcode = NVM_READ, .nsid = 1, .cdw12 = 4096 / SECTOR };
	struct hws_request request = {
		.kind = HWS_OP_NVME,
		.fd = fd,
		.how = NVME_URING_CMD_IO,
		.buf = buf,
		.length = 4096,
		.data = &of,
		.data_size = sizeof(of),
	};

	ck_assert_int_eq(hws_queue(ring, &request, NULL), -ERANGE);
	ck_assert_ptr_nonnull(strstr(hws_why(), "4608"));
	of.cdw12--;
	ck_assert_int_eq(rig_do(ring, &request).result, 0);
}

START_TEST(commands_move_no_more_than_their_buffer)
{
	struct hws_ring *ring;
	struct hws_buf buf;
	int fd;
	int file;

	need_lab("nvme");
	need_lab("uring");
	ring = open_for_commands(0);
	buf = rig_buf(ring, 4096, 0);
	fd = open(NAMESPACE, O_RDWR);
	ck_assert_int_ge(fd, 0);
	ck_ok(hws_file_add(ring, fd, &file));
	refuses_more_than(ring, fd, buf);
	refuses_more_than(ring, file, buf);
	rig_give(ring, buf);
	ck_ok(hws_file_remove(ring, file));
	rig_close(ring);
	close(fd);
}
END_TEST

int main(void)
{
	return suite_run("uring/op-nvme",
			 (const TTest *[]) { disk_is_read_and_written, commands_reach_the_disk,
					     commands_keep_to_their_buffer,
					     commands_move_no_more_than_their_buffer, NULL });
}
