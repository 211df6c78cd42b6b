/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The access kinds' suite is made of these parts, each a table as bench_main() takes it. They run
 * on a machine made of files, DMA and batches on the simulated one; the lab's test counts the same
 * work on real devices.
 */
#ifndef HWSAFE_TESTS_BENCH_HW_H
#define HWSAFE_TESTS_BENCH_HW_H

#include "hw/hwsafe.h"
#include "tests/bench/bench.h"

extern const struct bench_case hw_access_cases[];
extern const struct bench_case hw_batch_cases[];
extern const struct bench_case hw_dma_cases[];

/* On real devices: set before the first case, by who knows that they are there. */
extern bool hw_real;
/* Where each step takes long, time stands still. */
extern bool hw_stepped;

/* A context whose guards let everything through; @backend: on what, where it isn't the real one. */
HWS_MUST int hw_open_context(const char *backend, const char *sysroot, struct hws **ret_hw);

#endif
