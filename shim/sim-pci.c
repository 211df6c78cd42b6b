/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The configuration space of a simulated PCI function (PCI 3.0 §6). */
#include <errno.h>
#include <string.h>

#include "shim/sim-machine-internal.h"
#include "shim/why-internal.h"

enum {
	COMMAND = 0x04,
	COMMAND_IO = 0x1,
	COMMAND_MEMORY = 0x2,
	COMMAND_BUS_MASTER = 0x4,
	STATUS = 0x06,
	STATUS_CAPABILITIES = 0x10,
	BAR0 = 0x10,
	BAR_IO = 0x1,
	BAR_64 = 0x4,
	BAR_PREFETCH = 0x8,
	CAPABILITIES = 0x34,
	CAPABILITY_MSI = 0x05,
};

/* The registers that can be written in every function. */
static const struct {
	uint32_t offset;
	uint32_t width;
	uint32_t writable;
	uint32_t clearable;
} header[] = {
	{ COMMAND, 2, 0x0547, 0 }, /* decoding, bus master, parity, SERR, INTx disable */
	{ STATUS, 2, 0, 0xf900 },  /* the error bits */
	{ 0x0c, 2, 0xffff, 0 },	   /* cache line size, latency timer */
	{ 0x3c, 1, 0xff, 0 },	   /* interrupt line */
};

static const struct capability {
	uint32_t size;
	uint8_t bytes[64]; /* the second one becomes the link to the next */
	uint8_t writable[64];
	uint8_t clearable[64];
} capabilities[] = {
	/* power management 1.2 §3.2: version 3, state D0 */
	[SIM_CAP_PM] = { 8, { 0x01, 0, 0x03 }, { [4] = 0x03 } },
	/* one vector, 64-bit address (PCI 3.0 §6.8.1) */
	[SIM_CAP_MSI] = { 14, { 0x05, 0, 0x80 }, { [2] = 0x71, [4] = 0xfc, [5 ... 13] = 0xff } },
	/* an endpoint, version 2 (PCIe 3.0 §7.8): control can be written, status cleared */
	[SIM_CAP_PCIE] = { 60,
			   { 0x10, 0, 0x02, 0, [12] = 0x11, [18] = 0x11 },
			   { [8] = 0xff, 0x7f, [16] = 0xfb, 0x03 },
			   { [10] = 0x0f } },
};

static uint32_t get(const uint8_t *bytes, uint32_t width)
{
	uint32_t value = 0;

	for (uint32_t i = 0; i < width; i++)
		value |= (uint32_t)bytes[i] << 8 * i;
	return value;
}

static void put(uint8_t *bytes, uint32_t width, uint32_t value)
{
	for (uint32_t i = 0; i < width; i++)
		bytes[i] = (uint8_t)(value >> 8 * i);
}

void sim_config_put(struct sim_function *function, uint32_t offset, uint32_t width, uint32_t value)
{
	put(function->config + offset, width, value);
}

uint32_t sim_config_get(const struct sim_function *function, uint32_t offset, uint32_t width)
{
	return get(function->config + offset, width);
}

void sim_config_init(struct sim_function *function)
{
	function->config_size = SIM_CONFIG;
	function->last_capability = CAPABILITIES;
	for (size_t i = 0; i < sizeof(header) / sizeof(header[0]); i++) {
		put(function->writable + header[i].offset, header[i].width, header[i].writable);
		put(function->clearable + header[i].offset, header[i].width, header[i].clearable);
	}
	memset(function->taken, true, SIM_HEADER);
}

/* The first dword from which @size bytes are free; 0: there is none. */
static uint32_t room_for(const struct sim_function *function, uint32_t size)
{
	for (uint32_t at = SIM_HEADER; at + size <= SIM_CONFIG; at += 4) {
		if (!memchr(function->taken + at, true, size))
			return at;
	}
	return 0;
}

bool sim_config_capability(struct sim_function *function, enum sim_capability which)
{
	const struct capability *capability = &capabilities[which];
	uint32_t at = room_for(function, capability->size);

	if (at == 0)
		return false;
	memcpy(function->config + at, capability->bytes, capability->size);
	memcpy(function->writable + at, capability->writable, capability->size);
	memcpy(function->clearable + at, capability->clearable, capability->size);
	memset(function->taken + at, true, capability->size);
	function->config[function->last_capability] = (uint8_t)at;
	function->last_capability = at + 1;
	function->config[STATUS] |= STATUS_CAPABILITIES;
	if (which == SIM_CAP_PCIE) /* only PCI Express has the rest of the space */
		function->config_size = SIM_CONFIG_PCIE;
	return true;
}

/* The next address of @size bytes, aligned to it and below @end; false: none is left. */
static bool place(uint64_t *next, uint64_t size, uint64_t end, uint64_t *ret_address)
{
	uint64_t address = (*next + size - 1) & ~(size - 1);

	if (!hws_range_ok(address, size, end))
		return false;
	*next = address + size;
	*ret_address = address;
	return true;
}

bool sim_config_bar(struct sim *sim, struct sim_function *function, uint32_t bar, bool prefetch)
{
	const struct sim_space *space = function->bars[bar];
	bool io = space->kind == SIM_SPACE_IO;
	uint32_t at = BAR0 + 4 * bar;
	uint32_t flags = io ? BAR_IO : prefetch ? BAR_PREFETCH : 0;
	uint64_t address;

	if (!(io ? place(&sim->next_io, space->size, 0x10000, &address)
		 : place(&sim->next_memory, space->size, 0xfec00000, &address)))
		return false;
	function->config[COMMAND] |= io ? COMMAND_IO : COMMAND_MEMORY;
	if (space->kind == SIM_SPACE_MEM64) {
		flags |= BAR_64;
		put(function->writable + at + 4, 4, UINT32_MAX);
	}
	put(function->config + at, 4, (uint32_t)address | flags);
	put(function->writable + at, 4, (uint32_t)(~(space->size - 1) & (io ? ~3u : ~15u)));
	return true;
}

uint32_t sim_config_io_base(const struct sim_function *function, uint32_t bar)
{
	const struct sim_space *space = function->bars[bar];

	if (!space || space->kind != SIM_SPACE_IO || function->gone ||
	    !sim_config_decodes(function, SIM_SPACE_IO))
		return UINT32_MAX;
	return get(function->config + BAR0 + 4 * bar, 4) & ~3u;
}

bool sim_config_decodes(const struct sim_function *function, enum sim_space_kind kind)
{
	return function->config[COMMAND] & (kind == SIM_SPACE_IO ? COMMAND_IO : COMMAND_MEMORY);
}

bool sim_config_masters_bus(const struct sim_function *function)
{
	return function->config[COMMAND] & COMMAND_BUS_MASTER;
}

uint32_t sim_config_msi_vectors(const struct sim_function *function)
{
	uint32_t at = function->config[CAPABILITIES];
	uint32_t left = SIM_CONFIG / 4; /* one that was described may come back to itself */

	while (at != 0 && left-- && function->config[at] != CAPABILITY_MSI)
		at = function->config[at + 1];
	if (function->config[at] != CAPABILITY_MSI)
		at = 0;
	/* PCI 3.0 §6.8.1.3: the power of two that it is capable of */
	return at ? 1u << (function->config[at + 2] >> 1 & 7) : 0;
}

bool sim_function_answers(struct sim_function *function)
{
	if (function->unplugs && !function->gone && function->accesses_left-- == 0)
		function->gone = true;
	return !function->gone;
}

int sim_config_access(struct sim_function *function, struct sim_access *access)
{
	uint32_t at = (uint32_t)access->offset;
	uint32_t old;
	uint32_t bits;
	uint32_t clear;

	if (!hws_range_ok(access->offset, access->width, function->config_size)) {
		access->outside = true;
		return why(-ERANGE, "this function has %u bytes of configuration space",
			   function->config_size);
	}
	old = get(function->config + at, access->width);
	if (!access->write) {
		access->value = old;
		return 0;
	}
	bits = get(function->writable + at, access->width);
	clear = get(function->clearable + at, access->width);
	access->ignored = (bits | clear) == 0;
	put(function->config + at, access->width,
	    ((old & ~bits) | ((uint32_t)access->value & bits)) &
		    ~((uint32_t)access->value & clear));
	return 0;
}
