/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <string.h>

#include "guardian/context-internal.h"
#include "guardian/learn-internal.h"
#include "shim/probe-points-internal.h"
#include "shim/why-internal.h"

static _Thread_local struct hws_denial last;

const struct hws_denial *hws_last_denial(void)
{
	return last.code ? &last : NULL;
}

/* A sentence for each reason: the cause, and the cure where it is always the same. */
static const char *const sentences[HWS_REASONS] = {
	[HWS_REASON_NO_RULE] = "no rule of the policy allows it: add one, or ask for less",
	[HWS_REASON_DENY_RULE] = "a deny rule of the policy forbids it",
	[HWS_REASON_WIDTH] = "the policy's rule allows other widths",
	[HWS_REASON_MASK] = "the write would change bits outside the rule's mask",
	[HWS_REASON_VALUE] = "the policy's rule does not allow this value",
	[HWS_REASON_LIMIT] = "over the limit of the policy's rule",
	[HWS_REASON_RATE] = "faster than the policy's rule allows: wait, and try again",
	[HWS_REASON_STALE] = "the policy was loaded anew and no longer allows it",
	[HWS_REASON_GUARD] =
		"the guard's count is used up: a loop that runs away? hws_guard_rearm() begins anew",
	[HWS_REASON_CAP] = "over the resource's ceiling: release some, or raise it",
	[HWS_REASON_NO_CAPACITY] = "how much of the resource there is is not known, or none",
	[HWS_REASON_SURGE] = "the resource is asked for too fast: wait, and try again",
	[HWS_REASON_CLOCK] = "the clock failed",
	[HWS_REASON_RANGE] = "outside the handle's window",
	[HWS_REASON_ALIGN] = "not aligned to its width",
	[HWS_REASON_ARGUMENT] = "no such width, range or name",
	[HWS_REASON_HANDLE] = "the handle or token stands for nothing",
	[HWS_REASON_PRIVILEGE] = "this thread does not hold the privilege",
	[HWS_REASON_KERNEL] = "the kernel refused",
	[HWS_REASON_DEVICE] = "the device did not answer",
	[HWS_REASON_UNSUPPORTED] = "this back end has no such access",
	[HWS_REASON_DANGER] = "the write is dangerous, and the rule has no right for that",
	[HWS_REASON_CLAIMED] = "a kernel driver uses it: unbind it, or have the right 'claimed'",
	[HWS_REASON_LAST_WORDS] = "its last words can't be written",
	[HWS_REASON_REGISTER] = "the register's description says that it is not for that",
};

/* What was asked, for people: "port 0x70-0x71 write". */
static void say_what(const struct hws_access *access, char *text, size_t size)
{
	const char *verb = access->rights & HWS_W ? "write" : "read";
	char bdf[HWS_BDF_TEXT] = "";

	if (access->kind == HWS_KIND_PCI || access->kind == HWS_KIND_BAR ||
	    access->kind == HWS_KIND_DMA || access->kind == HWS_KIND_IRQ)
		hws_bdf_format(access->bdf, bdf);
	if (access->path)
		snprintf(text, size, "%s %s", hws_kind_name(access->kind), access->path);
	else if (access->first == access->last)
		snprintf(text, size, "%s %s %s0x%llx", verb, hws_kind_name(access->kind),
			 *bdf ? strcat(bdf, " ") : "", (unsigned long long)access->first);
	else
		snprintf(text, size, "%s %s %s0x%llx-0x%llx", verb, hws_kind_name(access->kind),
			 *bdf ? strcat(bdf, " ") : "", (unsigned long long)access->first,
			 (unsigned long long)access->last);
}

static enum hws_level level_of(enum hws_reason reason)
{
	switch (hws_reason_code(reason)) {
	case -EACCES:
		return HWS_LEVEL_ERROR;
	case -ESTALE:
		return HWS_LEVEL_CRITICAL; /* a handle used after its end */
	default:
		return HWS_LEVEL_WARNING;
	}
}

static void remember(const struct hws_access *access, enum hws_reason reason, int code,
		     const struct hws_decision *decision, const char *said)
{
	char what[96];

	last = (struct hws_denial) { .reason = reason, .code = code, .access = *access };
	last.access.path = NULL;
	if (decision && decision->line)
		snprintf(last.place, sizeof(last.place), "%s:%u", decision->file, decision->line);
	say_what(access, what, sizeof(what));
	snprintf(last.text, sizeof(last.text), "%s: %s%s%s%s", what, said,
		 last.place[0] ? " (" : "", last.place, last.place[0] ? ")" : "");
	why(code, "%s", last.text);
}

static int refuse(struct hws *hw, enum hws_event_type type, const struct hws_access *access,
		  enum hws_reason reason, int code, const struct hws_decision *decision,
		  const char *said)
{
	struct hws_event event = audit_access_event(access, type, reason);

	remember(access, reason, code, decision, said);
	if (type == HWS_EVENT_GRANT)
		learn_refusal(hw->learn, HWS_LEARNED_WINDOW, access, reason);
	event.level = level_of(reason);
	event.code = code;
	event.rule = decision ? decision->rule + 1 : 0;
	if (last.place[0])
		audit_event_text(&event, last.place);
	PROBE_POINT(denial, access->kind, access->rights, access->first, reason, code);
	stats_add(&stats_mine(&hw->stats)->denied[reason]);
	audit_record(hw->audit, &event);
	return code;
}

int context_deny(struct hws *hw, enum hws_event_type type, const struct hws_access *access,
		 enum hws_reason reason, const struct hws_decision *decision, const char *said)
{
	return refuse(hw, type, access, reason, hws_reason_code(reason), decision,
		      said ? said : sentences[reason]);
}

/* The reason that a back end's code stands for. */
static enum hws_reason reason_of(enum hws_event_type type, const struct hws_access *access,
				 int code)
{
	/* the kernel opened the ports, but not to this thread */
	if (code == -EPERM && access->kind == HWS_KIND_PORT && type == HWS_EVENT_ACCESS)
		return HWS_REASON_PRIVILEGE;
	if (code == -EPERM || code == -EACCES)
		return HWS_REASON_KERNEL;
	if (code == -ERANGE)
		return HWS_REASON_RANGE;
	if (code == -EBUSY)
		return HWS_REASON_CLAIMED;
	return code == -EOPNOTSUPP ? HWS_REASON_UNSUPPORTED : HWS_REASON_DEVICE;
}

int context_fail(struct hws *hw, enum hws_event_type type, const struct hws_access *access,
		 int code)
{
	enum hws_reason reason = reason_of(type, access, code);
	char said[384];

	snprintf(said, sizeof(said), "%s", hws_why());
	return refuse(hw, type, access, reason, code, NULL, *said ? said : sentences[reason]);
}
