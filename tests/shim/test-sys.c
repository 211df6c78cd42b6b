/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the doors to the kernel promise beyond what the kernel does. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#include "shim/sys-internal.h"
#include "tests/suite.h"

/* One byte, and so many copies of a descriptor. */
static void send_fds(int to, int count)
{
	union {
		struct cmsghdr head;
		char room[CMSG_SPACE(4 * sizeof(int))];
	} control = { .head = { .cmsg_len = CMSG_LEN((size_t)count * sizeof(int)),
				.cmsg_level = SOL_SOCKET,
				.cmsg_type = SCM_RIGHTS } };
	struct iovec from = { "x", 1 };
	struct msghdr message = { .msg_iov = &from,
				  .msg_iovlen = 1,
				  .msg_control = &control,
				  .msg_controllen = CMSG_SPACE((size_t)count * sizeof(int)) };

	for (int i = 0; i < count; i++)
		memcpy(CMSG_DATA(&control.head) + (size_t)i * sizeof(int), &to, sizeof(to));
	ck_assert_int_eq(sendmsg(to, &message, 0), 1);
}

/* The number that the next descriptor gets: none is left behind where it is the same again. */
static int next_fd(void)
{
	int fd = open("/dev/null", O_RDONLY);

	close(fd);
	return fd;
}

START_TEST(p3_message_brings_one_descriptor)
{
	char byte;
	int pair[2];
	int fd;

	ck_ok(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, pair));
	send_fds(pair[0], 1);
	ck_assert_int_eq(sys_receive_message(pair[1], &byte, 1, &fd), 1);
	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(sys_get_cloexec(fd), FD_CLOEXEC);
	close(fd);
	close(pair[0]);
	ck_assert_int_eq(sys_receive_message(pair[1], &byte, 1, &fd), 0);
	ck_assert_int_eq(fd, -1);
}
END_TEST

START_TEST(p3_message_never_leaves_another_descriptor)
{
	char byte;
	int pair[2];
	int before;
	int fd;

	need_kernel("MSG_CTRUNC"); /* a message of which something fell away looks whole */
	ck_ok(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, pair));
	before = next_fd();
	for (int count = 2; count <= 4; count++) {
		send_fds(pair[0], count);
		ck_assert_int_eq(sys_receive_message(pair[1], &byte, 1, &fd), -EMSGSIZE);
		ck_assert_int_eq(fd, -1);
		ck_assert_int_eq(next_fd(), before);
	}
}
END_TEST

/* A page of it is in flight: by vmsplice() it lies in a pipe that another process empties later. */
START_TEST(memory_is_sealed_though_a_page_is_busy_for_a_moment)
{
	int fd = sys_memfd("busy");
	char page[4096] = "here";
	struct iovec from = { .iov_len = sizeof(page) };
	int pipes[2];
	pid_t child;

	ck_assert_int_eq(sys_pwrite(fd, page, sizeof(page), 0), sizeof(page));
	from.iov_base = mmap(NULL, sizeof(page), PROT_READ, MAP_SHARED, fd, 0);
	ck_assert_ptr_ne(from.iov_base, MAP_FAILED);
	ck_ok(pipe(pipes));
	ck_assert_int_eq(vmsplice(pipes[1], &from, 1, 0), sizeof(page));
	ck_ok(munmap(from.iov_base, sizeof(page)));
	ck_assert_int_lt(fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE), 0);
	ck_assert_int_eq(errno, EBUSY);
	child = fork();
	if (child == 0) {
		sys_sleep(300000000);
		_exit(read(pipes[0], page, sizeof(page)) != sizeof(page));
	}
	ck_ok(sys_seal(fd));
	ck_assert_int_eq(waitpid(child, NULL, 0), child);
	ck_assert_int_eq(sys_pwrite(fd, page, 1, 0), -EPERM);
	close(fd);
}
END_TEST

START_TEST(memory_that_is_written_elsewhere_is_not_sealed)
{
	int fd = sys_memfd("written");
	void *written;

	ck_ok(sys_ftruncate(fd, 4096));
	written = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	ck_assert_ptr_ne(written, MAP_FAILED);
	ck_assert_int_eq(sys_seal(fd), -EBUSY);
	ck_ok(munmap(written, 4096));
	ck_ok(sys_seal(fd));
	close(fd);
}
END_TEST

static void tick(int signal)
{
	(void)signal;
}

/* As a profiler does it: each wait is cut short. */
START_TEST(message_is_waited_for_no_longer_than_said_whatever_signals_come)
{
	const struct timeval limit = { 0, 200000 };
	const struct sigaction action = { .sa_handler = tick };
	const struct itimerval often = { { 0, 20000 }, { 0, 20000 } };
	const struct itimerval never = { 0 };
	char byte;
	int pair[2];
	int fd;

	ck_ok(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, pair));
	ck_ok(setsockopt(pair[1], SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit)));
	sigaction(SIGALRM, &action, NULL);
	ck_ok(setitimer(ITIMER_REAL, &often, NULL));
	ck_assert_int_eq(sys_receive_message(pair[1], &byte, 1, &fd), -EAGAIN);
	ck_ok(setitimer(ITIMER_REAL, &never, NULL));
	ck_assert_int_eq(fd, -1);
}
END_TEST

/* Does the other process have what it was to keep? */
static void look_at(int fd, void *kept)
{
	const char has = fcntl(*(const int *)kept, F_GETFD) >= 0;

	if (sys_send_message(fd, &has, 1) < 0)
		_exit(1);
}

START_TEST(companion_keeps_what_it_is_given_without_stdin_too)
{
	char has = 0;
	int none;
	int kept;
	int process;
	int fd;

	need_kernel("descriptors of processes");
	close(STDIN_FILENO);
	kept = sys_memfd("kept");
	ck_assert_int_eq(kept, STDIN_FILENO);
	ck_ok(sys_companion(look_at, &kept, kept, &fd, &process));
	ck_assert_int_eq(sys_receive_message(fd, &has, 1, &none), 1);
	ck_assert_int_eq(has, 1);
	ck_ok(sys_reap(process));
}
END_TEST

static void end_at_once(int fd, void *unused)
{
	(void)fd, (void)unused;
	_exit(0);
}

/* A program that ignores its children, or reaps them all: the number may be another's by now. */
START_TEST(companion_that_was_reaped_by_others_is_no_other_process)
{
	struct stat is;
	int process;
	int fd;

	need_kernel("descriptors of processes");
	signal(SIGCHLD, SIG_IGN);
	ck_ok(sys_companion(end_at_once, NULL, STDERR_FILENO, &fd, &process));
	ck_ok(sys_fstat(process, &is)); /* a descriptor, no number */
	while (waitpid(-1, NULL, 0) >= 0)
		;
	ck_assert_int_eq(sys_reap(process), -ECHILD);
	ck_assert_int_lt(sys_fstat(process, &is), 0);
	close(fd);
}
END_TEST

int main(void)
{
	return suite_run("shim/sys",
			 (const TTest *[]) {
				 p3_message_brings_one_descriptor,
				 p3_message_never_leaves_another_descriptor,
				 memory_is_sealed_though_a_page_is_busy_for_a_moment,
				 memory_that_is_written_elsewhere_is_not_sealed,
				 message_is_waited_for_no_longer_than_said_whatever_signals_come,
				 companion_keeps_what_it_is_given_without_stdin_too,
				 companion_that_was_reaped_by_others_is_no_other_process,
				 NULL,
			 });
}
