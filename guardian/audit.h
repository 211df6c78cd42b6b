/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The audit trail: what was decided, for whom and why.
 *
 * Events go into a ring in memory that never blocks who records: it overwrites
 * the oldest and tells how many are gone. From there they are pumped into
 * sinks: a callback, a file of JSON lines, syslog.
 *
 * Each line of the file carries a hash over itself and the line before, and
 * FILE.head (replaced after each batch) holds the last one. So
 * hws_audit_verify() finds an edit, a deletion, an insertion, another order
 * and lines cut off at the end. What it can't find: without a key, who may
 * write the files can compute the chain anew; with a key that he doesn't know,
 * he can still put back an older copy of the file together with the head of
 * that time. After a crash of the machine (not of the program) without
 * HWS_AUDIT_FSYNC, lines that the head names may be missing: that looks like,
 * and is reported as, a truncation.
 */
#ifndef HWSAFE_GUARDIAN_AUDIT_H
#define HWSAFE_GUARDIAN_AUDIT_H

#include "access.h"

HWS_BEGIN_DECLS

/** enum hws_level - how much an event threatens. */
enum hws_level {
	HWS_LEVEL_INFO = 0,
	HWS_LEVEL_WARNING,
	HWS_LEVEL_ERROR,
	HWS_LEVEL_CRITICAL,
	HWS_LEVELS /* how many */
};

/** enum hws_event_type - what an event tells of. */
enum hws_event_type {
	HWS_EVENT_ACCESS = 0, /* an access was done or refused */
	HWS_EVENT_GRANT,      /* a handle was given or refused */
	HWS_EVENT_PRIVILEGE,  /* a privilege was got, refused or dropped */
	HWS_EVENT_POLICY,     /* a policy was loaded, refused or changed */
	HWS_EVENT_DETECTOR,   /* an unusual rate: value events where old were expected */
	HWS_EVENT_AUDIT,      /* of the trail itself */
	HWS_EVENT_LOST,	      /* value events, from this sequence on, did not reach this sink */
	HWS_EVENT_TYPES	      /* how many */
};

/** HWS_EVENT_VERSION - the version of the struct below; it changes when the struct does. */
#define HWS_EVENT_VERSION 1

/** HWS_EVENT_TEXT - room for an event's text, with its NUL. */
#define HWS_EVENT_TEXT 48

/**
 * struct hws_event - one thing that happened.
 *
 * The kind means something in events of the types ACCESS, GRANT, PRIVILEGE and
 * DETECTOR. The text is printable ASCII; other bytes were made \xHH.
 */
struct hws_event {
	uint32_t version;
	uint32_t level;	   /* enum hws_level */
	uint32_t type;	   /* enum hws_event_type */
	uint32_t kind;	   /* enum hws_kind */
	uint64_t sequence; /* from 1, without gaps, per context */
	uint64_t time;	   /* CLOCK_REALTIME, ns */
	uint64_t clock;	   /* CLOCK_MONOTONIC, ns */
	uint32_t rights;   /* HWS_R | … */
	uint32_t reason;   /* enum hws_reason */
	int32_t code;	   /* 0 or -errno */
	uint32_t has;	   /* enum hws_access_has: value, old */
	int32_t pid;
	int32_t tid;
	uint32_t uid;
	uint32_t width; /* bytes; 0: a window, no single access */
	uint64_t first;
	uint64_t last;
	uint64_t value;
	uint64_t old;
	struct hws_bdf bdf;
	uint32_t bar;
	uint32_t cpu;
	uint32_t rule;	     /* from 1; 0: none */
	uint32_t generation; /* of the policy */
	char text[HWS_EVENT_TEXT];
};

/**
 * hws_level_name() - the level's word: "info", "warning", "error", "critical".
 * @level: the level
 *
 * Return: a constant string; "?" for a value that is no level.
 */
HWS_API const char *hws_level_name(enum hws_level level);

/**
 * hws_event_type_name() - the type's word: "access", "grant" …
 * @type: the type
 *
 * Return: a constant string; "?" for a value that is no type.
 */
HWS_API const char *hws_event_type_name(enum hws_event_type type);

/**
 * hws_event_fn - takes one event.
 *
 * The event is borrowed and gone after the call. Return 0 to go on; anything
 * else ends a query, which then gives it back. A sink's result is ignored.
 */
typedef int hws_event_fn(const struct hws_event *event, void *context);

/** enum hws_audit_flags - how a trail works. Values combine. */
enum hws_audit_flags {
	HWS_AUDIT_THREAD = 1,	   /* a thread of its own feeds the sinks */
	HWS_AUDIT_FSYNC = 2,	   /* each batch reaches the disk before the next */
	HWS_AUDIT_NO_DETECTOR = 4, /* unusual rates raise no event */
};

/** struct hws_audit_options - what a trail is opened with; all zero: a ring without sinks. */
struct hws_audit_options {
	size_t size;	     /* sizeof(struct hws_audit_options) */
	uint32_t flags;	     /* enum hws_audit_flags */
	uint32_t events;     /* the ring's, rounded up to a power of two; 0: 16,384; at most 2^20 */
	uint32_t sink_level; /* enum hws_level: less threatening events reach no sink */
	uint32_t sink_ms;    /* how often the thread feeds the sinks; 0: 100 */
	uint32_t detect_ms;  /* the interval whose rates the detector compares; 0: 1,000 */
	hws_event_fn *call;  /* a sink; NULL: none */
	void *call_context;  /* borrowed */
	const char *sysroot; /* borrowed; the file is opened below it; NULL: the real root */
	const char *file;    /* borrowed; of JSON lines; NULL: none */
	uint64_t file_max;   /* bytes after which the file is rotated; 0: 16 MiB */
	uint32_t file_keep;  /* rotated files; 0: 4; at most 99; never fewer than are there */
	const char *syslog;  /* borrowed; a socket such as "/dev/log"; NULL: none */
	const void *key;     /* borrowed; for the chain; NULL: none */
	uint32_t key_size;   /* 16 to 64 bytes */
};

struct hws_audit;

/**
 * hws_audit_open() - open a trail.
 * @options: borrowed; NULL: the defaults
 * @ret_audit: out; hws_audit_close() releases it
 *
 * An existing file is verified and its chain resumed; a last line that a
 * crash cut short is removed, which is recorded.
 *
 * Return: 0; -EINVAL for options that make no sense; -EBADMSG when the file
 * was tampered with; -EBUSY when another process writes it; -ENOMEM; or what
 * opening the file gave.
 */
HWS_API HWS_MUST int hws_audit_open(const struct hws_audit_options *options,
				    struct hws_audit **ret_audit);

/**
 * hws_audit_close() - feed the sinks what is left and release everything.
 * @audit: taken; NULL does nothing
 *
 * Context: no other thread may use the trail any more. In a forked child it
 * releases memory and writes nothing.
 */
HWS_API void hws_audit_close(struct hws_audit *audit);

/**
 * hws_audit_flush() - feed the sinks all that is recorded up to now.
 * @audit: shared
 *
 * Without HWS_AUDIT_THREAD this is the only way events reach the sinks.
 *
 * Return: 0; -EINVAL for NULL; -ECHILD in a forked child, whose sinks are its parent's; -EBUSY
 * inside a sink's callback; what the file gave when it can't be written: the
 * events then are counted and a later "lost" record tells of the gap.
 */
HWS_API int hws_audit_flush(struct hws_audit *audit);

/**
 * struct hws_audit_filter - which events are asked for; all zero: every one.
 *
 * A mask of 0 means all. Events whose type knows no kind are left out as soon
 * as kinds are asked for.
 */
struct hws_audit_filter {
	size_t size;	   /* sizeof(struct hws_audit_filter) */
	uint32_t level;	   /* enum hws_level: at least */
	uint32_t types;	   /* bits 1 << enum hws_event_type */
	uint32_t kinds;	   /* bits 1 << enum hws_kind */
	uint32_t reasons;  /* bits 1 << enum hws_reason */
	uint64_t since;	   /* CLOCK_REALTIME, ns: not before */
	uint64_t sequence; /* not before */
};

/**
 * hws_audit_query() - the events that the ring still holds, oldest first.
 * @audit: shared
 * @filter: borrowed; NULL: every event
 * @call: called for each
 * @context: borrowed; handed to @call
 * @ret_lost: out; how many events, from the filter's sequence on, the ring
 *	no longer holds; may be NULL
 *
 * Context: any thread, while others record; an event is given whole or not at all.
 * Return: 0; what @call gave when it is not 0; -EINVAL.
 */
HWS_API int hws_audit_query(struct hws_audit *audit, const struct hws_audit_filter *filter,
			    hws_event_fn *call, void *context, uint64_t *ret_lost);

/** struct hws_audit_stats - what became of the events. */
struct hws_audit_stats {
	uint64_t recorded;    /* all there ever were */
	uint64_t missed;      /* overwritten before they reached the sinks */
	uint64_t file_lines;  /* written to the file */
	uint64_t file_lost;   /* not written: disk full, … */
	uint64_t syslog_sent; /* taken by syslog */
	uint64_t syslog_lost; /* not taken: no such socket, full */
	uint64_t rotations;   /* of the file */
	uint64_t memory;      /* bytes that the trail takes */
};

/**
 * hws_audit_stats() - what became of the events up to now.
 * @audit: shared
 * @ret_stats: out
 */
HWS_API void hws_audit_stats(struct hws_audit *audit, struct hws_audit_stats *ret_stats);

/** enum hws_audit_verdict - what hws_audit_verify() found. */
enum hws_audit_verdict {
	HWS_AUDIT_TORN = 0,  /* the last line was cut short by a crash: no harm done */
	HWS_AUDIT_BROKEN,    /* the line, or the one before, isn't what was written */
	HWS_AUDIT_MISSING,   /* records before this line are gone */
	HWS_AUDIT_TRUNCATED, /* records at the end are gone */
	HWS_AUDIT_HEAD,	     /* the head is missing or isn't what was written */
};

/** struct hws_audit_finding - one finding and where. */
struct hws_audit_finding {
	enum hws_audit_verdict verdict;
	const char *file; /* borrowed; its name without the folder */
	uint64_t line;	  /* from 1; 0: the file as a whole */
	uint64_t count;	  /* MISSING, TRUNCATED: how many records */
	const char *text; /* borrowed; one sentence */
};

/** hws_finding_fn - takes one finding, which is borrowed and gone after the call. */
typedef void hws_finding_fn(const struct hws_audit_finding *finding, void *context);

/** struct hws_audit_source - where a trail's files are; all zero but for the file. */
struct hws_audit_source {
	size_t size;	     /* sizeof(struct hws_audit_source) */
	const char *sysroot; /* borrowed; NULL: the real root */
	const char *file;    /* borrowed; its rotated files and its head lie next to it */
	const void *key;     /* borrowed; the chain's; NULL: none */
	uint32_t key_size;   /* 16 to 64 bytes */
};

/**
 * hws_audit_verify() - was anything in a trail's files changed?
 * @source: borrowed; where they are
 * @call: called for each finding; may be NULL
 * @context: borrowed; handed to @call
 *
 * Reads FILE.99 … FILE.1, FILE and FILE.head. A program may write them
 * meanwhile, but when it rotates them just then, records seem to be missing:
 * ask again.
 *
 * Return: 0 when all is as it was written (a torn last line is found but no
 * failure); -EBADMSG when it isn't; -ENOENT when there is nothing; -EINVAL;
 * or what reading gave.
 */
HWS_API HWS_MUST int hws_audit_verify(const struct hws_audit_source *source, hws_finding_fn *call,
				      void *context);

/**
 * hws_audit_read() - the events of a trail's files, oldest first.
 * @source: borrowed; where they are
 * @filter: borrowed; NULL: every event
 * @call: called for each
 * @context: borrowed; handed to @call
 *
 * It trusts the files: verify them first. A torn last line is left out. The
 * sequences begin anew with each program that wrote the file.
 *
 * Return: 0; what @call gave when it is not 0; -EBADMSG at a line that is none;
 * -ENOENT when there is nothing; -EINVAL; or what reading gave.
 */
HWS_API int hws_audit_read(const struct hws_audit_source *source,
			   const struct hws_audit_filter *filter, hws_event_fn *call,
			   void *context);

HWS_END_DECLS

#endif
