/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What a hostile program may try: the helper loses neither descriptors nor memory, nor patience. */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "shim/sys-internal.h"
#include "tests/helper/serve-kit.h"

#define POLICY "[alice]\nuser = 41000\nport = 0x70-0x71 rw\nmsr = 0x19c 0x199 rw\n"

enum { FDS_MOST = 253 }; /* that Linux takes in one message */

/* Sends a good request with so many descriptors. */
static int send_fds(int fd, int count)
{
	union wire_request request;
	union {
		struct cmsghdr head;
		char room[CMSG_SPACE(FDS_MOST * sizeof(int))];
	} control = { .head = { .cmsg_len = CMSG_LEN((size_t)count * sizeof(int)),
				.cmsg_level = SOL_SOCKET,
				.cmsg_type = SCM_RIGHTS } };
	struct iovec from = { &request, make_good(&request, 1) };
	struct msghdr message = { .msg_iov = &from,
				  .msg_iovlen = 1,
				  .msg_control = &control,
				  .msg_controllen = CMSG_SPACE((size_t)count * sizeof(int)) };

	memset(CMSG_DATA(&control.head), 0, (size_t)count * sizeof(int)); /* standard input */
	return sendmsg(fd, &message, MSG_NOSIGNAL) < 0 ? -errno : 0;
}

static int sends_fds(const struct daemon *daemon, void *context)
{
	(void)context;
	for (int count = 1; count <= FDS_MOST; count++) {
		int fd = bare_hello(daemon);
		int r;

		must(fd >= 0);
		r = send_fds(fd, count);
		/* since 6.16 it is us who are told */
		must(r == 0 || r == -EPERM);
		must(r == -EPERM ? sys_close(fd) == -1 : bare_dropped(fd));
	}
	return 0;
}

START_TEST(p2_p3_descriptors_are_refused_and_their_sender_dropped)
{
	struct daemon daemon = { 0 };
	int before;

	daemon_start(&daemon, POLICY, NULL);
	ck_assert_int_eq(as_user(ALICE, is_served, &daemon, NULL), 0);
	before = daemon_fds(&daemon);
	ck_assert_int_eq(as_user(ALICE, sends_fds, &daemon, NULL), 0);
	ck_assert(daemon_has_fds(&daemon, before));
	ck_assert_int_eq(as_user(ALICE, is_served, &daemon, NULL), 0);
	daemon_stop(&daemon);
}
END_TEST

static void is_dropped_for(const struct daemon *daemon, const void *bytes, size_t size, bool hello)
{
	int fd = hello ? bare_hello(daemon) : bare_connect(daemon);

	must(fd >= 0);
	must(send(fd, bytes, size, MSG_NOSIGNAL) >= 0);
	must(bare_dropped(fd));
}

static int sends_bad_sizes(const struct daemon *daemon, void *context)
{
	static unsigned char large[65536];
	static union wire_request request;
	size_t size = make_good(&request, 1);

	(void)context;
	is_dropped_for(daemon, "", 0, true);
	is_dropped_for(daemon, &request, 1, true);
	is_dropped_for(daemon, &request, sizeof(request.head), true);
	is_dropped_for(daemon, &request, size - 1, true);
	is_dropped_for(daemon, &request, size + 1, true);
	memcpy(large, &request, size);
	is_dropped_for(daemon, large, sizeof(large), true);
	is_dropped_for(daemon, &request, size, false); /* before HELLO */
	request.head.version++;
	is_dropped_for(daemon, &request, size, true);
	request.head.version = 0;
	is_dropped_for(daemon, &request, size, true);
	size = wire_begin(&request, HWS_WIRE_HELLO, 0, 1); /* twice */
	is_dropped_for(daemon, &request, size, true);
	return 0;
}

static int speaks_another_version(const struct daemon *daemon, void *context)
{
	union wire_request request;
	union wire_reply reply;
	struct hws_wire_hello *hello = (void *)(request.bytes + sizeof(request.head));
	int fd = bare_connect(daemon);

	(void)context;
	wire_begin(&request, HWS_WIRE_HELLO, 0, 1);
	*hello = (struct hws_wire_hello) { HWS_WIRE_VERSION + 1, HWS_WIRE_VERSION + 3, 0 };
	must(bare_ask(fd, &request, &reply) == -EPROTONOSUPPORT);
	must(strstr(reply.answer.why, "version"));
	must(bare_dropped(fd));
	return 0;
}

START_TEST(p4_messages_of_other_sizes_and_versions_drop_their_sender)
{
	struct daemon daemon = { 0 };

	daemon_start(&daemon, POLICY, NULL);
	ck_assert_int_eq(as_user(ALICE, sends_bad_sizes, &daemon, NULL), 0);
	ck_assert_int_eq(as_user(ALICE, speaks_another_version, &daemon, NULL), 0);
	ck_assert_int_eq(as_user(ALICE, is_served, &daemon, NULL), 0);
	daemon_stop(&daemon);
}
END_TEST

static int connects_often(const struct daemon *daemon, void *context)
{
	int fds[100];

	(void)context;
	for (int i = 0; i < 100; i++)
		fds[i] = bare_connect(daemon);
	usleep(200000);
	for (int i = 0; i < 100; i++)
		sys_close(fds[i]);
	return 0;
}

static void forty_descriptors(const struct daemon *daemon)
{
	(void)daemon;
	setrlimit(RLIMIT_NOFILE, &(struct rlimit) { 40, 40 });
}

START_TEST(p5_helper_without_descriptors_refuses_and_recovers)
{
	static const char *const many[] = { "--connections", "200", NULL };
	struct daemon daemon = { .before = forty_descriptors };
	int fds;

	daemon_start(&daemon, POLICY, many);
	ck_assert_int_eq(as_user(ALICE, is_served, &daemon, NULL), 0);
	fds = daemon_fds(&daemon);
	ck_assert_int_eq(as_user(BOB, connects_often, &daemon, NULL), 0);
	ck_assert(daemon_has_fds(&daemon, fds));
	ck_assert_int_eq(as_user(ALICE, is_served, &daemon, NULL), 0);
	daemon_stop(&daemon);
}
END_TEST

/* Asks until the helper stops taking it, and waits to be dropped. */
static int never_reads(const struct daemon *daemon, void *context)
{
	union wire_request request;
	int fd = bare_hello(daemon);
	ssize_t r = 0;

	(void)context;
	must(fd >= 0);
	make_good(&request, 1);
	for (int quiet = 0; quiet < 200;) {
		r = send(fd, &request, request.head.size, MSG_DONTWAIT | MSG_NOSIGNAL);
		if (r < 0 && errno != EAGAIN)
			break;
		quiet = r < 0 ? quiet + 1 : 0;
		if (r < 0)
			usleep(50000);
	}
	must(r < 0 && (errno == EPIPE || errno == ECONNRESET));
	sys_close(fd);
	return 0;
}

static int half_closes(const struct daemon *daemon, void *context)
{
	int fd = bare_hello(daemon);

	(void)context;
	must(fd >= 0 && shutdown(fd, SHUT_WR) == 0);
	must(bare_dropped(fd));
	return 0;
}

START_TEST(p6_who_never_reads_never_sends_or_half_closes_keeps_nobody_waiting)
{
	static const char *const short_patience[] = { "--patience", "1", NULL };
	struct daemon daemon = { 0 };
	pid_t pid;
	int silent;

	daemon_start(&daemon, POLICY, short_patience);
	silent = bare_connect(&daemon);
	ck_assert_int_ge(silent, 0);
	pid = as_user_begin(ALICE, never_reads, &daemon, NULL);
	for (int i = 0; i < 20; i++)
		ck_assert_int_eq(as_user(ALICE, is_served, &daemon, NULL), 0);
	ck_assert_int_eq(as_user_end(pid), 0);
	ck_assert_int_eq(as_user(ALICE, half_closes, &daemon, NULL), 0);
	sys_close(silent);
	daemon_stop(&daemon);
}
END_TEST

/* The child sends over what its parent connected. */
static int lends_its_socket(const struct daemon *daemon, void *context)
{
	int fd = bare_hello(daemon);
	union wire_request request;
	int status;

	(void)context;
	must(fd >= 0);
	make_good(&request, 1);
	if (fork() == 0)
		_exit(send(fd, &request, request.head.size, MSG_NOSIGNAL) < 0);
	must(wait(&status) > 0 && status == 0);
	must(bare_dropped(fd));
	return 0;
}

/* The one who connected is gone; its child has the socket. */
static int leaves_its_socket(const struct daemon *daemon, void *context)
{
	int fd = bare_hello(daemon);
	int *done = context;
	char byte;

	must(fd >= 0);
	if (fork() == 0) {
		byte = bare_dropped(fd);
		_exit(write(done[1], &byte, 1) != 1);
	}
	return 0;
}

START_TEST(p8_messages_of_another_process_are_not_taken)
{
	struct daemon daemon = { 0 };

	daemon_start(&daemon, POLICY, NULL);
	ck_assert_int_eq(as_user(ALICE, lends_its_socket, &daemon, NULL), 0);
	daemon_stop(&daemon);
}
END_TEST

START_TEST(p17_grants_end_with_the_process_not_with_the_socket)
{
	struct daemon daemon = { 0 };
	int done[2];
	char byte = 0;

	ck_ok(pipe(done));
	daemon_start(&daemon, POLICY, NULL);
	ck_assert_int_eq(as_user(ALICE, leaves_its_socket, &daemon, done), 0);
	ck_assert_int_eq(read(done[0], &byte, 1), 1);
	ck_assert_int_eq(byte, 1);
	daemon_stop(&daemon);
}
END_TEST

static int has_too_many(const struct daemon *daemon, void *context)
{
	int fds[4];

	(void)context;
	for (int i = 0; i < 3; i++)
		must((fds[i] = bare_hello(daemon)) >= 0);
	fds[3] = bare_connect(daemon);
	must(fds[3] < 0 || bare_dropped(fds[3]));
	return 0;
}

START_TEST(connections_of_one_user_have_a_limit_and_leave_others_theirs)
{
	static const char *const three[] = { "--connections", "3", NULL };
	struct daemon daemon = { 0 };

	daemon_start(&daemon, POLICY, three);
	ck_assert_int_eq(as_user(BOB, has_too_many, &daemon, NULL), 0);
	ck_assert_int_eq(as_user(ALICE, is_served, &daemon, NULL), 0);
	daemon_stop(&daemon);
}
END_TEST

int main(void)
{
	return suite_run("helper/serve-hostile",
			 (const TTest *[]) {
				 p2_p3_descriptors_are_refused_and_their_sender_dropped,
				 p4_messages_of_other_sizes_and_versions_drop_their_sender,
				 p5_helper_without_descriptors_refuses_and_recovers,
				 p6_who_never_reads_never_sends_or_half_closes_keeps_nobody_waiting,
				 p8_messages_of_another_process_are_not_taken,
				 p17_grants_end_with_the_process_not_with_the_socket,
				 connections_of_one_user_have_a_limit_and_leave_others_theirs,
				 NULL,
			 });
}
