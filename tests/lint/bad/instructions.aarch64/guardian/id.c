/* SPDX-License-Identifier: LGPL-2.1-or-later */
unsigned long stray(void)
{
	unsigned long value;

	__asm__ volatile("mrs %0, midr_el1" : "=r"(value));
	return value;
}

void *harmless(void)
{
	return __builtin_thread_pointer();
}

void system_call(void)
{
	__asm__ volatile("svc #0");
}
