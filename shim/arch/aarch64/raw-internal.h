/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * aarch64: the raw loads, stores and instructions. Each stands at a label in
 * the exception table (shim/fault-internal.h): a fault there goes on at the
 * fix-up, which gives the safe default and an error. On the good path there
 * is the one instruction, and a barrier: of itself this architecture orders
 * nothing between a device and memory that the device reaches, too.
 */
#ifndef HWSAFE_SHIM_ARCH_RAW_INTERNAL_H
#define HWSAFE_SHIM_ARCH_RAW_INTERNAL_H

#include <stdatomic.h>
#include <errno.h>
#include <ucontext.h>

#include "shim/arch/fixup-internal.h"
#include "shim/shim.h"

#define RAW_ARCH      HWS_ARCH_AARCH64
#define RAW_ARCH_NAME "aarch64"
#define RAW_HAS_PORTS \
	false /* no port instructions; /dev/port on a port that nobody claims can halt the kernel */
#define RAW_PAGE_MAX 65536 /* the largest page a kernel for this architecture may use */
#define RAW_BARRIERS 1	   /* instructions that a load, or a store, takes to keep its order */

/*
 * Safety: @from must lie in a mapping of the device for all of the width, aligned to it.
 * Reading a register may change the device; what it may change is the caller's to know.
 * Checked here: nothing; a fault gives all-ones and -EIO. What is read and written after it, of
 * memory too, is so after it.
 */
#define RAW_LOAD(bits, instruction, register)                                         \
	static inline int raw_load##bits(const void *from, uint##bits##_t *ret_value) \
	{                                                                             \
		uint##bits##_t value;                                                 \
		__asm__ volatile goto("1: " instruction                               \
				      " %" register "0, %1\n\tdmb oshld\n" RAW_FIXUP  \
				      : "=r"(value)                                   \
				      : "Q"(*(const uint##bits##_t *)from)            \
				      : "memory"                                      \
				      : fault);                                       \
		*ret_value = value;                                                   \
		return 0;                                                             \
fault:                                                                                \
		RAW_APART;                                                            \
		*ret_value = (uint##bits##_t) - 1;                                    \
		return -EIO;                                                          \
	}

RAW_LOAD(8, "ldrb", "w")
RAW_LOAD(16, "ldrh", "w")
RAW_LOAD(32, "ldr", "w")
RAW_LOAD(64, "ldr", "x")

/*
 * Safety: WRITES. @to must lie in a writable mapping of the device for all of the width, aligned
 * to it. The device may do anything in answer. Checked here: nothing; a fault gives -EIO. What was
 * read and written before it, of memory too, was so before it.
 */
#define RAW_STORE(bits, instruction, register)                                                     \
	static inline int raw_store##bits(void *to, uint##bits##_t value)                          \
	{                                                                                          \
		__asm__ volatile goto("dmb osh\n1: " instruction " %" register "1, %0\n" RAW_FIXUP \
				      : "=Q"(*(uint##bits##_t *)to)                                \
				      : "r"(value)                                                 \
				      : "memory"                                                   \
				      : fault);                                                    \
		return 0;                                                                          \
fault:                                                                                             \
		RAW_APART;                                                                         \
		return -EIO;                                                                       \
	}

RAW_STORE(8, "strb", "w")
RAW_STORE(16, "strh", "w")
RAW_STORE(32, "str", "w")
RAW_STORE(64, "str", "x")

/* Safety: touches nothing: this architecture has no port instructions. */
static inline int raw_port_read(uint16_t port, uint32_t width, uint32_t *ret_value)
{
	(void)port;
	*ret_value = UINT32_MAX >> (32 - 8 * width);
	return -EOPNOTSUPP;
}

/* Safety: touches nothing: this architecture has no port instructions. */
static inline int raw_port_write(uint16_t port, uint32_t width, uint32_t value)
{
	(void)port, (void)width, (void)value;
	return -EOPNOTSUPP;
}

/*
 * Safety: changes nothing; only where the kernel answers for the ID registers (HWCAP_CPUID), or the
 * instruction is invalid. Checked here: a fault gives 0 and -EPERM.
 */
static inline int raw_midr(uint64_t *ret_midr)
{
	uint64_t value;

	__asm__ volatile goto("1: mrs %0, midr_el1\n" RAW_FIXUP : "=r"(value) : : : fault);
	*ret_midr = value;
	return 0;
fault:
	RAW_APART;
	*ret_midr = 0;
	return -EPERM;
}

/* Safety: changes nothing; Linux opens the counter to user space. Checked here: a fault gives 0. */
static inline uint64_t raw_timestamp(void)
{
	uint64_t value;

	__asm__ volatile goto("1: mrs %0, cntvct_el0\n" RAW_FIXUP : "=r"(value) : : : fault);
	return value;
fault:
	RAW_APART;
	return 0;
}

/* Safety: orders memory accesses of this thread, changes nothing. */
static inline void raw_barrier(enum hws_barrier kind)
{
	if (kind == HWS_BARRIER_READ)
		__asm__ volatile("dsb ld" ::: "memory");
	else if (kind == HWS_BARRIER_WRITE)
		__asm__ volatile("dsb st" ::: "memory");
	else
		__asm__ volatile("dsb sy" ::: "memory");
}

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

/* Where the thread that got a signal stands. Safety: @context is a handler's; only read. */
static inline uintptr_t raw_pc(const ucontext_t *context)
{
	return (uintptr_t)context->uc_mcontext.pc;
}

/* Safety: WRITES. @context is a handler's; the thread goes on at @pc, which must expect it. */
static inline void raw_set_pc(ucontext_t *context, uintptr_t pc)
{
	context->uc_mcontext.pc = pc;
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
