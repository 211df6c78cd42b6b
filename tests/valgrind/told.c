/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What valgrind can't see, preloaded into the tests it runs. io_uring writes to memory that no
 * system call names: memcheck would take it for memory that nobody wrote. And a child that a test
 * makes of itself ends where it likes: what it leaves is no loss.
 */
#include <pthread.h>
#include <valgrind/memcheck.h>

#include "uring/op-internal.h"

/* Stands before the library's own, which copies what the kernel wrote into the bounce buffer. */
int I_WRAP_SONAME_FNNAME_ZU(NONE, extra_copy_in)(struct hws_ring *ring, const struct op *op,
						 uint64_t size)
{
	OrigFn copy_in;
	int result;

	VALGRIND_GET_ORIG_FN(copy_in);
	(void)VALGRIND_MAKE_MEM_DEFINED(op->extra->bounce, op->extra->size);
	CALL_FN_W_WWW(result, copy_in, ring, op, size);
	return result;
}

/* The test program makes a child for each test; that one's children are the tests' own. */
static int generation;

static void count_generation(void)
{
	if (++generation > 1)
		VALGRIND_PRINTF("child of a test\n");
}

__attribute__((constructor)) static void watch_forks(void)
{
	pthread_atfork(NULL, NULL, count_generation);
}
