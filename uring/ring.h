/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Rings: where operations are queued and taken back. A ring has a pool of
 * buffers, its own or one it shares, registered with the kernel where it can be.
 */
#ifndef HWSAFE_URING_RING_H
#define HWSAFE_URING_RING_H

#include "op.h"

HWS_BEGIN_DECLS

struct hws;
struct hws_pool;
struct hws_pool_options;

/** enum hws_ring_preset - what a ring is for. */
enum hws_ring_preset {
	HWS_RING_DEFAULT = 0,
	HWS_RING_LOW_LATENCY, /* few in flight; what is done shows without a system call */
	HWS_RING_THROUGHPUT,  /* many in flight */
	HWS_RING_PRESETS      /* how many */
};

/** enum hws_ring_flags - further wishes. Values combine. */
enum hws_ring_flags {
	HWS_RING_LATENCY = 1,	   /* keep a histogram of latencies for each kind */
	HWS_RING_UNREGISTERED = 2, /* don't register the pool */
	HWS_RING_NVME = 4,	   /* for HWS_OP_NVME: entries of double size */
	HWS_RING_POLLED = 8,	   /* for hws_ring_fd(): not mode "defer", unless that is named */
	HWS_RING_NVME_ANY = 16,	   /* with HWS_RING_NVME: also commands of which nobody can tell how
				    * much they move; whoever queues one answers for it */
};

/** struct hws_ring_options - how a ring is to be. All zero: defaults. */
struct hws_ring_options {
	size_t size;	 /* of this struct; 0: as compiled */
	uint32_t preset; /* enum hws_ring_preset */
	uint32_t flags;	 /* enum hws_ring_flags */
	uint32_t depth;	 /* how many operations in flight, up to 16384; 0: the preset's */
	uint32_t files;	 /* how many files can be registered; 0: 64 */
	/* shared: open for longer than the ring; NULL: the ring has one of its own */
	struct hws_pool *pool;
	const struct hws_pool_options *pool_options; /* borrowed; for its own; NULL: defaults */
	/* borrowed; "uring", "epoll" (with threads), "sync" (plain calls); NULL: the best */
	const char *backend;
	const char *mode; /* borrowed; the only one to try: "defer", "coop", "plain"; NULL: all */
};

/**
 * hws_ring_open() - make a ring that belongs to this thread.
 * @hw: borrowed; may be NULL
 * @options: borrowed; NULL: defaults
 * @ret_ring: out; hws_ring_close() it
 *
 * Where the system refuses io_uring the same is done by epoll and a few threads, or by plain calls:
 * hws_ring_get_info() has which and why. What a ring has to do without, and the remedy, the
 * context's log is told, once a minute at most. The differences: a call that a thread blocks in (a
 * file, a path, a device that can't be polled) can't be cancelled; if it is still at it when the
 * ring closes, its buffer is lost. "sync" blocks in such calls. Each
 * descriptor that is waited for is duplicated. There is no NVMe. Who else reads or accepts from the
 * same file may get there first: then the call blocks.
 *
 * Return: 0; -EINVAL options that make no sense; -EPERM, -ENOSYS "uring" was asked for and the
 * system has no io_uring for us; -ENOMEM, -EMFILE, -ENOSPC the system has no more, -EAGAIN not
 * now; -EBUSY the pool can't be used by this ring any more; as hws_pool_open().
 */
HWS_API HWS_MUST int hws_ring_open(struct hws *hw, const struct hws_ring_options *options,
				   struct hws_ring **ret_ring);

/**
 * hws_ring_adopt() - the ring of one file or device, which may be one that this user can't open.
 * @hw: borrowed
 * @path: borrowed; as the policy names it; the file is HWS_FILE(0) of the ring
 * @options: borrowed; NULL: defaults. A granted ring has its own depth, files and mode, and the
 *     pool's buffers have to fit into the memory that was granted
 * @ret_ring: out; hws_ring_close() it
 *
 * Where `hwsafe-helper run` granted a ring for the path it is that one, once: the kernel holds it
 * to this file, to this memory, and to reading, writing (where granted), nop, timeout and cancel;
 * any other operation is done with -EACCES, and hws_ring_fd() has no descriptor to poll. Else,
 * where the policy allows it, it is a ring of the program's own, and the file is opened and
 * registered.
 *
 * Context: a granted ring is the main thread's of the program that the helper started.
 * Return: as hws_ring_open(); -EACCES: the policy refuses; -EPERM, -ENOENT: the file can't be
 * opened; -EBUSY: adopted already, or another thread's; -EEXIST: something lies at the addresses of
 * the granted memory; -EBADF: a program between closed the ring.
 */
HWS_API HWS_MUST int hws_ring_adopt(struct hws *hw, const char *path,
				    const struct hws_ring_options *options,
				    struct hws_ring **ret_ring);

/**
 * hws_ring_close() - cancel what is in flight, wait until the kernel lets go of it, end the ring.
 * @ring: taken; NULL is fine
 * @deadline_ns: CLOCK_MONOTONIC; when to stop waiting
 *
 * When this returns nobody writes to a buffer of the pool any more but those that are counted: if
 * the kernel still owned some at the deadline, they are quarantined: never freed, never reused.
 * Buffers of the ring's own pool that you still hold are stale from now on.
 *
 * Context: the thread that opened the ring, or any once that one has ended. In a forked child the
 * child's copy alone goes.
 * Return: how many operations the kernel still owned; -EBUSY: the ring is another thread's, and
 * nothing was done.
 */
HWS_API int hws_ring_close(struct hws_ring *ring, uint64_t deadline_ns);

/**
 * hws_ring_pool() - where the ring's buffers are taken from.
 * @ring: borrowed
 *
 * Return: the pool, borrowed from the ring.
 */
HWS_API struct hws_pool *hws_ring_pool(const struct hws_ring *ring);

/**
 * hws_ring_fd() - a descriptor that polls readable when something is done.
 * @ring: borrowed
 *
 * For event loops, of a ring opened with HWS_RING_POLLED; docs/examples has three. Without that
 * io_uring may do a ring's work only while its thread waits in it: that is cheapest, but nobody
 * else is told. hws_submit() what was queued, poll for POLLIN, then hws_wait() with deadline 0. It
 * stays readable until the last done is taken; it may be readable for the kernel's own work too:
 * then hws_wait() gives none. Don't do else with it. The kernel does that work in this thread:
 * epoll_wait() may end with EINTR.
 *
 * Return: the descriptor, which stays the ring's; -ENOTSUP: open the ring with HWS_RING_POLLED;
 * -EBUSY, -ECHILD, -EIO as hws_queue().
 */
HWS_API int hws_ring_fd(struct hws_ring *ring);

/**
 * hws_file_add() - register a file, so that each operation on it is cheaper.
 * @ring: borrowed
 * @fd: which; may be closed afterwards
 * @ret_file: out; use it in the place of a descriptor; hws_file_remove() it
 *
 * Return: 0; -ENFILE: all places are taken; -EBADF; -EMFILE, -ENOMEM the system has no more;
 * -EBUSY, -ECHILD, -EIO as hws_queue().
 */
HWS_API HWS_MUST int hws_file_add(struct hws_ring *ring, int fd, int *ret_file);

/**
 * hws_file_remove() - forget a registered file; what is in flight on it goes on.
 * @ring: borrowed
 * @file: from hws_file_add()
 *
 * What has not started yet, behind a chain or HWS_AFTER, may be done with -EBADF instead; what
 * would be begun again for the rest, by HWS_EXACT, ends with what it has. None of it ever goes to a
 * file that is registered later.
 *
 * Return: 0; -EBADF: it isn't registered; -EBUSY: a chain is half queued; -EBUSY, -ECHILD, -EIO as
 * hws_queue().
 */
HWS_API HWS_MUST int hws_file_remove(struct hws_ring *ring, int file);

/** struct hws_ring_info - what was chosen when the ring was opened. */
struct hws_ring_info {
	const char *backend; /* "uring", "epoll" or "sync" */
	const char *mode;    /* "defer", "coop" or "plain"; without io_uring "threads" or "calls" */
	const char *reduced; /* what it had to do without and why; "" when nothing */
	uint32_t setup_flags; /* IORING_SETUP_… */
	uint32_t features;    /* IORING_FEAT_… */
	uint32_t depth;
	uint32_t files;
	bool registered; /* the pool's memory is: pinned and checked once */
	bool guarded;	 /* the processor enforces who owns a buffer */
};

/**
 * hws_ring_get_info() - what was chosen when the ring was opened.
 * @ring: borrowed
 * @ret_info: out
 */
HWS_API void hws_ring_get_info(const struct hws_ring *ring, struct hws_ring_info *ret_info);

/**
 * struct hws_ring_stats - what a ring has done.
 *
 * Always: submitted == delivered + reclaimed + lost + in_flight.
 */
struct hws_ring_stats {
	uint64_t submitted;	   /* operations queued and not refused */
	uint64_t delivered;	   /* operations whose final done was taken */
	uint64_t reclaimed;	   /* orphans that ended */
	uint64_t lost;		   /* operations the kernel may own for ever */
	uint64_t in_flight;	   /* queued, not yet ended */
	uint64_t orphans;	   /* of these, forgotten */
	uint64_t orphan_bytes;	   /* that orphans may still touch */
	uint64_t peak;		   /* most in flight at a submission */
	uint64_t enters;	   /* system calls */
	uint64_t enter_errors;	   /* of these, failed */
	uint64_t retried;	   /* operations begun again after -EAGAIN or -EINTR */
	uint64_t resumed;	   /* short transfers gone on with */
	uint64_t cancels;	   /* attempts */
	uint64_t cancels_missed;   /* attempts that found nothing to stop, or couldn't */
	uint64_t unknown;	   /* completions that belong to no operation: ignored */
	uint64_t overflows;	   /* times completions had to wait for room */
	uint64_t descriptors_shut; /* made by orphans, closed */
	uint64_t bounced;	   /* operations that had to be copied */
};

/**
 * hws_ring_get_stats() - what the ring has done so far.
 * @ring: borrowed
 * @ret_stats: out
 */
HWS_API void hws_ring_get_stats(const struct hws_ring *ring, struct hws_ring_stats *ret_stats);

/** HWS_LATENCY_BUCKETS - how many there are; bucket i counts from 2^i up to 2^(i+1) ns. */
#define HWS_LATENCY_BUCKETS 40

/**
 * hws_ring_latency() - how long operations of a kind took, from queueing to taking.
 * @ring: borrowed
 * @kind: enum hws_op_kind
 * @ret_counts: out; HWS_LATENCY_BUCKETS of them
 *
 * Return: 0; -EINVAL: no such kind; -ENOTSUP: opened without HWS_RING_LATENCY.
 */
HWS_API HWS_MUST int hws_ring_latency(const struct hws_ring *ring, uint32_t kind,
				      uint64_t *ret_counts);

HWS_END_DECLS

#endif
