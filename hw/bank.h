/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Banks: a handle that knows its registers, by a description (registers.h).
 *
 *	struct hws_bank *bank;
 *	uint64_t version;
 *
 *	r = hws_mmio_describe(nvme, registers, &bank);
 *	r = hws_register_read(bank, "VS.MJR", &version);
 *	r = hws_register_write(bank, "CC.EN", 1, HWS_VERIFY);
 *	r = hws_register_wait(bank, "CSTS.RDY", 1, deadline, NULL);
 *
 * From hws_mmio_describe() on every access through the handle is held against
 * the description, also those by offset: writing a read-only register is
 * refused, and so is reading one whose reading changes something or tells
 * nothing, unless the handle was opened with the right HWS_SIDE (the word
 * "side" in a policy). What the description doesn't name stays as it was.
 *
 * A name is a register's, or a register's and a field's: "CC", "CC.EN". A
 * bank is its handle's: it ends with it, and belongs to the same thread.
 */
#ifndef HWSAFE_HW_BANK_H
#define HWSAFE_HW_BANK_H

#include "mmio.h"
#include "msr.h"
#include "pci.h"
#include "port.h"
#include "registers.h"

HWS_BEGIN_DECLS

/** struct hws_bank - a handle's registers. */
struct hws_bank;

/**
 * hws_mmio_describe() - say which registers a window has.
 * @mmio: borrowed
 * @registers: shared; the handle keeps it; those of the window's BAR count
 * @ret_bank: out; the handle's own; untouched on failure
 *
 * Accesses of a handle that has a description cost more: each is looked up.
 *
 * Return: 0; -EALREADY it has a description; -ENOENT none of the registers lies in the window;
 * -ENOMEM.
 */
HWS_API HWS_MUST int hws_mmio_describe(struct hws_mmio *mmio, struct hws_registers *registers,
				       struct hws_bank **ret_bank);

/**
 * hws_port_describe() - say which registers a range of ports has.
 * @port: borrowed
 * @registers: shared; the handle keeps it
 * @ret_bank: out; the handle's own; untouched on failure
 *
 * Registers behind an index and a data port need both in the range. Reading one by its name writes
 * the index first; between the two the kernel may use the ports too.
 *
 * Return: as hws_mmio_describe().
 */
HWS_API HWS_MUST int hws_port_describe(struct hws_port *port, struct hws_registers *registers,
				       struct hws_bank **ret_bank);

/**
 * hws_msr_describe() - say which registers a processor has.
 * @msr: borrowed
 * @cpu: which processor
 * @registers: shared; the handle keeps it
 * @ret_bank: out; the handle's own, of that processor; untouched on failure
 *
 * Return: as hws_mmio_describe(); -ERANGE the handle was not opened for that processor.
 */
HWS_API HWS_MUST int hws_msr_describe(struct hws_msr *msr, uint32_t cpu,
				      struct hws_registers *registers, struct hws_bank **ret_bank);

/**
 * hws_pci_describe() - say which registers configuration space has.
 * @pci: borrowed
 * @registers: shared; the handle keeps it
 * @ret_bank: out; the handle's own; untouched on failure
 *
 * Safety: the header's type and the lists of capabilities are read, to know where registers are.
 *
 * Return: as hws_mmio_describe().
 */
HWS_API HWS_MUST int hws_pci_describe(struct hws_pci *pci, struct hws_registers *registers,
				      struct hws_bank **ret_bank);

/**
 * hws_bank_registers() - the description.
 * @bank: borrowed
 *
 * Return: the description; it lives as long as the bank.
 */
HWS_API struct hws_registers *hws_bank_registers(const struct hws_bank *bank);

/** enum hws_register_flags - how a register is written. Values combine. */
enum hws_register_flags {
	HWS_VERIFY = 1, /* read it back: it must be what was written */
};

/**
 * hws_register_read() - read a register, or a field of it.
 * @bank: borrowed
 * @name: borrowed; "CC" or "CC.EN"
 * @ret_value: out; of a field its bits, moved down; untouched on failure
 *
 * Safety: inside the handle's window; a register that reading changes needs HWS_SIDE.
 *
 * Return: 0; -ENOENT no such name, or not in this window; -EACCES; else as reads through the
 * handle.
 */
HWS_API HWS_MUST int hws_register_read(struct hws_bank *bank, const char *name,
				       uint64_t *ret_value);

/**
 * hws_register_write() - write a register, or a field of it.
 * @bank: borrowed
 * @name: borrowed; "CC" or "CC.EN"
 * @value: what; it must fit
 * @flags: enum hws_register_flags
 *
 * The rest of a field's register stays as it is: it is read first, and bits that a one clears are
 * written as zeros. That needs the right to read; it is two accesses, between which the device may
 * change the register.
 *
 * Verification expects what was written in the bits that can be written, and zeros where ones were
 * written to clear; where a register has fields, only in them.
 *
 * Safety: WRITES. Inside the handle's window; the device may do anything in answer.
 *
 * Return: 0; -ENOENT as hws_register_read(); -EACCES the register or field is read-only, or can't
 * be read where it must be; -EINVAL the value doesn't fit, or an unknown flag; -EIO it is not what
 * was written; else as writes through the handle.
 */
HWS_API HWS_MUST int hws_register_write(struct hws_bank *bank, const char *name, uint64_t value,
					uint32_t flags);

/**
 * hws_register_wait() - wait until a register, or a field of it, has a value.
 * @bank: borrowed
 * @name: borrowed; "CSTS.RDY"
 * @value: which
 * @deadline_ns: when to give up, in nanoseconds of CLOCK_MONOTONIC; HWS_FOREVER
 * @ret_value: out; the whole register as it then was; may be NULL; untouched on failure
 *
 * Safety: as hws_register_read(); it is read again and again, as hws_mmio_wait_for() does.
 *
 * Return: 0; -ETIME the deadline; else as hws_register_read().
 */
HWS_API HWS_MUST int hws_register_wait(struct hws_bank *bank, const char *name, uint64_t value,
				       uint64_t deadline_ns, uint64_t *ret_value);

/** struct hws_register_state - one register in a dump. */
struct hws_register_state {
	uint32_t index; /* in the description */
	struct hws_register reg;
	int code; /* 0: read; -EACCES: left alone; -ENOENT: not here; else what reading gave */
	uint64_t value;	 /* with code 0 */
	const char *why; /* with any other; gone after the call */
};

/**
 * hws_bank_dump() - read every register that can be read without changing anything.
 * @bank: borrowed
 * @each: called for each register of the description, in its order, those left alone too;
 * a result other than 0 ends the dump
 * @context: borrowed; handed to @each
 *
 * Registers that reading changes are left alone whatever rights there are.
 *
 * Safety: reads the whole window, as far as it is described.
 *
 * Return: 0, or what @each gave.
 */
HWS_API int hws_bank_dump(struct hws_bank *bank,
			  int (*each)(const struct hws_register_state *state, void *context),
			  void *context);

HWS_END_DECLS

#endif
