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
