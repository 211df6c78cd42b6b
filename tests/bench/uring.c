/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <stddef.h>

#include "tests/bench/uring.h"

enum { CASES_MAX = 64 };

static const struct bench_case *const parts[] = {
	uring_raw_cases,
	uring_read_cases,
	uring_net_cases,
	uring_buf_cases,
};

int main(int argc, char **argv)
{
	struct bench_case cases[CASES_MAX + 1] = { 0 };
	size_t count = 0;

	for (size_t part = 0; part < sizeof(parts) / sizeof(parts[0]); part++)
		for (const struct bench_case *at = parts[part]; at->name && count < CASES_MAX; at++)
			cases[count++] = *at;
	return bench_main("uring", cases, argc, argv);
}
