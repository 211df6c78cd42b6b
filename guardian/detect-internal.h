/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Unusual rates: for each kind, accesses and denials are counted per interval
 * and compared with what is usual.
 *
 * Usual is an exponentially weighted mean and variance. An interval more than
 * DETECT_RAISE deviations above the mean raises an alarm, once; the series is
 * calm again when an interval comes back within DETECT_CALM deviations. While
 * alarmed it learns slowly, so that a lasting new rate becomes the usual one.
 */
#ifndef HWSAFE_GUARDIAN_DETECT_INTERNAL_H
#define HWSAFE_GUARDIAN_DETECT_INTERNAL_H

#include "guardian/access.h"
#include "shim/size-internal.h"

enum {
	DETECT_WARM_UP = 8, /* intervals that are only learned from */
	DETECT_LEAST = 16,  /* fewer than these in an interval are never unusual */
	DETECT_RAISE = 6,
	DETECT_CALM = 3,
	DETECT_LEARN = 8,	   /* the newest interval weighs 1/8 */
	DETECT_LEARN_ALARMED = 64, /* … 1/64 while alarmed */
};

enum detect_what { DETECT_ACCESSES = 0, DETECT_DENIALS, DETECT_WHATS };

struct detect_series {
	shared64 count; /* in this interval; any thread adds */
	double mean;	/* the rest belongs to whoever closes the interval */
	double variance;
	uint32_t intervals;
	bool alarmed;
};

/* What is unusual. */
struct detect_alarm {
	enum hws_kind kind;
	enum detect_what what;
	uint64_t count;
	uint64_t usual; /* the mean, rounded */
};

struct detect {
	uint64_t interval_ns;
	shared64 end; /* of the interval; 0: none yet */
	uint32_t closing;
	struct detect_series series[HWS_KINDS][DETECT_WHATS];
};

typedef void detect_fn(const struct detect_alarm *alarm, void *context);

void detect_init(struct detect *detect, uint64_t interval_ns);
/* Any thread. */
void detect_count(struct detect *detect, enum hws_kind kind, enum detect_what what, uint64_t count);
/* Closes what intervals are over at @now; one thread at a time does, the others pass by. */
void detect_tick(struct detect *detect, uint64_t now, detect_fn *call, void *context);

#endif
