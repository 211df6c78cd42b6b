/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* hwsafe-helper serve: set-up, and the loop. The command line is serve-options.c's. */
#include "helper/serve.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "helper/harden.h"
#include "helper/serve-options.h"
#include "shim/why-internal.h"

enum { EVENTS = 64, TICK_MS = 1000, DESCRIPTORS = 4096 };

void serve_note(const struct server *server, const struct peer *peer, struct hws_event event)
{
	if (peer) {
		event.pid = peer->pid;
		event.tid = peer->pid;
		event.uid = peer->uid;
	}
	event.generation = (uint32_t)hws_policy_generation(server->policy);
	if (!event.text[0] && peer && peer->exe)
		audit_event_text(&event, peer->exe);
	audit_record(server->hw->audit, &event);
}

void serve_say(const struct server *server, const struct peer *peer, enum hws_level level, int code,
	       const char *text)
{
	struct hws_event event = { .type = HWS_EVENT_PRIVILEGE, .level = level, .code = code };

	audit_event_text(&event, text);
	serve_note(server, peer, event);
}

static int complain(const char *what)
{
	fprintf(stderr, "hwsafe-helper: serve: %s\n", what);
	return RESULT_FAILURE;
}

static int load_policy(struct server *server)
{
	const struct hws_options *context = &server->options->context;
	struct hws_policy_options options = {
		.size = sizeof(options),
		/* of the real root, whatever machine is looked at */
		.directory = context->policy_directory,
		.owner_uid = context->policy_owner,
	};
	struct hws_policy *policy;
	int r = hws_policy_load(&options, &policy);

	if (r < 0)
		return r;
	hws_policy_unref(server->policy);
	server->policy = policy;
	return 0;
}

/* All or nothing: with an error the old policy stays. Whoever is connected is judged by the new. */
static void reload(struct server *server)
{
	struct hws_event event = { .type = HWS_EVENT_POLICY };
	int r = load_policy(server);

	event.code = r;
	event.level = r < 0 ? HWS_LEVEL_ERROR : HWS_LEVEL_INFO;
	if (r < 0) {
		complain(hws_why());
	} else {
		accounts_new_policy(server);
		r = machine_learn(server);
		peers_recheck(server);
	}
	serve_note(server, NULL, event);
}

static void on_signal(struct server *server)
{
	struct signalfd_siginfo info;

	while (read(server->signals, &info, sizeof(info)) == (ssize_t)sizeof(info)) {
		if (info.ssi_signo == SIGHUP)
			reload(server);
		else
			server->stop = true;
	}
}

/* A tag is where it is; the one behind a peer's first byte stands for its process. */
static void on_event(struct server *server, const struct epoll_event *event)
{
	uintptr_t tag = (uintptr_t)event->data.ptr;
	struct peer *peer = (struct peer *)(tag & ~(uintptr_t)1);

	if (event->data.ptr == &server->listener)
		peer_accept(server);
	else if (event->data.ptr == &server->signals)
		on_signal(server);
	else if (peer->gone)
		return;
	else if (tag & 1)
		peer_end(server, peer, "its process ended");
	else if (event->events & EPOLLIN)
		peer_readable(server, peer);
	else if (event->events & EPOLLOUT)
		peer_writable(server, peer);
	else
		peer_end(server, peer, "closed");
}

static int loop(struct server *server)
{
	struct epoll_event events[EVENTS];

	while (!server->stop) {
		int count = epoll_wait(server->poller, events, EVENTS, TICK_MS);

		if (count < 0 && errno != EINTR)
			return -errno;
		if (sys_clock(CLOCK_MONOTONIC, &server->now) < 0)
			return why(-EIO, "the clock can't be read");
		/* one message of each that has some: nobody's flood keeps the others waiting */
		for (int i = 0; i < count; i++)
			on_event(server, &events[i]);
		peers_impatient(server);
		peers_sweep(server);
		if (count <= 0 || server->options->audit.file)
			hws_audit_flush(server->hw->audit);
	}
	return 0;
}

static int watch_signals(struct server *server)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGHUP);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	if (sigprocmask(SIG_SETMASK, &set, NULL) < 0)
		return -errno;
	server->signals = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	return server->signals < 0 ? -errno : 0;
}

static int set_up_loop(struct server *server)
{
	int r = watch_signals(server);

	if (r < 0)
		return r;
	server->poller = epoll_create1(EPOLL_CLOEXEC);
	server->spare = open("/dev/null", O_RDONLY | O_CLOEXEC);
	if (server->poller < 0 || server->spare < 0)
		return -errno;
	r = serve_watch(server->poller, server->listener, EPOLLIN, &server->listener);
	return r < 0 ? r : serve_watch(server->poller, server->signals, EPOLLIN, &server->signals);
}

static int set_up(struct server *server)
{
	const struct serve_options *options = server->options;
	int r = hws_open(&options->context, &server->hw);

	r = r < 0 ? r : load_policy(server);
	if (r < 0)
		return r;
	server->listener = options->socket ? serve_listen(options->socket) : serve_activated();
	if (server->listener < 0)
		return server->listener;
	server->notify = serve_notify_open();
	clearenv();
	r = set_up_loop(server);
	if (r < 0)
		return why(r, "the loop: %s", strerror(-r));
	server->failure = RESULT_SYSTEM;
	r = serve_harden(server);
	if (r < 0)
		return r;
	server->failure = RESULT_FAILURE;
	r = machine_learn(server);
	return r < 0 ? r : txn_replay(server);
}

static void tear_down(struct server *server)
{
	for (struct peer *peer = server->peers; peer; peer = peer->next)
		peer_end(server, peer, "the helper ends");
	peers_sweep(server);
	machine_forget(server);
	accounts_free(server);
	hws_policy_unref(server->policy);
	hws_close(server->hw);
	sys_close(server->listener);
	sys_close(server->poller);
	sys_close(server->signals);
	sys_close(server->spare);
	sys_close(server->notify);
	sys_close(server->exe_reader);
	if (server->options->socket && server->listener >= 0)
		unlink(server->options->socket);
	free(server);
}

/*
 * One that gets its capabilities by its file serves whoever starts it, who chooses the options:
 * root says by the file's group who that may be. Until all is given up, files are opened as him.
 */
static int begin_by_file(void)
{
	struct stat exe;
	int r;

	if (!getauxval(AT_SECURE))
		return 0;
	if (stat("/proc/self/exe", &exe) < 0)
		return why(-errno, "/proc is needed: %s", strerror(errno));
	if (exe.st_mode & S_IXOTH)
		return why(-EPERM,
			   "its file gives capabilities to whoever starts it, and everybody "
			   "may: only a group's members shall (chmod 0750)");
	r = harden_raise(false);
	return r < 0 ? why(r, "hardening failed at 'capabilities': %s", strerror(-r)) : 0;
}

/* As many descriptors as all clients may need, if they are to be had; a failing write is told. */
static void set_room(void)
{
	struct rlimit files;

	(void)signal(SIGXFSZ, SIG_IGN);
	if (getrlimit(RLIMIT_NOFILE, &files) < 0)
		return;
	files.rlim_cur = files.rlim_max < DESCRIPTORS ? files.rlim_max : DESCRIPTORS;
	(void)setrlimit(RLIMIT_NOFILE, &files); /* what is too few is told when it is */
}

/* Nothing of who started it comes along. */
static int begin(struct server *server)
{
	unsigned int first = server->options->socket ? 3 : 4;
	int r;

	if (close_range(first, ~0u, 0) < 0)
		return why(-errno, "close_range: %s", strerror(errno));
	for (int signal = 1; signal < NSIG; signal++)
		(void)sigaction(signal, &(struct sigaction) { .sa_handler = SIG_DFL }, NULL);
	set_room();
	umask(077);
	if (chdir("/") < 0)
		return why(-errno, "chdir: %s", strerror(errno));
	r = server->options->soft ? 0 : harden_hide();
	if (r < 0)
		return why(r, "hardening failed at 'dumpable': %s; nothing is served",
			   strerror(-r));
	r = begin_by_file();
	return r < 0 ? r : exe_start(server);
}

enum result serve_command(int count, char **arguments)
{
	struct serve_options options;
	struct server *server;
	enum result result = serve_take_options(count, arguments, &options);
	int r;

	if (result != RESULT_OK)
		return result;
	server = calloc(1, sizeof(*server));
	if (!server)
		return (enum result)complain("no memory");
	server->options = &options;
	server->listener = server->poller = server->signals = server->spare = -1;
	server->exe_reader = server->notify = -1;
	server->failure = RESULT_SYSTEM;
	r = begin(server);
	if (r == 0) {
		server->failure = RESULT_FAILURE;
		r = set_up(server);
	}
	if (r == 0) {
		serve_ready(server);
		r = loop(server);
	}
	result = r < 0 ? server->failure : RESULT_OK;
	if (r < 0)
		complain(hws_why());
	tear_down(server);
	return result;
}
