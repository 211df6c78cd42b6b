/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Which back end a ring gets, what is said about it, and how one ends that is stuck. */
#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#ifdef __SANITIZE_ADDRESS__
#include <sanitizer/lsan_interface.h>
#else
#define __lsan_disable() ((void)0)
#define __lsan_enable()	 ((void)0)
#endif

#include "guardian/context-internal.h"
#include "hw/hwsafe.h"
#include "tests/uring/rig.h"

/* From now on this process has no io_uring: tests run in a process of their own. */
static bool refuse_call(uint32_t call, unsigned int action)
{
	struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, call, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, action),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog program = { .len = 4, .filter = code };

	return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 &&
	       prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) == 0;
}

static bool lock_up(unsigned int action)
{
	return refuse_call(SYS_io_uring_setup, action);
}

static struct hws_ring_info info_of(struct hws *hw, const struct hws_ring_options *options,
				    char *ret_reduced)
{
	struct hws_ring *ring;
	struct hws_ring_info info;

	ck_assert_msg(hws_ring_open(hw, options, &ring) == 0, "%s", hws_why());
	hws_ring_get_info(ring, &info);
	snprintf(ret_reduced, RING_WHY, "%s", info.reduced);
	ck_ok(hws_nop(ring, 3));
	ck_assert_uint_eq(rig_one(ring).tag, 3);
	rig_close(ring);
	return info;
}

/* What the log was told, and how often. */
struct told {
	int warnings;
	char line[512];
};

static void note_warnings(enum hws_level level, const char *line, void *context)
{
	struct told *told = context;

	if (level != HWS_LEVEL_WARNING || !strstr(line, "a ring goes by"))
		return;
	told->warnings++;
	snprintf(told->line, sizeof(told->line), "%s", line);
}

static struct hws *open_told(struct told *told)
{
	struct hws_options options = {
		.size = sizeof(options),
		.backend = "sim",
		.policy_directory = "/nowhere/policy.d",
		.log = note_warnings,
		.log_context = told,
	};
	struct hws *hw;

	ck_ok(hws_open(&options, &hw));
	return hw;
}

/* What a stuck thread may still use is left to it on purpose: no leak for who looks for leaks. */
const char *__lsan_default_suppressions(void);
const char *__lsan_default_suppressions(void)
{
	return "leak:extra_make\nleak:crew_\nleak:emulate_\n";
}

START_TEST(what_is_asked_for_is_given)
{
	static const char *const names[] = { "epoll", "sync" };
	char reduced[RING_WHY];

	for (size_t i = 0; i < 2; i++) {
		struct hws_ring_options options = { .backend = names[i] };

		ck_assert_str_eq(info_of(NULL, &options, reduced).backend, names[i]);
		ck_assert_str_eq(reduced, "");
		setenv("HWS_RING_BACKEND", names[i], 1);
		ck_assert_str_eq(info_of(NULL, NULL, reduced).backend, names[i]);
		/* the option is nearer */
		options.backend = names[1 - i];
		ck_assert_str_eq(info_of(NULL, &options, reduced).backend, names[1 - i]);
	}
}
END_TEST

static void expect_fall_back(unsigned int action)
{
	struct told told = { 0 };
	struct hws_ring_options native = { .backend = "uring" };
	/* what is off for all needs no filter to be refused */
	bool off = suite_lab_has("no-uring") && action == (SECCOMP_RET_ERRNO | EPERM);
	const char *cause = off ? "kernel.io_uring_disabled" : "seccomp";
	char reduced[RING_WHY];
	struct hws_ring *ring;
	struct hws *hw;

	need("seccomp", lock_up(action), "no filter can be set here");
	hw = open_told(&told);
	for (int i = 0; i < 2; i++) {
		ck_assert_str_eq(info_of(hw, NULL, reduced).backend, "epoll");
		ck_assert_ptr_nonnull(strstr(reduced, cause));
	}
	/* once in a while: which back end, the cause, the remedy */
	ck_assert_int_eq(told.warnings, 1);
	ck_assert_ptr_nonnull(strstr(told.line, "epoll"));
	ck_assert_ptr_nonnull(strstr(told.line, cause));
	ck_assert_ptr_nonnull(strstr(told.line, off ? "sysctl" : "docs/cloud.md"));
	/* when that is over, again */
	hw->ring_warned -= RING_WARN_NS + 1;
	info_of(hw, NULL, reduced);
	info_of(hw, NULL, reduced);
	ck_assert_int_eq(told.warnings, 2);
	hws_close(hw);
	if (action == SECCOMP_RET_KILL_PROCESS)
		return;
	/* who insists is refused */
	ck_assert_int_lt(hws_ring_open(NULL, &native, &ring), 0);
}

START_TEST(a_refused_io_uring_is_done_without)
{
	expect_fall_back(SECCOMP_RET_ERRNO | EPERM);
}
END_TEST

START_TEST(a_hidden_io_uring_is_done_without)
{
	expect_fall_back(SECCOMP_RET_ERRNO | ENOSYS);
}
END_TEST

START_TEST(a_deadly_io_uring_is_done_without)
{
	expect_fall_back(SECCOMP_RET_KILL_PROCESS);
}
END_TEST

START_TEST(a_ring_that_lacks_something_is_told_of)
{
	struct told told = { 0 };
	char reduced[RING_WHY];
	struct hws *hw;

	need_where("uring", rig_has_uring(), "this machine allows no io_uring");
	hw = open_told(&told);
	info_of(hw, NULL, reduced);
	ck_assert_int_eq(told.warnings, reduced[0] != '\0');
	hw->ring_warned = 0;
	told.warnings = 0;
	need("seccomp", refuse_call(SYS_io_uring_register, SECCOMP_RET_ERRNO | ENOMEM),
	     "no filter can be set here");
	ck_assert_str_eq(info_of(hw, NULL, reduced).backend, "uring");
	ck_assert_int_eq(told.warnings, 1);
	ck_assert_ptr_nonnull(strstr(told.line, "RLIMIT_MEMLOCK (ulimit -l)"));
	ck_assert_ptr_nonnull(strstr(told.line, reduced));
	hws_close(hw);
}
END_TEST

/* A filter that came after the first ring: the probe of it is remembered. */
START_TEST(an_io_uring_that_is_refused_later_is_done_without)
{
	struct hws_ring_options defer = { .mode = "defer" };
	char reduced[RING_WHY];
	struct hws_ring *ring;

	need_where("uring", rig_has_uring(), "this machine allows no io_uring");
	ck_assert_str_eq(info_of(NULL, NULL, reduced).backend, "uring");
	need("seccomp", lock_up(SECCOMP_RET_ERRNO | EPERM), "no filter can be set here");
	ck_assert_str_eq(info_of(NULL, NULL, reduced).backend, "epoll");
	ck_assert_ptr_nonnull(strstr(reduced, "seccomp"));
	ck_assert_int_eq(hws_ring_open(NULL, &defer, &ring), -EPERM);
}
END_TEST

static void expect_told(int code)
{
	struct hws_ring *ring = NULL;

	need("seccomp", lock_up(SECCOMP_RET_ERRNO | (unsigned int)code),
	     "no filter can be set here");
	ck_assert_int_eq(hws_ring_open(NULL, NULL, &ring), -code);
	ck_assert_ptr_null(ring);
	ck_assert_str_ne(hws_why(), "");
}

START_TEST(no_memory_is_not_hidden)
{
	expect_told(ENOMEM);
}
END_TEST

START_TEST(no_descriptors_are_not_hidden)
{
	expect_told(EMFILE);
}
END_TEST

/* Nothing ends an open(2) of a pipe that nobody opens at the other end. */
START_TEST(a_thread_that_is_stuck_is_left_and_counted)
{
	struct hws_ring_options options = { .backend = "epoll" };
	struct hws_ring *ring = rig_open(&options);
	char path[] = "/tmp/hwsafe-fifo-XXXXXX";
	int writer;

	ck_assert_ptr_nonnull(mkdtemp(path));
	ck_assert_int_eq(chdir(path), 0);
	ck_assert_int_eq(mkfifo("fifo", 0600), 0);
	/* what the thread may still read is never freed */
	__lsan_disable();
	ck_ok(hws_queue(
		ring,
		&(struct hws_request) { .kind = HWS_OP_OPENAT, .fd = AT_FDCWD, .data = "fifo" },
		NULL));
	__lsan_enable();
	ck_ok(hws_submit(ring));
	/* until the thread is in it */
	usleep(100000);
	ck_assert_int_eq(hws_ring_close(ring, rig_after_ms(30)), 1);
	/* it ends now, and what it opened is closed: a writer finds nobody */
	writer = open("fifo", O_WRONLY);
	ck_assert_int_ge(writer, 0);
	close(writer);
	for (int i = 0; i < 500 && (writer = open("fifo", O_WRONLY | O_NONBLOCK)) >= 0; i++) {
		close(writer);
		usleep(10000);
	}
	ck_assert_int_eq(writer, -1);
	unlink("fifo");
	rmdir(path);
}
END_TEST

/* The threads are in the midst of their calls: what these need is there until they are over. */
START_TEST(a_ring_may_end_while_threads_read)
{
	enum { BIG = 2 << 20, AT_ONCE = 4 };
	struct hws_pool_options pool = { .classes = { { BIG, AT_ONCE } } };
	struct hws_ring_options options = { .backend = "epoll", .pool_options = &pool };
	int fd = rig_file("x", 1, 0);
	int before = rig_descriptors();

	ck_assert_int_eq(ftruncate(fd, BIG), 0);
	for (int round = 0; round < 10; round++) {
		struct hws_ring *ring = rig_open(&options);

		__lsan_disable();
		for (int i = 0; i < AT_ONCE; i++) {
			struct hws_buf buf;

			ck_ok(hws_buf_take(hws_ring_pool(ring), BIG, &buf));
			ck_ok(hws_read(ring, fd, buf, 0, BIG, 0));
		}
		ck_ok(hws_submit(ring));
		__lsan_enable();
		usleep((useconds_t)round * 100);
		ck_assert_int_le(hws_ring_close(ring, 0), AT_ONCE);
	}
	/* and then it is closed */
	for (int i = 0; i < 1000 && rig_descriptors() > before; i++)
		usleep(10000);
	ck_assert_int_eq(rig_descriptors(), before);
	close(fd);
}
END_TEST

/* Fifty wait for one line; they get it one by one, in order. */
START_TEST(many_wait_for_one_descriptor)
{
	static const char *const names[] = { "epoll", "sync" };

	for (size_t i = 0; i < 2; i++) {
		struct hws_ring_options options = { .backend = names[i] };
		struct hws_ring *ring = rig_open(&options);
		int ends[2];

		ck_assert_int_eq(pipe(ends), 0);
		for (uint64_t tag = 0; tag < 50; tag++)
			ck_ok(hws_read(ring, ends[0], rig_buf(ring, 4096, 0), 0, 1, tag));
		for (uint64_t tag = 0; tag < 50; tag++) {
			struct hws_done done;

			ck_assert_int_eq(write(ends[1], "x", 1), 1);
			done = rig_one(ring);
			ck_assert_uint_eq(done.tag, tag);
			rig_give(ring, done.buf);
		}
		rig_close(ring);
	}
}
END_TEST

int main(void)
{
	return suite_run("uring/ring-choose",
			 (const TTest *[]) {
				 what_is_asked_for_is_given,
				 a_ring_that_lacks_something_is_told_of,
				 a_refused_io_uring_is_done_without,
				 a_hidden_io_uring_is_done_without,
				 a_deadly_io_uring_is_done_without,
				 an_io_uring_that_is_refused_later_is_done_without,
				 no_memory_is_not_hidden,
				 no_descriptors_are_not_hidden,
				 a_thread_that_is_stuck_is_left_and_counted,
				 a_ring_may_end_while_threads_read,
				 many_wait_for_one_descriptor,
				 NULL,
			 });
}
