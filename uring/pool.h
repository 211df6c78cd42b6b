/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Pools: one piece of memory, cut into buffers of a few sizes, made once and
 * never grown: taking and giving back allocate nothing.
 */
#ifndef HWSAFE_URING_POOL_H
#define HWSAFE_URING_POOL_H

#include "buf.h"

HWS_BEGIN_DECLS

struct hws;

/**
 * enum hws_pool_guard - how a pool keeps the program off what isn't its own.
 * @HWS_POOL_GUARD_AUTO: protection keys where the machine has some free, else none
 * @HWS_POOL_GUARD_NONE: by state alone: the library refuses, a stray pointer isn't caught
 * @HWS_POOL_GUARD_KEYS: protection keys, or the pool doesn't open. Memory is closed but for views;
 *     neighbours have different keys, so that a view doesn't open what lies beside it
 * @HWS_POOL_GUARD_STRICT: the same, and what the kernel or a device owns has a key of its own:
 *     no view opens it. A system call for each time that a viewed buffer is handed over
 * @HWS_POOL_GUARD_PAGES: for debugging without keys: what the kernel or a device owns is PROT_NONE.
 *     As many system calls
 */
enum hws_pool_guard {
	HWS_POOL_GUARD_AUTO = 0,
	HWS_POOL_GUARD_NONE,
	HWS_POOL_GUARD_KEYS,
	HWS_POOL_GUARD_STRICT,
	HWS_POOL_GUARD_PAGES,
	HWS_POOL_GUARDS /* how many */
};

/** enum hws_huge - huge pages: none, where there are some, or nothing else. */
enum hws_huge {
	HWS_HUGE_NO = 0,
	HWS_HUGE_TRY,
	HWS_HUGE_MUST,
};

/** enum hws_pool_flags - values combine. */
enum hws_pool_flags {
	HWS_POOL_PREFAULT = 1, /* all memory is there from the start */
	HWS_POOL_ZERO = 2,     /* a buffer holds zeros whenever it is taken */
	HWS_POOL_NODE = 4,     /* memory of NUMA node @node and no other */
};

/** struct hws_pool_class - so many buffers of one size. */
struct hws_pool_class {
	uint64_t size; /* rounded up to whole pages; at most 1 GiB */
	uint32_t count;
};

/** HWS_POOL_CLASSES - the most classes that a pool has. */
#define HWS_POOL_CLASSES 8

/** struct hws_stray - a touch of memory that was not the program's at that moment. */
struct hws_stray {
	const void *address;
	struct hws_buf buf;   /* the buffer as it was then; all zero: a free one, or none */
	enum hws_owner owner; /* its owner; the user: not viewed by this thread */
	uint32_t by;	      /* the kernel's: the operation; a device's: the domain; else 0 */
	uint64_t offset;      /* into the buffer */
	int thread;
	bool key; /* caught by a protection key, else by the page */
};

/** struct hws_pool_options - all zero is the default: 1,024 buffers of 4 KiB. */
struct hws_pool_options {
	size_t size;					 /* of this struct; 0: as compiled */
	struct hws_pool_class classes[HWS_POOL_CLASSES]; /* of different sizes; count 0: none */
	enum hws_pool_guard guard;
	enum hws_huge huge;
	uint32_t flags; /* enum hws_pool_flags */
	uint32_t node;	/* with HWS_POOL_NODE; else memory is of the node that touches it first */
	/*
	 * borrowed; called when a stray touch was caught, before the program dies of it. Runs in
	 * the signal's handler: async-signal-safe functions only.
	 */
	void (*on_stray)(void *arg, const struct hws_stray *stray);
	void *arg; /* borrowed; for on_stray */
};

/**
 * hws_pool_open() - make a pool.
 * @hw: shared; its guardian is asked for the memory; NULL: nobody is
 * @options: borrowed; NULL: the defaults
 * @ret_pool: out; closed by hws_pool_close()
 *
 * The memory is zero, aligned to pages, between pages that can't be touched, and not there in
 * children of fork(). It goes back to the kernel only, never to malloc().
 *
 * Return: 0; -EINVAL for options that can't be; -EDQUOT when the guardian refuses; -ENOMEM;
 * -EOPNOTSUPP or -ENOSPC when the guard that must be isn't to be had; -EMFILE at the 257th guarded
 * pool; -EINVAL there is no such NUMA node, -ENOSYS the kernel has none, -EPERM a container
 * forbids mbind(2).
 */
HWS_API HWS_MUST int hws_pool_open(struct hws *hw, const struct hws_pool_options *options,
				   struct hws_pool **ret_pool);

/** struct hws_pool_leaks - what closing a pool left behind, on purpose. */
struct hws_pool_leaks {
	uint64_t buffers; /* the kernel or a device may still write there: PROT_NONE for ever */
	uint64_t viewed;  /* somebody looks at them: left open */
	uint64_t bytes;	  /* of both; still charged to the guardian */
};

/**
 * hws_pool_close() - give the memory back, but for what is not the program's.
 * @pool: taken; NULL is fine; nobody may use it any more. Buffers that the user owns are gone
 * @ret_leaks: out; NULL is fine
 *
 * What the kernel or a device owns is never freed and never reused: its addresses stay taken.
 *
 * Return: 0; -EBUSY while a ring or a DMA domain uses the pool, which then stays open.
 */
HWS_API int hws_pool_close(struct hws_pool *pool, struct hws_pool_leaks *ret_leaks);

/** struct hws_pool_stats - a pool's numbers; owners are counted by walking, one after another. */
struct hws_pool_stats {
	size_t size;		    /* sizeof(struct hws_pool_stats), set by the caller */
	uint64_t capacity;	    /* buffers */
	uint64_t bytes;		    /* of all of them */
	uint64_t metadata_bytes;    /* what the pool needs besides */
	uint64_t owned[HWS_OWNERS]; /* buffers, by owner now */
	uint64_t viewed;	    /* of those that the user owns */
	uint64_t in_use;	    /* neither free nor retired */
	uint64_t peak;		    /* the most that ever were taken at once */
	uint64_t failed;	    /* takes that found nothing */
	uint64_t waited;	    /* takes that had to wait */
	uint64_t pressure;	    /* percent taken of the fullest class */
	uint64_t strays;	    /* stray touches caught */
	uint32_t keys;		    /* protection keys that the buffers are spread over */
	uint32_t run;		    /* neighbours that share one */
	enum hws_pool_guard guard;  /* the one in force */
	bool huge;		    /* it lies in huge pages */
};

/**
 * hws_pool_read_stats() - the numbers now.
 * @pool: shared
 * @ret_stats: out; its size set by the caller
 *
 * Return: 0; -EINVAL when size is less than that of the first version.
 */
HWS_API HWS_MUST int hws_pool_read_stats(struct hws_pool *pool, struct hws_pool_stats *ret_stats);

/**
 * hws_pool_last_stray() - the last stray touch that was caught.
 * @pool: shared
 * @ret_stray: out
 *
 * Context: async-signal-safe: for a program's own handler of SIGSEGV.
 * Return: 0; -ENOENT when there was none; -EBUSY while one is being noted.
 */
HWS_API HWS_MUST int hws_pool_last_stray(struct hws_pool *pool, struct hws_stray *ret_stray);

/**
 * hws_pool_guard_name() - the guard's word in reports: "keys", "strict" …
 * @guard: the guard
 *
 * Return: a constant string; "?" for a value that is no guard.
 */
HWS_API const char *hws_pool_guard_name(enum hws_pool_guard guard);

HWS_END_DECLS

#endif
