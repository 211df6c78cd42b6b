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
#include "helper/serve-filter.h"
#include "helper/serve-options.h"
#include "shim/why-internal.h"

enum { EVENTS = 64, DESCRIPTORS = 4096 };

/* What a user can have recorded without being allowed anything; a flood of it is only counted. */
static bool is_too_much(struct server *server, const struct peer *peer,
			const struct hws_event *event)
{
	bool idle = event->code < 0 || event->type == HWS_EVENT_PRIVILEGE;

	return peer && idle && event->level < HWS_LEVEL_CRITICAL &&
	       !account_may_note(server, peer->account ? peer->account : &server->nobody);
}

/* The program stands behind what is said: of its path the end, as much as there is room for. */
static void add_exe(struct hws_event *event, const char *exe)
{
	size_t said = strlen(event->text);
	size_t room = sizeof(event->text) - 1 - said;
	size_t length = strlen(exe);

	if (!said)
		audit_event_text(event, exe);
	else if (room > 2)
		snprintf(event->text + said, room + 1, ", %s",
			 exe + (length > room - 2 ? length - (room - 2) : 0));
}

void serve_note(struct server *server, const struct peer *peer, struct hws_event event)
{
	stat_count(server, &event);
	if (is_too_much(server, peer, &event))
		return;
	if (peer) {
		event.pid = peer->pid;
		event.tid = peer->pid;
		event.uid = peer->uid;
	}
	event.generation = (uint32_t)hws_policy_generation(server->policy);
	if (peer && peer->exe)
		add_exe(&event, peer->exe);
	audit_record(server->hw->audit, &event);
}

void serve_say(struct server *server, const struct peer *peer, enum hws_level level, int code,
	       const char *text)
{
	struct hws_event event = { .type = HWS_EVENT_PRIVILEGE, .level = level, .code = code };

	audit_event_text(&event, text);
	serve_note(server, peer, event);
}

const char *serve_cause(unsigned int said, int code)
{
	return why_times() != said ? hws_why() : strerror(-code);
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

/* Of what failed, the place and the cause; the directory is known. */
static void note_policy(struct server *server, int r)
{
	const char *directory = server->options->context.policy_directory;
	size_t length = strlen(directory ? directory : HWS_POLICY_DIRECTORY);
	const char *said = hws_why();
	struct hws_event event = { .type = HWS_EVENT_POLICY,
				   .level = r < 0 ? HWS_LEVEL_ERROR : HWS_LEVEL_INFO,
				   .code = r };

	if (!strncmp(said, directory ? directory : HWS_POLICY_DIRECTORY, length))
		said += length + 1;
	if (r < 0)
		snprintf(event.text, sizeof(event.text), "%s", said);
	else
		snprintf(event.text, sizeof(event.text), "%u rules",
			 hws_policy_rules(server->policy));
	serve_note(server, NULL, event);
}

/* All or nothing: with an error the old policy stays. Whoever is connected is judged by the new. */
static void reload(struct server *server)
{
	int r = load_policy(server);

	if (r < 0)
		complain(hws_why());
	note_policy(server, r);
	if (r < 0)
		return;
	accounts_new_policy(server);
	r = machine_learn(server);
	if (r < 0)
		serve_say(server, NULL, HWS_LEVEL_ERROR, r, hws_why());
	peers_recheck(server);
}

static void on_signal(struct server *server)
{
	struct signalfd_siginfo info;

	while (read(server->signals, &info, sizeof(info)) == (ssize_t)sizeof(info)) {
		if (info.ssi_signo == SIGHUP)
			reload(server);
		else if (info.ssi_signo == SIGUSR1)
			peers_list(server);
		else
			server->stop = true;
	}
}

/* A tag is where it is; behind a peer's first byte it stands for its process, or its ring. */
static void on_event(struct server *server, const struct epoll_event *event)
{
	uintptr_t tag = (uintptr_t)event->data.ptr;
	struct peer *peer = (struct peer *)(tag & ~(uintptr_t)SERVE_TAGS);

	if (event->data.ptr == &server->listener)
		peer_accept(server);
	else if (event->data.ptr == &server->signals)
		on_signal(server);
	else if (peer->gone)
		return;
	else if (tag & SERVE_TAG_RING)
		ring_doorbell(server, peer);
	else if (tag & SERVE_TAG_PROCESS)
		peer_end(server, peer, "its process ended");
	else if (event->events & EPOLLIN)
		peer_readable(server, peer);
	else if (event->events & EPOLLOUT)
		peer_writable(server, peer);
	else
		peer_end(server, peer, "closed");
}

/*
 * One message of each that has some, and of each user no more than a part of a turn: nobody's flood
 * keeps the others waiting. Messages and rings begin by turns.
 */
static void take_turn(struct server *server, const struct epoll_event *events, int count)
{
	bool rings_first = server->turn++ & 1;

	server->due = PACE_NONE;
	door_look(server);
	lines_serve(server);
	if (rings_first)
		rings_serve(server);
	/* another one begins each time: of a user's connections none has all that is the user's */
	for (int i = 0; i < count; i++)
		on_event(server, &events[(server->turn + (uint64_t)i) % (uint64_t)count]);
	if (!rings_first)
		rings_serve(server);
}

static int loop(struct server *server)
{
	struct epoll_event events[EVENTS];

	while (!server->stop) {
		int count = epoll_wait(server->poller, events, EVENTS, pace_wait(server));

		if (count < 0 && errno != EINTR)
			return why(-errno, "the loop: %s", strerror(errno));
		if (sys_clock(CLOCK_MONOTONIC, &server->now) < 0)
			return why(-EIO, "the clock can't be read");
		take_turn(server, events, count);
		peers_impatient(server);
		peers_sweep(server);
		accounts_tell(server);
		stat_tell(server);
		serve_alive(server);
		if ((count <= 0 && !server->busy) || server->options->audit.file)
			hws_audit_flush(server->hw->audit);
	}
	return 0;
}

static int watch_signals(struct server *server)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGHUP);
	sigaddset(&set, SIGUSR1);
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
	char boot[SYS_BOOT];
	int r = hws_open(&options->context, &server->hw);

	r = r < 0 ? r : load_policy(server);
	if (r < 0)
		return r;
	note_policy(server, 0);
	server->listener = options->socket ? serve_listen(options->socket) : serve_activated();
	if (server->listener < 0)
		return server->listener;
	server->notify = serve_notify_open();
	server->alive = serve_alive_every();
	clearenv();
	sys_boot(boot); /* journals name it; /proc may be closed to us later */
	r = set_up_loop(server);
	if (r < 0)
		return why(r, "the loop: %s", strerror(-r));
	server->failure = RESULT_SYSTEM;
	r = serve_harden(server);
	if (r < 0)
		return r;
	server->failure = RESULT_FAILURE;
	r = machine_learn(server);
	r = r < 0 ? r : txn_replay(server);
	return r < 0 ? r : stat_begin(server);
}

static void tear_down(struct server *server)
{
	for (struct peer *peer = server->peers; peer; peer = peer->next)
		peer_end(server, peer, "the helper ends");
	peers_sweep(server);
	machine_forget(server);
	stat_end(server);
	accounts_free(server);
	hws_policy_unref(server->policy);
	hws_close(server->hw);
	/* as long as it listens nobody takes the path for left over, and makes it his own */
	if (server->options->socket && server->listener >= 0)
		unlink(server->options->socket);
	sys_close(server->listener);
	sys_close(server->poller);
	sys_close(server->signals);
	sys_close(server->spare);
	sys_close(server->notify);
	sys_close(server->exe_reader);
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

/*
 * As many descriptors as all clients may need, if they are to be had; a write that fails is told,
 * or it is what was to be told: nobody reads it any more.
 */
static void set_room(void)
{
	struct rlimit files;

	(void)signal(SIGXFSZ, SIG_IGN);
	(void)signal(SIGPIPE, SIG_IGN);
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
	r = server->options->soft ? 0 : serve_filter_check();
	if (r < 0)
		return r;
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
	server->due = PACE_NONE;
	server->listener = server->poller = server->signals = server->spare = -1;
	server->exe_reader = server->notify = -1;
	server->nobody.uid = UINT32_MAX;
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
