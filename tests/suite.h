/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * One way to write a test program: list the tests, run them, print TAP.
 *
 *	START_TEST(thing_does_when)
 *	{
 *		need("pku", cpu_has_pku(), "this processor has no protection keys");
 *		…
 *	}
 *	END_TEST
 *
 *	int main(void)
 *	{
 *		return suite_run("shim/once", (const TTest *[]){ thing_does_when, NULL });
 *	}
 *
 * Each test runs in a child of its own. A test that needs what this machine
 * lacks is skipped, loudly; where HWS_MUST_RUN (a comma list) names the
 * lacking thing, or is "all", that is a failure.
 */
#ifndef HWSAFE_TESTS_SUITE_H
#define HWSAFE_TESTS_SUITE_H

#include <check.h>
#include <stdbool.h>

/* Built with a sanitizer that has a run time of its own? gcc and clang say it differently. */
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define SUITE_SANITIZED 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define SUITE_SANITIZED 1
#endif
#endif
#ifndef SUITE_SANITIZED
#define SUITE_SANITIZED 0
#endif

#define SUITE_SECONDS 120 /* for one test; much, since machines are slow and busy */

/* Runs the tests (a list that ends with NULL); TAP on stdout; gives main's result. */
int suite_run(const char *name, const TTest *const *tests);
/* The same with another limit of seconds for each test. */
int suite_run_for(const char *name, const TTest *const *tests, double seconds);

/* Goes on when @have; else ends this test: skipped, or failed where @what must run. */
#define need(what, have, why)                            \
	do {                                             \
		if (!(have)) {                           \
			suite_skip(what, why, __func__); \
			return;                          \
		}                                        \
	} while (0)
void suite_skip(const char *what, const char *why, const char *function);

/* Goes on where the lab's machine has it (HWS_LAB_HAS, a comma list); elsewhere it is no test. */
#define need_lab(what)                                  \
	do {                                            \
		if (!suite_lab_has(what)) {             \
			suite_not_here(what, __func__); \
			return;                         \
		}                                       \
	} while (0)
/* Is the kernel qemu-user's? It lacks much, and its processors are not all alike. */
bool suite_emulated(void);
/* Under valgrind? Then all takes very much longer, and one thread runs at a time. */
bool suite_valgrind(void);
/* How often to try what chance chooses: @count times; fewer where each takes much longer. */
int suite_rounds(int count);
/* Goes on under a kernel; under qemu-user, which does not know @what, the test is skipped. */
#define need_kernel(what) need("kernel", !suite_emulated(), "qemu-user has no " what)
/* The same: what it reads of an eventfd it turns to the other byte order, but not of a copy. */
#define need_copies()                                                                  \
	need("kernel", !suite_emulated() || __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, \
	     "qemu-user has no byte order for descriptors that were copied")
/* In the lab a test for the machines that have it, as need_lab(); elsewhere as need(). */
#define need_where(what, have, why)     \
	do {                            \
		if (suite_in_lab())     \
			need_lab(what); \
		need(what, have, why);  \
	} while (0)
bool suite_in_lab(void);
bool suite_lab_has(const char *what);
void suite_not_here(const char *what, const char *function);

/* A check that is 0 or says which errno it was. */
#define ck_ok(call)                                                            \
	do {                                                                   \
		long ok_ = (long)(call);                                       \
		ck_assert_msg(ok_ >= 0, "%s: %s", #call, strerror((int)-ok_)); \
	} while (0)

/* What a child that ran @body ended with, as waitpid's status: for tests of what must die. */
int suite_child(void (*body)(void *), void *context);
/* Did it die of the signal? (A sanitizer's run time turns that into an exit with a report.) */
bool suite_died(int status, int signal);

#endif
