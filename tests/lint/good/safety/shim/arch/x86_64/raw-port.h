/* SPDX-License-Identifier: LGPL-2.1-or-later */
/**
 * raw_in8() - read a port.
 *
 * Safety: the port is granted to this thread; reading it may change the device.
 */
static inline uint8_t raw_in8(uint16_t port)
{
	uint8_t value;

	__asm__ volatile("inb %1, %0" : "=a"(value) : "Nd"(port));
	return value;
}
