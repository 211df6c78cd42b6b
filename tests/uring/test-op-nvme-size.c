/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What an NVMe command says that it moves fits into its buffer, or it isn't sent. */
#include <errno.h>
#include <fcntl.h>
#include <linux/nvme_ioctl.h>
#include <unistd.h>

#include "shim/nvme-internal.h"
#include "tests/uring/rig.h"

enum { IO = 0, ADMIN = 1, PAGE = 4096 };

/* What the namespace says when it is asked; 0 bytes: that it is none. */
static struct nvme_blocks said;
static int asked;

int __wrap_nvme_ask_blocks(int fd, struct nvme_blocks *ret_blocks);
int __wrap_nvme_ask_blocks(int fd, struct nvme_blocks *ret_blocks)
{
	(void)fd;
	asked++;
	if (!said.bytes)
		return -ENOTTY;
	*ret_blocks = said;
	return 0;
}

/* Any device will do: what is let through fails there, or does nothing. */
static int open_device(const char *path)
{
	int fd = open(path, O_RDWR);

	ck_assert_int_ge(fd, 0);
	return fd;
}

static struct hws_ring *open_ring(uint32_t flags)
{
	return rig_open(&(struct hws_ring_options) { .flags = HWS_RING_NVME | flags });
}

/* What comes of queueing it. */
static int try(struct hws_ring *ring, int fd, int admin, const struct nvme_uring_cmd *command,
	       uint64_t length)
{
	struct hws_request request = {
		.kind = HWS_OP_NVME,
		.fd = fd,
		.how = admin ? NVME_URING_CMD_ADMIN : NVME_URING_CMD_IO,
		.buf = rig_buf(ring, 1 << 20, 0),
		.length = length,
		.data = command,
		.data_size = sizeof(*command),
	};
	int r = hws_queue(ring, &request, NULL);

	if (r == 0)
		rig_one(ring);
	else
		ck_assert_str_ne(hws_why(), "");
	ck_assert_int_eq(hws_buf_owner(hws_ring_pool(ring), request.buf), HWS_OWNER_USER);
	rig_give(ring, request.buf);
	return r;
}

/* Commands, and how much they move of a namespace with blocks of 512 bytes. */
static const struct {
	int admin;
	struct nvme_uring_cmd command;
	uint64_t moves;
} sized[] = {
	{ IO, { .opcode = 0x00 }, 0 },
	{ IO, { .opcode = 0x01 }, 512 },
	{ IO, { .opcode = 0x02, .cdw12 = 7 }, PAGE },
	/* the count alone: what stands above it is of another kind */
	{ IO, { .opcode = 0x02, .cdw12 = 0xffff0000 | 7, .cdw13 = UINT32_MAX }, PAGE },
	{ IO, { .opcode = 0x05, .cdw12 = 1 }, 1024 },
	{ IO, { .opcode = 0x08, .cdw12 = 0xffff }, 0 },
	{ IO, { .opcode = 0x09, .cdw10 = 255 }, PAGE },
	{ IO, { .opcode = 0x0d }, 16 },
	{ IO, { .opcode = 0x0e, .cdw10 = 1023 }, PAGE },
	{ IO, { .opcode = 0x15 }, 8 },
	{ IO, { .opcode = 0x7a, .cdw12 = 1023 }, PAGE },
	{ IO, { .opcode = 0x7d, .cdw12 = 3 }, 2048 },
	{ ADMIN, { .opcode = 0x06 }, PAGE },
	{ ADMIN, { .opcode = 0x02, .cdw10 = 1023u << 16 | 0x7f }, PAGE },
	{ ADMIN, { .opcode = 0x02, .cdw10 = 0, .cdw11 = 1 }, 4 * 0x10001 },
	{ ADMIN, { .opcode = 0x11, .cdw10 = 1023 }, PAGE },
	{ ADMIN, { .opcode = 0x18 }, 0 },
};

START_TEST(commands_fit_into_their_buffer)
{
	struct hws_ring *ring = open_ring(0);
	int fd = open_device("/dev/null");

	said = (struct nvme_blocks) { .nsid = 1, .bytes = 512 };
	for (size_t i = 0; i < sizeof(sized) / sizeof(sized[0]); i++) {
		const struct nvme_uring_cmd *command = &sized[i].command;

		ck_assert_int_eq(try(ring, fd, sized[i].admin, command, sized[i].moves), 0);
		if (sized[i].moves)
			ck_assert_int_eq(try(ring, fd, sized[i].admin, command, sized[i].moves - 1),
					 -ERANGE);
	}
	close(fd);
	rig_close(ring);
}
END_TEST

/* The most that words can say is no overflow. */
START_TEST(no_count_is_too_large)
{
	static const struct {
		int admin;
		struct nvme_uring_cmd command;
	} most[] = {
		{ IO, { .opcode = 0x02, .cdw12 = UINT32_MAX } },
		{ IO, { .opcode = 0x0e, .cdw10 = UINT32_MAX } },
		{ IO, { .opcode = 0x7a, .cdw12 = UINT32_MAX } },
		{ ADMIN, { .opcode = 0x02, .cdw10 = UINT32_MAX, .cdw11 = UINT32_MAX } },
	};
	struct hws_ring *ring = open_ring(HWS_RING_NVME_ANY);
	int fd = open_device("/dev/null");

	said = (struct nvme_blocks) { .nsid = 1, .bytes = (1u << 24) + 0xffff };
	for (size_t i = 0; i < sizeof(most) / sizeof(most[0]); i++)
		ck_assert_int_eq(try(ring, fd, most[i].admin, &most[i].command, 1 << 20), -ERANGE);
	close(fd);
	rig_close(ring);
}
END_TEST

/* Refused by the one ring, not by the other, which is for that. */
static void only_on_request(struct hws_ring *const rings[2], int fd, int admin, uint8_t opcode)
{
	const struct nvme_uring_cmd command = { .opcode = opcode };

	ck_assert_int_eq(try(rings[0], fd, admin, &command, 1 << 20), -EINVAL);
	ck_assert_int_eq(try(rings[1], fd, admin, &command, 1 << 20), 0);
}

START_TEST(what_nobody_can_tell_is_refused)
{
	/* copy, zone management send, vendors'; queues, features, doorbells, format, vendors' */
	static const uint8_t io[] = { 0x19, 0x79, 0x80, 0xc1, 0xff };
	static const uint8_t admin[] = { 0x01, 0x05, 0x09, 0x0a, 0x7c, 0x80, 0x81, 0xc0, 0xff };
	struct hws_ring *const rings[2] = { open_ring(0), open_ring(HWS_RING_NVME_ANY) };
	int fd = open_device("/dev/null");
	int other = open_device("/dev/zero");

	said = (struct nvme_blocks) { .nsid = 1, .bytes = 512 };
	for (size_t i = 0; i < sizeof(io); i++)
		only_on_request(rings, fd, IO, io[i]);
	for (size_t i = 0; i < sizeof(admin); i++)
		only_on_request(rings, fd, ADMIN, admin[i]);
	/* metadata that goes to an address nobody gives */
	said.apart = true;
	only_on_request(rings, fd, IO, 0x02);
	/* a file that is no namespace */
	said = (struct nvme_blocks) { 0 };
	only_on_request(rings, other, IO, 0x02);
	only_on_request(rings, other, IO, 0x09);
	close(other);
	close(fd);
	rig_close(rings[0]);
	rig_close(rings[1]);
}
END_TEST

START_TEST(a_namespace_is_asked_once)
{
	static const struct nvme_uring_cmd read_one = { .opcode = 0x02 };
	struct hws_ring *ring = open_ring(0);
	int fd = open_device("/dev/null");
	int other = open_device("/dev/zero");
	int file;

	said = (struct nvme_blocks) { .nsid = 1, .bytes = 512 };
	asked = 0;
	for (int i = 0; i < 3; i++)
		ck_assert_int_eq(try(ring, fd, IO, &read_one, 512), 0);
	ck_assert_int_eq(asked, 1);
	/* the same number, another file */
	said.bytes = PAGE;
	ck_assert_int_eq(dup2(other, fd), fd);
	ck_assert_int_eq(try(ring, fd, IO, &read_one, 512), -ERANGE);
	ck_assert_int_eq(asked, 2);
	/* a registered one is asked then and there */
	ck_ok(hws_file_add(ring, fd, &file));
	ck_assert_int_eq(asked, 3);
	ck_assert_int_eq(try(ring, file, IO, &read_one, 512), -ERANGE);
	ck_assert_int_eq(try(ring, file, IO, &read_one, PAGE), 0);
	ck_assert_int_eq(try(ring, file + 1, IO, &read_one, PAGE), -EINVAL);
	ck_ok(hws_file_remove(ring, file));
	ck_assert_int_eq(try(ring, file, IO, &read_one, PAGE), -EINVAL);
	ck_assert_int_eq(asked, 3);
	close(other);
	close(fd);
	rig_close(ring);
}
END_TEST

/* What IDENTIFY says. */
START_TEST(blocks_are_read_off_the_format_in_use)
{
	uint8_t page[NVME_IDENTIFY_SIZE] = { 0 };
	struct nvme_blocks blocks = { 0 };

	ck_assert_int_eq(nvme_read_blocks(page, 1, &blocks), -EPROTO);
	page[128 + 2] = 9;
	ck_ok(nvme_read_blocks(page, 7, &blocks));
	ck_assert(blocks.nsid == 7 && blocks.bytes == 512 && !blocks.apart);
	/* format 0x12: the upper bits stand apart; 4 KiB and 264 bytes */
	page[26] = 0x22;
	page[128 + 4 * 0x12] = 8;
	page[129 + 4 * 0x12] = 1;
	page[130 + 4 * 0x12] = 12;
	ck_ok(nvme_read_blocks(page, 1, &blocks));
	ck_assert(blocks.bytes == 4096 && blocks.apart);
	page[26] |= 0x10;
	ck_ok(nvme_read_blocks(page, 1, &blocks));
	ck_assert(blocks.bytes == 4096 + 264 && !blocks.apart);
	page[130 + 4 * 0x12] = 64;
	ck_assert_int_eq(nvme_read_blocks(page, 1, &blocks), -EPROTO);
}
END_TEST

int main(void)
{
	return suite_run("uring/op-nvme-size",
			 (const TTest *[]) { commands_fit_into_their_buffer, no_count_is_too_large,
					     what_nobody_can_tell_is_refused,
					     a_namespace_is_asked_once,
					     blocks_are_read_off_the_format_in_use, NULL });
}
