/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Whoever starts the helper that serves, and however: it serves as always, or says why not. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "shim/sys-internal.h"
#include "tests/helper/serve-kit.h"
#include "tests/helper/start.h"

#define POLICY	     "[alice]\nuser = 41000\nmsr = 0x19c r\n"
#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* It serves, has no more descriptors than it opened, is told to load anew, and ends well. */
static void serves_as_always(void (*before)(const struct daemon *daemon))
{
	struct daemon daemon = { .before = before };

	daemon_start(&daemon, POLICY, NULL);
	ck_assert_int_eq(as_user(ALICE, is_served, &daemon, NULL), 0);
	ck_assert(daemon_has_fds(&daemon, 10));
	ck_ok(kill(daemon.pid, SIGHUP));
	ck_assert_int_eq(as_user(ALICE, is_served, &daemon, NULL), 0);
	daemon_stop(&daemon);
}

static void no_arguments(void *context)
{
	(void)context;
	execve(HELPER, (char *[]) { NULL }, (char *[]) { NULL });
}

START_TEST(p12_without_any_argument_it_says_what_it_knows)
{
	struct start of = { .before = no_arguments };

	start(&of, (const char *const[]) { NULL });
	start_refused(&of, 2, "serve", NULL);
}
END_TEST

static void closed_streams(const struct daemon *daemon)
{
	(void)daemon;
	for (int fd = 0; fd <= 2; fd++)
		close(fd);
}

static void unread_output(const struct daemon *daemon)
{
	int ends[2];

	(void)daemon;
	if (pipe(ends) < 0 || dup2(ends[1], 2) < 0)
		_exit(121);
	close(ends[0]);
	close(ends[1]);
}

START_TEST(nobody_reading_what_it_says_does_not_end_it)
{
	struct daemon daemon = { .before = unread_output };

	daemon_start(&daemon, POLICY, NULL);
	daemon_policy(&daemon, "[alice]\nuser = 41000\nmsr = nonsense\n");
	ck_ok(kill(daemon.pid, SIGHUP));
	ck_assert_int_eq(as_user(ALICE, is_served, &daemon, NULL), 0);
	daemon_stop(&daemon);
}
END_TEST

static void closed_output(const struct daemon *daemon)
{
	(void)daemon;
	close(1);
}

static void hostile_environment(const struct daemon *daemon)
{
	static const char *const variables[] = {
		"LD_PRELOAD",
		"/nonexistent/lib.so",
		"LD_LIBRARY_PATH",
		"/nonexistent",
		"LD_BIND_NOW",
		"1",
		"GLIBC_TUNABLES",
		"glibc.malloc.check=3:x=y",
		"MALLOC_PERTURB_",
		"1",
		"LISTEN_FDS",
		"4711",
		"LISTEN_PID",
		"1",
		"LISTEN_FDNAMES",
		":::",
		"NOTIFY_SOCKET",
		"/nonexistent/notify",
		"HWSAFE_SOCKET",
		"/nonexistent/helper",
		"HWSAFE_GRANTS",
		"3",
		"TZ",
		"/etc/shadow",
		"LC_ALL",
		"../../..",
		"PATH",
		"/nonexistent",
	};

	(void)daemon;
	for (size_t i = 0; i < COUNT(variables); i += 2)
		setenv(variables[i], variables[i + 1], 1);
}

static void many_descriptors(const struct daemon *daemon)
{
	(void)daemon;
	for (int fd = 3; fd < 1000; fd++)
		if (dup2(STDERR_FILENO, fd) < 0)
			_exit(119);
}

static void signals_off(const struct daemon *daemon)
{
	sigset_t all;

	(void)daemon;
	for (int i = 1; i < NSIG; i++)
		(void)signal(i, SIG_IGN);
	sigfillset(&all);
	sigprocmask(SIG_SETMASK, &all, NULL);
}

static void no_file_size(const struct daemon *daemon)
{
	(void)daemon;
	setrlimit(RLIMIT_FSIZE, &(struct rlimit) { 0, 0 });
}

/* The soft one may be small: it is raised as far as it goes. */
static void few_descriptors(const struct daemon *daemon)
{
	struct rlimit limit;

	(void)daemon;
	getrlimit(RLIMIT_NOFILE, &limit);
	limit.rlim_cur = 4;
	setrlimit(RLIMIT_NOFILE, &limit);
	close_range(3, ~0u, 0); /* what is open of the test's own */
}

static void (*const surroundings[])(const struct daemon *daemon) = {
	closed_streams, closed_output, hostile_environment, many_descriptors,
	signals_off,	no_file_size,  few_descriptors,
};

START_TEST(p12_who_starts_it_and_how_makes_no_difference)
{
	need_root();
	for (size_t i = 0; i < COUNT(surroundings); i++)
		/* a sanitizer's run time makes files of its own */
		if (!SUITE_SANITIZED || surroundings[i] != no_file_size)
			serves_as_always(surroundings[i]);
}
END_TEST

static void at_most(void *context)
{
	const struct rlimit *limit = context;

	setrlimit(RLIMIT_NOFILE, limit);
	close_range(3, ~0u, 0);
}

START_TEST(p12_too_few_descriptors_are_one_line)
{
	char socket[] = "/tmp/hwsafe-start-few";

	unlink(socket); /* of a run that was broken off */
	for (rlim_t few = 4; few < 9; few++) {
		struct rlimit limit = { few, few };
		struct start of = { .before = at_most, .context = &limit };

		if (SUITE_SANITIZED)
			break; /* their run times need some, too */
		start(&of, (const char *const[]) { "--backend", "sim", "--socket", socket, NULL });
		/* the loader itself may have too few */
		if (of.code != 127)
			start_refused(&of, of.code == 5 ? 5 : 1, "many open files", socket);
	}
	unlink(socket);
}
END_TEST

static void no_file_size_here(void *context)
{
	(void)context;
	no_file_size(NULL);
}

START_TEST(p12_trail_that_cannot_be_written_is_one_line)
{
	char socket[] = "/tmp/hwsafe-start-size";
	struct start of = { .before = no_file_size_here };

	need("plain", !SUITE_SANITIZED, "a sanitizer's run time makes files of its own");
	need_root();
	start(&of, (const char *const[]) { "--backend", "sim", "--socket", socket, "--audit",
					   "/tmp/hwsafe-start-trail", NULL });
	start_refused(&of, 1, "", socket);
	unlink("/tmp/hwsafe-start-trail");
}
END_TEST

/* Begins a transaction, which needs two descriptors for its journal. */
static int begin_txn(int fd)
{
	union wire_request request;
	union wire_reply reply;
	struct hws_wire_txn *txn = (void *)(request.bytes + sizeof(request.head));

	wire_begin(&request, HWS_WIRE_TXN, 1, 7);
	txn->begin = 1;
	return bare_ask(fd, &request, &reply);
}

START_TEST(p5_no_descriptor_left_for_a_file_is_an_answer)
{
	struct daemon daemon = { 0 };
	struct rlimit limit;
	struct rlimit none;
	int before;
	int fd;

	need_root();
	daemon_start(&daemon, POLICY, NULL);
	fd = bare_hello(&daemon);
	ck_assert_int_ge(fd, 0);
	before = daemon_fds(&daemon);
	ck_ok(prlimit(daemon.pid, RLIMIT_NOFILE, NULL, &limit));
	for (int more = 0; more < 2; more++) {
		none = (struct rlimit) { (rlim_t)(before + more), limit.rlim_max };
		ck_ok(prlimit(daemon.pid, RLIMIT_NOFILE, &none, NULL));
		ck_assert_int_eq(begin_txn(fd), -EMFILE);
		ck_assert_int_eq(daemon_fds(&daemon), before);
	}
	ck_ok(prlimit(daemon.pid, RLIMIT_NOFILE, &limit, NULL));
	ck_assert_int_eq(begin_txn(fd), 0);
	sys_close(fd);
	daemon_stop(&daemon);
}
END_TEST

/* As the service manager hands a socket over, rightly and wrongly. */
struct handover {
	const char *pid; /* NULL: the right one */
	const char *fds; /* NULL: not said */
	const char *pidfd;
	int type;
	bool listens;
	const char *says;
};

static char activated[80];
static char notified[80];

static void hand_over(void *context)
{
	const struct handover *of = context;
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	char pid[16];
	int fd = socket(AF_UNIX, of->type, 0);

	strcpy(address.sun_path, activated);
	unlink(activated);
	if (fd < 0 || bind(fd, (struct sockaddr *)&address, sizeof(address)) < 0 ||
	    chmod(activated, 0666) < 0 || (of->listens && listen(fd, 8) < 0) || dup2(fd, 3) < 0)
		_exit(118);
	snprintf(pid, sizeof(pid), "%d", getpid());
	setenv("LISTEN_PID", of->pid ? of->pid : pid, 1);
	setenv("LISTEN_FDNAMES", "hwsafe-helper.socket", 1);
	setenv("NOTIFY_SOCKET", notified, 1);
	setenv("WATCHDOG_USEC", "1000000", 1);
	if (of->fds)
		setenv("LISTEN_FDS", of->fds, 1);
	if (of->pidfd)
		setenv("LISTEN_PIDFDID", of->pidfd, 1);
}

static const struct handover wrong[] = {
	{ .pid = "1", .fds = "1", .type = SOCK_SEQPACKET, .listens = true, .says = "LISTEN_PID" },
	{ .pid = "", .fds = "1", .type = SOCK_SEQPACKET, .listens = true, .says = "LISTEN_PID" },
	{ .fds = "2", .type = SOCK_SEQPACKET, .listens = true, .says = "LISTEN_FDS" },
	{ .fds = "0", .type = SOCK_SEQPACKET, .listens = true, .says = "LISTEN_FDS" },
	{ .fds = "1x", .type = SOCK_SEQPACKET, .listens = true, .says = "LISTEN_FDS" },
	{ .fds = "4294967297", .type = SOCK_SEQPACKET, .listens = true, .says = "LISTEN_FDS" },
	{ .fds = "1", .pidfd = "1", .type = SOCK_SEQPACKET, .listens = true, .says = "LISTEN_" },
	{ .fds = "1", .type = SOCK_STREAM, .listens = true, .says = "ListenSequentialPacket" },
	{ .fds = "1", .type = SOCK_DGRAM, .says = "ListenSequentialPacket" },
	{ .fds = "1", .type = SOCK_SEQPACKET, .says = "ListenSequentialPacket" },
	{ .type = SOCK_SEQPACKET, .listens = true, .says = "--socket" },
};

START_TEST(sockets_that_are_handed_over_wrongly_are_one_line)
{
	snprintf(activated, sizeof(activated), "/tmp/hwsafe-activated-%d", getpid());
	for (size_t i = 0; i < COUNT(wrong); i++) {
		struct handover used = wrong[i];
		struct start of = { .before = hand_over, .context = &used };

		start(&of, (const char *const[]) { "--backend", "sim", NULL });
		start_refused(&of, wrong[i].fds ? 1 : 2, wrong[i].says, NULL);
	}
	unlink(activated);
}
END_TEST

/* A service manager that waits to hear that it serves. */
static int wait_for_word(const char *path)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	size_t length = offsetof(struct sockaddr_un, sun_path) + strlen(path);
	int fd = socket(AF_UNIX, SOCK_DGRAM, 0);

	memcpy(address.sun_path, path, strlen(path));
	if (*path == '@')
		address.sun_path[0] = '\0';
	ck_assert_int_eq(bind(fd, (struct sockaddr *)&address, (socklen_t)length), 0);
	return fd;
}

static void is_activated(bool abstract)
{
	struct handover right = { .fds = "1", .type = SOCK_SEQPACKET, .listens = true };
	struct daemon daemon = { 0 };
	char policy[96];
	char word[64] = "";
	int manager;

	strcpy(daemon.folder, "/tmp/hwsafe-activated-XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(daemon.folder));
	ck_ok(chmod(daemon.folder, 0755));
	snprintf(policy, sizeof(policy), "%s/policy.d", daemon.folder);
	ck_ok(mkdir(policy, 0755));
	daemon_policy(&daemon, POLICY);
	snprintf(activated, sizeof(activated), "%s/socket", daemon.folder);
	strcpy(daemon.socket, activated);
	snprintf(notified, sizeof(notified), "%s%s/notify", abstract ? "@" : "", daemon.folder);
	manager = wait_for_word(notified);
	daemon.pid = fork();
	if (daemon.pid == 0) {
		hand_over(&right);
		execl(HELPER, HELPER, "serve", "--backend", "sim", "--policy", policy,
		      SUITE_SANITIZED ? "--soft" : NULL, NULL);
		_exit(117);
	}
	ck_assert_int_gt(recv(manager, word, sizeof(word) - 1, 0), 0);
	ck_assert_str_eq(word, "READY=1");
	for (int i = 0; i < 2; i++) { /* and that it still does */
		ck_assert_int_gt(recv(manager, word, sizeof(word) - 1, 0), 0);
		ck_assert_str_eq(word, "WATCHDOG=1");
	}
	ck_assert_int_eq(as_user(ALICE, is_served, &daemon, NULL), 0);
	close(manager);
	daemon_stop(&daemon);
}

START_TEST(socket_is_taken_from_the_service_manager_which_is_told)
{
	need_root();
	is_activated(false);
	is_activated(true);
}
END_TEST

int main(void)
{
	return suite_run("helper/serve-start",
			 (const TTest *[]) {
				 p12_without_any_argument_it_says_what_it_knows,
				 p12_who_starts_it_and_how_makes_no_difference,
				 nobody_reading_what_it_says_does_not_end_it,
				 p12_too_few_descriptors_are_one_line,
				 p12_trail_that_cannot_be_written_is_one_line,
				 p5_no_descriptor_left_for_a_file_is_an_answer,
				 sockets_that_are_handed_over_wrongly_are_one_line,
				 socket_is_taken_from_the_service_manager_which_is_told,
				 NULL,
			 });
}
