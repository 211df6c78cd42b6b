/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Provided buffers. The kernel names a buffer by its place in bufs; a place
 * that is empty is the user's or nobody's.
 */
#include "uring/ring-group.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "shim/sys-internal.h"
#include "shim/why-internal.h"
#include "uring/op-internal.h"
#include "uring/ring-group-internal.h"

#define GROUP_MAX 16384
/* The owner of a group's buffers: no operation has such a number. */
#define GROUP_BY(group) ((UINT32_C(1) << 28) + (group)->number)

struct hws_group {
	struct hws_ring *ring;
	struct hws_group *next;
	struct io_uring_buf_ring *queue; /* read by the kernel */
	size_t queue_size;
	struct hws_buf *bufs;
	uint32_t size; /* places, a power of two */
	uint32_t count;
	uint32_t provided;
	uint32_t users; /* operations in flight */
	uint32_t hint;	/* an empty place, as a rule */
	uint64_t buffer_size;
	uint64_t taken;
	uint64_t given;
	uint16_t number;
};

uint16_t group_number(const struct hws_group *group)
{
	return group->number;
}

bool group_is_of(const struct hws_group *group, const struct hws_ring *ring)
{
	return group->ring == ring;
}

void group_use(struct hws_group *group, bool use)
{
	group->users += use ? 1 : UINT32_MAX;
}

static bool is_empty(const struct hws_group *group, uint32_t place)
{
	return group->bufs[place].slot == 0 && group->bufs[place].generation == 0;
}

static void provide(struct hws_group *group, uint32_t place, const struct buf_memory *memory)
{
	uint16_t tail = group->queue->tail;
	struct io_uring_buf *entry = &group->queue->bufs[tail & (group->size - 1)];

	entry->addr = (uintptr_t)memory->address;
	entry->len = (uint32_t)memory->size;
	entry->bid = (uint16_t)place;
	/* release: the kernel reads the entry after the tail */
	__atomic_store_n(&group->queue->tail, (uint16_t)(tail + 1), __ATOMIC_RELEASE);
	group->provided++;
	group->given++;
}

static int put(struct hws_group *group, uint32_t place, struct hws_buf buf)
{
	struct hws_pool *pool = group->ring->pool;
	struct buf_memory memory;
	int r = buf_to_kernel(pool, buf, GROUP_BY(group), &memory);

	if (r < 0)
		return r;
	if (memory.size < group->buffer_size || memory.size > UINT32_MAX) {
		r = buf_to_user(pool, buf, GROUP_BY(group));
		return r < 0 ? r
			     : why(-ERANGE, "the group's buffers have at least %llu bytes",
				   (unsigned long long)group->buffer_size);
	}
	group->bufs[place] = buf;
	provide(group, place, &memory);
	return 0;
}

/* What can't be provided goes back to the pool. */
static int put_or_give(struct hws_group *group, uint32_t place, struct hws_buf buf)
{
	int r = put(group, place, buf);

	if (r < 0 && hws_buf_give(group->ring->pool, buf) < 0)
		group->ring->stats.unknown++;
	return r;
}

int hws_group_give(struct hws_group *group, struct hws_buf buf)
{
	uint32_t place;
	int r = ring_mine(group->ring);

	if (r < 0)
		return r;
	if (group->provided == group->count)
		return why(-ENOSPC, "all %u buffers of the group are provided", group->count);
	place = group->hint;
	while (!is_empty(group, place))
		place = place + 1 < group->count ? place + 1 : 0;
	group->hint = place + 1 < group->count ? place + 1 : 0;
	return put(group, place, buf);
}

struct hws_buf group_take(struct hws_group *group, uint32_t place)
{
	struct hws_buf none = { 0 };
	struct hws_buf buf;

	if (place >= group->count || is_empty(group, place))
		return none;
	buf = group->bufs[place];
	group->bufs[place] = none;
	group->hint = place;
	group->provided--;
	group->taken++;
	return buf_to_user(group->ring->pool, buf, GROUP_BY(group)) == 0 ? buf : none;
}

void group_put_back(struct hws_group *group, uint32_t place)
{
	struct hws_buf buf = group_take(group, place);

	if (buf.slot || buf.generation)
		put_or_give(group, place, buf);
}

static int fill(struct hws_group *group)
{
	for (uint32_t place = 0; place < group->count; place++) {
		struct hws_buf buf;
		int r = hws_buf_take(group->ring->pool, (size_t)group->buffer_size, &buf);

		if (r == 0)
			r = put_or_give(group, place, buf);
		if (r < 0)
			return r;
	}
	return 0;
}

static int tell_kernel(struct hws_group *group)
{
	struct io_uring_buf_reg reg = {
		.ring_addr = (uintptr_t)group->queue,
		.ring_entries = group->size,
		.bgid = group->number,
	};
	int r = group->ring->backend->tell(group->ring, IORING_REGISTER_PBUF_RING, &reg, 1);

	return r < 0 ? why(r, "the kernel takes no provided buffers: %s", strerror(-r)) : 0;
}

static int make(struct hws_group *group)
{
	void *queue;
	int r;

	group->queue_size = group->size * sizeof(struct io_uring_buf);
	r = sys_mmap(NULL, group->queue_size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS,
		     -1, 0, &queue);
	if (r < 0)
		return why(r, "no memory for a group");
	group->queue = queue;
	group->bufs = calloc(group->size, sizeof(*group->bufs));
	return group->bufs ? 0 : why(-ENOMEM, "no memory for a group");
}

/* Each buffer goes where @fn sends it; then the group is no more. */
static void end(struct hws_group *group, op_buf_fn *fn)
{
	for (uint32_t place = 0; group->bufs && place < group->count; place++)
		if (!is_empty(group, place) &&
		    fn(group->ring->pool, group->bufs[place], GROUP_BY(group)) < 0)
			group->ring->stats.unknown++;
	if (group->queue)
		sys_munmap(group->queue, group->queue_size);
	free(group->bufs);
	free(group);
}

static uint16_t free_number(const struct hws_ring *ring)
{
	uint16_t number = 0;

	for (const struct hws_group *group = ring->groups; group; group = group->next)
		if (group->number >= number)
			number = (uint16_t)(group->number + 1);
	return number;
}

static int check(const struct hws_ring *ring, uint32_t count, uint64_t buffer_size)
{
	int r = ring_mine(ring);

	if (r < 0)
		return r;
	if (count == 0 || count > GROUP_MAX || buffer_size == 0)
		return why(-EINVAL, "a group has 1 to %d buffers of at least 1 byte", GROUP_MAX);
	if (ring->guarded && !ring->opens)
		return why(
			-ENOTSUP,
			"the kernel could not reach the buffers: open the ring in mode \"defer\", or the pool without a guard by pages");
	return 0;
}

int hws_group_open(struct hws_ring *ring, uint32_t count, uint64_t buffer_size,
		   struct hws_group **ret_group)
{
	struct hws_group *group;
	int r = check(ring, count, buffer_size);

	if (r < 0)
		return r;
	group = calloc(1, sizeof(*group));
	if (!group)
		return why(-ENOMEM, "no memory for a group");
	group->ring = ring;
	group->count = count;
	group->size = ring_power_of_two(count);
	group->buffer_size = buffer_size;
	group->number = free_number(ring);
	r = make(group);
	if (r == 0)
		r = fill(group);
	if (r == 0)
		r = tell_kernel(group);
	if (r < 0) {
		end(group, buf_reclaim);
		return r;
	}
	group->next = ring->groups;
	ring->groups = group;
	*ret_group = group;
	return 0;
}

void hws_group_get_stats(const struct hws_group *group, struct hws_group_stats *ret_stats)
{
	*ret_stats = (struct hws_group_stats) {
		.count = group->count,
		.provided = group->provided,
		.taken = group->taken,
		.given = group->given,
	};
}

int hws_group_close(struct hws_group *group)
{
	struct io_uring_buf_reg reg = { 0 };
	struct hws_group **link;
	int r;

	if (!group)
		return 0;
	r = ring_mine(group->ring);
	if (r < 0)
		return r;
	if (group->users)
		return why(-EBUSY, "%u operations use this group: cancel them first", group->users);
	reg.bgid = group->number;
	r = group->ring->backend->tell(group->ring, IORING_UNREGISTER_PBUF_RING, &reg, 1);
	if (r < 0)
		return why(r, "the kernel keeps the group: %s", strerror(-r));
	for (link = &group->ring->groups; *link != group;)
		link = &(*link)->next;
	*link = group->next;
	end(group, buf_reclaim);
	return 0;
}

void group_close_all(struct hws_ring *ring, bool lost)
{
	struct hws_group *group;

	while ((group = ring->groups)) {
		ring->groups = group->next;
		end(group, lost ? buf_quarantine : buf_reclaim);
	}
}
