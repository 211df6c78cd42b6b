/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What capabilities hwsafe-helper serve may hold, each with what it is for: the only list. */
#ifndef HWSAFE_HELPER_NEEDS_H
#define HWSAFE_HELPER_NEEDS_H

#include <stddef.h>
#include <stdint.h>

enum { NEEDS_COUNT = 4 };

struct need {
	int capability;
	uint32_t kinds; /* bits by enum hws_kind: raised around accesses of these, and only then */
	const char *what_for;
};
extern const struct need needs[NEEDS_COUNT];

#define NEEDS_OF(kind)	(UINT32_C(1) << (kind))
#define NEEDS_ALL_KINDS UINT32_MAX

/* The capabilities for accesses of these kinds, as a set of bits. */
uint64_t needs_for(uint32_t kinds);
/* All that one of its processes may hold. */
uint64_t needs_declared(void);

#endif
