/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Restricted rings. Each has one file, one piece of memory, and the operations that its rights
 * need; no register operation, no kernel thread, no identity of ours. Only when all that was tried
 * out may the program have it. The ring is this task's, which becomes the program.
 */
#include <errno.h>
#include <fcntl.h>
#include <liburing.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "helper/run.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

enum {
	ENTRIES = 512, /* twice as many as operations in flight */
	COMPLETIONS = 2 * ENTRIES,
	BUFFERS = 4 << 20, /* bytes, where the rule doesn't say */
	WORKERS = 4,
	PATIENCE = 100, /* tries to lock memory … */
	PAUSE_US = 10000,
};

/*
 * Where memory begins: between what programs use, on 64-bit machines also those with sanitizers.
 * Where there is none the kernel takes another place.
 */
#if UINTPTR_MAX > UINT32_MAX
#define ARENAS UINT64_C(0x7ea000000000)
enum { BUFFERS_MOST = 1 << 30 };
#else
#define ARENAS UINT64_C(0x40000000)
enum { BUFFERS_MOST = 32 << 20 };
#endif

static const struct {
	uint8_t opcode;
	uint32_t rights; /* any of these */
} operations[] = {
	{ IORING_OP_NOP, HWS_RW },	    { IORING_OP_TIMEOUT, HWS_RW },
	{ IORING_OP_ASYNC_CANCEL, HWS_RW }, { IORING_OP_READ_FIXED, HWS_R },
	{ IORING_OP_WRITE_FIXED, HWS_W },   { IORING_OP_FSYNC, HWS_W },
};

/* Best first; a kernel that doesn't know one says -EINVAL. */
static const uint32_t modes[] = {
	IORING_SETUP_DEFER_TASKRUN | IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_SUBMIT_ALL,
	IORING_SETUP_COOP_TASKRUN | IORING_SETUP_TASKRUN_FLAG | IORING_SETUP_SUBMIT_ALL,
	0,
};

struct making {
	const char *path;
	uint32_t rights;
	uint64_t size;
	uint64_t place; /* where the memory had best be */
	int file;
	int arena_fd;
	void *arena;
	struct io_uring ring;
	struct io_uring_params params;
};

static int set_up(struct making *of)
{
	int r = -EINVAL;

	for (size_t i = 0; r == -EINVAL && i < COUNT(modes); i++) {
		of->params = (struct io_uring_params) {
			.flags = modes[i] | IORING_SETUP_R_DISABLED | IORING_SETUP_CQSIZE,
			.cq_entries = COMPLETIONS,
		};
		r = io_uring_queue_init_params(ENTRIES, &of->ring, &of->params);
	}
	return r;
}

static int tell(const struct making *of, uint32_t what, const void *arg, uint32_t count)
{
	return io_uring_register((unsigned int)of->ring.ring_fd, what, arg, count);
}

static int restrict_ring(const struct making *of)
{
	struct io_uring_restriction list[COUNT(operations) + 2] = {
		{ .opcode = IORING_RESTRICTION_SQE_FLAGS_REQUIRED, .sqe_flags = IOSQE_FIXED_FILE },
		{ .opcode = IORING_RESTRICTION_SQE_FLAGS_ALLOWED,
		  .sqe_flags = IOSQE_FIXED_FILE | IOSQE_IO_LINK | IOSQE_IO_HARDLINK |
			       IOSQE_IO_DRAIN | IOSQE_CQE_SKIP_SUCCESS },
	};
	uint32_t count = 2;

	for (size_t i = 0; i < COUNT(operations); i++)
		if (operations[i].rights & of->rights)
			list[count++] = (struct io_uring_restriction) {
				.opcode = IORING_RESTRICTION_SQE_OP,
				.sqe_op = operations[i].opcode,
			};
	/* an error here would leave the ring open to everything: it must not go unseen */
	return tell(of, IORING_REGISTER_RESTRICTIONS, list, count);
}

/* What programs that have just ended had locked the kernel gives back a little later. */
static int register_memory(const struct making *of)
{
	const struct iovec memory = { of->arena, (size_t)of->size };
	int r = -ENOMEM;

	for (int i = 0; r == -ENOMEM && i < PATIENCE; i++) {
		if (i > 0)
			usleep(PAUSE_US);
		r = tell(of, IORING_REGISTER_BUFFERS, &memory, 1);
	}
	return r;
}

static int lock_ring(struct making *of)
{
	unsigned int workers[2] = { WORKERS, WORKERS };
	int r = tell(of, IORING_REGISTER_FILES, &of->file, 1);

	r = r < 0 ? r : register_memory(of);
	if (r == 0)
		(void)tell(of, IORING_REGISTER_IOWQ_MAX_WORKERS, workers, 2); /* since 5.15 */
	r = r < 0 ? r : restrict_ring(of);
	return r < 0 ? r : tell(of, IORING_REGISTER_ENABLE_RINGS, NULL, 0);
}

/* What the ring answers to one entry. */
static int try_one(struct making *of, const struct io_uring_sqe *entry)
{
	struct io_uring_sqe *sqe = io_uring_get_sqe(&of->ring);
	struct io_uring_cqe *cqe;
	int result;
	int r;

	if (!sqe)
		return -EBUSY;
	*sqe = *entry;
	r = io_uring_submit_and_wait(&of->ring, 1);
	if (r < 0)
		return r;
	r = io_uring_wait_cqe(&of->ring, &cqe);
	if (r < 0)
		return r;
	result = cqe->res;
	io_uring_cqe_seen(&of->ring, cqe);
	return result;
}

/* Before anybody else has it: what must be refused is, what must work does. */
static int try_out(struct making *of)
{
	const uintptr_t memory = (uintptr_t)of->arena;
	const struct {
		struct io_uring_sqe entry;
		int result;
	} rows[] = {
		{ { .opcode = IORING_OP_NOP, .flags = IOSQE_FIXED_FILE }, 0 },
		{ { .opcode = IORING_OP_NOP }, -EACCES },
		{ { .opcode = IORING_OP_OPENAT, .flags = IOSQE_FIXED_FILE, .addr = memory },
		  -EACCES },
		{ { .opcode = IORING_OP_READ, .flags = IOSQE_FIXED_FILE, .addr = memory },
		  -EACCES },
		{ { .opcode = IORING_OP_READ_FIXED, .fd = of->file, .addr = memory }, -EACCES },
		{ { .opcode = of->rights & HWS_W ? IORING_OP_SPLICE : IORING_OP_WRITE_FIXED,
		    .flags = IOSQE_FIXED_FILE,
		    .addr = memory },
		  -EACCES },
	};

	for (size_t i = 0; i < COUNT(rows); i++)
		if (try_one(of, &rows[i].entry) != rows[i].result)
			return -EPROTO;
	return tell(of, IORING_REGISTER_FILES, &of->file, 1) == -EACCES &&
			       tell(of, IORING_REGISTER_PERSONALITY, NULL, 0) == -EACCES
		       ? 0
		       : -EPROTO;
}

/* Never a link: the policy names the thing itself. Never waits: a FIFO is none of ours. */
static int open_file(struct making *of)
{
	static const uint64_t access[] = {
		[HWS_R] = O_RDONLY, [HWS_W] = O_WRONLY, [HWS_RW] = O_RDWR
	};
	struct open_how how = {
		.flags = access[of->rights] | O_CLOEXEC | O_NOCTTY | O_NONBLOCK,
		.resolve = RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS,
	};
	struct stat is;

	of->file = (int)syscall(SYS_openat2, AT_FDCWD, of->path, &how, sizeof(how));
	if (of->file < 0 || fstat(of->file, &is) < 0)
		return -errno;
	if (!S_ISREG(is.st_mode) && !S_ISBLK(is.st_mode))
		return -ENOTBLK;
	/* a disk's own transfers, without copies; and from now on reads may wait in the ring */
	return fcntl(of->file, F_SETFL, S_ISBLK(is.st_mode) ? O_DIRECT : 0) < 0 ? -errno : 0;
}

static int make_arena(struct making *of)
{
	of->arena_fd = memfd_create("hwsafe-ring", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	if (of->arena_fd < 0 || ftruncate(of->arena_fd, (off_t)of->size) < 0)
		return -errno;
	of->arena = mmap((void *)(uintptr_t)of->place, (size_t)of->size, PROT_READ | PROT_WRITE,
			 MAP_SHARED | MAP_POPULATE, of->arena_fd, 0);
	if (of->arena == MAP_FAILED)
		return -errno;
	return fcntl(of->arena_fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL) < 0
		       ? -errno
		       : 0;
}

static void keep(struct run *run, const struct making *of)
{
	struct hws_grants_ring *grant = &run->rings[run->grants.rings++];

	*grant = (struct hws_grants_ring) {
		.arena = (uintptr_t)of->arena,
		.size = of->size,
		.rights = of->rights,
		.fd = of->ring.ring_fd,
		.arena_fd = of->arena_fd,
	};
	snprintf(grant->path, sizeof(grant->path), "%s", of->path);
	_Static_assert(sizeof(grant->params) == sizeof(of->params), "the kernel's struct");
	memcpy(grant->params, &of->params, sizeof(grant->params));
}

static const struct {
	const char *name;
	int (*run)(struct making *of);
} steps[] = {
	{ "file", open_file },	       { "set-up", set_up },	 { "memory", make_arena },
	{ "restrictions", lock_ring }, { "self-test", try_out },
};

/* What else there is to know of a kernel's no. */
static const char *cure_of(const char *step, int r)
{
	if (r == -ENOMEM)
		return ": RLIMIT_MEMLOCK is for all rings of this user: raise it, or let the "
		       "helper have CAP_SYS_RESOURCE";
	if (strcmp(step, "set-up") != 0)
		return "";
	if (r == -EPERM)
		return ": io_uring is off: sysctl kernel.io_uring_disabled must be 0, or 1 where "
		       "the helper has CAP_SYS_ADMIN, and no seccomp filter forbid it";
	return r == -ENOSYS ? ": this kernel has no io_uring" : "";
}

static enum result make_ring(struct run *run, struct making *of)
{
	const char *step = "";
	int r = 0;

	for (size_t i = 0; r == 0 && i < COUNT(steps); i++) {
		step = steps[i].name;
		r = steps[i].run(of);
	}
	if (r < 0)
		return run_refuse(r == -ENOENT ? RESULT_NOT_FOUND : RESULT_SYSTEM,
				  "run: ring %s: %s: %s%s", of->path, step, strerror(-r),
				  cure_of(step, r));
	keep(run, of);
	run_say(run, "ring %s: granted, %llu KiB of buffers", of->path,
		(unsigned long long)of->size / 1024);
	return RESULT_OK;
}

static bool is_made(const struct run *run, const char *path)
{
	for (uint32_t i = 0; i < run->grants.rings; i++)
		if (!strcmp(run->rings[i].path, path))
			return true;
	return false;
}

/* All rules of that path together say which rights; the memory is as large as this one says. */
static enum result grant_ring(struct run *run, const struct hws_policy_rule *rule)
{
	const uint64_t page = (uint64_t)sysconf(_SC_PAGESIZE);
	/* far enough from each other, with room for guards */
	struct making of = {
		.path = rule->path,
		.place = ARENAS + UINT64_C(2) * BUFFERS_MOST * run->grants.rings,
		.size = rule->buffers ? rule->buffers / page * page : BUFFERS,
	};
	struct hws_access access = { .kind = HWS_KIND_RING, .path = rule->path };

	if (of.size < page || of.size > BUFFERS_MOST)
		return run_refuse(RESULT_FAILURE, "run: '%s': buffers from %llu bytes to %dM",
				  rule->text, (unsigned long long)page, BUFFERS_MOST >> 20);
	access.last = of.size - 1;
	for (access.rights = HWS_W; access.rights; access.rights >>= 1)
		of.rights |= run_allows(run, &access) ? access.rights : 0;
	if (!of.rights) {
		run_say(run, "%s: not granted: a deny rule, or a limit that no kernel keeps",
			rule->text);
		return RESULT_OK;
	}
	if (run->grants.rings == HWS_GRANTS_RINGS || strlen(rule->path) >= HWS_GRANTS_PATH)
		return run_refuse(RESULT_FAILURE,
				  "run: '%s': more than %d rings, or a path of "
				  "more than %d bytes",
				  rule->text, HWS_GRANTS_RINGS, HWS_GRANTS_PATH - 1);
	return make_ring(run, &of);
}

enum result run_make_rings(struct run *run)
{
	enum result result = RESULT_OK;
	struct hws_policy_rule rule;
	uint32_t index = 0;

	while (result == RESULT_OK && run_next_rule(run, HWS_KIND_RING, &index, &rule)) {
		if (!rule.path)
			run_say(run, "%s: not granted: a ring is for one path", rule.text);
		else if (!is_made(run, rule.path))
			result = grant_ring(run, &rule);
	}
	return result;
}
