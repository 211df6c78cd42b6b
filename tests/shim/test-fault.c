/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "raw-internal.h"
#include "shim/fault-internal.h"
#include "tests/suite.h"

static bool architecture_known(void)
{
	return RAW_ARCH != HWS_ARCH_UNKNOWN;
}
#define need_faults() \
	need("fault", architecture_known(), "faults can't be caught on this architecture")

static void *closed_page(void)
{
	void *page = mmap(NULL, 4096, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	ck_assert_ptr_ne(page, MAP_FAILED);
	return page;
}

/* A page of a file that has become shorter: touching it is SIGBUS, as when a device is gone. */
static void *lost_page(void)
{
	FILE *file = tmpfile();
	void *page;

	ck_assert_ptr_nonnull(file);
	ck_assert_int_eq(ftruncate(fileno(file), 4096), 0);
	page = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fileno(file), 0);
	ck_assert_ptr_ne(page, MAP_FAILED);
	ck_assert_int_eq(ftruncate(fileno(file), 0), 0);
	return page;
}

static void check_every_width(void *page)
{
	uint8_t v8 = 0;
	uint16_t v16 = 0;
	uint32_t v32 = 0;
	uint64_t v64 = 0;

	ck_assert_int_eq(raw_load8(page, &v8), -EIO);
	ck_assert_int_eq(raw_load16(page, &v16), -EIO);
	ck_assert_int_eq(raw_load32(page, &v32), -EIO);
	ck_assert_int_eq(raw_load64(page, &v64), -EIO);
	ck_assert_uint_eq(v8, UINT8_MAX);
	ck_assert_uint_eq(v16, UINT16_MAX);
	ck_assert_uint_eq(v32, UINT32_MAX);
	ck_assert_uint_eq(v64, UINT64_MAX);
	ck_assert_int_eq(raw_store8(page, 1), -EIO);
	ck_assert_int_eq(raw_store16(page, 1), -EIO);
	ck_assert_int_eq(raw_store32(page, 1), -EIO);
	ck_assert_int_eq(raw_store64(page, 1), -EIO);
}

START_TEST(raw_access_gives_all_ones_when_the_page_is_closed)
{
	uint64_t before = fault_count();

	need_faults();
	ck_ok(fault_arm());
	check_every_width(closed_page());
	ck_assert_uint_eq(fault_count() - before, 8);
}
END_TEST

START_TEST(raw_access_gives_all_ones_when_the_device_is_lost)
{
	need_faults();
	ck_ok(fault_arm());
	check_every_width(lost_page());
}
END_TEST

START_TEST(raw_access_works_where_there_is_memory)
{
	uint64_t memory = UINT64_C(0x1122334455667788);
	uint8_t v8;
	uint16_t v16;
	uint32_t v32;
	uint64_t v64;

	need_faults();
	ck_assert_int_eq(raw_load8(&memory, &v8), 0);
	ck_assert_int_eq(raw_load16(&memory, &v16), 0);
	ck_assert_int_eq(raw_load32(&memory, &v32), 0);
	ck_assert_int_eq(raw_load64(&memory, &v64), 0);
	ck_assert_uint_eq(v8, 0x88);
	ck_assert_uint_eq(v16, 0x7788);
	ck_assert_uint_eq(v32, 0x55667788);
	ck_assert_uint_eq(v64, memory);
	ck_assert_int_eq(raw_store8(&memory, 0xaa), 0);
	ck_assert_int_eq(raw_store16((char *)&memory + 2, 0xbbbb), 0);
	ck_assert_int_eq(raw_store32((char *)&memory + 4, 0xcccccccc), 0);
	ck_assert_uint_eq(memory, UINT64_C(0xccccccccbbbb77aa));
	ck_assert_int_eq(raw_store64(&memory, 5), 0);
	ck_assert_uint_eq(memory, 5);
}
END_TEST

START_TEST(port_access_without_permission_is_refused_not_killed)
{
	uint32_t value = 0;

	need("ports", RAW_HAS_PORTS, "this architecture has no port instructions");
	ck_ok(fault_arm());
	for (uint32_t width = 1; width <= 4; width *= 2) {
		ck_assert_int_eq(raw_port_read(0x80, width, &value), -EPERM);
		ck_assert_uint_eq(value, UINT32_MAX >> (32 - 8 * width));
		ck_assert_int_eq(raw_port_write(0x80, width, 0), -EPERM);
	}
}
END_TEST

/* The kernel ends a process at a fault that it may not deliver. */
static void block_arm_and_load(void *page)
{
	sigset_t all;
	uint32_t value;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, NULL);
	if (fault_arm() == 0 && raw_load32(page, &value) == -EIO &&
	    pthread_sigmask(SIG_SETMASK, NULL, &all) == 0 && sigismember(&all, SIGTERM) &&
	    !sigismember(&all, SIGBUS))
		_exit(42);
}

START_TEST(thread_that_blocks_all_signals_lives_on)
{
	need_faults();
	ck_assert_int_eq(WEXITSTATUS(suite_child(block_arm_and_load, closed_page())), 42);
}
END_TEST

static void arm_and_touch(void *page)
{
	if (fault_arm() == 0)
		*(volatile char *)page;
}

static void arm_and_kill(void *signal)
{
	if (fault_arm() == 0)
		kill(getpid(), *(const int *)signal);
	_exit(3);
}

static void ignore_arm_and_kill(void *signal)
{
	struct sigaction ignore = { .sa_handler = SIG_IGN };

	sigaction(SIGSEGV, &ignore, NULL);
	arm_and_kill(signal);
}

static void no_core_message(int signal)
{
	(void)signal;
	_exit(17);
}

static void once_only_handler(void *page)
{
	struct sigaction once_only = { .sa_handler = no_core_message,
				       .sa_flags = (int)SA_RESETHAND };

	sigaction(SIGSEGV, &once_only, NULL);
	arm_and_touch(page);
}

START_TEST(foreign_fault_still_kills)
{
	int status;
	int signal = SIGSEGV;

	need_faults();
	status = suite_child(arm_and_touch, closed_page());
	ck_assert(suite_died(status, SIGSEGV));
	status = suite_child(arm_and_kill, &signal);
	ck_assert(suite_died(status, SIGSEGV));
	signal = SIGBUS;
	status = suite_child(arm_and_kill, &signal);
	ck_assert(suite_died(status, SIGBUS));
}
END_TEST

START_TEST(earlier_disposition_is_honoured)
{
	int signal = SIGSEGV;

	need_faults();
	ck_assert_int_eq(WEXITSTATUS(suite_child(ignore_arm_and_kill, &signal)), 3);
	ck_assert_int_eq(WEXITSTATUS(suite_child(once_only_handler, closed_page())), 17);
}
END_TEST

/* A program's own handler, as runtimes have them: it leaves by a jump, or passes on. */
static sigjmp_buf escape;
static struct sigaction older;
static _Atomic int caught;

static void jumping_handler(int signal, siginfo_t *info, void *context)
{
	(void)signal, (void)info, (void)context;
	caught++;
	siglongjmp(escape, 1);
}

static void passing_handler(int signal, siginfo_t *info, void *context)
{
	caught++;
	older.sa_sigaction(signal, info, context);
}

static void install(void (*handler)(int, siginfo_t *, void *))
{
	struct sigaction action = { .sa_sigaction = handler, .sa_flags = SA_SIGINFO };

	ck_assert_int_eq(sigaction(SIGSEGV, &action, &older), 0);
}

static void foreign_fault(void *page)
{
	if (sigsetjmp(escape, 1) == 0)
		*(volatile char *)page;
}

START_TEST(earlier_handler_gets_foreign_faults_only)
{
	uint32_t value;
	void *page = closed_page();

	need_faults();
	install(jumping_handler);
	ck_ok(fault_arm());
	for (int i = 1; i <= 3; i++) {
		foreign_fault(page);
		ck_assert_int_eq(caught, i);
		ck_assert_int_eq(raw_load32(page, &value), -EIO);
		ck_assert_int_eq(caught, i);
	}
}
END_TEST

START_TEST(later_handler_that_passes_on_keeps_us_working)
{
	uint32_t value;
	void *page = closed_page();

	need_faults();
	install(jumping_handler);
	ck_ok(fault_arm());
	install(passing_handler);
	ck_assert_int_eq(raw_load32(page, &value), -EIO);
	ck_assert_int_eq(caught, 1);
	ck_ok(fault_arm());
	ck_assert_int_eq(raw_load32(page, &value), -EIO);
	ck_assert_int_eq(caught, 1);
	foreign_fault(page);
	ck_assert_int_eq(caught, 3);
}
END_TEST

START_TEST(arm_again_puts_us_in_front_of_a_handler_that_replaced_us)
{
	uint32_t value;
	void *page = closed_page();

	need_faults();
	ck_ok(fault_arm());
	ck_ok(fault_arm());
	for (int i = 1; i < FAULT_ARMS; i++) {
		install(jumping_handler);
		ck_ok(fault_arm());
		ck_assert_int_eq(raw_load32(page, &value), -EIO);
		foreign_fault(page);
		ck_assert_int_eq(caught, i);
	}
	install(jumping_handler);
	ck_assert_int_eq(fault_arm(), -EMFILE);
}
END_TEST

static _Atomic int observed;

static void observe(int signal, const siginfo_t *info)
{
	(void)info;
	observed += signal == SIGSEGV;
}

static void observe_otherwise(int signal, const siginfo_t *info)
{
	(void)signal, (void)info;
}

START_TEST(observer_sees_faults_without_a_fix_up_only)
{
	uint32_t value;
	void *page = closed_page();

	need_faults();
	install(jumping_handler);
	ck_ok(fault_arm());
	ck_ok(fault_observe(observe));
	ck_ok(fault_observe(observe));
	ck_assert_int_eq(fault_observe(observe_otherwise), -EALREADY);
	ck_assert_int_eq(raw_load32(page, &value), -EIO);
	ck_assert_int_eq(observed, 0);
	foreign_fault(page);
	ck_assert_int_eq(observed, 1);
	ck_assert_int_eq(caught, 1);
}
END_TEST

/* Emulated processors take their time. */
static int often(void)
{
	return suite_in_lab() ? 1000 : 10000;
}

static void *fault_often(void *page)
{
	long wrong = 0;

	for (int i = 0; i < often(); i++) {
		uint32_t value = 0;

		wrong += raw_load32(page, &value) != -EIO || value != UINT32_MAX;
	}
	return (void *)wrong;
}

START_TEST(faults_in_many_threads_go_on)
{
	enum { THREADS = 8 };
	pthread_t thread[THREADS];
	void *page = closed_page();
	void *wrong;

	need_faults();
	ck_ok(fault_arm());
	for (int i = 0; i < THREADS; i++)
		ck_assert_int_eq(pthread_create(&thread[i], NULL, fault_often, page), 0);
	for (int i = 0; i < THREADS; i++) {
		pthread_join(thread[i], &wrong);
		ck_assert_ptr_null(wrong);
	}
	ck_assert_uint_eq(fault_count(), (uint64_t)(THREADS * often()));
}
END_TEST

int main(void)
{
	return suite_run("shim/fault",
			 (const TTest *[]) {
				 raw_access_works_where_there_is_memory,
				 raw_access_gives_all_ones_when_the_page_is_closed,
				 raw_access_gives_all_ones_when_the_device_is_lost,
				 thread_that_blocks_all_signals_lives_on,
				 port_access_without_permission_is_refused_not_killed,
				 foreign_fault_still_kills,
				 earlier_disposition_is_honoured,
				 earlier_handler_gets_foreign_faults_only,
				 later_handler_that_passes_on_keeps_us_working,
				 arm_again_puts_us_in_front_of_a_handler_that_replaced_us,
				 observer_sees_faults_without_a_fix_up_only,
				 faults_in_many_threads_go_on,
				 NULL,
			 });
}
