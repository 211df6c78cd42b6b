/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "guardian/snapshot.h"

#include <errno.h>
#include <inttypes.h>

#include "guardian/context-internal.h"
#include "shim/fault-internal.h"
#include "shim/sys-internal.h"
#include "shim/why-internal.h"

/* So many of the last events are looked at for one that isn't just being written. */
enum { LAST_EVENTS = 8 };

static int note_time(const struct hws_event *event, void *context)
{
	*(uint64_t *)context = event->time;
	return 0;
}

static void take_audit(struct hws *hw, struct hws_snapshot *snapshot)
{
	struct hws_audit_filter last = { .size = sizeof(last) };

	hws_audit_stats(hw->audit, &snapshot->audit);
	if (snapshot->audit.recorded > LAST_EVENTS)
		last.sequence = snapshot->audit.recorded - LAST_EVENTS;
	hws_audit_query(hw->audit, &last, note_time, &snapshot->last_event, NULL);
}

static void take_rules(struct hws *hw, struct hws_snapshot *snapshot)
{
	struct rules *rules = context_rules(hw);

	snapshot->generation = rules->generation;
	snapshot->rules = rules->count;
	snapshot->metadata += rules_size(rules);
	rules_unref(rules);
}

#define SUM(member) stats_sum(&hw->stats, offsetof(struct stats_stripe, member))

static void take_stats(const struct hws *hw, struct hws_snapshot *snapshot)
{
	for (unsigned int i = 0; i < HWS_REASONS; i++)
		snapshot->denied[i] = SUM(denied[i]);
	for (unsigned int i = 0; i < HWS_KINDS; i++) {
		/* first, acquire: what is open was given before */
		uint64_t open = atomic_load_explicit(&hw->stats.open[i], memory_order_acquire);
		uint64_t given = SUM(given[i]);

		snapshot->kinds[i] = (struct hws_kind_state) {
			.handles_given = given,
			.handles_open = open,
			.slow_accesses = SUM(slow[i]),
		};
	}
}

static void take_limits(struct hws *hw, struct hws_snapshot *snapshot)
{
	caps_read(&hw->caps, snapshot->caps);
	snapshot->stale_tokens = caps_stale_releases(&hw->caps);
	for (int i = 0; i < HWS_GUARDS; i++)
		guard_read(&hw->guards[i], &snapshot->guards[i]);
}

/* A plug-in may call itself anything; texts want it printable and in no need of escaping. */
static void take_backend(const struct hws *hw, struct hws_snapshot *snapshot)
{
	const char *name = hws_backend(hw);

	for (size_t i = 0; i < sizeof(snapshot->backend) - 1 && name[i]; i++)
		snapshot->backend[i] = name[i] < ' ' || name[i] > '~' || name[i] == '"' ||
						       name[i] == '\\'
					       ? '?'
					       : name[i];
}

int hws_snapshot_take(struct hws *hw, struct hws_snapshot *ret_snapshot)
{
	struct hws_snapshot snapshot = {
		.size = sizeof(snapshot),
		.version = HWS_SNAPSHOT_VERSION,
		.pid = sys_pid(),
		.metadata = sizeof(*hw) + hw->caps.tokens.count * sizeof(*hw->caps.tokens.slots),
	};
	int r;

	if (ret_snapshot->size != sizeof(snapshot))
		return why(
			-EINVAL,
			"the snapshot's size is %zu, not %zu: set it to sizeof(struct hws_snapshot)",
			ret_snapshot->size, sizeof(snapshot));
	r = sys_clock(CLOCK_REALTIME, &snapshot.time);
	r = r < 0 ? r : sys_clock(CLOCK_MONOTONIC, &snapshot.clock);
	if (r < 0)
		return why(r, "the clock failed");
	/* relaxed: handles compare it, this only tells it */
	snapshot.era = atomic_load_explicit(&hw->era, memory_order_relaxed);
	snapshot.faults = fault_count();
	take_backend(hw, &snapshot);
	take_rules(hw, &snapshot);
	take_limits(hw, &snapshot);
	take_stats(hw, &snapshot);
	take_audit(hw, &snapshot);
	meters_read(&hw->meters, &snapshot);
	snapshot.metadata += snapshot.audit.memory;
	*ret_snapshot = snapshot;
	return 0;
}
