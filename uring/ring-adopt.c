/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Rings that a launcher made, locked to one file and enabled, and left to this program. The kernel
 * goes by what was registered then: one file, one piece of memory at one address.
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>

#include "guardian/context-internal.h"
#include "guardian/learn-internal.h"
#include "shim/sys-internal.h"
#include "shim/why-internal.h"
#include "uring/pool-internal.h"
#include "uring/ring-internal.h"

_Static_assert(sizeof(struct io_uring_params) == HWS_GRANTS_PARAMS * sizeof(uint32_t),
	       "the grant holds the kernel's struct");

#define RING_LINK "anon_inode:[io_uring]"
enum { ENTRIES_MOST = 1 << 16, BUFFER = 4096 };

static bool is_power(uint32_t number)
{
	return number && !(number & (number - 1));
}

/* Do the places of the words lie inside the queues? */
static bool params_fit(const struct io_uring_params *p)
{
	const uint32_t sq[] = { p->sq_off.head,		p->sq_off.tail,	 p->sq_off.ring_mask,
				p->sq_off.ring_entries, p->sq_off.flags, p->sq_off.dropped };
	const uint32_t cq[] = { p->cq_off.head,		p->cq_off.tail,	    p->cq_off.ring_mask,
				p->cq_off.ring_entries, p->cq_off.overflow, p->cq_off.flags };

	if (!is_power(p->sq_entries) || !is_power(p->cq_entries) || p->sq_entries < 4 ||
	    p->sq_entries > ENTRIES_MOST || p->cq_entries > ENTRIES_MOST ||
	    p->cq_entries < 2 * p->sq_entries || p->sq_off.array > 1 << 20 ||
	    p->cq_off.cqes > 1 << 20)
		return false;
	for (size_t i = 0; i < sizeof(sq) / sizeof(sq[0]); i++)
		if (sq[i] >= p->sq_off.array || cq[i] >= p->sq_off.array)
			return false;
	return !(p->flags & (IORING_SETUP_SQE128 | IORING_SETUP_CQE32 | IORING_SETUP_SQPOLL));
}

static struct io_uring_params params_of(const struct hws_grants_ring *grant)
{
	struct io_uring_params params;

	memcpy(&params, grant->params, sizeof(params));
	return params;
}

int ring_adopt_options(struct hws_ring *ring)
{
	struct hws_ring_options *of = &ring->options;

	if (of->flags & (HWS_RING_NVME | HWS_RING_UNREGISTERED) || of->pool || of->backend ||
	    of->mode)
		return why(-EINVAL,
			   "a granted ring is as it is: no such flags, pool, back end, mode");
	of->depth = params_of(ring->grant).sq_entries / 2;
	of->files = 1;
	return 0;
}

int ring_adopt_pool(struct hws_ring *ring, struct hws *hw)
{
	const struct hws_grants_ring *grant = ring->grant;
	const struct pool_arena arena = { grant->arena_fd, grant->arena, grant->size };
	struct hws_pool_options options = { .size = sizeof(options) };
	uint32_t count = 0;
	int r;

	if (ring->options.pool_options)
		options = *ring->options.pool_options;
	for (int i = 0; i < HWS_POOL_CLASSES; i++)
		count += options.classes[i].count;
	if (!count)
		options.classes[0] = (struct hws_pool_class) {
			.size = BUFFER,
			.count = (uint32_t)(grant->size / BUFFER),
		};
	r = pool_open_in(hw, &options, &arena, &ring->pool);
	ring->own_pool = r == 0;
	return r;
}

/* Nobody else may have it: the mark is that it doesn't outlive an exec any more. */
static int claim(const struct hws_grants_ring *grant)
{
	char path[64];
	char link[64] = "";
	int marked = sys_get_cloexec(grant->fd);
	ssize_t n;

	snprintf(path, sizeof(path), "/proc/self/fd/%d", grant->fd);
	n = sys_readlink(SYS_REAL_ROOT, path, link, sizeof(link));
	if (marked < 0 || n < 0 || strcmp(link, RING_LINK) != 0)
		return why(-EBADF,
			   "the ring for %s is not here: it was closed, or never passed on by a "
			   "program between",
			   grant->path);
	if (marked)
		return why(-EBUSY, "the ring for %s is adopted already", grant->path);
	if (sys_tid() != sys_pid())
		return why(-EBUSY, "the ring for %s is the main thread's: adopt it there",
			   grant->path);
	return 0;
}

static const char *mode_of(uint32_t flags)
{
	if (flags & IORING_SETUP_DEFER_TASKRUN)
		return "defer";
	return flags & IORING_SETUP_COOP_TASKRUN ? "coop" : "plain";
}

int ring_adopt_map(struct hws_ring *ring)
{
	struct io_uring_params params = params_of(ring->grant);
	struct io_uring_sq *sq = &ring->io.sq;
	int r = io_uring_queue_mmap(ring->grant->fd, &params, &ring->io);

	if (r < 0)
		return why(r, "the queues of the granted ring can't be mapped: %s", strerror(-r));
	ring->mode_name = mode_of(params.flags);
	ring->setup_flags = params.flags;
	ring->features = params.features;
	ring->defers = params.flags & IORING_SETUP_DEFER_TASKRUN;
	ring->must = IOSQE_FIXED_FILE;
	/* the launcher has tried it out: the queue begins where that ended */
	sq->sqe_tail = *sq->ktail;
	sq->sqe_head = sq->sqe_tail;
	ring->counted = sq->sqe_tail;
	r = sys_set_cloexec(ring->grant->fd);
	r = r < 0 ? r : sys_set_cloexec(ring->grant->arena_fd);
	if (r == 0 && (sq->ring_entries != params.sq_entries || ring_queued(ring)))
		r = why(-EBADMSG, "the granted ring is not as it was described");
	if (r < 0)
		io_uring_queue_exit(&ring->io);
	return r;
}

/* What the policy allows of the file; -EACCES: nothing. */
static int allowed_rights(struct hws *hw, const char *path, uint64_t bytes, uint32_t *ret_rights)
{
	struct rules *rules = context_rules(hw);
	struct hws_access access = { .kind = HWS_KIND_RING, .path = path, .last = bytes - 1 };
	struct hws_decision decision = { 0 };
	uint32_t rights = 0;
	int r = 0;

	for (access.rights = HWS_W; access.rights; access.rights >>= 1) {
		r = hws_policy_check(rules->view, &access, &decision);
		rights |= r == 0 ? access.rights : 0;
	}
	access.rights = HWS_R;
	r = r == -EINVAL ? why(r, "'%.80s' is no absolute path", path) : 0;
	if (r == 0 && !rights)
		r = context_deny(hw, HWS_EVENT_GRANT, &access, decision.reason, &decision, NULL);
	access.rights = rights;
	if (r == 0)
		learn_note(hw->learn, HWS_LEARNED_WINDOW, &access, HWS_REASON_NONE);
	rules_unref(rules);
	*ret_rights = rights;
	return r;
}

/* Without a grant: as far as this user may open the file itself. */
static int open_own(struct hws *hw, const char *path, uint32_t rights,
		    const struct hws_ring_options *options, struct hws_ring **ret_ring)
{
	static const int modes[] = { [HWS_R] = O_RDONLY, [HWS_W] = O_WRONLY, [HWS_RW] = O_RDWR };
	HWS_CLEANUP_FD int fd = sys_open(hw->root, path, modes[rights] | O_NOCTTY);
	struct hws_ring *ring;
	int place;
	int r;

	if (fd == -EACCES || fd == -EPERM)
		return why(-EPERM,
			   "%s: this user may not open it, and nothing was granted: start the "
			   "program by hwsafe-helper run",
			   path);
	if (fd < 0)
		return why(fd, "%s: %s", path, strerror(-fd));
	r = ring_open(hw, options, NULL, &ring);
	if (r < 0)
		return r;
	r = hws_file_add(ring, fd, &place);
	if (r < 0)
		(void)hws_ring_close(ring, 0);
	else
		*ret_ring = ring;
	return r;
}

static int open_granted(struct hws *hw, const struct hws_grants_ring *grant,
			const struct hws_ring_options *options, struct hws_ring **ret_ring)
{
	const struct io_uring_params params = params_of(grant);
	int r = claim(grant);

	if (r == 0 && !params_fit(&params))
		r = why(-EBADMSG, "the granted ring is described by what can't be");
	return r < 0 ? r : ring_open(hw, options, grant, ret_ring);
}

int hws_ring_adopt(struct hws *hw, const char *path, const struct hws_ring_options *options,
		   struct hws_ring **ret_ring)
{
	const struct hws_grants_ring *grant = grants_ring(hw->grants, path);
	uint32_t rights;
	int r = allowed_rights(hw, path, grant ? grant->size : 1, &rights);

	if (r < 0)
		return r;
	if (grant)
		return open_granted(hw, grant, options, ret_ring);
	return open_own(hw, path, rights, options, ret_ring);
}
