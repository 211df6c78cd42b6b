/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "guardian/detect-internal.h"

/* After that many empty intervals the past weighs next to nothing. */
enum { IDLE_MAX = 64 };

void detect_init(struct detect *detect, uint64_t interval_ns)
{
	*detect = (struct detect) { .interval_ns = interval_ns };
}

void detect_count(struct detect *detect, enum hws_kind kind, enum detect_what what, uint64_t count)
{
	if ((unsigned int)kind < HWS_KINDS)
		/* relaxed: a count; it may fall into this interval or the next */
		__atomic_fetch_add(&detect->series[kind][what].count, count, __ATOMIC_RELAXED);
}

/* Is @count more than @deviations above the mean? Squares: no root, no libm. */
static bool exceeds(const struct detect_series *series, double count, double deviations)
{
	double above = count - series->mean;
	double variance = series->variance;

	/* independent events alone vary by their mean, and nothing by less than one */
	if (variance < series->mean)
		variance = series->mean;
	if (variance < 1)
		variance = 1;
	return above > 0 && above * above > deviations * deviations * variance;
}

static void learn(struct detect_series *series, double count)
{
	double weight = 1.0 / (series->alarmed ? DETECT_LEARN_ALARMED : DETECT_LEARN);
	double difference = count - series->mean;

	/* the first intervals all weigh the same, whatever the first one was */
	if (series->intervals < DETECT_LEARN)
		weight = 1.0 / (series->intervals + 1);
	series->mean += weight * difference;
	series->variance = (1 - weight) * (series->variance + weight * difference * difference);
	if (series->intervals < DETECT_WARM_UP)
		series->intervals++;
}

/* One interval with @count events is over; true when that begins an excursion. */
static bool close_one(struct detect_series *series, double count)
{
	bool was = series->alarmed;

	if (series->intervals == DETECT_WARM_UP)
		series->alarmed = was ? exceeds(series, count, DETECT_CALM)
				      : count >= DETECT_LEAST &&
						  exceeds(series, count, DETECT_RAISE);
	learn(series, count);
	return series->alarmed && !was;
}

/* A mean of counts near 2^64 may lie just above what fits. */
static uint64_t rounded(double mean)
{
	return mean < 0x1p63 ? (uint64_t)(mean + 0.5) : UINT64_MAX;
}

static void close_all(struct detect *detect, uint64_t idle, detect_fn *call, void *context)
{
	struct detect_series *series = &detect->series[0][0];

	for (unsigned int i = 0; i < (unsigned int)HWS_KINDS * DETECT_WHATS; i++, series++) {
		/* relaxed: see detect_count() */
		uint64_t count = __atomic_exchange_n(&series->count, 0, __ATOMIC_RELAXED);
		struct detect_alarm alarm = {
			.kind = (enum hws_kind)(i / DETECT_WHATS),
			.what = (enum detect_what)(i % DETECT_WHATS),
			.count = count,
			.usual = rounded(series->mean),
		};

		if (close_one(series, (double)count))
			call(&alarm, context);
		for (uint64_t empty = 0; empty < idle; empty++)
			(void)close_one(series, 0);
	}
}

void detect_tick(struct detect *detect, uint64_t now, detect_fn *call, void *context)
{
	/* relaxed: only a hint; the lock below decides */
	uint64_t end = __atomic_load_n(&detect->end, __ATOMIC_RELAXED);
	uint64_t idle;

	if (now < end)
		return;
	/* acquire: pairs with the release below; the series are as the last one left them */
	if (__atomic_exchange_n(&detect->closing, 1, __ATOMIC_ACQUIRE))
		return;
	end = __atomic_load_n(&detect->end, __ATOMIC_RELAXED); /* ordered by the lock */
	if (end == 0) {
		__atomic_store_n(&detect->end, now + detect->interval_ns, __ATOMIC_RELAXED);
	} else if (now >= end) {
		idle = (now - end) / detect->interval_ns;
		__atomic_store_n(&detect->end, end + (idle + 1) * detect->interval_ns,
				 __ATOMIC_RELAXED);
		close_all(detect, idle < IDLE_MAX ? idle : IDLE_MAX, call, context);
	}
	__atomic_store_n(&detect->closing, 0, __ATOMIC_RELEASE);
}
