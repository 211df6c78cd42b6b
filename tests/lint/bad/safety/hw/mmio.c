/* SPDX-License-Identifier: LGPL-2.1-or-later */
uint8_t get(const struct hws_mmio *mmio, uint64_t offset)
{
	const char *word = "volatile raw_load8()";

	return raw_load8(mmio->at + offset);
}

uint8_t far(const struct hws_mmio *mmio)
{
	/* SAFETY: too far away to be read with the call */
	uint64_t a = 0;
	uint64_t b = 0;
	uint64_t c = 0;
	uint64_t d = 0;
	uint64_t e = 0;

	return raw_load8(mmio->at + a + b + c + d + e);
}

/* SAFETY: of another function */
uint8_t near(const struct hws_mmio *mmio)
{
	return raw_load8(mmio->at);
}

void idle(void)
{
	/* SAFETY: nothing here needs it */
	nothing();
}

#define PEEK(at) raw_load8(at)

/* Safety: none, and it is in the wrong place. */
void raw_here(int fd)
{
	ioctl(fd, 1);
	sys_ioctl(fd, 1);
}
