/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What hwprobe bench measures: works of ours, each with bare work of the same kind. */
#ifndef HWPROBE_BENCH_WORK_H
#define HWPROBE_BENCH_WORK_H

#include "hw/hwprobe/reach.h"

enum { BENCH_BATCH = 32, BENCH_BLOCK = 4096 };

/* All that the works need. */
struct bench {
	struct hws *hw;
	struct reach reach; /* the register that was named; empty: none was */
	struct hws_mmio *mmio;
	struct hws_msr *msr;
	struct hws_ring *ring;
	struct hws_buf bufs[BENCH_BATCH];
	_Atomic uint32_t memory;
	char block[BENCH_BLOCK];
	int fd;
	struct {
		struct hws *hw;
		struct hws_msr *msr;
		struct hws_port *port;
		int msr_fd;
		int port_fd;
	} real; /* this machine's own */
};

/* Does it so often as ->times says. 0 or -errno. */
typedef int work_fn(struct bench *b);

struct pair {
	const char *name; /* NULL ends the table */
	const char *what;
	const char *base_what;
	work_fn *ours;
	work_fn *base;
	unsigned int times;
	bool (*can)(const struct bench *b); /* NULL: always */
};
extern const struct pair bench_pairs[];
extern const struct pair bench_real_pairs[];

/* All but the register. 0 or -errno; bench_end() in any case. */
int bench_begin(struct bench *b);
/* The register that the call names, or one of the simulated machine; else it was told. */
enum result bench_register(const struct call *call, struct bench *b);
void bench_end(struct bench *b);

/* This machine's own registers, as far as the call may read them; in bench-real.c. */
enum result bench_real_begin(const struct call *call, struct bench *b);
void bench_real_end(struct bench *b);

#endif
