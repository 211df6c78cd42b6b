/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What a ring tells of itself, and its registered files. */
#include <errno.h>
#include <string.h>

#include "guardian/context-internal.h"
#include "shim/why-internal.h"
#include "uring/histogram-internal.h"
#include "uring/nvme-internal.h"
#include "uring/ring-internal.h"

struct hws_pool *hws_ring_pool(const struct hws_ring *ring)
{
	return ring->pool;
}

int hws_ring_fd(struct hws_ring *ring)
{
	int r = ring_mine(ring);

	return r < 0 ? r : ring->backend->fd(ring);
}

struct hws_op hws_op_last(const struct hws_ring *ring)
{
	/* in a forked child there is no queue */
	return (struct hws_op) { ring->page->here ? ring_last(ring) : 0 };
}

void hws_ring_get_info(const struct hws_ring *ring, struct hws_ring_info *ret_info)
{
	*ret_info = (struct hws_ring_info) {
		.backend = ring->backend->name,
		.mode = ring->mode_name,
		.reduced = ring->reduced,
		.setup_flags = ring->setup_flags,
		.features = ring->features,
		.depth = ring->slab.size,
		.files = ring->file_count,
		.registered = ring->registered,
		.guarded = ring->guarded,
	};
}

void ring_warn(const struct hws_ring *ring, struct hws *hw)
{
	uint64_t now = ring_now();
	/* relaxed: whoever comes first says it, and there is nothing else to see */
	uint64_t last = atomic_load_explicit(&hw->ring_warned, memory_order_relaxed);

	if (last && now - last < RING_WARN_NS)
		return;
	if (atomic_compare_exchange_strong_explicit(&hw->ring_warned, &last, now | 1,
						    memory_order_relaxed, memory_order_relaxed))
		context_log(hw, HWS_LEVEL_WARNING, "a ring goes by %s (%s): %s",
			    ring->backend->name, ring->mode_name, ring->reduced);
}

/* Counted by looking, not by the sums of the others, which it checks. */
static uint64_t in_flight(const struct hws_ring *ring)
{
	const struct op *op = slab_next(&ring->slab, 0);
	uint64_t count = 0;

	for (; op; op = slab_next(&ring->slab, op_number(op) + 1))
		count++;
	return count;
}

void hws_ring_get_stats(const struct hws_ring *ring, struct hws_ring_stats *ret_stats)
{
	const struct ring_stats *of = &ring->stats;

	*ret_stats = (struct hws_ring_stats) {
		.submitted = ring_submitted(ring),
		.delivered = of->delivered,
		.reclaimed = of->reclaimed,
		.lost = of->lost,
		.in_flight = in_flight(ring),
		.orphans = of->orphans,
		.orphan_bytes = of->orphan_bytes,
		.peak = of->peak,
		.enters = of->enters,
		.enter_errors = of->enter_errors,
		.retried = of->retried,
		.resumed = of->resumed,
		.cancels = of->cancels,
		.cancels_missed = of->cancels_missed,
		.unknown = of->unknown,
		.overflows = of->overflows,
		.descriptors_shut = of->descriptors_shut,
		.bounced = of->bounced,
	};
}

int hws_ring_latency(const struct hws_ring *ring, uint32_t kind, uint64_t *ret_counts)
{
	if (kind >= HWS_OP_KINDS)
		return why(-EINVAL, "there is no operation %u", kind);
	if (!ring->histograms)
		return why(-ENOTSUP, "open the ring with HWS_RING_LATENCY");
	memcpy(ret_counts, ring->histograms->counts[kind], sizeof(ring->histograms->counts[kind]));
	return 0;
}

static int set_file(struct hws_ring *ring, uint32_t place, int fd)
{
	struct io_uring_files_update update = { .offset = place, .fds = (uintptr_t)&fd };
	int r = ring->backend->tell(ring, IORING_REGISTER_FILES_UPDATE, &update, 1);

	if (r < 0)
		return why(r, "the kernel doesn't register this file: %s", strerror(-r));
	nvme_file(ring, place, fd);
	ring->files[place] = fd >= 0;
	return 0;
}

static bool names(const struct op *op, int file)
{
	return op->fd == file || (op->kind == HWS_OP_SPLICE && op->address == (uint32_t)file);
}

/*
 * Is it named by what is in flight? That may look for its file when it starts, behind a chain or a
 * wait, and must not find another one there.
 */
static bool is_named(const struct hws_ring *ring, uint32_t place)
{
	const struct op *op = ring->later ? slab_next(&ring->slab, 0) : NULL;
	int file = HWS_FILE(place);

	for (; op; op = slab_next(&ring->slab, op_number(op) + 1))
		if (names(op, file))
			return true;
	return false;
}

/* What is under way goes on, but to be begun again it would look for the file once more. */
static void unfile(struct hws_ring *ring, int file)
{
	struct op *op = slab_next(&ring->slab, 0);

	for (; op; op = slab_next(&ring->slab, op_number(op) + 1))
		if (names(op, file))
			op->state |= OP_UNFILED;
}

int hws_file_add(struct hws_ring *ring, int fd, int *ret_file)
{
	uint32_t place = 0;
	int r = ring_mine(ring);

	if (r < 0)
		return r;
	while (place < ring->file_count && (ring->files[place] || is_named(ring, place)))
		place++;
	if (place == ring->file_count)
		return why(-ENFILE, "the ring has place for %u registered files", ring->file_count);
	if (fd < 0)
		return why(-EBADF, "%d is no descriptor", fd);
	r = set_file(ring, place, fd);
	if (r == 0)
		*ret_file = HWS_FILE(place);
	return r;
}

int hws_file_remove(struct hws_ring *ring, int file)
{
	int place = RING_FILE(file);
	int r = ring_mine(ring);

	if (r == 0)
		r = ring_refuse_chain(ring);
	if (r < 0)
		return r;
	if (place < 0 || (uint32_t)place >= ring->file_count || !ring->files[place])
		return why(-EBADF, "%d is no registered file of this ring", file);
	/* entries in the queue that name it mean the file that is there now */
	r = hws_submit(ring);
	r = r < 0 ? r : set_file(ring, (uint32_t)place, -1);
	if (r == 0)
		unfile(ring, file);
	return r;
}
