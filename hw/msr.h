/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Model-specific registers: a range of them on some processors, opened once
 * through policy, then read and written by their own numbers.
 *
 *	struct hws_msr *power;
 *	uint64_t limit;
 *
 *	r = hws_msr_open(hw, "0-3", 0x610, 0x611, HWS_RW, &power);
 *	r = hws_msr_read(power, 2, 0x610, &limit);        processor 2: 0, or exactly why not
 *	limit = hws_msr_get(power, 2, 0x610);             never fails: all-ones when refused
 *	r = hws_msr_update(power, 2, 0x610, 0x7fff, 200); only these bits
 *	hws_msr_close(power);
 *
 * The policy is asked for each processor by itself. To the guard, and to the
 * trail, a handle is as many handles as it has processors.
 */
#ifndef HWSAFE_HW_MSR_H
#define HWSAFE_HW_MSR_H

#include "../guardian/context.h"

HWS_BEGIN_DECLS

/** struct hws_msr - registers of some processors; it belongs to one thread at a time. */
struct hws_msr;

/**
 * hws_msr_open() - open a range of registers on some processors.
 * @hw: borrowed
 * @cpus: borrowed; which processors: "2", "0-3,8", "12..15"; "all" or NULL: all that are online
 * @first: the first register
 * @last: the last one
 * @rights: HWS_R, HWS_W or both, and more of enum hws_access_rights
 * @ret_msr: out; for hws_msr_close(); untouched on failure
 *
 * All or nothing. A processor that isn't there is told by the first access.
 *
 * Safety: the policy decides, for each processor.
 *
 * Return: 0; -EACCES policy; -EINVAL no list of processors, or no range; -ENOMEM.
 */
HWS_API HWS_MUST int hws_msr_open(struct hws *hw, const char *cpus, uint32_t first, uint32_t last,
				  uint32_t rights, struct hws_msr **ret_msr);

/**
 * hws_msr_open_set() - open registers that don't lie side by side.
 * @hw: borrowed
 * @cpus: borrowed; which processors, as for hws_msr_open()
 * @registers: borrowed; "0x10,0x198-0x199", up to 64 ranges; decimal, or hexadecimal with 0x
 * @rights: HWS_R, HWS_W or both, and more of enum hws_access_rights
 * @ret_msr: out; for hws_msr_close(); untouched on failure
 *
 * All or nothing.
 *
 * Safety: the policy decides, for each range on each processor.
 *
 * Return: as hws_msr_open(); -EINVAL also for what is no list of registers.
 */
HWS_API HWS_MUST int hws_msr_open_set(struct hws *hw, const char *cpus, const char *registers,
				      uint32_t rights, struct hws_msr **ret_msr);

/**
 * hws_msr_close() - give up the registers.
 * @msr: taken; NULL does nothing
 */
HWS_API void hws_msr_close(struct hws_msr *msr);

/**
 * hws_msr_next_cpu() - which processors the handle has, one after the other.
 * @msr: borrowed
 * @from: the least that is wanted, 0 at first
 * @ret_cpu: out; untouched on failure
 *
 * Return: 0; -ENOENT there is no more.
 */
HWS_API HWS_MUST int hws_msr_next_cpu(const struct hws_msr *msr, uint32_t from, uint32_t *ret_cpu);

/**
 * hws_msr_read() - read a register.
 * @msr: borrowed
 * @cpu: the processor
 * @reg: the register
 * @ret_value: out; untouched on failure
 *
 * Safety: inside the range; reading changes few registers, as their manual says.
 *
 * Return: 0; -ERANGE no such register or processor in the handle; -EACCES; -EDQUOT the guard;
 * -EPERM the kernel; -ENODEV no such processor; -EIO no such register; -EMFILE no descriptor for
 * the processor.
 */
HWS_API HWS_MUST int hws_msr_read(struct hws_msr *msr, uint32_t cpu, uint32_t reg,
				  uint64_t *ret_value);

/**
 * hws_msr_get() - read a register, whatever happens.
 * @msr: borrowed
 * @cpu: the processor
 * @reg: the register
 *
 * Safety: as hws_msr_read().
 *
 * Return: the value; all-ones when refused.
 */
HWS_API uint64_t hws_msr_get(struct hws_msr *msr, uint32_t cpu, uint32_t reg);

/**
 * hws_msr_write() - write a register.
 * @msr: borrowed
 * @cpu: the processor
 * @reg: the register
 * @value: what
 *
 * Safety: WRITES. Inside the range; a wrong value can stop the machine: let the policy say which
 * values and which bits may be.
 *
 * Return: as hws_msr_read().
 */
HWS_API HWS_MUST int hws_msr_write(struct hws_msr *msr, uint32_t cpu, uint32_t reg, uint64_t value);

/**
 * hws_msr_put() - write a register, or nothing when refused.
 * @msr: borrowed
 * @cpu: the processor
 * @reg: the register
 * @value: what
 *
 * Safety: WRITES. As hws_msr_write().
 */
HWS_API void hws_msr_put(struct hws_msr *msr, uint32_t cpu, uint32_t reg, uint64_t value);

/**
 * hws_msr_update() - read a register, change some bits, write it.
 * @msr: borrowed; with both rights
 * @cpu: the processor
 * @reg: the register
 * @mask: which bits
 * @value: what they become; 0 outside @mask
 *
 * The policy sees what was read and what is to be written. Not atomic: what
 * another program or the kernel changes between the two may be undone.
 *
 * Safety: WRITES. As hws_msr_write().
 *
 * Return: as hws_msr_read(); -EINVAL when @value has bits outside @mask.
 */
HWS_API HWS_MUST int hws_msr_update(struct hws_msr *msr, uint32_t cpu, uint32_t reg, uint64_t mask,
				    uint64_t value);

/**
 * hws_msr_batch() - read and write many registers.
 * @msr: borrowed
 * @ops: borrowed; each with cpu, reg and, where write is set, value; value and status are filled
 * @count: how many
 *
 * First all of it is checked: when one may not be, none is done, and @ops is untouched. Then they
 * are done in order. After a write that failed nothing more is tried: the rest has the status
 * -ECANCELED. A batch that was refused still counts for the guard and the rule's rate, as
 * far as it was checked.
 *
 * Safety: WRITES, where write is set. As hws_msr_write() and hws_msr_read().
 *
 * Return: 0 all were done; as hws_msr_read() when it was refused; the first failed one's status.
 */
HWS_API HWS_MUST int hws_msr_batch(struct hws_msr *msr, struct hws_msr_op *ops, size_t count);

HWS_END_DECLS

#endif
