/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What a ring is made of. Between the semantics and a back end lie two queues
 * in memory as io_uring has them: entries of struct io_uring_sqe go one way,
 * struct io_uring_cqe the other. A back end is who consumes the one and fills
 * the other: the kernel, or what stands in for it.
 */
#ifndef HWSAFE_URING_RING_INTERNAL_H
#define HWSAFE_URING_RING_INTERNAL_H

#include <errno.h>
#include <liburing.h>

#include "shim/grants-internal.h"
#include "uring/buf-internal.h"
#include "uring/pool.h"
#include "uring/ring.h"
#include "uring/slab-internal.h"

#define likely(condition)   __builtin_expect(!!(condition), 1)
#define unlikely(condition) __builtin_expect(!!(condition), 0)

/* The most that one read or write moves; the kernel's MAX_RW_COUNT. */
#define RING_MAX_MOVE UINT32_C(0x7ffff000)
/* The user_data of entries that are no operation: attempts to cancel. Its number is no slot's. */
#define RING_NOBODY UINT64_MAX
/* How often in a row the kernel may fail to enter before the ring counts as broken. */
#define RING_STREAK 128
/* How often an operation is begun again, and a kernel that can't now is asked again. */
#define RING_TRIES     16
#define RING_DEPTH_MAX 16384
#define RING_DRAIN_NS  (UINT64_C(10) * 1000 * 1000) /* between two attempts to cancel all */
#define RING_WHY       400
#define RING_WARN_NS   (UINT64_C(60) * 1000 * 1000 * 1000) /* between two warnings */
/* The number of a registered file; negative: it is none. */
#define RING_FILE(file) ((file) < 0 ? -1 : (file)-HWS_FILE(0))

#define RING_LITTLE_ENDIAN (__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__)

/* The word that has @value in its first @bits in memory, and zeros behind: one store for both. */
static inline uint64_t ring_leading(uint64_t value, uint32_t bits)
{
	return RING_LITTLE_ENDIAN ? value : value << (64 - bits);
}

enum ring_enter_flags {
	RING_EVENTS = 1, /* let what is done be seen, even if none are waited for */
};

/*
 * What a back end has to know of the queues in ring->io:
 *  - entries are taken in order from sq.sqes, at *sq.khead & sq.ring_mask; sq.array is not looked
 *    at. There are twice as many as slots in the slab, so that they never overflow.
 *  - completions go to cq.cqes, of which there are more than slots in the slab, but operations that
 *    complete more than once may fill them: then they wait, and IORING_SQ_CQ_OVERFLOW says so.
 */
struct ring_backend {
	const char *name;
	uint32_t number; /* enum hws_ring_backend */
	/* Fills io, mode, setup_flags, features from the options. 0 or -errno, with why(). */
	int (*open)(struct hws_ring *ring);
	/*
	 * Starts up to @submit entries from the queue and waits for @least completions. How many
	 * it took, or -errno: -ETIME at the deadline. What it didn't take stays queued.
	 */
	int (*enter)(struct hws_ring *ring, uint32_t submit, uint32_t least, uint32_t flags,
		     uint64_t deadline_ns);
	/* As io_uring_register(2): buffers, files, rings of provided buffers. */
	int (*tell)(struct hws_ring *ring, uint32_t what, const void *arg, uint32_t count);
	/*
	 * The descriptor that polls readable, from now on, while completions are there. Who can't
	 * see them being taken sets ring->rung and is entered once more when all are.
	 */
	int (*fd)(struct hws_ring *ring);
	/* Gives all back. Takes rings that were opened in part. */
	void (*close)(struct hws_ring *ring);
	/* The same in a forked child, for itself only: the memory isn't there. */
	void (*forsake)(struct hws_ring *ring);
	/* From now on this thread enters: the owner is gone. */
	void (*adopt)(struct hws_ring *ring);
};

extern const struct ring_backend ring_uring;

/* As hws_ring_open(); @grant: borrowed: the ring that a launcher made; NULL: one of its own. */
HWS_MUST int ring_open(struct hws *hw, const struct hws_ring_options *options,
		       const struct hws_grants_ring *grant, struct hws_ring **ret_ring);
/* ring-adopt.c: what an adopted ring's options must be; its queues; its memory. */
HWS_MUST int ring_adopt_options(struct hws_ring *ring);
HWS_MUST int ring_adopt_map(struct hws_ring *ring);
HWS_MUST int ring_adopt_pool(struct hws_ring *ring, struct hws *hw);

struct ring_stats {
	uint64_t submitted; /* but for those that ring_submitted() still has to count */
	uint64_t delivered, reclaimed, lost;
	uint64_t orphans, orphan_bytes, peak;
	uint64_t inner; /* in flight for the library itself, not forgotten */
	uint64_t enters, enter_errors, retried, resumed;
	uint64_t cancels, cancels_missed, unknown, overflows;
	uint64_t descriptors_shut, bounced;
};

struct histograms;
struct ring_nvme;

/* The number of a group's ring of provided buffers with the kernel. */
uint16_t group_number(const struct hws_group *group);

/* On a page of its own that a forked child finds zeroed. */
struct ring_page {
	uint64_t owner; /* the thread; 0 when the ring is broken: one comparison for all */
	uint64_t here;	/* 1: not in a child */
};

struct hws_ring {
	struct ring_page *page;
	struct io_uring io;
	struct slab slab;
	struct pool_head bufs; /* the pool's, again: it doesn't change */
	/*
	 * The owner, as ring_thread, while reads and writes need nothing but their buffer handed
	 * over; else 0. In a forked child it is as here, but of the pool no buffer is good.
	 */
	uint64_t quick;
	uint32_t counted; /* entries up to here are counted in stats.submitted, or no operations */
	/* How many operations there were at an entry not of the program's, and his last one. */
	uint64_t after;
	uint64_t before;
	struct hws_pool *pool;
	const struct ring_backend *backend;
	uint32_t sqe_shift;  /* 1: entries of double size */
	uint32_t cqe_shift;  /* the same for completions */
	uint8_t must;	     /* flags that each entry has, even where they mean nothing */
	uint32_t cancels;    /* in the queue, at most */
	uint32_t settled;    /* operations whose result is in, and kept */
	uint32_t by_address; /* operations in flight that reach a guarded pool by address */
	bool ordered;	     /* something was queued with HWS_AFTER */
	bool later;	     /* something was queued that may start later than it is submitted */
	bool registered;
	bool guarded;
	/* A guarded pool is opened while this thread enters, for who goes by address. */
	bool opens;
	bool own_pool;
	bool closing;	      /* nobody waits any more: all that completes is an orphan's */
	bool opened;	      /* the back end has something to give back */
	bool nvme_by_address; /* this kernel takes no commands from such registered memory */
	bool defers;	      /* completions come only while this thread enters */
	bool rung;	      /* who polls may be told of completions that are taken */
	int broken;	      /* why; 0: it isn't */
	uint32_t streak;
	struct ring_stats stats;
	struct histograms *histograms;
	struct ring_meter *meter; /* NULL: opened without a context */
	struct hws_group *groups;
	struct hws_stream *streams;

	bool *files;		/* which places are taken */
	struct ring_nvme *nvme; /* NULL: the ring is not for commands */
	uint32_t file_count;
	uint64_t owner; /* the thread, as ring_thread */
	int thread;	/* the same, as the kernel counts */
	uint32_t setup_flags;
	uint32_t features;
	uint32_t mode;
	const char *mode_name;
	const struct hws_grants_ring *grant; /* while it opens */
	struct hws_ring_options options;     /* the pointers of which are good while it opens */
	char reduced[RING_WHY];
	void *backend_data;
};

/*
 * Which thread this is; RING_NO_THREAD until it opens its first ring. Never 0, which is the owner
 * of a ring that is broken or a parent's: that would take such a thread for the owner.
 */
#define RING_NO_THREAD 1
extern _Thread_local uint64_t ring_thread __attribute__((tls_model("initial-exec")));

/* Why the ring can't be used: -EBUSY, -ECHILD or -EIO. */
HWS_MUST int ring_refuse(const struct hws_ring *ring);

/* -EAGAIN: as many as can be are in flight. */
HWS_MUST int ring_full(const struct hws_ring *ring);
/* CLOCK_MONOTONIC; 0 when the clock fails. */
uint64_t ring_now(void);

/* 0 when this thread may use it. */
HWS_MUST static inline int ring_mine(const struct hws_ring *ring)
{
	return likely(ring->page->owner == ring_thread) ? 0 : ring_refuse(ring);
}

/*
 * The next entry of the queue, to be filled in whole. There always is one: the queue is twice as
 * long as the slab, of an operation one entry at most is in there, and as many may be cancels.
 */
static inline struct io_uring_sqe *ring_sqe(struct hws_ring *ring)
{
	struct io_uring_sq *sq = &ring->io.sq;

	return &sq->sqes[(sq->sqe_tail++ & sq->ring_mask) << ring->sqe_shift];
}

/* How many operations were queued ever: the last of them are in the queue, uncounted. */
static inline uint64_t ring_submitted(const struct hws_ring *ring)
{
	return ring->stats.submitted + (ring->io.sq.sqe_tail - ring->counted);
}

/* The operation queued last; 0: none. The last entry tells, if it is an operation's. */
static inline uint64_t ring_last(const struct hws_ring *ring)
{
	const struct io_uring_sq *sq = &ring->io.sq;

	if (ring_submitted(ring) == ring->after)
		return ring->before;
	return sq->sqes[((sq->sqe_tail - 1) & sq->ring_mask) << ring->sqe_shift].user_data;
}

/* Whatever was queued since, @last counts as queued last. */
static inline void ring_keep_last(struct hws_ring *ring, uint64_t last)
{
	ring->before = last;
	ring->after = ring_submitted(ring);
}

/*
 * An entry that begins no operation, or operation @id again, or is about it: none that a chain goes
 * on with, and before what waits for others, unless that is what it is about.
 */
struct io_uring_sqe *ring_sqe_besides(struct hws_ring *ring, uint64_t id);

/* How many the back end has not taken yet. */
static inline uint32_t ring_queued(const struct hws_ring *ring)
{
	/* acquire: pairs with the back end's release; entries before the head are ours again */
	return ring->io.sq.sqe_tail - __atomic_load_n(ring->io.sq.khead, __ATOMIC_ACQUIRE);
}

/* How many of these it was shown. */
static inline uint32_t ring_shown(const struct hws_ring *ring)
{
	/* acquire: as above */
	return *ring->io.sq.ktail - __atomic_load_n(ring->io.sq.khead, __ATOMIC_ACQUIRE);
}

static inline uint32_t ring_ready(const struct hws_ring *ring)
{
	/* acquire: pairs with the back end's release; the completions come before the tail */
	return __atomic_load_n(ring->io.cq.ktail, __ATOMIC_ACQUIRE) - *ring->io.cq.khead;
}

/* What is queued and lies before @at, if a chain goes on from there: its entry, else NULL. */
static inline struct io_uring_sqe *ring_link(const struct hws_ring *ring, uint32_t at)
{
	const struct io_uring_sq *sq = &ring->io.sq;
	struct io_uring_sqe *sqe = &sq->sqes[((at - 1) & sq->ring_mask) << ring->sqe_shift];

	return ring_queued(ring) - (sq->sqe_tail - at) &&
			       sqe->flags & (IOSQE_IO_LINK | IOSQE_IO_HARDLINK)
		       ? sqe
		       : NULL;
}

/* A chain that the program has queued half of: its last entry, else NULL. */
static inline struct io_uring_sqe *ring_half_chain(const struct hws_ring *ring)
{
	return ring_link(ring, ring->io.sq.sqe_tail);
}

/* -EBUSY: nothing may come between the halves of a chain, nor submit the first of them. */
HWS_MUST int ring_refuse_chain(const struct hws_ring *ring);

/* How far entries may start: what is behind waits for what is in flight. */
uint32_t ring_gate(struct hws_ring *ring);
/* How many attempts to cancel are behind. */
uint32_t ring_held_cancels(const struct hws_ring *ring);
/* Does that wait for results which are there, and only have to be taken? */
bool ring_stalls(const struct hws_ring *ring);
/* Where an entry about operation @id has its place. */
uint32_t ring_place(const struct hws_ring *ring, uint64_t id);
/* While the ring closes: it never starts. */
void ring_drop_held(struct hws_ring *ring);

/* The kernel can't for the moment: room in the queue of completions or memory may help. */
static inline bool ring_can_not_now(int code)
{
	return code == -EAGAIN || code == -EBUSY || code == -ENOMEM;
}

/* May there be completions that only show when we enter? */
static inline bool ring_hides(const struct hws_ring *ring)
{
	uint32_t flags = __atomic_load_n(ring->io.sq.kflags, __ATOMIC_RELAXED);

	return ring->defers || flags & (IORING_SQ_CQ_OVERFLOW | IORING_SQ_TASKRUN);
}

/* How many are in flight. */
static inline uint64_t ring_used(const struct hws_ring *ring)
{
	const struct ring_stats *of = &ring->stats;

	return ring_submitted(ring) - of->delivered - of->reclaimed - of->lost;
}

/* How many of these the program waits for. */
static inline uint64_t ring_awaited(const struct hws_ring *ring)
{
	return ring_used(ring) - ring->stats.orphans - ring->stats.inner;
}

/* Submits what is queued and waits; 0, -ETIME, or why not, counted. */
HWS_MUST int ring_enter(struct hws_ring *ring, uint32_t least, uint32_t flags,
			uint64_t deadline_ns);
/*
 * Before the program goes to wait by other means: starts what was queued again for it, and the
 * descriptor says what is there, no more.
 */
void ring_rest(struct hws_ring *ring);
/* A completion of no operation: of an attempt to cancel, a second one, a forged one. */
void ring_ignore(struct hws_ring *ring, const struct io_uring_cqe *cqe);
/* Takes completions, as many as fit into @ret_done; NULL with @size 0: up to the first awaited. */
uint32_t ring_reap(struct hws_ring *ring, struct hws_done *ret_done, uint32_t size);
/* What the kernel was given it may keep: nothing of it is touched again. */
void ring_break(struct hws_ring *ring, int code);
/*
 * Queues an attempt to cancel: the operation of that id, or what IORING_ASYNC_CANCEL_ flags say.
 * 0, or why the queue has no room for it.
 */
HWS_MUST int ring_cancel(struct hws_ring *ring, uint64_t id, uint32_t flags);
/* The least power of two, from 2 on, that is no less. */
uint32_t ring_power_of_two(uint32_t least);
/* Tells the context of the ring's numbers, from now on: 0 or -ENOMEM. */
HWS_MUST int ring_meter_open(struct hws_ring *ring, struct hws *hw);
void ring_meter_close(struct hws_ring *ring);
/* What has been counted so far can be seen. Only with a meter. */
void ring_publish(struct hws_ring *ring);
/* Frees the ring; its back end is closed. */
void ring_free(struct hws_ring *ring);
/* Notes what the ring has to do without, for hws_ring_info. */
void ring_reduce(struct hws_ring *ring, const char *format, ...) HWS_PRINTF(2, 3);
/* Tells the context's log what it has to do without; not more often than once in a while. */
void ring_warn(const struct hws_ring *ring, struct hws *hw);

#endif
