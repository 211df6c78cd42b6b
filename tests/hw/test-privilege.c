/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Who holds the kernel's permission for ports, in the lab: threads, children, programs. */
#include <pthread.h>
#include <sys/wait.h>
#include <unistd.h>

#include "raw-internal.h"
#include "shim/fault-internal.h"
#include "tests/hw/lab-kit.h"

static const char read_port[] =
	"--read-port"; /* this program tries a port, and tells how it went */

/* 0 when the kernel lets this thread at the port; -EPERM when not. */
static int try_port(void)
{
	uint32_t value;
	int r = fault_arm();

	/* SAFETY: reading the clock's data port changes nothing */
	return r < 0 ? r : raw_port_read(DATA, 1, &value);
}

static void *use_foreign_ports(void *context)
{
	struct hws_port *clock = context;
	struct hws_privilege *privilege;
	struct hws *hw = open_native();
	uint8_t value = 0;

	/* the kernel let it in: a thread begins with its maker's ports */
	ck_assert_int_eq(try_port(), 0);
	ck_assert_int_eq(hws_privilege_query(hws_port_privilege(clock), NULL),
			 HWS_PRIVILEGE_FOREIGN);
	ck_denied(hws_port_read8(clock, DATA, &value), HWS_REASON_PRIVILEGE);
	ck_assert_uint_eq(hws_port_get8(clock, DATA), 0xff);
	ck_works(hws_privilege_acquire(hw, INDEX, 2, HWS_RW, &privilege));
	ck_assert_int_eq(hws_privilege_query(privilege, NULL), HWS_PRIVILEGE_HELD);
	ck_works(hws_port_read8(clock, DATA, &value));
	hws_privilege_drop(privilege);
	ck_denied(hws_port_read8(clock, DATA, &value), HWS_REASON_PRIVILEGE);
	ck_assert_int_eq(try_port(), -EPERM);
	hws_close(hw);
	return NULL;
}

START_TEST(thread_asks_for_its_own_privilege)
{
	struct hws *hw;
	struct hws_port *clock;
	pthread_t thread;
	uint8_t value;

	need_lab("rtc");
	hw = open_native();
	clock = open_clock(hw);
	ck_assert_int_eq(pthread_create(&thread, NULL, use_foreign_ports, clock), 0);
	pthread_join(thread, NULL);
	ck_works(hws_port_read8(clock, DATA, &value));
	hws_port_close(clock);
	hws_close(hw);
}
END_TEST

static void *close_foreign_ports(void *clock)
{
	hws_port_close(clock);
	return NULL;
}

START_TEST(ports_closed_by_another_thread_stay_until_all_are_dropped)
{
	struct hws *hw;
	struct hws_port *clock;
	pthread_t thread;

	need_lab("rtc");
	hw = open_native();
	clock = open_clock(hw);
	ck_assert_int_eq(pthread_create(&thread, NULL, close_foreign_ports, clock), 0);
	pthread_join(thread, NULL);
	ck_assert_int_eq(try_port(), 0);
	ck_ok(hws_privilege_drop_all());
	ck_assert_int_eq(try_port(), -EPERM);
	hws_close(hw);
}
END_TEST

START_TEST(ranges_that_overlap_are_given_back_one_by_one)
{
	struct hws *hw;
	struct hws_port *whole;
	struct hws_port *same;
	struct hws_port *part;
	uint8_t value;

	need_lab("rtc");
	hw = open_native();
	whole = open_clock(hw);
	same = open_clock(hw);
	ck_works(hws_port_open(hw, DATA, 1, HWS_R, &part));
	hws_port_close(whole);
	ck_works(hws_port_write8(same, INDEX, 0));
	hws_port_close(same);
	ck_works(hws_port_read8(part, DATA, &value));
	ck_assert_int_eq(try_port(), 0);
	hws_port_close(part);
	ck_assert_int_eq(try_port(), -EPERM);
	hws_close(hw);
}
END_TEST

START_TEST(ports_dropped_are_not_given_back_twice)
{
	struct hws *hw;
	struct hws_port *before;
	struct hws_port *after;
	uint8_t value;

	need_lab("rtc");
	hw = open_native();
	before = open_clock(hw);
	ck_ok(hws_privilege_drop_all());
	after = open_clock(hw);
	hws_port_close(before);
	ck_works(hws_port_read8(after, DATA, &value));
	hws_port_close(after);
	ck_assert_int_eq(try_port(), -EPERM);
	hws_close(hw);
}
END_TEST

static void child_has_no_ports(void *context)
{
	struct hws_port *clock = context;
	struct hws_privilege_status status;
	uint8_t value = 0;

	ck_assert_int_eq(try_port(), -EPERM);
	ck_assert_int_eq(hws_privilege_query(hws_port_privilege(clock), &status),
			 HWS_PRIVILEGE_FORKED);
	ck_assert_int_eq(status.process, getppid());
	ck_denied(hws_port_read8(clock, DATA, &value), HWS_REASON_PRIVILEGE);
	hws_port_close(clock);
}

START_TEST(forked_child_has_lost_its_ports)
{
	struct hws *hw;
	struct hws_port *clock;
	uint8_t value;

	need_lab("rtc");
	hw = open_native();
	clock = open_clock(hw);
	ck_assert_int_eq(suite_child(child_has_no_ports, clock), 0);
	ck_works(hws_port_read8(clock, DATA, &value));
	hws_port_close(clock);
	hws_close(hw);
}
END_TEST

static void child_reaches_no_port(void *unused)
{
	(void)unused;
	ck_assert_int_eq(try_port(), -EPERM);
}

static void *fork_without_asking(void *status)
{
	/* as above: the kernel let it in */
	ck_assert_int_eq(try_port(), 0);
	*(int *)status = suite_child(child_reaches_no_port, NULL);
	return NULL;
}

START_TEST(child_of_a_thread_that_never_asked_has_lost_them_too)
{
	struct hws *hw;
	struct hws_port *clock;
	pthread_t thread;
	int status = -1;

	need_lab("rtc");
	hw = open_native();
	clock = open_clock(hw);
	ck_assert_int_eq(pthread_create(&thread, NULL, fork_without_asking, &status), 0);
	pthread_join(thread, NULL);
	ck_assert_int_eq(status, 0);
	hws_port_close(clock);
	hws_close(hw);
}
END_TEST

/* In a child of its own: opens the ports, then becomes another program. */
static void exec_with_ports(void *drop)
{
	struct hws *hw = open_native();
	struct hws_port *clock = open_clock(hw);
	uint8_t value;

	if (drop) {
		ck_ok(hws_privilege_drop_all());
		ck_assert_int_eq(hws_privilege_query(hws_port_privilege(clock), NULL),
				 HWS_PRIVILEGE_DROPPED);
		ck_denied(hws_port_read8(clock, DATA, &value), HWS_REASON_PRIVILEGE);
	}
	execl("/proc/self/exe", "test-privilege", read_port, (char *)NULL);
	_exit(99);
}

START_TEST(program_after_exec_has_ports_unless_they_were_dropped)
{
	bool drop = true;

	need_lab("rtc");
	ck_assert_int_eq(WEXITSTATUS(suite_child(exec_with_ports, NULL)), 0);
	ck_assert_int_eq(WEXITSTATUS(suite_child(exec_with_ports, &drop)), EPERM);
}
END_TEST

int main(int argc, char **argv)
{
	if (argc == 2 && !strcmp(argv[1], read_port))
		return -try_port();
	return suite_run("hw/privilege",
			 (const TTest *[]) {
				 thread_asks_for_its_own_privilege,
				 ports_closed_by_another_thread_stay_until_all_are_dropped,
				 ranges_that_overlap_are_given_back_one_by_one,
				 ports_dropped_are_not_given_back_twice,
				 forked_child_has_lost_its_ports,
				 child_of_a_thread_that_never_asked_has_lost_them_too,
				 program_after_exec_has_ports_unless_they_were_dropped,
				 NULL,
			 });
}
