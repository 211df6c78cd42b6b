/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A snapshot: all that a context counts, read while everything runs.
 *
 *	struct hws_snapshot now = { .size = sizeof(now) };
 *	char *text;
 *
 *	r = hws_snapshot_take(hw, &now);
 *	r = hws_snapshot_json(&now, &text);            free(text)
 *
 * No access waits for it. What belongs together is read together: in every
 * snapshot no resource has more reserved than its peak, no guard granted more
 * than its limit, no kind has more handles open than given. Counters never go
 * back from one snapshot of a context to its next.
 */
#ifndef HWSAFE_GUARDIAN_SNAPSHOT_H
#define HWSAFE_GUARDIAN_SNAPSHOT_H

#include "context.h"

HWS_BEGIN_DECLS

/** HWS_SNAPSHOT_VERSION - the version of the struct below; it changes when the struct does. */
#define HWS_SNAPSHOT_VERSION 2

/** struct hws_kind_state - one kind of access in numbers. */
struct hws_kind_state {
	uint64_t handles_given; /* ever */
	uint64_t handles_open;	/* now */
	uint64_t slow_accesses; /* that were decided one by one, and allowed */
};

/** enum hws_ring_backend - who carries the operations of a ring out. */
enum hws_ring_backend {
	HWS_RING_URING = 0, /* the kernel, by io_uring */
	HWS_RING_EPOLL,	    /* epoll and threads */
	HWS_RING_SYNC,	    /* plain calls */
	HWS_RING_BACKENDS   /* how many */
};

/**
 * hws_ring_backend_name() - the back end's word in options and reports: "uring", "epoll" …
 * @backend: the back end
 *
 * Return: a constant string; "?" for a value that is no back end.
 */
HWS_API const char *hws_ring_backend_name(enum hws_ring_backend backend);

/**
 * struct hws_rings_state - the context's rings of one back end, added up.
 *
 * Always: submitted == delivered + reclaimed + lost + in_flight. An open ring's numbers are those
 * of the end of its last hws_wait().
 */
struct hws_rings_state {
	/* ever, with those of rings that are closed */
	uint64_t opened;
	uint64_t submitted;
	uint64_t delivered;
	uint64_t reclaimed; /* orphans that ended */
	uint64_t lost;	    /* operations whose buffers the kernel may own for ever */
	uint64_t retried;
	uint64_t resumed;
	uint64_t cancels;
	uint64_t overflows;
	uint64_t bounced;
	uint64_t enters;
	uint64_t enter_errors;
	/* now */
	uint64_t open;
	uint64_t deferring;  /* of the open ones: in mode "defer" */
	uint64_t registered; /* whose pool is registered with the kernel */
	uint64_t guarded;    /* whose pool the processor guards */
	uint64_t reduced;    /* that have to do without something: hws_ring_info says what */
	uint64_t broken;
	uint64_t in_flight;
	uint64_t orphans;
	uint64_t orphan_bytes;
};

/** struct hws_pools_state - the context's pools, added up. */
struct hws_pools_state {
	/* ever, with those of pools that are closed */
	uint64_t opened;
	uint64_t failed; /* takes that found nothing */
	uint64_t waited; /* takes that had to wait */
	uint64_t strays; /* stray touches caught */
	/* now */
	uint64_t open;
	uint64_t capacity; /* buffers */
	uint64_t bytes;	   /* of all of them */
	uint64_t in_use;
	uint64_t peak; /* of each pool the most that were in use at once, added up */
	uint64_t quarantined;
	uint64_t pressure; /* percent taken of the fullest class of all pools */
};

/** struct hws_snapshot - a context's numbers. */
struct hws_snapshot {
	size_t size;	  /* sizeof(struct hws_snapshot): set it before the call */
	uint32_t version; /* HWS_SNAPSHOT_VERSION */
	int32_t pid;
	uint64_t time;	       /* CLOCK_REALTIME, ns */
	uint64_t clock;	       /* CLOCK_MONOTONIC, ns */
	uint64_t last_event;   /* CLOCK_REALTIME, ns: of the trail's last event; 0: none yet */
	char backend[32];      /* its name: printable, without quotes and backslashes */
	uint64_t generation;   /* of the policy */
	uint64_t rules;	       /* how many it has */
	uint64_t era;	       /* counts up when handles must ask again: a reload, a re-arming */
	uint64_t stale_tokens; /* releases of tokens that stood for nothing */
	uint64_t faults;       /* of the process: hardware accesses that faulted and gave -EIO */
	uint64_t metadata;     /* bytes of the context's books, its policy and trail included */
	struct hws_cap_state caps[HWS_RESOURCES];
	struct hws_guard_state guards[HWS_GUARDS];
	uint64_t denied[HWS_REASONS];
	struct hws_kind_state kinds[HWS_KINDS];
	struct hws_rings_state rings[HWS_RING_BACKENDS];
	struct hws_pools_state pools;
	struct hws_audit_stats audit; /* of its sinks zeros, when asked from inside one */
};

/**
 * hws_snapshot_take() - read a context's numbers.
 * @hw: shared
 * @ret_snapshot: out; its size must be set before
 *
 * Context: any thread, any number at once. It may read the files that tell of
 * memory and its like, when the last look at them is too old, and wait for the
 * trail while that feeds its sinks.
 * Return: 0; -EINVAL for another size; what the clock gave.
 */
HWS_API HWS_MUST int hws_snapshot_take(struct hws *hw, struct hws_snapshot *ret_snapshot);

/**
 * hws_snapshot_json() - the snapshot as a JSON object with "schema_version": 1.
 * @snapshot: borrowed
 * @ret_text: out; for free(); untouched on failure
 *
 * Fields may be added within a schema version; none is changed or removed.
 *
 * Return: 0; -EINVAL for a snapshot of another size or version; -ENOMEM.
 */
HWS_API HWS_MUST int hws_snapshot_json(const struct hws_snapshot *snapshot, char **ret_text);

/** enum hws_metrics_flags - how metrics are written. Values combine. */
enum hws_metrics_flags {
	/*
	 * A counter's family is named without "_total", to the letter of OpenMetrics. Without,
	 * it is named as its samples, as Prometheus's own tools want it; its server reads both.
	 */
	HWS_METRICS_STRICT = 1,
};

/**
 * hws_snapshot_openmetrics() - the snapshot as OpenMetrics text.
 * @snapshot: borrowed
 * @flags: enum hws_metrics_flags
 * @ret_text: out; for free(); untouched on failure
 *
 * Return: 0; -EINVAL for a snapshot of another size or version, or unknown flags; -ENOMEM.
 */
HWS_API HWS_MUST int hws_snapshot_openmetrics(const struct hws_snapshot *snapshot, uint32_t flags,
					      char **ret_text);

HWS_END_DECLS

#endif
