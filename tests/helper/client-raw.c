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

struct hws_grants_ring client_grant(void)
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

const char *client_last_operation(void)
{
	static char text[16];
	struct io_uring_probe *probe = io_uring_get_probe();

	CHECK(probe);
	snprintf(text, sizeof(text), "%d", probe->last_op);
	io_uring_free_probe(probe);
	return text;
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

/* Which operations of all that there are; 255: the end. */
static const uint8_t reading[] = { IORING_OP_NOP, IORING_OP_TIMEOUT, IORING_OP_ASYNC_CANCEL,
				   IORING_OP_READ_FIXED, 255 };
static const uint8_t writing[] = { IORING_OP_WRITE_FIXED, IORING_OP_FSYNC, 255 };

static bool is_in(const uint8_t *list, int opcode)
{
	for (; *list != 255; list++)
		if (*list == opcode)
			return true;
	return false;
}

/* Every number: this kernel knows those up to @last, and must refuse each as not allowed. */
static void try_operations(struct io_uring *ring, bool writes, int last)
{
	for (int opcode = 0; opcode < 256; opcode++) {
		bool allowed = is_in(reading, opcode) || (writes && is_in(writing, opcode));
		int wanted = opcode <= last ? -EACCES : -EINVAL;
		struct io_uring_sqe entry = { .opcode = (uint8_t)opcode };

		/* a plain descriptor, whatever is done with it */
		CHECK(one(ring, entry) == wanted);
		entry.flags = IOSQE_FIXED_FILE;
		if (!allowed)
			CHECK(one(ring, entry) == wanted);
	}
}

#define REGISTER(what)               \
	{                            \
#what, IORING_##what \
	}

/* By name, what would open the ring up; and every other number there may be. */
static void try_registers(const struct io_uring *ring)
{
	static const struct {
		const char *name;
		unsigned int what;
	} rows[] = {
		REGISTER(REGISTER_BUFFERS),
		REGISTER(UNREGISTER_BUFFERS),
		REGISTER(REGISTER_FILES),
		REGISTER(UNREGISTER_FILES),
		REGISTER(REGISTER_EVENTFD),
		REGISTER(REGISTER_FILES_UPDATE),
		REGISTER(REGISTER_PROBE),
		REGISTER(REGISTER_PERSONALITY),
		REGISTER(UNREGISTER_PERSONALITY),
		REGISTER(REGISTER_RESTRICTIONS),
		REGISTER(REGISTER_ENABLE_RINGS),
		REGISTER(REGISTER_FILES2),
		REGISTER(REGISTER_FILES_UPDATE2),
		REGISTER(REGISTER_BUFFERS2),
		REGISTER(REGISTER_BUFFERS_UPDATE),
		REGISTER(REGISTER_IOWQ_AFF),
		REGISTER(REGISTER_IOWQ_MAX_WORKERS),
		REGISTER(REGISTER_RING_FDS),
		REGISTER(REGISTER_PBUF_RING),
		REGISTER(REGISTER_SYNC_CANCEL),
	};
	static const int zero[64];

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		int r = io_uring_register((unsigned int)ring->ring_fd, rows[i].what, zero, 1);

		if (r != -EACCES)
			fprintf(stderr, "%s: %d\n", rows[i].name, r);
		CHECK(r == -EACCES);
	}
	for (unsigned int what = 0; what < 256; what++) {
		int r = io_uring_register((unsigned int)ring->ring_fd, what, zero, 1);

		CHECK(r == -EACCES || r == -EINVAL);
	}
}

/* Other files, other memory, other identities, other ways. */
static void try_objects(struct io_uring *ring, const struct hws_grants_ring *grant)
{
	static char own[4096];
	const uint64_t mine = (uintptr_t)own;
	const uint64_t end = grant->arena + grant->size;
	const struct {
		const char *what;
		int32_t fd;
		uint64_t addr;
		uint16_t buffer;
		uint16_t personality;
		uint8_t flags;
		int answer;
		int or ;
	} rows[] = {
		{ "what is granted", 0, grant->arena, 0, 0, 0, 4096, 4096 },
		{ "another registered file", 1, grant->arena, 0, 0, 0, -EBADF, -EBADF },
		{ "no file", -1, grant->arena, 0, 0, 0, -EBADF, -EBADF },
		{ "the program's memory", 0, mine, 0, 0, 0, -EFAULT, -EFAULT },
		{ "memory of nobody", 0, 4096, 0, 0, 0, -EFAULT, -EFAULT },
		{ "before the arena", 0, grant->arena - 1, 0, 0, 0, -EFAULT, -EFAULT },
		{ "over the arena's end", 0, end - 1, 0, 0, 0, -EFAULT, -EFAULT },
		{ "behind the arena", 0, end, 0, 0, 0, -EFAULT, -EFAULT },
		{ "around all addresses", 0, UINT64_MAX - 100, 0, 0, 0, -EFAULT, -EOVERFLOW },
		{ "another registered buffer", 0, grant->arena, 1, 0, 0, -EFAULT, -EINVAL },
		{ "another identity", 0, grant->arena, 0, 1, 0, -EINVAL, -EACCES },
		{ "a thread of the kernel", 0, grant->arena, 0, 0, IOSQE_ASYNC, -EACCES, -EACCES },
		{ "provided buffers", 0, grant->arena, 0, 0, IOSQE_BUFFER_SELECT, -EACCES,
		  -EOPNOTSUPP },
		{ "what is granted, after all that", 0, grant->arena, 0, 0, 0, 4096, 4096 },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		int r = one(ring, (struct io_uring_sqe) {
					  .opcode = IORING_OP_READ_FIXED,
					  .flags = IOSQE_FIXED_FILE | rows[i].flags,
					  .fd = rows[i].fd,
					  .addr = rows[i].addr,
					  .len = 4096,
					  .buf_index = rows[i].buffer,
					  .personality = rows[i].personality,
				  });

		if (r != rows[i].answer && r != rows[i].or)
			fprintf(stderr, "%s: %d\n", rows[i].what, r);
		CHECK(r == rows[i].answer || r == rows[i].or);
	}
}

/* raw PATH r|rw LAST: the last operation that this kernel knows */
void client_raw(char **arguments)
{
	struct hws_grants_ring grant = client_grant();
	struct io_uring_params params;
	struct io_uring ring;

	memcpy(&params, grant.params, sizeof(params));
	CHECK(!(params.flags & (IORING_SETUP_SQPOLL | IORING_SETUP_ATTACH_WQ)));
	CHECK(!strcmp(grant.path, arguments[0]));
	CHECK(open(grant.path, O_RDONLY) < 0 && errno == EACCES);
	CHECK(io_uring_queue_mmap(grant.fd, &params, &ring) == 0);
	for (unsigned int i = 0; i < params.sq_entries; i++)
		ring.sq.array[i] = i;
	ring.sq.sqe_tail = ring.sq.sqe_head = *ring.sq.ktail;
	try_registers(&ring);
	try_operations(&ring, !strcmp(arguments[1], "rw"), atoi(arguments[2]));
	try_objects(&ring, &grant);
}
