/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Where in a space, as users write it:
 *
 *	0x70            one
 *	0x70-0x77       from here to there, both included
 *	0x70+8          so many from here on
 *	0x70.w          … so wide: b, w, l, q or 8, 16, 32, 64
 *	0x70:7:4        only these bits of each
 */
#ifndef HWPROBE_WHERE_H
#define HWPROBE_WHERE_H

#include "hw/hwprobe/spot.h"

struct where {
	uint64_t first;
	uint64_t last;	/* inclusive */
	uint32_t width; /* bytes; 0: not told */
	uint64_t mask;	/* of the bits; 0: all */
	uint32_t low;	/* the lowest of them */
};

/* False: it was told what is wrong with @what. @max: the highest address. */
bool where_take(const char *what, const char *text, uint64_t max, struct where *ret_where);
/* "7:4", both inclusive. False: it was told. */
bool where_bits(const char *text, struct where *where);
/* Bytes of what is meant, when it is so wide. False: it was told that it doesn't come out even. */
bool where_settle(const char *text, uint32_t width, struct where *where);
/*
 * Up to the next of @ends, copied; moves *@at there. False: it was told that @what is too long.
 */
bool where_part(const char *what, const char **at, const char *ends, char *part, size_t size);

#endif
