/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Declared here, defined below: the contract may stand at either. Safety: as raw_in8(). */
static uint8_t raw_twice(uint16_t port);

#define RAW_LOAD(at) (*(const volatile uint8_t *)(at))

static uint8_t raw_twice(uint16_t port)
{
	/* SAFETY: the caller's promise is raw_in8()'s, for both reads */
	raw_in8(port);
	return raw_in8(port);
}

int native_read(uint16_t port, uint8_t *ret_value)
{
	/*
	 * SAFETY: the port was opened by port_open(), which checked the
	 * kernel's grant.
	 */
	*ret_value = raw_twice(port);
	return 0;
}
