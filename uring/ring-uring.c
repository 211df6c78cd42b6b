/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The back end that is the kernel itself. */
#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>

#include "guardian/snapshot.h"
#include "shim/sys-internal.h"
#include "shim/why-internal.h"
#include "uring/ring-internal.h"

/* Without these nothing here would be safe: nothing dropped, nothing read late, waits that end. */
#define NEEDED (IORING_FEAT_NODROP | IORING_FEAT_SUBMIT_STABLE | IORING_FEAT_EXT_ARG)

/* The set-up modes, best first; a kernel that doesn't know one says -EINVAL. */
static const struct {
	const char *name;
	uint32_t flags;
} modes[] = {
	{ "defer",
	  IORING_SETUP_DEFER_TASKRUN | IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_SUBMIT_ALL },
	{ "coop", IORING_SETUP_COOP_TASKRUN | IORING_SETUP_TASKRUN_FLAG | IORING_SETUP_SUBMIT_ALL },
	{ "plain", 0 },
};
enum { MODES = sizeof(modes) / sizeof(modes[0]) };

/* From this one on the ring's descriptor wakes who polls it. */
#define POLLED_MODE 1
/* In this mode what is done shows at once, whatever the thread is doing. */
#define LOW_LATENCY_MODE 2

static const struct {
	int code;
	const char *text;
} refusals[] = {
	{ -EPERM,
	  "the system refuses io_uring: kernel.io_uring_disabled is set, or a seccomp filter (as of "
	  "a container) blocks it; allow io_uring_setup, io_uring_enter, io_uring_register" },
	{ -ENOSYS, "this kernel has no io_uring, or a seccomp filter hides it" },
	{ -ENOMEM,
	  "no memory for a ring of this depth, or more than RLIMIT_MEMLOCK (ulimit -l): a smaller "
	  "one may do" },
	{ -EMFILE, "too many descriptors are open; raise RLIMIT_NOFILE (ulimit -n)" },
	{ -ENFILE, "the system has too many files open" },
};

static int refuse(int code)
{
	for (size_t i = 0; i < sizeof(refusals) / sizeof(refusals[0]); i++)
		if (refusals[i].code == code)
			return why(code, "%s", refusals[i].text);
	return why(code, "io_uring can't be set up: %s", strerror(-code));
}

static int try_mode(struct hws_ring *ring, uint32_t mode)
{
	uint32_t size = ring->slab.size;
	struct io_uring_params params = {
		.flags = modes[mode].flags | IORING_SETUP_CQSIZE | IORING_SETUP_CLAMP,
		.cq_entries = size * 4,
	};
	int r;

	if (ring->options.flags & HWS_RING_NVME)
		params.flags |= IORING_SETUP_SQE128 | IORING_SETUP_CQE32;
	r = io_uring_queue_init_params(size * 2, &ring->io, &params);
	if (r < 0)
		return r;
	ring->mode = mode;
	ring->mode_name = modes[mode].name;
	ring->setup_flags = params.flags;
	ring->features = params.features;
	ring->defers = params.flags & IORING_SETUP_DEFER_TASKRUN;
	return 0;
}

static uint32_t first_mode(const struct hws_ring *ring)
{
	if (ring->options.preset == HWS_RING_LOW_LATENCY)
		return LOW_LATENCY_MODE;
	return ring->options.flags & HWS_RING_POLLED ? POLLED_MODE : 0;
}

/* Goes down the ladder until the kernel takes one. */
static int climb(struct hws_ring *ring)
{
	const char *wanted = ring->options.mode;
	int r = -EINVAL;

	for (uint32_t mode = wanted ? 0 : first_mode(ring); mode < MODES; mode++) {
		if (wanted && strcmp(wanted, modes[mode].name) != 0)
			continue;
		r = try_mode(ring, mode);
		if (r != -EINVAL)
			break;
		ring_reduce(ring, "this kernel doesn't know mode \"%s\"", modes[mode].name);
	}
	return r < 0 ? refuse(r) : 0;
}

/* What is left to do once the queues are mapped. */
static int mapped(struct hws_ring *ring)
{
	int r;

	ring->opened = true;
	if ((ring->features & NEEDED) != NEEDED)
		return why(-ENOSYS, "this kernel's io_uring is too old: Linux 5.11 is the first");
	/* entries go in order: what stands where never changes */
	for (uint32_t i = 0; i < ring->io.sq.ring_entries; i++)
		ring->io.sq.array[i] = i;
	ring->sqe_shift = ring->setup_flags & IORING_SETUP_SQE128 ? 1 : 0;
	ring->cqe_shift = ring->setup_flags & IORING_SETUP_CQE32 ? 1 : 0;
	/* a forked child must not have the queues: it would take our completions */
	r = io_uring_ring_dontfork(&ring->io);
	return r < 0 ? why(r, "the ring can't be kept from forked children") : 0;
}

static int uring_open(struct hws_ring *ring)
{
	int r = ring->grant ? ring_adopt_map(ring) : climb(ring);

	r = r < 0 ? r : mapped(ring);
	if (r < 0 || ring->grant)
		return r;
	/* saves looking up the descriptor; and it can't be closed by mistake. Since 5.18 */
	r = io_uring_register_ring_fd(&ring->io);
	(void)r;
	return 0;
}

static void left_until(uint64_t deadline_ns, struct __kernel_timespec *ret_left)
{
	uint64_t now = 0;
	int r = sys_clock(CLOCK_MONOTONIC, &now);
	uint64_t left = r == 0 && deadline_ns > now ? deadline_ns - now : 0;

	ret_left->tv_sec = (int64_t)(left / 1000000000);
	ret_left->tv_nsec = (long long)(left % 1000000000);
}

static __attribute__((noinline)) int enter_until(int fd, uint32_t submit, uint32_t least,
						 uint32_t how, uint64_t deadline_ns)
{
	struct __kernel_timespec left;
	struct io_uring_getevents_arg wait = { .ts = (uintptr_t)&left };

	left_until(deadline_ns, &left);
	return io_uring_enter2((unsigned)fd, submit, least, how | IORING_ENTER_EXT_ARG,
			       (sigset_t *)&wait, sizeof(wait));
}

static int uring_enter(struct hws_ring *ring, uint32_t submit, uint32_t least, uint32_t flags,
		       uint64_t deadline_ns)
{
	int fd = ring->io.enter_ring_fd;
	uint32_t how = least || flags & RING_EVENTS ? IORING_ENTER_GETEVENTS : 0;

	if (fd != ring->io.ring_fd)
		how |= IORING_ENTER_REGISTERED_RING;
	if (least && deadline_ns != HWS_FOREVER)
		return enter_until(fd, submit, least, how, deadline_ns);
	return io_uring_enter2((unsigned)fd, submit, least, how, NULL, _NSIG / 8);
}

static int uring_tell(struct hws_ring *ring, uint32_t what, const void *arg, uint32_t count)
{
	return io_uring_register((unsigned)ring->io.ring_fd, what, arg, count);
}

/*
 * Who polls a ring that defers isn't woken: what is deferred is no completion yet. An eventfd would
 * be told of it by some kernels (6.1, 6.18), by others not (6.12.117).
 */
static int uring_fd(struct hws_ring *ring)
{
	if (ring->defers)
		return why(-ENOTSUP, "open the ring with HWS_RING_POLLED");
	return ring->io.ring_fd;
}

static void uring_close(struct hws_ring *ring)
{
	if (ring->opened)
		io_uring_queue_exit(&ring->io);
	ring->opened = false;
}

static void uring_forsake(struct hws_ring *ring)
{
	if (ring->opened)
		sys_close(ring->io.ring_fd);
	ring->opened = false;
}

/* A thread's registered descriptor means nothing in another. */
static void uring_adopt(struct hws_ring *ring)
{
	ring->io.enter_ring_fd = ring->io.ring_fd;
	ring->io.int_flags = 0;
}

const struct ring_backend ring_uring = {
	.name = "uring",
	.number = HWS_RING_URING,
	.open = uring_open,
	.enter = uring_enter,
	.tell = uring_tell,
	.fd = uring_fd,
	.close = uring_close,
	.forsake = uring_forsake,
	.adopt = uring_adopt,
};
