/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * How much is there now: a look at a resource's reader, kept for a while.
 *
 * A look is published under a version that is odd while it is written. No one
 * ever waits: who finds it half written, or too old while another thread is at
 * it, looks for itself.
 */
#include "guardian/caps-internal.h"

#include <string.h>

#include "guardian/readers-internal.h"

/* So many times the refresh interval may pass before a look is useless. */
enum { TOO_OLD = 10 };

/* floor(capacity * percent / 100), for percent <= 100; never overflows. */
static uint64_t share(uint64_t capacity, uint32_t percent)
{
	return capacity / 100 * percent + capacity % 100 * percent / 100;
}

static uint64_t add_saturating(uint64_t a, uint64_t b)
{
	return a > UINT64_MAX - b ? UINT64_MAX : a + b;
}

static int ask(const struct caps *caps, const struct ledger *ledger, struct hws_usage *usage)
{
	const struct hws_reader *reader = hws_once_get(&ledger->reader);

	return reader ? reader->read(reader->self, usage)
		      : readers_read(caps->root, (enum hws_resource)(ledger - caps->ledgers),
				     usage);
}

static struct caps_look look_now(const struct caps *caps, const struct ledger *ledger, uint64_t now)
{
	const struct hws_cap_limit *limit = &ledger->limit;
	/* before the reading: what is reserved meanwhile counts twice rather than not at all */
	uint64_t used = atomic_load_explicit(&ledger->used, memory_order_seq_cst);
	struct hws_usage usage = { 0 };
	struct caps_look look = { .at = now };
	int r = ask(caps, ledger, &usage);

	if (r < 0) {
		look.error = (uint64_t) - (int64_t)r;
		return look;
	}
	look.capacity = usage.capacity;
	look.usage = usage.usage;
	look.pressure = usage.pressure;
	look.ceiling = share(usage.capacity, limit->percent);
	if (usage.usage < look.ceiling &&
	    (limit->pressure > 100 || usage.pressure < limit->pressure * 100))
		look.room = look.ceiling - usage.usage;
	look.edge = add_saturating(used, look.room);
	if (look.edge > look.ceiling)
		look.edge = look.ceiling;
	return look;
}

static void publish(struct ledger *ledger, const struct caps_look *look)
{
	uint64_t version = atomic_load_explicit(&ledger->version, memory_order_relaxed);
	uint64_t words[CAPS_LOOK_WORDS];

	/* acquire: no word is stored before the version is odd; another writer's look is as good */
	if (version % 2 ||
	    !atomic_compare_exchange_strong_explicit(&ledger->version, &version, version + 1,
						     memory_order_acquire, memory_order_relaxed))
		return;
	memcpy(words, look, sizeof(words));
	/* release: who sees a new word sees the odd version, too */
	for (int i = 0; i < CAPS_LOOK_WORDS; i++)
		atomic_store_explicit(&ledger->look[i], words[i], memory_order_release);
	/* release: pairs with the acquire in last_look() */
	atomic_store_explicit(&ledger->version, version + 2, memory_order_release);
}

/* The first @count words of the published look; false: none, or just being written. */
static inline __attribute__((always_inline)) bool last_look(const struct ledger *ledger,
							    struct caps_look *ret_look, int count)
{
	uint64_t version = atomic_load_explicit(&ledger->version, memory_order_acquire);
	uint64_t *words = (uint64_t *)ret_look; /* it is made of nothing else */

	if (version == 0 || version % 2)
		return false;
#pragma GCC unroll 8
	for (int i = 0; i < count; i++)
		words[i] = atomic_load_explicit(&ledger->look[i], memory_order_relaxed);
	/* acquire: the version is read again after all of them */
	atomic_thread_fence(memory_order_acquire);
	return atomic_load_explicit(&ledger->version, memory_order_relaxed) == version;
}

/* What was published is too old by now: @age, and immense if there is none. */
static __attribute__((noinline)) void renew(const struct caps *caps, struct ledger *ledger,
					    uint64_t now, uint64_t age, struct caps_look *look)
{
	/* relaxed: the flag only saves work */
	if (!atomic_exchange_explicit(&ledger->looking, 1, memory_order_relaxed)) {
		*look = look_now(caps, ledger, now);
		publish(ledger, look);
		atomic_store_explicit(&ledger->looking, 0, memory_order_relaxed);
	} else if (age / TOO_OLD >= caps->refresh_ns) {
		*look = look_now(caps, ledger, now);
	}
}

static inline __attribute__((always_inline)) enum hws_reason
look(const struct caps *caps, struct ledger *ledger, struct caps_look *ret_look, int count)
{
	uint64_t absolute = ledger->limit.absolute;
	uint64_t now;
	uint64_t age;

	if (absolute) {
		*ret_look = (struct caps_look) { .ceiling = absolute,
						 .room = absolute,
						 .edge = absolute };
		return HWS_REASON_NONE;
	}
	if (clock_tick(&caps->clock, &now) < 0)
		return HWS_REASON_CLOCK;
	/* a clock that ran backwards gives an immense age */
	age = last_look(ledger, ret_look, count) ? now - ret_look->at : UINT64_MAX;
	if (age >= caps->refresh_ns)
		renew(caps, ledger, now, age, ret_look);
	return HWS_REASON_NONE;
}

enum hws_reason caps_look(const struct caps *caps, struct ledger *ledger,
			  struct caps_look *ret_look)
{
	return look(caps, ledger, ret_look, CAPS_LOOK_WORDS);
}

enum hws_reason caps_bounds(const struct caps *caps, struct ledger *ledger,
			    struct caps_look *ret_look)
{
	return look(caps, ledger, ret_look, CAPS_BOUND_WORDS);
}

int caps_set_reader(struct caps *caps, enum hws_resource resource, const struct hws_reader *reader)
{
	struct ledger *ledger;
	struct caps_look look;
	uint64_t now;
	int r;

	if ((unsigned int)resource >= HWS_RESOURCES || !reader || !reader->read)
		return -EINVAL;
	ledger = &caps->ledgers[resource];
	r = hws_once_set(&ledger->reader, reader);
	if (r < 0)
		return r;
	/* what the former reader said holds no longer */
	if (clock_tick(&caps->clock, &now) == 0) {
		look = look_now(caps, ledger, now);
		publish(ledger, &look);
	}
	return 0;
}
