/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A PC's clock and its memory: an index port and a data port (MC146818A). */
#include <errno.h>
#include <stddef.h>
#include <string.h>
#include <time.h>

#include "shim/sim-machine-internal.h"
#include "shim/sys-internal.h"
#include "shim/why-internal.h"

struct cmos {
	uint8_t index;
	uint8_t bytes[128];
};

/* The bytes that the chip keeps itself; the others are memory. */
static const struct chip_byte {
	uint8_t index;
	size_t field; /* of struct tm, shown in BCD … */
	int add;      /* … with this added, */
	int divide;   /* divided by this; 0: the value of the next field instead */
	uint8_t value;
} chip_bytes[] = {
	{ 0x00, offsetof(struct tm, tm_sec), 0, 1, 0 },
	{ 0x02, offsetof(struct tm, tm_min), 0, 1, 0 },
	{ 0x04, offsetof(struct tm, tm_hour), 0, 1, 0 },
	{ 0x06, offsetof(struct tm, tm_wday), 1, 1, 0 }, /* Sunday is 1 */
	{ 0x07, offsetof(struct tm, tm_mday), 0, 1, 0 },
	{ 0x08, offsetof(struct tm, tm_mon), 1, 1, 0 },
	{ 0x09, offsetof(struct tm, tm_year), 0, 1, 0 },
	{ 0x32, offsetof(struct tm, tm_year), 1900, 100, 0 }, /* the century */
	{ 0x0a, 0, 0, 0, 0x26 }, /* status A: the usual divider and rate, no update going on */
	{ 0x0b, 0, 0, 0, 0x02 }, /* status B: BCD, 24 hours */
	{ 0x0c, 0, 0, 0, 0x00 }, /* status C: no interrupt */
	{ 0x0d, 0, 0, 0, 0x80 }, /* status D: the battery is good */
};

static struct tm clock_now(const struct sim *sim)
{
	time_t seconds = (time_t)sim->clock;
	struct tm now;
	uint64_t ns;

	if (!sim->clock_fixed && sys_clock(CLOCK_REALTIME, &ns) == 0)
		seconds = (time_t)(ns / 1000000000u);
	gmtime_r(&seconds, &now);
	return now;
}

static const struct chip_byte *chip_byte_at(uint8_t index)
{
	for (size_t i = 0; i < sizeof(chip_bytes) / sizeof(chip_bytes[0]); i++) {
		if (chip_bytes[i].index == index)
			return &chip_bytes[i];
	}
	return NULL;
}

static uint8_t chip_read(const struct sim *sim, const struct chip_byte *byte)
{
	struct tm now;
	int number;

	if (byte->divide == 0)
		return byte->value;
	now = clock_now(sim);
	memcpy(&number, (const char *)&now + byte->field, sizeof(number));
	number = (number + byte->add) / byte->divide % 100;
	return (uint8_t)(number / 10 << 4 | number % 10);
}

static uint8_t data_read(const struct sim *sim, const struct cmos *cmos)
{
	const struct chip_byte *byte = chip_byte_at(cmos->index);

	return byte ? chip_read(sim, byte) : cmos->bytes[cmos->index];
}

static int cmos_access(struct sim *sim, struct sim_space *space, uint64_t offset,
		       struct sim_access *access)
{
	struct cmos *cmos = space->state;

	if (access->width != 1)
		return why(-EINVAL, "the CMOS is accessed a byte at a time");
	if (!access->write)
		access->value = offset == 0 ? 0xff : data_read(sim, cmos); /* no index read back */
	else if (offset == 0)
		cmos->index = access->value & 0x7f; /* the upper bit masks NMI */
	else if (chip_byte_at(cmos->index))
		access->ignored = true;
	else
		cmos->bytes[cmos->index] = (uint8_t)access->value;
	return 0;
}

static const struct cmos reset;

const struct sim_behaviour sim_cmos = {
	.name = "cmos",
	.ports = true,
	.size = 2,
	.state_size = sizeof(struct cmos),
	.reset = &reset,
	.access = cmos_access,
};
