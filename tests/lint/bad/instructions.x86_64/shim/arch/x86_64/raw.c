/* SPDX-License-Identifier: LGPL-2.1-or-later */
void raw_out8(unsigned short port, unsigned char value)
{
	__asm__ volatile("outb %0, %1" : : "a"(value), "Nd"(port));
}
