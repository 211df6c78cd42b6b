/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What tests of buffers and pools share. */
#ifndef HWSAFE_TESTS_URING_POOLS_H
#define HWSAFE_TESTS_URING_POOLS_H

#include <string.h>

#include "tests/suite.h"
#include "uring/pool-internal.h"

static inline struct hws_pool_options one_class(uint32_t count, uint64_t size)
{
	return (struct hws_pool_options) {
		.size = sizeof(struct hws_pool_options),
		.classes = { { .size = size, .count = count } },
	};
}

static inline struct hws_pool *open_guarded(uint32_t count, uint64_t size,
					    enum hws_pool_guard guard)
{
	struct hws_pool_options options = one_class(count, size);
	struct hws_pool *pool;

	options.guard = guard;
	ck_ok(hws_pool_open(NULL, &options, &pool));
	return pool;
}

static inline struct hws_pool *open_pool(uint32_t count, uint64_t size)
{
	return open_guarded(count, size, HWS_POOL_GUARD_AUTO);
}

static inline struct hws_buf take(struct hws_pool *pool)
{
	struct hws_buf buf;

	ck_ok(hws_buf_take(pool, 1, &buf));
	return buf;
}

static inline struct hws_pool_stats stats_of(struct hws_pool *pool)
{
	struct hws_pool_stats stats = { .size = sizeof(stats) };

	ck_ok(hws_pool_read_stats(pool, &stats));
	return stats;
}

#endif
