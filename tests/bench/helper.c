/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <stddef.h>

#include "tests/bench/helper.h"

int main(int argc, char **argv)
{
	static const struct bench_case *const parts[] = { helper_ask_cases, helper_flood_cases,
							  helper_run_cases, NULL };

	return bench_main_parts("helper", parts, argc, argv);
}
