/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef HWSAFE_URING_RING_CHOOSE_INTERNAL_H
#define HWSAFE_URING_RING_CHOOSE_INTERNAL_H

#include "uring/ring-internal.h"

extern const struct ring_backend ring_epoll;
extern const struct ring_backend ring_sync;

/* Opens the back end that is asked for, or the best that works here: 0 or -errno, with why(). */
HWS_MUST int ring_choose(struct hws_ring *ring);

#endif
