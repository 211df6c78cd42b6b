/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "tests/bench/hw.h"

int main(int argc, char **argv)
{
	static const struct bench_case *const parts[] = {
		hw_access_cases,
		hw_batch_cases,
		hw_dma_cases,
		NULL,
	};

	return bench_main_parts("hw", parts, argc, argv);
}
