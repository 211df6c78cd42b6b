/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What an access to a space does, by the attribute of the register that it meets. */
#include <errno.h>
#include <string.h>

#include "shim/sim-machine-internal.h"
#include "shim/why-internal.h"

int sim_nothing_there(struct sim_access *access)
{
	access->outside = true;
	access->ignored = access->write;
	if (!access->write)
		access->value = shim_ones(access->width);
	return 0;
}

struct sim_register *sim_register_at(const struct sim_space *space, uint64_t offset, uint64_t size)
{
	struct sim_register *reg = space->registers;

	while (reg && (offset >= reg->offset + reg->width || reg->offset >= offset + size))
		reg = reg->next;
	return reg;
}

/* The value as it would be read now, with nothing done to it yet. */
static uint64_t shown(const struct sim_register *reg)
{
	if (reg->attribute == SIM_WO)
		return shim_ones(reg->width);
	if (reg->attribute == SIM_FIFO && reg->queued)
		return reg->queue[reg->head];
	if (reg->follows)
		return (reg->value & ~reg->mask) | (reg->follows->value & reg->mask);
	return reg->value;
}

/* What reading does to the register. */
static void after_read(struct sim_register *reg)
{
	if (reg->attribute == SIM_RCLR)
		reg->value = 0;
	if (reg->attribute == SIM_COUNTER)
		reg->value = (reg->value + reg->step) & shim_ones(reg->width);
	if (reg->attribute == SIM_FIFO && reg->queued) {
		reg->head = (reg->head + 1) % reg->depth;
		reg->queued--;
	}
}

static bool fifo_push(struct sim_register *reg, uint64_t value)
{
	if (reg->queued == reg->depth)
		return false;
	reg->queue[(reg->head + reg->queued++) % reg->depth] = value;
	return true;
}

/* Writes @value to the bits of @lanes; false when nothing takes it. */
static bool store(struct sim_register *reg, uint64_t value, uint64_t lanes)
{
	uint64_t bits = reg->mask & lanes;

	if (reg->raises)
		reg->raises->value |= value & lanes & shim_ones(reg->raises->width);
	if (reg->clears)
		reg->clears->value &= ~(value & lanes);
	switch (reg->attribute) {
	case SIM_WO:
	case SIM_RW:
		reg->value = (reg->value & ~bits) | (value & bits);
		return true;
	case SIM_W1C:
		reg->value &= ~(value & bits);
		return true;
	case SIM_FIFO:
		return fifo_push(reg, value);
	case SIM_RO:
	case SIM_RCLR:
	case SIM_COUNTER:
		break;
	}
	return reg->raises || reg->clears;
}

int sim_register_access(struct sim_register *reg, uint64_t offset, struct sim_access *access)
{
	uint64_t begin = offset - reg->offset; /* huge when the access begins before it */
	uint32_t shift = (uint32_t)(8 * begin);

	if (!hws_range_ok(begin, access->width, reg->width) ||
	    (access->width != reg->width && !reg->split))
		return why(-EINVAL, "the register at 0x%llx is accessed %u bytes at a time, not %u",
			   (unsigned long long)reg->offset, reg->width, access->width);
	if (access->write) {
		access->ignored =
			!store(reg, access->value << shift, shim_ones(access->width) << shift);
		return 0;
	}
	access->value = shown(reg) >> shift & shim_ones(access->width);
	after_read(reg);
	return 0;
}

/* Little-endian, whatever this machine is. */
static void bytes_access(uint8_t *bytes, struct sim_access *access)
{
	uint64_t value = 0;

	for (uint32_t i = 0; i < access->width; i++) {
		if (access->write)
			bytes[i] = (uint8_t)(access->value >> 8 * i);
		else
			value |= (uint64_t)bytes[i] << 8 * i;
	}
	if (!access->write)
		access->value = value;
}

int sim_space_access(struct sim *sim, struct sim_space *space, uint64_t offset,
		     struct sim_access *access)
{
	struct sim_register *reg;

	if (!hws_range_ok(offset, access->width, space->size)) {
		access->outside = true;
		return why(-EINVAL, "the access at 0x%llx reaches beyond what answers there",
			   (unsigned long long)access->offset);
	}
	access->latency_ns = space->latency_ns;
	if (space->behaviour)
		return space->behaviour->access(sim, space, offset, access);
	reg = sim_register_at(space, offset, access->width);
	if (reg)
		return sim_register_access(reg, offset, access);
	if (!space->bytes)
		return sim_nothing_there(access);
	bytes_access(space->bytes + offset, access);
	return 0;
}
