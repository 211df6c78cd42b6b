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

/* Makes raw_get8() and raw_get16(). Safety: as raw_in8(). */
#define RAW_GET(bits)                      \
	static int raw_get##bits(int port) \
	{                                  \
		return 0;                  \
	}
RAW_GET(8)
RAW_GET(16)

/* Right below the macro calls. Safety: none is needed. */
static void raw_after(void)
{
}

void native_each(unsigned int width)
{
	/* SAFETY: covers the whole switch */
	switch (width) {
	case 1:
		raw_get8(1);
		break;
	case 2:
		raw_get16(1);
		break;
	default:
		raw_after();
		break;
	}
}
