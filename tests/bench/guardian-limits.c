/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the guardian's limits cost: caps, surge, guards. */
#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <stdlib.h>

#include "tests/bench/guardian.h"
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

/* Enough that beginning together costs next to nothing. */
enum { TOGETHER = 4096 };

struct limits;
typedef void half_fn(struct limits *limits, uint64_t n);

struct limits {
	struct caps caps;
	struct surge surge;
	struct bucket bucket;
	struct guard guard;
	struct lease lease;
	uint64_t count;
	pthread_t other;
	bool paired;
	cpu_set_t before; /* where this thread might run */
	_Atomic bool over;
	half_fn *_Atomic body; /* what the other thread is to do; NULL once it is done */
	uint64_t half;
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
		caps_fini(&limits->caps);
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

	limits->over = true;
	if (limits->paired) {
		pthread_join(limits->other, NULL);
		(void)sched_setaffinity(0, sizeof(limits->before), &limits->before);
	}
	caps_fini(&limits->caps);
	free(limits);
}

/* To the @nth of the processors that this thread may run on: two that share one never meet. */
static void pin(const cpu_set_t *allowed, int nth)
{
	cpu_set_t one;

	CPU_ZERO(&one);
	for (size_t cpu = 0; cpu < CPU_SETSIZE; cpu++)
		if (CPU_ISSET(cpu, allowed) && nth-- == 0)
			CPU_SET(cpu, &one);
	if (CPU_COUNT(&one))
		(void)sched_setaffinity(0, sizeof(one), &one);
}

/* The other thread: waits for work, awake, so that both begin at once. */
static void *other_thread(void *context)
{
	struct limits *limits = context;

	pin(&limits->before, 1);
	while (!limits->over) {
		if (limits->body) {
			limits->body(limits, limits->half);
			limits->body = NULL;
		}
		sys_yield();
	}
	return NULL;
}

static int pair_setup(const struct bench_case *of, void **ret_context)
{
	void *context;
	struct limits *limits;
	int r = limits_setup(of, &context);

	if (r < 0)
		return r;
	limits = context;
	if (sched_getaffinity(0, sizeof(limits->before), &limits->before) < 0)
		CPU_ZERO(&limits->before);
	r = -pthread_create(&limits->other, NULL, other_thread, limits);
	limits->paired = r == 0;
	if (r < 0) {
		limits_teardown(limits);
		return r;
	}
	pin(&limits->before, 0);
	*ret_context = limits;
	return 0;
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

static void surge_half(struct limits *limits, uint64_t n)
{
	struct surge_grant grant;

	for (; n; n = bench_next(n))
		(void)!surge_take(&limits->surge, 1, &grant);
}

static void bucket_half(struct limits *limits, uint64_t n)
{
	for (; n; n = bench_next(n))
		(void)bucket_take(&limits->bucket);
}

/* TOGETHER asks in each iteration, half of them by the other thread. */
static int by_two(struct limits *limits, uint64_t n, half_fn *body)
{
	limits->half = n * (TOGETHER / 2);
	limits->body = body;
	body(limits, n * (TOGETHER / 2));
	while (limits->body)
		sys_yield();
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

#define ALONE .setup = limits_setup, .teardown = limits_teardown
#define PAIR                                                                              \
	.setup = pair_setup, .teardown = limits_teardown, .flags = BENCH_NO_INSTRUCTIONS, \
	.ours_ops = TOGETHER

const struct bench_case guardian_limits_cases[] = {
	{ .name = "reserve-release",
	  .baseline = "two sections under a mutex",
	  .what = "4 KiB reserved and released",
	  .arg = &plenty,
	  .ours = reserve_release,
	  .base = locked_add_sub,
	  ALONE },
	{ .name = "surge-2-threads",
	  .baseline = "mutex token bucket",
	  .what = "one of two threads asks, all is granted",
	  .arg = &plenty,
	  .ours = surge_by_two,
	  .base = bucket_by_two,
	  .limits = { { BENCH_RATIO, 0.5 } },
	  PAIR },
	{ .name = "surge-2-threads-over",
	  .baseline = "mutex token bucket",
	  .what = "one of two threads asks, most is refused",
	  .arg = &little,
	  .ours = surge_by_two,
	  .base = bucket_by_two,
	  PAIR },
	{ .name = "guard-lease",
	  .baseline = "a counter in memory",
	  .what = "one access counted by a lease",
	  .arg = &plenty,
	  .ours = lease_spends,
	  .base = plain_count,
	  .limits = { { BENCH_EXTRA_INSTRUCTIONS, 10 } },
	  ALONE },
	{ 0 },
};
