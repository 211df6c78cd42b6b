/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Every allocation of the library's fails once: linked with --wrap=calloc,--wrap=malloc. */
#include <errno.h>

#include "tests/shim/sim-kit.h"

void *__real_calloc(size_t count, size_t size);
void *__real_malloc(size_t size);
void *__wrap_calloc(size_t count, size_t size);
void *__wrap_malloc(size_t size);

static long left = -1; /* allocations until one fails; negative: none does */

static bool fails(void)
{
	return left >= 0 && left-- == 0;
}

void *__wrap_calloc(size_t count, size_t size)
{
	return fails() ? NULL : __real_calloc(count, size);
}

void *__wrap_malloc(size_t size)
{
	return fails() ? NULL : __real_malloc(size);
}

START_TEST(check_reports_each_lack_of_memory)
{
	long n = 0;
	int r;

	do {
		left = n++;
		r = hws_sim_check(hws_sim_default(), NULL, NULL, NULL);
		left = -1;
		ck_assert(r == 0 || r == -ENOMEM);
	} while (r < 0);
	ck_assert_int_gt(n, 60); /* it needed that many */
}
END_TEST

START_TEST(open_gives_nothing_without_memory)
{
	long n = 0;
	void *sim;
	int r;

	do {
		sim = &n;
		left = n++;
		r = sim_ops.open(NULL, &sim);
		left = -1;
		ck_assert(r == 0 || (r == -ENOMEM && sim == &n));
	} while (r < 0);
	ck_assert_int_gt(n, 70);
	sim_ops.close(sim);
}
END_TEST

int main(void)
{
	return suite_run("shim/sim-memory",
			 (const TTest *[]) { check_reports_each_lack_of_memory,
					     open_gives_nothing_without_memory, NULL });
}
