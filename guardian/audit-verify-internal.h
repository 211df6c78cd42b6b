/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What verification knows of the files it read: where to go on. */
#ifndef HWSAFE_GUARDIAN_AUDIT_VERIFY_INTERNAL_H
#define HWSAFE_GUARDIAN_AUDIT_VERIFY_INTERNAL_H

#include "guardian/audit-files-internal.h"

struct audit_verified {
	struct files_head end; /* the last line, and the first that must be there */
	uint64_t size;	       /* FILE's bytes up to the end of its last whole line */
	bool torn;	       /* there are more */
};

/* As hws_audit_verify(); on success *ret_verified is filled. */
HWS_MUST int audit_verify(const struct files *files, const struct chain_key *key,
			  hws_finding_fn *call, void *context, struct audit_verified *ret_verified);

/* Does the filter ask for this event? NULL asks for all. */
bool audit_filter_takes(const struct hws_audit_filter *filter, const struct hws_event *event);
HWS_MUST int audit_filter_check(const struct hws_audit_filter *filter);

#endif
