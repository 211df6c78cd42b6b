/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Waiting and blocks: many accesses of one width by one call. Each of them is
 * judged and charged as a single one would be.
 *
 *	r = hws_mmio_wait_for(nvme, 0x1c, 4, 1, 1, deadline, NULL);     CSTS.RDY is 1
 *	n = hws_mmio_read_block(window, 0x40, 4, words, 16, 0);         16 words of 4 bytes
 *	n = hws_port_read_block(port, 0x1f0, 2, sector, 256);           a sector, from one port
 */
#ifndef HWSAFE_HW_BLOCK_H
#define HWSAFE_HW_BLOCK_H

#include "mmio.h"
#include "port.h"

HWS_BEGIN_DECLS

/** enum hws_block_flags - how a block of memory is copied. */
enum hws_block_flags {
	HWS_BLOCK_FIFO = 1, /* all of it from, or to, the one offset */
};

/**
 * hws_mmio_wait_for() - read until some bits have a value.
 * @mmio: borrowed
 * @offset: where, a multiple of @width
 * @width: 1, 2, 4 or 8 bytes
 * @mask: which bits
 * @value: what they shall be
 * @deadline_ns: when to give up, in nanoseconds of CLOCK_MONOTONIC; HWS_FOREVER. It is read once
 * even when that is over
 * @ret_value: out; what was read last; may be NULL; untouched on failure
 *
 * Between two reads it sleeps for 1/32 of the time that has passed, 1 µs at least: soon at first,
 * then seldom, so that a long wait costs the guard little (some 300 reads in ten seconds).
 *
 * Safety: inside the window; reading may change the device, as its manual says.
 *
 * Return: 0; -ETIME the deadline; else as hws_mmio_read32(), -ENODEV when the device goes
 * meanwhile.
 */
HWS_API HWS_MUST int hws_mmio_wait_for(struct hws_mmio *mmio, uint64_t offset, uint32_t width,
				       uint64_t mask, uint64_t value, uint64_t deadline_ns,
				       uint64_t *ret_value);

/**
 * hws_mmio_read_block() - copy out of a window, in accesses of one width.
 * @mmio: borrowed
 * @offset: where it begins, a multiple of @width
 * @width: 1, 2, 4 or 8 bytes
 * @bytes: out; @count numbers of that width, as this machine has them in memory
 * @count: how many accesses
 * @flags: enum hws_block_flags
 *
 * Safety: inside the window, checked whole before the first; reading may change the device.
 *
 * Return: how many were read, fewer than @count when one failed; its error when it was the first:
 * as hws_mmio_read32(). hws_why() tells either.
 */
HWS_API HWS_MUST int hws_mmio_read_block(struct hws_mmio *mmio, uint64_t offset, uint32_t width,
					 void *bytes, uint32_t count, uint32_t flags);

/**
 * hws_mmio_write_block() - copy into a window, in accesses of one width.
 * @mmio: borrowed
 * @offset: where it begins, a multiple of @width
 * @width: 1, 2, 4 or 8 bytes
 * @bytes: borrowed; @count numbers of that width, as this machine has them in memory
 * @count: how many accesses
 * @flags: enum hws_block_flags
 *
 * Safety: WRITES. Inside the window, checked whole before the first; the device may do anything in
 * answer.
 *
 * Return: how many were written, else as hws_mmio_read_block().
 */
HWS_API HWS_MUST int hws_mmio_write_block(struct hws_mmio *mmio, uint64_t offset, uint32_t width,
					  const void *bytes, uint32_t count, uint32_t flags);

/**
 * hws_port_wait_for() - read until some bits have a value, as hws_mmio_wait_for() does.
 * @port: borrowed
 * @number: which port
 * @width: 1, 2 or 4 bytes
 * @mask: which bits
 * @value: what they shall be
 * @deadline_ns: when to give up, in nanoseconds of CLOCK_MONOTONIC; HWS_FOREVER
 * @ret_value: out; what was read last; may be NULL; untouched on failure
 *
 * Safety: inside the range; reading may change the device, as its manual says.
 *
 * Return: 0; -ETIME the deadline; else as hws_port_read32().
 */
HWS_API HWS_MUST int hws_port_wait_for(struct hws_port *port, uint32_t number, uint32_t width,
				       uint32_t mask, uint32_t value, uint64_t deadline_ns,
				       uint32_t *ret_value);

/**
 * hws_port_read_block() - read one port again and again.
 * @port: borrowed
 * @number: which port
 * @width: 1, 2 or 4 bytes
 * @bytes: out; @count numbers of that width
 * @count: how many accesses
 *
 * Safety: inside the range; reading may change the device, as its manual says.
 *
 * Return: how many were read, else as hws_mmio_read_block().
 */
HWS_API HWS_MUST int hws_port_read_block(struct hws_port *port, uint32_t number, uint32_t width,
					 void *bytes, uint32_t count);

/**
 * hws_port_write_block() - write one port again and again.
 * @port: borrowed
 * @number: which port
 * @width: 1, 2 or 4 bytes
 * @bytes: borrowed; @count numbers of that width
 * @count: how many accesses
 *
 * Safety: WRITES. Inside the range; the device may do anything in answer.
 *
 * Return: how many were written, else as hws_mmio_read_block().
 */
HWS_API HWS_MUST int hws_port_write_block(struct hws_port *port, uint32_t number, uint32_t width,
					  const void *bytes, uint32_t count);

HWS_END_DECLS

#endif
