/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* An architecture that we don't know: nothing is touched, every read gives the safe default. */
#ifndef HWSAFE_SHIM_ARCH_RAW_INTERNAL_H
#define HWSAFE_SHIM_ARCH_RAW_INTERNAL_H

#include <stdatomic.h>
#include <errno.h>
#include <ucontext.h>

#include "shim/shim.h"

#define RAW_ARCH      HWS_ARCH_UNKNOWN
#define RAW_ARCH_NAME "generic"
#define RAW_HAS_PORTS false
#define RAW_PAGE_MAX  65536 /* the largest page a kernel may use */
#define RAW_BARRIERS  0

/* Safety: touches nothing. */
#define RAW_LOAD(bits)                                                                \
	static inline int raw_load##bits(const void *from, uint##bits##_t *ret_value) \
	{                                                                             \
		(void)from;                                                           \
		*ret_value = (uint##bits##_t) - 1;                                    \
		return -EOPNOTSUPP;                                                   \
	}

RAW_LOAD(8)
RAW_LOAD(16)
RAW_LOAD(32)
RAW_LOAD(64)

/* Safety: touches nothing. */
#define RAW_STORE(bits)                                                   \
	static inline int raw_store##bits(void *to, uint##bits##_t value) \
	{                                                                 \
		(void)to, (void)value;                                    \
		return -EOPNOTSUPP;                                       \
	}

RAW_STORE(8)
RAW_STORE(16)
RAW_STORE(32)
RAW_STORE(64)

/* Safety: touches nothing: no protection keys are known here. */
static inline bool raw_has_pkru(void)
{
	return false;
}

/* Safety: touches nothing. */
static inline uint32_t raw_pkru_read(void)
{
	return 0;
}

/* Safety: touches nothing. */
static inline void raw_pkru_write(uint32_t value)
{
	(void)value;
}

/* Safety: touches nothing. */
static inline int raw_port_read(uint16_t port, uint32_t width, uint32_t *ret_value)
{
	(void)port;
	*ret_value = UINT32_MAX >> (32 - 8 * width);
	return -EOPNOTSUPP;
}

/* Safety: touches nothing. */
static inline int raw_port_write(uint16_t port, uint32_t width, uint32_t value)
{
	(void)port, (void)width, (void)value;
	return -EOPNOTSUPP;
}

/* Safety: touches nothing. Where a signal hit can't be told here: no address matches. */
static inline uintptr_t raw_pc(const ucontext_t *context)
{
	(void)context;
	return 0;
}

/* Safety: touches nothing. */
static inline void raw_set_pc(ucontext_t *context, uintptr_t pc)
{
	(void)context, (void)pc;
}

/*
 * Is @value below *@bound, which others may change? Relaxed: it orders nothing. Safety: touches
 * nothing but the bound.
 */
static inline bool raw_below(uint64_t value, const _Atomic uint64_t *bound)
{
	return value < atomic_load_explicit(bound, memory_order_relaxed);
}

#endif
