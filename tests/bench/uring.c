/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <stddef.h>

#include "tests/bench/uring.h"

int main(int argc, char **argv)
{
	static const struct bench_case *const parts[] = {
		uring_raw_cases, uring_read_cases, uring_net_cases, uring_buf_cases, NULL,
	};

	return bench_main_parts("uring", parts, argc, argv);
}
