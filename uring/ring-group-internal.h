/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef HWSAFE_URING_RING_GROUP_INTERNAL_H
#define HWSAFE_URING_RING_GROUP_INTERNAL_H

#include "uring/ring-internal.h"

/* The kernel chose this buffer: it becomes the user's; all zero when it isn't the group's. */
struct hws_buf group_take(struct hws_group *group, uint32_t number);
/* The kernel chose it for nobody: it is provided again. */
void group_put_back(struct hws_group *group, uint32_t number);
bool group_is_of(const struct hws_group *group, const struct hws_ring *ring);
/* An operation that uses it begins or ends. */
void group_use(struct hws_group *group, bool use);
/* Ends all groups of a ring that closes; @lost: the kernel may own what it was given. */
void group_close_all(struct hws_ring *ring, bool lost);

#endif
