/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * CPUID: what the processor says of itself.
 *
 *	struct hws_cpuid *cpuid;
 *	uint32_t regs[4];                             eax, ebx, ecx, edx
 *
 *	r = hws_cpuid_open(hw, 0, UINT32_MAX, &cpuid);
 *	r = hws_cpuid_read(cpuid, 7, 0, regs);        0, or exactly why not
 *	hws_cpuid_get(cpuid, 7, 0, regs);             never fails: all-ones when refused
 *	hws_cpuid_close(cpuid);
 *
 * The instruction needs no permission; the policy may restrict it all the
 * same, and the guard stops a loop that runs away.
 */
#ifndef HWSAFE_HW_CPUID_H
#define HWSAFE_HW_CPUID_H

#include "../guardian/context.h"

HWS_BEGIN_DECLS

/** struct hws_cpuid - a range of leaves; it belongs to one thread at a time. */
struct hws_cpuid;

/**
 * hws_cpuid_open() - open a range of leaves.
 * @hw: borrowed
 * @first: the first leaf
 * @last: the last one; 0 and UINT32_MAX are all of them
 * @ret_cpuid: out; for hws_cpuid_close(); untouched on failure
 *
 * Return: 0; -EACCES policy; -EINVAL no range; -ENOMEM.
 */
HWS_API HWS_MUST int hws_cpuid_open(struct hws *hw, uint32_t first, uint32_t last,
				    struct hws_cpuid **ret_cpuid);

/**
 * hws_cpuid_close() - give up the leaves.
 * @cpuid: taken; NULL does nothing
 */
HWS_API void hws_cpuid_close(struct hws_cpuid *cpuid);

/**
 * hws_cpuid_read() - read a leaf, on the processor that this thread happens to run on.
 * @cpuid: borrowed
 * @leaf: which
 * @subleaf: which part of it; 0 where it has none
 * @ret_regs: out; eax, ebx, ecx, edx; untouched on failure
 *
 * Safety: changes nothing.
 *
 * Return: 0; -ERANGE not in the handle; -EACCES; -EDQUOT the guard; -EPERM the kernel makes the
 * instruction fault; -EOPNOTSUPP this processor has none.
 */
HWS_API HWS_MUST int hws_cpuid_read(struct hws_cpuid *cpuid, uint32_t leaf, uint32_t subleaf,
				    uint32_t ret_regs[4]);

/**
 * hws_cpuid_get() - read a leaf, whatever happens.
 * @cpuid: borrowed
 * @leaf: which
 * @subleaf: which part of it; 0 where it has none
 * @ret_regs: out; eax, ebx, ecx, edx; all-ones when refused
 *
 * Safety: as hws_cpuid_read().
 */
HWS_API void hws_cpuid_get(struct hws_cpuid *cpuid, uint32_t leaf, uint32_t subleaf,
			   uint32_t ret_regs[4]);

/**
 * hws_cpuid_has() - does the processor have a feature?
 * @cpuid: borrowed; with the feature's leaf, and leaf 0 or 0x80000000
 * @name: borrowed; "avx2", "sse4_2" …, as /proc/cpuinfo writes it
 *
 * What the processor says of itself: the kernel may have switched it off all the same.
 *
 * Safety: as hws_cpuid_read().
 *
 * Return: 1 or 0; -ENOENT no such name; else as hws_cpuid_read().
 */
HWS_API HWS_MUST int hws_cpuid_has(struct hws_cpuid *cpuid, const char *name);

/**
 * hws_cpuid_feature_name() - the names that hws_cpuid_has() knows, one after the other.
 * @index: which, from 0
 *
 * Return: a constant string; NULL behind the last.
 */
HWS_API const char *hws_cpuid_feature_name(unsigned int index);

/**
 * hws_get_topology() - how processors are grouped into cores and packages.
 * @hw: borrowed
 * @ret_topology: out; untouched on failure
 *
 * As the system lists them; where it doesn't, as CPUID leaves 0x1f and 0x0b tell.
 *
 * Return: 0; -EOPNOTSUPP nothing tells; or why CPUID can't be asked.
 */
HWS_API HWS_MUST int hws_get_topology(struct hws *hw, struct hws_topology *ret_topology);

HWS_END_DECLS

#endif
