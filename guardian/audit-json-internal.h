/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* An event as the fields of a JSON object, written and read by one table. */
#ifndef HWSAFE_GUARDIAN_AUDIT_JSON_INTERNAL_H
#define HWSAFE_GUARDIAN_AUDIT_JSON_INTERNAL_H

#include "guardian/audit.h"

/* Room for any event. */
enum { AUDIT_JSON_ROOM = 1280 };

/* Does the type know a kind of access? */
bool audit_type_has_kind(uint32_t type);
/* Writes `"seq":1,…` without braces; the length. */
size_t audit_json_write(const struct hws_event *event, char text[AUDIT_JSON_ROOM]);
/* Reads an object, braces included; other fields are passed over. 0 or -EBADMSG. */
HWS_MUST int audit_json_read(const char *text, size_t length, struct hws_event *ret_event);

#endif
