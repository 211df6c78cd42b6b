/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The audit trail, for the floors that record into it. */
#ifndef HWSAFE_GUARDIAN_AUDIT_INTERNAL_H
#define HWSAFE_GUARDIAN_AUDIT_INTERNAL_H

#include "guardian/audit.h"

/*
 * Records an event; NULL does nothing. Fills version, sequence and times; pid,
 * tid and uid where @partial's pid is 0; makes the text printable. Never
 * blocks, allocates or fails; any thread.
 */
void audit_record(struct hws_audit *audit, const struct hws_event *partial);

/* The event of an access: what was asked, for which type of event, how it ended. */
struct hws_event audit_access_event(const struct hws_access *access, enum hws_event_type type,
				    enum hws_reason reason);

/* Tells the detector of accesses that were only counted, not recorded. */
void audit_observe(struct hws_audit *audit, enum hws_kind kind, uint64_t accesses,
		   uint64_t denials);

/* The process's user changed: threads must look it up again. */
void audit_identity_changed(struct hws_audit *audit);

/* Copies the end of @text, which names most, into the event. NULL leaves it empty. */
void audit_event_text(struct hws_event *event, const char *text);

#endif
