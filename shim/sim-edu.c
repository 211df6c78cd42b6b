/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * QEMU's edu device, with its DMA engine. Nothing runs in the background: work
 * that a write starts is seen unfinished by exactly one read, so that a
 * program's polling is exercised and every run is the same.
 */
#include <errno.h>
#include <stddef.h>

#include "shim/sim-machine-internal.h"
#include "shim/why-internal.h"

enum {
	STATUS_COMPUTING = 0x01,
	STATUS_INTERRUPTS = 0x80,
	COMMAND_RUN = 0x01,
	COMMAND_TO_MEMORY = 0x02,
	COMMAND_INTERRUPTS = 0x04,
	COMMAND_BITS = 0x07,
	INTERRUPT_FACTORIAL = 0x001,
	INTERRUPT_DMA = 0x100,
	BUFFER = 0x40000, /* the internal buffer, as the engine addresses it */
	BUFFER_SIZE = 4096,
	ADDRESS_BITS = 0x0fffffff, /* the engine drives 28 address lines */
	WIDE = 0x80,		   /* from here on 8 bytes at a time are allowed */
};

struct edu {
	uint64_t id;
	uint64_t alive;
	uint64_t factorial;
	uint64_t status;
	uint64_t interrupts;
	uint64_t source;
	uint64_t target;
	uint64_t count;
	uint64_t command;
	uint8_t buffer[BUFFER_SIZE];
};

/* The device as an access meets it. */
struct unit {
	struct sim *sim;
	struct sim_function *function;
	struct edu *edu;
};

static void interrupt(const struct unit *unit, uint64_t bits)
{
	unit->edu->interrupts |= bits;
	sim_device_line(unit->function, unit->edu->interrupts != 0);
	sim_device_interrupt(unit->sim, unit->function, 0);
}

/* Moves what the engine was told to; the device does not learn whether memory took it. */
static void transfer(const struct unit *unit)
{
	struct edu *edu = unit->edu;
	bool to_memory = edu->command & COMMAND_TO_MEMORY;
	uint64_t at = (to_memory ? edu->source : edu->target) - BUFFER;
	uint64_t address = (to_memory ? edu->target : edu->source) & ADDRESS_BITS;

	if (!hws_range_ok(at, edu->count, BUFFER_SIZE))
		unit->sim->stats.dma_faults++;
	else if (to_memory)
		sim_device_write(unit->sim, unit->function, address, edu->buffer + at,
				 (size_t)edu->count);
	else
		sim_device_read(unit->sim, unit->function, address, edu->buffer + at,
				(size_t)edu->count);
}

static void finish_dma(const struct unit *unit)
{
	transfer(unit);
	unit->edu->command &= ~(uint64_t)COMMAND_RUN;
	if (unit->edu->command & COMMAND_INTERRUPTS)
		interrupt(unit, INTERRUPT_DMA);
}

static void finish_factorial(const struct unit *unit)
{
	struct edu *edu = unit->edu;
	uint32_t n = (uint32_t)edu->factorial;
	uint32_t product = 1;

	/* from 34! on it is a multiple of 2^32 */
	for (; n > 0 && product != 0; n--)
		product *= n;
	edu->factorial = product;
	edu->status &= ~(uint64_t)STATUS_COMPUTING;
	if (edu->status & STATUS_INTERRUPTS)
		interrupt(unit, INTERRUPT_FACTORIAL);
}

static void finish(const struct unit *unit)
{
	if (unit->edu->status & STATUS_COMPUTING)
		finish_factorial(unit);
	if (unit->edu->command & COMMAND_RUN)
		finish_dma(unit);
}

/* What a write to a register does; @field is where the table says its value is. */
typedef void edu_write_fn(const struct unit *unit, uint64_t *field, uint64_t value);

static void write_inverted(const struct unit *unit, uint64_t *field, uint64_t value)
{
	(void)unit;
	*field = ~value;
}

static void write_factorial(const struct unit *unit, uint64_t *field, uint64_t value)
{
	if (unit->edu->status & STATUS_COMPUTING)
		return;
	*field = value;
	unit->edu->status |= STATUS_COMPUTING;
}

static void write_status(const struct unit *unit, uint64_t *field, uint64_t value)
{
	(void)unit;
	*field = (*field & STATUS_COMPUTING) | (value & STATUS_INTERRUPTS);
}

static void raise_interrupt(const struct unit *unit, uint64_t *field, uint64_t value)
{
	(void)field;
	interrupt(unit, value);
}

static void acknowledge(const struct unit *unit, uint64_t *field, uint64_t value)
{
	*field &= ~value;
	sim_device_line(unit->function, *field != 0);
}

/* The engine's registers are frozen while it runs. */
static void write_dma(const struct unit *unit, uint64_t *field, uint64_t value)
{
	if (!(unit->edu->command & COMMAND_RUN))
		*field = value;
}

static void write_command(const struct unit *unit, uint64_t *field, uint64_t value)
{
	if (value & COMMAND_RUN)
		write_dma(unit, field, value & COMMAND_BITS);
}

static const struct edu_register {
	uint32_t offset;
	size_t field;
	bool readable;
	edu_write_fn *write; /* NULL: writes are ignored */
} registers[] = {
	{ 0x00, offsetof(struct edu, id), true, NULL },
	{ 0x04, offsetof(struct edu, alive), true, write_inverted },
	{ 0x08, offsetof(struct edu, factorial), true, write_factorial },
	{ 0x20, offsetof(struct edu, status), true, write_status },
	{ 0x24, offsetof(struct edu, interrupts), true, NULL },
	{ 0x60, offsetof(struct edu, interrupts), false, raise_interrupt },
	{ 0x64, offsetof(struct edu, interrupts), false, acknowledge },
	{ 0x80, offsetof(struct edu, source), true, write_dma },
	{ 0x88, offsetof(struct edu, target), true, write_dma },
	{ 0x90, offsetof(struct edu, count), true, write_dma },
	{ 0x98, offsetof(struct edu, command), true, write_command },
};

static const struct edu_register *register_at(uint64_t offset)
{
	for (size_t i = 0; i < sizeof(registers) / sizeof(registers[0]); i++) {
		if (registers[i].offset == offset)
			return &registers[i];
	}
	return NULL;
}

static int edu_access(struct sim *sim, struct sim_space *space, uint64_t offset,
		      struct sim_access *access)
{
	const struct unit unit = { sim, space->function, space->state };
	const struct edu_register *reg = register_at(offset);
	uint64_t *field;

	if (access->width != 4 && (access->width != 8 || offset < WIDE))
		return why(-EINVAL, "edu is accessed 4 bytes at a time, from 0x%x on also 8", WIDE);
	if (!reg)
		return sim_nothing_there(access);
	field = (uint64_t *)((char *)unit.edu + reg->field);
	if (access->write && reg->write)
		reg->write(&unit, field, access->value);
	else if (access->write)
		access->ignored = true;
	else
		access->value = reg->readable ? *field & shim_ones(access->width)
					      : shim_ones(access->width);
	if (!access->write)
		finish(&unit);
	return 0;
}

static const struct edu reset = { .id = 0x010000ed };

const struct sim_behaviour sim_edu = {
	.name = "edu",
	.interrupts = true,
	.size = 0x100000,
	.state_size = sizeof(struct edu),
	.reset = &reset,
	.access = edu_access,
};
