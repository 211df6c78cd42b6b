/* SPDX-License-Identifier: LGPL-2.1-or-later */
unsigned char stray(unsigned short port)
{
	unsigned char value;

	__asm__ volatile("inb %1, %0" : "=a"(value) : "Nd"(port));
	return value;
}

void many(void *to)
{
	unsigned int a = 0, b, c = 0, d;

	__asm__ volatile("rep insb" : : "D"(to), "c"(1), "d"(0x70) : "memory");
	__asm__ volatile("cpuid" : "+a"(a), "=b"(b), "+c"(c), "=d"(d));
}
