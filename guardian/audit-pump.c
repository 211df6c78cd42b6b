/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "guardian/audit-sink-internal.h"
#include "shim/probe-points-internal.h"
#include "shim/sys-internal.h"
#include "shim/why-internal.h"

enum { NS_PER_MS = 1000000, PERIOD_MS = 100 };

void audit_gap_add(struct audit_gap *gap, uint64_t first, uint64_t count)
{
	if (gap->count == 0)
		gap->first = first;
	gap->count += count;
	PROBE_POINT(audit_lost, first, count);
}

struct hws_event audit_gap_take(struct audit_gap *gap, const struct hws_event *stamp)
{
	struct hws_event event = {
		.version = HWS_EVENT_VERSION,
		.level = HWS_LEVEL_WARNING,
		.type = HWS_EVENT_LOST,
		.sequence = gap->first,
		.time = stamp->time,
		.clock = stamp->clock,
		.pid = stamp->pid,
		.tid = stamp->tid,
		.uid = stamp->uid,
		.has = HWS_HAS_VALUE,
		.value = gap->count,
		.text = "events were lost",
	};

	*gap = (struct audit_gap) { 0 };
	return event;
}

static void call_put(void *self, const struct hws_event *event)
{
	const struct audit_pump *pump = self;

	pump->call(event, pump->call_context);
}

static const struct audit_sink_ops call_ops = { .put = call_put };

static void give(struct audit_pump *pump, const struct hws_event *event)
{
	for (unsigned int i = 0; i < pump->count; i++)
		pump->sinks[i].ops->put(pump->sinks[i].self, event);
}

static void take(struct audit_pump *pump, const struct hws_event *event)
{
	if (pump->gap.count) {
		struct hws_event lost = audit_gap_take(&pump->gap, event);

		give(pump, &lost);
	}
	if (event->level >= pump->level)
		give(pump, event);
}

static void miss(struct audit_pump *pump, uint64_t count)
{
	audit_gap_add(&pump->gap, pump->next, count);
	pump->missed += count;
	pump->next += count;
}

/* Looks at one sequence; false when it isn't written yet. */
static bool advance(struct audit_pump *pump, uint64_t tail)
{
	struct hws_event event;
	enum ring_look look;

	if (pump->next < tail) {
		miss(pump, tail - pump->next);
		return true;
	}
	look = ring_get(pump->ring, pump->next, &event);
	if (look == RING_PENDING)
		return false;
	if (look == RING_GONE) {
		miss(pump, 1);
		return true;
	}
	pump->next++;
	take(pump, &event);
	return true;
}

static int flush_sinks(struct audit_pump *pump)
{
	int first = 0;

	for (unsigned int i = 0; i < pump->count; i++) {
		const struct audit_sink *sink = &pump->sinks[i];
		int r = sink->ops->flush ? sink->ops->flush(sink->self) : 0;

		first = first ? first : r;
	}
	return first;
}

int pump_run(struct audit_pump *pump)
{
	uint64_t end = ring_head(pump->ring);
	int r;

	if (pthread_mutex_lock(&pump->mutex) != 0)
		return why(-EBUSY, "an audit sink can't flush the audit trail");
	while (pump->next <= end && advance(pump, ring_tail(pump->ring, ring_head(pump->ring))))
		;
	/* relaxed: a late wake is only a late wake */
	__atomic_store_n(&pump->alarm_sequence, pump->next + pump->ring->size / 2,
			 __ATOMIC_RELAXED);
	r = flush_sinks(pump);
	pthread_mutex_unlock(&pump->mutex);
	return r;
}

static void wake(struct audit_pump *pump)
{
	/* release: pairs with the acquire in pump_thread(); it then sees the stop */
	__atomic_fetch_add(&pump->wake, 1, __ATOMIC_RELEASE);
	sys_futex_wake(&pump->wake);
}

void pump_recorded(struct audit_pump *pump, uint64_t sequence)
{
	/* relaxed: see pump_run() */
	if (pump->threaded && sequence == __atomic_load_n(&pump->alarm_sequence, __ATOMIC_RELAXED))
		wake(pump);
}

static void *pump_thread(void *context)
{
	struct audit_pump *pump = context;

	for (;;) {
		/* acquire: pairs with wake() */
		uint32_t seen = __atomic_load_n(&pump->wake, __ATOMIC_ACQUIRE);

		/* relaxed: the acquire above orders it */
		if (__atomic_load_n(&pump->stop, __ATOMIC_RELAXED))
			return NULL;
		(void)pump_run(pump); /* each sink counts what it could not take */
		sys_futex_wait(&pump->wake, seen, pump->period_ns);
	}
}

/* All signals stay with the program's own threads. */
static int start_thread(struct audit_pump *pump)
{
	sigset_t all;
	sigset_t old;
	int r;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &old);
	pump->threaded = true; /* before: a sink that it calls may record */
	r = pthread_create(&pump->thread, NULL, pump_thread, pump);
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	if (r != 0)
		pump->threaded = false;
	return r == 0 ? 0 : why(-r, "cannot start the audit thread: %s", strerror(r));
}

static int init_mutex(pthread_mutex_t *mutex)
{
	pthread_mutexattr_t attributes;
	int r;

	pthread_mutexattr_init(&attributes);
	pthread_mutexattr_settype(&attributes, PTHREAD_MUTEX_ERRORCHECK);
	r = pthread_mutex_init(mutex, &attributes);
	pthread_mutexattr_destroy(&attributes);
	return -r;
}

/* Opens what the options name; on failure the sinks opened so far are there to be closed. */
static int open_sinks(struct audit_pump *pump, const struct hws_audit_options *options,
		      bool *ret_torn)
{
	int r = 0;

	if (options->call)
		pump->sinks[pump->count++] = (struct audit_sink) { &call_ops, pump };
	if (options->file)
		r = audit_file_open(options, &pump->sinks[pump->count], ret_torn);
	if (r < 0)
		return r;
	pump->count += options->file != NULL;
	if (options->syslog)
		r = audit_syslog_open(options->syslog, &pump->sinks[pump->count]);
	if (r < 0)
		return r;
	pump->count += options->syslog != NULL;
	return 0;
}

static void close_sinks(struct audit_pump *pump)
{
	for (unsigned int i = 0; i < pump->count; i++)
		if (pump->sinks[i].ops->close)
			pump->sinks[i].ops->close(pump->sinks[i].self);
	pump->count = 0;
}

int pump_init(struct audit_pump *pump, struct audit_ring *ring,
	      const struct hws_audit_options *options, bool *ret_torn)
{
	uint64_t period_ms = options->sink_ms ? options->sink_ms : PERIOD_MS;
	int r;

	*pump = (struct audit_pump) {
		.ring = ring,
		.level = options->sink_level,
		.call = options->call,
		.call_context = options->call_context,
		.next = 1,
		.period_ns = period_ms * NS_PER_MS,
		.alarm_sequence = ring->size / 2,
	};
	r = init_mutex(&pump->mutex);
	if (r < 0)
		return r;
	r = open_sinks(pump, options, ret_torn);
	if (r == 0 && (options->flags & HWS_AUDIT_THREAD) && pump->count > 0)
		r = start_thread(pump);
	if (r == 0)
		return 0;
	close_sinks(pump);
	pthread_mutex_destroy(&pump->mutex);
	return r;
}

void pump_fini(struct audit_pump *pump, bool mine)
{
	if (mine && pump->threaded) {
		/* relaxed: wake() releases it */
		__atomic_store_n(&pump->stop, 1, __ATOMIC_RELAXED);
		wake(pump);
		pthread_join(pump->thread, NULL);
	}
	if (mine)
		(void)pump_run(pump); /* what can't be written now never will be */
	close_sinks(pump);
	if (mine) /* in a child its owner may be a thread that isn't there */
		pthread_mutex_destroy(&pump->mutex);
}

void pump_stats(struct audit_pump *pump, struct hws_audit_stats *stats)
{
	if (pthread_mutex_lock(&pump->mutex) != 0)
		return; /* from inside a sink: zeros */
	stats->missed = pump->missed;
	for (unsigned int i = 0; i < pump->count; i++)
		if (pump->sinks[i].ops->stats)
			pump->sinks[i].ops->stats(pump->sinks[i].self, stats);
	pthread_mutex_unlock(&pump->mutex);
}
