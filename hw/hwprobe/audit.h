/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the verbs of the audit trail share. */
#ifndef HWPROBE_AUDIT_H
#define HWPROBE_AUDIT_H

#include "hw/hwprobe/args.h"
#include "hw/hwprobe/document.h"

/* First in the tables of all of them. */
enum { AUDIT_KEY, AUDIT_OPTIONS };
#define AUDIT_KEY_OPTION [AUDIT_KEY] = { "key", 0, "FILE", "the chain's key, 16 to 64 bytes" }

/* Where the trail of the call's word is, with the key. */
struct audit_source {
	struct hws_audit_source source;
	unsigned char key[65];
};
enum result audit_source(const struct call *call, struct audit_source *ret_source);

/* An event on a line; as an object. */
void audit_print(const struct hws_event *event);
struct json_object *audit_object(const struct hws_event *event);

#endif
