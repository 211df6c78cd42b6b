/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The rings' suite is made of these parts, each a table as bench_main() takes it. */
#ifndef HWSAFE_TESTS_BENCH_URING_H
#define HWSAFE_TESTS_BENCH_URING_H

#include <liburing.h>

#include "tests/bench/bench.h"
#include "uring/ring.h"

extern const struct bench_case uring_raw_cases[];
extern const struct bench_case uring_read_cases[];
extern const struct bench_case uring_net_cases[];
extern const struct bench_case uring_buf_cases[];

/* A raw ring with the flags and the sizes that the library's has got. 0 or -errno. */
int uring_open_like(const struct hws_ring *ring, uint32_t depth, struct io_uring *ret_raw);

/* A file of so many bytes, gone with its descriptor; @flags as O_DIRECT. The fd or -errno. */
int uring_open_file(uint64_t size, int flags);

#endif
