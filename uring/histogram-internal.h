/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Latencies, counted by the power of two they lie above, for each kind of operation. */
#ifndef HWSAFE_URING_HISTOGRAM_INTERNAL_H
#define HWSAFE_URING_HISTOGRAM_INTERNAL_H

#include "uring/ring.h"

struct histograms {
	uint64_t counts[HWS_OP_KINDS][HWS_LATENCY_BUCKETS];
};

static inline uint32_t histogram_bucket(uint64_t ns)
{
	uint32_t bucket = ns ? 63 - (uint32_t)__builtin_clzll(ns) : 0;

	return bucket < HWS_LATENCY_BUCKETS ? bucket : HWS_LATENCY_BUCKETS - 1;
}

static inline void histogram_add(struct histograms *of, uint32_t kind, uint64_t ns)
{
	of->counts[kind][histogram_bucket(ns)]++;
}

#endif
