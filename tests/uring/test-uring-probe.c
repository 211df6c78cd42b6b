/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The probe where io_uring works, and under filters that refuse it in each way. */
#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <stddef.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/suite.h"
#include "uring/probe.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* From here on this process gets @action for @call. */
static void filter(uint32_t call, uint32_t action)
{
	struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, call, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, action),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog program = { .len = COUNT(code), .filter = code };

	ck_assert_int_eq(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), 0);
	ck_assert_int_eq(prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program), 0);
}

START_TEST(probe_runs_a_ring_where_it_can)
{
	struct hws_uring_report report;
	int before = open("/dev/null", O_RDONLY);

	ck_ok(hws_uring_probe(&report));
	ck_assert_int_eq(waitpid(-1, NULL, WNOHANG | __WALL), -1); /* no child is left */
	close(before);
	ck_assert_int_eq(open("/dev/null", O_RDONLY), before); /* nor a descriptor */
	ck_assert_int_eq(report.code == 0, report.why[0] == '\0');
	need_where("uring", report.code == 0, report.why);
	ck_assert_uint_ge(report.last_op, 40); /* 5.10 and later */
	ck_assert_uint_ne(report.features, 0);
	ck_assert_uint_ne(report.setup_flags, 0);
	ck_assert_str_eq(report.fix, "");
}
END_TEST

START_TEST(probe_names_the_filter)
{
	static const struct {
		uint32_t call;
		uint32_t action;
		int code;
		const char *why;
	} filters[] = {
		{ SYS_io_uring_setup, SECCOMP_RET_ERRNO | EPERM, -EPERM, "seccomp" },
		{ SYS_io_uring_setup, SECCOMP_RET_ERRNO | EACCES, -EACCES, "seccomp" },
		{ SYS_io_uring_setup, SECCOMP_RET_ERRNO | ENOSYS, -ENOSYS, "seccomp" },
		{ SYS_io_uring_setup, SECCOMP_RET_ERRNO | EINVAL, -EINVAL, "too old" },
		{ SYS_io_uring_setup, SECCOMP_RET_ERRNO | ENOMEM, -ENOMEM, "locked memory" },
		{ SYS_io_uring_setup, SECCOMP_RET_ERRNO | EMFILE, -EMFILE, "open files" },
		{ SYS_io_uring_setup, SECCOMP_RET_ERRNO | EXDEV, -EXDEV, "" },
		{ SYS_io_uring_setup, SECCOMP_RET_KILL_PROCESS, -ECANCELED, "kills" },
		{ SYS_io_uring_enter, SECCOMP_RET_KILL_PROCESS, -ECANCELED, "kills" },
		{ SYS_io_uring_enter, SECCOMP_RET_ERRNO | EPERM, -EPERM, "seccomp" },
	};
	struct hws_uring_report report;

	ck_ok(hws_uring_probe(&report));
	need_where("uring", report.code == 0, report.why);
	for (size_t i = 0; i < COUNT(filters); i++) {
		int status = -1;
		pid_t child = fork();

		if (child == 0) {
			filter(filters[i].call, filters[i].action);
			if (hws_uring_probe(&report) < 0 || report.code != filters[i].code)
				_exit(2);
			_exit(strstr(report.why, filters[i].why) && report.why[0] ? 0 : 3);
		}
		ck_assert_int_eq(waitpid(child, &status, 0), child);
		ck_assert_msg(status == 0, "filter %zu: status 0x%x", i, (unsigned int)status);
	}
}
END_TEST

/* In a child that ends at once: nothing else can be started under this filter. */
static void probe_without_children(void *context)
{
	struct hws_uring_report report = { .last_op = 4711 };

	(void)context;
	filter(SYS_clone, SECCOMP_RET_ERRNO | EAGAIN);
	filter(SYS_clone3, SECCOMP_RET_ERRNO | ENOSYS);
	_exit(hws_uring_probe(&report) == -EAGAIN && report.last_op == 4711 ? 0 : 1);
}

START_TEST(probe_tells_when_there_is_no_child)
{
	need_kernel("filter of system calls");
	ck_assert_int_eq(suite_child(probe_without_children, NULL), 0);
}
END_TEST

START_TEST(probe_forks_where_clone3_is_hidden)
{
	struct hws_uring_report with;
	struct hws_uring_report without;

	need_kernel("filter of system calls");
	ck_ok(hws_uring_probe(&with));
	filter(SYS_clone3, SECCOMP_RET_ERRNO | ENOSYS);
	ck_ok(hws_uring_probe(&without));
	ck_assert_int_eq(with.code == 0, without.code == 0);
}
END_TEST

START_TEST(probe_works_for_who_ignores_children)
{
	struct hws_uring_report before;
	struct hws_uring_report after;

	need_kernel("filter of system calls");
	ck_ok(hws_uring_probe(&before));
	signal(SIGCHLD, SIG_IGN);
	filter(SYS_clone3, SECCOMP_RET_ERRNO | ENOSYS);
	ck_ok(hws_uring_probe(&after));
	ck_assert_int_eq(before.code == 0, after.code == 0);
}
END_TEST

START_TEST(setup_flags_are_single_bits_with_names)
{
	uint32_t all = 0;
	uint32_t flag = 0;
	unsigned int count = 0;

	for (; hws_uring_setup_flag(count, &flag); count++) {
		ck_assert_uint_ne(flag, 0);
		ck_assert_uint_eq(flag & (flag - 1), 0);
		ck_assert_uint_eq(all & flag, 0);
		all |= flag;
	}
	ck_assert_uint_gt(count, 0);
	flag = 77;
	ck_assert_ptr_null(hws_uring_setup_flag(UINT32_MAX, &flag));
	ck_assert_uint_eq(flag, 77);
}
END_TEST

int main(void)
{
	return suite_run("uring/probe",
			 (const TTest *[]) { probe_runs_a_ring_where_it_can, probe_names_the_filter,
					     probe_tells_when_there_is_no_child,
					     probe_forks_where_clone3_is_hidden,
					     probe_works_for_who_ignores_children,
					     setup_flags_are_single_bits_with_names, NULL });
}
