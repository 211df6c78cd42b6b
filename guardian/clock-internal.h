/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Where the guardian's parts get the time from; tests bring their own. */
#ifndef HWSAFE_GUARDIAN_CLOCK_INTERNAL_H
#define HWSAFE_GUARDIAN_CLOCK_INTERNAL_H

#include "shim/sys-internal.h"

/*
 * A clock that counts nanoseconds up, the same for all threads. It returns 0
 * or -errno, is called from any thread and may not leave by longjmp(). All
 * zero: CLOCK_MONOTONIC.
 */
struct clock_source {
	int (*now)(void *self, uint64_t *ret_ns);
	void *self; /* borrowed */
};

HWS_MUST static inline int clock_now(const struct clock_source *clock, uint64_t *ret_ns)
{
	if (clock->now)
		return clock->now(clock->self, ret_ns);
	return sys_clock(CLOCK_MONOTONIC, ret_ns);
}

/* The same by the timer's last tick: some milliseconds old, and cheaper. Not to be mixed. */
HWS_MUST static inline int clock_tick(const struct clock_source *clock, uint64_t *ret_ns)
{
	if (clock->now)
		return clock->now(clock->self, ret_ns);
	return sys_clock(CLOCK_MONOTONIC_COARSE, ret_ns);
}

#endif
