/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * x86_64: the raw loads, stores and instructions. Each stands at a label in
 * the exception table (shim/fault-internal.h): a fault there goes on at the
 * fix-up, which gives the safe default and an error. On the good path there
 * is the one instruction and nothing else.
 */
#ifndef HWSAFE_SHIM_ARCH_RAW_INTERNAL_H
#define HWSAFE_SHIM_ARCH_RAW_INTERNAL_H

#include <stdatomic.h>
#include <errno.h>
#include <ucontext.h>

#include "shim/arch/fixup-internal.h"
#include "shim/shim.h"

#define RAW_ARCH      HWS_ARCH_X86_64
#define RAW_ARCH_NAME "x86_64"
#define RAW_HAS_PORTS true /* in and out are instructions, and /dev/port is safe on any port */
#define RAW_PAGE_MAX  4096 /* the largest page a kernel for this architecture may use */
#define RAW_BARRIERS  0	   /* a device's loads and stores keep their order by themselves */

/*
 * Safety: @from must lie in a mapping of the device for all of the width, aligned to it.
 * Reading a register may change the device; what it may change is the caller's to know.
 * Checked here: nothing; a fault gives all-ones and -EIO.
 */
#define RAW_LOAD(bits, instruction, register)                                             \
	static inline int raw_load##bits(const void *from, uint##bits##_t *ret_value)     \
	{                                                                                 \
		uint##bits##_t value;                                                     \
		__asm__ volatile goto("1: " instruction " %1, %" register "0\n" RAW_FIXUP \
				      : "=r"(value)                                       \
				      : "m"(*(const uint##bits##_t *)from)                \
				      :                                                   \
				      : fault);                                           \
		*ret_value = value;                                                       \
		return 0;                                                                 \
fault:                                                                                    \
		RAW_APART;                                                                \
		*ret_value = (uint##bits##_t) - 1;                                        \
		return -EIO;                                                              \
	}

RAW_LOAD(8, "movzbl", "k")
RAW_LOAD(16, "movzwl", "k")
RAW_LOAD(32, "movl", "")
RAW_LOAD(64, "movq", "")

/*
 * Safety: WRITES. @to must lie in a writable mapping of the device for all of the width, aligned
 * to it. The device may do anything in answer. Checked here: nothing; a fault gives -EIO.
 */
#define RAW_STORE(bits, instruction)                                          \
	static inline int raw_store##bits(void *to, uint##bits##_t value)     \
	{                                                                     \
		__asm__ volatile goto("1: " instruction " %1, %0\n" RAW_FIXUP \
				      : "=m"(*(uint##bits##_t *)to)           \
				      : "r"(value)                            \
				      :                                       \
				      : fault);                               \
		return 0;                                                     \
fault:                                                                        \
		RAW_APART;                                                    \
		return -EIO;                                                  \
	}

RAW_STORE(8, "movb")
RAW_STORE(16, "movw")
RAW_STORE(32, "movl")
RAW_STORE(64, "movq")

/*
 * Safety: reading a port may change the device behind it. Checked here: a thread without the
 * kernel's permission gets all-ones and -EPERM instead of a signal; @width is 1, 2 or 4.
 */
static inline int raw_port_read(uint16_t port, uint32_t width, uint32_t *ret_value)
{
	uint32_t value = 0;

	switch (width) {
	case 1:
		__asm__ volatile goto("1: inb %w1, %b0\n" RAW_FIXUP
				      : "+a"(value)
				      : "Nd"(port)
				      :
				      : fault);
		break;
	case 2:
		__asm__ volatile goto("1: inw %w1, %w0\n" RAW_FIXUP
				      : "+a"(value)
				      : "Nd"(port)
				      :
				      : fault);
		break;
	default:
		__asm__ volatile goto("1: inl %w1, %k0\n" RAW_FIXUP
				      : "+a"(value)
				      : "Nd"(port)
				      :
				      : fault);
		break;
	}
	*ret_value = value;
	return 0;
fault:
	RAW_APART;
	*ret_value = UINT32_MAX >> (32 - 8 * width);
	return -EPERM;
}

/*
 * Safety: WRITES. The device may do anything in answer. Checked here: a thread without the
 * kernel's permission gets -EPERM instead of a signal; @width is 1, 2 or 4.
 */
static inline int raw_port_write(uint16_t port, uint32_t width, uint32_t value)
{
	switch (width) {
	case 1:
		__asm__ volatile goto("1: outb %b0, %w1\n" RAW_FIXUP
				      :
				      : "a"(value), "Nd"(port)
				      :
				      : fault);
		break;
	case 2:
		__asm__ volatile goto("1: outw %w0, %w1\n" RAW_FIXUP
				      :
				      : "a"(value), "Nd"(port)
				      :
				      : fault);
		break;
	default:
		__asm__ volatile goto("1: outl %k0, %w1\n" RAW_FIXUP
				      :
				      : "a"(value), "Nd"(port)
				      :
				      : fault);
		break;
	}
	return 0;
fault:
	RAW_APART;
	return -EPERM;
}

/* Safety: changes nothing. Checked here: where CPUID is made to fault, all-ones and -EPERM. */
static inline int raw_cpuid(uint32_t leaf, uint32_t subleaf, uint32_t ret_regs[4])
{
	uint32_t a = leaf;
	uint32_t b;
	uint32_t c = subleaf;
	uint32_t d;

	__asm__ volatile goto("1: cpuid\n" RAW_FIXUP
			      : "+a"(a), "=b"(b), "+c"(c), "=d"(d)
			      :
			      :
			      : fault);
	ret_regs[0] = a;
	ret_regs[1] = b;
	ret_regs[2] = c;
	ret_regs[3] = d;
	return 0;
fault:
	RAW_APART;
	ret_regs[0] = ret_regs[1] = ret_regs[2] = ret_regs[3] = UINT32_MAX;
	return -EPERM;
}

/* Safety: changes nothing. Checked here: where the time stamp is made to fault, 0. */
static inline uint64_t raw_timestamp(void)
{
	uint32_t low;
	uint32_t high;

	__asm__ volatile goto("1: rdtsc\n" RAW_FIXUP : "=a"(low), "=d"(high) : : : fault);
	return (uint64_t)high << 32 | low;
fault:
	RAW_APART;
	return 0;
}

/* Safety: orders memory accesses of this thread, changes nothing. */
static inline void raw_barrier(enum hws_barrier kind)
{
	if (kind == HWS_BARRIER_READ)
		__asm__ volatile("lfence" ::: "memory");
	else if (kind == HWS_BARRIER_WRITE)
		__asm__ volatile("sfence" ::: "memory");
	else
		__asm__ volatile("mfence" ::: "memory");
}

/*
 * Has the kernel switched protection keys on (CPUID 7.0 ECX bit 4)? Its pkey_alloc() alone doesn't
 * tell. Safety: changes nothing. Checked here: where CPUID is made to fault, they count as off.
 */
static inline bool raw_has_pkru(void)
{
	uint32_t regs[4];

	/* SAFETY: CPUID changes nothing, and the first leaf says whether the second is there */
	return raw_cpuid(0, 0, regs) == 0 && regs[0] >= 7 && raw_cpuid(7, 0, regs) == 0 &&
	       regs[2] & 1u << 4;
}

/* The register has two bits of each key: no access, no writing. */

/*
 * Safety: changes nothing; only where the kernel has given out a key, or the instruction is
 * invalid. Checked here: nothing.
 */
static inline uint32_t raw_pkru_read(void)
{
	uint32_t value;

	__asm__ volatile("rdpkru" : "=a"(value) : "c"(0) : "rdx", "memory");
	return value;
}

/*
 * Safety: as raw_pkru_read(). Opens and closes memory for this thread: the bits of keys that are
 * not the caller's must be as raw_pkru_read() gave them. No access moves across it.
 */
static inline void raw_pkru_write(uint32_t value)
{
	__asm__ volatile("wrpkru" : : "a"(value), "c"(0), "d"(0) : "memory");
}

/* Where the thread that got a signal stands. Safety: @context is a handler's; only read. */
static inline uintptr_t raw_pc(const ucontext_t *context)
{
	return (uintptr_t)context->uc_mcontext.gregs[REG_RIP];
}

/* Safety: WRITES. @context is a handler's; the thread goes on at @pc, which must expect it. */
static inline void raw_set_pc(ucontext_t *context, uintptr_t pc)
{
	context->uc_mcontext.gregs[REG_RIP] = (greg_t)pc;
}

/*
 * Is @value below *@bound, which others may change? Relaxed: it orders nothing. Safety: touches
 * nothing but the bound.
 */
static inline bool raw_below(uint64_t value, const _Atomic uint64_t *bound)
{
	bool below;

	/* a load and a comparison in one: compilers keep atomic loads apart */
	__asm__ volatile("cmp %2, %1" : "=@ccb"(below) : "r"(value), "m"(*bound));
	return below;
}

#endif
