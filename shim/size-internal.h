/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Sizes of files, BARs and devices have 64 bits on every machine; memory has as many as a pointer.
 * What comes from outside is held against that here, once; what has passed is cast.
 */
#ifndef HWSAFE_SHIM_SIZE_INTERNAL_H
#define HWSAFE_SHIM_SIZE_INTERNAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

/*
 * 64 bits that others reach meanwhile. They are read and written whole where they lie at a multiple
 * of 8, which the plain type does not promise on every machine of 32 bits.
 */
typedef uint64_t shared64 __attribute__((aligned(8)));

/* Could memory of this size lie in this process? */
static inline bool size_fits(uint64_t size)
{
	return (size_t)size == size;
}

/* calloc() of a count that may be too large for this machine: NULL then, too. */
static inline void *size_calloc(uint64_t count, size_t each)
{
	return size_fits(count) ? calloc((size_t)count, each) : NULL;
}

#endif
