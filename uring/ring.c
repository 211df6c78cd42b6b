/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "uring/ring.h"

#include <errno.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>

#include "shim/sys-internal.h"
#include "shim/why-internal.h"
#include "uring/histogram-internal.h"
#include "uring/nvme-internal.h"
#include "uring/op-internal.h"
#include "uring/ring-choose-internal.h"

_Thread_local uint64_t ring_thread = RING_NO_THREAD;

/* The kernel's limits. */
#define BUFFERS_MAX 16384
#define FILES_MAX   32768

static const uint32_t depths[HWS_RING_PRESETS] = {
	[HWS_RING_DEFAULT] = 256,
	[HWS_RING_LOW_LATENCY] = 64,
	[HWS_RING_THROUGHPUT] = 1024,
};

int ring_refuse(const struct hws_ring *ring)
{
	if (!ring->page->here)
		return why(-ECHILD, "this ring is the parent process's; open another in the child");
	if (ring->owner != ring_thread)
		return why(-EBUSY, "this ring is thread %d's; each thread opens its own",
			   ring->thread);
	return why(-EIO, "this ring is broken (%s): take what is left of it and close it",
		   strerror(-ring->broken));
}

int ring_full(const struct hws_ring *ring)
{
	return why(-EAGAIN, "%u operations are in flight, the ring is no deeper: wait for some",
		   ring->slab.size);
}

void ring_reduce(struct hws_ring *ring, const char *format, ...)
{
	va_list arguments;
	size_t length = strlen(ring->reduced);

	if (length && length + 2 < sizeof(ring->reduced)) {
		memcpy(ring->reduced + length, "; ", 3);
		length += 2;
	}
	va_start(arguments, format);
	vsnprintf(ring->reduced + length, sizeof(ring->reduced) - length, format, arguments);
	va_end(arguments);
}

static int take_options(struct hws_ring *ring, const struct hws_ring_options *options)
{
	struct hws_ring_options *of = &ring->options;
	size_t size = options && options->size ? options->size : sizeof(*of);

	if (size > sizeof(*of))
		return why(-EINVAL, "hws_ring_options is of a later version of the library");
	if (options)
		memcpy(of, options, size);
	if (of->preset >= HWS_RING_PRESETS)
		return why(-EINVAL, "there is no preset %u", of->preset);
	if (of->depth == 0)
		of->depth = depths[of->preset];
	if (of->depth > RING_DEPTH_MAX)
		return why(-EINVAL, "a ring can be %d deep, not %u", RING_DEPTH_MAX, of->depth);
	if (of->files == 0)
		of->files = 64;
	if (of->files > FILES_MAX)
		return why(-EINVAL, "%d files can be registered, not %u", FILES_MAX, of->files);
	return ring->grant ? ring_adopt_options(ring) : 0;
}

uint32_t ring_power_of_two(uint32_t least)
{
	uint32_t power = 2;

	while (power < least)
		power *= 2;
	return power;
}

static int make_page(struct hws_ring *ring)
{
	static _Atomic uint64_t threads;
	void *page;
	int r = sys_mmap(NULL, sys_page_size(), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS,
			 -1, 0, &page);

	if (r < 0)
		return why(r, "no memory for a ring");
	ring->page = page;
	r = sys_madvise(page, sys_page_size(), MADV_WIPEONFORK);
	if (r < 0)
		return why(r, "the ring can't be kept from forked children: %s%s", strerror(-r),
			   r == -EINVAL ? "; Linux 4.14 is needed" : "");
	/* relaxed: only that all are different counts */
	if (ring_thread == RING_NO_THREAD)
		ring_thread = atomic_fetch_add_explicit(&threads, 1, memory_order_relaxed) +
			      RING_NO_THREAD + 1;
	ring->owner = ring_thread;
	ring->thread = sys_tid();
	*ring->page = (struct ring_page) { .owner = ring_thread, .here = 1 };
	return 0;
}

static int make_parts(struct hws_ring *ring)
{
	int r = slab_init(&ring->slab, ring_power_of_two(ring->options.depth));

	if (r == 0)
		ring->files = calloc(ring->options.files, sizeof(*ring->files));
	if (r == 0 && ring->options.flags & HWS_RING_LATENCY)
		ring->histograms = calloc(1, sizeof(*ring->histograms));
	if (r < 0 || !ring->files || (ring->options.flags & HWS_RING_LATENCY && !ring->histograms))
		return why(-ENOMEM, "no memory for a ring");
	r = nvme_open(ring);
	return r < 0 ? r : make_page(ring);
}

static int take_pool(struct hws_ring *ring, struct hws *hw)
{
	int r = 0;

	if (ring->grant) {
		r = ring_adopt_pool(ring, hw);
	} else if (ring->options.pool) {
		ring->pool = ring->options.pool;
	} else {
		r = hws_pool_open(hw, ring->options.pool_options, &ring->pool);
		ring->own_pool = r == 0;
	}
	if (r == 0)
		pool_ref(ring->pool);
	return r;
}

/* Pages that are given back by an earlier ring may be charged for some moments longer. */
static int tell_patiently(struct hws_ring *ring, uint32_t what, const void *arg, uint32_t count)
{
	int r = ring->backend->tell(ring, what, arg, count);

	for (uint32_t i = 0; i < RING_TRIES && r == -ENOMEM; i++) {
		sys_sleep(1000 * 1000);
		r = ring->backend->tell(ring, what, arg, count);
	}
	return r;
}

static int register_regions(struct hws_ring *ring, uint64_t *ret_bytes)
{
	uint32_t count = pool_regions(ring->pool);
	HWS_CLEANUP_FREE struct iovec *regions = calloc(count, sizeof(*regions));
	int r;

	*ret_bytes = 0;
	if (!regions)
		return -ENOMEM;
	for (uint32_t i = 0; i < count; i++) {
		uint64_t size;

		pool_region(ring->pool, i, &regions[i].iov_base, &size);
		regions[i].iov_len = (size_t)size;
		*ret_bytes += size;
	}
	pool_open_for_kernel(ring->pool);
	r = tell_patiently(ring, IORING_REGISTER_BUFFERS, regions, count);
	pool_close_for_kernel(ring->pool);
	return r;
}

/* Without it all works as well, by copies where the pool is guarded. */
static void register_pool(struct hws_ring *ring)
{
	struct hws_pool_stats pool = { .size = sizeof(pool) };
	uint64_t bytes = 0;
	uint64_t limit = 0;
	int r;

	ring->guarded = pool_guarded(ring->pool);
	/* what a page's own protection shuts can't be opened for a thread */
	ring->opens = ring->defers && hws_pool_read_stats(ring->pool, &pool) == 0 &&
		      pool.guard != HWS_POOL_GUARD_PAGES;
	ring->registered = ring->grant;
	if (ring->grant || ring->options.flags & HWS_RING_UNREGISTERED)
		return;
	r = pool_regions(ring->pool) > BUFFERS_MAX ? -EINVAL : register_regions(ring, &bytes);
	ring->registered = r >= 0;
	if (r == -ENOMEM && sys_getrlimit(RLIMIT_MEMLOCK, &limit) == 0)
		ring_reduce(
			ring,
			"buffers not registered: they need %llu KiB, RLIMIT_MEMLOCK (ulimit -l) "
			"is %llu KiB",
			(unsigned long long)bytes / 1024, (unsigned long long)limit / 1024);
	else if (r < 0)
		ring_reduce(ring, "buffers not registered: %s", strerror(-r));
}

static void register_files(struct hws_ring *ring)
{
	struct io_uring_rsrc_register sparse = {
		.nr = ring->options.files,
		.flags = IORING_RSRC_REGISTER_SPARSE,
	};
	int r = 0;

	if (!ring->grant)
		r = tell_patiently(ring, IORING_REGISTER_FILES2, &sparse, sizeof(sparse));
	ring->files[0] = ring->grant; /* the one there is, for ever */
	if (r >= 0)
		ring->file_count = ring->options.files;
	else
		ring_reduce(ring, "no registered files: %s", strerror(-r));
}

/* May reads and writes go the short way? Of a pool that shuts, lending is more than a word. */
static bool is_quick(const struct hws_ring *ring)
{
	return ring->registered && !ring->histograms && !ring->sqe_shift && !ring->bufs.shuts;
}

static int build(struct hws_ring *ring, struct hws *hw, const struct hws_ring_options *options)
{
	int r = take_options(ring, options);

	if (r == 0)
		r = make_parts(ring);
	if (r == 0)
		r = take_pool(ring, hw);
	if (r == 0)
		r = ring_choose(ring);
	if (r == 0 && hw)
		r = ring_meter_open(ring, hw);
	if (r < 0)
		return r;
	register_pool(ring);
	register_files(ring);
	ring->bufs = *(const struct pool_head *)ring->pool;
	ring->quick = is_quick(ring) ? ring->owner : 0;
	/* these were borrowed for the time of opening */
	ring->options.pool_options = NULL;
	ring->options.backend = NULL;
	ring->options.mode = NULL;
	ring->grant = NULL;
	if (ring->meter)
		ring_publish(ring);
	return 0;
}

int ring_open(struct hws *hw, const struct hws_ring_options *options,
	      const struct hws_grants_ring *grant, struct hws_ring **ret_ring)
{
	struct hws_ring *ring = calloc(1, sizeof(*ring));
	int r;

	if (ring)
		ring->grant = grant;
	r = ring ? build(ring, hw, options) : why(-ENOMEM, "no memory for a ring");

	if (r < 0 && ring) {
		if (ring->backend)
			ring->backend->close(ring);
		ring_free(ring);
	}
	if (r < 0)
		return r;
	if (hw && ring->reduced[0])
		ring_warn(ring, hw);
	*ret_ring = ring;
	return 0;
}

int hws_ring_open(struct hws *hw, const struct hws_ring_options *options,
		  struct hws_ring **ret_ring)
{
	return ring_open(hw, options, NULL, ret_ring);
}

void ring_free(struct hws_ring *ring)
{
	/* in a forked child the pool is the parent's, and its page is zeroed */
	bool here = ring->page && ring->page->here;

	ring_meter_close(ring);
	if (here && ring->pool) {
		pool_unref(ring->pool);
		if (ring->own_pool)
			(void)hws_pool_close(ring->pool, NULL);
	}
	slab_fini(&ring->slab);
	nvme_close(ring);
	free(ring->files);
	free(ring->histograms);
	if (ring->page)
		sys_munmap(ring->page, sys_page_size());
	free(ring);
}
