/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What a ring is told about: registered files, groups of provided buffers. */
#include <errno.h>
#include <stdlib.h>

#include "shim/sys-internal.h"
#include "uring/ring-emulate-internal.h"

static int add_group(struct emu *emu, const struct io_uring_buf_reg *reg)
{
	struct emu_group *group = calloc(1, sizeof(*group));

	if (!group)
		return -ENOMEM;
	group->queue = (struct io_uring_buf_ring *)(uintptr_t)reg->ring_addr;
	group->mask = reg->ring_entries - 1;
	group->number = reg->bgid;
	group->next = emu->groups;
	emu->groups = group;
	return 0;
}

static int remove_group(struct emu *emu, const struct io_uring_buf_reg *reg)
{
	struct emu_group **link = &emu->groups;
	struct emu_group *group;

	while (*link && (*link)->number != reg->bgid)
		link = &(*link)->next;
	group = *link;
	if (!group)
		return -EINVAL;
	*link = group->next;
	free(group);
	return 0;
}

static int make_fixed(struct emu *emu, const struct io_uring_rsrc_register *reg)
{
	emu->fixed = malloc(reg->nr * sizeof(*emu->fixed));
	if (!emu->fixed)
		return -ENOMEM;
	for (uint32_t i = 0; i < reg->nr; i++)
		emu->fixed[i] = -1;
	emu->fixed_count = reg->nr;
	return 0;
}

static int update_fixed(struct emu *emu, const struct io_uring_files_update *update)
{
	const int *fd = (const int *)(uintptr_t)update->fds;
	int own = -1;

	if (update->offset >= emu->fixed_count)
		return -EINVAL;
	if (*fd >= 0)
		own = sys_dup(*fd);
	if (*fd >= 0 && own < 0)
		return own;
	sys_close(emu->fixed[update->offset]);
	emu->fixed[update->offset] = own;
	return 0;
}

int emu_tell(struct hws_ring *ring, uint32_t what, const void *arg, uint32_t count)
{
	struct emu *emu = emu_of(ring);

	(void)count;
	switch (what) {
	case IORING_REGISTER_BUFFERS: /* each operation finds and opens its own */
		return 0;
	case IORING_REGISTER_FILES2:
		return make_fixed(emu, arg);
	case IORING_REGISTER_FILES_UPDATE:
		return update_fixed(emu, arg);
	case IORING_REGISTER_PBUF_RING:
		return add_group(emu, arg);
	case IORING_UNREGISTER_PBUF_RING:
		return remove_group(emu, arg);
	default:
		return -EINVAL;
	}
}
