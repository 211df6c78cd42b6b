/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "guardian/audit-internal.h"

#include <errno.h>
#include <inttypes.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "guardian/audit-ring-internal.h"
#include "guardian/audit-sink-internal.h"
#include "guardian/audit-verify-internal.h"
#include "guardian/detect-internal.h"
#include "shim/sys-internal.h"
#include "shim/why-internal.h"

enum {
	DEFAULT_EVENTS = 16384,
	MAX_EVENTS = 1 << 20,
	DEFAULT_DETECT_MS = 1000,
	NS_PER_MS = 1000000,
	EPOCH_SHIFT = 32,
};

struct hws_audit {
	struct audit_ring ring;
	struct audit_pump pump;
	struct detect detect;
	bool detects;
	/* the process (low half) and its epoch (high half); a fork wipes it: a child finds out */
	shared64 *identity;
	bool wiped;	   /* the kernel does wipe it */
	uint32_t detached; /* this is a child: the sinks are the parent's */
};

/* Who this thread is, for as long as the identity stays what it was. */
static _Thread_local struct {
	uint64_t identity;
	int pid;
	int tid;
	uint32_t uid;
} self;

static const char *const level_names[HWS_LEVELS] = {
	[HWS_LEVEL_INFO] = "info",
	[HWS_LEVEL_WARNING] = "warning",
	[HWS_LEVEL_ERROR] = "error",
	[HWS_LEVEL_CRITICAL] = "critical",
};

static const char *const type_names[HWS_EVENT_TYPES] = {
	[HWS_EVENT_ACCESS] = "access",	     [HWS_EVENT_GRANT] = "grant",
	[HWS_EVENT_PRIVILEGE] = "privilege", [HWS_EVENT_POLICY] = "policy",
	[HWS_EVENT_DETECTOR] = "detector",   [HWS_EVENT_AUDIT] = "audit",
	[HWS_EVENT_LOST] = "lost",
};

const char *hws_level_name(enum hws_level level)
{
	return (unsigned int)level < HWS_LEVELS ? level_names[level] : "?";
}

const char *hws_event_type_name(enum hws_event_type type)
{
	return (unsigned int)type < HWS_EVENT_TYPES ? type_names[type] : "?";
}

/* This process for the first time, or a child that finds its parent's: the sinks stay theirs. */
static uint64_t adopt(struct hws_audit *audit, uint64_t found)
{
	uint64_t mine = (uint64_t)(uint32_t)sys_pid();

	if ((uint32_t)found == mine)
		return found;
	mine |= UINT64_C(1) << EPOCH_SHIFT;
	/* relaxed: threads of a child that come here at once all store the same */
	__atomic_store_n(&audit->detached, 1, __ATOMIC_RELAXED);
	__atomic_store_n(audit->identity, mine, __ATOMIC_RELAXED);
	return mine;
}

static uint64_t identity(struct hws_audit *audit)
{
	/* relaxed: a word that says all there is to say */
	uint64_t found = __atomic_load_n(audit->identity, __ATOMIC_RELAXED);

	return found != 0 && audit->wiped ? found : adopt(audit, found);
}

static bool is_mine(struct hws_audit *audit)
{
	(void)identity(audit);
	return !__atomic_load_n(&audit->detached, __ATOMIC_RELAXED); /* relaxed: see adopt() */
}

void audit_identity_changed(struct hws_audit *audit)
{
	/* of no other trail: a thread may remember who it was there. 1 is a child's first */
	static _Atomic uint32_t epochs;
	uint64_t mine = (uint32_t)identity(audit) | (uint64_t)(2 + epochs++) << EPOCH_SHIFT;

	/* relaxed: a thread may stamp the event at hand with the user it had */
	__atomic_store_n(audit->identity, mine, __ATOMIC_RELAXED);
}

static void stamp_who(struct hws_audit *audit, struct hws_event *event)
{
	uint64_t now = identity(audit);

	if (self.identity != now) {
		self.pid = sys_pid();
		self.tid = sys_tid();
		self.uid = sys_uid();
		self.identity = now;
	}
	event->pid = self.pid;
	event->tid = self.tid;
	event->uid = self.uid;
}

/* Printable ASCII stays; other bytes become \xHH; what doesn't fit is cut off whole. */
static void make_printable(char text[HWS_EVENT_TEXT])
{
	static const char hex[] = "0123456789abcdef";
	char from[HWS_EVENT_TEXT];
	size_t length = 0;

	if (text[0] == '\0')
		return;
	memcpy(from, text, sizeof(from));
	from[sizeof(from) - 1] = '\0';
	for (const char *at = from; *at; at++) {
		unsigned char byte = (unsigned char)*at;
		bool plain = byte >= 0x20 && byte <= 0x7e;

		if (length + (plain ? 1 : 4) >= HWS_EVENT_TEXT)
			break;
		if (plain) {
			text[length++] = *at;
			continue;
		}
		text[length++] = '\\';
		text[length++] = 'x';
		text[length++] = hex[byte >> 4];
		text[length++] = hex[byte & 0xf];
	}
	memset(text + length, 0, HWS_EVENT_TEXT - length);
}

static void put(struct hws_audit *audit, struct hws_event *event)
{
	event->version = HWS_EVENT_VERSION;
	/* a clock that fails leaves zero: an event without a time is better than none */
	if (sys_clock(CLOCK_REALTIME, &event->time) < 0)
		event->time = 0;
	if (sys_clock(CLOCK_MONOTONIC, &event->clock) < 0)
		event->clock = 0;
	if (event->pid == 0)
		stamp_who(audit, event);
	make_printable(event->text);
	pump_recorded(&audit->pump, ring_put(&audit->ring, event));
}

static void raise_alarm(const struct detect_alarm *alarm, void *context)
{
	struct hws_event event = {
		.level = HWS_LEVEL_WARNING,
		.type = HWS_EVENT_DETECTOR,
		.kind = alarm->kind,
		.has = HWS_HAS_VALUE | HWS_HAS_OLD,
		.value = alarm->count,
		.old = alarm->usual,
	};

	snprintf(event.text, sizeof(event.text), "unusually many %s",
		 alarm->what == DETECT_DENIALS ? "denials" : "accesses");
	put(context, &event);
}

static void detect_event(struct hws_audit *audit, const struct hws_event *event)
{
	detect_tick(&audit->detect, event->clock, raise_alarm, audit);
	if (event->type != HWS_EVENT_ACCESS && event->type != HWS_EVENT_GRANT)
		return;
	detect_count(&audit->detect, (enum hws_kind)event->kind,
		     event->reason == HWS_REASON_NONE ? DETECT_ACCESSES : DETECT_DENIALS, 1);
}

void audit_record(struct hws_audit *audit, const struct hws_event *partial)
{
	struct hws_event event;

	if (!audit)
		return;
	event = *partial;
	put(audit, &event);
	if (audit->detects)
		detect_event(audit, &event);
}

void audit_observe(struct hws_audit *audit, enum hws_kind kind, uint64_t accesses, uint64_t denials)
{
	uint64_t now;

	if (!audit || !audit->detects || sys_clock(CLOCK_MONOTONIC, &now) < 0)
		return;
	detect_tick(&audit->detect, now, raise_alarm, audit);
	detect_count(&audit->detect, kind, DETECT_ACCESSES, accesses);
	detect_count(&audit->detect, kind, DETECT_DENIALS, denials);
}

void audit_event_text(struct hws_event *event, const char *text)
{
	size_t length = text ? strlen(text) : 0;
	size_t kept = length < HWS_EVENT_TEXT ? length : HWS_EVENT_TEXT - 1;

	if (length)
		memcpy(event->text, text + length - kept, kept);
	memset(event->text + kept, 0, HWS_EVENT_TEXT - kept);
}

struct hws_event audit_access_event(const struct hws_access *access, enum hws_event_type type,
				    enum hws_reason reason)
{
	struct hws_event event = {
		.level = reason == HWS_REASON_NONE ? HWS_LEVEL_INFO : HWS_LEVEL_WARNING,
		.type = type,
		.kind = access->kind,
		.rights = access->rights,
		.reason = reason,
		.code = hws_reason_code(reason),
		.has = access->has,
		.width = access->width,
		.first = access->first,
		.last = access->last,
		.value = access->value,
		.old = access->old,
		.bdf = access->bdf,
		.bar = access->bar,
		.cpu = access->cpu,
	};

	audit_event_text(&event, access->path);
	return event;
}

static int check_options(const struct hws_audit_options *options)
{
	if (options->size != sizeof(*options))
		return why(-EINVAL, "audit options need their size");
	if (options->flags &
	    ~(uint32_t)(HWS_AUDIT_THREAD | HWS_AUDIT_FSYNC | HWS_AUDIT_NO_DETECTOR))
		return why(-EINVAL, "audit options have unknown flags %#x", options->flags);
	if (options->events > MAX_EVENTS)
		return why(-EINVAL, "an audit ring has at most %d events", MAX_EVENTS);
	if (options->sink_level >= HWS_LEVELS)
		return why(-EINVAL, "%u is no audit level", options->sink_level);
	if (options->file_keep > FILES_KEEP_MAX)
		return why(-EINVAL, "at most %d rotated audit files are kept", FILES_KEEP_MAX);
	return 0;
}

static uint64_t ring_size(uint32_t wanted)
{
	uint64_t size = 2;

	while (size < (wanted ? wanted : DEFAULT_EVENTS))
		size *= 2;
	return size;
}

static int init_identity(struct hws_audit *audit)
{
	size_t size = sys_page_size();
	void *page;
	int r = sys_mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0,
			 &page);

	if (r < 0)
		return r;
	audit->wiped = sys_madvise(page, size, MADV_WIPEONFORK) == 0;
	audit->identity = page;
	*audit->identity = (uint32_t)sys_pid();
	audit_identity_changed(audit);
	return 0;
}

static void release(struct hws_audit *audit)
{
	if (audit->identity)
		sys_munmap(audit->identity, sys_page_size());
	ring_fini(&audit->ring);
	free(audit);
}

static int init_memory(struct hws_audit *audit, const struct hws_audit_options *options)
{
	uint64_t detect_ms = options->detect_ms ? options->detect_ms : DEFAULT_DETECT_MS;
	int r = ring_init(&audit->ring, ring_size(options->events));

	if (r == 0)
		r = init_identity(audit);
	if (r < 0)
		return why(r, "no memory for the audit ring: %s", strerror(-r));
	audit->detects = !(options->flags & HWS_AUDIT_NO_DETECTOR);
	detect_init(&audit->detect, detect_ms * NS_PER_MS);
	return 0;
}

int hws_audit_open(const struct hws_audit_options *options, struct hws_audit **ret_audit)
{
	static const struct hws_audit_options defaults = { .size = sizeof(defaults) };
	static const struct hws_event cut = { .level = HWS_LEVEL_WARNING,
					      .type = HWS_EVENT_AUDIT,
					      .text = "a torn last line was cut off" };
	struct hws_audit *audit;
	bool torn = false;
	int r;

	options = options ? options : &defaults;
	r = check_options(options);
	if (r < 0)
		return r;
	if (sodium_init() < 0)
		return why(-EIO, "libsodium cannot start");
	audit = aligned_alloc(_Alignof(struct hws_audit), sizeof(*audit));
	if (!audit)
		return why(-ENOMEM, "no memory for the audit trail");
	memset(audit, 0, sizeof(*audit));
	r = init_memory(audit, options);
	if (r == 0)
		r = pump_init(&audit->pump, &audit->ring, options, &torn);
	if (r < 0) {
		release(audit);
		return r;
	}
	if (torn)
		audit_record(audit, &cut);
	*ret_audit = audit;
	return 0;
}

void hws_audit_close(struct hws_audit *audit)
{
	if (!audit)
		return;
	pump_fini(&audit->pump, is_mine(audit));
	release(audit);
}

int hws_audit_flush(struct hws_audit *audit)
{
	if (!audit)
		return why(-EINVAL, "there is no audit trail to flush");
	if (!is_mine(audit))
		return why(-ECHILD, "the audit sinks belong to the process that opened them");
	return pump_run(&audit->pump);
}

int hws_audit_query(struct hws_audit *audit, const struct hws_audit_filter *filter,
		    hws_event_fn *call, void *context, uint64_t *ret_lost)
{
	uint64_t from = filter && filter->sequence > 1 ? filter->sequence : 1;
	uint64_t head, tail, lost;
	struct hws_event event;
	int r;

	if (!audit || !call)
		return why(-EINVAL, "an audit query needs a trail and a callback");
	r = audit_filter_check(filter);
	head = ring_head(&audit->ring);
	tail = ring_tail(&audit->ring, head);
	lost = tail > from ? tail - from : 0;
	for (uint64_t at = from + lost; r == 0 && at <= head; at++) {
		enum ring_look look = ring_get(&audit->ring, at, &event);

		lost += look == RING_GONE;
		if (look == RING_HERE && audit_filter_takes(filter, &event))
			r = call(&event, context);
	}
	if (r == 0 && ret_lost)
		*ret_lost = lost;
	return r;
}

void hws_audit_stats(struct hws_audit *audit, struct hws_audit_stats *ret_stats)
{
	struct hws_audit_stats stats = { 0 };

	if (audit) {
		stats.recorded = ring_head(&audit->ring);
		stats.memory = sizeof(*audit) + audit->ring.size * sizeof(struct ring_slot);
	}
	if (audit && is_mine(audit))
		pump_stats(&audit->pump, &stats);
	*ret_stats = stats;
}
