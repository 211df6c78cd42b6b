/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* May there be such a window at all? The policy's word, and the kernel's claims. */
#include <errno.h>

#include "guardian/gate-internal.h"
#include "guardian/policy-internal.h"
#include "shim/why-internal.h"

/* A window that no rule allows: the line that would is the cure. */
static int refuse_window(struct hws *hw, const struct hws_access *window, enum hws_reason reason,
			 const struct hws_decision *decision)
{
	char line[96];
	char said[160];

	if (reason == HWS_REASON_ARGUMENT)
		return context_deny(hw, HWS_EVENT_GRANT, window, reason, NULL, NULL);
	if (reason != HWS_REASON_NO_RULE)
		return context_deny(hw, HWS_EVENT_GRANT, window, reason, decision, NULL);
	policy_line(window, line, sizeof(line));
	snprintf(said, sizeof(said), "no rule of the policy allows it; this one would: %s", line);
	return context_deny(hw, HWS_EVENT_GRANT, window, reason, decision, said);
}

/* Does the kernel use it? 0 or -EBUSY, or why that can't be told. */
static int ask_claims(const struct hws *hw, const struct hws_access *window)
{
	const struct hws_shim_ops *ops = shim_ops(&hw->shim);

	if (!(window->rights & HWS_W) || window->rights & HWS_CLAIMED)
		return 0;
	if (window->kind == HWS_KIND_PORT)
		return ops->ports_claimed(hw->shim.self, (uint16_t)window->first,
					  (uint32_t)(window->last - window->first + 1));
	if (window->kind == HWS_KIND_PCI)
		return ops->pci_claimed(hw->shim.self, window->bdf, HWS_CONFIG_SPACE);
	return window->kind == HWS_KIND_BAR
		       ? ops->pci_claimed(hw->shim.self, window->bdf, window->bar)
		       : 0;
}

/*
 * Writing to what the kernel uses takes a right of its own, which the window then has. It is looked
 * at once, here: a driver that comes later finds the handle open.
 */
static int check_claims(struct hws *hw, const struct hws_policy_view *view,
			struct hws_access *window, struct hws_decision *decision)
{
	struct hws_access claiming = *window;
	struct hws_decision with;
	char said[256];
	int r = ask_claims(hw, window);

	if (r == 0)
		return 0;
	claiming.rights |= HWS_CLAIMED;
	snprintf(said, sizeof(said), "%s", hws_why());
	if (hws_policy_check(view, &claiming, &with) < 0)
		return r == -EBUSY ? context_deny(hw, HWS_EVENT_GRANT, window, HWS_REASON_CLAIMED,
						  decision, said)
				   : context_fail(hw, HWS_EVENT_GRANT, window, r);
	*window = claiming;
	*decision = with;
	return 0;
}

static int check_rules(struct hws *hw, const struct hws_policy_view *view,
		       const struct hws_access *window, struct hws_decision *decision)
{
	int r = hws_policy_check(view, window, decision);

	return r < 0 ? refuse_window(hw, window,
				     r == -EINVAL ? HWS_REASON_ARGUMENT : decision->reason,
				     decision)
		     : 0;
}

int gate_may(struct hws *hw, const struct hws_access *window)
{
	struct rules *rules = context_rules(hw);
	struct hws_decision decision;
	int r = check_rules(hw, rules->view, window, &decision);

	rules_unref(rules);
	return r;
}

int gate_check_window(struct hws *hw, const struct hws_policy_view *view, struct hws_access *window,
		      struct hws_decision *decision)
{
	int r = check_rules(hw, view, window, decision);

	return r < 0 ? r : check_claims(hw, view, window, decision);
}
