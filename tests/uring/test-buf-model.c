/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A million random calls on a pool, each answered as a plain model of it says.
 * Another run: test-buf-model with HWS_SEED=number.
 */
#include <errno.h>
#include <stdlib.h>

#include "tests/uring/pools.h"

enum { BUFFERS = 6, STEPS = 1000000, OPS = 3, OLD = 64 };

/* A buffer as the model sees it. */
struct thing {
	struct hws_buf buf;
	enum hws_owner owner; /* FREE: the handle is stale */
	uint32_t by;
	uint32_t views;
};

static struct hws_pool *pool;
static struct thing things[OLD]; /* live ones and handles of the past, mixed */
static uint64_t state;

static uint32_t any(uint32_t below)
{
	state ^= state << 13;
	state ^= state >> 7;
	state ^= state << 17;
	return (uint32_t)(state >> 32) % below;
}

static uint32_t live(void)
{
	uint32_t count = 0;

	for (int i = 0; i < OLD; i++)
		count += things[i].owner != HWS_OWNER_FREE;
	return count;
}

/* What anything but the owner's own call is told. */
static int refused(const struct thing *thing)
{
	return thing->owner == HWS_OWNER_FREE ? -ESTALE : -EBUSY;
}

/* The same for a return: the user has nothing to return. */
static int not_lent(const struct thing *thing)
{
	return thing->owner == HWS_OWNER_USER ? -EINVAL : refused(thing);
}

static bool lent_to(const struct thing *thing, uint32_t op)
{
	return thing->by == op &&
	       (thing->owner == HWS_OWNER_KERNEL || thing->owner == HWS_OWNER_RETURNING);
}

static void step_take(struct thing *thing, uint32_t op)
{
	int expected = live() == BUFFERS ? -ENOBUFS : 0;

	(void)op;
	if (thing->owner != HWS_OWNER_FREE)
		return;
	ck_assert_int_eq(hws_buf_take(pool, 1, &thing->buf), expected);
	if (expected == 0)
		*thing = (struct thing) { .buf = thing->buf, .owner = HWS_OWNER_USER };
}

static void step_give(struct thing *thing, uint32_t op)
{
	bool good = thing->owner == HWS_OWNER_USER && thing->views == 0;

	(void)op;
	ck_assert_int_eq(hws_buf_give(pool, thing->buf), good ? 0 : refused(thing));
	thing->owner = good ? HWS_OWNER_FREE : thing->owner;
}

static void step_view(struct thing *thing, uint32_t op)
{
	bool good = thing->owner == HWS_OWNER_USER && thing->views < BUF_VIEWS;
	void *bytes;
	size_t size;

	ck_assert_int_eq(hws_buf_view(pool, thing->buf, op ? HWS_RW : HWS_R, &bytes, &size),
			 good ? 0 : refused(thing));
	thing->views += good;
}

static void step_unview(struct thing *thing, uint32_t op)
{
	bool good = thing->owner == HWS_OWNER_USER && thing->views > 0;

	(void)op;
	ck_assert_int_eq(hws_buf_unview(pool, thing->buf), good ? 0 : not_lent(thing));
	thing->views -= good;
}

static void lend(struct thing *thing, enum hws_owner to, uint32_t by,
		 int (*call)(struct hws_pool *, struct hws_buf, uint32_t, struct buf_memory *))
{
	bool good = thing->owner == HWS_OWNER_USER && thing->views == 0;
	struct buf_memory memory;

	ck_assert_int_eq(call(pool, thing->buf, by, &memory), good ? 0 : refused(thing));
	if (good)
		*thing = (struct thing) { .buf = thing->buf, .owner = to, .by = by };
}

static void step_to_kernel(struct thing *thing, uint32_t op)
{
	lend(thing, HWS_OWNER_KERNEL, op, buf_to_kernel);
}

static void step_to_device(struct thing *thing, uint32_t op)
{
	lend(thing, HWS_OWNER_DEVICE, op, buf_to_device);
}

static void bring_back(struct thing *thing, bool good, enum hws_owner to, int result)
{
	ck_assert_int_eq(result, good ? 0 : not_lent(thing));
	thing->owner = good ? to : thing->owner;
}

static void step_to_user(struct thing *thing, uint32_t op)
{
	bring_back(thing, lent_to(thing, op), HWS_OWNER_USER, buf_to_user(pool, thing->buf, op));
}

static void step_reclaim(struct thing *thing, uint32_t op)
{
	bring_back(thing, lent_to(thing, op), HWS_OWNER_FREE, buf_reclaim(pool, thing->buf, op));
}

static void step_returning(struct thing *thing, uint32_t op)
{
	bool good = thing->owner == HWS_OWNER_KERNEL && thing->by == op;

	bring_back(thing, good, HWS_OWNER_RETURNING, buf_returning(pool, thing->buf, op));
}

static void step_from_device(struct thing *thing, uint32_t op)
{
	bool good = thing->owner == HWS_OWNER_DEVICE && thing->by == op;

	bring_back(thing, good, HWS_OWNER_USER, buf_from_device(pool, thing->buf, op));
}

static void (*const steps[])(struct thing *, uint32_t) = {
	step_take,    step_take,      step_give,	step_view,
	step_unview,  step_to_kernel, step_to_device,	step_to_user,
	step_reclaim, step_returning, step_from_device,
};

static void check_stats(void)
{
	struct hws_pool_stats stats = stats_of(pool);
	uint64_t owned[HWS_OWNERS] = { [HWS_OWNER_FREE] = BUFFERS - live() };

	for (int i = 0; i < OLD; i++)
		owned[things[i].owner] += things[i].owner != HWS_OWNER_FREE;
	for (int i = 0; i < HWS_OWNERS; i++)
		ck_assert_uint_eq(stats.owned[i], owned[i]);
}

START_TEST(random_calls_are_answered_as_the_model_says)
{
	const char *seed = getenv("HWS_SEED");

	state = seed ? strtoull(seed, NULL, 0) | 1 : 0x9e3779b97f4a7c15;
	pool = open_pool(BUFFERS, 4096);
	for (int i = 0, rounds = suite_rounds(STEPS); i < rounds; i++) {
		struct thing *thing = &things[any(OLD)];

		steps[any(sizeof(steps) / sizeof(steps[0]))](thing, any(OPS));
		if (i % 1024 == 0)
			check_stats();
	}
	for (int i = 0; i < OLD; i++) {
		while (things[i].views)
			step_unview(&things[i], 0);
	}
	check_stats();
	ck_ok(hws_pool_close(pool, NULL));
}
END_TEST

int main(void)
{
	return suite_run("uring/buf-model",
			 (const TTest *[]) { random_calls_are_answered_as_the_model_says, NULL });
}
