/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Where events go from the ring, and the pump that brings them there. */
#ifndef HWSAFE_GUARDIAN_AUDIT_SINK_INTERNAL_H
#define HWSAFE_GUARDIAN_AUDIT_SINK_INTERNAL_H

#include <pthread.h>

#include "guardian/audit-ring-internal.h"
#include "shim/size-internal.h"

/* A sink counts what it could not take and says so by a record as soon as it can. */
struct audit_sink_ops {
	void (*put)(void *self, const struct hws_event *event);
	int (*flush)(void *self);
	void (*close)(void *self); /* writes nothing */
	void (*stats)(const void *self, struct hws_audit_stats *stats);
};

struct audit_sink {
	const struct audit_sink_ops *ops;
	void *self;
};

/* Events that did not get through, to be told of. */
struct audit_gap {
	uint64_t first;
	uint64_t count;
};

void audit_gap_add(struct audit_gap *gap, uint64_t first, uint64_t count);
/* The record of the gap, stamped as @stamp, and the gap is none any more. */
struct hws_event audit_gap_take(struct audit_gap *gap, const struct hws_event *stamp);

/* *ret_torn: a last line, cut short by a crash, was removed. */
HWS_MUST int audit_file_open(const struct hws_audit_options *options, struct audit_sink *ret_sink,
			     bool *ret_torn);
HWS_MUST int audit_syslog_open(const char *path, struct audit_sink *ret_sink);

enum { AUDIT_SINKS = 3 };

struct audit_pump {
	struct audit_ring *ring;
	struct audit_sink sinks[AUDIT_SINKS];
	unsigned int count;
	uint32_t level;
	hws_event_fn *call;
	void *call_context;
	pthread_mutex_t mutex; /* of all from here to the thread */
	uint64_t next;	       /* the sequence to look at */
	struct audit_gap gap;
	uint64_t missed;
	pthread_t thread;
	bool threaded;
	uint64_t period_ns;
	uint32_t wake; /* a futex; counts up */
	uint32_t stop;
	shared64 alarm_sequence; /* the thread is woken when this is recorded */
};

HWS_MUST int pump_init(struct audit_pump *pump, struct audit_ring *ring,
		       const struct hws_audit_options *options, bool *ret_torn);
/* @mine: the process that opened it; then what is left reaches the sinks. */
void pump_fini(struct audit_pump *pump, bool mine);
/* -EBUSY from inside a sink. */
int pump_run(struct audit_pump *pump);
void pump_stats(struct audit_pump *pump, struct hws_audit_stats *stats);
/* To be told of each record: wakes the thread before the ring overflows. */
void pump_recorded(struct audit_pump *pump, uint64_t sequence);

#endif
