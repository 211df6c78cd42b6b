/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <fcntl.h>
#include <liburing.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tests/helper/client.h"

/* What stands in the environment, read without any check: this one is hostile. */
static int grants_of_environment(struct hws_grants *ret_head)
{
	int fd = atoi(getenv(HWS_GRANTS_NAME));

	CHECK(pread(fd, ret_head, sizeof(*ret_head), 0) == sizeof(*ret_head));
	/* nothing of it can be changed */
	CHECK(pwrite(fd, ret_head, sizeof(*ret_head), 0) < 0 && ftruncate(fd, 0) < 0);
	return fd;
}

static struct hws_grants_ring grant_of_environment(void)
{
	struct hws_grants head;
	struct hws_grants_ring ring;
	int fd = grants_of_environment(&head);

	CHECK(head.rings == 1);
	CHECK(pread(fd, &ring, sizeof(ring),
		    (off_t)(sizeof(head) + head.bars * sizeof(struct hws_grants_bar))) ==
	      sizeof(ring));
	CHECK(ftruncate(ring.arena_fd, 0) < 0 && errno == EPERM);
	return ring;
}

struct hws_grants_hold client_hold(void)
{
	struct hws_grants head;
	struct hws_grants_hold hold;
	int fd = grants_of_environment(&head);

	CHECK(head.holds == 1);
	CHECK(pread(fd, &hold, sizeof(hold),
		    (off_t)(sizeof(head) + head.bars * sizeof(struct hws_grants_bar) +
			    head.rings * sizeof(struct hws_grants_ring))) == sizeof(hold));
	return hold;
}

int client_ring_fd(void)
{
	return grant_of_environment().fd;
}

static int one(struct io_uring *ring, struct io_uring_sqe entry)
{
	struct io_uring_sqe *sqe = io_uring_get_sqe(ring);
	struct io_uring_cqe *cqe;
	int result;

	CHECK(sqe);
	*sqe = entry;
	CHECK(io_uring_submit_and_wait(ring, 1) == 1);
	CHECK(io_uring_wait_cqe(ring, &cqe) == 0);
	result = cqe->res;
	io_uring_cqe_seen(ring, cqe);
	return result;
}

static void try_operations(struct io_uring *ring, bool writes)
{
	for (int opcode = 0; opcode < 64; opcode++) {
		bool allowed =
			opcode == IORING_OP_NOP || opcode == IORING_OP_TIMEOUT ||
			opcode == IORING_OP_ASYNC_CANCEL || opcode == IORING_OP_READ_FIXED ||
			(writes && (opcode == IORING_OP_WRITE_FIXED || opcode == IORING_OP_FSYNC));
		int bare = one(ring, (struct io_uring_sqe) { .opcode = (uint8_t)opcode });
		int fixed = -EACCES;

		if (!allowed)
			fixed = one(ring, (struct io_uring_sqe) { .opcode = (uint8_t)opcode,
								  .flags = IOSQE_FIXED_FILE });
		/* -EINVAL: this kernel knows no such operation */
		CHECK(bare == -EACCES || bare == -EINVAL);
		CHECK(fixed == -EACCES || fixed == -EINVAL);
	}
}

static void try_registers(const struct io_uring *ring)
{
	static const int zero[64];

	for (unsigned int what = 0; what < 40; what++) {
		int r = io_uring_register((unsigned int)ring->ring_fd, what, zero, 1);

		CHECK(r == -EACCES || r == -EINVAL);
	}
	CHECK(io_uring_register((unsigned int)ring->ring_fd, IORING_REGISTER_FILES, zero, 1) ==
	      -EACCES);
	CHECK(io_uring_register((unsigned int)ring->ring_fd, IORING_REGISTER_BUFFERS, zero, 1) ==
	      -EACCES);
	CHECK(io_uring_register((unsigned int)ring->ring_fd, IORING_REGISTER_PERSONALITY, NULL,
				0) == -EACCES);
	CHECK(io_uring_register((unsigned int)ring->ring_fd, IORING_UNREGISTER_FILES, NULL, 0) ==
	      -EACCES);
}

/* Other files, other memory, other identities. */
static void try_objects(struct io_uring *ring, const struct hws_grants_ring *grant)
{
	static char own[4096];
	struct io_uring_sqe good = {
		.opcode = IORING_OP_READ_FIXED,
		.flags = IOSQE_FIXED_FILE,
		.addr = grant->arena,
		.len = 4096,
	};
	struct io_uring_sqe bad = good;

	CHECK(one(ring, good) == 4096);
	bad.fd = 1;
	CHECK(one(ring, bad) == -EBADF);
	bad = good;
	bad.addr = (uintptr_t)own;
	CHECK(one(ring, bad) == -EFAULT);
	bad.addr = grant->arena + grant->size - 1;
	CHECK(one(ring, bad) == -EFAULT);
	bad = good;
	bad.buf_index = 1;
	CHECK(one(ring, bad) == -EFAULT || one(ring, bad) == -EINVAL);
	bad = good;
	bad.personality = 1;
	CHECK(one(ring, bad) == -EINVAL || one(ring, bad) == -EACCES);
	bad = good;
	bad.flags |= IOSQE_ASYNC;
	CHECK(one(ring, bad) == -EACCES);
	bad = good;
	bad.flags |= IOSQE_BUFFER_SELECT;
	CHECK(one(ring, bad) < 0);
	CHECK(one(ring, good) == 4096);
}

/* raw PATH r|rw */
void client_raw(char **arguments)
{
	struct hws_grants_ring grant = grant_of_environment();
	struct io_uring_params params;
	struct io_uring ring;

	memcpy(&params, grant.params, sizeof(params));
	CHECK(!(params.flags & (IORING_SETUP_SQPOLL | IORING_SETUP_ATTACH_WQ)));
	CHECK(!strcmp(grant.path, arguments[0]));
	CHECK(io_uring_queue_mmap(grant.fd, &params, &ring) == 0);
	for (unsigned int i = 0; i < params.sq_entries; i++)
		ring.sq.array[i] = i;
	ring.sq.sqe_tail = ring.sq.sqe_head = *ring.sq.ktail;
	/* it is enabled: nobody can add to it or open it up */
	CHECK(io_uring_register((unsigned int)grant.fd, IORING_REGISTER_ENABLE_RINGS, NULL, 0) < 0);
	CHECK(io_uring_register((unsigned int)grant.fd, IORING_REGISTER_RESTRICTIONS, NULL, 0) < 0);
	try_registers(&ring);
	try_operations(&ring, !strcmp(arguments[1], "rw"));
	try_objects(&ring, &grant);
}
