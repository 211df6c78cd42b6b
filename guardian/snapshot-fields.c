/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>

#include "guardian/snapshot-internal.h"
#include "shim/why-internal.h"

#define NAMED(key_, type, member, use_, form_, text)                                         \
	{                                                                                    \
		key_, text, SNAPSHOT_##use_, SNAPSHOT_##form_, offsetof(struct type, member) \
	}
#define FIELD(type, member, use_, form_, text) NAMED(#member, type, member, use_, form_, text)

static const struct snapshot_field context_fields[] = {
	FIELD(hws_snapshot, pid, PLAIN, I32, "The process."),
	FIELD(hws_snapshot, time, GAUGE, NS, "When the snapshot was taken, since 1970."),
	FIELD(hws_snapshot, clock, PLAIN, NS, "The same by the monotonic clock."),
	FIELD(hws_snapshot, last_event, GAUGE, NS, "When the trail's last event was, since 1970."),
	FIELD(hws_snapshot, era, PLAIN, U64, "How often handles had to ask again."),
	FIELD(hws_snapshot, stale_tokens, COUNTER, U64,
	      "Releases of tokens that stood for nothing."),
	FIELD(hws_snapshot, faults, COUNTER, U64, "Hardware accesses that faulted."),
	FIELD(hws_snapshot, metadata, GAUGE, BYTES, "Memory that the context takes for its books."),
	{ 0 },
};

static const struct snapshot_field policy_fields[] = {
	FIELD(hws_snapshot, generation, GAUGE, U64, "Which policy is in force."),
	FIELD(hws_snapshot, rules, GAUGE, U64, "Rules of the policy."),
	{ 0 },
};

static const struct snapshot_field cap_fields[] = {
	FIELD(hws_cap_state, capacity, GAUGE, U64, "All there is of the resource, in its unit."),
	FIELD(hws_cap_state, ceiling, GAUGE, U64, "The most that may be reserved."),
	FIELD(hws_cap_state, usage, GAUGE, U64, "In use by all of the system."),
	FIELD(hws_cap_state, pressure, GAUGE, HUNDREDTHS, "Time in which tasks stalled for it."),
	FIELD(hws_cap_state, error, GAUGE, I32, "What the last reading gave: 0 or -errno."),
	FIELD(hws_cap_state, used, GAUGE, U64, "Reserved now."),
	FIELD(hws_cap_state, peak, GAUGE, U64, "The most that was reserved at once."),
	FIELD(hws_cap_state, denied_cap, COUNTER, U64, "Refused: over the ceiling."),
	FIELD(hws_cap_state, denied_no_capacity, COUNTER, U64, "Refused: no capacity is known."),
	FIELD(hws_cap_state, denied_surge, COUNTER, U64, "Refused: too fast."),
	FIELD(hws_cap_state, denied_clock, COUNTER, U64, "Refused: the clock failed."),
	FIELD(hws_cap_state, surge_budget, GAUGE, U64, "May be asked for in a window; 0: any."),
	NAMED("surge_window", hws_cap_state, surge_window_ns, GAUGE, NS, "How long the window is."),
	FIELD(hws_cap_state, surge_used, GAUGE, U64, "Was asked for in the last window."),
	{ 0 },
};

static const struct snapshot_field guard_fields[] = {
	FIELD(hws_guard_state, limit, GAUGE, U64, "Accesses until the guard closes."),
	NAMED("window", hws_guard_state, window_ns, GAUGE, NS,
	      "After which it re-arms itself; 0: never."),
	FIELD(hws_guard_state, granted, GAUGE, U64, "Accesses granted since it was last armed."),
	FIELD(hws_guard_state, refused, COUNTER, U64, "Accesses that it refused."),
	FIELD(hws_guard_state, rearmed, COUNTER, U64, "How often it was re-armed."),
	{ 0 },
};

static const struct snapshot_field denial_fields[] = {
	{ NULL, "Accesses and grants that were refused.", SNAPSHOT_COUNTER, SNAPSHOT_U64, 0 },
	{ 0 },
};

static const struct snapshot_field kind_fields[] = {
	FIELD(hws_kind_state, handles_given, COUNTER, U64, "Handles that were given."),
	FIELD(hws_kind_state, handles_open, GAUGE, U64, "Handles that are open."),
	FIELD(hws_kind_state, slow_accesses, COUNTER, U64,
	      "Accesses that were decided one by one."),
	{ 0 },
};

static const struct snapshot_field audit_fields[] = {
	FIELD(hws_audit_stats, recorded, COUNTER, U64, "Events that were recorded."),
	FIELD(hws_audit_stats, missed, COUNTER, U64,
	      "Events overwritten before any sink had them."),
	FIELD(hws_audit_stats, file_lines, COUNTER, U64, "Lines written to the trail's file."),
	FIELD(hws_audit_stats, file_lost, COUNTER, U64, "Events that the file did not take."),
	FIELD(hws_audit_stats, syslog_sent, COUNTER, U64, "Events that syslog took."),
	FIELD(hws_audit_stats, syslog_lost, COUNTER, U64, "Events that syslog did not take."),
	FIELD(hws_audit_stats, rotations, COUNTER, U64, "How often the trail's file was rotated."),
	{ 0 },
};

static const struct snapshot_field ring_fields[] = {
	FIELD(hws_rings_state, opened, COUNTER, U64, "Rings that were opened."),
	FIELD(hws_rings_state, submitted, COUNTER, U64, "Operations that were queued."),
	FIELD(hws_rings_state, delivered, COUNTER, U64, "Operations whose last done was taken."),
	FIELD(hws_rings_state, reclaimed, COUNTER, U64, "Forgotten operations that ended."),
	FIELD(hws_rings_state, lost, COUNTER, U64, "Operations that the kernel may own for ever."),
	FIELD(hws_rings_state, retried, COUNTER, U64, "Operations that were begun again."),
	FIELD(hws_rings_state, resumed, COUNTER, U64, "Short transfers that were gone on with."),
	FIELD(hws_rings_state, cancels, COUNTER, U64, "Attempts to cancel."),
	FIELD(hws_rings_state, overflows, COUNTER, U64,
	      "How often completions had to wait for room."),
	FIELD(hws_rings_state, bounced, COUNTER, U64, "Operations that had to be copied."),
	FIELD(hws_rings_state, enters, COUNTER, U64, "System calls."),
	FIELD(hws_rings_state, enter_errors, COUNTER, U64, "System calls that failed."),
	FIELD(hws_rings_state, open, GAUGE, U64, "Rings that are open."),
	FIELD(hws_rings_state, deferring, GAUGE, U64, "Open rings in mode defer, the fastest."),
	FIELD(hws_rings_state, registered, GAUGE, U64,
	      "Open rings whose pool is registered with the kernel."),
	FIELD(hws_rings_state, guarded, GAUGE, U64, "Open rings whose pool the processor guards."),
	FIELD(hws_rings_state, reduced, GAUGE, U64,
	      "Open rings that have to do without something."),
	FIELD(hws_rings_state, broken, GAUGE, U64, "Open rings that are broken."),
	FIELD(hws_rings_state, in_flight, GAUGE, U64, "Operations that are in flight."),
	FIELD(hws_rings_state, orphans, GAUGE, U64, "Operations in flight that were forgotten."),
	NAMED("orphan", hws_rings_state, orphan_bytes, GAUGE, BYTES,
	      "Bytes that forgotten operations may still touch."),
	{ 0 },
};

static const struct snapshot_field pool_fields[] = {
	FIELD(hws_pools_state, opened, COUNTER, U64, "Pools that were opened."),
	FIELD(hws_pools_state, failed, COUNTER, U64, "Takes that found no buffer."),
	FIELD(hws_pools_state, waited, COUNTER, U64, "Takes that had to wait for a buffer."),
	FIELD(hws_pools_state, strays, COUNTER, U64, "Stray touches of buffers that were caught."),
	FIELD(hws_pools_state, open, GAUGE, U64, "Pools that are open."),
	FIELD(hws_pools_state, capacity, GAUGE, U64, "Buffers of the open pools."),
	NAMED("size", hws_pools_state, bytes, GAUGE, BYTES, "Bytes of the open pools."),
	FIELD(hws_pools_state, in_use, GAUGE, U64, "Buffers that are in use."),
	FIELD(hws_pools_state, peak, GAUGE, U64,
	      "The most buffers in use at once, by pool, added up."),
	FIELD(hws_pools_state, quarantined, GAUGE, U64,
	      "Buffers that the kernel may own for ever."),
	FIELD(hws_pools_state, pressure, GAUGE, U64,
	      "Percent taken of the fullest class of all pools."),
	{ 0 },
};

static const char *resource_name(unsigned int element)
{
	return hws_resource_name((enum hws_resource)element);
}

static const char *guard_name(unsigned int element)
{
	return hws_guard_name((enum hws_guard_class)element);
}

static const char *reason_name(unsigned int element)
{
	return hws_reason_name((enum hws_reason)element);
}

static const char *kind_name(unsigned int element)
{
	return hws_kind_name((enum hws_kind)element);
}

const char *hws_ring_backend_name(enum hws_ring_backend backend)
{
	static const char *const names[HWS_RING_BACKENDS] = { "uring", "epoll", "sync" };

	return (unsigned int)backend < HWS_RING_BACKENDS ? names[backend] : "?";
}

static const char *ring_backend_name(unsigned int element)
{
	return hws_ring_backend_name((enum hws_ring_backend)element);
}

#define ALL(member, count_)                                               \
	.end = (count_), .offset = offsetof(struct hws_snapshot, member), \
	.stride = sizeof(((struct hws_snapshot *)NULL)->member[0])

const struct snapshot_group snapshot_groups[] = {
	{ .metric = "", .end = 1, .fields = context_fields },
	{ .json = "policy", .metric = "policy_", .end = 1, .fields = policy_fields },
	{ .json = "caps",
	  .metric = "cap_",
	  .label = "resource",
	  .name = resource_name,
	  ALL(caps, HWS_RESOURCES),
	  .fields = cap_fields },
	{ .json = "guards",
	  .metric = "guard_",
	  .label = "guard",
	  .name = guard_name,
	  ALL(guards, HWS_GUARDS),
	  .fields = guard_fields },
	{ .json = "denials",
	  .metric = "denials",
	  .label = "reason",
	  .name = reason_name,
	  .first = HWS_REASON_NONE + 1,
	  ALL(denied, HWS_REASONS),
	  .fields = denial_fields },
	{ .json = "kinds",
	  .metric = "",
	  .label = "kind",
	  .name = kind_name,
	  ALL(kinds, HWS_KINDS),
	  .fields = kind_fields },
	{ .json = "rings",
	  .metric = "ring_",
	  .label = "backend",
	  .name = ring_backend_name,
	  ALL(rings, HWS_RING_BACKENDS),
	  .fields = ring_fields },
	{ .json = "pools",
	  .metric = "pool_",
	  .end = 1,
	  .offset = offsetof(struct hws_snapshot, pools),
	  .fields = pool_fields },
	{ .json = "audit",
	  .metric = "audit_",
	  .end = 1,
	  .offset = offsetof(struct hws_snapshot, audit),
	  .fields = audit_fields },
	{ 0 },
};

const char *snapshot_unit(enum snapshot_form form)
{
	static const char *const units[] = {
		[SNAPSHOT_U64] = "",
		[SNAPSHOT_I32] = "",
		[SNAPSHOT_NS] = "seconds",
		[SNAPSHOT_BYTES] = "bytes",
		[SNAPSHOT_HUNDREDTHS] = "ratio",
	};

	return units[form];
}

uint64_t snapshot_number(const struct snapshot_field *field, const void *element)
{
	const void *at = (const char *)element + field->offset;

	if (field->form == SNAPSHOT_I32)
		return (uint64_t)(int64_t) * (const int32_t *)at;
	if (field->form == SNAPSHOT_HUNDREDTHS)
		return *(const uint32_t *)at;
	return *(const uint64_t *)at;
}

int snapshot_known(const struct hws_snapshot *snapshot)
{
	if (snapshot->size != sizeof(*snapshot) || snapshot->version != HWS_SNAPSHOT_VERSION)
		return why(-EINVAL, "no snapshot of this library: hws_snapshot_take() fills one");
	return 0;
}
