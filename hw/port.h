/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * I/O ports: a range, opened once through policy, then read and written by the
 * ports' own numbers.
 *
 *	struct hws_port *clock;
 *	uint8_t second;
 *
 *	r = hws_port_open(hw, 0x70, 2, HWS_RW, &clock);
 *	r = hws_port_write8(clock, 0x70, 0x00);
 *	r = hws_port_read8(clock, 0x71, &second);     0, or exactly why not
 *	second = hws_port_get8(clock, 0x71);          never fails: 0xFF when refused
 *	hws_port_close(clock);
 *
 * The kernel opens ports to the thread that asks, and to no other: privilege.h
 * tells what another thread has to do, and what must be done before an exec.
 */
#ifndef HWSAFE_HW_PORT_H
#define HWSAFE_HW_PORT_H

#include "../guardian/privilege.h"

HWS_BEGIN_DECLS

/** struct hws_port - a range of ports; it belongs to one thread at a time. */
struct hws_port;

/**
 * hws_port_open() - open a range of ports.
 * @hw: borrowed
 * @first: the first port
 * @count: how many, from 1
 * @rights: HWS_R, HWS_W or both, and more of enum hws_access_rights
 * @ret_port: out; for hws_port_close(); untouched on failure
 *
 * Safety: the policy decides; the kernel opens exactly these ports.
 *
 * Context: the thread that is to use the ports.
 * Return: 0; -EACCES policy; -EBUSY the kernel claims them and the policy has no right "claimed"
 * for that; -EPERM kernel; -ERANGE no such ports; -EINVAL; -EOPNOTSUPP this machine has no ports;
 * -ENOMEM; -EIO the helper can't be asked.
 */
HWS_API HWS_MUST int hws_port_open(struct hws *hw, uint32_t first, uint32_t count, uint32_t rights,
				   struct hws_port **ret_port);

/**
 * hws_port_close() - give up a range of ports, and the kernel's permission with it.
 * @port: taken; NULL does nothing
 */
HWS_API void hws_port_close(struct hws_port *port);

/**
 * hws_port_way() - how the kernel let us at the ports.
 * @port: borrowed
 *
 * Return: "ioperm", "resource1", "/dev/port", "sim" …; it lives as long as the handle.
 */
HWS_API const char *hws_port_way(const struct hws_port *port);

/**
 * hws_port_privilege() - the permission that the handle holds, to be queried.
 * @port: borrowed
 *
 * Return: it lives as long as the handle, and is never to be dropped.
 */
HWS_API const struct hws_privilege *hws_port_privilege(const struct hws_port *port);

/**
 * hws_port_read8() - read 8 bits.
 * @port: borrowed
 * @number: which port
 * @ret_value: out; untouched on failure
 *
 * Safety: inside the range; reading may change the device, as its manual says.
 *
 * Return: 0; -ERANGE; -EACCES; -EDQUOT the guard; -EPERM not this thread's; -EOPNOTSUPP no such
 * width by this way; -EIO.
 */
HWS_API HWS_MUST int hws_port_read8(struct hws_port *port, uint32_t number, uint8_t *ret_value);

/**
 * hws_port_read16() - read 16 bits.
 * @port: borrowed
 * @number: which port; the first of 2
 * @ret_value: out; untouched on failure
 *
 * Safety: inside the range; reading may change the device, as its manual says.
 *
 * Return: 0; -ERANGE; -EACCES; -EDQUOT the guard; -EPERM not this thread's; -EOPNOTSUPP no such
 * width by this way; -EIO.
 */
HWS_API HWS_MUST int hws_port_read16(struct hws_port *port, uint32_t number, uint16_t *ret_value);

/**
 * hws_port_read32() - read 32 bits.
 * @port: borrowed
 * @number: which port; the first of 4
 * @ret_value: out; untouched on failure
 *
 * Safety: inside the range; reading may change the device, as its manual says.
 *
 * Return: 0; -ERANGE; -EACCES; -EDQUOT the guard; -EPERM not this thread's; -EOPNOTSUPP no such
 * width by this way; -EIO.
 */
HWS_API HWS_MUST int hws_port_read32(struct hws_port *port, uint32_t number, uint32_t *ret_value);

/**
 * hws_port_get8() - read 8 bits, whatever happens.
 * @port: borrowed
 * @number: which port
 *
 * Safety: as hws_port_read8().
 *
 * Return: the value; 0xFF when refused.
 */
HWS_API uint8_t hws_port_get8(struct hws_port *port, uint32_t number);

/**
 * hws_port_get16() - read 16 bits, whatever happens.
 * @port: borrowed
 * @number: which port; the first of 2
 *
 * Safety: as hws_port_read16().
 *
 * Return: the value; 0xFFFF when refused.
 */
HWS_API uint16_t hws_port_get16(struct hws_port *port, uint32_t number);

/**
 * hws_port_get32() - read 32 bits, whatever happens.
 * @port: borrowed
 * @number: which port; the first of 4
 *
 * Safety: as hws_port_read32().
 *
 * Return: the value; 0xFFFFFFFF when refused.
 */
HWS_API uint32_t hws_port_get32(struct hws_port *port, uint32_t number);

/**
 * hws_port_write8() - write 8 bits.
 * @port: borrowed
 * @number: which port
 * @value: what
 *
 * Safety: WRITES. Inside the range; the device may do anything in answer.
 *
 * Return: as hws_port_read8().
 */
HWS_API HWS_MUST int hws_port_write8(struct hws_port *port, uint32_t number, uint8_t value);

/**
 * hws_port_write16() - write 16 bits.
 * @port: borrowed
 * @number: which port; the first of 2
 * @value: what
 *
 * Safety: WRITES. Inside the range; the device may do anything in answer.
 *
 * Return: as hws_port_read16().
 */
HWS_API HWS_MUST int hws_port_write16(struct hws_port *port, uint32_t number, uint16_t value);

/**
 * hws_port_write32() - write 32 bits.
 * @port: borrowed
 * @number: which port; the first of 4
 * @value: what
 *
 * Safety: WRITES. Inside the range; the device may do anything in answer.
 *
 * Return: as hws_port_read32().
 */
HWS_API HWS_MUST int hws_port_write32(struct hws_port *port, uint32_t number, uint32_t value);

/**
 * hws_port_put8() - write 8 bits, or nothing when refused.
 * @port: borrowed
 * @number: which port
 * @value: what
 *
 * Safety: WRITES. As hws_port_write8().
 */
HWS_API void hws_port_put8(struct hws_port *port, uint32_t number, uint8_t value);

/**
 * hws_port_put16() - write 16 bits, or nothing when refused.
 * @port: borrowed
 * @number: which port; the first of 2
 * @value: what
 *
 * Safety: WRITES. As hws_port_write16().
 */
HWS_API void hws_port_put16(struct hws_port *port, uint32_t number, uint16_t value);

/**
 * hws_port_put32() - write 32 bits, or nothing when refused.
 * @port: borrowed
 * @number: which port; the first of 4
 * @value: what
 *
 * Safety: WRITES. As hws_port_write32().
 */
HWS_API void hws_port_put32(struct hws_port *port, uint32_t number, uint32_t value);

HWS_END_DECLS

#endif
