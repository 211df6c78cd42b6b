/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A snapshot of a context (hws_snapshot_json()) as a page of gauges. */
#ifndef HWPROBE_WATCH_H
#define HWPROBE_WATCH_H

#include <json-c/json.h>

#include "hw/hwprobe/frame.h"

/* What the page keeps from one look to the next. */
struct watch {
	struct json_object *before; /* the last snapshot; NULL: this is the first */
	double most[8];		    /* the highest rates so far: the bars' full length */
};

/* @now is the watch's from here on. */
void watch_look(struct watch *watch, struct json_object *now, struct gauges *ret_gauges);
/* "12:00:00 UTC  pid 7  native  4 rules" */
void watch_head(struct json_object *now, char *text, size_t size);
void watch_fini(struct watch *watch);

#endif
