/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>

#include "guardian/context-internal.h"
#include "shim/why-internal.h"

int hws_guardian_reserve(struct hws *hw, enum hws_resource resource, uint64_t amount,
			 struct hws_token *ret_token)
{
	enum hws_reason reason = caps_reserve(&hw->caps, resource, amount, ret_token);
	struct hws_event event = { .type = HWS_EVENT_GRANT, .level = HWS_LEVEL_WARNING };

	if (reason == HWS_REASON_NONE)
		return 0;
	event.reason = reason;
	event.code = hws_reason_code(reason);
	event.value = amount;
	event.has = HWS_HAS_VALUE;
	audit_event_text(&event, hws_resource_name(resource));
	stats_add(&stats_mine(&hw->stats)->denied[reason]);
	audit_record(hw->audit, &event);
	return why(event.code, "%llu of %s: %s", (unsigned long long)amount,
		   hws_resource_name(resource),
		   reason == HWS_REASON_CAP	? "over the ceiling: release some, or raise it"
		   : reason == HWS_REASON_SURGE ? "asked for too fast: wait, and try again"
		   : reason == HWS_REASON_NO_CAPACITY ? "how much there is is not known, or none"
		   : reason == HWS_REASON_CLOCK	      ? "the clock failed"
						      : "no such resource, or nothing of it");
}

int hws_guardian_release(struct hws *hw, struct hws_token token)
{
	enum hws_reason reason = caps_release(&hw->caps, token);

	if (reason == HWS_REASON_NONE)
		return 0;
	stats_add(&stats_mine(&hw->stats)->denied[reason]);
	return why(hws_reason_code(reason),
		   "the token stands for nothing: released before, or another context's");
}

int hws_guardian_set_reader(struct hws *hw, enum hws_resource resource,
			    const struct hws_reader *reader)
{
	int r = caps_set_reader(&hw->caps, resource, reader);

	return r == -EALREADY
		       ? why(r, "the reader of %s was set before", hws_resource_name(resource))
		       : r;
}
