/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>

#include "guardian/context-internal.h"
#include "shim/why-internal.h"

int context_refuse_charge(struct hws *hw, enum hws_resource resource, uint64_t amount,
			  enum hws_reason reason)
{
	struct hws_event event = { .type = HWS_EVENT_GRANT,
				   .level = HWS_LEVEL_WARNING,
				   .reason = reason,
				   .code = hws_reason_code(reason),
				   .value = amount,
				   .has = HWS_HAS_VALUE };

	audit_event_text(&event, hws_resource_name(resource));
	stats_add(&stats_mine(&hw->stats)->denied[reason]);
	audit_record(hw->audit, &event);
	return event.code;
}

int hws_guardian_reserve(struct hws *hw, enum hws_resource resource, uint64_t amount,
			 struct hws_token *ret_token)
{
	enum hws_reason reason = caps_reserve(&hw->caps, resource, amount, ret_token);

	return reason == HWS_REASON_NONE ? 0 : context_refuse_charge(hw, resource, amount, reason);
}

int hws_guardian_release(struct hws *hw, struct hws_token token)
{
	enum hws_reason reason = caps_release(&hw->caps, token);

	if (reason == HWS_REASON_NONE)
		return 0;
	stats_add(&stats_mine(&hw->stats)->denied[reason]);
	return hws_reason_code(reason);
}

int hws_guardian_set_reader(struct hws *hw, enum hws_resource resource,
			    const struct hws_reader *reader)
{
	int r = caps_set_reader(&hw->caps, resource, reader);

	if (r == -EINVAL)
		return why(r, "a reader is a function, and of one of %d resources", HWS_RESOURCES);
	if (r < 0)
		return why(r, "the reader of %s %s", hws_resource_name(resource),
			   r == -EALREADY ? "was set before" : "is just being set");
	return 0;
}
