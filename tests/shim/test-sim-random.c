/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

#include "tests/shim/sim-kit.h"

enum { OPERATIONS = 100000, THREADS = 2, PER_THREAD = 20000 };

/* Numbers that lie near limits more often than chance has it. */
static uint64_t odd_number(uint64_t *state)
{
	static const uint64_t limits[] = { 0,	   1,	       0x80,	   0xff,	  0x100,
					   0x1000, 0x40000,    0xffff,	   UINT32_MAX,	  1u << 31,
					   0x10,   0xc0000080, UINT64_MAX, UINT64_MAX / 2 };
	uint64_t number = random_next(state);

	switch (number % 4) {
	case 0:
		return limits[number / 4 % COUNT(limits)] + number / 64 % 3 - 1;
	case 1:
		return number / 4 % 0x100;
	case 2:
		return number / 4 % 0x2000 & ~UINT64_C(3);
	default:
		return number;
	}
}

static uint32_t odd_width(uint64_t *state)
{
	static const uint32_t widths[] = { 1, 2, 4, 8, 4, 8, 0, 3, 16, UINT32_MAX };

	return widths[random_next(state) % COUNT(widths)];
}

static uint64_t ones(uint32_t width)
{
	return width < 8 ? (UINT64_C(1) << 8 * width) - 1 : UINT64_MAX;
}

static struct hws_bdf odd_bdf(uint64_t *state)
{
	uint64_t number = random_next(state);

	return (struct hws_bdf) { .domain = number % 64 == 0,
				  .device = (uint8_t)(number / 64 % 8),
				  .function = number / 512 % 16 == 0 };
}

/* One access of any kind with any arguments; checks what holds for all. */
static void random_port(void *sim, uint64_t *state)
{
	struct hws_window ports;
	uint16_t first = (uint16_t)odd_number(state);
	uint32_t width = odd_width(state);
	uint32_t value = 1;
	int r = sim_ops.port_open(sim, first, (uint32_t)(odd_number(state) % 0x11000),
				  (enum hws_rights)(random_next(state) % 4), &ports);

	if (r < 0) {
		ck_assert_int_eq(r, -ERANGE);
		return;
	}
	r = sim_ops.port_read(sim, &ports, (uint16_t)odd_number(state), width, &value);
	ck_assert(r == 0 || value == (uint32_t)ones(width));
	ck_assert_uint_le(value, ones(width));
	sim_ops.port_write(sim, &ports, (uint16_t)odd_number(state), odd_width(state),
			   (uint32_t)random_next(state));
	sim_ops.port_close(sim, &ports);
}

static void random_msr(void *sim, uint64_t *state)
{
	uint64_t value = 1;
	int r = sim_ops.msr_read(sim, (uint32_t)(random_next(state) % 5),
				 (uint32_t)odd_number(state), &value);

	ck_assert(r == 0 || ((r == -EIO || r == -ENODEV) && value == UINT64_MAX));
	r = sim_ops.msr_write(sim, (uint32_t)odd_number(state), (uint32_t)odd_number(state), value);
	ck_assert(r == 0 || r == -EIO || r == -ENODEV);
}

static void random_pci(void *sim, uint64_t *state)
{
	struct hws_bdf bdf = odd_bdf(state);
	uint32_t width = odd_width(state);
	uint32_t value = 1;
	int r = sim_ops.pci_read(sim, bdf, (uint32_t)odd_number(state), width, &value);

	ck_assert(r == 0 || value == (uint32_t)ones(width));
	r = sim_ops.pci_write(sim, bdf, (uint32_t)odd_number(state), odd_width(state),
			      (uint32_t)random_next(state));
	ck_assert(r == 0 || r == -EINVAL || r == -ERANGE || r == -ENODEV);
	sim_ops.pci_next(sim, &bdf, &bdf);
}

static void random_bar(void *sim, uint64_t *state)
{
	struct hws_window window;
	uint32_t width = odd_width(state);
	uint64_t value = 1;
	int r = sim_ops.bar_map(sim, odd_bdf(state), (uint32_t)(random_next(state) % 3),
				odd_number(state) % 0x2000, random_next(state) % 2 ? 0 : 0x200,
				(enum hws_rights)(random_next(state) % 4), &window);

	if (r < 0)
		return;
	for (int i = 0; i < 4; i++) {
		uint64_t offset = odd_number(state);

		r = sim_ops.mmio_read(sim, &window, offset, width, &value);
		ck_assert(r == 0 || value == ones(width));
		ck_assert(r < 0 || hws_range_ok(offset, width, window.size));
		sim_ops.mmio_write(sim, &window, odd_number(state), odd_width(state),
				   odd_number(state));
	}
	sim_ops.bar_unmap(sim, &window);
}

static void random_cpuid(void *sim, uint64_t *state)
{
	uint32_t regs[4];

	ck_ok(sim_ops.cpuid(sim, (uint32_t)odd_number(state), (uint32_t)odd_number(state), regs));
	sim_ops.timestamp(sim);
}

static void random_access(void *sim, uint64_t *state)
{
	static void (*const any[])(void *, uint64_t *) = { random_port, random_msr, random_pci,
							   random_bar, random_cpuid };

	any[random_next(state) % COUNT(any)](sim, state);
}

START_TEST(random_operations_keep_the_machine_whole)
{
	uint64_t state = seed();
	void *sim = machine(NULL);

	for (int i = 0, rounds = suite_rounds(OPERATIONS); i < rounds; i++)
		random_access(sim, &state);
	ck_assert_uint_eq(stats_of(sim).windows, 0);
	ck_assert_uint_gt(stats_of(sim).outside, 0);
	sim_ops.close(sim);
}
END_TEST

START_TEST(same_operations_give_the_same_machine)
{
	uint64_t end[2];
	struct sim_stats stats[2];

	for (int run = 0; run < 2; run++) {
		uint64_t state = seed() + 1;
		void *sim = machine(NULL);

		for (int i = 0, rounds = suite_rounds(5000); i < rounds; i++)
			random_access(sim, &state);
		stats[run] = stats_of(sim);
		end[run] = sim_ops.timestamp(sim);
		sim_ops.close(sim);
	}
	ck_assert_mem_eq(&stats[0], &stats[1], sizeof(stats[0]));
	ck_assert_uint_eq(end[0], end[1]);
}
END_TEST

struct worker {
	pthread_t thread;
	void *sim;
	uint64_t state;
};

static void *work(void *argument)
{
	struct worker *worker = argument;

	for (int i = 0, rounds = suite_rounds(PER_THREAD); i < rounds; i++)
		random_access(worker->sim, &worker->state);
	return NULL;
}

START_TEST(threads_share_a_machine)
{
	void *sim = machine(NULL);
	struct worker workers[THREADS];

	for (int i = 0; i < THREADS; i++) {
		workers[i] = (struct worker) { .sim = sim, .state = seed() + (uint64_t)i };
		ck_assert_int_eq(pthread_create(&workers[i].thread, NULL, work, &workers[i]), 0);
	}
	for (int i = 0; i < THREADS; i++)
		pthread_join(workers[i].thread, NULL);
	ck_assert_uint_eq(stats_of(sim).windows, 0);
	sim_ops.close(sim);
}
END_TEST

static void *count_up(void *argument)
{
	struct worker *worker = argument;
	struct hws_window bar = bar_of(worker->sim, "00:05.0", 0);

	for (int i = 0, rounds = suite_rounds(PER_THREAD); i < rounds; i++)
		worker->state += get(worker->sim, &bar, 0x24, 4);
	sim_ops.bar_unmap(worker->sim, &bar);
	return NULL;
}

START_TEST(no_access_is_lost_between_threads)
{
	void *sim = machine(NULL);
	struct worker workers[THREADS];
	uint64_t all = (uint64_t)THREADS * (uint64_t)suite_rounds(PER_THREAD);
	uint64_t sum = 0;

	for (int i = 0; i < THREADS; i++) {
		workers[i] = (struct worker) { .sim = sim };
		ck_assert_int_eq(pthread_create(&workers[i].thread, NULL, count_up, &workers[i]),
				 0);
	}
	for (int i = 0; i < THREADS; i++) {
		pthread_join(workers[i].thread, NULL);
		sum += workers[i].state;
	}
	ck_assert_uint_eq(sum, all * (all - 1) / 2); /* each count was seen once */
	ck_assert_uint_eq(stats_of(sim).reads[SIM_MMIO], all);
	ck_assert_uint_eq(stats_of(sim).outside, 0);
	sim_ops.close(sim);
}
END_TEST

int main(void)
{
	return suite_run("shim/sim-random", (const TTest *[]) {
						    random_operations_keep_the_machine_whole,
						    same_operations_give_the_same_machine,
						    threads_share_a_machine,
						    no_access_is_lost_between_threads,
						    NULL,
					    });
}
