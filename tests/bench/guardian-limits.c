/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the guardian's limits cost: caps, surge, guards. */
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>

#include "tests/bench/bench.h"
#include "guardian/caps-internal.h"
#include "guardian/guard-internal.h"

/* The usual way: a bucket that fills with time, under a mutex. */
struct bucket {
	pthread_mutex_t lock;
	uint64_t rate; /* tokens a second */
	uint64_t most;
	uint64_t tokens;
	uint64_t filled; /* when */
};

static bool bucket_take(struct bucket *bucket)
{
	bool granted;
	uint64_t now;
	uint64_t more;

	pthread_mutex_lock(&bucket->lock);
	granted = clock_now(&(struct clock_source) { 0 }, &now) == 0;
	more = (now - bucket->filled) * bucket->rate / 1000000000;
	if (granted && more) {
		bucket->tokens += more;
		if (bucket->tokens > bucket->most)
			bucket->tokens = bucket->most;
		bucket->filled = now;
	}
	granted = granted && bucket->tokens;
	bucket->tokens -= granted;
	pthread_mutex_unlock(&bucket->lock);
	return granted;
}

struct limits {
	struct caps caps;
	struct surge surge;
	struct bucket bucket;
	struct guard guard;
	struct lease lease;
	uint64_t count;
};

static int limits_setup(const struct bench_case *of, void **ret_context)
{
	static const struct caps_options options = { .limits[HWS_HEAP].absolute = 1 << 20 };
	static const struct hws_guard_limit endless = { .handle = 1ull << 62,
							.context = 1ull << 62 };
	const uint64_t *budget = of->arg;
	struct limits *limits = calloc(1, sizeof(*limits));
	int r;

	if (!limits)
		return -ENOMEM;
	limits->bucket = (struct bucket) { .lock = PTHREAD_MUTEX_INITIALIZER,
					   .rate = *budget,
					   .most = *budget,
					   .tokens = *budget };
	r = caps_init(&limits->caps, SYS_REAL_ROOT, &options);
	if (r == 0)
		r = surge_init(&limits->surge, *budget, 1000000000, NULL);
	if (r == 0)
		r = guard_init(&limits->guard, HWS_GUARD_MMIO_READ, &endless, NULL, NULL);
	if (r < 0) {
		free(limits);
		return r;
	}
	lease_init(&limits->lease, &limits->guard);
	*ret_context = limits;
	return 0;
}

static void limits_teardown(void *context)
{
	struct limits *limits = context;

	caps_fini(&limits->caps);
	free(limits);
}

static int reserve_release(void *context, uint64_t n)
{
	struct limits *limits = context;

	for (; n; n = bench_next(n)) {
		struct hws_token token;

		if (caps_reserve(&limits->caps, HWS_HEAP, 4096, &token) != HWS_REASON_NONE ||
		    caps_release(&limits->caps, token) != HWS_REASON_NONE)
			return -EDQUOT;
	}
	return 0;
}

static int locked_add_sub(void *context, uint64_t n)
{
	struct limits *limits = context;

	for (; n; n = bench_next(n)) {
		pthread_mutex_lock(&limits->bucket.lock);
		if (limits->count + 4096 <= 1 << 20)
			limits->count += 4096;
		pthread_mutex_unlock(&limits->bucket.lock);
		pthread_mutex_lock(&limits->bucket.lock);
		limits->count -= 4096;
		pthread_mutex_unlock(&limits->bucket.lock);
	}
	return 0;
}

struct half {
	struct limits *limits;
	uint64_t n;
};

static void *surge_half(void *context)
{
	struct half *half = context;
	struct surge_grant grant;

	for (uint64_t n = half->n; n; n = bench_next(n))
		(void)!surge_take(&half->limits->surge, 1, &grant);
	return NULL;
}

static void *bucket_half(void *context)
{
	struct half *half = context;

	for (uint64_t n = half->n; n; n = bench_next(n))
		(void)bucket_take(&half->limits->bucket);
	return NULL;
}

/* @n in all, by this thread and another one. */
static int by_two(struct limits *limits, uint64_t n, void *(*body)(void *))
{
	struct half mine = { limits, n - n / 2 };
	struct half other = { limits, n / 2 };
	pthread_t thread;
	int r = pthread_create(&thread, NULL, body, &other);

	if (r)
		return -r;
	body(&mine);
	pthread_join(thread, NULL);
	return 0;
}

static int surge_by_two(void *context, uint64_t n)
{
	return by_two(context, n, surge_half);
}

static int bucket_by_two(void *context, uint64_t n)
{
	return by_two(context, n, bucket_half);
}

static int lease_spends(void *context, uint64_t n)
{
	struct limits *limits = context;

	for (; n; n = bench_next(n))
		if (!lease_spend(&limits->lease))
			return -EDQUOT;
	return 0;
}

static int plain_count(void *context, uint64_t n)
{
	struct limits *limits = context;

	for (; n; n = bench_next(n))
		(*(volatile uint64_t *)&limits->count)++;
	return 0;
}

static const uint64_t plenty = 1000000000000, little = 1000000;

#define COMMON .setup = limits_setup, .teardown = limits_teardown

static const struct bench_case cases[] = {
	{ .name = "reserve-release",
	  .baseline = "two sections under a mutex",
	  .what = "4 KiB reserved and released",
	  .arg = &plenty,
	  .ours = reserve_release,
	  .base = locked_add_sub,
	  COMMON },
	{ .name = "surge-2-threads",
	  .baseline = "mutex token bucket",
	  .what = "one of two threads asks, all is granted",
	  .arg = &plenty,
	  .ours = surge_by_two,
	  .base = bucket_by_two,
	  .flags = BENCH_NO_INSTRUCTIONS,
	  .limits = { { BENCH_RATIO, 0.5 } },
	  COMMON },
	{ .name = "surge-2-threads-over",
	  .baseline = "mutex token bucket",
	  .what = "one of two threads asks, most is refused",
	  .arg = &little,
	  .ours = surge_by_two,
	  .base = bucket_by_two,
	  .flags = BENCH_NO_INSTRUCTIONS,
	  COMMON },
	{ .name = "guard-lease",
	  .baseline = "a counter in memory",
	  .what = "one access counted by a lease",
	  .arg = &plenty,
	  .ours = lease_spends,
	  .base = plain_count,
	  .limits = { { BENCH_EXTRA_INSTRUCTIONS, 10 } },
	  COMMON },
	{ 0 },
};

int main(int argc, char **argv)
{
	return bench_main("guardian-limits", cases, argc, argv);
}
