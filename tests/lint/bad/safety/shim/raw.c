/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <stdint.h>

/* Loads a byte. */
uint8_t raw_load8(const volatile uint8_t *at)
{
	return *at;
}

/*
 * Stores a byte.
 *
 * Safety: WRITES; @at lies in a window.
 */
void raw_store8(volatile uint8_t *at, uint8_t value)
{
	*at = value;
}

uint8_t bare(const void *at)
{
	__asm__("" : : "r"(at));
	return *(const volatile uint8_t *)at; /* "volatile" in a comment is none */
}

uint8_t hws_peek8(const void *at)
{
	/* SAFETY: the caller's promise */
	return raw_load8(at);
}
