/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the tests of the simulated machine share. */
#ifndef HWSAFE_TESTS_SHIM_SIM_KIT_H
#define HWSAFE_TESTS_SHIM_SIM_KIT_H

#include <stdlib.h>
#include <string.h>

#include "shim/sim-internal.h"
#include "shim/sim.h"
#include "tests/suite.h"

#define COUNT(table) (sizeof(table) / sizeof((table)[0]))

/* A machine of that text, or the built-in one. */
static inline void *machine(const char *text)
{
	struct hws_shim_options options = { .size = sizeof(options), .sim = text };
	void *sim = NULL;
	int r = sim_ops.open(&options, &sim);

	ck_assert_msg(r == 0, "%s", hws_why());
	return sim;
}

static inline struct hws_bdf bdf_of(const char *text)
{
	struct hws_bdf bdf = { 0 };

	ck_ok(hws_bdf_parse(text, &bdf));
	return bdf;
}

static inline struct hws_window bar_of(void *sim, const char *bdf, uint32_t bar)
{
	struct hws_window window = { 0 };
	int r = sim_ops.bar_map(sim, bdf_of(bdf), bar, 0, 0, HWS_RW, &window);

	ck_assert_msg(r == 0, "%s", hws_why());
	return window;
}

/* A read that must work. */
static inline uint64_t get(void *sim, const struct hws_window *window, uint64_t offset,
			   uint32_t width)
{
	uint64_t value = 0;
	int r = sim_ops.mmio_read(sim, window, offset, width, &value);

	ck_assert_msg(r == 0, "0x%llx: %s", (unsigned long long)offset, hws_why());
	return value;
}

static inline void put(void *sim, const struct hws_window *window, uint64_t offset, uint32_t width,
		       uint64_t value)
{
	int r = sim_ops.mmio_write(sim, window, offset, width, value);

	ck_assert_msg(r == 0, "0x%llx: %s", (unsigned long long)offset, hws_why());
}

static inline uint32_t in(void *sim, uint16_t port, uint32_t width)
{
	struct hws_window ports;
	uint32_t value = 0;

	ck_ok(sim_ops.port_open(sim, port, width, HWS_RW, &ports));
	ck_ok(sim_ops.port_read(sim, &ports, port, width, &value));
	sim_ops.port_close(sim, &ports);
	return value;
}

static inline void out(void *sim, uint16_t port, uint32_t value)
{
	struct hws_window ports;

	ck_ok(sim_ops.port_open(sim, port, 1, HWS_RW, &ports));
	ck_ok(sim_ops.port_write(sim, &ports, port, 1, value));
	sim_ops.port_close(sim, &ports);
}

static inline uint32_t config(void *sim, const char *bdf, uint32_t offset, uint32_t width)
{
	uint32_t value = 0;

	ck_ok(sim_ops.pci_read(sim, bdf_of(bdf), offset, width, &value));
	return value;
}

static inline void set_config(void *sim, const char *bdf, uint32_t offset, uint32_t width,
			      uint32_t value)
{
	ck_ok(sim_ops.pci_write(sim, bdf_of(bdf), offset, width, value));
}

static inline struct sim_stats stats_of(void *sim)
{
	struct sim_stats stats;

	sim_get_stats(sim, &stats);
	return stats;
}

/* The same numbers in every run, unless HWS_SEED says otherwise. */
static inline uint64_t random_next(uint64_t *state)
{
	*state ^= *state << 13;
	*state ^= *state >> 7;
	*state ^= *state << 17;
	return *state;
}

static inline uint64_t seed(void)
{
	const char *given = getenv("HWS_SEED");
	uint64_t value = given ? strtoull(given, NULL, 0) : 4711;

	return value ? value : 1;
}

#endif
