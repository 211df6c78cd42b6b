/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What is tried in a child must leave the caller whole, whatever the kernel does to the child. */
#include <errno.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "shim/sys-internal.h"
#include "tests/suite.h"

static void hang(void *context)
{
	(void)context;
	for (;;)
		pause();
}

static void die(void *context)
{
	(void)context;
	kill(getpid(), SIGKILL);
}

static void store(void *context)
{
	*(volatile int *)context = 1;
}

START_TEST(child_ends_whatever_it_does)
{
	int signal = -1;
	int mine = 0;

	ck_assert_int_eq(sys_child(store, &mine, 5, &signal), 0);
	ck_assert_int_eq(signal, 0);
	ck_assert_int_eq(mine, 0); /* a copy's memory is its own */
	ck_assert_int_eq(sys_child(die, NULL, 5, &signal), -ECANCELED);
	ck_assert_int_eq(signal, SIGKILL);
	ck_assert_int_eq(sys_child(hang, NULL, 1, &signal), -ETIMEDOUT);
	ck_assert_int_eq(signal, SIGALRM);
}
END_TEST

/* A handler of the caller's must not hear of a child that isn't its own. */
static volatile sig_atomic_t heard;

static void hear(int signal)
{
	(void)signal;
	heard = 1;
}

START_TEST(child_is_not_heard_of)
{
	int signal_of_child;
	int mine = 0;

	need_kernel("children without a signal");
	signal(SIGCHLD, hear);
	ck_assert_int_eq(sys_child(store, &mine, 5, &signal_of_child), 0);
	ck_assert_int_eq(heard, 0);
	ck_assert_int_eq(waitpid(-1, NULL, WNOHANG | __WALL), -1);
}
END_TEST

int main(void)
{
	return suite_run("shim/child", (const TTest *[]) { child_ends_whatever_it_does,
							   child_is_not_heard_of, NULL });
}
